package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// maxGroup bounds how many writes share a commit, and so how long the first of
// them waits for it.
const maxGroup = 128

// writer runs the writes of a SQLite file one after the other, on one
// connection, and commits those that wait together: the disk is waited for
// once, whatever their number. Each caller runs its own f, in its own
// goroutine, when its turn has come; so a panic is the caller's alone.
type writer struct {
	db    *sql.DB
	conn  *reader // nil after a failure, until it is opened anew
	wait  time.Duration
	queue chan *turn
	quit  chan struct{}
	ended chan struct{}
}

// turn is one write. Its channels hold one value each, so that neither side
// waits for the other to listen.
type turn struct {
	actor  Actor
	start  chan *Tx   // now run f
	ran    chan error // f has run; nil: keep what it did
	result chan error // what became of it
}

// errAborted stands for an f that panicked or left its goroutine.
var errAborted = errors.New("the write did not return")

func openWriter(ctx context.Context, path string, wait time.Duration) (*writer, error) {
	w := &writer{
		db: openSQL(path, "foreign_keys(1)"), wait: wait,
		queue: make(chan *turn), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	w.db.SetMaxIdleConns(0)
	if err := w.connect(ctx); err != nil {
		return nil, errors.Join(settled(ctx, err), w.db.Close())
	}
	go w.loop()
	return w, nil
}

func (w *writer) connect(ctx context.Context) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	var mode string
	var sync int
	err = conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
	if err == nil {
		err = conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync)
	}
	if err == nil && (mode != "wal" || sync != 2) {
		err = fmt.Errorf("the file system cannot keep a write-ahead log (journal mode %s, synchronous %d)", mode, sync)
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	w.conn = &reader{conn: conn, stmts: newStatements()}
	return nil
}

// write waits for its turn and runs f. A context that ends before the turn
// begins means that f does not run; after that the outcome is waited for.
func (w *writer) write(ctx context.Context, a Actor, _ Isolation, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &turn{actor: a, start: make(chan *Tx, 1), ran: make(chan error, 1), result: make(chan error, 1)}
	if err := await(ctx, w.wait, w.queue, t); err != nil {
		return err
	}
	select {
	case tx := <-t.start:
		t.take(ctx, tx, f)
	case err := <-t.result:
		return settled(ctx, err)
	}
	return settled(ctx, <-t.result)
}

func (t *turn) take(ctx context.Context, tx *Tx, f func(*Tx) error) {
	err := errAborted
	defer func() { t.ran <- err }()
	err = tx.run(ctx, f)
}

func (w *writer) loop() {
	defer close(w.ended)
	for {
		select {
		case t := <-w.queue:
			w.group(t)
		case <-w.quit:
			return
		}
	}
}

// group runs first and those that wait behind it, and commits them together.
func (w *writer) group(first *turn) {
	var kept []*turn
	for t := first; t != nil; t = w.next(len(kept)) {
		keep, gone := w.one(t, len(kept) > 0)
		if gone != nil { // SQLite undid the whole: those kept so far are told
			answer(kept, gone)
			kept = kept[:0]
		}
		if keep {
			kept = append(kept, t)
		}
	}
	if len(kept) == 0 {
		return
	}
	err := w.exec("COMMIT")
	if err != nil {
		err = fmt.Errorf("%w: committing: %s", ErrUnavailable, reason(err))
		w.undo("ROLLBACK")
	}
	answer(kept, err)
}

func (w *writer) next(kept int) *turn {
	if kept >= maxGroup {
		return nil
	}
	select {
	case t := <-w.queue:
		return t
	default:
		return nil
	}
}

// one lets one caller write. The first of a group has the transaction to
// itself; the others get a savepoint each, so that an error undoes no more
// than its own. gone means that the transaction is lost with all in it.
func (w *writer) one(t *turn, shared bool) (keep bool, gone error) {
	begin, rollback := "BEGIN IMMEDIATE", []string{"ROLLBACK"}
	if shared {
		begin, rollback = "SAVEPOINT turn", []string{"ROLLBACK TO turn", "RELEASE turn"}
	}
	if err := w.exec(begin); err != nil {
		err = fmt.Errorf("%w: beginning: %s", ErrUnavailable, reason(err))
		t.result <- err
		if shared {
			w.undo("ROLLBACK")
			return false, err
		}
		return false, nil
	}
	t.start <- &Tx{engine: SQLite, actor: t.actor, conn: w.conn.conn, stmts: w.conn.stmts}
	err := <-t.ran
	if err == nil && shared {
		err = w.exec("RELEASE turn")
	}
	if err == nil {
		return true, nil
	}
	t.result <- err
	if w.undo(rollback...) || !shared {
		return false, nil
	}
	return false, fmt.Errorf("%w: the transaction shared with another write was lost: %s", ErrUnavailable, reason(err))
}

// undo rolls back. When that is not possible, because SQLite has done it by
// itself or the disk is gone, the connection is given up.
func (w *writer) undo(steps ...string) bool {
	for _, q := range steps {
		if err := w.exec(q); err != nil {
			_ = w.disconnect()
			return false
		}
	}
	return true
}

func answer(turns []*turn, err error) {
	for _, t := range turns {
		t.result <- err
	}
}

func (w *writer) exec(q string) error {
	ctx := context.Background() // the work of many callers: none of theirs may end it
	if w.conn == nil {
		if err := w.connect(ctx); err != nil {
			return err
		}
	}
	return w.conn.exec(ctx, q)
}

func (w *writer) disconnect() error {
	if w.conn == nil {
		return nil
	}
	c := w.conn
	w.conn = nil
	return c.close()
}

// close waits for the group that runs.
func (w *writer) close() error {
	close(w.quit)
	<-w.ended
	return errors.Join(w.disconnect(), w.db.Close())
}
