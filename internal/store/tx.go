package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
)

// Tx is a running transaction, given to the function of Read or Write and void
// when that function returns. It is not safe for concurrent use.
type Tx struct {
	engine Engine
	actor  Actor
	conn   *sql.Conn
	stmts  *statements // nil where the driver keeps its own (PostgreSQL)
	open   []*sql.Rows // closed at the end, should f have forgotten one
	over   atomic.Bool // set when f has returned: a kept tx must not reach another's transaction
}

var errOver = errors.New("transaction used after its function returned")

// Engine tells which engine is below, for the rare statement that must differ.
func (tx *Tx) Engine() Engine { return tx.engine }

// Actor is who reads or writes.
func (tx *Tx) Actor() Actor { return tx.actor }

// Exec runs a statement and returns the number of rows that it changed.
func (tx *Tx) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	ctx, stmt, err := tx.prepare(ctx, q)
	if err != nil {
		return 0, err
	}
	var res sql.Result
	if stmt != nil {
		res, err = stmt.ExecContext(ctx, args...)
	} else {
		res, err = tx.conn.ExecContext(ctx, q, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Query runs a statement that returns rows. The caller closes them.
func (tx *Tx) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	ctx, stmt, err := tx.prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	var rows *sql.Rows
	if stmt != nil {
		rows, err = stmt.QueryContext(ctx, args...)
	} else {
		rows, err = tx.conn.QueryContext(ctx, q, args...)
	}
	if err != nil {
		return nil, err
	}
	tx.open = append(tx.open, rows)
	return rows, nil
}

// QueryRow runs a statement that returns at most one row. Its Scan must be
// called; it gives sql.ErrNoRows when there is none.
func (tx *Tx) QueryRow(ctx context.Context, q string, args ...any) *sql.Row {
	ctx, stmt, err := tx.prepare(ctx, q)
	if err != nil {
		// A sql.Row cannot be made with an error: a cancelled context is
		// refused before anything is sent.
		dead, cancel := context.WithCancelCause(ctx)
		cancel(err)
		return tx.conn.QueryRowContext(dead, q, args...)
	}
	if stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return tx.conn.QueryRowContext(ctx, q, args...)
}

// NextID returns the next number of a counter, 1 first. Numbers are not given
// twice; a transaction that is rolled back gives its number back.
func (tx *Tx) NextID(ctx context.Context, counter string) (int64, error) {
	const q = `INSERT INTO counters (name, value) VALUES ($1, 1)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value`
	var id int64
	if err := tx.QueryRow(ctx, q, counter).Scan(&id); err != nil {
		return 0, fmt.Errorf("counting %s: %w", counter, err)
	}
	return id, nil
}

// SkipIDs makes the next NextID of a counter greater than last, for rows that
// were written with explicit ids. It never moves a counter back.
func (tx *Tx) SkipIDs(ctx context.Context, counter string, last int64) error {
	const q = `INSERT INTO counters (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value`
	if _, err := tx.Exec(ctx, q, counter, last); err != nil {
		return fmt.Errorf("counting %s: %w", counter, err)
	}
	return nil
}

// prepare refuses what must not run, and finds the cached statement.
func (tx *Tx) prepare(ctx context.Context, q string) (context.Context, *sql.Stmt, error) {
	if tx.over.Load() {
		return ctx, nil, errOver
	}
	if err := ctx.Err(); err != nil {
		return ctx, nil, err
	}
	if controlsTransaction(q) {
		return ctx, nil, errControl
	}
	if tx.stmts == nil {
		return ctx, nil, nil
	}
	// An interrupted statement would end the transaction that others share.
	ctx = context.WithoutCancel(ctx)
	stmt, err := tx.stmts.get(ctx, q)
	return ctx, stmt, err
}

// end makes tx void.
func (tx *Tx) end() {
	tx.over.Store(true)
	for _, rows := range tx.open {
		_ = rows.Close() // their errors were f's to see
	}
	tx.open = nil
}
