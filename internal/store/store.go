package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Engine is the kind of database below a Store.
type Engine string

// The engines. Every statement of the house runs on both unchanged.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Engines lists every engine, the default first.
func Engines() []Engine { return []Engine{SQLite, Postgres} }

// SystemRole is the role of the house's own work (start-up, purging, reset).
// It is never the role of a request.
const SystemRole = "system"

// Actor is who reads or writes. On PostgreSQL the row-level-security policies
// see ID as current_setting('app.actor', true) and Role as
// current_setting('app.role', true), for this transaction alone.
type Actor struct {
	ID   string // the principal's id; "" for a guest
	Role string // guest, member, counsellor, manager, admin, open, system
}

// System is the actor of the house's own work.
func System() Actor { return Actor{Role: SystemRole} }

// Pool bounds the connections. The zero value is the default of every field.
type Pool struct {
	Max     int           // connections at once; 0 is 10
	Min     int           // connections kept when idle (PostgreSQL); 0 is none
	Acquire time.Duration // how long a caller waits for its turn before ErrUnavailable; 0 is 30 s
	Idle    time.Duration // after which an idle connection is closed (PostgreSQL); 0 is 10 s
}

// Timeouts bound what a transaction may cost the server (PostgreSQL).
type Timeouts struct {
	Statement time.Duration // one statement; 0 is 15 s
	Lock      time.Duration // waiting for a lock; 0 is 5 s
	Idle      time.Duration // idle inside a transaction; 0 is 30 s
	Connect   time.Duration // opening one connection; 0 is 5 s
}

// Config says which database to open and how. Only the location is required.
type Config struct {
	Engine    Engine           // "" is SQLite
	Path      string           // SQLite: the database file; its directory must exist
	URL       string           // PostgreSQL: postgres:// URL of the app's role
	OwnerURL  string           // PostgreSQL: of the role that owns the tables; the migrator's, "" is URL
	Exclusive bool             // SQLite: this process serves the file; a second one is refused
	Wait      time.Duration    // how long Open waits for the database; 0 is 60 s, negative tries once
	Pool      Pool             // seed 4's settings by default
	Timeouts  Timeouts         // PostgreSQL
	Log       *slog.Logger     // what Open waits for, lost listeners; nil discards
	Now       func() time.Time // nil is time.Now
	Rand      io.Reader        // ids of audit entries, jitter; nil is crypto/rand
}

// backend is one engine: each method runs f in a transaction of its kind.
type backend interface {
	read(ctx context.Context, a Actor, f func(*Tx) error) error
	write(ctx context.Context, a Actor, iso Isolation, f func(*Tx) error) error
	changes(ctx context.Context) (uint64, bool)
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	cfg     Config
	backend backend
	closers []func() error

	mu      sync.RWMutex // guards closed and the start of a transaction
	closed  bool
	running sync.WaitGroup
	purged  atomic.Int64 // when idempotency records were purged last, microseconds
}

// Open opens the database and waits for it, up to Config.Wait, with backoff.
// It does not migrate: use a Migrator first. Errors never hold a password.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg}
	var err error
	switch cfg.Engine {
	case SQLite:
		err = s.openSQLite(ctx)
	case Postgres:
		err = s.openPostgres(ctx)
	default:
		err = fmt.Errorf("unknown database engine %q: use sqlite or postgres", cfg.Engine)
	}
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// Engine tells which engine is below.
func (s *Store) Engine() Engine { return s.cfg.Engine }

// Read runs f in a read-only transaction: one consistent state, at least as new
// as every write acknowledged before. f must do nothing but read the database,
// must not keep tx, and may run again when the connection was lost.
func (s *Store) Read(ctx context.Context, a Actor, f func(*Tx) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	return s.backend.read(ctx, a, f)
}

// Changes returns a number that has moved when something may have been
// committed since the last call, and whether it can be trusted; when it can not,
// ask the database itself each time. On SQLite it moves with every commit, by
// this process or another. On PostgreSQL it moves with writes that set
// Change.Notify: at once for this process, within the time of a notification
// for others.
func (s *Store) Changes(ctx context.Context) (uint64, bool) {
	if s.enter() != nil {
		return 0, false
	}
	defer s.running.Done()
	return s.backend.changes(ctx)
}

// Close waits for the transactions that run, then closes the database. Calls
// after it get ErrUnavailable. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	if again {
		return nil
	}
	return s.release()
}

// enter lets a transaction begin, and Close wait for it.
func (s *Store) enter() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed
	}
	s.running.Add(1)
	return nil
}

func (s *Store) release() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Engine == "" {
		c.Engine = SQLite
	}
	if c.Wait == 0 {
		c.Wait = time.Minute
	}
	if c.Pool.Max <= 0 {
		c.Pool.Max = 10
	}
	c.Pool.Acquire = orDefault(c.Pool.Acquire, 30*time.Second)
	c.Pool.Idle = orDefault(c.Pool.Idle, 10*time.Second)
	c.Timeouts.Statement = orDefault(c.Timeouts.Statement, 15*time.Second)
	c.Timeouts.Lock = orDefault(c.Timeouts.Lock, 5*time.Second)
	c.Timeouts.Idle = orDefault(c.Timeouts.Idle, 30*time.Second)
	c.Timeouts.Connect = orDefault(c.Timeouts.Connect, 5*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

func orDefault(d, standard time.Duration) time.Duration {
	if d <= 0 {
		return standard
	}
	return d
}
