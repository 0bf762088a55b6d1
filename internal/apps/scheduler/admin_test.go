package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

const asAdmin = "admin:ada"

func TestDays(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		a := g.want(201, `{"id":3,"name":"Sunday","appointments":[],"interviewers":[1,2],"spots":0}`,
			g.do(asAdmin, "POST", "/api/days", `{"name":" Sunday ","interviewers":[2,1]}`))
		if got := a.Header.Get("Location"); got != "/api/days/3" {
			g.t.Errorf("Location %q", got)
		}
		g.want(200, testDays, g.do("", "GET", "/api/days", "")) // a day without slots is left out
		one := g.want(200, a.body, g.do("", "GET", "/api/days/3", ""))
		if one.Header.Get("ETag") != a.Header.Get("ETag") || one.Header.Get("ETag") == "" {
			g.t.Errorf("ETag %q, POST gave %q", one.Header.Get("ETag"), a.Header.Get("ETag"))
		}
		g.want(201, `{"id":5,"time":"9am","day":3}`, g.do(asAdmin, "POST", "/api/slots", `{"time":"9am","day":3}`))
		g.want(200, testDays[:len(testDays)-1]+`,{"id":3,"name":"Sunday","appointments":[5],"interviewers":[1,2],"spots":1}]`, g.do("", "GET", "/api/days", ""))
		g.want(412, "", g.do(asAdmin, "PUT", "/api/days/3", `{"name":"Saturday","interviewers":[]}`, "If-Match", one.Header.Get("ETag")))
		put := g.want(200, `{"id":3,"name":"Saturday","appointments":[5],"interviewers":[],"spots":1}`,
			g.do(asAdmin, "PUT", "/api/days/3", `{"name":"Saturday","interviewers":[]}`))
		g.want(200, testDays, g.do("", "GET", "/api/days", "")) // nor is one without interviewers
		g.want(304, "", g.do("", "GET", "/api/days/3", "", "If-None-Match", put.Header.Get("ETag")))
		g.want(412, "", g.do(asAdmin, "DELETE", "/api/days/3", "", "If-Match", one.Header.Get("ETag")))
		g.want(204, "", g.do(asAdmin, "DELETE", "/api/days/3", "", "If-Match", put.Header.Get("ETag")))
		for _, method := range []string{"GET", "DELETE"} {
			g.want(404, "", g.do(asAdmin, method, "/api/days/3", ""))
		}
		g.want(404, "", g.do(asAdmin, "PUT", "/api/days/3", `{"name":"x","interviewers":[]}`))
		g.want(404, "", g.do(asAdmin, "GET", "/api/slots/5", "")) // it went with its day
	})
}

// TestInterviewersOfADayAreASet is about what the contract refuses and the mode
// report lets through.
func TestInterviewersOfADayAreASet(t *testing.T) {
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) {
		s := seeded(t, st, SeedTest)
		err := st.Write(t.Context(), store.System(), nil, func(tx *store.Tx) error {
			if _, err := tx.Exec(t.Context(), `INSERT INTO days (id, name) VALUES (9, 'Sunday')`); err != nil {
				return err
			}
			return setAvailable(t.Context(), tx, 9, []int64{2, 1, 2})
		})
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.day(t.Context(), viewer{role: call.Guest}, 9)
		if err != nil || !slices.Equal(d.Interviewers, []int64{1, 2}) {
			t.Errorf("%v, %v", d.Interviewers, err)
		}
	})
}

func TestDeletingADayTakesItsBookings(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		g.want(204, "", g.do(asAdmin, "DELETE", "/api/days/1", ""))
		g.want(200, `{"3":{"id":3,"time":"12pm","interview":null},"4":{"id":4,"time":"1pm","interview":null}}`, g.do(asAdmin, "GET", "/api/appointments", ""))
		for _, table := range []string{`SELECT count(*) FROM interviews`, `SELECT count(*) FROM interview_names`} {
			if n := count(g.t.(*testing.T), g.app.cfg.Store, table); n != 0 {
				g.t.Errorf("%s: %d left", table, n)
			}
		}
	})
}

func TestIdsAreNeverGivenTwice(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		bodies := map[string]string{"days": `{"name":"x"}`, "slots": `{"time":"x","day":1}`, "interviewers": `{"name":"x","avatar":"/x"}`}
		for kind, body := range bodies {
			first := g.want(201, "", g.do(asAdmin, "POST", "/api/"+kind, body)).Header.Get("Location")
			g.want(204, "", g.do(asAdmin, "DELETE", first, ""))
			g.want(200, "", g.do("", "GET", "/api/debug/reset", ""))
			second := g.want(201, "", g.do(asAdmin, "POST", "/api/v1/"+kind, body)).Header.Get("Location")
			if !strings.HasPrefix(second, "/api/v1/"+kind+"/") || strings.TrimPrefix(second, "/api/v1") == strings.TrimPrefix(first, "/api") {
				g.t.Errorf("%s: %s, then %s", kind, first, second)
			}
		}
	})
}

func TestSlots(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		g.want(200, `[{"id":1,"time":"12pm","day":1},{"id":2,"time":"1pm","day":1},{"id":3,"time":"12pm","day":2},{"id":4,"time":"1pm","day":2}]`,
			g.do(asAdmin, "GET", "/api/slots", ""))
		seen := g.do("member:ann", "GET", "/api/appointments/1", "").Header.Get("ETag")
		g.want(200, `{"id":1,"time":"2pm","day":2}`, g.do("manager:mia", "PUT", "/api/slots/1", `{"time":"2pm","day":2}`))
		moved := g.want(200, `{"id":1,"time":"2pm","interview":{"student":"Reserved","interviewer":1}}`, g.do("member:ann", "GET", "/api/appointments/1", ""))
		if moved.Header.Get("ETag") == seen {
			g.t.Error("the appointment has another time and the same tag")
		}
		days := g.readDays()
		if fmt.Sprint(days[0].Appointments, days[1].Appointments) != "[2] [1 3 4]" {
			g.t.Errorf("days after moving a slot: %+v", days)
		}
		g.want(409, "", g.do(asAdmin, "DELETE", "/api/slots/1", ""))
		g.want(204, "", g.do(asAdmin, "DELETE", "/api/slots/1?force=true", ""))
		g.want(204, "", g.do(asAdmin, "DELETE", "/api/slots/2", ""))
		g.want(404, "", g.do(asAdmin, "DELETE", "/api/slots/1", ""))
		g.want(404, "", g.do(asAdmin, "PUT", "/api/slots/1", `{"time":"2pm","day":2}`))
		g.want(404, "", g.do("member:ann", "PUT", "/api/appointments/1", lydia))
	})
}

func TestInterviewers(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		g.want(201, `{"id":3,"name":"Mildred Nazir","avatar":"https://i.imgur.com/T2WwVfS.png"}`,
			g.do(asAdmin, "POST", "/api/interviewers", `{"name":"Mildred Nazir","avatar":"https://i.imgur.com/T2WwVfS.png"}`))
		g.want(200, `{"id":3,"name":"M. Nazir","avatar":"/images/interviewers/3_d.webp"}`,
			g.do(asAdmin, "PUT", "/api/interviewers/3", `{"name":"M. Nazir","avatar":"/images/interviewers/3_d.webp"}`))
		g.want(200, "", g.do("", "GET", "/api/interviewers/3", ""))
		g.want(204, "", g.do(asAdmin, "DELETE", "/api/interviewers/3", ""))
		g.want(404, "", g.do("", "GET", "/api/interviewers/3", ""))
		g.want(404, "", g.do(asAdmin, "DELETE", "/api/interviewers/3", ""))
		g.want(404, "", g.do(asAdmin, "PUT", "/api/interviewers/3", `{"name":"x","avatar":"/x"}`))
	})
}

func TestInterviewerWithBookingsIsDeletedByForceOnly(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		l := g.listen(g.serve(), "/", "member:bob")
		g.want(204, "", g.do("member:ann", "PUT", "/api/appointments/4", lydia))
		l.want(`{"type":"SET_INTERVIEW","id":4,"interview":{"student":"Reserved","interviewer":1}}`)
		tag := g.do("member:ann", "GET", "/api/appointments/4", "").Header.Get("ETag")
		g.want(409, "", g.do(asAdmin, "DELETE", "/api/interviewers/1", ""))
		g.want(409, "", g.do(asAdmin, "DELETE", "/api/interviewers/1?force=false", ""))
		g.want(400, "", g.do(asAdmin, "DELETE", "/api/interviewers/1?force=please", ""))
		g.want(200, testInterviewers, g.do("", "GET", "/api/interviewers", ""))
		g.want(204, "", g.do(asAdmin, "DELETE", "/api/interviewers/1?force=true", ""))
		l.wantEach(`{"type":"SET_INTERVIEW","id":1,"interview":null}`, `{"type":"SET_INTERVIEW","id":4,"interview":null}`)
		g.want(412, "", g.do("member:ann", "PUT", "/api/appointments/4", `{"interview":{"student":"x","interviewer":2}}`, "If-Match", tag))
		days := g.readDays()
		if fmt.Sprint(days[0].Interviewers, days[0].Spots) != "[2] 2" {
			g.t.Errorf("days: %+v", days)
		}
	})
}

func TestUnknownReferences(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		for _, c := range []struct{ method, path, body, pointer string }{
			{"POST", "/api/days", `{"name":"x","interviewers":[1,77,2,88]}`, `"pointer":"/interviewers/3"`},
			{"PUT", "/api/days/1", `{"name":"x","interviewers":[77]}`, `"pointer":"/interviewers/0"`},
			{"POST", "/api/slots", `{"time":"x","day":77}`, `"pointer":"/day"`},
			{"PUT", "/api/slots/1", `{"time":"x","day":77}`, `"pointer":"/day"`},
		} {
			a := g.want(422, "", g.do(asAdmin, c.method, c.path, c.body))
			if !strings.Contains(a.body, c.pointer) {
				g.t.Errorf("%s %s: %s does not name %s", c.method, c.path, a.body, c.pointer)
			}
		}
		g.want(200, testDays, g.do("", "GET", "/api/days", "")) // nothing was half done
	})
}

func TestAdminBodies(t *testing.T) {
	g := sqlite(t, Config{})
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		attack, path, body string
		want               int
	}{
		{"no name", "/api/days", `{}`, 400},
		{"blank name", "/api/days", `{"name":"  "}`, 400},
		{"long name", "/api/days", `{"name":"` + long + `"}`, 400},
		{"unknown field", "/api/days", `{"name":"x","id":9}`, 400},
		{"same interviewer twice", "/api/days", `{"name":"x","interviewers":[1,1]}`, 400},
		{"interviewers is no list", "/api/days", `{"name":"x","interviewers":1}`, 400},
		{"no day", "/api/slots", `{"time":"x"}`, 400},
		{"version set from outside", "/api/slots", `{"time":"x","day":1,"version":1}`, 400},
		{"no avatar", "/api/interviewers", `{"name":"x"}`, 400},
		{"script as avatar", "/api/interviewers", `{"name":"x","avatar":"javascript:alert(1)"}`, 400},
		{"data as avatar", "/api/interviewers", `{"name":"x","avatar":"data:text/html,x"}`, 400},
		{"another host by two slashes", "/api/interviewers", `{"name":"x","avatar":"//evil.example/x.png"}`, 400},
		{"another host by a backslash", "/api/interviewers", `{"name":"x","avatar":"/\\evil.example/x.png"}`, 400},
		{"markup in the avatar", "/api/interviewers", `{"name":"x","avatar":"/x.png\"><script>"}`, 400},
		{"blank in the avatar", "/api/interviewers", `{"name":"x","avatar":"/x y.png"}`, 400},
		{"host with a user", "/api/interviewers", `{"name":"x","avatar":"https://a@evil.example/x.png"}`, 400},
		{"long avatar", "/api/interviewers", `{"name":"x","avatar":"/` + long + `"}`, 400},
		{"picture on the site", "/api/interviewers", `{"name":"x","avatar":"/images/interviewers/1_d.webp"}`, 201},
		{"relative picture", "/api/interviewers", `{"name":"x","avatar":"images/1.webp?v=2"}`, 201},
		{"picture elsewhere", "/api/interviewers", `{"name":"x","avatar":"http://pictures.example:8080/1.png?size=200#top"}`, 201},
	} {
		if a := g.do(asAdmin, "POST", c.path, c.body); a.StatusCode != c.want {
			t.Errorf("%s: %d, want %d: %s", c.attack, a.StatusCode, c.want, a.body)
		}
	}
}

// TestDeletingBesideBooking books with an interviewer while they are deleted:
// a booking either stands with its interviewer or is refused.
func TestDeletingBesideBooking(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for range 10 {
					path := fmt.Sprintf("/api/appointments/%d", i+1)
					if a := g.do(asAdmin, "PUT", path, lydia); a.StatusCode != 204 && a.StatusCode != 422 {
						g.t.Errorf("booking: %d %s", a.StatusCode, a.body)
					}
				}
			})
		}
		for range 10 {
			if a := g.do("manager:mia", "DELETE", "/api/interviewers/1?force=true", ""); a.StatusCode != 204 && a.StatusCode != 404 && a.StatusCode != 409 {
				g.t.Errorf("deleting: %d %s", a.StatusCode, a.body)
			}
		}
		all.Wait()
		if n := count(g.t.(*testing.T), g.app.cfg.Store, `SELECT count(*) FROM interviews i WHERE NOT EXISTS (SELECT 1 FROM interviewers p WHERE p.id = i.interviewer_id)`); n != 0 {
			g.t.Errorf("%d bookings with nobody", n)
		}
	})
}

// TestDeletingWaitsForABooking lets a booking commit while its interviewer is
// being deleted: the deletion must not take it along unseen.
func TestDeletingWaitsForABooking(t *testing.T) {
	g := newGate(t, storetest.Open(t, store.Postgres, schemas()), Config{})
	ctx, st := t.Context(), g.app.cfg.Store
	deleted := make(chan reply, 1)
	err := st.Write(ctx, store.Actor{ID: "ann", Role: "member"}, &store.Change{Isolation: store.ReadCommitted}, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, putBooking, 3, 2, "ann"); err != nil {
			return err
		}
		go func() { deleted <- g.do(asAdmin, "DELETE", "/api/interviewers/2?force=true", "") }()
		for waiting := int64(0); waiting == 0; {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			waiting = count(t, st, `SELECT count(*) FROM pg_locks WHERE NOT granted`)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	g.want(409, "", <-deleted)
	if n := count(t, st, `SELECT count(*) FROM interviews WHERE interviewer_id = 2`); n != 1 {
		t.Errorf("%d bookings, want the one that was acknowledged", n)
	}
}
