package scheduler

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/problem"
)

// records reads and writes the tables, each time as a viewer.
type records struct {
	store   *tables
	enforce bool // an interviewer must be available on the day
}

// actorOf is the viewer as the database's own policies see it.
func actorOf(v viewer) store.Actor {
	if v.open && !v.administers() {
		return store.Actor{ID: v.id, Role: "open"}
	}
	return store.Actor{ID: v.id, Role: v.role}
}

const selectDays = `SELECT d.id, d.name,
		(SELECT string_agg(CAST(a.id AS TEXT), ',' ORDER BY a.id) FROM appointments a WHERE a.day_id = d.id),
		(SELECT string_agg(CAST(v.interviewer_id AS TEXT), ',' ORDER BY v.interviewer_id) FROM available_interviewers v WHERE v.day_id = d.id),
		(SELECT count(*) FROM appointments a LEFT JOIN interviews i ON i.appointment_id = a.id
			WHERE a.day_id = d.id AND i.appointment_id IS NULL)
	FROM days d`

// days are all days, by id.
func (s records) days(ctx context.Context, v viewer) ([]day, error) {
	return list(ctx, s.store, v, scanDay, func(tx *store.Tx) (*sql.Rows, error) {
		return tx.Query(ctx, selectDays+` ORDER BY d.id`)
	})
}

func (s records) day(ctx context.Context, v viewer, id int64) (day, error) {
	return one(ctx, s.store, v, scanDay, func(tx *store.Tx) *sql.Row {
		return tx.QueryRow(ctx, selectDays+` WHERE d.id = $1`, id)
	})
}

func scanDay(row scanner) (day, error) {
	var d day
	var appointments, interviewers sql.NullString
	if err := row.Scan(&d.ID, &d.Name, &appointments, &interviewers, &d.Spots); err != nil {
		return day{}, err
	}
	var err1, err2 error
	d.Appointments, err1 = parseIDs(appointments.String)
	d.Interviewers, err2 = parseIDs(interviewers.String)
	return d, errors.Join(err1, err2)
}

func parseIDs(list string) ([]int64, error) {
	if list == "" {
		return nil, nil
	}
	ids := make([]int64, 0, strings.Count(list, ",")+1)
	for text := range strings.SplitSeq(list, ",") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reading a list of ids: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// The join says who sees a name, as the policies of PostgreSQL do once more.
const selectAppointments = `SELECT a.id, a.time, a.version, i.interviewer_id, i.booked_by, n.student
	FROM appointments a
	LEFT JOIN interviews i ON i.appointment_id = a.id
	LEFT JOIN interview_names n ON n.appointment_id = a.id AND ($1 = 1 OR (n.booked_by <> '' AND n.booked_by = $2))`

// appointments are all slots with what is booked in them, by id.
func (s records) appointments(ctx context.Context, v viewer) ([]appointment, error) {
	return list(ctx, s.store, v, scanAppointment, func(tx *store.Tx) (*sql.Rows, error) {
		return tx.Query(ctx, selectAppointments+` ORDER BY a.id`, flag(v.seesNames()), v.id)
	})
}

func (s records) appointment(ctx context.Context, v viewer, id int64) (appointment, error) {
	return one(ctx, s.store, v, scanAppointment, func(tx *store.Tx) *sql.Row {
		return tx.QueryRow(ctx, selectAppointments+` WHERE a.id = $3`, flag(v.seesNames()), v.id, id)
	})
}

func scanAppointment(row scanner) (appointment, error) {
	var a appointment
	var who sql.NullInt64
	var bookedBy, student sql.NullString
	if err := row.Scan(&a.ID, &a.Time, &a.version, &who, &bookedBy, &student); err != nil {
		return appointment{}, err
	}
	if !who.Valid {
		return a, nil
	}
	a.hidden = !student.Valid
	a.Interview = &interview{Student: student.String, Interviewer: who.Int64}
	if a.hidden {
		a.Interview.Student = Reserved
	}
	return a, nil
}

// interviewers are all of them, by id.
func (s records) interviewers(ctx context.Context, v viewer) ([]interviewer, error) {
	return list(ctx, s.store, v, scanInterviewer, func(tx *store.Tx) (*sql.Rows, error) {
		return tx.Query(ctx, selectInterviewers+` ORDER BY id`)
	})
}

func (s records) interviewer(ctx context.Context, v viewer, id int64) (interviewer, error) {
	return one(ctx, s.store, v, scanInterviewer, func(tx *store.Tx) *sql.Row {
		return tx.QueryRow(ctx, selectInterviewers+` WHERE id = $1`, id)
	})
}

const selectInterviewers = `SELECT id, name, avatar FROM interviewers`

func scanInterviewer(row scanner) (interviewer, error) {
	var i interviewer
	err := row.Scan(&i.ID, &i.Name, &i.Avatar)
	return i, err
}

// slots are all of them, by id.
func (s records) slots(ctx context.Context, v viewer) ([]slot, error) {
	return list(ctx, s.store, v, scanSlot, func(tx *store.Tx) (*sql.Rows, error) {
		return tx.Query(ctx, selectSlots+` ORDER BY id`)
	})
}

func (s records) slot(ctx context.Context, v viewer, id int64) (slot, error) {
	return one(ctx, s.store, v, scanSlot, func(tx *store.Tx) *sql.Row {
		return tx.QueryRow(ctx, selectSlots+` WHERE id = $1`, id)
	})
}

const selectSlots = `SELECT id, time, day_id FROM appointments`

func scanSlot(row scanner) (slot, error) {
	var s slot
	err := row.Scan(&s.ID, &s.Time, &s.Day)
	return s, err
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// list reads all rows that ask gives.
func list[T any](ctx context.Context, st *tables, v viewer, scan func(scanner) (T, error), ask func(*store.Tx) (*sql.Rows, error)) ([]T, error) {
	var items []T
	err := st.Read(ctx, actorOf(v), func(tx *store.Tx) error {
		items = items[:0]
		rows, err := ask(tx)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // Err below tells what went wrong
		for rows.Next() {
			item, err := scan(rows)
			if err != nil {
				return err
			}
			items = append(items, item)
		}
		return rows.Err()
	})
	return items, err
}

// one reads the row that ask gives; none is a 404.
func one[T any](ctx context.Context, st *tables, v viewer, scan func(scanner) (T, error), ask func(*store.Tx) *sql.Row) (T, error) {
	var item T
	err := st.Read(ctx, actorOf(v), func(tx *store.Tx) (err error) {
		item, err = scan(ask(tx))
		return orNotFound(err)
	})
	return item, err
}

func orNotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return problem.NotFound("There is nothing with this id")
	}
	return err
}

// refersToNothing tells whether a statement failed because a row that it names
// went away meanwhile (SQLSTATE foreign_key_violation).
func refersToNothing(err error) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) && e.SQLState() == "23503"
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
