package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
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
		t.Run(string(engine), func(t *testing.T) {
			cfg := store.Config{Engine: store.SQLite, Path: filepath.Join(t.TempDir(), "rollback.db")}
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
			faults, err := rollback(t.Context(), cfg, db, schemas)
			if err != nil {
				t.Error(err)
			}
			for _, fault := range faults {
				t.Error(fault)
			}
		})
	}
}

// rollback lists what does not come back as it was.
func rollback(ctx context.Context, cfg store.Config, db *sql.DB, schemas []store.Schema) (faults []string, err error) {
	m, err := store.OpenMigrator(ctx, cfg, schemas...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	ran, err := m.Up(ctx)
	if err != nil {
		return nil, err
	}
	if len(ran) == 0 {
		return nil, errors.New("there is no migration to roll back")
	}
	before, err := catalogue(ctx, cfg.Engine, db)
	if err != nil {
		return nil, err
	}
	// The last component alone, the last two, and so on to all, step by step;
	// then all at once.
	for at := len(ran) - 1; at >= -1; at-- {
		if at > 0 && ran[at].Schema == ran[at-1].Schema {
			continue
		}
		undo := ran[max(at, 0):]
		way := stepDown
		if at < 0 {
			way = allDown
		}
		if err := way(ctx, m, undo); err != nil {
			return faults, err
		}
		found, err := upAgain(ctx, m, before, func() ([]string, error) { return catalogue(ctx, cfg.Engine, db) }, len(undo) == len(ran))
		faults = append(faults, found...)
		if err != nil {
			return faults, err
		}
	}
	if again, err := m.Up(ctx); err != nil || len(again) > 0 {
		return faults, fmt.Errorf("up on a migrated database ran %d steps: %w", len(again), err)
	}
	return faults, nil
}

// upAgain compares what is there after going up again with what was before, and
// looks for what is left when everything was undone.
func upAgain(ctx context.Context, m *store.Migrator, before []string, look func() ([]string, error), nothing bool) (faults []string, err error) {
	left, err := look()
	if err != nil {
		return nil, err
	}
	for _, line := range left {
		if nothing && !versionTable(line) {
			faults = append(faults, "left behind after rolling back everything: "+line)
		}
	}
	if _, err := m.Up(ctx); err != nil {
		return faults, fmt.Errorf("up again: %w", err)
	}
	after, err := look()
	return append(faults, compare(before, after)...), err
}

// stepDown takes one step at a time, and each must be the last that ran.
func stepDown(ctx context.Context, m *store.Migrator, ran []store.Step) error {
	for _, last := range slices.Backward(ran) {
		down, err := m.Down(ctx)
		if err != nil {
			return err
		}
		if len(down) != 1 || down[0].Schema != last.Schema || down[0].Version != last.Version {
			return fmt.Errorf("down rolled back %v, the last to run was %s %d", down, last.Schema, last.Version)
		}
	}
	return nil
}

func allDown(ctx context.Context, m *store.Migrator, ran []store.Step) error {
	down, err := m.DownTo(ctx, "", 0)
	if err == nil && len(down) != len(ran) {
		err = fmt.Errorf("down to nothing rolled back %d of %d", len(down), len(ran))
	}
	return err
}

// ownTable names the migrator's tables and what belongs to them.
var ownTable = regexp.MustCompile(`\bschema_[a-z0-9_]+|\bsqlite_sequence\b`)

// versionTable tells whether a line of the catalogue is of the migrator itself.
func versionTable(line string) bool { return ownTable.MatchString(line) }

func compare(before, after []string) (faults []string) {
	for _, line := range before {
		if !slices.Contains(after, line) {
			faults = append(faults, "missing after down and up: "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			faults = append(faults, "not there before down and up: "+line)
		}
	}
	return faults
}

// catalogue describes everything that migrations can make, one line each.
func catalogue(ctx context.Context, engine store.Engine, db *sql.DB) ([]string, error) {
	queries := []string{`SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master`}
	if engine == store.Postgres {
		queries = postgresCatalogue
	}
	var lines []string
	for _, q := range queries {
		rows, err := db.QueryContext(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return nil, errors.Join(fmt.Errorf("reading the catalogue: %w", err), rows.Close())
			}
			lines = append(lines, line)
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
	}
	slices.Sort(lines)
	return lines, nil
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
