package store

import (
	"context"
)

// Isolation is what a writing transaction sees of others that run beside it.
// SQLite runs writes one after the other whatever is asked.
type Isolation int

// The isolations.
const (
	// Serializable behaves as if writes ran one after the other; on PostgreSQL
	// one that cannot is run again.
	Serializable Isolation = iota
	// ReadCommitted lets each statement see what is committed when it starts.
	// It is faster under contention, and right only where every decision is
	// made inside one statement (a conditional UPDATE, an upsert).
	ReadCommitted
)

// Change says what a write is, beside what it does. A nil Change writes with
// neither audit entry nor idempotency.
type Change struct {
	Action      string         // audited as this, UPPER_SNAKE; "" writes no audit entry
	Resource    string         // what was changed: "appointments/3"; f may set it
	Outcome     string         // audited as this; "" is "success"
	Details     map[string]any // audited as JSON; no secrets; f may set it
	RequestID   string         // the request that asked
	Notify      bool           // tell other processes at once (see Store.Changes); for revocations, not for hot paths
	Isolation   Isolation      // PostgreSQL; the zero value is the strictest
	Idempotency *Idempotency   // nil: the write is not repeatable
	Answer      Answer         // set by f, stored with the idempotency record; on a replay the stored one
	Replayed    bool           // set by Write: f was not run, Answer is the stored one
}

// Idempotency names a write that its caller may send again.
type Idempotency struct {
	Scope       string // what the key is unique within, beside the actor: the operation id
	Key         string // as the caller sent it
	Fingerprint string // of the request: the same key with another one is refused
}

// Answer is an HTTP answer, to be given again to a repeated request.
type Answer struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Write is the transaction door: f's changes, the audit entry and the
// idempotency record are committed together or not at all. f runs inside a
// transaction and must do nothing but work on it; on PostgreSQL it may run
// again after a conflict with another write. An error of f is returned as it
// is and undoes everything f did. nil means that the change is durable.
func (s *Store) Write(ctx context.Context, a Actor, ch *Change, f func(*Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed
	}
	if ch == nil {
		ch = &Change{}
	}
	return s.backend.write(ctx, a, ch.Isolation, f)
}
