package scheduler

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

// A write of a slot begins by taking the slot's row, so writers of one slot go
// one after the other and each looks at what the one before has left. With that,
// READ COMMITTED is enough on PostgreSQL, and no writer has to start again.
const (
	takeSlot = `UPDATE appointments SET version = version WHERE id = $1 RETURNING version`
	lookAt   = `SELECT i.booked_by,
			EXISTS (SELECT 1 FROM interviewers p WHERE p.id = $2),
			EXISTS (SELECT 1 FROM available_interviewers v WHERE v.day_id = a.day_id AND v.interviewer_id = $2)
		FROM appointments a LEFT JOIN interviews i ON i.appointment_id = a.id WHERE a.id = $1`
	moveOn      = `UPDATE appointments SET version = version + 1 WHERE id = $1 RETURNING version`
	putBooking  = `INSERT INTO interviews (appointment_id, interviewer_id, booked_by) VALUES ($1, $2, $3) ON CONFLICT (appointment_id) DO UPDATE SET interviewer_id = excluded.interviewer_id`
	putName     = `INSERT INTO interview_names (appointment_id, booked_by, student) VALUES ($1, $2, $3) ON CONFLICT (appointment_id) DO UPDATE SET student = excluded.student`
	dropBooking = `DELETE FROM interviews WHERE appointment_id = $1`
)

// errNoSlot undoes the cancelling of a slot that does not exist.
var errNoSlot = errors.New("no such slot")

// book puts an interview into a slot, or in the place of the one that is there.
func (s records) book(ctx context.Context, ch *store.Change, o order) (outcome, error) {
	var out outcome
	ch.Isolation = store.ReadCommitted
	err := s.store.Write(ctx, actorOf(o.viewer), ch, func(tx *store.Tx) error {
		var version int64
		if err := tx.QueryRow(ctx, moveOn, o.slot).Scan(&version); err != nil {
			return orNotFound(err)
		}
		owner, err := s.mayBook(ctx, tx, o, version-1)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, putBooking, o.slot, o.want.Interviewer, owner); err != nil {
			if refersToNothing(err) {
				return unknownInterviewer()
			}
			return fmt.Errorf("booking: %w", err)
		}
		if _, err := tx.Exec(ctx, putName, o.slot, owner, o.want.Student); err != nil {
			return fmt.Errorf("booking: %w", err)
		}
		out = outcome{slot: o.slot, tell: true, version: version, bookedBy: owner, interview: &o.want}
		ch.Answer = store.Answer{Status: http.StatusNoContent, Header: map[string]string{"ETag": tagOf(version, false)}}
		return nil
	})
	return out, err
}

// mayBook checks everything that a booking depends on, in the order of RFC 9110
// §13.2.1: preconditions come last. It returns whose booking it will be: a
// change leaves it with whom it was.
func (s records) mayBook(ctx context.Context, tx *store.Tx, o order, before int64) (string, error) {
	v := o.viewer
	var bookedBy sql.NullString
	var known, available bool
	if err := tx.QueryRow(ctx, lookAt, o.slot, o.want.Interviewer).Scan(&bookedBy, &known, &available); err != nil {
		return "", orNotFound(err)
	}
	booked := bookedBy.Valid
	switch {
	case booked && !v.mayChange(bookedBy.String):
		return "", somebodyElses()
	case !known:
		return "", unknownInterviewer()
	case s.enforce && !available:
		return "", problem.Conflict("NOT_AVAILABLE", "This interviewer is not available on the day of the slot")
	}
	if err := o.conditions.check(tagOf(before, booked && !v.seesName(bookedBy.String)), booked); err != nil {
		return "", err
	}
	if !booked {
		return v.id, nil
	}
	return bookedBy.String, nil
}

// cancel empties a slot. Nothing to cancel, or no such slot, is as good as done.
func (s records) cancel(ctx context.Context, ch *store.Change, o order) (outcome, error) {
	v := o.viewer
	var out outcome
	ch.Isolation = store.ReadCommitted
	done := store.Answer{Status: http.StatusNoContent}
	err := s.store.Write(ctx, actorOf(o.viewer), ch, func(tx *store.Tx) error {
		ch.Answer = done
		out = outcome{slot: o.slot, tell: true}
		if err := tx.QueryRow(ctx, takeSlot, o.slot).Scan(&out.version); errors.Is(err, sql.ErrNoRows) {
			return errNoSlot
		} else if err != nil {
			return err
		}
		var bookedBy sql.NullString
		var known, available bool
		if err := tx.QueryRow(ctx, lookAt, o.slot, 0).Scan(&bookedBy, &known, &available); err != nil {
			return err
		}
		booked := bookedBy.Valid
		if booked && !v.mayChange(bookedBy.String) {
			return somebodyElses()
		}
		if err := o.conditions.check(tagOf(out.version, booked && !v.seesName(bookedBy.String)), booked); err != nil {
			return err
		}
		if booked {
			return empty(ctx, tx, &out)
		}
		ch.Outcome = "nothing booked"
		return nil
	})
	if errors.Is(err, errNoSlot) {
		ch.Answer = done
		return outcome{}, o.conditions.check("", false)
	}
	return out, err
}

// empty drops the booking of a slot whose row is taken.
func empty(ctx context.Context, tx *store.Tx, out *outcome) error {
	n, err := tx.Exec(ctx, dropBooking, out.slot)
	if err != nil {
		return fmt.Errorf("cancelling: %w", err)
	}
	if n != 1 {
		return fmt.Errorf("cancelling: the database hides the booking of slot %d from %s", out.slot, tx.Actor().Role)
	}
	return tx.QueryRow(ctx, moveOn, out.slot).Scan(&out.version)
}

func somebodyElses() error { return problem.Forbidden("This slot is booked by someone else") }

func unknownInterviewer() error {
	return problem.Unprocessable(problem.Field{
		Field: "interview.interviewer", Pointer: "/interview/interviewer", Code: "not_found", Message: "must name an interviewer",
	})
}
