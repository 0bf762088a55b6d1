package storetest

import (
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

func TestMain(m *testing.M) { Main(m) }

func next(t *testing.T, s *store.Store) (n int64) {
	t.Helper()
	err := s.Write(t.Context(), store.System(), nil, func(tx *store.Tx) (err error) {
		n, err = tx.NextID(t.Context(), "days")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEveryDatabaseIsFresh(t *testing.T) {
	for range 2 {
		Each(t, nil, func(t *testing.T, s *store.Store) {
			if n := next(t, s); n != 1 {
				t.Errorf("the first number is %d", n)
			}
			if n := next(t, Open(t, s.Engine(), nil)); n != 1 {
				t.Errorf("the first number of another database is %d", n)
			}
		})
	}
}

func TestRolesAreThoseOfProduction(t *testing.T) {
	roles, err := Open(t, store.Postgres, nil).CheckRoles(t.Context())
	if err != nil || !roles.Safe() || roles.App != AppRole || roles.Owner != OwnerRole {
		t.Errorf("%+v %v", roles, err)
	}
}

func TestServerStopsStartsAndLeavesNothing(t *testing.T) {
	var address, dir string
	t.Run("server", func(t *testing.T) {
		s := NewServer(t)
		address, dir = s.Address(), s.dir
		s.Fresh(t, []store.Schema{})
		s.Stop(t)
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			t.Error("a stopped server answers")
		}
		s.Start(t)
		if !strings.Contains(s.Log(t), "database system is ready") {
			t.Error("no log")
		}
	})
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("the server outlives its test")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}

func TestMissingPostgresSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := binaries(filepath.Join(t.TempDir(), "*", "bin", "initdb"))
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("got %v", err)
	}
}

func TestNewestPostgresIsTaken(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	for _, v := range []string{"9.6", "15", "9"} {
		bin := filepath.Join(dir, v, "bin")
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if bin, err := binaries(filepath.Join(dir, "*", "bin", "initdb")); err != nil || bin != filepath.Join(dir, "15", "bin") {
		t.Errorf("%s %v", bin, err)
	}
}

func TestRollbackFindsWhatDoesNotComeBack(t *testing.T) {
	both := []store.Engine{store.SQLite, store.Postgres}
	for _, row := range []struct {
		name, file, up, down, want string
		engines                    []store.Engine
	}{
		{"complete", "00001_a.sql", "CREATE TABLE a (id BIGINT);", "DROP TABLE a;", "", both},
		{"a table is left", "00001_a.sql", "CREATE TABLE IF NOT EXISTS a (id BIGINT);", "SELECT 1;", "left behind", both},
		{"another's table is changed", "00001_a.sql", "SELECT 1;", "ALTER TABLE meta ADD COLUMN more TEXT;", "more", both},
		{"an index of another's table is dropped", "00001_a.sql", "CREATE TABLE a (id BIGINT);", "DROP TABLE a; DROP INDEX idempotency_created_at;", "idempotency_created_at", both},
		{"a function is left", "postgres/00001_a.sql", "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "SELECT 1;", "left behind", both[1:]},
	} {
		schema := store.Schema{Name: "a", FS: fstest.MapFS{
			row.file: {Data: []byte("-- +goose Up\n" + row.up + "\n-- +goose Down\n" + row.down + "\n")},
		}}
		for _, engine := range row.engines {
			t.Run(row.name+"/"+string(engine), func(t *testing.T) {
				cfg := store.Config{Engine: engine, Path: filepath.Join(t.TempDir(), "a.db")}
				driver, dsn := "sqlite", cfg.Path
				if engine == store.Postgres {
					d := Postgres(t)
					cfg, driver, dsn = d.Config(), "pgx", d.OwnerURL
				}
				db, err := sql.Open(driver, dsn)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				faults, err := rollback(t.Context(), cfg, db, []store.Schema{schema})
				text := strings.Join(faults, "\n")
				if err != nil {
					text += err.Error()
				}
				if row.want == "" && text != "" || !strings.Contains(text, row.want) {
					t.Errorf("found %q", text)
				}
			})
		}
	}
}

func TestCompareSeesBothDirections(t *testing.T) {
	if f := compare([]string{"a", "b"}, []string{"b", "c"}); len(f) != 2 {
		t.Errorf("found %q", f)
	}
	if f := compare([]string{"a"}, []string{"a"}); f != nil {
		t.Errorf("found %q", f)
	}
}

func TestCoreRollsBack(t *testing.T) { Rollback(t, nil) }

// The comparison is worth what it can see.
func TestCatalogueSeesEveryKind(t *testing.T) {
	d := Postgres(t)
	if err := migrate(d.Config(), nil); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", d.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{
		"CREATE TYPE colour AS ENUM ('red')", "CREATE VIEW v AS SELECT 1 AS one",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
		"CREATE TRIGGER g AFTER INSERT ON meta EXECUTE FUNCTION f()", "CREATE SCHEMA extra",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := catalogue(t.Context(), store.Postgres, db)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"relation audit_entries r owner gatehouse_owner rls true forced true grants gatehouse_app=ar/gatehouse_owner",
		"column counters.value bigint not null true", "constraint idempotency idempotency_pkey PRIMARY KEY (actor, scope, key)",
		"CREATE INDEX idempotency_created_at", "policy audit_entries audit_entries_read PERMISSIVE {public} SELECT using",
		"type colour red", "relation v v", "function CREATE OR REPLACE FUNCTION public.f()", "trigger CREATE TRIGGER g", "schema extra",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not in the catalogue: %s", want)
		}
	}
}

func TestOnlyFoldersOfTheDeadAreSwept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	mine, lock, err := ownFolder("gatehouse-x-")
	if err != nil {
		t.Fatal(err)
	}
	dead, deadLock, err := ownFolder("gatehouse-x-")
	if err != nil {
		t.Fatal(err)
	}
	if err := deadLock.Close(); err != nil {
		t.Fatal(err)
	}
	strange := filepath.Join(os.TempDir(), "gatehouse-x-strange")
	if err := os.Mkdir(strange, 0o700); err != nil {
		t.Fatal(err)
	}
	pattern := filepath.Join(os.TempDir(), "gatehouse-x-*")
	sweep(pattern, time.Now().Add(-stale))
	if _, err := os.Stat(dead); err != nil {
		t.Error("a young folder was removed")
	}
	sweep(pattern, time.Now().Add(time.Hour))
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Error("the folder of the dead is left")
	}
	for _, dir := range []string{mine, strange} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s was removed", dir)
		}
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}
