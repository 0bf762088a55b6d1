package problem

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestKinds holds each kind against the status that its RFC gives it.
func TestKinds(t *testing.T) {
	field := Field{Field: "a", Pointer: "/a", Code: "required", Message: "is required"}
	for _, tt := range []struct {
		e      *Error
		status int
		code   string
		title  string
	}{
		{Malformed("d"), 400, "MALFORMED_REQUEST", "Malformed Request"},
		{Invalid(field), 400, "VALIDATION_ERROR", "Validation Error"},
		{Unauthorized("NO_TOKEN", "d", "Bearer"), 401, "NO_TOKEN", "Unauthorized"},
		{Forbidden("d"), 403, "FORBIDDEN", "Forbidden"},
		{NotFound("d"), 404, "NOT_FOUND", "Not Found"},
		{MethodNotAllowed("GET"), 405, "METHOD_NOT_ALLOWED", "Method Not Allowed"},
		{Conflict("TAKEN", "d"), 409, "TAKEN", "Conflict"},
		{PreconditionFailed("d"), 412, "PRECONDITION_FAILED", "Precondition Failed"},
		{TooLarge("d"), 413, "BODY_TOO_LARGE", "Content Too Large"},
		{UnsupportedMedia("text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type"},
		{Unprocessable(field), 422, "UNPROCESSABLE", "Unprocessable Content"},
		{RateLimited(Retry{}), 429, "RATE_LIMITED", "Too Many Requests"},
		{Internal(nil), 500, "INTERNAL_ERROR", "Internal Server Error"},
		{Unavailable(time.Second, nil), 503, "SERVICE_UNAVAILABLE", "Service Unavailable"},
	} {
		if tt.e.Status != tt.status || tt.e.Code != tt.code || tt.e.Title != tt.title || tt.e.Detail == "" {
			t.Errorf("%+v, want %d %s %q and a detail", tt.e, tt.status, tt.code, tt.title)
		}
	}
	for _, e := range []*Error{Invalid(field), Unprocessable(field)} {
		if len(e.Fields) != 1 || e.Fields[0] != field {
			t.Errorf("%s: fields %v", e.Code, e.Fields)
		}
	}
	if e := NotFound("old").Saying("see %s", "below"); e.Detail != "see below" || e.Status != 404 {
		t.Errorf("Saying gives %+v", e)
	}
}

func written(e *Error, c Context) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Write(w, httptest.NewRequest(http.MethodGet, "/", nil), e, c)
	return w
}

func TestOnlyStatusesOfRefusalsAreWritten(t *testing.T) {
	for status, want := range map[int]int{0: 500, 200: 500, 399: 500, 400: 400, 599: 599, 600: 500} {
		if w := written(New(status, "X", "x", "x"), Context{}); w.Code != want {
			t.Errorf("status %d is written as %d, want %d", status, w.Code, want)
		}
	}
}

func TestRetryAfterRoundsUp(t *testing.T) {
	for after, want := range map[time.Duration]string{
		0: "1", time.Millisecond: "1", time.Second: "1", time.Second + 1: "2", 2*time.Second - 1: "2", 2 * time.Second: "2", 90 * time.Second: "90",
	} {
		if got := written(Unavailable(after, nil), Context{}).Header().Get("Retry-After"); got != want {
			t.Errorf("%v: Retry-After %q, want %q", after, got, want)
		}
	}
}

// TestBudgetsStandIn429Alone: RFC 9110 gives 503 a Retry-After and no budget.
func TestBudgetsStandIn429Alone(t *testing.T) {
	for name, tt := range map[string]struct {
		e    *Error
		want bool
	}{
		"429":                   {RateLimited(Retry{After: time.Second, Limit: 5, Window: time.Minute}), true},
		"503":                   {Unavailable(time.Second, nil), false},
		"429 without a budget":  {New(429, "RATE_LIMITED", "Too Many Requests", "d"), false},
		"403 that may be tried": {&Error{Status: 403, Code: "X", Retry: &Retry{After: time.Second}}, false},
	} {
		for _, d := range []Dialect{RFC9457, Message} {
			if got := strings.Contains(written(tt.e, Context{Dialect: d}).Body.String(), "retryAfter"); got != tt.want {
				t.Errorf("%s in %s: a budget is told: %v", name, d, got)
			}
		}
	}
}

func TestTheTitleStandsInForADetail(t *testing.T) {
	for _, d := range []Dialect{RFC9457, Envelope} {
		if body := written(New(400, "X", "The title", ""), Context{Dialect: d}).Body.String(); !strings.Contains(body, `"message":"The title"`) {
			t.Errorf("%s: %s", d, body)
		}
		if body := written(New(400, "X", "The title", "why"), Context{Dialect: d}).Body.String(); !strings.Contains(body, `"message":"why"`) {
			t.Errorf("%s: %s", d, body)
		}
	}
}

func TestTypesOfTheEnvelope(t *testing.T) {
	for status, want := range map[int]string{
		400: "VALIDATION", 401: "AUTH", 402: "UNKNOWN", 403: "AUTH", 404: "UNKNOWN", 421: "UNKNOWN", 422: "VALIDATION", 423: "UNKNOWN", 500: "UNKNOWN",
	} {
		if body := written(New(status, "X", "x", "x"), Context{Dialect: Envelope}).Body.String(); !strings.Contains(body, `"type":"`+want+`"`) {
			t.Errorf("%d: %s, want %s", status, body, want)
		}
	}
}

func TestTheDefaultDialectByItsName(t *testing.T) {
	for _, d := range []Dialect{"", RFC9457} {
		if got := written(NotFound("d"), Context{Dialect: d}).Header().Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%q: %s", d, got)
		}
	}
}

func TestWindowsOfOneUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 59 * time.Second: "59 seconds", time.Minute: "1 minute", 90 * time.Second: "90 seconds",
		time.Hour: "1 hour", 90 * time.Minute: "90 minutes", 2 * time.Hour: "2 hours",
	} {
		if got := Window(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
