package store

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// Schema is the migrations of one component: files NNNNN_name.sql with
// "-- +goose Up" and "-- +goose Down", those in postgres/ for PostgreSQL alone
// and in the same series of numbers.
type Schema struct {
	Name string // [a-z_]+; its version is kept in the table schema_<name>
	FS   fs.FS
	Dir  string // folder in FS: "schema"; "" is the root
}

// Step is one migration.
type Step struct {
	Schema  string // the component
	Version int64
	Name    string    // file name
	SQL     string    // what would run (Plan)
	Applied time.Time // when it ran (Status); zero while it is pending
}

// Migrator moves the schema of a database up and down.
type Migrator struct {
	cfg     Config
	schemas []Schema
}

// OpenMigrator opens the database as its owner, waiting like Open. The store's
// own schema (Core) always comes first and need not be given.
func OpenMigrator(ctx context.Context, cfg Config, schemas ...Schema) (*Migrator, error) {
	return nil, errors.ErrUnsupported
}

// Up runs every pending migration and returns those that it ran.
func (m *Migrator) Up(ctx context.Context) ([]Step, error) { return nil, errors.ErrUnsupported }

// Down rolls back the migration that was applied last.
func (m *Migrator) Down(ctx context.Context) ([]Step, error) { return nil, errors.ErrUnsupported }

// DownTo rolls one component back to a version, or with component "" all of
// them, last first.
func (m *Migrator) DownTo(ctx context.Context, component string, version int64) ([]Step, error) {
	return nil, errors.ErrUnsupported
}

// Status lists every migration in order, those that the program does not know included.
func (m *Migrator) Status(ctx context.Context) ([]Step, error) { return nil, errors.ErrUnsupported }

// Plan lists what Up would run, with the SQL.
func (m *Migrator) Plan(ctx context.Context) ([]Step, error) { return nil, errors.ErrUnsupported }

// Check returns nil when the database fits the program, otherwise
// ErrPendingSchema or ErrNewerSchema, naming the component.
func (m *Migrator) Check(ctx context.Context) error { return errors.ErrUnsupported }

// Close closes the connection.
func (m *Migrator) Close() error { return nil }
