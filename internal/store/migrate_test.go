package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestMigrationsRollBack(t *testing.T) { storetest.Rollback(t, schemas) }

// empty returns how to open a database with nothing in it.
func empty(t *testing.T, engine store.Engine) store.Config {
	t.Helper()
	if engine == store.Postgres {
		return storetest.Postgres(t).Config()
	}
	return store.Config{Engine: store.SQLite, Path: filepath.Join(t.TempDir(), "new.db")}
}

func eachMigrator(t *testing.T, f func(t *testing.T, cfg store.Config, m *store.Migrator)) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			cfg := empty(t, engine)
			f(t, cfg, migrator(t, cfg, schemas...))
		})
	}
}

func migrator(t *testing.T, cfg store.Config, schemas ...store.Schema) *store.Migrator {
	t.Helper()
	m, err := store.OpenMigrator(t.Context(), cfg, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func names(steps []store.Step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s:%d ", s.Schema, s.Version)
	}
	return b.String()
}

func TestPlanStatusUpAndDown(t *testing.T) {
	eachMigrator(t, func(t *testing.T, cfg store.Config, m *store.Migrator) {
		ctx := t.Context()
		want := "core:1 core:2 notes:1 notes:2 "
		if cfg.Engine == store.SQLite {
			want = "core:1 notes:1 "
		}
		plan, err := m.Plan(ctx)
		if err != nil || names(plan) != want {
			t.Fatalf("plan %s %v, want %s", names(plan), err, want)
		}
		if sql := plan[0].SQL; !strings.HasPrefix(sql, "-- Numbers") || !strings.Contains(sql, "CREATE TABLE audit_entries") ||
			strings.Contains(sql, "DROP") || strings.Contains(sql, "+goose") {
			t.Errorf("the plan shows %s", sql)
		}
		s := open(t, cfg)
		if err := s.CheckSchema(ctx, schemas...); !errors.Is(err, store.ErrPendingSchema) || !strings.Contains(err.Error(), "core") {
			t.Errorf("before: %v", err)
		}
		ran, err := m.Up(ctx)
		if err != nil || names(ran) != want {
			t.Fatalf("up %s %v, want %s", names(ran), err, want)
		}
		if err := s.CheckSchema(ctx, schemas...); err != nil {
			t.Errorf("after: %v", err)
		}
		status, err := m.Status(ctx)
		if err != nil || names(status) != want {
			t.Errorf("status %s %v", names(status), err)
		}
		for _, st := range status {
			if d := time.Since(st.Applied); d < -2*time.Second || d > time.Minute {
				t.Errorf("%s ran at %s", st.Name, st.Applied)
			}
		}
		down, err := m.Down(ctx)
		if err != nil || len(down) != 1 || down[0].Schema != "notes" {
			t.Errorf("down %s %v", names(down), err)
		}
		if err := s.CheckSchema(ctx, schemas...); !errors.Is(err, store.ErrPendingSchema) || !strings.Contains(err.Error(), "notes") {
			t.Errorf("after down: %v", err)
		}
		if _, err := m.DownTo(ctx, "notes", 0); err != nil {
			t.Error(err)
		}
		if plan, err := m.Plan(ctx); err != nil || strings.Contains(names(plan), "core") || !strings.Contains(names(plan), "notes:1") {
			t.Errorf("plan after notes went down: %s %v", names(plan), err)
		}
		if _, err := m.DownTo(ctx, "nothing", 0); err == nil {
			t.Error("a component that is not there went down")
		}
	})
}

func TestDatabaseOfANewerProgramIsRefused(t *testing.T) {
	newer := store.Schema{Name: "notes", FS: fstest.MapFS{"00009_later.sql": {Data: []byte("-- +goose Up\nCREATE TABLE later (id BIGINT);\n-- +goose Down\nDROP TABLE later;\n")}}}
	for name, data := range notes.FS.(fstest.MapFS) {
		newer.FS.(fstest.MapFS)[name] = data
	}
	eachMigrator(t, func(t *testing.T, cfg store.Config, m *store.Migrator) {
		ctx := t.Context()
		if _, err := migrator(t, cfg, newer).Up(ctx); err != nil {
			t.Fatal(err)
		}
		_, up := m.Up(ctx)
		_, down := m.Down(ctx)
		_, to := m.DownTo(ctx, "", 0)
		_, plan := m.Plan(ctx)
		for _, err := range []error{up, down, to, plan, open(t, cfg).CheckSchema(ctx, schemas...)} {
			if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(err.Error(), "notes has migration 9") {
				t.Errorf("got %v", err)
			}
		}
		status, err := m.Status(ctx)
		if err != nil || !strings.Contains(names(status), "notes:9") {
			t.Errorf("status %s %v", names(status), err)
		}
	})
}

func TestFailedMigrationLeavesNothingBehind(t *testing.T) {
	broken := store.Schema{Name: "broken", FS: fstest.MapFS{
		"00001_good.sql": {Data: []byte("-- +goose Up\nCREATE TABLE good (id BIGINT);\n-- +goose Down\nDROP TABLE good;\n")},
		"00002_bad.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE half (id BIGINT);\nCREATE TABLE half (id BIGINT);\n-- +goose Down\n")},
	}}
	eachMigrator(t, func(t *testing.T, cfg store.Config, _ *store.Migrator) {
		m := migrator(t, cfg, broken)
		ran, err := m.Up(t.Context())
		if err == nil || !strings.Contains(err.Error(), "broken") || !strings.HasSuffix(names(ran), "broken:1 ") {
			t.Fatalf("ran %s: %v", names(ran), err)
		}
		plan, err := m.Plan(t.Context())
		if err != nil || names(plan) != "broken:2 " {
			t.Errorf("still to run: %s %v", names(plan), err)
		}
		s := open(t, cfg)
		if err := s.Read(t.Context(), ann, func(tx *store.Tx) error { return tx.QueryRow(t.Context(), `SELECT id FROM half`).Err() }); err == nil {
			t.Error("half a migration was kept")
		}
	})
}

func TestRowsThatDangleAfterAMigrationAreTold(t *testing.T) {
	bad := store.Schema{Name: "bad", FS: fstest.MapFS{"00001_bad.sql": {Data: []byte(`-- +goose Up
CREATE TABLE parents (id BIGINT PRIMARY KEY);
CREATE TABLE children (parent BIGINT REFERENCES parents (id));
INSERT INTO children VALUES (7);
-- +goose Down
DROP TABLE children; DROP TABLE parents;
`)}}}
	eachMigrator(t, func(t *testing.T, cfg store.Config, _ *store.Migrator) {
		if _, err := migrator(t, cfg, bad).Up(t.Context()); err == nil {
			t.Error("a row refers to nothing, and the migration went well")
		}
	})
}

func TestMigratorsTakeTurns(t *testing.T) {
	cfg := empty(t, store.Postgres)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			m, err := store.OpenMigrator(t.Context(), cfg, schemas...)
			if err != nil {
				t.Error(err)
				return
			}
			defer m.Close()
			if _, err := m.Up(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()

	owner, err := sql.Open("pgx", cfg.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	conn, err := owner.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var got int64
	if err := conn.QueryRowContext(t.Context(), "SELECT 1 FROM pg_advisory_lock($1)", store.MigrationLock).Scan(&got); err != nil {
		t.Fatal(err)
	}
	cfg.Wait = 200 * time.Millisecond
	if _, err := migrator(t, cfg, schemas...).Up(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "another migration") {
		t.Errorf("beside another migration: %v", err)
	}
}

func TestAppRoleCannotMigrate(t *testing.T) {
	d := storetest.Postgres(t)
	cfg := store.Config{Engine: store.Postgres, URL: d.URL}
	if _, err := migrator(t, cfg).Up(t.Context()); err == nil || !strings.Contains(err.Error(), "URL of the owner") {
		t.Errorf("the app's role: %v", err)
	}
}

func TestBadSchemas(t *testing.T) {
	good := fstest.MapFS{"00001_a.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n")}}
	for name, list := range map[string][]store.Schema{
		"name":  {{Name: "no; DROP TABLE x", FS: good}},
		"twice": {{Name: "a", FS: good}, {Name: "a", FS: good}},
		"files": {{Name: "a"}},
		"empty": {{Name: "a", FS: fstest.MapFS{}}},
		"file":  {{Name: "a", FS: fstest.MapFS{"first.sql": {}}}},
	} {
		cfg := empty(t, store.SQLite)
		m, err := store.OpenMigrator(t.Context(), cfg, list...)
		if err == nil {
			_, err = m.Up(t.Context())
			_ = m.Close()
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
