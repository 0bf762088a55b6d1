package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Plan is a write in two steps: it looks at one row, and then does what follows
// from what it saw. Nobody changes the row between the two. As nothing but
// Decide stands between the statements, plans of many callers can share their
// round trips and their commit.
type Plan struct {
	Table string // the row of this table with the id ID is held from Look to the commit
	ID    int64
	// Look finds what the decision needs: one SELECT of at most one row, its
	// arguments, one at least, int64 or string. It sees what the system sees (see SystemRole),
	// for it tells Decide and nobody else; what Decide returns runs as the actor.
	Look Statement
	// Decide returns what to do; none is a plan that changes nothing, an error
	// refuses and is returned by WritePlan. It may run more than once, must do
	// nothing but decide, and must not keep row. The statements must change
	// different rows: on PostgreSQL they may run as one, in which none sees
	// what the others do.
	Decide func(row Row) ([]Statement, error)
}

// Statement is SQL with its arguments.
type Statement struct {
	SQL  string
	Args []any
	Rows int64 // that it must change, or the whole plan is undone; 0 is any number
	// Many is SQL for the rows of many plans at once: its $n is the array of what
	// their nth arguments are, all int64 or all string. It must change one row
	// for each of them. PostgreSQL runs it for plans of one actor that do the
	// same; "" is a statement that runs for each plan.
	Many string
}

// Row is what Look found. Scan gives sql.ErrNoRows when there was nothing.
type Row interface{ Scan(dest ...any) error }

// WritePlan is Write for a plan, with the same promises: what the plan does, its
// audit entry and its idempotency record are committed together or not at all,
// and nil means that they are durable. ch.Isolation has no say: the row that is
// held makes READ COMMITTED enough, as long as all who change what Look reads
// hold that row.
func (s *Store) WritePlan(ctx context.Context, a Actor, ch *Change, p Plan) error {
	if ch == nil {
		ch = &Change{}
	}
	given := *ch
	if pg, ok := s.backend.(*postgres); ok && ch.Idempotency == nil && !ch.Notify {
		done, err := s.bundled(ctx, pg.bundles, &parcel{actor: a, ch: ch, plan: p})
		if done {
			return err
		}
		*ch = given
	}
	ch.Isolation = ReadCommitted
	return s.Write(ctx, a, ch, func(tx *Tx) error { return p.run(ctx, tx) })
}

// bundled reports whether the plan is done with, one way or the other.
func (s *Store) bundled(ctx context.Context, b *bundler, p *parcel) (done bool, err error) {
	if err := s.enter(); err != nil {
		return true, err
	}
	defer s.running.Done()
	p.audit = func() (Statement, error) { return p.ch.auditEntry(p.actor, s.cfg.Now().UnixMicro(), s.cfg.Rand) }
	err = settled(ctx, b.send(ctx, p))
	return err != errAlone, err
}

// run carries out the plan in a transaction of its own.
func (p Plan) run(ctx context.Context, tx *Tx) error {
	found, err := p.look(ctx, tx)
	if err != nil {
		return err
	}
	steps, err := p.Decide(found)
	if err != nil {
		return err
	}
	if tx.Engine() == Postgres {
		if _, err := tx.Exec(ctx, setActor, tx.actor.ID, tx.actor.Role); err != nil {
			return fmt.Errorf("acting as the caller: %w", err)
		}
	}
	for _, step := range steps {
		n, err := tx.Exec(ctx, step.SQL, step.Args...)
		if err != nil {
			return err
		}
		if err := step.check(n); err != nil {
			return err
		}
	}
	return nil
}

// look holds the row and finds what the decision needs. SQLite runs one write
// at a time, and holds all rows.
func (p Plan) look(ctx context.Context, tx *Tx) (Row, error) {
	if tx.Engine() == Postgres {
		held, err := p.hold(ctx, tx)
		if err != nil || !held {
			return noRow{}, err
		}
		if _, err := tx.Exec(ctx, setActor, "", SystemRole); err != nil {
			return nil, fmt.Errorf("looking as the system: %w", err)
		}
	}
	return tx.QueryRow(ctx, p.Look.SQL, p.Look.Args...), nil
}

// hold asks again when it finds no row: it may have waited for somebody who put
// another in its place.
func (p Plan) hold(ctx context.Context, tx *Tx) (bool, error) {
	for range 2 {
		n, err := tx.Exec(ctx, hold(p.Table), []int64{p.ID})
		if err != nil {
			return false, fmt.Errorf("holding a row of %s: %w", p.Table, err)
		}
		if n > 0 {
			return true, nil
		}
	}
	return false, nil
}

// noRow is a Row without a row.
type noRow struct{}

func (noRow) Scan(...any) error { return sql.ErrNoRows }

func (s Statement) check(changed int64) error {
	if s.Rows != 0 && s.Rows != changed {
		return fmt.Errorf("%d rows changed where %d had to: %s", changed, s.Rows, s.SQL)
	}
	return nil
}

// hold takes rows. What a decision needs is read in a statement after it: one
// that has waited for a row sees that row anew, but the rest as it was before.
func hold(table string) string {
	return `SELECT id FROM ` + table + ` WHERE id = ANY($1) FOR NO KEY UPDATE`
}
