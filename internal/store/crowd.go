package store

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// crowd is plans of one actor that do the same to different rows, or one plan.
// What a crowd does costs PostgreSQL and us a third of what its plans would cost
// one by one.
type crowd []*parcel

// deed is what the plans of a crowd have in common.
type deed struct {
	actor Actor
	texts [maxMerged]string
}

// deedOf is false for a plan that is done by itself.
func deedOf(p *parcel) (deed, bool) {
	d := deed{actor: p.actor}
	if len(p.steps) == 0 || len(p.steps) > maxMerged {
		return d, false
	}
	for i, step := range p.steps {
		if step.Many == "" {
			return d, false
		}
		d.texts[i] = step.Many
	}
	return d, true
}

// crowds are the plans that were not refused, in the order in which the first of
// each crowd waits.
func crowds(bundle []*parcel) []crowd {
	all := make([]crowd, 0, len(bundle))
	place := make(map[deed]int, 1)
	for _, p := range bundle {
		if p.refused != nil {
			continue
		}
		d, ok := deedOf(p)
		if at, found := place[d]; ok && found {
			all[at] = append(all[at], p)
			continue
		}
		if ok {
			place[d] = len(all)
		}
		all = append(all, crowd{p})
	}
	return all
}

// queue adds what the crowd does to a batch. Its actor has been named.
func (c crowd) queue(batch *pgx.Batch, made texts) error {
	if len(c) == 1 {
		for _, step := range made.merge(c[0].steps) {
			step.queue(batch)
		}
		return nil
	}
	args := make([][]any, len(c))
	for i, step := range c[0].steps {
		for n, p := range c {
			args[n] = p.steps[i].Args
		}
		columns, err := columnsOf(args)
		if err != nil {
			return err
		}
		Statement{SQL: step.Many, Args: columns, Rows: int64(len(c))}.queue(batch)
	}
	return nil
}

// queue adds the statement to a batch, which then fails when other than the
// stated number of rows has changed.
func (s Statement) queue(batch *pgx.Batch) {
	queued := batch.Queue(s.SQL, s.Args...)
	if s.Rows != 0 {
		queued.Exec(func(tag pgconn.CommandTag) error { return s.check(tag.RowsAffected()) })
	}
}
