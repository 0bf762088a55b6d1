package limit

import "sync"

const (
	shardCount = 64
	ways       = 8 // places in a set; a key lives in exactly one set
)

// key is two independent keyed hashes of what is counted apart.
type key struct{ hi, lo uint64 }

// shard is the number of the shard in which a key lives.
func (k key) shard() uint64 { return k.hi >> 58 }

// slot is one counter. What at, used and before mean is the algorithm's affair;
// a zero slot is a free place, and expired in each of them.
type slot struct {
	key    key
	at     int64
	used   uint32
	before uint32
}

type shard struct {
	mu    sync.Mutex
	slots []slot // sets of ways places; a power of two of them
	_     [128 - 32]byte
}

// store keeps the counters of one budget.
type store struct {
	shards   [shardCount]shard
	maxSlots int // per shard
}

func newStore(maxKeys int) *store {
	s := &store{maxSlots: ways}
	for s.maxSlots*2*shardCount <= maxKeys {
		s.maxSlots *= 2
	}
	return s
}

func (s *store) shard(k key) *shard { return &s.shards[k.shard()] }

// find returns the slot of k, or nil.
func (sh *shard) find(k key) *slot {
	set := sh.set(k)
	for i := range set {
		if set[i].key == k {
			return &set[i]
		}
	}
	return nil
}

func (sh *shard) set(k key) []slot {
	if len(sh.slots) == 0 {
		return nil
	}
	sets := uint64(len(sh.slots) / ways)
	at := (k.hi & (sets - 1)) * ways
	return sh.slots[at : at+ways]
}

// place returns a slot for a key that find does not know: an expired one,
// growing the table up to its bound, else the least used one. Its counter is
// zero.
func (sh *shard) place(k key, maxSlots int, r rule, now int64) *slot {
	for {
		set := sh.set(k)
		for i := range set {
			if r.expired(&set[i], now) {
				set[i] = slot{key: k}
				return &set[i]
			}
		}
		if len(sh.slots) >= maxSlots {
			victim := leastUsed(set, r, now)
			*victim = slot{key: k}
			return victim
		}
		sh.grow()
	}
}

func leastUsed(set []slot, r rule, now int64) *slot {
	var victim *slot
	var least int64
	for i := range set {
		s := &set[i]
		level := r.level(s, now)
		if victim == nil || level < least || level == least && s.at < victim.at {
			victim, least = s, level
		}
	}
	return victim
}

// grow doubles the table. A set of n sets goes into two of the new one, so
// nothing is lost.
func (sh *shard) grow() {
	old := sh.slots
	sh.slots = make([]slot, max(ways, 2*len(old)))
	for i := range old {
		set := sh.set(old[i].key)
		for j := range set {
			if set[j].key == (key{}) {
				set[j] = old[i]
				break
			}
		}
	}
}
