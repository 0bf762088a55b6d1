package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// buffer is a log that several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func open(t *testing.T, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// eventually waits for what another process or a timer does.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not come to pass: " + what)
		}
	}
}

func TestArgumentsAreBoundOnTheServer(t *testing.T) {
	server := storetest.NewServer(t)
	s := open(t, server.Fresh(t, schemas).Config())
	ctx := t.Context()
	const marker = "x'); DROP TABLE notes; --"
	if _, err := repeatable(ctx, s, store.Actor{ID: marker, Role: "member"}, marker, marker, marker); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, admin, `SELECT count(*) FROM notes WHERE id = $1 AND owner = $1`, marker); n != 1 {
		t.Fatalf("%d rows", n)
	}
	log := server.Log(t)
	for _, want := range []string{
		`INSERT INTO notes (id, owner) VALUES ($1, $2)`,
		`set_config('app.actor', $1, true), set_config('app.role', $2, true)`,
		`WHERE id = $1 AND owner = $1`,
		`begin isolation level serializable`,
		`begin isolation level repeatable read read only`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log of the server does not show %s", want)
		}
	}
	statement := regexp.MustCompile(`(?m)(statement|execute [^:]*):.*$`)
	found := 0
	for _, line := range statement.FindAllString(log, -1) {
		found++
		if strings.Contains(line, "DROP TABLE notes; --") {
			t.Errorf("an argument is in the text of a statement: %s", line)
		}
	}
	if found == 0 || !strings.Contains(log, "parameters: $1 = 'x''); DROP TABLE notes; --'") {
		t.Errorf("%d statements in the log, parameters not apart", found)
	}
	if strings.Contains(log, "statement: INSERT") || strings.Contains(log, "statement: SELECT") && !strings.Contains(log, "gatehouse_owner") {
		t.Error("a statement came by the simple protocol")
	}
}

func TestTimeoutsHoldOnTheServer(t *testing.T) {
	cfg := storetest.Config(t, store.Postgres, schemas)
	cfg.Timeouts = store.Timeouts{Statement: 300 * time.Millisecond, Lock: 200 * time.Millisecond, Idle: time.Second}
	s := open(t, cfg)
	ctx := t.Context()
	write(t, s, ann, insertNote(ctx, "a", "ann"))
	t.Run("statement", func(t *testing.T) {
		err := s.Read(ctx, ann, func(tx *store.Tx) error { _, err := tx.Exec(ctx, `SELECT pg_sleep(10)`); return err })
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("lock", func(t *testing.T) {
		err := s.Write(ctx, ann, nil, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE notes SET size = 1`); err != nil {
				return err
			}
			inner := s.Write(ctx, ann, nil, func(tx *store.Tx) error { _, err := tx.Exec(ctx, `UPDATE notes SET size = 2`); return err })
			if !errors.Is(inner, store.ErrUnavailable) {
				t.Errorf("got %v", inner)
			}
			return nil
		})
		if err != nil {
			t.Errorf("the holder of the lock: %v", err)
		}
	})
	t.Run("idle in transaction", func(t *testing.T) {
		runs := 0
		err := s.Write(ctx, ann, nil, func(tx *store.Tx) error {
			if runs++; runs == 1 {
				time.Sleep(1500 * time.Millisecond)
			}
			_, err := tx.Exec(ctx, `UPDATE notes SET size = 3`)
			return err
		})
		if err != nil || runs != 2 { // the session was ended before anything was written: run again
			t.Errorf("%d runs, %v", runs, err)
		}
	})
}

func TestOutageIsToldAndEndsByItself(t *testing.T) {
	server := storetest.NewServer(t)
	log := &buffer{}
	cfg := server.Fresh(t, schemas).Config()
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	s := open(t, cfg)
	ctx := t.Context()
	write(t, s, ann, insertNote(ctx, "before", "ann"))
	eventually(t, "the listener connects", func() bool { _, ok := s.Changes(ctx); return ok })
	heard, _ := s.Changes(ctx)

	server.Stop(t)
	for _, err := range []error{
		s.Write(ctx, ann, nil, insertNote(ctx, "during", "ann")),
		s.Read(ctx, ann, func(tx *store.Tx) error { return tx.QueryRow(ctx, `SELECT 1`).Err() }),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if p := store.Problem(err); p.Status != 503 || p.Retry == nil {
			t.Errorf("problem %v", p)
		}
		noSecret(t, cfg.URL, err.Error())
	}
	eventually(t, "the listener is not trusted", func() bool { _, ok := s.Changes(ctx); return !ok })

	// A start-up in the outage waits, and says what for.
	opened := make(chan error, 1)
	go func() {
		second, err := store.Open(ctx, cfg)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	eventually(t, "the log says what is waited for", func() bool { return strings.Contains(log.String(), "waiting for the database") })
	server.Start(t)
	if err := <-opened; err != nil {
		t.Errorf("opening while the server comes back: %v", err)
	}
	write(t, s, ann, insertNote(ctx, "after", "ann"))
	if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 2 {
		t.Errorf("%d notes, want those before and after", n)
	}
	eventually(t, "the listener is back", func() bool { _, ok := s.Changes(ctx); return ok })
	if n, _ := s.Changes(ctx); n == heard {
		t.Error("what was told in the outage was missed, and the number says that nothing was")
	}
	if !strings.Contains(log.String(), server.Address()) {
		t.Error("the log does not say which server")
	}
	noSecret(t, cfg.URL, log.String())
}

// Idle connections that a restart has cut are not an error of anyone.
func TestRestartBetweenCallsIsNotSeen(t *testing.T) {
	server := storetest.NewServer(t)
	s := open(t, server.Fresh(t, schemas).Config())
	ctx := t.Context()
	var wg sync.WaitGroup
	for range 5 { // fill the pool
		wg.Go(func() {
			_ = s.Read(ctx, ann, func(tx *store.Tx) error { _, err := tx.Exec(ctx, `SELECT pg_sleep(0.1)`); return err })
		})
	}
	wg.Wait()
	server.Stop(t)
	server.Start(t)
	for range 6 {
		if err := s.Write(ctx, ann, nil, func(tx *store.Tx) error { _, err := tx.Exec(ctx, `UPDATE notes SET size = 1`); return err }); err != nil {
			t.Fatal(err)
		}
	}
}

func noSecret(t *testing.T, raw, text string) {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	if password == "" || strings.Contains(text, password) {
		t.Errorf("the password is in: %s", text)
	}
}

func TestOpenGivesUp(t *testing.T) {
	d := storetest.Postgres(t)
	change := func(f func(u *url.URL)) string {
		u, err := url.Parse(d.URL)
		if err != nil {
			t.Fatal(err)
		}
		f(u)
		return u.String()
	}
	for _, row := range []struct {
		name, url, want string
		waits           bool
	}{
		{"wrong password", change(func(u *url.URL) { u.User = url.UserPassword(storetest.AppRole, "S3cretButWrong") }), "password authentication failed", false},
		{"no such database", change(func(u *url.URL) { u.Path = "/nowhere" }), "does not exist", false},
		{"nobody listens", change(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "connection refused", true},
		{"no such host", change(func(u *url.URL) { u.Host = "database.invalid" }), "database.invalid", true},
		{"plain server, TLS wanted", change(func(u *url.URL) { u.RawQuery = "sslmode=verify-full" }), "TLS", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := &buffer{}
			cfg := store.Config{Engine: store.Postgres, URL: row.url, Wait: 300 * time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil))}
			_, err := store.Open(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), row.want) || errors.Is(err, store.ErrUnavailable) != row.waits {
				t.Fatalf("got %v", err)
			}
			noSecret(t, row.url, err.Error()+log.String())
			if waited := strings.Contains(log.String(), "waiting"); waited != row.waits {
				t.Errorf("waited: %v; log %s", waited, log)
			}
			_, err = store.OpenMigrator(t.Context(), cfg)
			if err == nil {
				t.Fatal("the migrator opened it")
			}
			noSecret(t, row.url, err.Error()+log.String())
			if !row.waits {
				return
			}
			cfg.Wait = time.Hour
			ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer stop()
			_, err = store.Open(ctx, cfg)
			if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "stopped while waiting for") || !strings.Contains(err.Error(), row.want) {
				t.Errorf("stopped meanwhile: %v", err)
			}
		})
	}
}

func TestPoolIsBounded(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			cfg := storetest.Config(t, engine, schemas)
			cfg.Pool = store.Pool{Max: 2, Acquire: 50 * time.Millisecond}
			s := open(t, cfg)
			ctx := t.Context()
			err := s.Read(ctx, ann, func(*store.Tx) error {
				return s.Read(ctx, ann, func(*store.Tx) error {
					return s.Read(ctx, ann, func(*store.Tx) error { return nil })
				})
			})
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("a third connection of two: %v", err)
			}
			if err := s.Read(ctx, ann, func(*store.Tx) error { return nil }); err != nil {
				t.Errorf("after that: %v", err)
			}
		})
	}
}

func TestIdleConnectionsAreClosedDownToTheLeast(t *testing.T) {
	cfg := storetest.Config(t, store.Postgres, schemas)
	cfg.Pool = store.Pool{Max: 6, Min: 2, Idle: 200 * time.Millisecond}
	s := open(t, cfg)
	watch := open(t, store.Config{Engine: store.Postgres, URL: cfg.OwnerURL})
	connections := func() int {
		return count(t, watch, ann, `SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()`, storetest.AppRole)
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			_ = s.Read(t.Context(), ann, func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), `SELECT pg_sleep(0.3)`); return err })
		})
	}
	eventually(t, "six connections", func() bool { return connections() == 6 })
	wg.Wait()
	eventually(t, "two connections", func() bool { return connections() == 2 })
}

func TestCheckRoles(t *testing.T) {
	server := storetest.NewServer(t)
	d := server.Fresh(t, schemas)
	roles := func(cfg store.Config) store.Roles {
		t.Helper()
		r, err := open(t, cfg).CheckRoles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	want := store.Roles{App: storetest.AppRole, Owner: storetest.OwnerRole}
	if r := roles(d.Config()); r != want || !r.Safe() {
		t.Errorf("two roles: %+v", r)
	}
	if r := roles(store.Config{Engine: store.Postgres, URL: d.OwnerURL, OwnerURL: d.OwnerURL}); !r.Same || !r.Owns || r.Superuser || r.Safe() {
		t.Errorf("one role: %+v", r)
	}
	server.Super(t, "ALTER ROLE gatehouse_app BYPASSRLS")
	if r := roles(d.Config()); !r.BypassRLS || r.Superuser || r.Safe() {
		t.Errorf("bypassrls: %+v", r)
	}
	server.Super(t, "ALTER ROLE gatehouse_app NOBYPASSRLS", "GRANT gatehouse_owner TO gatehouse_app")
	if r := roles(d.Config()); !r.Owns || r.Safe() {
		t.Errorf("in the owner's role: %+v", r)
	}
	server.Super(t, "REVOKE gatehouse_owner FROM gatehouse_app", "ALTER ROLE gatehouse_app SUPERUSER")
	if r := roles(d.Config()); !r.Superuser || r.Safe() {
		t.Errorf("superuser: %+v", r)
	}
	server.Super(t, "ALTER ROLE gatehouse_app NOSUPERUSER", "CREATE ROLE newcomer LOGIN PASSWORD 'of-the-newcomer'")
	newcomer := d.Config()
	u, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("newcomer", "of-the-newcomer")
	newcomer.URL = u.String()
	if r := roles(newcomer); r.GrantedTo != storetest.AppRole {
		t.Errorf("without the rights on the tables: %+v", r)
	}
	server.Super(t, "GRANT gatehouse_app TO newcomer")
	if r := roles(newcomer); r.GrantedTo != "" || !r.Safe() {
		t.Errorf("in the role that has the rights: %+v", r)
	}
	if r, err := storetest.Open(t, store.SQLite, nil).CheckRoles(t.Context()); err != nil || r != (store.Roles{}) {
		t.Errorf("SQLite: %+v %v", r, err)
	}
}

// A connection whose caller has gone is not handed to the next one.
func TestAbandonedStatementDoesNotSpoilThePool(t *testing.T) {
	cfg := storetest.Config(t, store.Postgres, schemas)
	cfg.Pool.Max = 1
	s := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := s.Write(ctx, ann, nil, func(tx *store.Tx) error { _, err := tx.Exec(ctx, `SELECT pg_sleep(10)`); return err })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	begun := time.Now()
	write(t, s, ann, insertNote(t.Context(), "a", "ann"))
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("the next caller waited %s", d)
	}
	forgotten := s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
		_ = tx.QueryRow(t.Context(), `SELECT 1`) // never scanned
		return nil
	})
	if forgotten == nil {
		t.Error("a row that was never scanned went unnoticed")
	}
	write(t, s, ann, insertNote(t.Context(), "b", "ann"))
}

const raiseConflict = `DO $$ BEGIN RAISE serialization_failure; END $$`

func TestConflictRunsAgainAndIsBounded(t *testing.T) {
	s := storetest.Open(t, store.Postgres, schemas)
	ctx := t.Context()
	runs := 0
	ch := &store.Change{Resource: "notes/"}
	other := make(chan error, 1)
	err := s.Write(ctx, ann, ch, func(tx *store.Tx) error {
		ch.Resource += "a" // on a Change as it was given
		if runs++; runs < 3 {
			_, err := tx.Exec(ctx, raiseConflict)
			return fmt.Errorf("wrapped: %w", err)
		}
		go func() { other <- s.Write(ctx, ann, nil, insertNote(ctx, "other", "ann")) }()
		select {
		case err := <-other:
			t.Errorf("the third attempt was not alone: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
		return insertNote(ctx, "a", "ann")(tx)
	})
	if err != nil || runs != 3 || ch.Resource != "notes/a" {
		t.Errorf("%d runs, resource %s: %v", runs, ch.Resource, err)
	}
	if err := <-other; err != nil {
		t.Errorf("the one who waited: %v", err)
	}
	runs = 0
	err = s.Write(ctx, ann, nil, func(tx *store.Tx) error {
		runs++
		_, _ = tx.Exec(ctx, raiseConflict) // f does not mind
		return nil
	})
	if !errors.Is(err, store.ErrUnavailable) || runs < 3 || runs > 20 {
		t.Errorf("%d runs: %v", runs, err)
	}
}

func TestUndoneTransactionGivesItsConnectionBack(t *testing.T) {
	cfg := storetest.Config(t, store.Postgres, schemas)
	cfg.Pool.Max = 1
	s := open(t, cfg)
	pid := count(t, s, ann, `SELECT pg_backend_pid()`)
	_ = s.Write(t.Context(), ann, nil, func(*store.Tx) error { return errors.New("undone") })
	if again := count(t, s, ann, `SELECT pg_backend_pid()`); again != pid {
		t.Error("a sound connection was thrown away")
	}
}

// An error that arrives behind the first row is seen by nobody but the server.
func TestCommitThatRollsBackIsTold(t *testing.T) {
	s := storetest.Open(t, store.Postgres, schemas)
	ctx := t.Context()
	err := s.Write(ctx, ann, nil, func(tx *store.Tx) error {
		if err := insertNote(ctx, "a", "ann")(tx); err != nil {
			return err
		}
		var n int
		_ = tx.QueryRow(ctx, `SELECT 1 / (2 - x) FROM generate_series(1, 2) x`).Scan(&n)
		return nil
	})
	if err == nil {
		t.Error("a transaction that was rolled back was acknowledged")
	}
	if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 0 {
		t.Errorf("%d rows", n)
	}
}
