package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgres is one server, seen through the app's role.
type postgres struct {
	db      *sql.DB
	pool    Pool
	bound   time.Duration // of a whole transaction, should the server fall silent
	rand    io.Reader
	lanes   lanes
	notice  *listener
	bundles *bundler
}

// attempts bounds how often f runs for one Read or Write.
const attempts = 12

// How a transaction begins. Reads see one state, as they do on SQLite.
const (
	beginRead          = "begin isolation level repeatable read read only"
	beginSerializable  = "begin isolation level serializable"
	beginReadCommitted = "begin isolation level read committed"
)

// setActor names the actor for the rest of the transaction.
const setActor = "select set_config('app.actor', $1, true), set_config('app.role', $2, true)"

func (s *Store) openPostgres(ctx context.Context) error {
	target, pc, err := s.cfg.connConfig(s.cfg.URL)
	if err != nil {
		return err
	}
	pc.MaxConns, pc.MinConns = int32(s.cfg.Pool.Max), int32(s.cfg.Pool.Min)
	pc.MaxConnIdleTime, pc.HealthCheckPeriod = s.cfg.Pool.Idle, max(s.cfg.Pool.Idle/2, time.Second)
	pc.AfterConnect = knowColumns
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), pc)
	if err != nil {
		return fmt.Errorf("opening the connection pool of %s: %s", target, reason(err))
	}
	db := stdlib.OpenDBFromPool(pool)
	s.closers = append(s.closers, func() error { pool.Close(); return nil }, db.Close)
	err = s.cfg.waitFor(ctx, target.String(), func(ctx context.Context) error { return ping(ctx, db) })
	if err != nil {
		return fmt.Errorf("opening PostgreSQL at %s: %w", target, err)
	}
	l := newListener(pc.ConnConfig, s.cfg)
	s.closers = append(s.closers, l.close)
	bound := 4 * s.cfg.Timeouts.Statement
	b := newBundler(pool, s.cfg.Pool, bound)
	s.closers = append(s.closers, b.close)
	s.backend = &postgres{
		db: db, pool: s.cfg.Pool, bound: bound, rand: s.cfg.Rand,
		lanes: newLanes(s.cfg.Pool.Max), notice: l, bundles: b,
	}
	return nil
}

// ping returns ErrUnavailable only for what can be waited for: a wrong password
// or a certificate that does not verify stays wrong.
func ping(ctx context.Context, db *sql.DB) error {
	err := db.PingContext(ctx)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if refused := refusal(err); refused != "" {
		return errors.New(refused)
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, reason(err))
}

func (p *postgres) read(ctx context.Context, a Actor, f func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := p.once(ctx, beginRead, a, f)
		if again := kindOf(err) == lost || kindOf(err) == conflict; !again || attempt >= 3 || ctx.Err() != nil {
			return settled(ctx, err)
		}
	}
}

// write runs f until it is not in conflict. After two attempts side by side
// with others, the third has the process to itself, so that many writers of
// one row each get through.
func (p *postgres) write(ctx context.Context, a Actor, iso Isolation, f func(*Tx) error) error {
	begin := beginSerializable
	if iso == ReadCommitted {
		begin = beginReadCommitted
	}
	for attempt := 1; ; attempt++ {
		leave, err := p.lanes.enter(ctx, attempt > 2, p.pool.Acquire)
		if err != nil {
			return err
		}
		err = func() error {
			defer leave()
			return p.once(ctx, begin, a, f)
		}()
		again := kindOf(err) == conflict || kindOf(err) == lost && attempt < 3
		if !again || attempt >= attempts || ctx.Err() != nil {
			return settled(ctx, err)
		}
		if attempt > 3 { // the other writer is another process
			if err := pause(ctx, jitter(p.rand, time.Millisecond<<min(attempt, 7))); err != nil {
				return err
			}
		}
	}
}

func (p *postgres) changes(ctx context.Context) (uint64, bool) { return p.notice.version(ctx) }

// once runs f in one transaction.
func (p *postgres) once(ctx context.Context, begin string, a Actor, f func(*Tx) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, p.bound)
	defer cancel()
	conn, err := p.begin(ctx, begin, a)
	if err != nil {
		return err
	}
	tx := &Tx{engine: Postgres, actor: a, conn: conn}
	open := true
	defer func() { // also when f panics
		tx.release()
		if open {
			rollback(ctx, conn)
		}
		_ = conn.Close() // back to the pool; what was committed stays so
	}()
	if err := tx.run(ctx, f); err != nil {
		return err
	}
	err = commit(ctx, conn)
	open = err != nil && kindOf(err) == other
	return err
}

// begin takes a connection, begins, and names the actor, in one round trip.
// Connections that a restart of the server has left dead are passed over.
func (p *postgres) begin(ctx context.Context, begin string, a Actor) (*sql.Conn, error) {
	for tries := 0; ; tries++ {
		conn, err := p.acquire(ctx)
		if err != nil {
			return nil, err
		}
		err = raw(conn, func(c *pgx.Conn) error {
			b := &pgx.Batch{}
			b.Queue(begin)
			b.Queue(setActor, a.ID, a.Role)
			return c.SendBatch(ctx, b).Close()
		})
		if err == nil {
			return conn, nil
		}
		abandon(conn)
		if kindOf(err) != lost || tries > p.pool.Max || ctx.Err() != nil {
			return nil, fmt.Errorf("beginning: %w", err)
		}
	}
}

func (p *postgres) acquire(ctx context.Context) (*sql.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, p.pool.Acquire)
	defer cancel()
	conn, err := p.db.Conn(waiting)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if waiting.Err() != nil {
		return nil, fmt.Errorf("%w: no connection within %s", ErrUnavailable, p.pool.Acquire)
	}
	return nil, fmt.Errorf("%w: connecting: %s", ErrUnavailable, reason(err))
}

// commit ends the transaction of a connection, and abandons the connection when
// nobody knows what has become of it.
func commit(ctx context.Context, conn *sql.Conn) error {
	err := raw(conn, func(c *pgx.Conn) error { return finish(ctx, c) })
	if kindOf(err) == unavailable {
		abandon(conn)
	}
	return err
}

// finish commits. It is not cut short by the caller's context: what it says
// must be true. ErrUnavailable means that it may have been done and must not
// run again; the connection is closed then.
func finish(ctx context.Context, c *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	tag, err := c.Exec(ctx, "commit")
	switch {
	case err != nil && kindOf(err) == conflict:
		return err
	case err != nil && (kindOf(err) != other || ctx.Err() != nil):
		_ = c.Close(ctx) // it is of no use any more
		return fmt.Errorf("%w: committing: %s", ErrUnavailable, reason(err))
	case err != nil: // a deferred constraint: the server has rolled back
		return err
	case tag.String() != "COMMIT":
		return errors.New("the transaction was rolled back: a statement in it had gone wrong")
	}
	return nil
}

const commitTimeout = 30 * time.Second

func rollback(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := raw(conn, func(c *pgx.Conn) error {
		if c.IsClosed() {
			return nil
		}
		_, err := c.Exec(ctx, "rollback")
		return err
	})
	if err != nil {
		abandon(conn) // the server rolls back what has no connection
	}
}

// abandon closes a connection instead of giving it back to the pool.
func abandon(conn *sql.Conn) {
	_ = conn.Raw(func(c any) error {
		if pc, ok := c.(*stdlib.Conn); ok {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = pc.Conn().Close(ctx) // nobody is left to be told
		}
		return driver.ErrBadConn
	})
	_ = conn.Close()
}

func raw(conn *sql.Conn, f func(*pgx.Conn) error) error {
	return conn.Raw(func(c any) error {
		pc, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T where pgx was expected", c)
		}
		return f(pc.Conn())
	})
}
