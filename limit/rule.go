package limit

import (
	"math/bits"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

// rule is a budget in numbers. Times are nanoseconds of the counter's clock,
// which begins far enough above 0 that a zero slot is an expired one.
type rule struct {
	algorithm contract.Algorithm
	n         int64 // calls in a window
	window    int64
	emit      int64 // bucket: the time in which one call drains
}

func newRule(b contract.Budget) rule {
	n, w := int64(b.Requests), int64(b.Window)
	return rule{algorithm: b.Algorithm, n: n, window: w, emit: (w + n - 1) / n}
}

// taken is the outcome of one attempt.
type taken struct {
	ok        bool
	remaining int64
	reset     int64 // until the budget changes by itself
	retry     int64 // until the same attempt succeeds, when nobody else comes
	mark      int64 // tells refund which window or emission it was
}

func (r rule) take(s *slot, now, cost int64) taken {
	switch r.algorithm {
	case contract.Sliding:
		return r.takeSliding(s, now, cost)
	case contract.Bucket:
		return r.takeBucket(s, now, cost)
	default:
		return r.takeFixed(s, now, cost)
	}
}

func (r rule) refund(s *slot, now, cost, mark int64) {
	switch r.algorithm {
	case contract.Sliding:
		if mark == s.at {
			s.used -= min(s.used, uint32(cost))
		} else if mark+r.window == s.at {
			s.before -= min(s.before, uint32(cost))
		}
	case contract.Bucket:
		// What has drained since is not given back: only the rest of the
		// emission that this attempt added.
		s.at -= min(max(mark-now, 0), r.emit*cost)
	default:
		if mark != s.at {
			return
		}
		if s.used -= min(s.used, uint32(cost)); s.used == 0 {
			s.at = now // a window begins with a call that counts
		}
	}
}

// expired tells whether the slot decides as an empty one would.
func (r rule) expired(s *slot, now int64) bool {
	if r.algorithm == contract.Sliding {
		return now-s.at >= 2*r.window
	}
	return now >= s.at
}

// level is how much of the budget is used, for eviction.
func (r rule) level(s *slot, now int64) int64 {
	switch r.algorithm {
	case contract.Sliding:
		return int64(s.used) + r.weighted(s, r.roll(s, now))
	case contract.Bucket:
		return (s.at - now) / r.emit
	default:
		return int64(s.used)
	}
}

// takeFixed: the window begins with the first call and ends as a whole; at is
// its end.
func (r rule) takeFixed(s *slot, now, cost int64) taken {
	if now >= s.at {
		s.at, s.used = now+r.window, 0
	}
	t := taken{reset: s.at - now, mark: s.at}
	if int64(s.used)+cost > r.n {
		t.remaining, t.retry = r.n-int64(s.used), t.reset
		return t
	}
	s.used += uint32(cost)
	t.ok, t.remaining = true, r.n-int64(s.used)
	return t
}

// takeSliding: at is the begin of the window in used; before is the count of the
// window before it, which weighs as much as it still overlaps the last window.
func (r rule) takeSliding(s *slot, now, cost int64) taken {
	now = r.roll(s, now)
	room := r.n - int64(s.used) - r.weighted(s, now)
	t := taken{reset: s.at + r.window - now, mark: s.at}
	if cost > room {
		t.remaining, t.retry = room, r.slidingRetry(s, now, cost)
		t.reset = t.retry
		return t
	}
	s.used += uint32(cost)
	t.ok, t.remaining = true, room-cost
	if t.remaining < cost { // the end of this window makes no room: it weighs on
		t.reset = r.slidingRetry(s, now, cost)
	}
	return t
}

// roll moves the windows on to now and returns it, or the begin of the window
// when a call that read the clock later was here first.
func (r rule) roll(s *slot, now int64) int64 {
	switch passed := now - s.at; {
	case passed >= 2*r.window:
		s.at, s.used, s.before = now, 0, 0
	case passed >= r.window:
		s.at, s.before, s.used = s.at+r.window, s.used, 0
	}
	return max(now, s.at)
}

// weighted is before x (the part of the window that it still covers), rounded up.
func (r rule) weighted(s *slot, now int64) int64 {
	covered := r.window - (now - s.at)
	q, rest := mulDiv(int64(s.before), covered, r.window)
	if rest {
		q++
	}
	return q
}

// slidingRetry is the time until cost fits: in this window, when the one before
// has faded enough, else in the next, when this one has.
func (r rule) slidingRetry(s *slot, now, cost int64) int64 {
	if room := r.n - int64(s.used) - cost; room >= 0 {
		covered, _ := mulDiv(room, r.window, int64(s.before))
		return s.at + r.window - covered - now
	}
	covered, _ := mulDiv(r.n-cost, r.window, int64(s.used))
	return s.at + r.window + r.window - covered - now
}

// takeBucket is GCRA: at is the time at which the bucket will have drained.
func (r rule) takeBucket(s *slot, now, cost int64) taken {
	at := max(s.at, now)
	burst := r.n * r.emit
	next := at + r.emit*cost
	if wait := next - now - burst; wait > 0 {
		return taken{remaining: (burst - (at - now)) / r.emit, reset: wait, retry: wait}
	}
	s.at = next
	level := next - now
	return taken{ok: true, remaining: (burst - level) / r.emit, reset: (level-1)%r.emit + 1, mark: next}
}

// mulDiv is a x b / c without overflow; rest tells whether something was cut off.
func mulDiv(a, b, c int64) (q int64, rest bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	d, m := bits.Div64(hi, lo, uint64(c))
	return int64(d), m != 0
}

func seconds(ns int64) int64 { return (ns + int64(time.Second) - 1) / int64(time.Second) }
