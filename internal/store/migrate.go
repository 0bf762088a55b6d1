package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Migrator moves the schema of a database up and down. Migrations run under a
// lock: on PostgreSQL one that other migrators wait for, on SQLite the lock of
// the process that serves the file, which refuses.
type Migrator struct {
	cfg     Config
	db      *sql.DB
	schemas []Schema
	app     string // PostgreSQL: the role that is granted rights
	path    string // SQLite
}

// OpenMigrator opens the database as its owner (Config.OwnerURL, else URL) and
// waits for it like Open. Core comes first and need not be given.
func OpenMigrator(ctx context.Context, cfg Config, schemas ...Schema) (*Migrator, error) {
	all, err := withCore(schemas)
	if err != nil {
		return nil, err
	}
	m := &Migrator{cfg: cfg.withDefaults(), schemas: all}
	switch m.cfg.Engine {
	case SQLite:
		err = m.openSQLite(ctx)
	case Postgres:
		err = m.openPostgres(ctx)
	default:
		err = fmt.Errorf("unknown database engine %q: use sqlite or postgres", m.cfg.Engine)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Migrator) openSQLite(ctx context.Context) error {
	path, err := sqlitePath(m.cfg.Path)
	if err != nil {
		return err
	}
	if err := createPrivate(path); err != nil {
		return err
	}
	// Foreign keys are off while tables are rebuilt, and checked at the end.
	m.path, m.db = path, openSQL(path, "foreign_keys(0)")
	err = m.cfg.waitFor(ctx, "SQLite file "+path, func(ctx context.Context) error {
		return settled(ctx, m.db.PingContext(ctx))
	})
	if err != nil {
		return errors.Join(fmt.Errorf("opening %s: %w", path, err), m.db.Close())
	}
	return nil
}

func (m *Migrator) openPostgres(ctx context.Context) error {
	raw := m.cfg.OwnerURL
	if raw == "" {
		raw = m.cfg.URL
	}
	target, pc, err := m.cfg.connConfig(raw)
	if err != nil {
		return err
	}
	m.app = target.User
	if m.cfg.URL != "" {
		app, err := ParseURL(m.cfg.URL)
		if err != nil {
			return err
		}
		m.app = app.User
	}
	params := pc.ConnConfig.RuntimeParams
	params["gatehouse.app_role"] = m.app
	params["timezone"] = "UTC"        // goose writes the server's local time
	params["statement_timeout"] = "0" // a migration takes as long as it takes
	m.db = stdlib.OpenDB(*pc.ConnConfig)
	err = m.cfg.waitFor(ctx, target.String(), func(ctx context.Context) error { return ping(ctx, m.db) })
	if err != nil {
		return errors.Join(fmt.Errorf("opening PostgreSQL at %s: %w", target, err), m.db.Close())
	}
	return nil
}

// Close closes the connection.
func (m *Migrator) Close() error { return m.db.Close() }

// Up runs every pending migration and returns those that ran, also when a
// later one goes wrong. A database of a newer program is refused.
func (m *Migrator) Up(ctx context.Context) ([]Step, error) {
	var ran []Step
	err := m.locked(ctx, func() error {
		if err := errors.Join(m.notNewer(ctx), m.mayCreate(ctx)); err != nil {
			return err
		}
		for _, s := range m.schemas {
			p, err := m.provider(s)
			if err != nil {
				return err
			}
			results, err := p.Up(ctx)
			if partial, ok := errors.AsType[*goose.PartialError](err); ok {
				results = partial.Applied
			}
			ran = append(ran, stepsOf(s, results...)...)
			if err != nil {
				return fmt.Errorf("migrating schema %s: %w", s.Name, err)
			}
			if err := m.grant(ctx, s); err != nil {
				return err
			}
		}
		return m.checkForeignKeys(ctx)
	})
	return ran, err
}

// Down rolls back the migration that ran last, of whatever component.
func (m *Migrator) Down(ctx context.Context) ([]Step, error) {
	var ran []Step
	err := m.locked(ctx, func() error {
		if err := m.notNewer(ctx); err != nil {
			return err
		}
		steps, err := m.Status(ctx)
		if err != nil {
			return err
		}
		name, latest := "", time.Time{}
		for _, st := range steps {
			if !st.Applied.IsZero() && !st.Applied.Before(latest) {
				name, latest = st.Schema, st.Applied
			}
		}
		if name == "" {
			return nil
		}
		ran, err = m.down(ctx, name)
		return err
	})
	return ran, err
}

// DownTo rolls one component back to a version, or with component "" every
// component, the last one first.
func (m *Migrator) DownTo(ctx context.Context, component string, version int64) ([]Step, error) {
	var ran []Step
	err := m.locked(ctx, func() error {
		if err := m.notNewer(ctx); err != nil {
			return err
		}
		found := false
		for i := len(m.schemas) - 1; i >= 0; i-- {
			name := m.schemas[i].Name
			if component != "" && component != name {
				continue
			}
			found = true
			steps, err := m.downTo(ctx, name, version)
			ran = append(ran, steps...)
			if err != nil {
				return err
			}
		}
		if !found {
			return fmt.Errorf("there is no component %q", component)
		}
		return nil
	})
	return ran, err
}

func (m *Migrator) downTo(ctx context.Context, name string, version int64) ([]Step, error) {
	var ran []Step
	for {
		steps, err := m.Status(ctx)
		if err != nil {
			return ran, err
		}
		current := int64(0)
		for _, st := range steps {
			if st.Schema == name && !st.Applied.IsZero() {
				current = st.Version
			}
		}
		if current <= version {
			return ran, nil
		}
		done, err := m.down(ctx, name)
		ran = append(ran, done...)
		if err != nil {
			return ran, err
		}
	}
}

// down rolls back the latest migration of one component.
func (m *Migrator) down(ctx context.Context, name string) ([]Step, error) {
	for _, s := range m.schemas {
		if s.Name != name {
			continue
		}
		p, err := m.provider(s)
		if err != nil {
			return nil, err
		}
		result, err := p.Down(ctx)
		if err != nil {
			return nil, fmt.Errorf("rolling back schema %s: %w", name, err)
		}
		return stepsOf(s, result), nil
	}
	return nil, fmt.Errorf("there is no component %q", name)
}

// Status lists every migration in order, applied ones that this program does
// not know included. It changes nothing.
func (m *Migrator) Status(ctx context.Context) ([]Step, error) {
	var all []Step
	for _, s := range m.schemas {
		steps, err := s.status(ctx, m.cfg.Engine, m.db.QueryContext)
		if err != nil {
			return nil, err
		}
		for i := range steps {
			steps[i].SQL = ""
		}
		all = append(all, steps...)
	}
	return all, nil
}

// Plan lists what Up would run, with the SQL. It changes nothing.
func (m *Migrator) Plan(ctx context.Context) ([]Step, error) {
	if err := m.notNewer(ctx); err != nil {
		return nil, err
	}
	var pending []Step
	for _, s := range m.schemas {
		steps, err := s.status(ctx, m.cfg.Engine, m.db.QueryContext)
		if err != nil {
			return nil, err
		}
		for _, st := range steps {
			if st.Applied.IsZero() {
				pending = append(pending, st)
			}
		}
	}
	return pending, nil
}

func (m *Migrator) notNewer(ctx context.Context) error {
	steps, err := m.Status(ctx)
	if err != nil {
		return err
	}
	if err := fits(steps); errors.Is(err, ErrNewerSchema) {
		return err
	}
	return nil
}

func (m *Migrator) provider(s Schema) (*goose.Provider, error) {
	dialect := goose.DialectSQLite3
	if m.cfg.Engine == Postgres {
		dialect = goose.DialectPostgres
	}
	files, err := s.files(m.cfg.Engine)
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(dialect, m.db, files, goose.WithTableName(s.table()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("reading migrations of schema %s: %w", s.Name, err)
	}
	return p, nil
}

// grant lets the app's role see which migrations ran (Store.CheckSchema).
func (m *Migrator) grant(ctx context.Context, s Schema) error {
	if m.cfg.Engine != Postgres {
		return nil
	}
	q := "GRANT SELECT ON " + s.table() + " TO " + pgx.Identifier{m.app}.Sanitize()
	if _, err := m.db.ExecContext(ctx, q); err != nil {
		return fmt.Errorf("granting rights on schema %s: %w", s.Name, err)
	}
	return nil
}

func (m *Migrator) checkForeignKeys(ctx context.Context) error {
	if m.cfg.Engine != SQLite {
		return nil
	}
	return each(ctx, m.db.QueryContext, "PRAGMA foreign_key_check", nil, func(rows *sql.Rows) error {
		var table, parent string
		var row, key any
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		return fmt.Errorf("after migrating, a row of %s refers to one of %s that is not there", table, parent)
	})
}

// migrationLock is the key of the advisory lock, of this database alone:
// "gatehous" as a number.
const migrationLock int64 = 0x67617465686f7573

// locked runs f while no other migrator, and on SQLite no server, is at work.
func (m *Migrator) locked(ctx context.Context, f func() error) (err error) {
	if m.cfg.Engine == SQLite {
		unlock, err := lockFile(m.path+".lock", m.cfg.Now())
		if err != nil {
			return err
		}
		return errors.Join(f(), unlock())
	}
	conn, err := m.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, reason(err))
	}
	defer abandon(conn) // the lock ends with the session
	if err := m.takeLock(ctx, conn); err != nil {
		return err
	}
	return f()
}

func (m *Migrator) takeLock(ctx context.Context, conn *sql.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, max(m.cfg.Wait, 0)+m.cfg.Timeouts.Connect)
	defer cancel()
	var got bool
	err := conn.QueryRowContext(waiting, "SELECT pg_try_advisory_lock($1)", migrationLock).Scan(&got)
	if err == nil && got {
		return nil
	}
	if err == nil {
		m.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "waiting for another migration to end")
		waiting, cancel = context.WithTimeout(ctx, max(m.cfg.Wait, 0))
		defer cancel()
		_, err = conn.ExecContext(waiting, "SELECT set_config('lock_timeout', '0', false), pg_advisory_lock($1)", migrationLock)
	}
	if err != nil && ctx.Err() != nil {
		return stopped("another migration", ErrUnavailable)
	}
	if err != nil {
		return fmt.Errorf("%w: waiting for another migration: %s", ErrUnavailable, reason(err))
	}
	return nil
}

// mayCreate tells early, and in words, that the URL is not the owner's.
func (m *Migrator) mayCreate(ctx context.Context) error {
	if m.cfg.Engine != Postgres {
		return nil
	}
	var role string
	var may bool
	const q = "SELECT current_user, has_schema_privilege(current_schema(), 'CREATE')"
	if err := m.db.QueryRowContext(ctx, q).Scan(&role, &may); err != nil {
		return fmt.Errorf("asking for rights: %w", err)
	}
	if !may {
		return fmt.Errorf("role %s may not create tables: migrations need the URL of the owner", role)
	}
	return nil
}

func stepsOf(s Schema, results ...*goose.MigrationResult) []Step {
	var steps []Step
	for _, r := range results {
		if r != nil && r.Error == nil && r.Source != nil {
			steps = append(steps, Step{Schema: s.Name, Version: r.Source.Version, Name: r.Source.Path})
		}
	}
	return steps
}

var _ fs.ReadDirFS = layered(nil)
