package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// Tx is a running transaction, given to the function of Read or Write and void
// when that function returns. It is not safe for concurrent use, rows must be
// closed before the next statement, and after a statement that went wrong
// nothing more can be done in it: all as PostgreSQL has it, on both engines.
type Tx struct {
	engine Engine
	actor  Actor
	conn   *sql.Conn
	stmts  *statements // nil where the driver keeps its own (PostgreSQL)
	rows   *sql.Rows   // of the last Query
	failed error       // the first error of a statement
	row    func()      // ends the last QueryRow, should f not have scanned it (PostgreSQL)
	over   atomic.Bool // a tx that was kept must not reach into another's transaction
}

var (
	errOver    = errors.New("transaction used after its function returned")
	errOpen    = errors.New("rows of the last query are still open")
	errControl = errors.New("only Read and Write begin and end a transaction")
)

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
		return 0, tx.fail(err)
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
		return nil, tx.fail(err)
	}
	tx.rows = rows
	return rows, nil
}

// QueryRow runs a statement that returns at most one row. Its Scan must be
// called; it gives sql.ErrNoRows when there is none.
func (tx *Tx) QueryRow(ctx context.Context, q string, args ...any) *sql.Row {
	ctx, stmt, err := tx.prepare(ctx, q)
	if err != nil {
		// A sql.Row cannot be made with an error of ours; a context that is
		// over makes one before anything is sent.
		dead, cancel := context.WithCancelCause(ctx)
		cancel(err)
		return tx.conn.QueryRowContext(dead, q, args...)
	}
	var row *sql.Row
	if stmt != nil {
		row = stmt.QueryRowContext(ctx, args...)
	} else {
		tx.release()
		ctx, tx.row = context.WithCancel(ctx)
		row = tx.conn.QueryRowContext(ctx, q, args...)
	}
	if err := row.Err(); err != nil {
		_ = tx.fail(err) // Scan returns it to f
	}
	return row
}

// NextID returns the next number of a counter, 1 first. No number is given
// twice, but a transaction that is undone gives its number back.
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
	if err := tx.settle(); err != nil {
		return ctx, nil, err
	}
	if err := ctx.Err(); err != nil {
		return ctx, nil, tx.fail(err)
	}
	if controlsTransaction(q) {
		return ctx, nil, tx.fail(errControl)
	}
	if tx.stmts == nil {
		return ctx, nil, nil
	}
	// An interrupted statement would end the transaction that others share.
	ctx = context.WithoutCancel(ctx)
	stmt, err := tx.stmts.get(ctx, tx.conn, q)
	if err != nil {
		return ctx, nil, tx.fail(err)
	}
	return ctx, stmt, nil
}

// settle finds out how the last statement ended.
func (tx *Tx) settle() error {
	if tx.failed != nil {
		return tx.failed
	}
	if tx.rows == nil {
		return nil
	}
	if err := tx.rows.Err(); err != nil {
		return tx.fail(err)
	}
	if _, err := tx.rows.Columns(); err == nil { // an error here means: closed
		return tx.fail(errOpen)
	}
	tx.rows = nil
	return nil
}

func (tx *Tx) fail(err error) error {
	if tx.failed == nil {
		tx.failed = err
	}
	return err
}

// run runs f and ends tx. Its error says whether to commit: a statement that
// went wrong counts even when f did not mind.
func (tx *Tx) run(ctx context.Context, f func(*Tx) error) error {
	defer tx.end()
	if err := ctx.Err(); err != nil {
		return err
	}
	if f == nil {
		return nil
	}
	err := f(tx)
	if settled := tx.settle(); settled != nil && (err == nil || kindOf(settled) != other && kindOf(err) == other) {
		return settled
	}
	return err
}

func (tx *Tx) end() {
	tx.over.Store(true)
	if tx.rows != nil {
		_ = tx.rows.Close() // what went wrong was f's to see
	}
}

// release lets go of a row that was not scanned, which would hold the
// connection for ever.
func (tx *Tx) release() {
	if tx.row != nil {
		tx.row()
		tx.row = nil
	}
}

// controlsTransaction tells whether q would begin or end a transaction, or
// change the connection for those who come after.
func controlsTransaction(q string) bool {
	word := strings.TrimLeft(q, " \t\r\n")
	if end := strings.IndexAny(word, " \t\r\n;("); end >= 0 {
		word = word[:end]
	}
	switch strings.ToUpper(word) {
	case "BEGIN", "START", "COMMIT", "END", "ABORT", "ROLLBACK", "SAVEPOINT", "RELEASE",
		"SET", "RESET", "DISCARD", "PRAGMA", "ATTACH", "DETACH", "LISTEN", "UNLISTEN":
		return true
	}
	return false
}

// statements are the prepared statements of one connection, by their text.
type statements struct{ byText map[string]*sql.Stmt }

// maxStatements bounds the cache: programs have a few hundred texts, and one
// that builds them as it goes must not fill the memory.
const maxStatements = 512

func newStatements() *statements { return &statements{byText: map[string]*sql.Stmt{}} }

func (c *statements) get(ctx context.Context, conn *sql.Conn, q string) (*sql.Stmt, error) {
	if stmt, ok := c.byText[q]; ok {
		return stmt, nil
	}
	if len(c.byText) >= maxStatements {
		c.close()
	}
	stmt, err := conn.PrepareContext(ctx, q)
	if err != nil {
		return nil, err
	}
	c.byText[q] = stmt
	return stmt, nil
}

func (c *statements) close() {
	for _, stmt := range c.byText {
		_ = stmt.Close() // nothing is lost with a cached statement
	}
	clear(c.byText)
}
