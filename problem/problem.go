package problem

import (
	"fmt"
	"net/http"
	"time"
)

// Error is a refusal. The upper half is shown to the client, the lower half is
// kept for the record. No field of the upper half may hold a submitted value.
type Error struct {
	Status int         // HTTP status, 400 to 599; 0 is written as 500
	Code   string      // stable, machine-readable, UPPER_SNAKE: "RATE_LIMITED"
	Title  string      // short and the same for every refusal with this Code
	Detail string      // one sentence: what to do about this refusal
	Fields []Field     // what is wrong with the input, all of it at once
	Retry  *Retry      // set on 429 and 503: when to come back
	Header http.Header // added to the answer: Allow, WWW-Authenticate, Accept, …

	Layer string // which layer refused: "limit", "authn", …; "" for a handler
	Rule  string // what decided: a budget, an access rule, a schema pointer
	Cause error  // why, for the record alone
}

// Field is one thing that is wrong with the input.
type Field struct {
	Field   string `json:"field"`   // where, as people write it: "interview.student"; "" is the whole input
	Pointer string `json:"pointer"` // where, as an RFC 6901 JSON Pointer: "/interview/student"; for a parameter "#/query/limit"
	Code    string `json:"code"`    // the rule that was broken: "required", "maxLength", "unknown_field", …
	Message string `json:"message"` // what to do, in words
}

// Retry says when a refused client may try again and which budget refused it.
type Retry struct {
	After  time.Duration // how long to wait; written rounded up to whole seconds (RFC 9110 §10.2.3)
	Budget string        // the budget's name; "" when no budget refused
	Limit  int           // how many calls the budget allows in Window; 0 when no budget refused
	Window time.Duration // the budget's window
}

// Error says what was refused, and why when that is known. It is meant for
// logs: it may hold internals and must not be sent to a client.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d %s", e.status(), e.Code)
	if e.Rule != "" {
		s += " (" + e.Rule + ")"
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Because returns a copy of e with its cause, for the record.
func (e *Error) Because(cause error) *Error {
	d := *e
	d.Cause = cause
	return &d
}

// From returns a copy of e with the layer and the rule that decided.
func (e *Error) From(layer, rule string) *Error {
	d := *e
	d.Layer, d.Rule = layer, rule
	return &d
}

// With returns a copy of e with a header field set on the answer.
func (e *Error) With(name, value string) *Error {
	d := *e
	d.Header = e.Header.Clone()
	if d.Header == nil {
		d.Header = http.Header{}
	}
	d.Header.Set(name, value)
	return &d
}

// Saying returns a copy of e with another detail, which must not hold a
// submitted value.
func (e *Error) Saying(format string, args ...any) *Error {
	d := *e
	d.Detail = fmt.Sprintf(format, args...)
	return &d
}

func (e *Error) status() int {
	if e.Status < 400 || e.Status > 599 {
		return http.StatusInternalServerError
	}
	return e.Status
}
