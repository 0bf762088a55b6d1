package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// readers are the connections that read a SQLite file. Each keeps its prepared
// statements, which is most of the cost of a read.
type readers struct {
	db    *sql.DB
	pool  Pool
	slots chan struct{} // one token per connection in use

	mu   sync.Mutex
	idle []*reader // the last one used first: its cache is warm
}

type reader struct {
	conn  *sql.Conn
	stmts *statements
}

func openReaders(path string, pool Pool) *readers {
	db := openSQL(path, "foreign_keys(1)", "query_only(1)")
	db.SetMaxIdleConns(0) // a connection is kept here or closed
	return &readers{db: db, pool: pool, slots: make(chan struct{}, pool.Max)}
}

func (r *readers) read(ctx context.Context, a Actor, f func(*Tx) error) error {
	if err := await(ctx, r.pool.Acquire, r.slots, struct{}{}); err != nil {
		return err
	}
	defer func() { <-r.slots }()
	c, err := r.take(ctx)
	if err != nil {
		return settled(ctx, err)
	}
	sound := false
	defer func() { r.put(c, sound) }() // also when f panics
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return settled(ctx, err)
	}
	tx := &Tx{engine: SQLite, actor: a, conn: c.conn, stmts: c.stmts}
	err = tx.run(ctx, f)
	sound = c.exec(ctx, "ROLLBACK") == nil
	return settled(ctx, err)
}

func (r *readers) take(ctx context.Context) (*reader, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return c, nil
	}
	conn, err := r.db.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("opening a reader: %w", err)
	}
	return &reader{conn: conn, stmts: newStatements()}, nil
}

func (r *readers) put(c *reader, sound bool) {
	if !sound {
		_ = c.close() // what went wrong is known already
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, c)
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.idle {
		errs = append(errs, c.close())
	}
	r.idle = nil
	return errors.Join(append(errs, r.db.Close())...)
}

// exec runs one of our own statements, which no caller's context may cut short.
func (c *reader) exec(ctx context.Context, q string) error {
	ctx = context.WithoutCancel(ctx)
	stmt, err := c.stmts.get(ctx, c.conn, q)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx)
	return err
}

func (c *reader) close() error {
	c.stmts.close()
	return c.conn.Close()
}
