package scheduler

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
	"github.com/gatehouse-api/gatehouse/problem"
)

var (
	guest     = viewer{role: "guest"}
	ann       = viewer{id: "ann", role: "member"}
	bob       = viewer{id: "bob", role: "member"}
	counselor = viewer{id: "cleo", role: "counsellor"}
	manager   = viewer{id: "mia", role: "manager"}
	admin     = viewer{id: "ada", role: "admin"}
	stranger  = viewer{role: "guest", open: true}
)

// seeded returns the tables of a store that holds a data set.
func seeded(t testing.TB, s *store.Store, which Seed) records {
	t.Helper()
	hub, err := live.New(live.Config{})
	if err != nil {
		t.Fatal(err)
	}
	app, err := New(Config{Store: s, Hub: hub, Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Seed(t.Context(), which); err != nil {
		t.Fatal(err)
	}
	return app.records
}

func book(t testing.TB, s records, o order) outcome {
	t.Helper()
	out, err := s.book(t.Context(), &store.Change{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func status(err error) int {
	if e, ok := errors.AsType[*problem.Error](err); ok {
		return e.Status
	}
	if err != nil {
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

func TestNamesAreSeenByThoseWithTheRight(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) {
		s := seeded(t, st, SeedTest) // slot 1 was booked by a guest
		book(t, s, order{viewer: ann, slot: 2, want: interview{"Ann's friend", 1}})
		for _, c := range []struct {
			v      viewer
			guests string
			anns   string
		}{
			{ann, Reserved, "Ann's friend"},
			{bob, Reserved, Reserved},
			{counselor, "Archie Cohen", "Ann's friend"},
			{manager, "Archie Cohen", "Ann's friend"},
			{admin, "Archie Cohen", "Ann's friend"},
			{stranger, "Archie Cohen", "Ann's friend"},
			{viewer{id: "bob", role: "member", open: true}, "Archie Cohen", "Ann's friend"},
		} {
			all, err := s.appointments(t.Context(), c.v)
			if err != nil {
				t.Fatal(err)
			}
			if got := all[0].Interview.Student; got != c.guests {
				t.Errorf("%+v sees the guest's booking as %q, want %q", c.v, got, c.guests)
			}
			one, err := s.appointment(t.Context(), c.v, 2)
			if err != nil {
				t.Fatal(err)
			}
			if one.Interview.Student != c.anns {
				t.Errorf("%+v sees ann's booking as %q, want %q", c.v, one.Interview.Student, c.anns)
			}
			if one.Interview.Interviewer != 1 {
				t.Errorf("%+v does not see who interviews", c.v)
			}
		}
	})
}

// TestDatabaseHidesNames asks without any WHERE, with the credential of serve:
// the database itself lets nobody see more than they may.
func TestDatabaseHidesNames(t *testing.T) {
	st := storetest.Open(t, store.Postgres, schemas())
	s := seeded(t, st, SeedTest)
	book(t, s, order{viewer: ann, slot: 2, want: interview{"Ann's friend", 1}})
	book(t, s, order{viewer: bob, slot: 3, want: interview{"Bob's friend", 1}})
	for _, c := range []struct {
		actor store.Actor
		want  []string
	}{
		{store.Actor{Role: "guest"}, nil},
		{store.Actor{}, nil},
		{store.Actor{ID: "ann", Role: "member"}, []string{"Ann's friend"}},
		{store.Actor{ID: "bob", Role: "member"}, []string{"Bob's friend"}},
		{store.Actor{ID: "cleo", Role: "counsellor"}, []string{"Ann's friend", "Archie Cohen", "Bob's friend"}},
		{store.Actor{ID: "mia", Role: "manager"}, []string{"Ann's friend", "Archie Cohen", "Bob's friend"}},
		{store.Actor{Role: "open"}, []string{"Ann's friend", "Archie Cohen", "Bob's friend"}},
	} {
		var got []string
		err := st.Read(t.Context(), c.actor, func(tx *store.Tx) error {
			var n, tables int
			const asks = `SELECT count(*) FROM pg_class WHERE relname IN ('interviews', 'interview_names') AND relrowsecurity AND relforcerowsecurity
				AND NOT pg_has_role(current_user, relowner, 'MEMBER')`
			if err := tx.QueryRow(t.Context(), asks).Scan(&tables); err != nil || tables != 2 {
				return fmt.Errorf("row-level security is forced on %d of 2 tables for a role that does not own them: %w", tables, err)
			}
			if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)`).Scan(&n); err != nil || n > 0 {
				return fmt.Errorf("the role stands above row-level security: %w", err)
			}
			rows, err := tx.Query(t.Context(), `SELECT student FROM interview_names ORDER BY student`)
			if err != nil {
				return err
			}
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					return err
				}
				got = append(got, name)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v reads %q, want %q", c.actor, got, c.want)
		}
	}
}

func TestDatabaseGuardsBookings(t *testing.T) {
	st := storetest.Open(t, store.Postgres, schemas())
	s := seeded(t, st, SeedTest)
	book(t, s, order{viewer: ann, slot: 2, want: interview{"Ann's friend", 1}})
	for _, c := range []struct {
		attack string
		actor  store.Actor
		query  string
		rows   int64 // -1: refused
	}{
		{"guest cancels a guest's booking", store.Actor{Role: "guest"}, `DELETE FROM interviews WHERE appointment_id = 1`, 0},
		{"member cancels another's", store.Actor{ID: "bob", Role: "member"}, `DELETE FROM interviews`, 0},
		{"member takes another's over", store.Actor{ID: "bob", Role: "member"}, `UPDATE interviews SET booked_by = 'bob'`, 0},
		{"member renames another's", store.Actor{ID: "bob", Role: "member"}, `UPDATE interview_names SET student = 'x'`, 0},
		{"member books as another", store.Actor{ID: "bob", Role: "member"}, `INSERT INTO interviews VALUES (3, 1, 'ann')`, -1},
		{"member hands a booking to another", store.Actor{ID: "ann", Role: "member"}, `UPDATE interviews SET booked_by = 'bob'`, -1},
		{"guest in open mode cancels a member's", store.Actor{Role: "open"}, `DELETE FROM interviews WHERE booked_by = 'ann'`, 0},
		{"guest in open mode cancels a guest's", store.Actor{Role: "open"}, `DELETE FROM interviews WHERE booked_by = ''`, 1},
		{"counsellor cancels another's", store.Actor{ID: "cleo", Role: "counsellor"}, `DELETE FROM interviews`, 0},
		{"manager cancels all", store.Actor{ID: "mia", Role: "manager"}, `DELETE FROM interviews`, 2},
	} {
		undo := errors.New("undo")
		var n int64
		err := st.Write(t.Context(), c.actor, nil, func(tx *store.Tx) (err error) {
			if n, err = tx.Exec(t.Context(), c.query); err != nil {
				return err
			}
			return undo
		})
		refused := err != nil && !errors.Is(err, undo)
		if c.rows < 0 != refused || !refused && n != c.rows {
			t.Errorf("%s: %d rows, error %v; want %d", c.attack, n, err, c.rows)
		}
	}
}

func TestOneInterviewInASlot(t *testing.T) {
	const writers, rounds = 64, 3
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) {
		s := seeded(t, st, SeedTest)
		before, err := s.appointment(t.Context(), admin, 3)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		won := map[int64]string{} // the name that each version was acknowledged for
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				for n := range rounds {
					name := fmt.Sprintf("Writer %d, round %d", i, n)
					out, err := s.book(context.Background(), &store.Change{}, order{viewer: stranger, slot: 3, want: interview{name, int64(n%2 + 1)}})
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					mu.Lock()
					if other, taken := won[out.version]; taken {
						t.Errorf("version %d was given to %s and to %s", out.version, other, name)
					}
					won[out.version] = name
					mu.Unlock()
				}
			})
		}
		all.Wait()
		after, err := s.appointment(t.Context(), admin, 3)
		if err != nil {
			t.Fatal(err)
		}
		if want := before.version + writers*rounds; after.version != want {
			t.Errorf("version %d, want %d: one step for each acknowledged write", after.version, want)
		}
		if after.Interview == nil || after.Interview.Student != won[after.version] {
			t.Errorf("the slot holds %+v, want what was acknowledged last, %q", after.Interview, won[after.version])
		}
		if n := count(t, st, `SELECT count(*) FROM interviews WHERE appointment_id = 3`); n != 1 {
			t.Errorf("%d interviews in the slot", n)
		}
		if n := count(t, st, `SELECT count(*) FROM interview_names WHERE appointment_id = 3`); n != 1 {
			t.Errorf("%d names in the slot", n)
		}
	})
}

func TestFreeSlotIsBookedOnce(t *testing.T) {
	const writers = 64
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) {
		s := seeded(t, st, SeedTest)
		var mu sync.Mutex
		got := map[int]int{}
		var winner string
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				name := fmt.Sprintf("Writer %d", i)
				_, err := s.book(context.Background(), &store.Change{}, order{
					viewer: stranger, slot: 4, want: interview{name, 1}, conditions: preconditions{noneMatch: tagList{sent: true, any: true}},
				})
				mu.Lock()
				defer mu.Unlock()
				got[status(err)]++
				if err == nil {
					winner = name
				}
			})
		}
		all.Wait()
		if got[200] != 1 || got[412] != writers-1 {
			t.Errorf("outcomes %v, want one success and 412 for the rest", got)
		}
		a, err := s.appointment(t.Context(), admin, 4)
		if err != nil {
			t.Fatal(err)
		}
		if a.Interview == nil || a.Interview.Student != winner {
			t.Errorf("the slot holds %+v, want %s", a.Interview, winner)
		}
	})
}

// TestUpdateIsNotLost lets writers change what they have read: with If-Match
// each of them builds on the one before.
func TestUpdateIsNotLost(t *testing.T) {
	const writers, steps = 8, 10
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) {
		s := seeded(t, st, SeedTest)
		book(t, s, order{viewer: stranger, slot: 2, want: interview{"0", 1}})
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for done := 0; done < steps; {
					a, err := s.appointment(context.Background(), admin, 2)
					if err != nil {
						t.Error(err)
						return
					}
					var n int
					_, _ = fmt.Sscan(a.Interview.Student, &n)
					_, err = s.book(context.Background(), &store.Change{}, order{
						viewer: admin, slot: 2, want: interview{fmt.Sprint(n + 1), 1},
						conditions: preconditions{match: tagList{sent: true, tags: []entityTag{{text: a.tag()}}}},
					})
					switch status(err) {
					case 200:
						done++
					case 412:
					default:
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		a, err := s.appointment(t.Context(), admin, 2)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(writers * steps); a.Interview.Student != want {
			t.Errorf("counted to %s, want %s", a.Interview.Student, want)
		}
	})
}

func TestResetWhileBooking(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) {
		s := seeded(t, st, SeedTest)
		data, _ := seedOf(SeedTest, nil)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for range 10 {
					_, err := s.book(context.Background(), &store.Change{}, order{viewer: admin, slot: int64(i%4 + 1), want: interview{"x", 1}})
					if code := status(err); code != 200 && code != 404 {
						t.Errorf("booking beside a reset: %v", err)
					}
				}
			})
		}
		for range 5 {
			if err := st.Write(t.Context(), store.System(), nil, func(tx *store.Tx) error { return reset(t.Context(), tx, data) }); err != nil {
				t.Errorf("reset: %v", err)
			}
		}
		all.Wait()
	})
}

func TestTagsNeverComeBack(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) {
		s := seeded(t, st, SeedTest)
		data, _ := seedOf(SeedTest, nil)
		last := int64(0)
		next := func(what string) {
			t.Helper()
			a, err := s.appointment(t.Context(), admin, 2)
			if err != nil {
				t.Fatal(err)
			}
			if a.version <= last {
				t.Errorf("after %s the version is %d, it was %d", what, a.version, last)
			}
			last = a.version
		}
		next("seeding")
		book(t, s, order{viewer: ann, slot: 2, want: interview{"x", 1}})
		next("booking")
		if _, err := s.cancel(t.Context(), &store.Change{}, order{viewer: ann, slot: 2}); err != nil {
			t.Fatal(err)
		}
		next("cancelling")
		book(t, s, order{viewer: ann, slot: 2, want: interview{"x", 1}})
		next("booking the same again")
		if err := st.Write(t.Context(), store.System(), nil, func(tx *store.Tx) error { return reset(t.Context(), tx, data) }); err != nil {
			t.Fatal(err)
		}
		next("reset")
	})
}

func count(t *testing.T, st *store.Store, query string) (n int64) {
	t.Helper()
	err := st.Read(t.Context(), store.System(), func(tx *store.Tx) error {
		err := tx.QueryRow(t.Context(), query).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
