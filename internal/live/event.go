package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// Event is something that subscribers of a topic are told.
type Event struct {
	Topic string
	// Key names the thing that changed, and Version counts its changes, one by
	// one. Writers that commit one after the other may publish the other way
	// round: an event waits a moment for those before it, and one that comes later
	// still is dropped, so that no connection sees an older state after a newer
	// one. Version 0 is always sent at once.
	Key     string
	Version int64
	// View is the message as a principal may see it, nil when it may not see it
	// at all. It is called for one connection after the other and must not block.
	View func(*call.Principal) []byte
}

const (
	// patience is how long an event waits for those before it. One that never
	// comes is of a change that told nobody.
	patience = 100 * time.Millisecond
	// greeting is how long the first event of a key waits, when it is not known
	// what came before it.
	greeting = 10 * time.Millisecond
	// leap is from how many missing versions on nobody waits: it is no other
	// writer that is late, the thing was made anew.
	leap = 256
)

// lane is the events of one key.
type lane struct {
	last  int64   // the newest version sent, 0 for none
	held  []Event // those that wait, by version
	timer *time.Timer
	until int64 // the version that has waited long enough when the timer ends
}

// Publish sends an event to the connections of its topic. Call it when the
// change is committed. It does not wait for any reader.
func (h *Hub) Publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping {
		return
	}
	if e.Version == 0 {
		h.send(e)
		return
	}
	key := e.Topic + "\x00" + e.Key
	l := h.lanes[key]
	if l == nil {
		l = &lane{}
		h.lanes[key] = l
	}
	switch {
	case len(h.conns) == 0: // there is nobody to be told in order
		l.last, l.held = max(l.last, e.Version), nil
	case e.Version >= l.last:
		l.hold(e)
		if l.last > 0 {
			h.release(l, 0)
		}
		h.wait(l)
	}
}

// hold puts an event where it belongs among those that wait.
func (l *lane) hold(e Event) {
	at, _ := slices.BinarySearchFunc(l.held, e.Version, func(x Event, v int64) int { return cmp.Compare(x.Version, v) })
	l.held = slices.Insert(l.held, at, e)
}

// release sends those that wait up to a version, and what need not wait then.
func (h *Hub) release(l *lane, until int64) {
	sent := 0
	for _, e := range l.held {
		if e.Version > max(until, l.last+1) && e.Version <= l.last+leap {
			break
		}
		h.send(e)
		l.last = e.Version
		sent++
	}
	l.held = slices.Delete(l.held, 0, sent) // in place: the next event needs no memory
	if len(l.held) == 0 && l.timer != nil && l.timer.Stop() {
		l.timer = nil
	}
}

// wait sees to it that the waiting of those held now has an end. Those held
// later wait for holes of their own.
func (h *Hub) wait(l *lane) {
	if len(l.held) == 0 || l.timer != nil {
		return
	}
	long := patience
	if l.last == 0 {
		long = greeting
	}
	l.until = l.held[len(l.held)-1].Version
	l.timer = time.AfterFunc(long, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		l.timer = nil
		if h.stopping {
			return
		}
		h.release(l, l.until)
		h.wait(l)
	})
}

// send gives an event to the connections that may see it.
func (h *Hub) send(e Event) {
	for k := range h.conns {
		if k.topic != e.Topic || k.ended() {
			continue
		}
		if message := e.View(k.principal); message != nil {
			k.send(message)
		}
	}
}

func (h *Hub) unsubscribe(k *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, k)
}
