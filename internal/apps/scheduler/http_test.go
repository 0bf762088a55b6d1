package scheduler

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

const (
	archie = `{"interview":{"student":"Archie Cohen","interviewer":1}}`
	lydia  = `{"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`
)

// The bytes of the original against its test data.
const (
	testDays = `[{"id":1,"name":"Monday","appointments":[1,2],"interviewers":[1,2],"spots":1},` +
		`{"id":2,"name":"Tuesday","appointments":[3,4],"interviewers":[1,2],"spots":2}]`
	testAppointments = `{"1":{"id":1,"time":"12pm","interview":{"student":"Archie Cohen","interviewer":1}},` +
		`"2":{"id":2,"time":"1pm","interview":null},"3":{"id":3,"time":"12pm","interview":null},"4":{"id":4,"time":"1pm","interview":null}}`
	testInterviewers = `{"1":{"id":1,"name":"Sylvia Palmer","avatar":"https://i.imgur.com/LpaY82x.png"},` +
		`"2":{"id":2,"name":"Tori Malcolm","avatar":"https://i.imgur.com/Nmx0Qxo.png"}}`
)

func each(t *testing.T, cfg Config, f func(*gate)) {
	storetest.Each(t, schemas(), func(t *testing.T, st *store.Store) { f(newGate(t, st, cfg)) })
}

func sqlite(t testing.TB, cfg Config) *gate {
	return newGate(t, storetest.Open(t, store.SQLite, schemas()), cfg)
}

func TestOriginalBytes(t *testing.T) {
	each(t, Config{Open: true}, func(g *gate) {
		for _, base := range []string{"/api", "/api/v1"} {
			for path, want := range map[string]string{"/days": testDays, "/appointments": testAppointments, "/interviewers": testInterviewers} {
				a := g.want(200, want, g.do("", "GET", base+path, ""))
				if got := a.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
					g.t.Errorf("Content-Type %q", got)
				}
				h := g.do("", "HEAD", base+path, "")
				if h.StatusCode != 200 || h.body != "" || h.Header.Get("Content-Length") != strconv.Itoa(len(want)) {
					g.t.Errorf("HEAD %s: %d, Content-Length %s, body %q", path, h.StatusCode, h.Header.Get("Content-Length"), h.body)
				}
			}
		}
	})
}

func TestOriginalFlow(t *testing.T) {
	each(t, Config{Open: true}, func(g *gate) {
		reset := g.want(200, "Database Reset", g.do("", "GET", "/api/debug/reset", ""))
		if got := reset.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			g.t.Errorf("Content-Type %q", got)
		}
		g.want(204, "", g.do("", "PUT", "/api/appointments/2", lydia))
		g.want(200, strings.Replace(testDays, `"spots":1`, `"spots":0`, 1), g.do("", "GET", "/api/days", ""))
		whole := `{"id":2,"time":"1pm","interview":{"student":"Lydia Miller-Jones","interviewer":2}}`
		g.want(204, "", g.do("", "PUT", "/api/appointments/2", whole))
		g.want(204, "", g.do("", "DELETE", "/api/appointments/1", ""))
		want := strings.Replace(testAppointments, `"interview":{"student":"Archie Cohen","interviewer":1}`, `"interview":null`, 1)
		want = strings.Replace(want, `"time":"1pm","interview":null`, `"time":"1pm","interview":{"student":"Lydia Miller-Jones","interviewer":2}`, 1)
		g.want(200, want, g.do("", "GET", "/api/appointments", ""))
		g.want(204, "", g.do("", "DELETE", "/api/appointments/1", ""))
		g.want(200, "Database Reset", g.do("", "GET", "/api/v1/debug/reset", ""))
		g.want(200, testAppointments, g.do("", "GET", "/api/appointments", ""))
	})
}

func TestBookedTextKeepsItsCharacters(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	g.want(204, "", g.do("", "PUT", "/api/appointments/3", `{"interview":{"student":"  <Zoë> & O'Neil \u2028 \ud83d\ude00 ","interviewer":2.0}}`))
	a := g.do("", "GET", "/api/appointments", "")
	if want := "\"student\":\"<Zoë> & O'Neil \u2028 \U0001f600\",\"interviewer\":2"; !strings.Contains(a.body, want) {
		t.Errorf("%s does not hold %s: trimmed and not escaped", a.body, want)
	}
	longest := strings.Repeat("é", 255)
	g.want(204, "", g.do("", "PUT", "/api/appointments/3", `{"interview":{"student":"`+longest+`","interviewer":1}}`))
}

func TestKeysAreInNumericOrder(t *testing.T) {
	each(t, Config{Open: true, Seed: SeedDevelopment}, func(g *gate) {
		body := g.do("", "GET", "/api/appointments", "").body
		var got []int
		for _, m := range regexp.MustCompile(`"(\d+)":\{"id":(\d+),"time":`).FindAllStringSubmatch(body, -1) {
			id, _ := strconv.Atoi(m[1])
			if m[1] != m[2] {
				g.t.Errorf("key %s has id %s", m[1], m[2])
			}
			got = append(got, id)
		}
		if len(got) != 25 || !slices.IsSorted(got) {
			g.t.Errorf("keys %v, want 1 to 25 in order", got)
		}
	})
}

func TestDevelopmentSeed(t *testing.T) {
	each(t, Config{Open: true, Seed: SeedDevelopment}, func(g *gate) {
		days := g.readDays()
		var booked int64
		for i, d := range days {
			if d.Name != []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}[i] || len(d.Appointments) != 5 || len(d.Interviewers) != 5 {
				g.t.Errorf("day %+v, want five slots and five interviewers", d)
			}
			if d.Appointments[0] != int64(5*i+1) || !slices.IsSorted(d.Interviewers) {
				g.t.Errorf("day %+v: slots are numbered by day, interviewers ascend", d)
			}
			booked += 5 - d.Spots
		}
		if len(days) != 5 || booked != 10 {
			g.t.Errorf("%d days, %d booked; want 5 and 10", len(days), booked)
		}
		var all map[string]appointment
		g.read("/api/appointments", &all)
		for _, a := range all {
			if want := []string{"12pm", "1pm", "2pm", "3pm", "4pm"}[(a.ID-1)%5]; a.Time != want {
				g.t.Errorf("slot %d at %s, want %s", a.ID, a.Time, want)
			}
			if a.Interview != nil && !slices.Contains(days[(a.ID-1)/5].Interviewers, a.Interview.Interviewer) {
				g.t.Errorf("slot %d: interviewer %d is not available that day", a.ID, a.Interview.Interviewer)
			}
		}
		interviewers := g.do("", "GET", "/api/interviewers", "").body
		for _, want := range []string{`{"1":{"id":1,"name":"Sylvia Palmer",`, `"10":{"id":10,"name":"Samantha Stanic","avatar":"https://i.imgur.com/okB9WKC.jpg"}}`} {
			if !strings.Contains(interviewers, want) {
				g.t.Errorf("%s does not hold %s", interviewers, want)
			}
		}
	})
}

func TestProductionSeedHasNoInterviews(t *testing.T) {
	g := sqlite(t, Config{Open: true, Seed: SeedProduction})
	if body := g.do("", "GET", "/api/appointments", "").body; strings.Count(body, `"interview":null`) != 25 {
		t.Error(body)
	}
}

func TestFillKeepsWhatIsThere(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	g.want(204, "", g.do("", "PUT", "/api/appointments/2", lydia))
	if err := g.app.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if body := g.do("", "GET", "/api/appointments", "").body; !strings.Contains(body, "Lydia") {
		t.Error("Fill wrote over a booking")
	}
}

func TestErrorMode(t *testing.T) {
	g := sqlite(t, Config{Open: true, ErrorMode: true})
	for _, method := range []string{"PUT", "DELETE"} {
		body := ""
		if method == "PUT" {
			body = lydia
		}
		a := g.want(500, `{}`, g.do("", method, "/api/appointments/1", body))
		if got := a.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("Content-Type %q", got)
		}
	}
	g.want(200, testAppointments, g.do("", "GET", "/api/appointments", ""))
}

func TestPaceEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &App{cfg: Config{Pace: time.Second}}
		start := time.Now()
		a.wait(t.Context())
		if d := time.Since(start); d != time.Second {
			t.Errorf("waited %v, want the pace of 1s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start = time.Now()
		a.wait(ctx)
		if d := time.Since(start); d != 100*time.Millisecond {
			t.Errorf("waited %v for a client that left after 100ms", d)
		}
	})
}

func TestPreconditions(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		free := g.want(200, `{"id":2,"time":"1pm","interview":null}`, g.do("member:ann", "GET", "/api/appointments/2", ""))
		tag := free.Header.Get("ETag")
		g.want(304, "", g.do("member:ann", "GET", "/api/appointments/2", "", "If-None-Match", "W/"+tag))
		g.want(412, "", g.do("member:ann", "GET", "/api/appointments/2", "", "If-Match", `"other"`))

		put := func(header ...string) reply {
			return g.do("member:ann", "PUT", "/api/appointments/2", lydia, header...)
		}
		g.want(412, "", put("If-Match", "*")) // nothing is booked there
		g.want(412, "", put("If-Match", `"other"`))
		g.want(412, "", put("If-Match", "W/"+tag)) // If-Match compares strongly
		g.want(412, "", put("If-None-Match", `"other", `+tag))
		booked := g.want(204, "", put("If-Match", `"other", `+tag, "If-None-Match", "*"))
		if booked.Header.Get("ETag") == tag || booked.Header.Get("ETag") == "" {
			g.t.Errorf("ETag %q after %q", booked.Header.Get("ETag"), tag)
		}
		g.want(412, "", put("If-None-Match", "*"))
		g.want(412, "", put("If-Match", tag))
		now := g.do("member:ann", "GET", "/api/appointments/2", "")
		if now.Header.Get("ETag") != booked.Header.Get("ETag") {
			g.t.Errorf("GET has ETag %s, PUT gave %s", now.Header.Get("ETag"), booked.Header.Get("ETag"))
		}
		g.want(204, "", put("If-Match", "*"))
		g.want(400, "", put("If-Match", "unquoted"))
		g.want(400, "", put("If-None-Match", `*, "x"`))

		del := func(path string, header ...string) reply { return g.do("member:ann", "DELETE", path, "", header...) }
		g.want(412, "", del("/api/appointments/2", "If-Match", tag))
		g.want(412, "", del("/api/appointments/999", "If-Match", "*"))
		last := g.do("member:ann", "GET", "/api/appointments/2", "").Header.Get("ETag")
		g.want(204, "", del("/api/appointments/2", "If-Match", last))
		g.want(412, "", del("/api/appointments/2", "If-Match", last))
	})
}

func TestReservedHasATagOfItsOwn(t *testing.T) {
	g := sqlite(t, Config{})
	seen := g.do("manager:mia", "GET", "/api/appointments/1", "")
	hidden := g.want(200, `{"id":1,"time":"12pm","interview":{"student":"Reserved","interviewer":1}}`, g.do("member:ann", "GET", "/api/appointments/1", ""))
	if seen.Header.Get("ETag") == hidden.Header.Get("ETag") {
		t.Error("two representations with one strong tag (RFC 9110 §8.8.1)")
	}
}

func TestIdempotencyKey(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		put := func(as, key, body string) reply {
			return g.do(as, "PUT", "/api/appointments/2", body, "Idempotency-Key", key)
		}
		first := g.want(204, "", put("member:ann", "k1", lydia))
		if first.Header.Get("Idempotent-Replayed") != "" {
			g.t.Error("the first answer says that it is a repetition")
		}
		g.want(204, "", g.do("manager:mia", "PUT", "/api/appointments/2", archie))
		again := g.want(204, "", put("member:ann", "k1", lydia))
		if again.Header.Get("Idempotent-Replayed") != "true" || again.Header.Get("ETag") != first.Header.Get("ETag") {
			g.t.Errorf("repetition: %v", again.Header)
		}
		if body := g.do("manager:mia", "GET", "/api/appointments/2", "").body; !strings.Contains(body, "Archie") {
			g.t.Error("the repetition was carried out")
		}
		g.want(422, "", put("member:ann", "k1", archie))
		g.want(204, "", put("manager:mia", "k1", archie)) // another principal's key
		g.want(400, "", put("member:ann", strings.Repeat("k", 256), lydia))
		g.want(400, "", put("member:ann", "with space", lydia))
		g.want(400, "", put("member:ann", "", lydia))
		g.want(400, "", g.do("member:ann", "PUT", "/api/appointments/2", lydia, "Idempotency-Key", "one", "Idempotency-Key", "two"))
		g.want(204, "", put("member:ann", strings.Repeat("k", 255), lydia))

		g.want(204, "", g.do("member:ann", "DELETE", "/api/appointments/2", "", "Idempotency-Key", "d1"))
		g.want(204, "", g.do("member:bob", "PUT", "/api/appointments/2", archie))
		if r := g.want(204, "", g.do("member:ann", "DELETE", "/api/appointments/2", "", "Idempotency-Key", "d1")); r.Header.Get("Idempotent-Replayed") != "true" {
			g.t.Error("the second cancelling was carried out")
		}
		one := g.want(201, "", g.do("admin:ada", "POST", "/api/days", `{"name":"Sunday"}`, "Idempotency-Key", "p1"))
		two := g.want(201, one.body, g.do("admin:ada", "POST", "/api/days", `{"name":"Sunday"}`, "Idempotency-Key", "p1"))
		if two.Header.Get("Location") != one.Header.Get("Location") || two.Header.Get("Idempotent-Replayed") != "true" {
			g.t.Errorf("repetition: %v", two.Header)
		}
	})
}

func TestGuestsOfTwoAddressesHaveTwoKeys(t *testing.T) {
	each(t, Config{Open: true}, func(g *gate) {
		g.want(204, "", g.do("", "PUT", "/api/appointments/2", lydia, "Idempotency-Key", "k", "RemoteAddr", "192.0.2.1:1"))
		g.want(204, "", g.do("", "PUT", "/api/appointments/2", archie, "Idempotency-Key", "k", "RemoteAddr", "192.0.2.2:1"))
		g.want(422, "", g.do("", "PUT", "/api/appointments/2", archie, "Idempotency-Key", "k", "RemoteAddr", "192.0.2.1:1"))
	})
}

func TestAvailabilityIsEnforcedWhenAsked(t *testing.T) {
	for enforce, want := range map[bool]int{false: 204, true: 409} {
		g := sqlite(t, Config{Open: true, EnforceAvailability: enforce})
		g.want(200, "", g.do("admin:ada", "PUT", "/api/days/1", `{"name":"Monday","interviewers":[2]}`))
		g.want(want, "", g.do("", "PUT", "/api/appointments/2", lydia))
		g.want(204, "", g.do("", "PUT", "/api/appointments/3", lydia))
	}
}

func TestOperationsMatchHandlers(t *testing.T) {
	handlers := sqlite(t, Config{}).app.Handlers()
	seen := map[string]bool{}
	for _, api := range compiled(t, true, "development").APIs() {
		for _, op := range api.Operations {
			seen[op.ID] = true
			if handlers[op.ID] == nil {
				t.Errorf("operation %s has no handler", op.ID)
			}
			if op.Source == (contract.Position{}) {
				t.Errorf("operation %s is from nowhere", op.ID)
			}
		}
	}
	for id := range handlers {
		if !seen[id] {
			t.Errorf("handler %s has no operation", id)
		}
	}
}

func (g *gate) readDays() []day {
	var days []day
	g.read("/api/days", &days)
	return days
}

func (g *gate) read(path string, v any) {
	g.t.Helper()
	if err := strictjson.Unmarshal([]byte(g.want(http.StatusOK, "", g.do("admin:ada", "GET", path, "")).body), v); err != nil {
		g.t.Fatal(err)
	}
}
