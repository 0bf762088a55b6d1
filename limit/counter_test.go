package limit

import (
	"math"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-api/gatehouse/contract"
)

// clock is a clock that stands until it is moved.
type clock struct{ at time.Time }

func newClock() *clock { return &clock{time.Date(2026, 2, 23, 10, 15, 30, 0, time.UTC)} }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

func counterOf(t testing.TB, b contract.Budget, now func() time.Time) *Counter {
	t.Helper()
	if b.Name == "" {
		b.Name = "test"
	}
	c, err := NewCounter(b, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// model is a budget written down from its definition, with no thought of speed:
// the list of what was admitted, and exact fractions.
type model struct {
	budget   contract.Budget
	admitted []event
	anchor   time.Time // of the current window
	drained  time.Time // bucket: when it will be empty
}

type event struct {
	at   time.Time
	cost int
}

func (m *model) count(from, to time.Time) (n int) {
	for _, e := range m.admitted {
		if !e.at.Before(from) && e.at.Before(to) {
			n += e.cost
		}
	}
	return n
}

func (m *model) take(now time.Time, cost int) bool {
	ok := false
	w := m.budget.Window
	switch m.budget.Algorithm {
	case contract.Sliding:
		switch passed := now.Sub(m.anchor); {
		case passed >= 2*w:
			m.anchor = now
		case passed >= w:
			m.anchor = m.anchor.Add(w)
		}
		before := m.count(m.anchor.Add(-w), m.anchor)
		used := m.count(m.anchor, m.anchor.Add(w))
		share := new(big.Rat).SetFrac64(int64(w-now.Sub(m.anchor)), int64(w))
		total := new(big.Rat).Mul(share, new(big.Rat).SetInt64(int64(before)))
		total.Add(total, new(big.Rat).SetInt64(int64(used+cost)))
		ok = total.Cmp(new(big.Rat).SetInt64(int64(m.budget.Requests))) <= 0
	case contract.Bucket:
		emit := time.Duration((int64(w) + int64(m.budget.Requests) - 1) / int64(m.budget.Requests))
		start := m.drained
		if start.Before(now) {
			start = now
		}
		end := start.Add(emit * time.Duration(cost))
		if ok = end.Sub(now) <= emit*time.Duration(m.budget.Requests); ok {
			m.drained = end
		}
	default:
		if !now.Before(m.anchor.Add(w)) {
			m.anchor = now
		}
		ok = m.count(m.anchor, m.anchor.Add(w))+cost <= m.budget.Requests
	}
	if ok {
		m.admitted = append(m.admitted, event{now, cost})
	}
	return ok
}

func drawBudget(t *rapid.T, a contract.Algorithm) contract.Budget {
	return contract.Budget{
		Name: "test", Algorithm: a,
		Requests: rapid.IntRange(1, 12).Draw(t, "requests"),
		Window:   time.Duration(rapid.IntRange(1, 90).Draw(t, "window")) * time.Second,
	}
}

func TestEveryAlgorithmDecidesAsItsModel(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		t.Run(string(a), rapid.MakeCheck(func(t *rapid.T) {
			b := drawBudget(t, a)
			clk := newClock()
			c, err := NewCounter(b, 0, clk.now)
			if err != nil {
				t.Fatal(err)
			}
			m := &model{budget: b}
			for range rapid.IntRange(1, 80).Draw(t, "calls") {
				clk.advance(time.Duration(rapid.Int64Range(0, int64(b.Window)*5/2).Draw(t, "pause")) / time.Duration(rapid.IntRange(1, 20).Draw(t, "part")))
				cost := rapid.IntRange(1, b.Requests).Draw(t, "cost")
				want := m.take(clk.now(), cost)
				got := c.Take("k", cost)
				if got.OK != want {
					t.Fatalf("at %v cost %d: %+v, the model says %v", clk.at, cost, got, want)
				}
				if got.Remaining < 0 || got.Remaining > b.Requests {
					t.Fatalf("remaining %d of %d", got.Remaining, b.Requests)
				}
				if got.Reset <= 0 || got.OK == (got.Retry > 0) {
					t.Fatalf("reset %v, retry %v, ok %v", got.Reset, got.Retry, got.OK)
				}
			}
		}))
	}
}

func TestRetryIsExact(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		t.Run(string(a), rapid.MakeCheck(func(t *rapid.T) {
			b := drawBudget(t, a)
			clk := newClock()
			early, _ := NewCounter(b, 0, clk.now)
			exact, _ := NewCounter(b, 0, clk.now)
			for range 60 {
				clk.advance(time.Duration(rapid.Int64Range(0, int64(b.Window)/3).Draw(t, "pause")))
				cost := rapid.IntRange(1, b.Requests).Draw(t, "cost")
				d := early.Take("k", cost)
				exact.Take("k", cost)
				if d.OK {
					continue
				}
				clk.advance(d.Retry - time.Nanosecond)
				if early.Take("k", cost).OK {
					t.Fatalf("served 1 ns before the stated %v", d.Retry)
				}
				clk.advance(time.Nanosecond)
				if !exact.Take("k", cost).OK {
					t.Fatalf("refused after the stated %v", d.Retry)
				}
				return
			}
		}))
	}
}

// TestWhatIsSaidOfAFullBudgetIsWhenItHasRoom: who is told r=0 with a call that
// was served comes back after t and is served, and not a nanosecond before.
func TestWhatIsSaidOfAFullBudgetIsWhenItHasRoom(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		var full atomic.Int64
		t.Run(string(a), rapid.MakeCheck(func(t *rapid.T) {
			b := drawBudget(t, a)
			clk := newClock()
			c, _ := NewCounter(b, 0, clk.now)
			m := &model{budget: b}
			for range 40 {
				clk.advance(time.Duration(rapid.Int64Range(0, int64(b.Window)/3).Draw(t, "pause")))
				d := c.Take("k", 1)
				if m.take(clk.now(), 1) != d.OK || !d.OK || d.Remaining > 0 {
					continue
				}
				full.Add(1)
				early := *m
				if early.take(clk.now().Add(d.Reset-time.Nanosecond), 1) {
					t.Fatalf("the model has room 1 ns before the stated %v", d.Reset)
				}
				if !m.take(clk.now().Add(d.Reset), 1) {
					t.Fatalf("the model has no room after the stated %v", d.Reset)
				}
				return
			}
		}))
		if full.Load() == 0 {
			t.Errorf("%s: no budget was ever full", a)
		}
	}
}

func TestRefundLeavesNothingBehind(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		t.Run(string(a), rapid.MakeCheck(func(t *rapid.T) {
			b := drawBudget(t, a)
			clk := newClock()
			with, _ := NewCounter(b, 0, clk.now)
			without, _ := NewCounter(b, 0, clk.now)
			without.Take("k", 1) // both windows begin with the same call
			with.Take("k", 1)
			for range rapid.IntRange(1, 40).Draw(t, "calls") {
				clk.advance(time.Duration(rapid.Int64Range(0, int64(b.Window)/4).Draw(t, "pause")))
				if rapid.Bool().Draw(t, "given back") {
					with.Refund("k", with.Take("k", 1))
					continue
				}
				if g, w := with.Take("k", 1).OK, without.Take("k", 1).OK; g != w {
					t.Fatalf("with refunds %v, without %v", g, w)
				}
			}
		}))
	}
}

func TestLateRefundNeverGivesMoreThanItTook(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		t.Run(string(a), func(t *testing.T) {
			clk := newClock()
			c := counterOf(t, contract.Budget{Requests: 3, Window: 9 * time.Second, Algorithm: a}, clk.now)
			d := c.Take("k", 1)
			clk.advance(30 * time.Second)
			for range 3 {
				if !c.Take("k", 1).OK {
					t.Fatal("an idle budget is whole again")
				}
			}
			full := c.Take("k", 1)
			c.Refund("k", d)
			if got := c.Take("k", 1); got != full {
				t.Errorf("a refund from a window long past changed %+v to %+v", full, got)
			}
		})
	}
}

func TestConcurrentCallsStayWithinTheBudget(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		t.Run(string(a), func(t *testing.T) {
			c := counterOf(t, contract.Budget{Requests: 100, Window: time.Hour, Algorithm: a}, newClock().now)
			var admitted atomic.Int64
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for range 50 {
						if c.Take("k", 1).OK {
							admitted.Add(1)
						}
					}
				})
			}
			wg.Wait()
			if admitted.Load() != 100 {
				t.Errorf("%d calls were served of a budget of 100", admitted.Load())
			}
		})
	}
}

// TestDecisionsToTheNanosecond follows one key over the edges of each algorithm.
func TestDecisionsToTheNanosecond(t *testing.T) {
	const s, ns = time.Second, time.Nanosecond
	budget := func(n int, w time.Duration, a contract.Algorithm) contract.Budget {
		return contract.Budget{Requests: n, Window: w, Algorithm: a}
	}
	ok := func(left int, reset time.Duration) Decision { return Decision{OK: true, Remaining: left, Reset: reset} }
	no := func(wait time.Duration) Decision { return Decision{Reset: wait, Retry: wait} }
	type step struct {
		pause time.Duration
		back  int // the step whose call is given back after the pause, from 1
		want  Decision
	}
	for _, row := range []struct {
		name   string
		budget contract.Budget
		steps  []step
	}{
		{"a fixed window ends as a whole", budget(2, 10*s, contract.Fixed),
			[]step{{0, 0, ok(1, 10*s)}, {10*s - ns, 0, ok(0, ns)}, {0, 0, no(ns)}, {ns, 0, ok(1, 10*s)}}},
		{"a fixed window begins with a call that counts", budget(2, 10*s, contract.Fixed),
			[]step{{0, 0, ok(1, 10*s)}, {4 * s, 1, ok(1, 10*s)}}},
		{"and goes on while one does", budget(2, 10*s, contract.Fixed),
			[]step{{0, 0, ok(1, 10*s)}, {3 * s, 0, ok(0, 7*s)}, {s, 2, ok(0, 6*s)}}},
		{"sliding, one window later", budget(2, 10*s, contract.Sliding),
			[]step{{0, 0, ok(1, 10*s)}, {10 * s, 0, ok(0, 10*s)}, {0, 0, no(10 * s)}, {ns, 0, no(10*s - ns)}}},
		{"sliding, two windows later", budget(2, 10*s, contract.Sliding),
			[]step{{0, 0, ok(1, 10*s)}, {20 * s, 0, ok(1, 10*s)}}},
		{"a sliding window begins anew after a pause", budget(2, 10*s, contract.Sliding),
			[]step{{0, 0, ok(1, 10*s)}, {27 * s, 0, ok(1, 10*s)}}},
		{"sliding, given back in the next window", budget(2, 10*s, contract.Sliding),
			[]step{{0, 0, ok(1, 10*s)}, {10 * s, 0, ok(0, 10*s)}, {0, 1, ok(0, 15*s)}}},
		{"sliding, full in one window: the next begins as full", budget(2, 10*s, contract.Sliding),
			[]step{{0, 0, ok(1, 10*s)}, {0, 0, ok(0, 15*s)}, {15*s - ns, 0, no(ns)}, {ns, 0, ok(0, 5*s)}}},
		{"sliding, given back in the window after that", budget(2, 10*s, contract.Sliding),
			[]step{{0, 0, ok(1, 10*s)}, {10 * s, 0, ok(0, 10*s)}, {10 * s, 1, ok(0, 10*s)}}},
		{"a bucket drains evenly", budget(5, 10*s, contract.Bucket),
			[]step{{0, 0, ok(4, 2*s)}, {s, 0, ok(3, s)}, {s, 0, ok(3, 2*s)}}},
		{"what has drained is not given back", budget(5, 10*s, contract.Bucket),
			[]step{{0, 0, ok(4, 2*s)}, {0, 0, ok(3, 2*s)}, {3 * s, 1, ok(3, s)}}},
		{"a rate that is no whole number of nanoseconds is rounded down", budget(3, s, contract.Bucket),
			[]step{{0, 0, ok(2, 333_333_334)}, {0, 0, ok(1, 333_333_334)}, {0, 0, ok(0, 333_333_334)}, {0, 0, no(333_333_334)}}},
	} {
		clk := newClock()
		c := counterOf(t, row.budget, clk.now)
		var made []Decision
		for i, step := range row.steps {
			clk.advance(step.pause)
			if step.back > 0 {
				c.Refund("k", made[step.back-1])
			}
			made = append(made, c.Take("k", 1))
			got := made[i]
			if got.mark, got.cost = 0, 0; got != step.want {
				t.Errorf("%s, step %d: %+v, want %+v", row.name, i+1, got, step.want)
			}
		}
	}
}

// TestCallsThatReadTheClockInAnotherOrder: the one that comes late to the counter
// finds the window of the other.
func TestCallsThatReadTheClockInAnotherOrder(t *testing.T) {
	r := newRule(contract.Budget{Requests: 4, Window: 10, Algorithm: contract.Sliding})
	early, exact := slot{at: 100, used: 1, before: 2}, slot{at: 100, used: 1, before: 2}
	if got, want := r.take(&early, 97, 1), r.take(&exact, 100, 1); got != want || early != exact {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestASlotExpiresWithItsLastCall: as soon as it decides as an empty one would.
func TestASlotExpiresWithItsLastCall(t *testing.T) {
	for a, after := range map[contract.Algorithm]int64{contract.Fixed: 10, contract.Sliding: 20, contract.Bucket: 10} {
		r, s := newRule(contract.Budget{Requests: 5, Window: 10, Algorithm: a}), slot{}
		r.take(&s, 100, 5)
		if r.expired(&s, 100+after-1) || !r.expired(&s, 100+after) {
			t.Errorf("%s: not exactly %d after", a, after)
		}
	}
}

func TestSlidingWindowHasNoEdge(t *testing.T) {
	clk := newClock()
	c := counterOf(t, contract.Budget{Requests: 10, Window: 10 * time.Second, Algorithm: contract.Sliding}, clk.now)
	c.Take("k", 1)
	clk.advance(9 * time.Second)
	for range 9 {
		c.Take("k", 1)
	}
	clk.advance(2 * time.Second) // a fixed window would serve 10 again
	served := 0
	for range 10 {
		if c.Take("k", 1).OK {
			served++
		}
	}
	if served != 1 {
		t.Errorf("%d served just after the edge; 10 x 9/10 still count, so 1", served)
	}
}

func TestBudgetsThatCannotBeCountedAreRefused(t *testing.T) {
	good := contract.Budget{Name: "b", Requests: 1, Window: time.Second}
	for name, change := range map[string]func(*contract.Budget){
		"no requests":           func(b *contract.Budget) { b.Requests = 0 },
		"too many requests":     func(b *contract.Budget) { b.Requests = math.MaxInt32 + 1 },
		"a window below 1 s":    func(b *contract.Budget) { b.Window = time.Millisecond },
		"a window of 1.5 s":     func(b *contract.Budget) { b.Window = 1500 * time.Millisecond },
		"an endless window":     func(b *contract.Budget) { b.Window = 1 << 62 },
		"an unknown algorithm":  func(b *contract.Budget) { b.Algorithm = "leaky" },
		"an unknown key":        func(b *contract.Budget) { b.Key = "cookie" },
		"an account unnamed":    func(b *contract.Budget) { b.Key = contract.ByAccount },
		"no name":               func(b *contract.Budget) { b.Name = "" },
		"a name with a newline": func(b *contract.Budget) { b.Name = "a\r\nSet-Cookie: x" },
		"a name of 257 bytes":   func(b *contract.Budget) { b.Name = strings.Repeat("x", 257) },
	} {
		b := good
		change(&b)
		if _, err := NewCounter(b, 0, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewCounter(good, -1, nil); err == nil {
		t.Error("a negative number of keys: accepted")
	}
	if _, err := NewCounter(good, 0, nil); err != nil {
		t.Error(err)
	}
}

func TestACostIsOneToTheWholeBudget(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		c := counterOf(t, contract.Budget{Requests: 3, Window: time.Minute, Algorithm: a}, newClock().now)
		if d := c.Take("k", 1000); !d.OK || d.Remaining != 0 {
			t.Errorf("%s: %+v", a, d)
		}
		if c.Take("k", 1000).OK {
			t.Errorf("%s: served twice", a)
		}
		if d := c.Take("free", 0); d.Remaining != 2 {
			t.Errorf("%s: a cost of nothing: %+v", a, d)
		}
	}
}

func TestADecisionAllocatesNothing(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		c := counterOf(t, contract.Budget{Requests: 100, Window: time.Minute, Algorithm: a}, nil)
		c.Take("k", 1)
		if n := testing.AllocsPerRun(1000, func() { c.Refund("k", c.Take("k", 1)) }); n != 0 {
			t.Errorf("%s: %v allocations for a decision", a, n)
		}
	}
}

func BenchmarkDecision(b *testing.B) {
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = "member-" + time.Duration(i).String()
	}
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		b.Run(string(a), func(b *testing.B) {
			c := counterOf(b, contract.Budget{Requests: 1 << 29, Window: time.Hour, Algorithm: a}, nil)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.Take(keys[i%len(keys)], 1)
				i++
			}
		})
	}
}
