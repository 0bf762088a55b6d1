package identity

import (
	"context"
	"database/sql"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// clock is moved by the tests alone.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a service on a database of its own.
type world struct {
	*Service
	clock *clock
	slept []time.Duration

	mu      sync.Mutex
	revoked []Revocation
}

func (w *world) ended() []Revocation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.revoked
}

// each runs f with a service on each engine.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, []store.Schema{Schema()}, func(t *testing.T, s *store.Store) { f(t, newWorld(t, s, nil)) })
}

func newWorld(t *testing.T, s *store.Store, change func(*Config)) *world {
	t.Helper()
	w := &world{clock: &clock{at: time.Now().Truncate(time.Second)}}
	cfg := Config{
		Store: s, Key: []byte("a key for tests, 32 bytes or more"), Issuer: "https://gate.example", Audience: "gatehouse",
		SignUp: SignUpOpen, Passwords: PasswordConfig{Memory: 8, Time: 1, Parallel: 4, Queue: 1000}, Now: w.clock.now,
		OnRevoke: func(r Revocation) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.revoked = append(w.revoked, r)
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.slept = append(w.slept, d)
			return nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if w.Service, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.waitForChanges(t)
	return w
}

// waitForChanges makes sure that sessions are remembered: on PostgreSQL the
// store has to hear of other processes first.
func (w *world) waitForChanges(t *testing.T) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		if _, sure := w.store.Changes(t.Context()); sure {
			return
		}
		select {
		case <-deadline:
			t.Fatal("the store does not hear of changes")
		case <-time.After(time.Millisecond):
		}
	}
}

const goodPassword = "correct horse battery"

// member makes a member named like the local part of an address.
func (w *world) member(t *testing.T, name string, role Role) Member {
	t.Helper()
	m, err := w.AddMember(t.Context(), Operator(), NewMember{
		Username: name, Email: name + "@example.org", Password: goodPassword, Role: role,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (w *world) login(t *testing.T, name string, cookie bool) Grant {
	t.Helper()
	g, err := w.Login(t.Context(), Credentials{Email: name + "@example.org", Password: goodPassword, Cookie: cookie}, from("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func from(address string) Origin {
	return Origin{Address: netip.MustParseAddr(address), RequestID: "request-1"}
}

// read runs a query that gives one value.
func read[T any](t *testing.T, s *store.Store, a store.Actor, q string, args ...any) T {
	t.Helper()
	var v T
	err := s.Read(t.Context(), a, func(tx *store.Tx) error { return tx.QueryRow(t.Context(), q, args...).Scan(&v) })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// column reads all values of a query with one column.
func column(t *testing.T, s *store.Store, a store.Actor, q string, args ...any) []string {
	t.Helper()
	var list []string
	err := s.Read(t.Context(), a, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.Query(t.Context(), q, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v sql.NullString
			if err := rows.Scan(&v); err != nil {
				return err
			}
			list = append(list, v.String)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
