package gatetest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// provocation is a request that must be refused, with the status that it is
// refused with. What is refused and with what is the business of other rows;
// these look at how.
type provocation struct {
	status int
	fits   func(*operation) bool
	make   func(*operation) *http.Request
}

func (s *suite) provocations() []provocation {
	as := func(o *operation) *http.Request { return s.request(o, s.entitled(o)) }
	reached := func(o *operation) bool { return s.entitled(o) != "" }
	object := func(o *operation) bool { return reached(o) && takesObject(o) }
	return []provocation{
		{http.StatusBadRequest, object, func(o *operation) *http.Request { return body(as(o), []byte("{")) }},
		{http.StatusUnauthorized, s.shutToGuests, func(o *operation) *http.Request { return s.request(o, call.Guest) }},
		{http.StatusForbidden, func(o *operation) bool { return s.shutOut(o) != "" }, func(o *operation) *http.Request { return s.request(o, s.shutOut(o)) }},
		{http.StatusMethodNotAllowed, reached, func(o *operation) *http.Request {
			r := as(o)
			r.Method = "BREW"
			return r
		}},
		{http.StatusRequestEntityTooLarge, object, func(o *operation) *http.Request { return body(as(o), large(o)) }},
		{http.StatusUnsupportedMediaType, object, func(o *operation) *http.Request {
			r := as(o)
			r.Header.Set("Content-Type", "application/x-gatetest")
			return r
		}},
	}
}

func (s *suite) shutToGuests(o *operation) bool { return s.cells[o.op][call.Guest] == authz.No }

// shutOut is a role with a credential that may not call o.
func (s *suite) shutOut(o *operation) string {
	for _, role := range s.roles() {
		if role != call.Guest && s.cells[o.op][role] == authz.No {
			return role
		}
	}
	return ""
}

// dialectAttacks ask for each kind of refusal of each operation, and look at its
// shape and its header fields.
func dialectAttacks(s *suite) []Attack {
	var rows []Attack
	for _, p := range s.provocations() {
		look := func(check func(*operation, answer) error) func(http.Handler, *operation) error {
			return func(h http.Handler, o *operation) error {
				a, err := s.send(h, p.make(o))
				if err != nil {
					return err
				}
				if a.status < 400 {
					return a.wrong("want %d, or another refusal", p.status)
				}
				return check(o, a)
			}
		}
		rows = append(rows, s.each(fmt.Sprintf("refusal %d in another shape", p.status), p.fits, look(s.spoken))...)
		rows = append(rows, s.each(fmt.Sprintf("refusal %d without its header fields", p.status), p.fits, look(func(_ *operation, a answer) error {
			return a.hardened(field{"Cache-Control", "no-store"})
		}))...)
	}
	return append(rows, Attack{Name: "refusal 404 in another shape", Try: func(h http.Handler) error {
		a, err := s.send(h, s.plain(http.MethodGet, "/gatetest-nothing-here"))
		if err != nil {
			return err
		}
		return s.spoken(nil, a)
	}})
}

// spoken wants a refusal in the dialect of the operation's contract, or of any
// contract where the request leads to no operation.
func (s *suite) spoken(o *operation, a answer) error {
	if s.Refusal != nil {
		if err := s.Refusal(a.status, a.header, []byte(a.body)); err != nil {
			return a.wrong("%v", err)
		}
		return nil
	}
	if o != nil && o.op.Method == http.MethodHead {
		return nil
	}
	dialects := []problem.Dialect{problem.RFC9457}
	if o != nil && a.status != http.StatusMethodNotAllowed {
		dialects = []problem.Dialect{o.op.Errors}
	} else {
		for _, o := range s.operations {
			dialects = append(dialects, o.op.Errors)
		}
	}
	var errs []error
	for _, d := range dialects {
		err := a.speaks(d)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return a.wrong("%v", errs[0])
}

// speaks compares a refusal with a dialect (problem.Dialect).
func (a answer) speaks(d problem.Dialect) error {
	mediaType := "application/json"
	if d == "" || d == problem.RFC9457 {
		mediaType = "application/problem+json"
	}
	if got, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); got != mediaType {
		return fmt.Errorf("want the Content-Type %s of the dialect %q", mediaType, d)
	}
	v, err := strictjson.Decode([]byte(a.body))
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		return errors.New("want a JSON object")
	}
	switch d {
	case problem.Message:
		return texts(m, "error", "message")
	case problem.Plain:
		return texts(m, "error")
	case problem.Envelope:
		inner, _ := m["error"].(map[string]any)
		if m["success"] != false {
			return errors.New(`want "success": false`)
		}
		return texts(inner, "code", "message", "type", "timestamp", "requestId")
	}
	if status := fmt.Sprint(m["status"]); status != fmt.Sprint(a.status) {
		return fmt.Errorf("want the member status to be %d (RFC 9457 section 3.1.2)", a.status)
	}
	return texts(m, "type", "title")
}

func texts(m map[string]any, names ...string) error {
	for _, name := range names {
		if text, _ := m[name].(string); text == "" {
			return fmt.Errorf("want a text in the member %s", name)
		}
	}
	return nil
}

// hardened wants all header fields that every answer has, and more.
func (a answer) hardened(more ...field) error {
	for _, want := range slices.Concat(hardened(), more) {
		values := a.header.Values(want.name)
		if len(values) == 0 || !strings.Contains(strings.Join(values, ","), want.holds) {
			return a.wrong("%s is %q, want %q in it", want.name, values, want.holds)
		}
	}
	return nil
}

// echoAttacks send a text in all places where a request has one, and want it in
// no answer. What is sent in good faith is sent as a guest.
func echoAttacks(s *suite) []Attack {
	var rows []Attack
	for _, name := range []string{"User-Agent", "Referer", "Cookie", "Origin", "Accept", "X-Forwarded-Host", "X-Request-Id"} {
		rows = append(rows, s.each("echo of the field "+name, s.harmless, func(h http.Handler, o *operation) error {
			r := s.request(o, call.Guest)
			r.Header.Set(name, map[string]string{"Cookie": "a=", "Origin": "https://", "Accept": "application/"}[name]+canary)
			a, err := s.send(h, r)
			if err != nil {
				return err
			}
			return a.repeatsNot()
		})...)
	}
	rows = append(rows, s.each("echo of a token", s.shutToGuests, func(h http.Handler, o *operation) error {
		r := s.request(o, call.Guest)
		r.Header.Set("Authorization", "Bearer "+canary)
		return s.refusedSilently(h, r, http.StatusUnauthorized, http.StatusBadRequest)
	})...)
	rows = append(rows, s.eachReached("echo of a media type", takesObject, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		r.Header.Set("Content-Type", "application/"+canary)
		return s.refusedSilently(h, r, http.StatusUnsupportedMediaType, http.StatusBadRequest)
	})...)
	rows = append(rows, s.eachReached("echo of a value", func(o *operation) bool { return takesObject(o) && bytes.Contains(o.body, []byte(":")) }, func(h http.Handler, o *operation) error {
		return s.refusedSilently(h, body(s.request(o, s.entitled(o)), everyValue(o.body)), http.StatusBadRequest, http.StatusUnprocessableEntity)
	})...)
	rows = append(rows, s.each("echo of a path", s.harmless, func(h http.Handler, o *operation) error {
		r := s.request(o, call.Guest)
		setPath(r, o.path+"/"+canary+"/%3Cscript%3E")
		a, err := s.send(h, r)
		if err != nil || a.elsewhere(r.RequestURI) {
			return err
		}
		return a.repeatsNot()
	})...)
	return rows
}

// everyValue is an object whose members all are an object with the canary in it,
// which fits no type but an object's.
func everyValue(object []byte) []byte {
	v, err := strictjson.Decode(object)
	members, ok := v.(map[string]any)
	if err != nil || !ok {
		return []byte(`["` + canary + `"]`)
	}
	for name := range members {
		members[name] = map[string]any{"gatetest": []any{canary}}
	}
	spoilt, err := strictjson.Marshal(members)
	if err != nil {
		return []byte(`["` + canary + `"]`)
	}
	return spoilt
}
