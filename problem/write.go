package problem

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// Dialect is the JSON shape in which an API tells its errors.
type Dialect string

// The dialects. A contract chooses one with `x-gatehouse: { errors: … }`.
const (
	RFC9457  Dialect = "problem"  // application/problem+json, with error, message, details and request_id beside the standard members
	Message  Dialect = "message"  // {"error","message","details":[{"field","message"}]}
	Envelope Dialect = "envelope" // {"success":false,"error":{"code","message","type","timestamp","requestId"}}
	Plain    Dialect = "error"    // {"error"}
)

// Dialects lists every dialect, the default first.
func Dialects() []Dialect { return []Dialect{RFC9457, Message, Envelope, Plain} }

// Context is what a refusal needs to know of the request it answers.
type Context struct {
	Dialect   Dialect           // "" is RFC9457
	RequestID string            // as in X-Request-Id
	Texts     map[string]string // the contract's own titles by Code
	Now       time.Time         // for the dialects that carry a time
}

// Write answers r with e, in the dialect of c. It is the only writer of a
// refusal: nothing of e.Cause, e.Rule or e.Layer reaches the client. A request
// with method HEAD gets the header alone.
func Write(w http.ResponseWriter, r *http.Request, e *Error, c Context) {
	if e == nil {
		e = Internal(nil)
	}
	h := w.Header()
	for name, values := range e.Header {
		h[name] = values
	}
	if e.Retry != nil {
		h.Set("Retry-After", strconv.Itoa(seconds(e.Retry.After)))
	}
	h.Del("Content-Encoding")
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", mediaType(c.Dialect, r.Header.Get("Accept")))
	body := render(e, r, c)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.status())
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone; there is nobody left to tell
	}
}

// mediaType is application/problem+json (RFC 9457 §3) unless the dialect is
// another, or the client says that it takes application/json and not that.
func mediaType(d Dialect, accept string) string {
	if d != "" && d != RFC9457 {
		return "application/json; charset=utf-8"
	}
	plainOnly := strings.Contains(accept, "application/json") &&
		!strings.Contains(accept, "application/problem+json") && !strings.Contains(accept, "*/*")
	if plainOnly {
		return "application/json; charset=utf-8"
	}
	return "application/problem+json"
}

func render(e *Error, r *http.Request, c Context) []byte {
	title := e.Title
	if t, ok := c.Texts[e.Code]; ok {
		title = t
	}
	if title == "" {
		title = http.StatusText(e.status())
	}
	var v any
	switch c.Dialect {
	case Message:
		v = messageBody(e, title, c)
	case Envelope:
		v = envelopeBody(e, title, c)
	case Plain:
		v = struct {
			Error string `json:"error"`
		}{title}
	default:
		v = standardBody(e, title, r, c)
	}
	b, err := strictjson.Marshal(v)
	if err != nil { // only strings, numbers and times: cannot happen, and must not hide the refusal
		return []byte(`{"error":"Internal Server Error"}`)
	}
	return b
}

type standard struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Instance  string  `json:"instance,omitempty"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id,omitempty"`
	Error     string  `json:"error"`
	Message   string  `json:"message"`
	Details   []Field `json:"details,omitempty"`
	budget
}

type budget struct {
	RetryAfter        string `json:"retryAfter,omitempty"`
	RetryAfterSeconds int    `json:"retryAfterSeconds,omitzero"`
	Limit             int    `json:"limit,omitzero"`
	Window            string `json:"window,omitempty"`
	Tip               string `json:"tip,omitempty"`
}

func standardBody(e *Error, title string, r *http.Request, c Context) standard {
	s := standard{
		Type: "about:blank", Title: title, Status: e.status(), Detail: e.Detail, Code: e.Code,
		Error: title, Message: e.Detail, Details: e.Fields, RequestID: c.RequestID, budget: budgetOf(e, c),
	}
	if c.RequestID != "" {
		s.Instance = "urn:uuid:" + c.RequestID
	}
	if s.Message == "" {
		s.Message = title
	}
	return s
}

func budgetOf(e *Error, c Context) budget {
	if e.Retry == nil || e.status() != http.StatusTooManyRequests {
		return budget{}
	}
	return budget{
		RetryAfter:        c.Now.Add(e.Retry.After).UTC().Format("2006-01-02T15:04:05.000Z"),
		RetryAfterSeconds: seconds(e.Retry.After),
		Limit:             e.Retry.Limit,
		Window:            Window(e.Retry.Window),
		Tip:               "Wait for the time in Retry-After; spreading calls evenly keeps you inside the budget",
	}
}

type fieldMessage struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func messageBody(e *Error, title string, c Context) any {
	v := struct {
		Error   string         `json:"error"`
		Message string         `json:"message"`
		Details []fieldMessage `json:"details,omitempty"`
		budget
	}{Error: title, Message: e.Detail, budget: budgetOf(e, c)}
	for _, f := range e.Fields {
		v.Details = append(v.Details, fieldMessage{f.Field, f.Message})
	}
	return v
}

func envelopeBody(e *Error, title string, c Context) any {
	type inner struct {
		Code      string         `json:"code"`
		Message   string         `json:"message"`
		Type      string         `json:"type"`
		Timestamp string         `json:"timestamp"`
		RequestID string         `json:"requestId"`
		Details   []fieldMessage `json:"details,omitempty"`
	}
	in := inner{
		Code: e.Code, Message: e.Detail, Type: envelopeType(e),
		Timestamp: c.Now.UTC().Format("2006-01-02T15:04:05.000Z"), RequestID: c.RequestID,
	}
	if in.Message == "" {
		in.Message = title
	}
	for _, f := range e.Fields {
		in.Details = append(in.Details, fieldMessage{f.Field, f.Message})
	}
	return struct {
		Success bool  `json:"success"`
		Error   inner `json:"error"`
	}{Error: in}
}

func envelopeType(e *Error) string {
	switch s := e.status(); {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return "AUTH"
	case s == http.StatusBadRequest || s == http.StatusUnprocessableEntity:
		return "VALIDATION"
	default:
		return "UNKNOWN"
	}
}

// Window writes a budget's window as the guide does: "15 minutes", "1 hour".
func Window(d time.Duration) string {
	unit, n := "second", int(d/time.Second)
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		unit, n = "hour", int(d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		unit, n = "minute", int(d/time.Minute)
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

// seconds rounds up to whole seconds, one at least.
func seconds(d time.Duration) int {
	s := int((d + time.Second - 1) / time.Second)
	return max(s, 1)
}
