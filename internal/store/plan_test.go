package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
	"github.com/gatehouse-api/gatehouse/problem"
)

// folders writes folders 1 to n, named f1 to fn.
func folders(t *testing.T, s *store.Store, n int) {
	t.Helper()
	write(t, s, admin, func(tx *store.Tx) error {
		for i := 1; i <= n; i++ {
			if _, err := tx.Exec(t.Context(), `INSERT INTO folders (id, name) VALUES ($1, $2)`, i, fmt.Sprint("f", i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// about is a plan about a folder: it sees the name and the notes in it.
func about(folder int64, decide func(name string, notes int) ([]store.Statement, error)) store.Plan {
	const look = `SELECT f.name, (SELECT count(*) FROM notes n WHERE n.folder = f.id) FROM folders f WHERE f.id = $1`
	return store.Plan{
		Table: "folders", ID: folder, Look: store.Statement{SQL: look, Args: []any{folder}},
		Decide: func(row store.Row) ([]store.Statement, error) {
			var name string
			var notes int
			if err := row.Scan(&name, &notes); err != nil {
				return nil, err
			}
			return decide(name, notes)
		},
	}
}

// file puts one more note of an actor into a folder, and says so in its name.
func file(folder int64, a store.Actor) store.Plan {
	return about(folder, func(_ string, notes int) ([]store.Statement, error) {
		return []store.Statement{
			{SQL: `INSERT INTO notes (id, owner, folder, size) VALUES ($1, $2, $3, $4)`,
				Args: []any{fmt.Sprint("n", nextNote.Add(1)), a.ID, folder, notes}},
			{SQL: `UPDATE folders SET name = $1 WHERE id = $2`, Args: []any{fmt.Sprintf("f%d+%d", folder, notes+1), folder}},
		}, nil
	})
}

var nextNote atomic.Int64 // an id says nothing about the order: a stale sight is no duplicate

func filed() *store.Change { return &store.Change{Action: "FILE", Isolation: store.Serializable} }

// together runs plans so that they wait together: one stands in the worker's
// way until all others have queued up behind it.
func together(t *testing.T, s *store.Store, plans ...func() error) []error {
	t.Helper()
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	first := about(1, func(string, int) ([]store.Statement, error) {
		once.Do(func() { close(begun) })
		<-goOn
		return nil, nil
	})
	errs := make([]error, len(plans))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.WritePlan(context.Background(), admin, nil, first); err != nil {
			t.Error(err)
		}
	})
	<-begun
	for i, plan := range plans {
		wg.Go(func() { errs[i] = plan() })
	}
	if s.Engine() == store.Postgres {
		eventually(t, "all plans wait", func() bool { return store.Waiting(s) == len(plans) })
	}
	close(goOn)
	wg.Wait()
	return errs
}

func TestPlansThatWaitTogetherShareACommitAndKeepTheirActors(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		folders(t, s, 21)
		var plans []func() error
		for i := range 20 {
			actor := []store.Actor{ann, bob}[i%2]
			plans = append(plans, func() error { return s.WritePlan(t.Context(), actor, filed(), file(int64(i+2), actor)) })
		}
		for _, err := range together(t, s, plans...) {
			if err != nil {
				t.Error(err)
			}
		}
		for _, a := range []store.Actor{ann, bob} { // the policies let nobody write another's notes
			if n := count(t, s, admin, `SELECT count(*) FROM notes WHERE owner = $1`, a.ID); n != 10 {
				t.Errorf("%s has %d notes, not 10", a.ID, n)
			}
			if n := count(t, s, admin, `SELECT count(*) FROM audit_entries WHERE action = 'FILE' AND actor = $1 AND role = 'member'`, a.ID); n != 10 {
				t.Errorf("%s has %d audit entries, not 10", a.ID, n)
			}
		}
		if s.Engine() == store.Postgres { // SQLite's own test counts its commits
			if n := count(t, s, admin, `SELECT count(DISTINCT CAST(xmin AS TEXT)) FROM notes`); n != 1 {
				t.Errorf("%d transactions, not 1", n)
			}
		}
	})
}

func TestBundlesAreBounded(t *testing.T) {
	s := open(t, storetest.NewServer(t).Fresh(t, schemas).Config())
	const plans = 300
	folders(t, s, plans+1)
	var list []func() error
	for i := range plans {
		list = append(list, func() error { return s.WritePlan(t.Context(), ann, filed(), file(int64(i+2), ann)) })
	}
	if err := errors.Join(together(t, s, list...)...); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, admin, `SELECT count(DISTINCT CAST(xmin AS TEXT)) FROM notes`); n != 3 { // 128, 128 and 44
		t.Errorf("%d transactions, not 3", n)
	}
}

func TestPlansOfOneRowSeeEachOther(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		folders(t, s, 2)
		var plans []func() error
		for range 6 {
			plans = append(plans, func() error { return s.WritePlan(t.Context(), ann, filed(), file(2, ann)) })
		}
		var alone sync.WaitGroup
		for i := range 6 { // with a key, so in a transaction of its own
			alone.Go(func() {
				ch := filed()
				ch.Idempotency = &store.Idempotency{Scope: "file", Key: fmt.Sprint(i), Fingerprint: "f"}
				if err := s.WritePlan(t.Context(), ann, ch, file(2, ann)); err != nil {
					t.Error(err)
				}
			})
		}
		for _, err := range together(t, s, plans...) {
			if err != nil {
				t.Error(err)
			}
		}
		alone.Wait()
		if n := count(t, s, admin, `SELECT count(DISTINCT size) FROM notes WHERE size < 12`); n != 12 {
			t.Errorf("%d notes that each saw all before it, not 12", n)
		}
		if n := count(t, s, admin, `SELECT count(*) FROM folders WHERE name = 'f2+12'`); n != 1 {
			t.Error("the folder does not tell of the last note")
		}
	})
}

func TestPlanThatGoesWrongHarmsNobodyElse(t *testing.T) {
	refusal := problem.Forbidden("not yours")
	trace := store.Statement{SQL: `INSERT INTO notes (id, owner) VALUES ($1, 'ann')`, Args: []any{"trace"}}
	does := func(list ...store.Statement) func(string, int) ([]store.Statement, error) {
		return func(string, int) ([]store.Statement, error) { return list, nil }
	}
	for _, wrong := range []struct {
		name   string
		folder int64
		decide func(string, int) ([]store.Statement, error)
		told   func(error) bool
	}{
		{"refused", 3, func(string, int) ([]store.Statement, error) { return nil, refusal }, func(err error) bool { return errors.Is(err, refusal) }},
		{"no such row", 99, does(trace), func(err error) bool { return errors.Is(err, sql.ErrNoRows) }},
		{"a constraint", 3, does(trace, store.Statement{SQL: `UPDATE folders SET name = 'f4' WHERE id = 3`}), store.Duplicate},
		{"nothing changed that had to", 3, does(trace, store.Statement{SQL: `UPDATE folders SET name = 'x' WHERE id = 99`, Rows: 1}),
			func(err error) bool {
				return err != nil && strings.Contains(err.Error(), "0 rows changed where 1 had to")
			}},
		{"a panic", 3, func(string, int) ([]store.Statement, error) { panic("decided badly") }, func(err error) bool { return errors.Is(err, errPanic) }},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
				folders(t, s, 5)
				right := func(folder int64) func() error {
					return func() error { return s.WritePlan(t.Context(), ann, filed(), file(folder, ann)) }
				}
				errs := together(t, s, right(2), func() (err error) {
					defer func() {
						if recover() != nil {
							err = errPanic
						}
					}()
					return s.WritePlan(t.Context(), ann, filed(), about(wrong.folder, wrong.decide))
				}, right(5))
				if errs[0] != nil || errs[2] != nil || !wrong.told(errs[1]) {
					t.Errorf("got %v", errs)
				}
				if n := count(t, s, admin, `SELECT count(*) FROM notes`); n != 2 {
					t.Errorf("%d notes, not those of the two others", n)
				}
				if n := count(t, s, admin, `SELECT count(*) FROM audit_entries WHERE action = 'FILE'`); n != 2 {
					t.Errorf("%d audit entries, not 2", n)
				}
			})
		})
	}
}

var errPanic = errors.New("it panicked")

func TestPlanGivesWayToWhoHoldsItsRow(t *testing.T) {
	cfg := storetest.NewServer(t).Fresh(t, schemas).Config()
	cfg.Timeouts.Lock, cfg.Timeouts.Statement = time.Hour, time.Hour // who waited for the row would wait too long
	s := open(t, cfg)
	folders(t, s, 3)
	holds, letGo := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Write(context.Background(), ann, &store.Change{Isolation: store.ReadCommitted}, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE folders SET name = 'held' WHERE id = 2`)
			close(holds)
			<-letGo
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-holds
	seen := make(chan string, 1)
	wg.Go(func() {
		err := s.WritePlan(context.Background(), ann, filed(), about(2, func(name string, _ int) ([]store.Statement, error) {
			seen <- name
			return nil, nil
		}))
		if err != nil {
			t.Error(err)
		}
	})
	others, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 5 { // they do not wait behind it
		if err := s.WritePlan(others, ann, filed(), file(3, ann)); err != nil {
			t.Error(err)
		}
	}
	if len(seen) != 0 {
		t.Error("decided about a row that somebody else was changing")
	}
	close(letGo)
	wg.Wait()
	if name := <-seen; name != "held" {
		t.Errorf("decided on %q, which was no longer so", name)
	}
}

func TestPlanIsRepeatable(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		folders(t, s, 2)
		for i, replayed := range []bool{false, true} {
			ch := filed()
			ch.Idempotency = &store.Idempotency{Scope: "file", Key: "k", Fingerprint: "f"}
			err := s.WritePlan(t.Context(), ann, ch, about(2, func(string, int) ([]store.Statement, error) {
				ch.Answer = store.Answer{Status: 204 + i}
				return file(2, ann).Decide(fixed{"f2", 0})
			}))
			if err != nil || ch.Replayed != replayed || ch.Answer.Status != 204 {
				t.Errorf("time %d: replayed %v, status %d, %v", i+1, ch.Replayed, ch.Answer.Status, err)
			}
		}
		if n := count(t, s, admin, `SELECT count(*) FROM notes`); n != 1 {
			t.Errorf("%d notes", n)
		}
	})
}

// fixed is a row of a name and a number.
type fixed struct {
	name  string
	notes int
}

func (f fixed) Scan(dest ...any) error {
	*dest[0].(*string), *dest[1].(*int) = f.name, f.notes
	return nil
}

// TestPlanLooksAsTheSystemAndActsAsItsActor takes both ways: in a bundle, and
// alone because of its key.
func TestPlanLooksAsTheSystemAndActsAsItsActor(t *testing.T) {
	s := open(t, storetest.NewServer(t).Fresh(t, schemas).Config())
	folders(t, s, 2)
	if err := s.WritePlan(t.Context(), ann, filed(), file(2, ann)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", "k"} {
		ch := filed()
		if key != "" {
			ch.Idempotency = &store.Idempotency{Scope: "file", Key: key, Fingerprint: "f"}
		}
		var saw int
		err := s.WritePlan(t.Context(), bob, ch, about(2, func(_ string, notes int) ([]store.Statement, error) {
			saw = notes
			return file(2, ann).Decide(fixed{"f2", notes}) // a note of ann's, by bob
		}))
		if saw != 1 {
			t.Errorf("key %q: decided on %d notes, not on the one that is ann's", key, saw)
		}
		if err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("key %q: bob wrote a note of ann's: %v", key, err)
		}
	}
}

func TestPlanOfACallerWhoHasGoneDoesNotRun(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		folders(t, s, 3)
		ctx, leave := context.WithCancel(t.Context())
		gone := about(2, func(string, int) ([]store.Statement, error) {
			t.Error("decided for somebody who has gone")
			return nil, nil
		})
		begun, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = s.WritePlan(context.Background(), admin, nil, about(1, func(string, int) ([]store.Statement, error) {
				once.Do(func() { close(begun) })
				<-goOn
				return nil, nil
			}))
		})
		<-begun
		if s.Engine() == store.Postgres {
			go func() {
				eventually(t, "it waits", func() bool { return store.Waiting(s) == 1 })
				leave()
			}()
		} else {
			leave() // the test of SQLite's queue has one who leaves it
		}
		if err := s.WritePlan(ctx, ann, filed(), gone); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(goOn)
		wg.Wait()
	})
}

func TestPlanOutlivesItsConnection(t *testing.T) {
	server := storetest.NewServer(t)
	s := open(t, server.Fresh(t, schemas).Config())
	folders(t, s, 3)
	var lost sync.Once
	err := s.WritePlan(t.Context(), ann, filed(), about(2, func(_ string, notes int) ([]store.Statement, error) {
		lost.Do(func() {
			server.Super(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'`)
		})
		return file(2, ann).Decide(fixed{"f2", notes})
	}))
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, admin, `SELECT count(*) FROM notes`); n != 1 {
		t.Errorf("%d notes, not 1", n)
	}
}

func TestPlanWaitsForAConnectionOnce(t *testing.T) {
	cfg := storetest.NewServer(t).Fresh(t, schemas).Config()
	cfg.Pool = store.Pool{Max: 1, Acquire: 300 * time.Millisecond}
	s := open(t, cfg)
	folders(t, s, 2)
	err := s.Read(t.Context(), ann, func(*store.Tx) error { // has the only connection
		err := s.WritePlan(context.Background(), ann, filed(), about(2, func(string, int) ([]store.Statement, error) {
			t.Error("decided without a connection")
			return nil, nil
		}))
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "no connection within 300ms") {
			t.Errorf("got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WritePlan(t.Context(), ann, filed(), file(2, ann)); err != nil {
		t.Errorf("with the connection free again: %v", err)
	}
}

// TestPlansAreLookedForInEveryProtocol is about the modes of pgx that give
// results as text.
func TestPlansAreLookedForInEveryProtocol(t *testing.T) {
	server := storetest.NewServer(t)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec"} {
		t.Run(mode, func(t *testing.T) {
			cfg := server.Fresh(t, schemas).Config()
			cfg.URL += "&default_query_exec_mode=" + mode
			s := open(t, cfg)
			folders(t, s, 4)
			var plans []func() error
			for i := range 3 {
				plans = append(plans, func() error { return s.WritePlan(t.Context(), ann, filed(), file(int64(i+2), ann)) })
			}
			if err := errors.Join(together(t, s, plans...)...); err != nil {
				t.Fatal(err)
			}
			if n := count(t, s, admin, `SELECT count(*) FROM folders WHERE name IN ('f2+1', 'f3+1', 'f4+1')`); n != 3 {
				t.Errorf("%d notes are where they belong, not 3", n)
			}
			if n := count(t, s, admin, `SELECT count(DISTINCT CAST(xmin AS TEXT)) FROM notes`); n != 1 {
				t.Errorf("%d transactions, not 1", n)
			}
		})
	}
}

func TestPlansAfterCloseAreRefused(t *testing.T) {
	storetest.Each(t, schemas, func(t *testing.T, s *store.Store) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.WritePlan(t.Context(), ann, filed(), file(2, ann)); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMergedStatementsKeepTheirArguments(t *testing.T) {
	eleven := "SELECT $1, $11"
	got := store.MergeText(
		store.Statement{SQL: `UPDATE a SET x = $2 WHERE id = $1`, Args: []any{1, 2}},
		store.Statement{SQL: eleven, Args: make([]any, 11)},
		store.Statement{SQL: `INSERT INTO c VALUES ($1, $1)`, Args: []any{3}},
	)
	want := `WITH step0 AS (UPDATE a SET x = $2 WHERE id = $1), step1 AS (SELECT $3, $13) INSERT INTO c VALUES ($14, $14)`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
