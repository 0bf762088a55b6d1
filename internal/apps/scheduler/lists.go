package scheduler

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// tables is the store of this app. It counts the writes, so that a list that is
// kept in memory is known to be old before the write is acknowledged.
type tables struct {
	*store.Store
	writes atomic.Uint64
}

// Write is the store's, and counts. It counts a failed write too: when a
// connection is lost, nobody knows what became of it.
func (t *tables) Write(ctx context.Context, a store.Actor, ch *store.Change, f func(*store.Tx) error) error {
	defer t.writes.Add(1)
	return t.Store.Write(ctx, a, ch, f)
}

// WritePlan is the store's, and counts as Write does.
func (t *tables) WritePlan(ctx context.Context, a store.Actor, ch *store.Change, p store.Plan) error {
	defer t.writes.Add(1)
	return t.Store.WritePlan(ctx, a, ch, p)
}

// listFor bounds how long a list may be older than a write of another process,
// which this one does not count.
const listFor = time.Second

// memo keeps the encoded form of a list that reads the same for everybody. It
// never gives a state older than the last acknowledged write of this process:
// what was read is kept under the count of writes before the read began, and
// given only while that is still the count.
type memo struct {
	tables *tables
	read   func(context.Context) ([]byte, error)
	now    func() time.Time

	kept    atomic.Pointer[reading]
	mu      sync.Mutex
	running *reading // the read that others may wait for
}

// reading is one read of a list, done or on its way.
type reading struct {
	writes uint64 // counted before it began
	began  time.Time
	done   chan struct{}
	body   []byte
	err    error
}

// get returns the list. Callers that come while it is read wait for that read,
// as long as no write was acknowledged since it began.
func (l *memo) get(ctx context.Context) ([]byte, error) {
	writes := l.tables.writes.Load()
	if k := l.kept.Load(); k != nil && k.writes == writes && l.now().Sub(k.began) < listFor {
		return k.body, nil
	}
	r, mine := l.join(writes)
	if mine {
		l.load(ctx, r)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.err != nil && !mine && ctx.Err() == nil {
		return l.read(ctx) // the one that read may have been called off; this one was not
	}
	return r.body, r.err
}

// join returns the read that is on its way for this count of writes, or a new
// one that is the caller's to do.
func (l *memo) join(writes uint64) (r *reading, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running != nil && l.running.writes == writes {
		return l.running, false
	}
	l.running = &reading{writes: writes, began: l.now(), done: make(chan struct{})}
	return l.running, true
}

func (l *memo) load(ctx context.Context, r *reading) {
	defer func() {
		l.mu.Lock()
		if l.running == r {
			l.running = nil
		}
		l.mu.Unlock()
		close(r.done)
	}()
	if r.body, r.err = l.read(ctx); r.err == nil {
		l.kept.Store(r)
	}
}
