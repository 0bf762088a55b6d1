package scheduler

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/problem"
)

// order is a request to change what is booked in a slot.
type order struct {
	viewer     viewer
	slot       int64
	want       interview // when it books
	conditions preconditions
}

// outcome is what a write did to a slot.
type outcome struct {
	slot      int64
	tell      bool // the socket is to hear of it
	version   int64
	bookedBy  string
	interview *interview // nil when nothing is booked there now
}

// Who changes what is booked in a slot holds the slot's row, so that each looks
// at what the one before has left.
const (
	lookAt = `SELECT a.version, i.booked_by,
			EXISTS (SELECT 1 FROM interviewers p WHERE p.id = $2),
			EXISTS (SELECT 1 FROM available_interviewers v WHERE v.day_id = a.day_id AND v.interviewer_id = $2)
		FROM appointments a LEFT JOIN interviews i ON i.appointment_id = a.id WHERE a.id = $1`
)

// What a booking changes, in one slot and in many.
const (
	moveOn    = `UPDATE appointments SET version = version + 1 WHERE id = $1`
	moveAllOn = `UPDATE appointments SET version = version + 1 WHERE id = ANY($1::bigint[])`

	intoBookings = `INSERT INTO interviews (appointment_id, interviewer_id, booked_by) `
	orRebook     = ` ON CONFLICT (appointment_id) DO UPDATE SET interviewer_id = excluded.interviewer_id`
	putBooking   = intoBookings + `VALUES ($1, $2, $3)` + orRebook
	putBookings  = intoBookings + `SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])` + orRebook

	intoNames = `INSERT INTO interview_names (appointment_id, booked_by, student) `
	orRename  = ` ON CONFLICT (appointment_id) DO UPDATE SET student = excluded.student`
	putName   = intoNames + `VALUES ($1, $2, $3)` + orRename
	putNames  = intoNames + `SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])` + orRename

	dropBooking  = `DELETE FROM interviews WHERE appointment_id = $1`
	dropBookings = `DELETE FROM interviews WHERE appointment_id = ANY($1::bigint[])`
)

// sight is what a decision about a slot depends on.
type sight struct {
	version          int64
	bookedBy         *string // nil when nothing is booked there
	known, available bool    // the interviewer asked for; on the day
}

func (x sight) booked() bool { return x.bookedBy != nil }

// allows checks what every change depends on, in the order of RFC 9110
// §13.2.1: preconditions come last.
func (x sight) allows(o order, more error) error {
	v := o.viewer
	if x.booked() && !v.mayChange(*x.bookedBy) {
		return somebodyElses()
	}
	if more != nil {
		return more
	}
	return o.conditions.check(tagOf(x.version, x.booked() && !v.seesName(*x.bookedBy)), x.booked())
}

// planFor is a plan about the slot of an order.
func planFor(o order, decide func(sight) ([]store.Statement, error)) store.Plan {
	return store.Plan{
		Table: "appointments", ID: o.slot,
		Look: store.Statement{SQL: lookAt, Args: []any{o.slot, o.want.Interviewer}},
		Decide: func(row store.Row) ([]store.Statement, error) {
			var x sight
			if err := row.Scan(&x.version, &x.bookedBy, &x.known, &x.available); err != nil {
				return nil, err
			}
			return decide(x)
		},
	}
}

// book puts an interview into a slot, or in the place of the one that is there.
// A change leaves the booking with whom it was.
func (s records) book(ctx context.Context, ch *store.Change, o order) (outcome, error) {
	var out outcome
	err := s.store.WritePlan(ctx, actorOf(o.viewer), ch, planFor(o, func(x sight) ([]store.Statement, error) {
		if err := x.allows(o, s.refuses(x)); err != nil {
			return nil, err
		}
		owner := o.viewer.id
		if x.booked() {
			owner = *x.bookedBy
		}
		out = outcome{slot: o.slot, tell: true, version: x.version + 1, bookedBy: owner, interview: &o.want}
		ch.Answer = store.Answer{Status: http.StatusNoContent, Header: map[string]string{"ETag": tagOf(out.version, false)}}
		var slot, by any = o.slot, owner
		return []store.Statement{
			{SQL: moveOn, Many: moveAllOn, Args: []any{slot}},
			{SQL: putBooking, Many: putBookings, Args: []any{slot, o.want.Interviewer, by}},
			{SQL: putName, Many: putNames, Args: []any{slot, by, o.want.Student}},
		}, nil
	}))
	if refersToNothing(err) { // the interviewer went away meanwhile
		err = unknownInterviewer()
	}
	return out, orNotFound(err)
}

// refuses tells why the interviewer cannot be booked.
func (s records) refuses(x sight) error {
	switch {
	case !x.known:
		return unknownInterviewer()
	case s.enforce && !x.available:
		return problem.Conflict("NOT_AVAILABLE", "This interviewer is not available on the day of the slot")
	}
	return nil
}

// cancel empties a slot. Nothing to cancel, or no such slot, is as good as done.
func (s records) cancel(ctx context.Context, ch *store.Change, o order) (outcome, error) {
	var out outcome
	done := store.Answer{Status: http.StatusNoContent}
	err := s.store.WritePlan(ctx, actorOf(o.viewer), ch, planFor(o, func(x sight) ([]store.Statement, error) {
		if err := x.allows(o, nil); err != nil {
			return nil, err
		}
		ch.Answer = done
		out = outcome{slot: o.slot, tell: true, version: x.version}
		if !x.booked() {
			ch.Outcome = "nothing booked"
			return nil, nil
		}
		out.version++
		return []store.Statement{
			{SQL: dropBooking, Many: dropBookings, Args: []any{o.slot}, Rows: 1}, // a policy would hide it without a word
			{SQL: moveOn, Many: moveAllOn, Args: []any{o.slot}},
		}, nil
	}))
	if errors.Is(err, sql.ErrNoRows) {
		ch.Answer = done
		return outcome{}, o.conditions.check("", false)
	}
	return out, err
}

func somebodyElses() error {
	return problem.Forbidden("This slot is booked by someone else").From("", "own row")
}

func unknownInterviewer() error {
	return problem.Unprocessable(problem.Field{
		Field: "interview.interviewer", Pointer: "/interview/interviewer", Code: "not_found", Message: "must name an interviewer",
	})
}
