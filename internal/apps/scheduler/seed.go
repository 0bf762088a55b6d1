package scheduler

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// seedData is a data set with its ids.
type seedData struct {
	days         []day
	slots        []slot
	interviewers []interviewer
	bookings     map[int64]interview // by slot
}

// seedOf makes a data set. What is random in the original is random here.
func seedOf(which Seed, r *rand.Rand) (seedData, error) {
	switch which {
	case SeedTest:
		s := timetable([]string{"Monday", "Tuesday"}, []string{"12pm", "1pm"}, 2)
		for i := range s.days {
			s.days[i].Interviewers = []int64{1, 2}
		}
		s.bookings = map[int64]interview{1: {"Archie Cohen", 1}}
		return s, nil
	case SeedDevelopment, SeedProduction:
		s := timetable([]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}, []string{"12pm", "1pm", "2pm", "3pm", "4pm"}, 10)
		for i := range s.days {
			for _, n := range r.Perm(10)[:5] {
				s.days[i].Interviewers = append(s.days[i].Interviewers, int64(n+1))
			}
		}
		if which == SeedDevelopment {
			s.bookings = randomBookings(s, r)
		}
		return s, nil
	}
	return seedData{}, errUnknownSeed
}

func timetable(days, times []string, interviewers int) seedData {
	s := seedData{interviewers: seedInterviewers()[:interviewers]}
	for d, name := range days {
		s.days = append(s.days, day{ID: int64(d + 1), Name: name})
		for _, time := range times {
			s.slots = append(s.slots, slot{ID: int64(len(s.slots) + 1), Time: time, Day: int64(d + 1)})
		}
	}
	return s
}

func randomBookings(s seedData, r *rand.Rand) map[int64]interview {
	bookings := map[int64]interview{}
	at := r.Perm(len(s.slots))
	for i, student := range seedStudents() {
		slot := s.slots[at[i]]
		available := s.days[slot.Day-1].Interviewers
		bookings[slot.ID] = interview{student, available[r.IntN(len(available))]}
	}
	return bookings
}

func seedStudents() []string {
	return []string{
		"Liam Martinez", "Richard Wong", "Lydia Miller-Jones", "Archie Cohen", "Chad Takahashi",
		"Leopold Silvers", "Maria Boucher", "Jamal Jordan", "Michael Chan-Montoya", "Yuko Smith",
	}
}

func seedInterviewers() []interviewer {
	const at = "https://i.imgur.com/"
	return []interviewer{
		{1, "Sylvia Palmer", at + "LpaY82x.png"},
		{2, "Tori Malcolm", at + "Nmx0Qxo.png"},
		{3, "Mildred Nazir", at + "T2WwVfS.png"},
		{4, "Cohana Roy", at + "FK8V841.jpg"},
		{5, "Sven Jones", at + "twYrpay.jpg"},
		{6, "Susan Reynolds", at + "TdOAdde.jpg"},
		{7, "Alec Quon", at + "3tVgsra.jpg"},
		{8, "Viktor Jain", at + "iHq8K8Z.jpg"},
		{9, "Lindsay Chu", at + "nPywAp1.jpg"},
		{10, "Samantha Stanic", at + "okB9WKC.jpg"},
	}
}

// reset deletes everything and writes the data set. Rows go in the order in
// which a booking takes them, so that the two never wait for each other in a
// circle.
func reset(ctx context.Context, tx *store.Tx, s seedData) error {
	if _, err := tx.Exec(ctx, `DELETE FROM days`); err != nil { // takes slots, bookings and names along
		return fmt.Errorf("emptying the scheduler: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM interviewers`); err != nil {
		return fmt.Errorf("emptying the scheduler: %w", err)
	}
	if err := insertSeed(ctx, tx, s); err != nil {
		return fmt.Errorf("seeding the scheduler: %w", err)
	}
	return nil
}

func insertSeed(ctx context.Context, tx *store.Tx, s seedData) error {
	// Seeded slots have the same ids each time. Their versions begin above all
	// that went before, so that no entity tag means two states.
	generation, err := tx.NextID(ctx, generations)
	if err != nil {
		return err
	}
	for _, i := range s.interviewers {
		if _, err := tx.Exec(ctx, `INSERT INTO interviewers (id, name, avatar) VALUES ($1, $2, $3)`, i.ID, i.Name, i.Avatar); err != nil {
			return err
		}
	}
	for _, d := range s.days {
		if _, err := tx.Exec(ctx, `INSERT INTO days (id, name) VALUES ($1, $2)`, d.ID, d.Name); err != nil {
			return err
		}
		if err := setAvailable(ctx, tx, d.ID, d.Interviewers); err != nil {
			return err
		}
	}
	for _, a := range s.slots {
		if _, err := tx.Exec(ctx, `INSERT INTO appointments (id, time, day_id, version) VALUES ($1, $2, $3, $4)`, a.ID, a.Time, a.Day, generation<<32); err != nil {
			return err
		}
		if b, booked := s.bookings[a.ID]; booked {
			if err := insertBooking(ctx, tx, a.ID, b); err != nil {
				return err
			}
		}
	}
	return skipSeedIDs(ctx, tx, s)
}

// insertBooking books as a guest: nobody is signed in when data is seeded.
func insertBooking(ctx context.Context, tx *store.Tx, slot int64, b interview) error {
	if _, err := tx.Exec(ctx, putBooking, slot, b.Interviewer, ""); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, putName, slot, "", b.Student)
	return err
}

func skipSeedIDs(ctx context.Context, tx *store.Tx, s seedData) error {
	for counter, n := range map[string]int{dayIDs: len(s.days), slotIDs: len(s.slots), interviewerIDs: len(s.interviewers)} {
		if err := tx.SkipIDs(ctx, counter, int64(n)); err != nil {
			return err
		}
	}
	return nil
}
