package validate_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/problem"
	"github.com/gatehouse-api/gatehouse/validate"
)

// relaxed is the layer behind a call with a mode.
func relaxed(t *testing.T, mode call.Mode, next http.Handler) http.Handler {
	t.Helper()
	begin, err := call.New(call.Config{Table: uploadTable(t), Modes: call.Modes{"uploads": {"validate": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	return begin(layer(t, validate.Config{Table: uploadTable(t)}, next))
}

// TestReportPassesOnWhatWasSent: a form and a compressed body that would have
// been refused reach the handler as they came, to the last byte.
func TestReportPassesOnWhatWasSent(t *testing.T) {
	form, formType := formBody(t, field{name: "isAdmin", data: "1"}, field{"shell", "a.php", "text/php", strings.Repeat("x", 50_000)})
	zipped := zip(t, "gzip", `{"a":1}`)
	unknown, unknownType := formBody(t, field{name: "b", data: "1"})
	for name, c := range map[string]struct{ line, body, contentType, coding string }{
		"a form":            {"POST /files", form, formType, ""},
		"a broken form":     {"POST /files", form[:len(form)-30], formType, ""},
		"a compressed body": {"POST /zipped", zipped, "application/json", "gzip"},
		"a compressed form": {"POST /zipped", zip(t, "gzip", unknown), unknownType, "gzip"},
		"a broken one":      {"POST /zipped", zipped[:20], "application/json", "gzip"},
		"a bomb":            {"POST /zipped", zip(t, "gzip", strings.Repeat(" ", 1<<20)), "application/json", "gzip"},
	} {
		pardons, same, want := 0, false, map[string]int{"a form": 2}[name] // what is unknown, and what is missing
		h := relaxed(t, call.Report, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(r.Body)
			same = err == nil && string(data) == c.body && r.ContentLength == int64(len(data)) && r.Header.Get("Content-Encoding") == c.coding && r.Header.Get("Content-Type") == c.contentType
			pardons = len(call.From(r.Context()).Pardons())
		}))
		method, target, _ := strings.Cut(c.line, " ")
		r := httptest.NewRequest(method, target, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.contentType)
		if c.coding != "" {
			r.Header.Set("Content-Encoding", c.coding)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != 200 || !same || pardons != max(want, 1) {
			t.Errorf("%s: %d %s, same %v, %d pardons", name, rec.Code, rec.Body, same, pardons)
		}
	}
}

// TestReportPardonsNoMemberOfOthers: who may set a member is authorization. What
// cannot be read as the contract says might be read otherwise by the handler,
// and is refused to those alone to whom a member is not left.
func TestReportPardonsNoMemberOfOthers(t *testing.T) {
	form, formType := formBody(t, field{name: "note", data: "x"}, field{name: "grade", data: "9"})
	other, otherType := formBody(t, field{name: "note", data: "x"}, field{name: "unknown", data: "x"})
	broken := form[:len(form)-30]
	for _, c := range []struct {
		attack, line, body string
		header             []string
		member, admin      int
	}{
		{"a member of another role", "POST /grades", `{"grade":9}`, nil, 403, 200},
		{"beside another fault", "POST /grades", `{"grade":9,"note":1}`, nil, 403, 200},
		{"beside a wrong parameter", "POST /grades?x=1", `{"grade":9}`, nil, 403, 200},
		{"with an Accept that nothing fits", "POST /grades", `{"grade":9}`, []string{"Accept: text/html"}, 403, 200},
		{"in a form", "POST /grades", form, []string{"=Content-Type: " + formType}, 403, 200},
		{"with an Accept that nothing fits, unread", "POST /grades", `{"grade":9,"grade":9}`, []string{"Accept: text/html"}, 400, 200},
		{"to a socket, which has no body, with a wrong parameter", "GET /grades?x=1", "", []string{"Upgrade: websocket", "Connection: Upgrade"}, 200, 200},
		{"sent twice", "POST /grades", `{"grade":9,"grade":9}`, nil, 400, 200},
		{"in another charset", "POST /grades", `{"grade":9}`, []string{"=Content-Type: application/json; charset=utf-7"}, 415, 200},
		{"as another type", "POST /grades", `{"grade":9}`, []string{"=Content-Type: text/html"}, 415, 200},
		{"in a coding that is not stated", "POST /grades", `{"grade":9}`, []string{"Content-Encoding: gzip"}, 415, 200},
		{"in a body that is too large", "POST /grades", `{"grade":9,"note":"` + strings.Repeat("x", 2000) + `"}`, nil, 413, 200},
		{"another fault in a form", "POST /grades", other, []string{"=Content-Type: " + otherType}, 200, 200},
		{"in a form that breaks off", "POST /grades", broken, []string{"=Content-Type: " + formType}, 400, 200},
		{"no member of another role", "POST /grades", `{"note":1}`, nil, 200, 200},
		{"no body, and a wrong parameter", "POST /grades?x=1", "", nil, 200, 200},
		{"a body that is not read, and a wrong parameter", "POST /grades?x=1", "grade", []string{"=Content-Type: text/plain"}, 200, 200},
	} {
		for role, want := range map[string]int{"member": c.member, "admin": c.admin} {
			table := gatetest.Compile(t, grades)
			begin, err := call.New(call.Config{Table: table, Modes: call.Modes{"*": {"validate": call.Report}}})
			if err != nil {
				t.Fatal(err)
			}
			served := false
			next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true })
			rec := send(begin(as(role, layer(t, validate.Config{Table: table}, next))), c.line, c.body, c.header...)
			if rec.Code != want || served != (want == 200) {
				t.Errorf("%s, as %s: %d %s, want %d", c.attack, role, rec.Code, rec.Body, want)
			}
		}
	}
}

const grades = `
openapi: 3.1.0
info: { title: Grades, version: "1" }
x-gatehouse: { body: 1KB }
paths:
  /grades:
    get:
      operationId: openGrades
      x-gatehouse: { access: public }
      x-gatehouse-websocket: { receive: { ping: { const: ping } }, send: { pong: { const: pong } } }
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Grade" } } } }
      responses: { "101": { description: upgraded } }
    post:
      operationId: postGrade
      x-gatehouse: { access: public }
      requestBody:
        content:
          application/json: { schema: { $ref: "#/components/schemas/Grade" } }
          multipart/form-data: { schema: { $ref: "#/components/schemas/Grade" } }
          text/plain: {}
      responses: { "200": { description: done, content: { application/json: {} } } }
components:
  schemas:
    Grade: { type: object, properties: { note: { type: string }, grade: { type: integer, x-gatehouse: { write_roles: [admin] } } } }
`

func TestOnlyOffLetsMembersOfOthersGo(t *testing.T) {
	const sent = `[{"amount":9}]`
	for mode, want := range map[call.Mode]string{call.Enforce: `[{}]`, call.Report: `[{}]`, call.Off: sent} {
		h := relaxed(t, mode, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = call.Bytes(w, r, 200, "application/json", []byte(sent))
		}))
		if rec := send(h, "GET /salaries", ""); rec.Body.String() != want {
			t.Errorf("%s: %s, want %s", fmt.Sprint(mode), rec.Body, want)
		}
	}
}

// TestLimitsWithoutAStatedLength: what Content-Length would have told is seen
// while the body is read.
func TestLimitsWithoutAStatedLength(t *testing.T) {
	form, formType := formBody(t, field{name: "title", data: "a"}, field{"scans", "a", "text/plain", strings.Repeat("x", 1_000_001)})
	for name, c := range map[string]struct{ path, body, contentType, coding string }{
		"a large form":          {"/files", form, formType, ""},
		"empty blocks, no end":  {"/zipped", "\x78\x9c" + strings.Repeat("\x00\x00\x00\xff\xff", 70_000), "application/json", "deflate"},
		"a bomb":                {"/zipped", zip(t, "gzip", strings.Repeat(" ", 10<<20)), "application/json", "gzip"},
		"more than it may hold": {"/zipped", zip(t, "gzip", strings.Repeat("abcdefgh", 50_000)), "application/json", "gzip"},
	} {
		r := httptest.NewRequest("POST", c.path, io.MultiReader(strings.NewReader(c.body)))
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		r.Header.Set("Content-Type", c.contentType)
		if c.coding != "" {
			r.Header.Set("Content-Encoding", c.coding)
		}
		rec := httptest.NewRecorder()
		layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s is served", name) })).ServeHTTP(rec, r)
		if rec.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

func TestUploadsWaitForMemory(t *testing.T) {
	begin, err := call.New(call.Config{Table: uploadTable(t), MaxBuffered: 1000})
	if err != nil {
		t.Fatal(err)
	}
	body, contentType := formBody(t, field{name: "title", data: "a"})
	rec := send(begin(layer(t, validate.Config{Table: uploadTable(t)}, nil)), "POST /files", body, "=Content-Type: "+contentType)
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestFilteredAnswersAreCheckedToo: Responses looks at what is left, a refusal
// leaves as it is, and a panic leaves nothing behind.
func TestFilteredAnswersAreCheckedToo(t *testing.T) {
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = call.Bytes(w, r, 200, "application/json", []byte(body))
		}
	}
	for _, c := range []struct {
		mode    validate.Mode
		handler http.Handler
		status  int
		tells   string
	}{
		{validate.Enforce, answer(`[{"name":"a","amount":9}]`), 200, `[{"name":"a"}]`},
		{validate.Enforce, answer(`[{"name":7,"amount":9}]`), 500, "Internal"},
		{validate.Report, answer(`[{"name":7,"amount":9}]`), 200, `[{"name":7}]`},
		{validate.Off, answer(`[{"name":7,"amount":9}]`), 200, `[{"name":7}]`},
		{validate.Enforce, call.Handler(func(http.ResponseWriter, *http.Request, *call.Call) error { return problem.NotFound("no such list") }), 404, "no such list"},
	} {
		rec := send(layer(t, validate.Config{Table: uploadTable(t), Responses: c.mode}, c.handler), "GET /salaries", "")
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.tells) || strings.Contains(rec.Body.String(), "amount") {
			t.Errorf("%s: %d %s, want %d %s", c.mode, rec.Code, rec.Body, c.status, c.tells)
		}
	}
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(`[{"amount":9}]`)(w, r)
		panic("a bug")
	}))
	rec := send(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = call.Ensure(w, r)
		defer func() {
			_ = recover()
			call.Refuse(call.From(r.Context()).ResponseWriter(), r, problem.Internal(nil))
		}()
		h.ServeHTTP(w, r)
	}), "GET /salaries", "")
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "amount") {
		t.Errorf("after a panic: %d %s", rec.Code, rec.Body)
	}
}
