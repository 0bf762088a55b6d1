package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// maxBundle bounds how many plans share a transaction, and so how long the
// first of them waits for the last.
const maxBundle = 128

// bundler carries the plans that wait together to PostgreSQL: one transaction,
// three round trips and one commit, whatever their number. Each plan runs as
// its own actor. A plan whose row somebody else holds runs alone, and waits
// alone. Nothing else is expected to go wrong in the database, for decisions are
// made before; when something does, the whole is rolled back and each plan runs
// alone, so that nobody suffers from another's error.
//
// There is one bundle at a time: two would each be half as large, which costs
// more than waiting for the other's commit.
type bundler struct {
	pool    *pgxpool.Pool
	acquire time.Duration // how long to wait for a connection
	bound   time.Duration // of a transaction

	mu      sync.Mutex
	waiting []*parcel
	bell    chan struct{} // rung when somebody waits
	quit    chan struct{}
	ended   chan struct{}
	texts   texts
}

// parcel is one caller's plan.
type parcel struct {
	actor   Actor
	ch      *Change
	plan    Plan
	audit   func() (Statement, error)
	steps   []Statement
	refused error      // by Decide, or errAlone
	result  chan error // holds one
}

// errAlone means that a plan has to run in a transaction of its own.
var errAlone = errors.New("the bundle was undone")

func newBundler(pool *pgxpool.Pool, p Pool, bound time.Duration) *bundler {
	b := &bundler{
		pool: pool, acquire: p.Acquire, bound: bound, texts: texts{},
		bell: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go b.work()
	return b
}

// close may be called when no plan waits.
func (b *bundler) close() error {
	close(b.quit)
	<-b.ended
	return nil
}

// send waits for what becomes of the plan. A context that ends before the
// plan's bundle has begun means that it does not run.
func (b *bundler) send(ctx context.Context, p *parcel) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.result = make(chan error, 1)
	b.mu.Lock()
	b.waiting = append(b.waiting, p)
	b.mu.Unlock()
	b.ring()
	select {
	case err := <-p.result:
		return err
	case <-ctx.Done():
		if b.withdraw(p) {
			return ctx.Err()
		}
		return <-p.result
	}
}

func (b *bundler) ring() {
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

func (b *bundler) withdraw(p *parcel) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, p)
	if i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
	return i >= 0
}

func (b *bundler) work() {
	defer close(b.ended)
	for {
		select {
		case <-b.bell:
			if bundle := b.next(); len(bundle) > 0 {
				b.deliver(bundle)
			}
		case <-b.quit:
			return
		}
	}
}

// row is what a plan holds.
type row struct {
	table string
	id    int64
}

func (p *parcel) row() row { return row{p.plan.Table, p.plan.ID} }

// next takes those who wait, and of those with one row the first: the others
// must see what it has done.
func (b *bundler) next() []*parcel {
	b.mu.Lock()
	defer b.mu.Unlock()
	var bundle, rest []*parcel
	taken := make(map[row]bool, len(b.waiting))
	for _, p := range b.waiting {
		at := p.row()
		if len(bundle) == maxBundle || taken[at] {
			rest = append(rest, p)
			continue
		}
		taken[at] = true
		bundle = append(bundle, p)
	}
	b.waiting = rest
	if len(rest) > 0 {
		b.ring()
	}
	return bundle
}

func (b *bundler) deliver(bundle []*parcel) {
	ctx, cancel := context.WithTimeout(context.Background(), b.bound)
	defer cancel()
	err := b.transact(ctx, bundle)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = errAlone
	}
	for _, p := range bundle {
		if p.refused != nil {
			p.result <- p.refused
			continue
		}
		p.result <- err
	}
}

// transact returns ErrUnavailable when the plans must not run alone, because
// they may have been carried out or have waited long enough, and any other
// error when all was undone.
func (b *bundler) transact(ctx context.Context, bundle []*parcel) error {
	waiting, cancel := context.WithTimeout(ctx, b.acquire)
	defer cancel()
	held, err := b.pool.Acquire(waiting)
	switch {
	case err != nil && waiting.Err() != nil: // long enough: alone they would wait as long again
		return fmt.Errorf("%w: no connection within %s", ErrUnavailable, b.acquire)
	case err != nil:
		return err
	}
	defer held.Release() // closes it when it is broken or in a transaction
	conn := held.Conn()
	if err := b.look(ctx, conn, bundle); err != nil {
		return err
	}
	if !slices.ContainsFunc(bundle, func(p *parcel) bool { return p.refused == nil }) {
		_, err := conn.Exec(ctx, "rollback")
		return err
	}
	if err := act(ctx, conn, bundle, b.texts); err != nil {
		return errors.Join(err, conn.Close(ctx)) // rolls back
	}
	return finish(ctx, conn)
}

// look begins, holds the rows and lets each plan decide.
func (b *bundler) look(ctx context.Context, conn *pgx.Conn, bundle []*parcel) error {
	var batch pgx.Batch
	batch.Queue(beginReadCommitted)
	ids, sights := map[string][]int64{}, map[string][]*parcel{}
	for _, p := range bundle {
		p.refused = errAlone // unless its row is held and found
		ids[p.plan.Table] = append(ids[p.plan.Table], p.plan.ID)
		sights[p.plan.Look.SQL] = append(sights[p.plan.Look.SQL], p)
	}
	held := make(map[row]bool, len(bundle))
	for table, list := range ids {
		batch.Queue(hold(table)+" SKIP LOCKED", list).Query(func(rows pgx.Rows) error {
			var id int64
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				held[row{table, id}] = true
				return nil
			})
			return err
		})
	}
	batch.Queue(setActor, "", SystemRole)
	for q, plans := range sights {
		args := make([][]any, len(plans))
		for i, p := range plans {
			args[i] = p.plan.Look.Args
		}
		columns, err := columnsOf(args)
		if err != nil {
			return err
		}
		batch.Queue(b.texts.together(q, columns), columns...).Query(func(rows pgx.Rows) error {
			defer rows.Close()
			for rows.Next() {
				n, err := ordinal(rows)
				if err != nil || n < 1 || n > len(plans) {
					return errors.Join(err, errors.New("the looks of a bundle are not numbered"))
				}
				if p := plans[n-1]; held[p.row()] {
					p.decide(afterFirst{rows})
				}
			}
			return rows.Err()
		})
	}
	return conn.SendBatch(ctx, &batch).Close()
}

// ordinal is the number in the first column. Scan would plan anew each time it
// is asked for other columns than before.
func ordinal(rows pgx.Rows) (int, error) {
	value := rows.RawValues()[0]
	if len(value) == 8 { // as text it has at most three digits
		return int(binary.BigEndian.Uint64(value)), nil
	}
	return strconv.Atoi(string(value))
}

// afterFirst is a row without its first column.
type afterFirst struct{ pgx.Rows }

func (r afterFirst) Scan(dest ...any) error { return r.Rows.Scan(append([]any{nil}, dest...)...) }

// decide runs the caller's code, which must not take the worker with it when it
// panics: alone it panics again, in its caller's goroutine.
func (p *parcel) decide(found Row) {
	defer func() { _ = recover() }()
	steps, err := p.plan.Decide(found)
	if err == nil && p.ch.Action != "" {
		var entry Statement
		entry, err = p.audit()
		steps = append(steps, entry)
	}
	p.steps, p.refused = steps, err
}

// act does what the plans have decided, and writes their audit entries.
func act(ctx context.Context, conn *pgx.Conn, bundle []*parcel, made texts) error {
	var batch pgx.Batch
	var actor speaker
	for _, c := range crowds(bundle) {
		actor.change(&batch, c[0].actor)
		if err := c.queue(&batch, made); err != nil {
			return err
		}
	}
	return conn.SendBatch(ctx, &batch).Close()
}

// speaker is who the statements of a batch come from.
type speaker struct {
	known bool
	actor Actor
}

// change names the actor for the statements to come, unless it is the same.
func (s *speaker) change(batch *pgx.Batch, a Actor) {
	if s.known && s.actor == a {
		return
	}
	s.known, s.actor = true, a
	batch.Queue(setActor, a.ID, a.Role)
}
