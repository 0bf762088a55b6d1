package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// The one server of a test binary and what was migrated for it. Tests have no
// other place that outlives them: hence the only package state of the house.
var binary struct {
	sync.Mutex
	main      bool // Main is in charge, so what is started is stopped
	server    *Server
	failed    error
	dir       string // of the templates of SQLite
	lock      *os.File
	templates map[string]string // engine and schemas -> file or database
}

// Main runs the tests, then stops the server that they used and removes what
// they left, and exits. Every package that uses storetest calls it:
//
//	func TestMain(m *testing.M) { storetest.Main(m) }
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main without the exit, for a TestMain that has more to do.
func Run(m *testing.M) int {
	binary.Lock()
	binary.main = true
	binary.Unlock()
	code := m.Run()
	if err := cleanUp(); err != nil {
		fmt.Fprintln(os.Stderr, "storetest:", err)
		return max(code, 1)
	}
	return code
}

func cleanUp() error {
	binary.Lock()
	defer binary.Unlock()
	var errs []error
	if binary.server != nil {
		errs = append(errs, binary.server.remove())
	}
	if binary.dir != "" {
		errs = append(errs, os.RemoveAll(binary.dir), binary.lock.Close())
	}
	return errors.Join(errs...)
}

// Database is a fresh PostgreSQL database, empty unless it was asked for with
// schemas.
type Database struct {
	URL      string // of the app's role
	OwnerURL string // of the role that owns the database and its tables
	Name     string
}

// Config opens the database: a Store as the app's role, a Migrator as the owner.
func (d Database) Config() store.Config {
	return store.Config{Engine: store.Postgres, URL: d.URL, OwnerURL: d.OwnerURL}
}

// Each runs f once per engine, each time on a fresh, migrated database.
func Each(t *testing.T, schemas []store.Schema, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) { f(t, Open(t, engine, schemas)) })
	}
}

// Open returns an open store on a fresh database with the schemas, Core
// included. It is closed, and the database dropped, at the end of the test.
func Open(t testing.TB, engine store.Engine, schemas []store.Schema) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), Config(t, engine, schemas))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return s
}

// Config returns how to open a fresh database with the schemas, Core included,
// for a test that opens it itself.
func Config(t testing.TB, engine store.Engine, schemas []store.Schema) store.Config {
	t.Helper()
	binary.Lock()
	defer binary.Unlock()
	if engine == store.SQLite {
		return sqliteConfig(t, schemas)
	}
	server := shared(t)
	template, err := template(engine, schemas, func(name string) (string, store.Config, error) {
		d, err := server.create("template_"+name, "")
		return d.Name, d.Config(), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.fresh(t, template).Config()
}

func sqliteConfig(t testing.TB, schemas []store.Schema) store.Config {
	t.Helper()
	template, err := template(store.SQLite, schemas, func(name string) (string, store.Config, error) {
		path := filepath.Join(binary.dir, name+".db")
		return path, store.Config{Engine: store.SQLite, Path: path}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return store.Config{Engine: store.SQLite, Path: path}
}

// Postgres returns a fresh, empty database of the server that this test binary
// shares. It is dropped at the end of the test.
func Postgres(t testing.TB) Database {
	t.Helper()
	binary.Lock()
	defer binary.Unlock()
	return shared(t).fresh(t, "")
}

// NewServer returns a server for this test alone, to stop and start, to read
// the log of, or to set up. Fresh gives databases of it.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Fresh returns a fresh database of the server, migrated when schemas are
// given (nil: empty; Core alone: []store.Schema{}).
func (s *Server) Fresh(t testing.TB, schemas []store.Schema) Database {
	t.Helper()
	d := s.fresh(t, "")
	if schemas == nil {
		return d
	}
	if err := migrate(d.Config(), schemas); err != nil {
		t.Fatal(err)
	}
	return d
}

// shared returns the server of this test binary. The caller holds the lock.
func shared(t testing.TB) *Server {
	t.Helper()
	if !binary.main {
		t.Fatal("this package needs: func TestMain(m *testing.M) { storetest.Main(m) }")
	}
	if binary.server == nil && binary.failed == nil {
		binary.server, binary.failed = startServer()
	}
	if binary.failed != nil {
		t.Fatal(binary.failed)
	}
	return binary.server
}

// fresh makes a database that lives as long as the test.
func (s *Server) fresh(t testing.TB, template string) Database {
	t.Helper()
	d, err := s.create(fmt.Sprintf("test_%d", s.made.Add(1)), template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.process == nil { // stopped by the test: it goes with the server
			return
		}
		if err := s.super("DROP DATABASE " + d.Name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (s *Server) create(name, template string) (Database, error) {
	q := "CREATE DATABASE " + name + " OWNER " + OwnerRole
	if template != "" {
		q += " TEMPLATE " + template
	}
	d := Database{URL: s.url(AppRole, name), OwnerURL: s.url(OwnerRole, name), Name: name}
	return d, s.super(q) // in its own database the owner may create tables in public
}

// template migrates a database once per set of schemas. The caller holds the lock.
func template(engine store.Engine, schemas []store.Schema, create func(name string) (string, store.Config, error)) (string, error) {
	name, err := digest(engine, schemas)
	if err != nil {
		return "", err
	}
	if at, ok := binary.templates[name]; ok {
		return at, nil
	}
	if binary.dir == "" {
		if binary.dir, binary.lock, err = ownFolder("gatehouse-storetest-"); err != nil {
			return "", err
		}
		binary.templates = map[string]string{}
	}
	at, cfg, err := create(name)
	if err != nil {
		return "", err
	}
	if err := migrate(cfg, schemas); err != nil {
		return "", err
	}
	binary.templates[name] = at
	return at, nil
}

func migrate(cfg store.Config, schemas []store.Schema) (err error) {
	ctx := context.Background()
	m, err := store.OpenMigrator(ctx, cfg, schemas...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	_, err = m.Up(ctx)
	return err
}

// digest names a set of schemas by its content.
func digest(engine store.Engine, schemas []store.Schema) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, engine)
	for _, s := range schemas {
		fmt.Fprintln(h, s.Name, s.Dir)
		err := fs.WalkDir(s.FS, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(s.FS, path)
			fmt.Fprintf(h, "%s %d\n%s", path, len(data), data)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("reading schema %s: %w", s.Name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}
