package storetest

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// Rollback proves on each engine that every migration of the schemas can be
// undone: up, down to nothing, up again gives the same schema, and so does
// stepping down and up one migration at a time. What is compared is the
// catalogue: tables, columns, keys, indexes, triggers, views, functions, row
// security, policies and grants.
func Rollback(t *testing.T, schemas []store.Schema) {
	t.Helper()
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) { rollback(t, engine, schemas) })
	}
}

func rollback(t *testing.T, engine store.Engine, schemas []store.Schema) {
	ctx := t.Context()
	cfg := store.Config{Engine: store.SQLite, Path: filepath.Join(t.TempDir(), "rollback.db")}
	driver, dsn := "sqlite", cfg.Path
	if engine == store.Postgres {
		d := Postgres(t)
		cfg, driver, dsn = d.Config(), "pgx", d.OwnerURL
	}
	m, err := store.OpenMigrator(ctx, cfg, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()

	ran := steps(t, "up", m.Up)
	if len(ran) == 0 {
		t.Fatal("there is no migration to roll back")
	}
	before := catalogue(t, engine, db)

	// One step at a time, each undone and done again.
	for i := len(ran) - 1; i >= 0; i-- {
		down := steps(t, "down", m.Down)
		if len(down) != 1 || down[0].Schema != ran[i].Schema || down[0].Version != ran[i].Version {
			t.Fatalf("down rolled back %v, the last to run was %s %d", down, ran[i].Schema, ran[i].Version)
		}
	}
	empty := catalogue(t, engine, db)
	for _, line := range empty {
		if !strings.Contains(line, "schema_") && !strings.Contains(line, "sqlite_sequence") {
			t.Errorf("left behind after rolling back everything: %s", line)
		}
	}
	steps(t, "up", m.Up)
	compare(t, "after stepping down and up", before, catalogue(t, engine, db))

	down, err := m.DownTo(ctx, "", 0)
	if err != nil || len(down) != len(ran) {
		t.Fatalf("down to nothing: %d of %d steps, %v", len(down), len(ran), err)
	}
	steps(t, "up", m.Up)
	compare(t, "after down to nothing and up", before, catalogue(t, engine, db))
	if again := steps(t, "up", m.Up); len(again) != 0 {
		t.Errorf("up on a migrated database ran %v", again)
	}
}

func steps(t *testing.T, what string, run func(context.Context) ([]store.Step, error)) []store.Step {
	t.Helper()
	ran, err := run(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return ran
}

func compare(t *testing.T, when string, before, after []string) {
	t.Helper()
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("%s: missing: %s", when, line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Errorf("%s: not there before: %s", when, line)
		}
	}
}

// catalogue describes everything that migrations can make, one line each.
func catalogue(t *testing.T, engine store.Engine, db *sql.DB) []string {
	t.Helper()
	queries := []string{`SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master`}
	if engine == store.Postgres {
		queries = postgresCatalogue
	}
	var lines []string
	for _, q := range queries {
		rows, err := db.QueryContext(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(lines)
	return lines
}

// ours restricts a query to what is not PostgreSQL's own.
const ours = ` n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' `

var postgresCatalogue = []string{
	`SELECT 'schema ' || n.nspname || ' ' || coalesce(n.nspacl::text, '') FROM pg_namespace n WHERE n.nspname <> 'public' AND` + ours,
	`SELECT 'relation ' || c.relname || ' ' || c.relkind::text || ' owner ' || pg_get_userbyid(c.relowner) || ' rls ' || c.relrowsecurity
		|| ' forced ' || c.relforcerowsecurity || ' grants '
		|| coalesce((SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(c.relacl) a), '') || ' '
		|| CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid) ELSE '' END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind <> 't' AND` + ours,
	`SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' not null ' || a.attnotnull
		|| ' identity ' || a.attidentity::text || ' default ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' grants ' || coalesce(a.attacl::text, '')
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v') AND` + ours,
	`SELECT 'constraint ' || o.conrelid::regclass || ' ' || o.conname || ' ' || pg_get_constraintdef(o.oid)
		FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace WHERE o.conrelid <> 0 AND` + ours,
	`SELECT 'policy ' || p.tablename || ' ' || p.policyname || ' ' || p.permissive || ' ' || p.roles::text || ' ' || p.cmd
		|| ' using ' || coalesce(p.qual, '') || ' check ' || coalesce(p.with_check, '') FROM pg_policies p`,
	`SELECT 'function ' || pg_get_functiondef(p.oid) || ' grants ' || coalesce(p.proacl::text, '')
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND` + ours,
	`SELECT 'trigger ' || pg_get_triggerdef(g.oid) FROM pg_trigger g WHERE NOT g.tgisinternal`,
	`SELECT 'type ' || y.typname || ' ' || coalesce((SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid), '')
		FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace WHERE y.typtype IN ('e', 'd') AND` + ours,
}
