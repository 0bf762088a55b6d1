package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed schema
var coreFiles embed.FS

// Schema is the migrations of one component: files NNNNN_name.sql with
// "-- +goose Up" and "-- +goose Down" parts, those in postgres/ below them for
// PostgreSQL alone and in the same series of numbers.
type Schema struct {
	Name string // [a-z][a-z0-9_]*; its version is kept in the table schema_<name>
	FS   fs.FS
	Dir  string // folder in FS: "schema"; "" is the root
}

// Core is the store's own schema: counters, meta, audit entries, idempotency
// records. Every list of schemas begins with it, stated or not.
func Core() Schema { return Schema{Name: "core", FS: coreFiles, Dir: "schema"} }

// Step is one migration.
type Step struct {
	Schema  string    // the component
	Version int64     // its number
	Name    string    // its file; "" when this program does not know it
	SQL     string    // what would run (Plan)
	Applied time.Time // when it ran (Status); zero while it is pending
}

var schemaName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// withCore checks a list of schemas and puts Core first.
func withCore(schemas []Schema) ([]Schema, error) {
	all := []Schema{Core()}
	for _, s := range schemas {
		if s.Name == "core" {
			continue
		}
		if !schemaName.MatchString(s.Name) || s.FS == nil {
			return nil, fmt.Errorf("schema %q: it needs a name of small letters and its files", s.Name)
		}
		if slices.ContainsFunc(all, func(o Schema) bool { return o.Name == s.Name }) {
			return nil, fmt.Errorf("schema %q is there twice", s.Name)
		}
		all = append(all, s)
	}
	return all, nil
}

func (s Schema) table() string { return "schema_" + s.Name }

// files are the migrations for one engine.
func (s Schema) files(e Engine) (fs.FS, error) {
	dir := s.Dir
	if dir == "" {
		dir = "."
	}
	common, err := fs.Sub(s.FS, dir)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", s.Name, err)
	}
	if _, err := fs.Stat(common, "postgres"); e != Postgres || errors.Is(err, fs.ErrNotExist) {
		return layered{common}, nil
	}
	own, err := fs.Sub(common, "postgres")
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", s.Name, err)
	}
	return layered{common, own}, nil
}

// steps lists the migrations for one engine, in order.
func (s Schema) steps(e Engine) ([]Step, error) {
	fsys, err := s.files(e)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", s.Name, err)
	}
	var steps []Step
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil || v < 1 {
			return nil, fmt.Errorf("schema %s: file %s does not begin with a number", s.Name, name)
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", s.Name, err)
		}
		steps = append(steps, Step{Schema: s.Name, Version: v, Name: name, SQL: upPart(string(text))})
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("schema %s has no migrations", s.Name)
	}
	slices.SortFunc(steps, func(a, b Step) int { return int(a.Version - b.Version) })
	return steps, nil
}

// upPart is the SQL between "+goose Up" and "+goose Down".
func upPart(text string) string {
	var b strings.Builder
	up := false
	for line := range strings.Lines(text) {
		mark, annotated := strings.CutPrefix(strings.TrimSpace(line), "-- +goose ")
		switch {
		case annotated && mark == "Up":
			up = true
		case annotated && mark == "Down":
			up = false
		case !annotated && up:
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String())
}

// layered is several folders as one.
type layered []fs.FS

func (l layered) Open(name string) (fs.File, error) {
	for _, fsys := range l {
		f, err := fsys.Open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists the files of every layer.
func (l layered) ReadDir(name string) ([]fs.DirEntry, error) {
	var all []fs.DirEntry
	for _, fsys := range l {
		entries, err := fs.ReadDir(fsys, name)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() && path.Ext(e.Name()) == ".sql" {
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// querier asks a question: a Tx, or the migrator's connection.
type querier func(ctx context.Context, q string, args ...any) (*sql.Rows, error)

// status compares what the program knows with what ran.
func (s Schema) status(ctx context.Context, e Engine, ask querier) ([]Step, error) {
	steps, err := s.steps(e)
	if err != nil {
		return nil, err
	}
	applied, err := s.applied(ctx, e, ask)
	if err != nil {
		return nil, fmt.Errorf("reading the version of schema %s: %w", s.Name, err)
	}
	for i := range steps {
		steps[i].Applied = applied[steps[i].Version]
		delete(applied, steps[i].Version)
	}
	for v, at := range applied {
		steps = append(steps, Step{Schema: s.Name, Version: v, Applied: at})
	}
	slices.SortFunc(steps, func(a, b Step) int { return int(a.Version - b.Version) })
	return steps, nil
}

// applied reads the version table, which is not there before the first migration.
func (s Schema) applied(ctx context.Context, e Engine, ask querier) (map[int64]time.Time, error) {
	exists := `SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1`
	if e == Postgres {
		exists = `SELECT c.relname FROM pg_class c WHERE c.oid = to_regclass($1)`
	}
	applied := map[int64]time.Time{}
	found := false
	err := each(ctx, ask, exists, []any{s.table()}, func(*sql.Rows) error { found = true; return nil })
	if err != nil || !found {
		return applied, err
	}
	const q = `SELECT version_id, tstamp FROM %s WHERE version_id > 0 AND is_applied = true`
	err = each(ctx, ask, fmt.Sprintf(q, s.table()), nil, func(rows *sql.Rows) error {
		var v int64
		var at time.Time
		err := rows.Scan(&v, &at)
		applied[v] = at.UTC()
		return err
	})
	return applied, err
}

func each(ctx context.Context, ask querier, q string, args []any, f func(*sql.Rows) error) error {
	rows, err := ask(ctx, q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// fits returns nil when every step ran and none is unknown.
func fits(steps []Step) error {
	for _, st := range steps {
		if st.Name == "" {
			return fmt.Errorf("%w: %s has migration %d; run the program that made it, or a newer one", ErrNewerSchema, st.Schema, st.Version)
		}
	}
	for _, st := range steps {
		if st.Applied.IsZero() {
			return fmt.Errorf("%w: %s misses %s; run: gatehouse migrate up", ErrPendingSchema, st.Schema, st.Name)
		}
	}
	return nil
}

// CheckSchema returns nil when the database has exactly the migrations that
// the program knows, otherwise ErrPendingSchema or ErrNewerSchema, naming the
// component. It needs no more rights than the app's role has.
func (s *Store) CheckSchema(ctx context.Context, schemas ...Schema) error {
	all, err := withCore(schemas)
	if err != nil {
		return err
	}
	return s.Read(ctx, System(), func(tx *Tx) error {
		for _, sc := range all {
			steps, err := sc.status(ctx, tx.Engine(), tx.Query)
			if err != nil {
				return err
			}
			if err := fits(steps); err != nil {
				return err
			}
		}
		return nil
	})
}
