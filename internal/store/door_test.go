package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestAuditEntryIsWrittenWithTheChange(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ch := &store.Change{Action: "CREATE_NOTE", RequestID: "req-1"}
		err := s.Write(ctx, ann, ch, func(tx *store.Tx) error {
			ch.Resource = "notes/a"
			ch.Details = map[string]any{"folder": "x<y", "n": 1}
			return insertNote(ctx, "a", "ann")(tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Write(ctx, store.Actor{Role: "guest"}, &store.Change{Action: "LOGIN", Outcome: "failure"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		err = s.Read(ctx, admin, func(tx *store.Tx) error {
			rows, err := tx.Query(ctx, `SELECT id, at, actor, role, action, resource, outcome, request_id, details FROM audit_entries ORDER BY id`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id string
				var at int64
				var f [7]string
				if err := rows.Scan(&id, &at, &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6]); err != nil {
					return err
				}
				if len(id) != 36 || id[14] != '7' || time.Since(time.UnixMicro(at)).Abs() > time.Minute {
					t.Errorf("id %s at %d", id, at)
				}
				got = append(got, strings.Join(f[:], "|"))
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			`ann|member|CREATE_NOTE|notes/a|success|req-1|{"folder":"x<y","n":1}`,
			`|guest|LOGIN||failure||{}`,
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestNoChangeWithoutItsAuditEntry(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ch := &store.Change{Action: "CREATE_NOTE", Details: map[string]any{"f": func() {}}} // cannot be written
		err := s.Write(t.Context(), ann, ch, insertNote(t.Context(), "a", "ann"))
		if err == nil {
			t.Error("a change without its audit entry")
		}
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 0 {
			t.Errorf("%d rows were kept", n)
		}
	})
}

// repeatable writes a note with a key and answers with its id.
func repeatable(ctx context.Context, s *store.Store, a store.Actor, key, fingerprint, id string) (*store.Change, error) {
	ch := &store.Change{
		Action: "CREATE_NOTE", Idempotency: &store.Idempotency{Scope: "createNote", Key: key, Fingerprint: fingerprint},
	}
	err := s.Write(ctx, a, ch, func(tx *store.Tx) error {
		ch.Answer = store.Answer{Status: 201, Header: map[string]string{"Location": "/notes/" + id}, Body: []byte(`{"id":"` + id + `"}`)}
		return insertNote(ctx, id, a.ID)(tx)
	})
	return ch, err
}

func TestRepeatedWriteIsDoneOnceAndAnsweredAlike(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		first, err := repeatable(ctx, s, ann, "k", "f", "a")
		if err != nil || first.Replayed {
			t.Fatal(first, err)
		}
		second, err := repeatable(ctx, s, ann, "k", "f", "b")
		if err != nil || !second.Replayed {
			t.Fatal(second, err)
		}
		a, b := first.Answer, second.Answer
		if b.Status != 201 || string(a.Body) != string(b.Body) || !maps.Equal(a.Header, b.Header) {
			t.Errorf("answered %+v, then %+v", a, b)
		}
		if _, err := repeatable(ctx, s, ann, "k", "other", "c"); !errors.Is(err, store.ErrIdempotencyMismatch) {
			t.Errorf("another request with the key: %v", err)
		}
		if ch, err := repeatable(ctx, s, bob, "k", "other", "d"); err != nil || ch.Replayed {
			t.Errorf("another's key: %v %v", ch, err)
		}
		if n := count(t, s, admin, `SELECT count(*) FROM notes`); n != 2 {
			t.Errorf("%d notes, want ann's and bob's", n)
		}
		if n := count(t, s, admin, `SELECT count(*) FROM audit_entries`); n != 2 {
			t.Errorf("%d audit entries, want 2", n)
		}
	})
}

func TestFailedWriteDoesNotUseUpItsKey(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if _, err := repeatable(ctx, s, ann, "k1", "f", "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := repeatable(ctx, s, ann, "k2", "f", "a"); !store.Duplicate(err) {
			t.Fatal(err)
		}
		if ch, err := repeatable(ctx, s, ann, "k2", "f", "b"); err != nil || ch.Replayed {
			t.Errorf("after a failure: %v %v", ch, err)
		}
	})
}

func TestConcurrentRepeatsRunOnce(t *testing.T) {
	for _, iso := range []store.Isolation{store.Serializable, store.ReadCommitted} {
		storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
			ctx := t.Context()
			var replayed, mismatched, fresh atomic.Int64
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					fingerprint := fmt.Sprint("f", i%2)
					ch := &store.Change{
						Isolation: iso, Idempotency: &store.Idempotency{Scope: "createNote", Key: "k", Fingerprint: fingerprint},
					}
					err := s.Write(ctx, ann, ch, func(tx *store.Tx) error {
						ch.Answer = store.Answer{Status: 201, Body: []byte(fingerprint)}
						return insertNote(ctx, fmt.Sprint("n", i), "ann")(tx)
					})
					switch {
					case errors.Is(err, store.ErrIdempotencyMismatch):
						mismatched.Add(1)
					case err != nil:
						t.Error(err)
					case string(ch.Answer.Body) != fingerprint:
						t.Errorf("answered %q to %s", ch.Answer.Body, fingerprint)
					case ch.Replayed:
						replayed.Add(1)
					default:
						fresh.Add(1)
					}
				})
			}
			wg.Wait()
			if fresh.Load() != 1 || replayed.Load() != 5 || mismatched.Load() != 6 {
				t.Errorf("fresh %d replayed %d mismatched %d", fresh.Load(), replayed.Load(), mismatched.Load())
			}
			if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 1 {
				t.Errorf("%d notes, want 1", n)
			}
		})
	}
}

func TestKeysAreForgottenAfterADay(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			ctx := t.Context()
			cfg := storetest.Config(t, engine, schemas)
			var clock atomic.Int64
			clock.Store(time.Now().UnixMicro())
			cfg.Now = func() time.Time { return time.UnixMicro(clock.Load()) }
			s, err := store.Open(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"k", "other"} {
				if _, err := repeatable(ctx, s, ann, key, "f", key); err != nil {
					t.Fatal(err)
				}
			}
			clock.Add((24*time.Hour - time.Second).Microseconds())
			if ch, err := repeatable(ctx, s, ann, "k", "f", "x"); err != nil || !ch.Replayed {
				t.Errorf("within the day: %v %v", ch, err)
			}
			clock.Add((2 * time.Second).Microseconds())
			if ch, err := repeatable(ctx, s, ann, "k", "f2", "y"); err != nil || ch.Replayed {
				t.Errorf("after the day: %v %v", ch, err)
			}
			clock.Add((25 * time.Hour).Microseconds())
			if _, err := repeatable(ctx, s, bob, "b", "f", "z"); err != nil { // purges beside its own work
				t.Error(err)
			}
			if err := s.Close(); err != nil { // waits for the purge
				t.Fatal(err)
			}
			s, err = store.Open(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if n := count(t, s, store.System(), `SELECT count(*) FROM idempotency`); n != 1 {
				t.Errorf("%d keys are remembered, want 1", n)
			}
		})
	}
}

func TestIdempotencyKeyIsChecked(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		for key, want := range map[string]int{"": 500, strings.Repeat("k", 256): 400} {
			_, err := repeatable(t.Context(), s, ann, key, "f", "a")
			if p := store.Problem(err); p == nil || p.Status != want {
				t.Errorf("key of %d bytes: %v", len(key), err)
			}
		}
	})
}

// What row-level security keeps apart even when a query forgets to.
func TestRowsAreKeptApartWithoutAWhereClause(t *testing.T) {
	s := storetest.Open(t, store.Postgres, schemas)
	ctx := t.Context()
	for _, a := range []store.Actor{ann, bob} {
		if _, err := repeatable(ctx, s, a, "k", "f", a.ID); err != nil {
			t.Fatal(err)
		}
	}
	guest := store.Actor{Role: "guest"}
	for _, row := range []struct {
		table string
		actor store.Actor
		want  int
	}{
		{"notes", ann, 1}, {"notes", bob, 1}, {"notes", admin, 2}, {"notes", guest, 0},
		{"audit_entries", ann, 0}, {"audit_entries", admin, 2}, {"audit_entries", guest, 0},
		{"idempotency", ann, 1}, {"idempotency", admin, 0}, {"idempotency", guest, 0}, {"idempotency", store.System(), 2},
	} {
		if n := count(t, s, row.actor, `SELECT count(*) FROM `+row.table); n != row.want {
			t.Errorf("%s sees %d rows of %s, want %d", row.actor.Role+" "+row.actor.ID, n, row.table, row.want)
		}
	}
	const audit = `INSERT INTO audit_entries (id, at, actor, role, action, resource, outcome, request_id, details) `
	for _, row := range []struct {
		what, q string
		rows    int64 // that it may touch; -1: it is refused
	}{
		{"change another's note", `UPDATE notes SET size = 1`, 1},
		{"write another's note", `INSERT INTO notes (id, owner) VALUES ('x', 'bob')`, -1},
		{"change an audit entry", `UPDATE audit_entries SET actor = 'nobody'`, -1},
		{"delete an audit entry", `DELETE FROM audit_entries`, -1},
		{"forge an audit entry", audit + `VALUES ('x', 1, 'bob', 'member', 'A', '', '', '', '{}')`, -1},
		{"forge a role", audit + `VALUES ('x', 1, 'ann', 'admin', 'A', '', '', '', '{}')`, -1},
		{"delete another's key", `DELETE FROM idempotency WHERE actor = 'bob'`, 0},
		{"turn the security off", `ALTER TABLE notes DISABLE ROW LEVEL SECURITY`, -1},
		{"make a table", `CREATE TABLE mine (id BIGINT)`, -1},
		{"change what has migrated", `DELETE FROM schema_core`, -1},
		{"become the owner", `GRANT gatehouse_owner TO gatehouse_app`, -1},
	} {
		n := int64(-1)
		err := s.Write(ctx, ann, nil, func(tx *store.Tx) (err error) { n, err = tx.Exec(ctx, row.q); return err })
		if err != nil {
			n = -1
		}
		if n != row.rows {
			t.Errorf("%s: %d rows, want %d: %v", row.what, n, row.rows, err)
		}
	}
	if n := count(t, s, bob, `SELECT size FROM notes`); n != 0 {
		t.Error("another's note was changed")
	}
}

// The actor belongs to the transaction, not to the pooled connection.
func TestActorDoesNotOutliveItsTransaction(t *testing.T) {
	cfg := storetest.Config(t, store.Postgres, schemas)
	cfg.Pool.Max = 1
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write(t, s, admin, insertNote(t.Context(), "a", "ann"))
	_ = s.Write(t.Context(), admin, nil, func(*store.Tx) error { return errors.New("undone") })
	if n := count(t, s, store.Actor{}, `SELECT count(*) FROM notes`); n != 0 {
		t.Errorf("nobody sees %d rows", n)
	}
}
