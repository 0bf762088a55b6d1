package limit

import "sync"

const (
	shardCount = 64
	ways       = 8 // places in a set; a key lives in exactly one set
)

// key is two independent keyed hashes of what is counted apart. lo is never 0:
// that marks a free place.
type key struct{ hi, lo uint64 }

// slot is one counter. What at, used and before mean is the algorithm's affair.
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
	shards  [shardCount]shard
	maxSets uint64 // per shard
}

func newStore(maxKeys int) *store {
	s := &store{maxSets: 1}
	for s.maxSets*2*ways*shardCount <= uint64(maxKeys) {
		s.maxSets *= 2
	}
	return s
}

func (s *store) shard(k key) *shard { return &s.shards[k.hi>>58] }

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

// place returns a slot for a key that find does not know: a free or an expired
// one, growing the table up to its bound, else the least used one. Its counter
// is zero.
func (sh *shard) place(k key, maxSets uint64, r rule, now int64) *slot {
	for {
		set := sh.set(k)
		for i := range set {
			if set[i].key.lo == 0 || r.expired(&set[i], now) {
				set[i] = slot{key: k}
				return &set[i]
			}
		}
		if uint64(len(sh.slots)/ways) >= maxSets {
			victim := leastUsed(set, r, now)
			*victim = slot{key: k}
			return victim
		}
		sh.grow()
	}
}

func leastUsed(set []slot, r rule, now int64) *slot {
	victim := &set[0]
	least := r.level(victim, now)
	for i := 1; i < len(set); i++ {
		level := r.level(&set[i], now)
		if level < least || level == least && set[i].at < victim.at {
			victim, least = &set[i], level
		}
	}
	return victim
}

// grow doubles the table. A set of n sets goes into two of the new one, so
// nothing is lost.
func (sh *shard) grow() {
	if len(sh.slots) == 0 {
		sh.slots = make([]slot, ways)
		return
	}
	old := sh.slots
	sh.slots = make([]slot, 2*len(old))
	for i := range old {
		if old[i].key.lo == 0 {
			continue
		}
		set := sh.set(old[i].key)
		for j := range set {
			if set[j].key.lo == 0 {
				set[j] = old[i]
				break
			}
		}
	}
}
