package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
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
// idempotency record are committed together or not at all. nil means that the
// change is durable; an error of f is returned as it is and undoes all f did.
//
// f runs inside a transaction and must do nothing but work on it: on
// PostgreSQL it may run again, after a conflict with another write or a lost
// connection, on a Change as it was given. A context that ends before f's turn
// means that f does not run; one that ends after the commit began changes
// nothing. A nil f writes the audit entry alone.
func (s *Store) Write(ctx context.Context, a Actor, ch *Change, f func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if ch == nil {
		return s.backend.write(ctx, a, Serializable, f)
	}
	if err := ch.check(); err != nil {
		return err
	}
	ch.Replayed = false
	given := *ch
	err := s.backend.write(ctx, a, ch.Isolation, func(tx *Tx) error {
		*ch = given
		return s.through(ctx, tx, ch, f)
	})
	if err != nil {
		ch.Answer, ch.Replayed = given.Answer, false
		return err
	}
	if p, ok := s.backend.(*postgres); ok && ch.Notify {
		p.notice.told()
	}
	if ch.Idempotency != nil {
		s.purgeNowAndThen(ctx)
	}
	return nil
}

// maxKey bounds an idempotency key, which is an index entry.
const maxKey = 255

func (ch *Change) check() error {
	i := ch.Idempotency
	if i == nil {
		return nil
	}
	if i.Scope == "" || i.Key == "" {
		return errors.New("an idempotency record needs a scope and a key")
	}
	if len(i.Key) > maxKey {
		return problem.Malformed("The Idempotency-Key is longer than 255 bytes")
	}
	return nil
}

func (s *Store) through(ctx context.Context, tx *Tx, ch *Change, f func(*Tx) error) error {
	now := s.cfg.Now().UnixMicro()
	if ch.Idempotency != nil {
		err := ch.claim(ctx, tx, now)
		if err != nil || ch.Replayed {
			return err
		}
	}
	if f != nil {
		if err := f(tx); err != nil {
			return err
		}
	}
	if ch.Action != "" {
		if err := ch.audit(ctx, tx, now, s.cfg.Rand); err != nil {
			return err
		}
	}
	if ch.Idempotency != nil {
		if err := ch.keep(ctx, tx); err != nil {
			return err
		}
	}
	if ch.Notify && tx.Engine() == Postgres {
		if _, err := tx.Exec(ctx, "SELECT pg_notify($1, '')", channel); err != nil {
			return fmt.Errorf("telling other processes: %w", err)
		}
	}
	return nil
}

// claim takes the key before anything else is done, so that of two requests
// with one key the second waits here for the first, and then finds its answer.
func (ch *Change) claim(ctx context.Context, tx *Tx, now int64) error {
	const claim = `INSERT INTO idempotency (actor, scope, key, fingerprint, status, header, body, created_at)
		VALUES ($1, $2, $3, $4, 0, '{}', $5, $6)
		ON CONFLICT (actor, scope, key) DO UPDATE SET fingerprint = excluded.fingerprint,
			status = 0, header = '{}', body = excluded.body, created_at = excluded.created_at
		WHERE idempotency.created_at < $7`
	const stored = `SELECT fingerprint, status, header, body FROM idempotency
		WHERE actor = $1 AND scope = $2 AND key = $3`
	i := ch.Idempotency
	n, err := tx.Exec(ctx, claim, tx.actor.ID, i.Scope, i.Key, i.Fingerprint, []byte{}, now, now-keepAnswers.Microseconds())
	if err != nil {
		return fmt.Errorf("claiming an idempotency key: %w", err)
	}
	if n == 1 {
		return nil
	}
	var fingerprint, header string
	var answer Answer
	err = tx.QueryRow(ctx, stored, tx.actor.ID, i.Scope, i.Key).Scan(&fingerprint, &answer.Status, &header, &answer.Body)
	if err != nil {
		return fmt.Errorf("reading a stored answer: %w", err)
	}
	if fingerprint != i.Fingerprint {
		return ErrIdempotencyMismatch
	}
	if err := strictjson.Unmarshal([]byte(header), &answer.Header); err != nil {
		return fmt.Errorf("reading a stored answer: %w", err)
	}
	ch.Answer, ch.Replayed = answer, true
	return nil
}

// keep stores the answer that f gave.
func (ch *Change) keep(ctx context.Context, tx *Tx) error {
	const q = `UPDATE idempotency SET status = $4, header = $5, body = $6
		WHERE actor = $1 AND scope = $2 AND key = $3`
	header := []byte("{}")
	if len(ch.Answer.Header) > 0 {
		var err error
		if header, err = strictjson.Marshal(ch.Answer.Header); err != nil {
			return fmt.Errorf("storing an answer: %w", err)
		}
	}
	body := ch.Answer.Body
	if body == nil {
		body = []byte{}
	}
	i := ch.Idempotency
	if _, err := tx.Exec(ctx, q, tx.actor.ID, i.Scope, i.Key, ch.Answer.Status, string(header), body); err != nil {
		return fmt.Errorf("storing an answer: %w", err)
	}
	return nil
}

func (ch *Change) audit(ctx context.Context, tx *Tx, now int64, random io.Reader) error {
	entry, err := ch.auditEntry(tx.actor, now, random)
	if err != nil {
		return err
	}
	if _, err = tx.Exec(ctx, entry.SQL, entry.Args...); err != nil {
		return fmt.Errorf("writing an audit entry: %w", err)
	}
	return nil
}

// auditEntry is the statement that writes the entry.
func (ch *Change) auditEntry(a Actor, now int64, random io.Reader) (Statement, error) {
	const (
		into = `INSERT INTO audit_entries (id, at, actor, role, action, resource, outcome, request_id, details) `
		one  = into + `VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
		many = into + `SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])`
	)
	id, err := uuid.NewV7FromReader(random)
	if err != nil {
		return Statement{}, fmt.Errorf("naming an audit entry: %w", err)
	}
	details := []byte("{}")
	if len(ch.Details) > 0 {
		if details, err = strictjson.Marshal(ch.Details); err != nil {
			return Statement{}, fmt.Errorf("writing an audit entry: %w", err)
		}
	}
	outcome := ch.Outcome
	if outcome == "" {
		outcome = "success"
	}
	return Statement{SQL: one, Many: many, Args: []any{id.String(), now, a.ID, a.Role,
		ch.Action, ch.Resource, outcome, ch.RequestID, string(details)}}, nil
}

const (
	keepAnswers = 24 * time.Hour   // how long a request may be sent again
	purgeEvery  = 10 * time.Minute // how often old answers are looked for
)

// purgeNowAndThen deletes old answers, beside the caller who happened to come by.
func (s *Store) purgeNowAndThen(ctx context.Context) {
	now := s.cfg.Now().UnixMicro()
	last := s.purged.Load()
	if now-last < purgeEvery.Microseconds() || !s.purged.CompareAndSwap(last, now) || s.enter() != nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer s.running.Done()
		if err := s.purge(ctx, now); err != nil {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "deleting old idempotency records", slog.String("reason", err.Error()))
		}
	}()
}

func (s *Store) purge(ctx context.Context, now int64) error {
	const q = `DELETE FROM idempotency WHERE (actor, scope, key) IN
		(SELECT actor, scope, key FROM idempotency WHERE created_at < $1 LIMIT 1000)`
	return s.backend.write(ctx, System(), ReadCommitted, func(tx *Tx) error {
		_, err := tx.Exec(ctx, q, now-keepAnswers.Microseconds())
		return err
	})
}
