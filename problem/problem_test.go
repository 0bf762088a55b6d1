package problem_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/problem"
)

var now = time.Date(2026, 1, 16, 0, 27, 33, 0, time.UTC)

const id = "0199aaaa-0000-7000-8000-000000000001"

func write(t testing.TB, e *problem.Error, d problem.Dialect, change func(*http.Request, *problem.Context)) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("POST", "/things", nil)
	c := problem.Context{Dialect: d, RequestID: id, Now: now}
	if change != nil {
		change(req, &c)
	}
	problem.Write(rec, req, e, c)
	return rec
}

func invalid() *problem.Error {
	return problem.Invalid(
		problem.Field{Field: "interview.student", Pointer: "/interview/student", Code: "minLength", Message: "must be at least 1 character"},
		problem.Field{Field: "id", Pointer: "#/path/id", Code: "type", Message: "must be an integer"})
}

func limited() *problem.Error {
	return problem.RateLimited(problem.Retry{After: 15 * time.Minute, Budget: "writes", Limit: 1500, Window: 15 * time.Minute})
}

// The bodies below are written from RFC 9457 §3 and contracts 2.5 and 3.1, not
// from what the code gave.
func TestGoldenBodies(t *testing.T) {
	for _, row := range []struct {
		name    string
		e       *problem.Error
		dialect problem.Dialect
		want    string
	}{
		{"problem 404", problem.NotFound("There is nothing at this path"), problem.RFC9457,
			`{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at this path",` +
				`"instance":"urn:uuid:` + id + `","code":"NOT_FOUND","request_id":"` + id + `",` +
				`"error":"Not Found","message":"There is nothing at this path"}`},
		{"problem 400 with every fault", invalid(), "",
			`{"type":"about:blank","title":"Validation Error","status":400,"detail":"The request data is invalid",` +
				`"instance":"urn:uuid:` + id + `","code":"VALIDATION_ERROR","request_id":"` + id + `",` +
				`"error":"Validation Error","message":"The request data is invalid","details":[` +
				`{"field":"interview.student","pointer":"/interview/student","code":"minLength","message":"must be at least 1 character"},` +
				`{"field":"id","pointer":"#/path/id","code":"type","message":"must be an integer"}]}`},
		{"problem 429 with the seed's members", limited(), problem.RFC9457,
			`{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"You have made too many requests; try again later",` +
				`"instance":"urn:uuid:` + id + `","code":"RATE_LIMITED","request_id":"` + id + `","error":"Too Many Requests",` +
				`"message":"You have made too many requests; try again later","retryAfter":"2026-01-16T00:42:33.000Z",` +
				`"retryAfterSeconds":900,"limit":1500,"window":"15 minutes",` +
				`"tip":"Wait for the time in Retry-After; spreading calls evenly keeps you inside the budget"}`},
		{"message 400", invalid(), problem.Message,
			`{"error":"Validation Error","message":"The request data is invalid","details":[` +
				`{"field":"interview.student","message":"must be at least 1 character"},{"field":"id","message":"must be an integer"}]}`},
		{"message 404", problem.NotFound("Opportunity not found"), problem.Message,
			`{"error":"Not Found","message":"Opportunity not found"}`},
		{"message 429", limited(), problem.Message,
			`{"error":"Too Many Requests","message":"You have made too many requests; try again later",` +
				`"retryAfter":"2026-01-16T00:42:33.000Z","retryAfterSeconds":900,"limit":1500,"window":"15 minutes",` +
				`"tip":"Wait for the time in Retry-After; spreading calls evenly keeps you inside the budget"}`},
		{"envelope 403", problem.Forbidden("Not yours"), problem.Envelope,
			`{"success":false,"error":{"code":"FORBIDDEN","message":"Not yours","type":"AUTH",` +
				`"timestamp":"2026-01-16T00:27:33.000Z","requestId":"` + id + `"}}`},
		{"envelope 400", invalid(), problem.Envelope,
			`{"success":false,"error":{"code":"VALIDATION_ERROR","message":"The request data is invalid","type":"VALIDATION",` +
				`"timestamp":"2026-01-16T00:27:33.000Z","requestId":"` + id + `","details":[` +
				`{"field":"interview.student","message":"must be at least 1 character"},{"field":"id","message":"must be an integer"}]}}`},
		{"envelope 500", problem.Internal(errors.New("x")), problem.Envelope,
			`{"success":false,"error":{"code":"INTERNAL_ERROR","message":"Something went wrong","type":"UNKNOWN",` +
				`"timestamp":"2026-01-16T00:27:33.000Z","requestId":"` + id + `"}}`},
		{"error 401", problem.Unauthorized("NO_TOKEN", "No token", `Bearer realm="gatehouse"`), problem.Plain, `{"error":"Unauthorized"}`},
		{"error 429", limited(), problem.Plain, `{"error":"Too Many Requests"}`},
		{"the zero Error", &problem.Error{}, problem.Plain, `{"error":"Internal Server Error"}`},
		{"no Error at all", nil, problem.Plain, `{"error":"Internal Server Error"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec := write(t, row.e, row.dialect, nil)
			if got := strings.TrimSpace(rec.Body.String()); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if got := rec.Header().Get("Content-Length"); got != fmt.Sprint(rec.Body.Len()) {
				t.Errorf("Content-Length %s of %d bytes", got, rec.Body.Len())
			}
		})
	}
}

func TestTheContractsOwnTexts(t *testing.T) {
	const text = "Too many login attempts! Try again after 15 minutes."
	rec := write(t, limited(), problem.Plain, func(_ *http.Request, c *problem.Context) {
		c.Texts = map[string]string{"RATE_LIMITED": text}
	})
	if got := rec.Body.String(); got != `{"error":"`+text+`"}` {
		t.Errorf("%s", got)
	}
}

// TestNothingInternalLeaves writes every kind of refusal, each with internals
// that must not be seen, in every dialect.
func TestNothingInternalLeaves(t *testing.T) {
	cause := fmt.Errorf("opening /srv/secret.key: %w", errors.New(`pq: password "hunter2" of role app at 10.0.0.7`))
	for _, e := range []*problem.Error{
		problem.New(418, "TEAPOT", "Teapot", "No"), problem.Malformed("No"), invalid(), problem.Unauthorized("NO", "No", "Bearer"),
		problem.Forbidden("No"), problem.NotFound("No"), problem.MethodNotAllowed("GET"), problem.Conflict("NO", "No"),
		problem.PreconditionFailed("No"), problem.TooLarge("No"), problem.UnsupportedMedia("application/json"),
		problem.Unprocessable(), limited(), problem.Internal(nil), problem.Unavailable(time.Second, nil), {},
	} {
		for _, d := range problem.Dialects() {
			rec := write(t, e.Because(cause).From("secret-layer", "secret-rule"), d, nil)
			all := rec.Body.String() + fmt.Sprint(rec.Header())
			for _, leak := range []string{"secret", "hunter2", "10.0.0.7", "pq:", "/srv"} {
				if strings.Contains(all, leak) {
					t.Errorf("%s in dialect %s tells %q: %s", e.Code, d, leak, all)
				}
			}
			if !json.Valid(rec.Body.Bytes()) {
				t.Errorf("%s in dialect %s is no JSON: %s", e.Code, d, rec.Body)
			}
		}
	}
}

func TestStatusAndFields(t *testing.T) {
	for _, row := range []struct {
		name   string
		e      *problem.Error
		status int
		field  string
		want   string
	}{
		{"401 has its challenge", problem.Unauthorized("NO", "No", `Bearer realm="gatehouse"`), 401, "WWW-Authenticate", `Bearer realm="gatehouse"`},
		{"405 has Allow", problem.MethodNotAllowed("GET, HEAD"), 405, "Allow", "GET, HEAD"},
		{"415 has Accept", problem.UnsupportedMedia("application/json"), 415, "Accept", "application/json"},
		{"429 has Retry-After", limited(), 429, "Retry-After", "900"},
		{"a wait is rounded up", problem.RateLimited(problem.Retry{After: 1001 * time.Millisecond}), 429, "Retry-After", "2"},
		{"a wait is a second at least", problem.RateLimited(problem.Retry{}), 429, "Retry-After", "1"},
		{"503 has Retry-After", problem.Unavailable(5*time.Second, nil), 503, "Retry-After", "5"},
		{"a status that is no refusal", &problem.Error{Status: 200}, 500, "Cache-Control", "no-store"},
		{"no refusal is kept", problem.NotFound("No"), 404, "Cache-Control", "no-store"},
	} {
		rec := write(t, row.e, "", nil)
		if rec.Code != row.status || rec.Header().Get(row.field) != row.want {
			t.Errorf("%s: %d, %s: %q", row.name, rec.Code, row.field, rec.Header().Get(row.field))
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for _, row := range []struct {
		accept  string
		dialect problem.Dialect
		want    string
	}{
		{"", "", "application/problem+json"},
		{"*/*", "", "application/problem+json"},
		{"application/json, */*", "", "application/problem+json"},
		{"application/problem+json, application/json", "", "application/problem+json"},
		{"application/json", "", "application/json; charset=utf-8"},
		{"", problem.Message, "application/json; charset=utf-8"},
		{"application/problem+json", problem.Envelope, "application/json; charset=utf-8"},
		{"text/html", problem.Plain, "application/json; charset=utf-8"},
	} {
		rec := write(t, problem.NotFound("No"), row.dialect, func(r *http.Request, _ *problem.Context) { r.Header.Set("Accept", row.accept) })
		if got := rec.Header().Get("Content-Type"); got != row.want {
			t.Errorf("Accept %q in dialect %q: %s", row.accept, row.dialect, got)
		}
	}
}

func TestARefusalTakesTheFieldsOfTheAnswerItReplaces(t *testing.T) {
	rec := httptest.NewRecorder()
	for _, name := range []string{"Content-Encoding", "ETag", "Content-Length"} {
		rec.Header().Set(name, "of another answer")
	}
	rec.Header().Set("Cache-Control", "public, max-age=31536000")
	problem.Write(rec, httptest.NewRequest("GET", "/", nil), problem.NotFound("No"), problem.Context{})
	h := rec.Header()
	if h.Get("Content-Encoding") != "" || h.Get("ETag") != "" || h.Get("Cache-Control") != "no-store" ||
		h.Get("Content-Length") != fmt.Sprint(rec.Body.Len()) {
		t.Errorf("%v", h)
	}
}

func TestHEADGetsTheHeaderAlone(t *testing.T) {
	rec := write(t, problem.NotFound("No"), "", func(r *http.Request, _ *problem.Context) { r.Method = http.MethodHead })
	if rec.Body.Len() != 0 || rec.Code != 404 || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %q %v", rec.Code, rec.Body, rec.Header())
	}
}

func TestCopiesLeaveTheOriginalAlone(t *testing.T) {
	e := problem.NotFound("No")
	_ = e.Because(errors.New("x"))
	_ = e.From("layer", "rule")
	_ = e.With("X-A", "b")
	_ = e.Saying("other %d", 1)
	if e.Cause != nil || e.Layer != "" || e.Rule != "" || e.Header != nil || e.Detail != "No" {
		t.Errorf("%+v", e)
	}
	a := e.With("X-A", "1")
	b := a.With("X-A", "2")
	if a.Header.Get("X-A") != "1" || b.Header.Get("X-A") != "2" {
		t.Errorf("%v %v", a.Header, b.Header)
	}
}

func TestErrorsForTheLog(t *testing.T) {
	cause := errors.New("disk full")
	e := problem.Internal(cause).From("store", "write")
	if e.Error() != "500 INTERNAL_ERROR (write): disk full" || !errors.Is(e, cause) {
		t.Errorf("%s", e)
	}
}

func TestWindow(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 second", 90 * time.Second: "90 seconds", time.Minute: "1 minute",
		15 * time.Minute: "15 minutes", time.Hour: "1 hour", 24 * time.Hour: "24 hours",
	} {
		if got := problem.Window(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func ExampleWrite() {
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("GET", "/things/7", nil)
	e := problem.NotFound("There is no such thing").Because(errors.New("row 7 is hidden from m1"))
	problem.Write(rec, req, e, problem.Context{Dialect: problem.Message})
	fmt.Println(rec.Code, rec.Body)
	// Output: 404 {"error":"Not Found","message":"There is no such thing"}
}
