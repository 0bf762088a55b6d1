package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
	"github.com/gatehouse-api/gatehouse/problem"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// notes is a component with a table of private rows, one of every kind of
// column, and a reference.
var notes = store.Schema{Name: "notes", FS: fstest.MapFS{
	"00001_notes.sql": {Data: []byte(`-- +goose Up
CREATE TABLE folders (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE notes (
	id     TEXT PRIMARY KEY,
	owner  TEXT NOT NULL,
	folder BIGINT REFERENCES folders (id),
	size   BIGINT NOT NULL DEFAULT 0,
	ratio  DOUBLE PRECISION,
	done   BOOLEAN NOT NULL DEFAULT false,
	body   BYTEA
);
-- +goose Down
DROP TABLE notes;
DROP TABLE folders;
`)},
	"postgres/00002_rights.sql": {Data: []byte(`-- +goose Up
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY notes_owner ON notes TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY notes_own ON notes USING (owner = current_setting('app.actor', true) OR current_setting('app.role', true) IN ('admin', 'system'));
-- +goose StatementBegin
DO $$ BEGIN EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON notes, folders TO %I', current_setting('gatehouse.app_role')); END $$;
-- +goose StatementEnd
-- +goose Down
DROP POLICY notes_own ON notes;
DROP POLICY notes_owner ON notes;
ALTER TABLE notes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE notes DISABLE ROW LEVEL SECURITY;
`)},
}}

var (
	schemas = []store.Schema{notes}
	ann     = store.Actor{ID: "ann", Role: "member"}
	bob     = store.Actor{ID: "bob", Role: "member"}
	admin   = store.Actor{ID: "eve", Role: "admin"}
)

func insertNote(ctx context.Context, id, owner string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO notes (id, owner) VALUES ($1, $2)`, id, owner)
		return err
	}
}

func write(t *testing.T, s *store.Store, a store.Actor, f func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), a, nil, f); err != nil {
		t.Fatal(err)
	}
}

// count counts the rows that an actor sees.
func count(t *testing.T, s *store.Store, a store.Actor, q string, args ...any) int {
	t.Helper()
	var n int
	err := s.Read(t.Context(), a, func(tx *store.Tx) error {
		return tx.QueryRow(t.Context(), q, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEveryKindOfValueComesBackAsItWent(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		type row struct {
			size  int64
			ratio sql.NullFloat64
			done  bool
			body  []byte
		}
		rows := map[string]row{
			"plain":                       {7, sql.NullFloat64{Float64: 0.1, Valid: true}, true, []byte("text")},
			"largest":                     {math.MaxInt64, sql.NullFloat64{Float64: math.MaxFloat64, Valid: true}, false, bytes.Repeat([]byte{0, 255}, 5000)},
			"least":                       {math.MinInt64, sql.NullFloat64{}, false, []byte{}},
			"na\u00efve \U0001F511'\"$1;": {0, sql.NullFloat64{}, false, nil},
		}
		write(t, s, ann, func(tx *store.Tx) error {
			for id, r := range rows {
				// Placeholders out of order and used twice.
				_, err := tx.Exec(ctx, `INSERT INTO notes (body, id, owner, size, ratio, done) VALUES ($5, $1, $6, $2, $3, $4)`,
					id, r.size, r.ratio, r.done, r.body, ann.ID)
				if err != nil {
					return err
				}
			}
			n, err := tx.Exec(ctx, `UPDATE notes SET owner = $1 WHERE owner = $1`, ann.ID)
			if n != int64(len(rows)) {
				t.Errorf("%d rows changed of %d", n, len(rows))
			}
			return err
		})
		err := s.Read(ctx, ann, func(tx *store.Tx) error {
			for id, want := range rows {
				var got row
				var null bool
				err := tx.QueryRow(ctx, `SELECT size, ratio, done, body, body IS NULL FROM notes WHERE id = $1`, id).
					Scan(&got.size, &got.ratio, &got.done, &got.body, &null)
				if err != nil {
					return err
				}
				if got.size != want.size || got.ratio != want.ratio || got.done != want.done ||
					!bytes.Equal(got.body, want.body) || null != (want.body == nil) {
					t.Errorf("%q came back as %+v, not %+v", id, got, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestErrorOfTheFunctionUndoesItAndComesBackAsItIs(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		mine := problem.Conflict("TAKEN", "taken")
		err := s.Write(t.Context(), ann, &store.Change{Action: "CREATE"}, func(tx *store.Tx) error {
			if err := insertNote(t.Context(), "a", "ann")(tx); err != nil {
				return err
			}
			return mine
		})
		if err != error(mine) {
			t.Errorf("got %v, want the very error of the function", err)
		}
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 0 {
			t.Errorf("%d rows were kept", n)
		}
		if n := count(t, s, admin, `SELECT count(*) FROM audit_entries`); n != 0 {
			t.Errorf("%d audit entries for what did not happen", n)
		}
	})
}

func TestPanicUndoesTheWriteAndReachesItsCaller(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		for _, call := range []func(context.Context, store.Actor, func(*store.Tx) error) error{
			s.Read,
			func(ctx context.Context, a store.Actor, f func(*store.Tx) error) error {
				return s.Write(ctx, a, nil, f)
			},
		} {
			got := func() (r any) {
				defer func() { r = recover() }()
				_ = call(t.Context(), ann, func(tx *store.Tx) error {
					if tx.Engine() == store.SQLite {
						_, _ = tx.Exec(t.Context(), `INSERT INTO notes (id, owner) VALUES ('p', 'ann')`) // refused to a reader
					}
					panic("ouch")
				})
				return nil
			}()
			if got != "ouch" {
				t.Errorf("recovered %v", got)
			}
		}
		write(t, s, ann, insertNote(t.Context(), "after", "ann"))
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 1 {
			t.Errorf("%d rows, want the one written after the panic", n)
		}
	})
}

func TestGoroutineThatLeavesUndoesTheWrite(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
				defer func() { _ = insertNote(t.Context(), "late", "ann")(tx) }()
				leave()
				return nil
			})
		})
		wg.Wait()
		write(t, s, ann, insertNote(t.Context(), "after", "ann"))
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
	})
}

func TestCancelledBeforeTheTurnDoesNotRun(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ran := false
		err := s.Write(ctx, ann, nil, func(*store.Tx) error { ran = true; return nil })
		if ran || !errors.Is(err, context.Canceled) {
			t.Errorf("ran %v, error %v", ran, err)
		}
	})
}

func TestCancelledWhileItRunsIsUndone(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Write(ctx, ann, nil, func(tx *store.Tx) error {
			if err := insertNote(ctx, "a", "ann")(tx); err != nil {
				return err
			}
			cancel()
			return insertNote(ctx, "b", "ann")(tx)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 0 {
			t.Errorf("%d rows were kept", n)
		}
	})
}

func TestReadCannotWrite(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		err := s.Read(t.Context(), ann, insertNote(t.Context(), "a", "ann"))
		if err == nil {
			t.Error("a read wrote")
		}
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestReadSeesOneState(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		const q = `SELECT count(*) FROM notes`
		err := s.Read(t.Context(), ann, func(tx *store.Tx) error {
			var before, after int
			if err := tx.QueryRow(t.Context(), q).Scan(&before); err != nil {
				return err
			}
			write(t, s, ann, insertNote(t.Context(), "a", "ann"))
			if err := tx.QueryRow(t.Context(), q).Scan(&after); err != nil {
				return err
			}
			if before != 0 || after != 0 {
				t.Errorf("saw %d, then %d rows", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, ann, q); n != 1 {
			t.Errorf("an acknowledged write is not seen: %d rows", n)
		}
	})
}

func TestKeptTransactionIsVoid(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		var kept *store.Tx
		write(t, s, ann, func(tx *store.Tx) error { kept = tx; return nil })
		write(t, s, bob, func(*store.Tx) error {
			if err := insertNote(t.Context(), "stolen", "bob")(kept); err == nil {
				t.Error("a transaction that is over wrote into another's")
			}
			var n int
			if err := kept.QueryRow(t.Context(), `SELECT 1`).Scan(&n); err == nil {
				t.Error("a transaction that is over read")
			}
			return nil
		})
	})
}

func TestFailedStatementEndsTheTransaction(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		err := s.Write(ctx, ann, nil, func(tx *store.Tx) error {
			_ = insertNote(ctx, "a", "ann")(tx)
			_ = insertNote(ctx, "a", "ann")(tx) // does not mind the duplicate
			return nil
		})
		if !store.Duplicate(err) {
			t.Errorf("got %v, want the duplicate that was passed over", err)
		}
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 0 {
			t.Errorf("%d rows were kept", n)
		}
		err = s.Write(ctx, ann, nil, func(tx *store.Tx) error {
			var n int
			_ = tx.QueryRow(ctx, `INSERT INTO folders (id, name) VALUES (1, NULL) RETURNING id`).Scan(&n)
			return nil
		})
		if err == nil {
			t.Error("a failed row query was committed")
		}
	})
}

func TestConstraintsAreTold(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		exec := func(q string) error {
			return s.Write(ctx, ann, nil, func(tx *store.Tx) error { _, err := tx.Exec(ctx, q); return err })
		}
		if err := exec(`INSERT INTO folders (id, name) VALUES (1, 'x')`); err != nil {
			t.Fatal(err)
		}
		for q, want := range map[string][2]bool{
			`INSERT INTO folders (id, name) VALUES (1, 'y')`:               {true, false},
			`INSERT INTO folders (id, name) VALUES (2, 'x')`:               {true, false},
			`INSERT INTO notes (id, owner, folder) VALUES ('a', 'ann', 9)`: {false, true},
			`INSERT INTO folders (id, name) VALUES (3, NULL)`:              {false, false},
			`INSERT INTO nowhere (id) VALUES (1)`:                          {false, false},
		} {
			err := exec(q)
			if err == nil || store.Duplicate(err) != want[0] || store.Dangling(err) != want[1] {
				t.Errorf("%s: %v: duplicate %v dangling %v", q, err, store.Duplicate(err), store.Dangling(err))
			}
			if p := store.Problem(err); p.Status != 500 {
				t.Errorf("%s: status %d", q, p.Status)
			}
		}
	})
}

func TestTransactionControlIsRefused(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		for _, q := range []string{"COMMIT", " rollback", "END;", "savepoint a", "RELEASE turn", "begin",
			"SET app.role = 'admin'", "pragma synchronous=off", "ATTACH 'x' AS x", "reset all"} {
			err := s.Write(t.Context(), ann, nil, func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), q); return err })
			if err == nil || !strings.Contains(err.Error(), "only Read and Write") {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
}

func TestOpenRowsAreRefused(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		write(t, s, ann, insertNote(ctx, "a", "ann"))
		write(t, s, ann, insertNote(ctx, "b", "ann"))
		err := s.Read(ctx, ann, func(tx *store.Tx) error {
			rows, err := tx.Query(ctx, `SELECT id FROM notes ORDER BY id`)
			if err != nil || !rows.Next() {
				return err
			}
			_, err = tx.Query(ctx, `SELECT id FROM notes ORDER BY id`)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "still open") {
			t.Errorf("got %v", err)
		}
		// The connection that was left so is as good as new.
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 2 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestNextIDUnderManyWriters(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		const writers, each = 16, 5
		var mu sync.Mutex
		var got []int64
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					var id int64
					err := s.Write(t.Context(), ann, nil, func(tx *store.Tx) (err error) {
						id, err = tx.NextID(t.Context(), "slots")
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					got = append(got, id)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(got)
		for i, id := range got {
			if id != int64(i+1) {
				t.Fatalf("numbers %v", got)
			}
		}
		write(t, s, ann, func(tx *store.Tx) error { return tx.SkipIDs(t.Context(), "slots", 1000) })
		write(t, s, ann, func(tx *store.Tx) error { return tx.SkipIDs(t.Context(), "slots", 5) })
		write(t, s, ann, func(tx *store.Tx) error {
			id, err := tx.NextID(t.Context(), "slots")
			if id != 1001 {
				t.Errorf("number %d after 1000 was skipped", id)
			}
			return err
		})
	})
}

// A read, a decision in Go and a write: right on SQLite, where writes run one
// after the other, and on PostgreSQL only because it is serializable.
func TestNoUpdateIsLost(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		write(t, s, ann, insertNote(ctx, "n", "ann"))
		const writers, each = 24, 4
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					err := s.Write(ctx, ann, nil, func(tx *store.Tx) error {
						var size int64
						if err := tx.QueryRow(ctx, `SELECT size FROM notes WHERE id = 'n'`).Scan(&size); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, `UPDATE notes SET size = $1 WHERE id = 'n'`, size+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, s, ann, `SELECT size FROM notes WHERE id = 'n'`); n != writers*each {
			t.Errorf("%d of %d updates arrived", n, writers*each)
		}
	})
}

func TestCloseWaitsForWrites(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			cfg := storetest.Config(t, engine, schemas)
			s, err := store.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			begun, finish := make(chan struct{}), make(chan struct{})
			result := make(chan error, 1)
			go func() {
				result <- s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
					close(begun)
					<-finish
					return insertNote(t.Context(), "a", "ann")(tx)
				})
			}()
			<-begun
			closed := make(chan error, 1)
			go func() { closed <- s.Close() }()
			for !errors.Is(s.Read(t.Context(), ann, func(*store.Tx) error { return nil }), store.ErrUnavailable) {
				time.Sleep(time.Millisecond) // until Close has begun
			}
			select {
			case <-closed:
				t.Error("Close did not wait for the write")
			case <-time.After(20 * time.Millisecond):
			}
			close(finish)
			if err := <-result; err != nil {
				t.Errorf("the write that ran: %v", err)
			}
			if err := <-closed; err != nil {
				t.Errorf("closing: %v", err)
			}
			again, err := store.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if n := count(t, again, ann, `SELECT count(*) FROM notes`); n != 1 {
				t.Errorf("%d rows after closing", n)
			}
		})
	}
}

func TestCloseWaitsForReads(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		begun, finish := make(chan struct{}), make(chan struct{})
		result, closed := make(chan error, 1), make(chan error, 1)
		go func() {
			result <- s.Read(t.Context(), ann, func(tx *store.Tx) error {
				close(begun)
				<-finish
				var n int
				return tx.QueryRow(t.Context(), `SELECT count(*) FROM notes`).Scan(&n)
			})
		}()
		<-begun
		go func() { closed <- s.Close() }()
		select {
		case <-closed:
			t.Error("Close did not wait for the read")
		case <-time.After(50 * time.Millisecond):
		}
		close(finish)
		if err := <-result; err != nil {
			t.Errorf("the read that ran: %v", err)
		}
	})
}

func TestProblem(t *testing.T) {
	if store.Problem(nil) != nil {
		t.Error("nil is a problem")
	}
	own := problem.NotFound("x")
	if store.Problem(own) != own {
		t.Error("a problem was changed")
	}
	for err, status := range map[error]int{
		store.ErrUnavailable: 503, store.ErrIdempotencyMismatch: 422, errors.New("x"): 500, context.DeadlineExceeded: 503,
	} {
		p := store.Problem(err)
		if p.Status != status || !errors.Is(p, err) {
			t.Errorf("%v is %d", err, p.Status)
		}
		if (status == 503) != (p.Retry != nil && p.Retry.After > 0) {
			t.Errorf("%v: Retry-After %v", err, p.Retry)
		}
	}
	if p := store.Problem(store.ErrIdempotencyMismatch); p.Code != "IDEMPOTENCY_KEY_REUSED" {
		t.Errorf("code %s", p.Code)
	}
}

// leave ends the goroutine, as t.FailNow does.
func leave() { runtime.Goexit() }
