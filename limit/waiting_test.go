package limit

import (
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

// TestWhoIsWaitedFor: a call that was refused waits only when the first budget
// that refused it may be full of calls that are not judged yet.
func TestWhoIsWaitedFor(t *testing.T) {
	roomy := &Counter{budget: contract.Budget{Name: "roomy"}}
	every := &Counter{budget: contract.Budget{Name: "every"}}
	failed := &Counter{budget: contract.Budget{Name: "failed", Failures: true}}
	attemptOf := func(counters ...*Counter) *attempt {
		a := &attempt{plan: &plan{counters: counters}}
		for i, c := range counters {
			a.decisions[i].OK = c == roomy
		}
		return a
	}
	for _, row := range []struct {
		name   string
		a      *attempt
		held   bool // another call holds a place in failed
		judged bool // and one was judged since this one looked
		waits  bool
	}{
		{"full of a call that is not judged", attemptOf(failed), true, false, true},
		{"behind a budget with room", attemptOf(roomy, failed), true, false, true},
		{"full of failures", attemptOf(failed), false, false, false},
		{"full of failures, and somebody was judged", attemptOf(failed), false, true, true},
		{"refused by a budget of all calls", attemptOf(every, failed), true, false, false},
		{"refused by a budget of all calls, and somebody was judged", attemptOf(every, failed), true, true, false},
	} {
		p := newPending()
		seen := p.seen()
		holder := attemptOf(every, failed)
		if row.held {
			p.hold(holder)
		}
		if row.judged {
			other := attemptOf(failed)
			other.keys[0] = key{hi: 1}
			p.hold(other)
			p.judge(other)
		}
		judged, waits := p.inTheWay(row.a, seen)
		if waits != row.waits {
			t.Errorf("%s: waits %v", row.name, waits)
			continue
		}
		if waits && !row.judged {
			select {
			case <-judged:
				t.Errorf("%s: nobody was judged", row.name)
			default:
			}
			p.judge(holder)
			if len(p.held) != 0 {
				t.Errorf("%s: who was judged is still held", row.name)
			}
		}
		if waits {
			<-judged
		}
	}
}

// TestPlacesOfEachPrincipal counts two principals of one shard, and keeps
// nothing of those who have gone.
func TestPlacesOfEachPrincipal(t *testing.T) {
	l := &layer{cfg: Config{Stage: MemberStage}}
	f, _ := Concurrency{PerPrincipal: 2}.around(l, nil).(*inFlight)
	ada, bob := key{lo: 1}, key{lo: 2}
	for i, step := range []struct {
		k       key
		in, yes bool
	}{
		{ada, true, true}, {ada, true, true}, {ada, true, false}, {bob, true, true},
		{ada, false, true}, {ada, true, true}, {ada, true, false},
		{ada, false, true}, {ada, false, true}, {bob, true, true}, {bob, true, false}, {bob, false, true}, {bob, false, true},
	} {
		if step.in {
			if f.enter(step.k, f.places) != step.yes {
				t.Errorf("step %d: let in %v", i, !step.yes)
			}
			continue
		}
		f.leave(step.k)
	}
	for i := range f.crowds {
		if n := len(f.crowds[i].running); n != 0 {
			t.Errorf("%d principals are kept who have nothing running", n)
		}
	}
}

// TestAShedCallComesBackInASecond, whichever stage had no place for it.
func TestAShedCallComesBackInASecond(t *testing.T) {
	for _, stage := range []Stage{AddressStage, MemberStage} {
		f := &inFlight{layer: &layer{cfg: Config{Stage: stage}}}
		if e := f.refusal(); e.Retry == nil || e.Retry.After != time.Second {
			t.Errorf("stage %d: %+v", stage, e.Retry)
		}
	}
}
