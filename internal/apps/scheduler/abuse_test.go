package scheduler

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestDefectsOfTheOriginal(t *testing.T) {
	long := strings.Repeat("x", 256)
	each(t, Config{Open: true}, func(g *gate) {
		for _, c := range []struct {
			attack, method, path, body string
			want                       int
		}{
			{"no interview", "PUT", "/api/appointments/1", `{}`, 400},
			{"interview is null", "PUT", "/api/appointments/1", `{"interview":null}`, 400},
			{"body is an array", "PUT", "/api/appointments/1", `[]`, 400},
			{"malformed JSON", "PUT", "/api/appointments/1", `{"interview":`, 400},
			{"two values", "PUT", "/api/appointments/1", lydia + lydia, 400},
			{"duplicate key", "PUT", "/api/appointments/1", `{"interview":{"student":"a","student":"b","interviewer":1}}`, 400},
			{"student missing", "PUT", "/api/appointments/1", `{"interview":{"interviewer":1}}`, 400},
			{"student empty", "PUT", "/api/appointments/1", `{"interview":{"student":"","interviewer":1}}`, 400},
			{"student blank", "PUT", "/api/appointments/1", `{"interview":{"student":" \t\n ","interviewer":1}}`, 400},
			{"student too long", "PUT", "/api/appointments/1", `{"interview":{"student":"` + long + `","interviewer":1}}`, 400},
			{"student is a number", "PUT", "/api/appointments/1", `{"interview":{"student":7,"interviewer":1}}`, 400},
			{"student with U+0000", "PUT", "/api/appointments/1", `{"interview":{"student":"a\u0000b","interviewer":1}}`, 400},
			{"interviewer missing", "PUT", "/api/appointments/1", `{"interview":{"student":"a"}}`, 400},
			{"interviewer null", "PUT", "/api/appointments/1", `{"interview":{"student":"a","interviewer":null}}`, 400},
			{"interviewer is text", "PUT", "/api/appointments/1", `{"interview":{"student":"a","interviewer":"1"}}`, 400},
			{"interviewer is a fraction", "PUT", "/api/appointments/1", `{"interview":{"student":"a","interviewer":1.5}}`, 400},
			{"interviewer beyond all ids", "PUT", "/api/appointments/1", `{"interview":{"student":"a","interviewer":1e300}}`, 400},
			{"interviewer that is not there", "PUT", "/api/appointments/1", `{"interview":{"student":"a","interviewer":99}}`, 422},
			{"slot that is not there", "PUT", "/api/appointments/999", lydia, 404},
			{"largest id", "PUT", "/api/appointments/9007199254740991", lydia, 404},
			{"id is a word", "PUT", "/api/appointments/abc", lydia, 400},
			{"id is SQL", "DELETE", "/api/appointments/1;DROP%20TABLE%20days", "", 400},
			{"id is a word", "DELETE", "/api/appointments/abc", "", 400},
			{"id is a fraction", "DELETE", "/api/appointments/1.5", "", 400},
			{"id is negative", "DELETE", "/api/appointments/-1", "", 400},
			{"id is too large", "DELETE", "/api/appointments/99999999999999999999", "", 400},
			{"slot that is not there", "DELETE", "/api/appointments/999", "", 204},
			{"body too large", "PUT", "/api/appointments/1", `{"interview":{"student":"` + strings.Repeat("x", 100_000) + `","interviewer":1}}`, 413},
			{"reset by POST", "POST", "/api/debug/reset", "", 405},
			{"PATCH", "PATCH", "/api/appointments/1", lydia, 405},
			{"unknown path", "GET", "/api/nothing", "", 404},
		} {
			g.t.(*testing.T).Run(c.method+" "+c.attack, func(t *testing.T) {
				g := *g
				g.t = t
				a := g.want(c.want, "", g.do("", c.method, c.path, c.body))
				if c.want >= 400 && a.Header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("refused as %s", a.Header.Get("Content-Type"))
				}
				if strings.Contains(a.body, "SQL") || strings.Contains(a.body, ".go") || strings.Contains(a.body, long) {
					t.Errorf("the answer tells internals or echoes: %s", a.body)
				}
			})
		}
		g.want(200, testAppointments, g.do("", "GET", "/api/appointments", ""))
	})
}

func TestRefusalNamesTheField(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	for body, want := range map[string]string{
		`{"interview":{"student":" ","interviewer":1}}`:  `"field":"interview.student","pointer":"/interview/student"`,
		`{"interview":{"student":"a","interviewer":99}}`: `"field":"interview.interviewer","pointer":"/interview/interviewer"`,
		`{}`: `"field":"interview","pointer":"/interview"`,
	} {
		if a := g.do("", "PUT", "/api/appointments/1", body); !strings.Contains(a.body, want) {
			t.Errorf("%s: %s does not name %s", body, a.body, want)
		}
	}
}

func TestWrongMediaType(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		g.want(415, "", g.do("", "PUT", "/api/appointments/1", lydia, "Content-Type", media))
	}
}

func TestBodyOfDeleteDoesNotMatter(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	for _, body := range []string{`{"id":1}`, `{"interview":null}`, `not JSON`, `null`} {
		g.want(204, "", g.do("", "DELETE", "/api/appointments/1", body))
	}
}

func TestUnknownFieldsAreNotStored(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	g.want(204, "", g.do("", "PUT", "/api/appointments/2",
		`{"id":1,"time":"9pm","booked_by":"ada","interview":{"student":"Mallory","interviewer":1,"booked_by":"ada","type":"SET_INTERVIEW","__proto__":{}},"__proto__":{}}`))
	want := strings.Replace(testAppointments, `"2":{"id":2,"time":"1pm","interview":null}`, `"2":{"id":2,"time":"1pm","interview":{"student":"Mallory","interviewer":1}}`, 1)
	g.want(200, want, g.do("", "GET", "/api/appointments", ""))
	g.want(200, testDays[:len(testDays)-1-len(`,{"id":2,"name":"Tuesday","appointments":[3,4],"interviewers":[1,2],"spots":2}`)]+
		`,{"id":2,"name":"Tuesday","appointments":[3,4],"interviewers":[1,2],"spots":2}]`, g.do("", "DELETE", "/api/appointments/2", "").then(g, "/api/days"))
}

func (a reply) then(g *gate, path string) reply { return g.do("", "GET", path, "") }

// TestWhoMayDoWhat is the access table, closed and open, as the wire shows it.
func TestWhoMayDoWhat(t *testing.T) {
	callers := []string{"", "member:ann", "counsellor:cleo", "manager:mia", "admin:ada"}
	table := []struct {
		method, path, body string
		closed, open       [5]int
	}{
		{"GET", "/api/days", "", [5]int{200, 200, 200, 200, 200}, [5]int{200, 200, 200, 200, 200}},
		{"GET", "/api/interviewers", "", [5]int{200, 200, 200, 200, 200}, [5]int{200, 200, 200, 200, 200}},
		{"GET", "/api/days/1", "", [5]int{200, 200, 200, 200, 200}, [5]int{200, 200, 200, 200, 200}},
		{"GET", "/api/interviewers/1", "", [5]int{200, 200, 200, 200, 200}, [5]int{200, 200, 200, 200, 200}},
		{"GET", "/api/appointments", "", [5]int{401, 200, 200, 200, 200}, [5]int{200, 200, 200, 200, 200}},
		{"GET", "/api/appointments/1", "", [5]int{401, 200, 200, 200, 200}, [5]int{401, 200, 200, 200, 200}},
		{"PUT", "/api/appointments/1", lydia, [5]int{401, 403, 403, 204, 204}, [5]int{204, 204, 204, 204, 204}}, // a guest's booking
		{"PUT", "/api/appointments/2", lydia, [5]int{401, 403, 403, 204, 204}, [5]int{403, 403, 403, 204, 204}}, // bob's booking
		{"PUT", "/api/appointments/3", lydia, [5]int{401, 204, 204, 204, 204}, [5]int{204, 204, 204, 204, 204}}, // free
		{"DELETE", "/api/appointments/1", "", [5]int{401, 403, 403, 204, 204}, [5]int{204, 204, 204, 204, 204}},
		{"DELETE", "/api/appointments/2", "", [5]int{401, 403, 403, 204, 204}, [5]int{403, 403, 403, 204, 204}},
		{"DELETE", "/api/appointments/3", "", [5]int{401, 204, 204, 204, 204}, [5]int{204, 204, 204, 204, 204}},
		{"GET", "/api/slots", "", [5]int{401, 403, 403, 200, 200}, [5]int{401, 403, 403, 200, 200}},
		{"GET", "/api/slots/1", "", [5]int{401, 403, 403, 200, 200}, [5]int{401, 403, 403, 200, 200}},
		{"POST", "/api/slots", `{"time":"5pm","day":1}`, [5]int{401, 403, 403, 201, 201}, [5]int{401, 403, 403, 201, 201}},
		{"PUT", "/api/slots/1", `{"time":"5pm","day":1}`, [5]int{401, 403, 403, 200, 200}, [5]int{401, 403, 403, 200, 200}},
		{"DELETE", "/api/slots/4", "", [5]int{401, 403, 403, 204, 204}, [5]int{401, 403, 403, 204, 204}},
		{"POST", "/api/days", `{"name":"Sunday"}`, [5]int{401, 403, 403, 201, 201}, [5]int{401, 403, 403, 201, 201}},
		{"PUT", "/api/days/1", `{"name":"Monday","interviewers":[]}`, [5]int{401, 403, 403, 200, 200}, [5]int{401, 403, 403, 200, 200}},
		{"DELETE", "/api/days/2", "", [5]int{401, 403, 403, 204, 204}, [5]int{401, 403, 403, 204, 204}},
		{"POST", "/api/interviewers", `{"name":"x","avatar":"/x.png"}`, [5]int{401, 403, 403, 201, 201}, [5]int{401, 403, 403, 201, 201}},
		{"PUT", "/api/interviewers/1", `{"name":"x","avatar":"/x.png"}`, [5]int{401, 403, 403, 200, 200}, [5]int{401, 403, 403, 200, 200}},
		{"DELETE", "/api/interviewers/2", "", [5]int{401, 403, 403, 204, 204}, [5]int{401, 403, 403, 204, 204}},
	}
	for _, open := range []bool{false, true} {
		each(t, Config{Open: open}, func(g *gate) {
			for _, row := range table {
				for i, as := range callers {
					want := row.closed[i]
					if open {
						want = row.open[i]
					}
					if row.method != "GET" {
						if err := g.app.Seed(t.Context(), SeedTest); err != nil {
							t.Fatal(err)
						}
						g.want(204, "", g.do("member:bob", "PUT", "/api/appointments/2", `{"interview":{"student":"Bob's","interviewer":1}}`))
					}
					if a := g.do(as, row.method, row.path, row.body); a.StatusCode != want {
						g.t.Errorf("open %v: %s %s as %q: %d, want %d: %s", open, row.method, row.path, as, a.StatusCode, want, a.body)
					}
				}
			}
		})
	}
}

func TestBookingStaysWithWhomItWasMade(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		g.want(204, "", g.do("member:ann", "PUT", "/api/appointments/2", lydia))
		g.want(204, "", g.do("manager:mia", "PUT", "/api/appointments/2", archie))
		g.want(200, `{"id":2,"time":"1pm","interview":{"student":"Archie Cohen","interviewer":1}}`, g.do("member:ann", "GET", "/api/appointments/2", ""))
		g.want(403, "", g.do("member:bob", "DELETE", "/api/appointments/2", ""))
		g.want(204, "", g.do("member:ann", "DELETE", "/api/appointments/2", ""))
		g.want(204, "", g.do("member:bob", "PUT", "/api/appointments/2", lydia))
		g.want(403, "", g.do("member:ann", "PUT", "/api/appointments/2", lydia))
	})
}

func TestForeignBookingIsRefusedBeforeItsTag(t *testing.T) {
	g := sqlite(t, Config{})
	a := g.do("member:ann", "PUT", "/api/appointments/1", lydia, "If-None-Match", "*")
	g.want(403, "", a)
	if !strings.Contains(a.body, "This slot is booked by someone else") {
		t.Error(a.body)
	}
}

// TestRefusalsNameTheirRule: the record of a 403 says which rule it was.
func TestRefusalsNameTheirRule(t *testing.T) {
	each(t, Config{}, func(g *gate) {
		for _, c := range []struct {
			attack, as, method, path, body string
			header                         []string
			rule                           string
		}{
			{"taking somebody's slot", "member:ann", "PUT", "/api/appointments/1", lydia, nil, ": own row"},
			{"cancelling for somebody", "member:ann", "DELETE", "/api/appointments/1", "", nil, ": own row"},
			{"resetting from elsewhere", "", "GET", "/api/debug/reset", "", []string{"RemoteAddr", "198.51.100.7:5"}, ": reset from this machine alone"},
			{"resetting from a page of another site", "", "GET", "/api/debug/reset", "", []string{"Sec-Fetch-Site", "cross-site"}, ": reset by no other site"},
		} {
			a := g.want(403, "", g.do(c.as, c.method, c.path, c.body, c.header...))
			if got := a.Trailer.Get("Test-Rule"); got != c.rule {
				g.t.Errorf("%s: the rule is %q, want %q", c.attack, got, c.rule)
			}
		}
	})
}

func TestReset(t *testing.T) {
	st := storetest.Open(t, store.SQLite, schemas())
	for _, c := range []struct {
		attack, environment string
		header              []string
		want                int
	}{
		{"production", "production", nil, 404},
		{"demo", "demo", nil, 200},
		{"development", "development", nil, 200},
		{"test", "test", nil, 200},
		{"another machine", "test", []string{"RemoteAddr", "192.0.2.7:1234"}, 403},
		{"IPv6 of this machine", "test", []string{"RemoteAddr", "[::1]:1234"}, 200},
		{"no address", "test", []string{"RemoteAddr", "@"}, 403},
		{"page of another site", "test", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"page of the same site", "test", []string{"Sec-Fetch-Site", "same-site"}, 200},
		{"typed into the browser", "test", []string{"Sec-Fetch-Site", "none"}, 200},
		{"proxy elsewhere that names this machine", "test", []string{"RemoteAddr", "192.0.2.99:1", "X-Forwarded-For", "127.0.0.1"}, 403},
		{"client of a proxy on this machine", "test", []string{"RemoteAddr", "127.0.0.9:1", "X-Forwarded-For", "203.0.113.5"}, 403},
		{"client of a proxy on this machine whose fields disagree", "test", []string{"RemoteAddr", "127.0.0.9:1", "X-Forwarded-For", "203.0.113.5", "Forwarded", "for=198.51.100.7"}, 403},
		{"client of a proxy on this machine that hides it", "test", []string{"RemoteAddr", "127.0.0.9:1", "Forwarded", "for=_hidden"}, 403},
		{"client of a proxy on this machine that does not know it", "test", []string{"RemoteAddr", "127.0.0.9:1", "X-Forwarded-For", "unknown"}, 403},
		{"client that claims to be this machine to a proxy on it", "test", []string{"RemoteAddr", "127.0.0.9:1", "X-Forwarded-For", "127.0.0.1"}, 403},
		{"client of a proxy on this machine that says Via alone", "test", []string{"Via", "1.1 proxy"}, 403},
		{"claims to be this machine", "test", []string{"RemoteAddr", "192.0.2.7:1234", "X-Forwarded-For", "127.0.0.1"}, 403},
	} {
		t.Run(c.attack, func(t *testing.T) {
			g := newGateIn(t, st, Config{Open: true}, c.environment)
			g.want(204, "", g.do("", "PUT", "/api/appointments/4", lydia))
			g.want(c.want, "", g.do("", "GET", "/api/debug/reset", "", c.header...))
			after := g.do("", "GET", "/api/appointments", "").body
			if reset := after == testAppointments; reset != (c.want == http.StatusOK) {
				t.Errorf("reset: %v after %d", reset, c.want)
			}
		})
	}
}

func TestHeadDoesNotReset(t *testing.T) {
	each(t, Config{Open: true}, func(g *gate) {
		g.want(204, "", g.do("", "PUT", "/api/appointments/4", lydia))
		g.want(200, "", g.do("", "HEAD", "/api/debug/reset", ""))
		if after := g.do("", "GET", "/api/appointments", "").body; after == testAppointments {
			t.Error("HEAD has reset the database")
		}
	})
}

func TestCallsAreAudited(t *testing.T) {
	each(t, Config{Open: true}, func(g *gate) {
		g.want(204, "", g.do("member:ann", "PUT", "/api/appointments/2", lydia))
		g.want(204, "", g.do("member:ann", "DELETE", "/api/appointments/2", ""))
		g.want(204, "", g.do("member:ann", "DELETE", "/api/appointments/999", ""))
		g.want(201, "", g.do("admin:ada", "POST", "/api/days", `{"name":"Sunday"}`))
		g.want(200, "", g.do("", "GET", "/api/debug/reset", ""))
		var got []string
		err := g.app.cfg.Store.Read(context.Background(), store.Actor{ID: "ada", Role: "admin"}, func(tx *store.Tx) error {
			rows, err := tx.Query(context.Background(), `SELECT action, resource, actor, details FROM audit_entries ORDER BY at, id`)
			if err != nil {
				return err
			}
			for rows.Next() {
				var action, resource, actor, details string
				if err := rows.Scan(&action, &resource, &actor, &details); err != nil {
					return err
				}
				got = append(got, strings.Join([]string{action, resource, actor}, " "))
				if strings.Contains(details, "Lydia") {
					g.t.Errorf("the audit log holds a name: %s", details)
				}
			}
			return rows.Err()
		})
		if err != nil {
			g.t.Fatal(err)
		}
		want := []string{"UPDATE_INTERVIEW appointments/2 ann", "DELETE_INTERVIEW appointments/2 ann", "CREATE_DAY days/3 ada", "RESET_SCHEDULER scheduler "}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			g.t.Errorf("audited %q, want %q", got, want)
		}
	})
}
