package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// recordOf waits for the record of an operation with a status.
func recordOf(t *testing.T, p *program, operation string, status int) (verdict string, refused, allow []string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for line := range strings.SplitSeq(p.log.String(), "\n") {
			var r struct {
				Type, Operation, Verdict string
				Status                   int
				WouldRefuse              []string `json:"would_refuse"`
				WouldAllow               []string `json:"would_allow"`
			}
			if json.Unmarshal([]byte(line), &r) == nil && r.Type == "RESPONSE" && r.Operation == operation && r.Status == status {
				return r.Verdict, r.WouldRefuse, r.WouldAllow
			}
		}
	}
	t.Fatalf("no record of %s with %d:\n%s", operation, status, p.log.String())
	return "", nil, nil
}

// TestReportMode runs the scheduler with two layers in report, and the members
// as ever.
func TestReportMode(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, "modes: { scheduler: { validate: report, authz: report } }\n"))
	if !strings.Contains(p.log.String(), `"layer":"validate","mode":"report","risk":"relaxed-validate"`) {
		t.Errorf("the start does not tell of the relaxed layer:\n%s", p.log.String())
	}
	p.logins["member"] = []login{addMember(t, dir, "ada@example.org", "member", password)}
	member := p.token("member", 0)

	nameless := strings.Replace(booking, "Lydia Miller-Jones", "", 1)
	if a := p.do(request{method: http.MethodPut, path: "/api/appointments/2", token: member, body: nameless}); a.status != http.StatusNoContent {
		t.Fatalf("a booking without a name: %d %s", a.status, a.body)
	}
	verdict, refused, allow := recordOf(t, p, "bookInterview", http.StatusNoContent)
	if verdict != "served" || !slices.Equal(refused, []string{"validate: VALIDATION_ERROR minLength /interview/student"}) ||
		!slices.Equal(allow, []string{"the document: relax minLength /interview/student"}) {
		t.Errorf("recorded as %s, %q, %q", verdict, refused, allow)
	}

	for _, body := range []string{`{"interview":{"student":"","interviewer":1}}`, `{"interview":{"student":7,"interviewer":"x"}}`, `{"interview":`, `[]`, ``,
		`{"interview":{"student":"` + strings.Repeat("x", 200_000) + `","interviewer":1}}`, `{"interview":{"student":"a\u0000","interviewer":99999999999999999999}}`} {
		for _, path := range []string{"/api/appointments/3", "/api/appointments/three", "/api/appointments/-1?x=1"} {
			if a := p.do(request{method: http.MethodPut, path: path, token: member, body: body}); a.status >= 500 {
				t.Errorf("%s %.60s: %d %s", path, body, a.status, a.body)
			}
		}
	}

	if a := p.do(request{method: http.MethodPost, path: "/api/days", token: member, body: `{"name":"Sunday","color":"red"}`}); a.status != http.StatusCreated {
		t.Errorf("a member adds a day in report: %d %s", a.status, a.body)
	}
	_, refused, allow = recordOf(t, p, "createDay", http.StatusCreated)
	if !slices.Equal(refused, []string{"authz: FORBIDDEN roles [manager admin]", "validate: VALIDATION_ERROR unknown_field /color"}) ||
		!slices.Equal(allow, []string{"POST /days: { access: { roles: [manager, admin, member] } }", "POST /days: { unknown: strip }"}) {
		t.Errorf("recorded as %q, %q", refused, allow)
	}

	if a := p.do(request{method: http.MethodPost, path: "/login", body: `{"email":"ada@example.org","password":"` + password + `","x":1}`}); a.status != http.StatusBadRequest {
		t.Errorf("the other API with an unknown field: %d %s", a.status, a.body)
	}
	if a := p.do(request{path: "/api/nothing", token: member}); a.status != http.StatusNotFound {
		t.Errorf("an unknown path: %d", a.status)
	}
}

// TestOffMode takes the limits away from one API.
func TestOffMode(t *testing.T) {
	const budgets = "limits: { scheduler: 3/15m per address, unmatched: 3/15m per address }\n"
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, budgets+"modes: { scheduler: { limit: off } }\n"))
	for range 8 {
		a := p.do(request{path: "/api/days"})
		if a.status != http.StatusOK || a.header.Get("RateLimit") != "" {
			t.Fatalf("the API without limits: %d, RateLimit %q", a.status, a.header.Get("RateLimit"))
		}
	}
	last := 0
	for range 4 {
		last = p.do(request{path: "/nothing"}).status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("what is of no API: %d, want 429", last)
	}
}

// TestModesInProduction asks config check.
func TestModesInProduction(t *testing.T) {
	dir := t.TempDir()
	check := func(env ...string) (string, int) {
		out, errOut, code := run(t, append(env, "GATEHOUSE_DATA="+filepath.Join(dir, "data")), "config", "check")
		return out + errOut, code
	}
	const relaxed = "GATEHOUSE_MODES__SCHEDULER__VALIDATE=report"
	if said, code := check(relaxed); code != 2 || !strings.Contains(said, "accept_risk: [relaxed-validate]") {
		t.Errorf("not accepted: %d %s", code, said)
	}
	if said, code := check(relaxed, "GATEHOUSE_ACCEPT_RISK=relaxed-validate"); code != 0 || !strings.Contains(said, "Risks taken: relaxed-validate, scheduler: validate report.") {
		t.Errorf("accepted: %d %s", code, said)
	}
	if said, code := check("GATEHOUSE_MODES__SCHEDULR__VALIDATE=report", "GATEHOUSE_ACCEPT_RISK=relaxed-validate"); code != 2 || !strings.Contains(said, `Did you mean "scheduler"?`) {
		t.Errorf("an API that is not there: %d %s", code, said)
	}
	out, errOut, code := run(t, nil, "serve", "--mode", "report", "--listen", "localhost:0")
	if code != 2 || !strings.Contains(out+errOut, "relaxed-authz") {
		t.Errorf("serve --mode report in production: %d %s%s", code, out, errOut)
	}
}
