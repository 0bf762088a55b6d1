package limit

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"net/netip"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

// DefaultMaxKeys is how many keys a budget holds unless MaxKeys says otherwise:
// 16 MiB for each budget when it is full.
const DefaultMaxKeys = 1 << 19

// Decision is what a Counter says to one attempt.
type Decision struct {
	OK        bool          // within the budget, and counted
	Remaining int           // what is left of the budget
	Reset     time.Duration // until the window ends or, where that makes no room, the same call fits; for a bucket, until one more has drained
	Retry     time.Duration // when not OK: until the same attempt succeeds if nobody else comes

	mark int64
	cost int64
}

// Counter counts one budget by key, in memory. It is safe for concurrent use,
// and a decision allocates nothing.
type Counter struct {
	budget contract.Budget
	rule   rule
	store  *store
	hasher hasher
	now    func() time.Time
	begin  time.Time
}

// NewCounter returns a Counter for b that holds maxKeys keys at most
// (DefaultMaxKeys when 0) and reads now (time.Now when nil).
func NewCounter(b contract.Budget, maxKeys int, now func() time.Time) (*Counter, error) {
	b, err := checked(b)
	if err = errors.Join(err, checkKeys(maxKeys)); err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return newCounter(b, maxKeys, now, newHasher()), nil
}

// newCounter takes what checked and checkKeys let pass.
func newCounter(b contract.Budget, maxKeys int, now func() time.Time, h hasher) *Counter {
	s := newStore(cmp.Or(maxKeys, DefaultMaxKeys))
	return &Counter{budget: b, rule: newRule(b), store: s, hasher: h, now: now, begin: now()}
}

func checkKeys(n int) error {
	if n < 0 {
		return errors.New("limit: MaxKeys is negative")
	}
	return nil
}

// Budget is what the Counter counts.
func (c *Counter) Budget() contract.Budget { return c.budget }

// Take counts cost against the budget of key: at least 1, and at most the whole
// budget.
func (c *Counter) Take(key string, cost int) Decision {
	return c.take(c.hasher.text(key), min(int64(max(cost, 1)), c.rule.n))
}

// Refund gives back what a Decision took; for one that was not OK it does
// nothing. Refund a Decision once.
func (c *Counter) Refund(key string, d Decision) { c.refund(c.hasher.text(key), d) }

func (c *Counter) take(k key, cost int64) Decision {
	now := c.clock()
	sh := c.store.shard(k)
	sh.mu.Lock()
	s := sh.find(k)
	if s == nil {
		s = sh.place(k, c.store.maxSlots, c.rule, now)
	}
	t := c.rule.take(s, now, cost)
	sh.mu.Unlock()
	return Decision{
		OK: t.ok, Remaining: int(t.remaining), Reset: time.Duration(t.reset),
		Retry: time.Duration(t.retry), mark: t.mark, cost: cost,
	}
}

func (c *Counter) refund(k key, d Decision) {
	if !d.OK {
		return
	}
	now := c.clock()
	sh := c.store.shard(k)
	sh.mu.Lock()
	if s := sh.find(k); s != nil {
		c.rule.refund(s, now, d.cost, d.mark)
	}
	sh.mu.Unlock()
}

// clock counts from the beginning of the Counter, so that a step of the wall
// clock neither ends a window nor stretches it.
func (c *Counter) clock() int64 {
	return int64(c.now().Sub(c.begin)) + 2*c.rule.window
}

// checked fills in what may be left out of a budget and refuses what cannot be
// counted.
func checked(b contract.Budget) (contract.Budget, error) {
	if b.Key == "" {
		b.Key = contract.ByAddress
	}
	if b.Algorithm == "" {
		b.Algorithm = contract.Fixed
	}
	fault := ""
	switch {
	case !nameable(b.Name):
		fault = "its name must be 1 to 256 printable ASCII characters"
	case b.Requests < 1 || b.Requests > math.MaxInt32:
		fault = "the number of requests must be 1 to 2,147,483,647"
	case b.Window < time.Second || b.Window > 366*24*time.Hour || b.Window%time.Second != 0:
		fault = "the window must be whole seconds, 1 s to 366 days"
	case b.Algorithm != contract.Fixed && b.Algorithm != contract.Sliding && b.Algorithm != contract.Bucket:
		fault = "the algorithm must be fixed, sliding or bucket"
	case stageOf(b.Key) < 0:
		fault = "the key must be address, member, api-key, account or account+address"
	case stageOf(b.Key) == AccountStage && b.Account == "":
		fault = "a budget per account must say which member of the body names the account"
	}
	if fault != "" {
		return b, fmt.Errorf("limit: budget %q: %s", b.Name, fault)
	}
	return b, nil
}

// nameable tells whether a name can be a String of a structured field (RFC 9651
// §3.3.3).
func nameable(name string) bool {
	for _, b := range []byte(name) {
		if b < 0x20 || b > 0x7e {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 256
}

// hasher makes keys. Its seeds are random, so that nobody can choose inputs
// that collide.
type hasher struct{ a, b maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed(), maphash.MakeSeed()} }

func (h hasher) text(s string) key {
	return key{maphash.String(h.a, s), maphash.String(h.b, s)}
}

// apiKey is apart from text, for a key may have the id of a member.
func (h hasher) apiKey(id string) key {
	v := struct{ apiKey, id string }{"api-key", id}
	return key{maphash.Comparable(h.a, v), maphash.Comparable(h.b, v)}
}

func (h hasher) address(a netip.Addr) key {
	b := block(a)
	return key{maphash.Bytes(h.a, b[:]), maphash.Bytes(h.b, b[:])}
}

func (h hasher) both(s string, a netip.Addr) key {
	v := struct {
		text  string
		block [16]byte
	}{s, block(a)}
	return key{maphash.Comparable(h.a, v), maphash.Comparable(h.b, v)}
}

// block is the address as it is counted: IPv4 whole, IPv6 by /64.
func block(a netip.Addr) [16]byte {
	a = a.Unmap()
	b := a.As16()
	if a.Is6() {
		clear(b[8:])
	}
	return b
}
