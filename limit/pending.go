package limit

import (
	"context"
	"slices"
	"sync"
	"time"
)

// waitFor bounds how long a call waits for others that are being judged.
const waitFor = 10 * time.Second

// pending knows the calls that hold a place in a budget of failures and are not
// judged yet. The place is taken first, or many guesses at one time would all
// find it free; but a call that finds the budget full of such places only has
// not been refused by a failure, so it waits until one of them is judged.
type pending struct {
	mu     sync.Mutex
	judged uint64 // how many calls were judged so far
	held   map[place]*holders
}

// place is a key of one budget.
type place struct {
	counter *Counter
	key     key
}

// holders are the calls that hold a place, and those that wait for one of them.
type holders struct {
	count  int
	judged chan struct{} // closed when one was judged
}

func newPending() *pending { return &pending{held: map[place]*holders{}} }

// hold notes that a is about to be served.
func (p *pending) hold(a *attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, counter := range a.plan.counters {
		if !counter.budget.Failures {
			continue
		}
		at := place{counter, a.keys[i]}
		h := p.held[at]
		if h == nil {
			h = &holders{judged: make(chan struct{})}
			p.held[at] = h
		}
		h.count++
	}
}

// judge notes that a was answered, and wakes those that wait for it.
func (p *pending) judge(a *attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judged++
	for i, counter := range a.plan.counters {
		if !counter.budget.Failures {
			continue
		}
		at := place{counter, a.keys[i]}
		h := p.held[at]
		h.count--
		close(h.judged)
		h.judged = make(chan struct{})
		if h.count == 0 {
			delete(p.held, at)
		}
	}
}

// seen is to be asked before a place is looked for, and given to wait.
func (p *pending) seen() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.judged
}

// wait waits until a call that stands in the way of a was judged since seen. It
// is false when a was refused by what is settled, and when ctx or until ends.
func (p *pending) wait(ctx context.Context, a *attempt, seen uint64, until <-chan time.Time) bool {
	judged, inTheWay := p.inTheWay(a, seen)
	if !inTheWay {
		return false
	}
	select {
	case <-judged:
		return true
	case <-until:
	case <-ctx.Done():
	}
	return false
}

// inTheWay returns what is closed when one of the calls is judged that fill the
// first budget which refused a. There is none when that budget is full without
// them, or counts more than failures.
func (p *pending) inTheWay(a *attempt, seen uint64) (judged <-chan struct{}, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(a.decisions[:], func(d Decision) bool { return !d.OK })
	counter := a.plan.counters[i]
	switch h := p.held[place{counter, a.keys[i]}]; {
	case !counter.budget.Failures:
		return nil, false
	case p.judged != seen: // it may have been one of them: look again
		return closed, true
	case h == nil:
		return nil, false
	default:
		return h.judged, true
	}
}

// closed is a channel that never makes anybody wait.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
