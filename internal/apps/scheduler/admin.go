package scheduler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Counters of ids. SkipIDs and NextID never go back, so no id is given twice.
const (
	dayIDs         = "scheduler_days"
	slotIDs        = "scheduler_slots"
	interviewerIDs = "scheduler_interviewers"
	generations    = "scheduler_generations"
)

// contentTag is the entity tag of an administered thing: equal content, equal tag.
func contentTag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// held is a row that a change has taken, as its readers see it.
func held[T any](item T, err error, p preconditions) error {
	if err != nil {
		return orNotFound(err)
	}
	body, err := strictjson.Marshal(item)
	if err != nil {
		return err
	}
	return p.check(contentTag(body), true)
}

// dayInput is the body of a day.
type dayInput struct {
	Name         string  `json:"name"`
	Interviewers []int64 `json:"interviewers"`
}

func createDay(ctx context.Context, tx *store.Tx, in dayInput) (day, error) {
	id, err := tx.NextID(ctx, dayIDs)
	if err != nil {
		return day{}, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO days (id, name) VALUES ($1, $2)`, id, in.Name); err != nil {
		return day{}, fmt.Errorf("adding a day: %w", err)
	}
	if err := setAvailable(ctx, tx, id, in.Interviewers); err != nil {
		return day{}, err
	}
	return scanDay(tx.QueryRow(ctx, selectDays+` WHERE d.id = $1`, id))
}

// holdDay takes the row of a day and checks the preconditions.
func holdDay(ctx context.Context, tx *store.Tx, id int64, p preconditions) error {
	if _, err := tx.Exec(ctx, `UPDATE days SET name = name WHERE id = $1`, id); err != nil {
		return err
	}
	d, err := scanDay(tx.QueryRow(ctx, selectDays+` WHERE d.id = $1`, id))
	return held(d, err, p)
}

func updateDay(ctx context.Context, tx *store.Tx, id int64, in dayInput, p preconditions) (day, error) {
	if err := holdDay(ctx, tx, id, p); err != nil {
		return day{}, err
	}
	if _, err := tx.Exec(ctx, `UPDATE days SET name = $2 WHERE id = $1`, id, in.Name); err != nil {
		return day{}, fmt.Errorf("changing a day: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM available_interviewers WHERE day_id = $1`, id); err != nil {
		return day{}, fmt.Errorf("changing a day: %w", err)
	}
	if err := setAvailable(ctx, tx, id, in.Interviewers); err != nil {
		return day{}, err
	}
	return scanDay(tx.QueryRow(ctx, selectDays+` WHERE d.id = $1`, id))
}

// setAvailable says who interviews on a day and tells every unknown one at once.
func setAvailable(ctx context.Context, tx *store.Tx, id int64, interviewers []int64) error {
	var unknown []problem.Field
	for i, who := range interviewers {
		if slices.Contains(interviewers[:i], who) {
			continue // the contract refuses it; in the mode report it comes this far
		}
		n, err := tx.Exec(ctx, `INSERT INTO available_interviewers (day_id, interviewer_id)
			SELECT CAST($1 AS BIGINT), id FROM interviewers WHERE id = $2`, id, who)
		if err != nil {
			return fmt.Errorf("setting who is available: %w", err)
		}
		if n == 0 {
			at := strconv.Itoa(i)
			unknown = append(unknown, problem.Field{
				Field: "interviewers." + at, Pointer: "/interviewers/" + at, Code: "not_found", Message: "must name an interviewer",
			})
		}
	}
	if unknown != nil {
		return problem.Unprocessable(unknown...)
	}
	return nil
}

// deleteDay removes a day with its slots and what is booked in them.
func deleteDay(ctx context.Context, tx *store.Tx, id int64, p preconditions) error {
	if err := holdDay(ctx, tx, id, p); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM days WHERE id = $1`, id)
	return err
}

// slotInput is the body of a slot.
type slotInput struct {
	Time string `json:"time"`
	Day  int64  `json:"day"`
}

func createSlot(ctx context.Context, tx *store.Tx, in slotInput) (slot, error) {
	id, err := tx.NextID(ctx, slotIDs)
	if err != nil {
		return slot{}, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO appointments (id, time, day_id, version)
		SELECT CAST($1 AS BIGINT), CAST($2 AS VARCHAR(255)), id, 1 FROM days WHERE id = $3`, id, in.Time, in.Day)
	if err := knownDay(n, err); err != nil {
		return slot{}, err
	}
	return slot{id, in.Time, in.Day}, nil
}

func knownDay(n int64, err error) error {
	if n == 0 && err == nil || refersToNothing(err) {
		return problem.Unprocessable(problem.Field{Field: "day", Pointer: "/day", Code: "not_found", Message: "must name a day"})
	}
	if err != nil {
		return fmt.Errorf("writing a slot: %w", err)
	}
	return nil
}

// holdSlot takes the row of a slot and checks the preconditions.
func holdSlot(ctx context.Context, tx *store.Tx, id int64, p preconditions) error {
	if _, err := tx.Exec(ctx, `UPDATE appointments SET version = version WHERE id = $1`, id); err != nil {
		return err
	}
	s, err := scanSlot(tx.QueryRow(ctx, selectSlots+` WHERE id = $1`, id))
	return held(s, err, p)
}

func updateSlot(ctx context.Context, tx *store.Tx, id int64, in slotInput, p preconditions) (slot, error) {
	if err := holdSlot(ctx, tx, id, p); err != nil {
		return slot{}, err
	}
	n, err := tx.Exec(ctx, `UPDATE appointments SET time = $2, day_id = $3, version = version + 1
		WHERE id = $1 AND EXISTS (SELECT 1 FROM days WHERE id = $3)`, id, in.Time, in.Day)
	if err := knownDay(n, err); err != nil {
		return slot{}, err
	}
	return slot{id, in.Time, in.Day}, nil
}

// deleteSlot removes a slot, one that is booked only by force.
func deleteSlot(ctx context.Context, tx *store.Tx, id int64, force bool, p preconditions) error {
	if err := holdSlot(ctx, tx, id, p); err != nil {
		return err
	}
	var booked int64
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM interviews WHERE appointment_id = $1`, id).Scan(&booked); err != nil {
		return err
	}
	if booked > 0 && !force {
		return problem.Conflict("SLOT_BOOKED", "An interview is booked in this slot; cancel it first, or say force=true")
	}
	_, err := tx.Exec(ctx, `DELETE FROM appointments WHERE id = $1`, id)
	return err
}

// interviewerInput is the body of an interviewer.
type interviewerInput struct {
	Name   string `json:"name"`
	Avatar string `json:"avatar"`
}

func createInterviewer(ctx context.Context, tx *store.Tx, in interviewerInput) (interviewer, error) {
	id, err := tx.NextID(ctx, interviewerIDs)
	if err != nil {
		return interviewer{}, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO interviewers (id, name, avatar) VALUES ($1, $2, $3)`, id, in.Name, in.Avatar); err != nil {
		return interviewer{}, fmt.Errorf("adding an interviewer: %w", err)
	}
	return interviewer{id, in.Name, in.Avatar}, nil
}

// holdInterviewer takes the row of an interviewer and checks the preconditions.
func holdInterviewer(ctx context.Context, tx *store.Tx, id int64, p preconditions) error {
	if _, err := tx.Exec(ctx, `UPDATE interviewers SET name = name WHERE id = $1`, id); err != nil {
		return err
	}
	i, err := scanInterviewer(tx.QueryRow(ctx, selectInterviewers+` WHERE id = $1`, id))
	return held(i, err, p)
}

func updateInterviewer(ctx context.Context, tx *store.Tx, id int64, in interviewerInput, p preconditions) (interviewer, error) {
	if err := holdInterviewer(ctx, tx, id, p); err != nil {
		return interviewer{}, err
	}
	if _, err := tx.Exec(ctx, `UPDATE interviewers SET name = $2, avatar = $3 WHERE id = $1`, id, in.Name, in.Avatar); err != nil {
		return interviewer{}, fmt.Errorf("changing an interviewer: %w", err)
	}
	return interviewer{id, in.Name, in.Avatar}, nil
}

// deleteInterviewer removes an interviewer, one with bookings only by force. It
// returns the slots that this empties.
func deleteInterviewer(ctx context.Context, tx *store.Tx, id int64, force bool, p preconditions) ([]outcome, error) {
	if err := holdInterviewer(ctx, tx, id, p); err != nil {
		return nil, err
	}
	slots, err := slotsOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if len(slots) > 0 && !force {
		return nil, interviewerBooked()
	}
	var emptied []outcome
	for _, s := range slots {
		out := outcome{slot: s, tell: true}
		if err := tx.QueryRow(ctx, moveOn+` RETURNING version`, s).Scan(&out.version); err != nil {
			return nil, err
		}
		n, err := tx.Exec(ctx, `DELETE FROM interviews WHERE appointment_id = $1 AND interviewer_id = $2`, s, id)
		if err != nil {
			return nil, err
		}
		if n == 1 { // it may have gone to another interviewer meanwhile
			emptied = append(emptied, out)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM interviewers WHERE id = $1`, id); refersToNothing(err) {
		return nil, interviewerBooked() // somebody booked while we were at it
	} else if err != nil {
		return nil, fmt.Errorf("removing an interviewer: %w", err)
	}
	return emptied, nil
}

func slotsOf(ctx context.Context, tx *store.Tx, interviewer int64) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT appointment_id FROM interviews WHERE interviewer_id = $1 ORDER BY appointment_id`, interviewer)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err below tells what went wrong
	var slots []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		slots = append(slots, id)
	}
	return slots, rows.Err()
}

func interviewerBooked() error {
	return problem.Conflict("INTERVIEWER_BOOKED", "Interviews are booked with this interviewer; cancel them first, or say force=true")
}
