package gatetest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
)

// accessRows call every operation as every role, by each kind of credential, and
// once with a token that Sign has signed anew: when that one does not hold, the
// rows of JWT prove nothing.
func accessRows(s *suite) []Attack {
	var rows []Attack
	resigned := map[any]bool{}
	for _, o := range s.deletingLast() {
		for _, role := range s.roles() {
			if s.Tokens[role] != nil || role == call.Guest {
				rows = append(rows, s.accessRow(o, role, "", func() *http.Request { return s.request(o, role) }))
			}
			if cookie := s.Cookies[role]; cookie != nil && role != call.Guest {
				rows = append(rows, s.accessRow(o, role, " by cookie", func() *http.Request {
					r := s.request(o, call.Guest)
					s.withCookie(r, cookie())
					return r
				}))
			}
		}
		if s.Sign != nil && s.shutToGuests(o) && s.signed(o) != "" && !resigned[o.op.API] {
			resigned[o.op.API] = true
			rows = append(rows, s.resignedRow(o))
		}
	}
	return rows
}

func (s *suite) accessRow(o *operation, role, how string, request func() *http.Request) Attack {
	cell := s.cells[o.op][role]
	return Attack{Name: role + how + " (" + string(cell) + ")", Operation: o.op.ID, Try: func(h http.Handler) error {
		a, err := s.call(h, o, request())
		if err != nil {
			return err
		}
		refused := a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
		switch {
		case a.status == http.StatusTooManyRequests:
			return a.wrong("a budget stands in the way: raise the budgets of the handler under test, or make tokens of other members")
		case cell == authz.No && role == call.Guest && !refused, cell == authz.No && role != call.Guest && a.status != http.StatusForbidden:
			return a.wrong("%s may not call it", role)
		case cell == authz.Own && a.status == http.StatusUnauthorized:
			return a.wrong("%s is not recognised", role)
		case (cell == authz.Yes || cell == authz.Public) && refused:
			return a.wrong("%s may call it", role)
		}
		return nil
	}}
}

// call sends a request that is meant to be served: over a connection where the
// operation is a WebSocket.
func (s *suite) call(h http.Handler, o *operation, r *http.Request) (answer, error) {
	if o.op.Socket == nil {
		return s.send(h, r)
	}
	conn, a, err := s.open(h, r)
	if conn != nil {
		conn.close()
	}
	return a, err
}

func (s *suite) resignedRow(o *operation) Attack {
	return Attack{Name: "token of Target.Sign", Operation: o.op.ID, Try: func(h http.Handler) error {
		t, err := s.goodJWT(o)
		if err != nil {
			return err
		}
		r := s.request(o, call.Guest)
		r.Header.Set("Authorization", "Bearer "+t.token(t.header, t.claims))
		a, err := s.call(h, o, r)
		if err == nil && a.status == http.StatusUnauthorized {
			err = a.wrong("a token that Target.Sign has signed does not hold, so that the rows of JWT prove nothing")
		}
		return err
	}}
}

// deletingLast are the operations in an order in which what one needs is not
// yet taken away by another.
func (s *suite) deletingLast() []*operation {
	return slices.SortedStableFunc(slices.Values(s.operations), func(a, b *operation) int {
		return cmp.Compare(strings.Count(a.op.Method, http.MethodDelete), strings.Count(b.op.Method, http.MethodDelete))
	})
}

// answerRows carry out every operation and look at what comes back.
func answerRows(s *suite) []Attack {
	var first, then []Attack
	for _, o := range s.deletingLast() {
		if o.op.Socket != nil || o.op.Method == http.MethodHead {
			continue
		}
		for _, role := range s.roles() {
			if s.cells[o.op][role] != authz.No {
				then = append(then, s.look("answer to "+role+" that the contract does not state", o, role, func(o *operation, a answer) error {
					return errors.Join(described(o, a), readable(o, role, a))
				}))
			}
		}
		if role := s.entitled(o); s.cells[o.op][role] != authz.No {
			first = append(first, s.look("request that fits the contract and is refused for its form", o, role, fitting))
			then = append(then,
				s.look("success without its header fields", o, role, func(_ *operation, a answer) error { return a.hardened() }),
				s.look("success that shared caches may keep", o, role, s.kept),
				s.look("success that tells of the inside", o, role, func(_ *operation, a answer) error { return a.silent() }),
				s.look("cookie that others can have", o, role, s.guarded),
			)
		}
	}
	return append(first, then...)
}

func (s *suite) look(name string, o *operation, role string, check func(*operation, answer) error) Attack {
	return Attack{Name: name, Operation: o.op.ID, Try: func(h http.Handler) error {
		a, err := s.send(h, s.request(o, role))
		if err != nil {
			return err
		}
		return check(o, a)
	}}
}

// described wants what the contract states of the answer. A refusal is in its
// dialect instead, which other rows are about.
func described(o *operation, a answer) error {
	switch {
	case a.status >= 500:
		return a.wrong("want no error of the server")
	case a.status >= 400:
		return nil
	}
	var faults []string
	for _, f := range o.op.CheckResponse(a.status, a.header.Get("Content-Type"), []byte(a.body)) {
		faults = append(faults, strings.TrimSpace(f.Pointer+" "+f.Message))
	}
	if faults != nil {
		return a.wrong("want what the contract states under responses: %s", strings.Join(faults, "; "))
	}
	return nil
}

// readable wants nothing that read_roles leaves to other roles: what the gate
// would take out for this one and not for all.
func readable(o *operation, role string, a answer) error {
	if a.status >= 400 {
		return nil
	}
	whole, err := o.op.FilterAnswer("*", a.status, a.header.Get("Content-Type"), []byte(a.body))
	if err != nil {
		return nil // which described has told
	}
	seen, err := o.op.FilterAnswer(role, a.status, a.header.Get("Content-Type"), []byte(a.body))
	if err != nil || !bytes.Equal(whole, seen) {
		return a.wrong("want nothing that only other roles than %s may read (read_roles)", role)
	}
	return nil
}

// fitting wants that a request made from the contract gets through validation:
// otherwise the rows about bodies and parameters are refused for another reason
// than their own.
func fitting(_ *operation, a answer) error {
	if slices.Contains([]int{http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge}, a.status) {
		return a.wrong("want it to get through, or the rows about its body and parameters prove nothing; state Target.Bodies or Target.Params")
	}
	return nil
}

// kept wants that no shared cache keeps what only some may have, unless the
// contract says how it is to be kept.
func (s *suite) kept(o *operation, a answer) error {
	if o.op.Access.Public || o.op.Cache != "" {
		return nil
	}
	cache := a.header.Get("Cache-Control")
	if !strings.Contains(cache, "no-store") && !strings.Contains(cache, "private") {
		return a.wrong("Cache-Control is %q, want no-store or private in it", cache)
	}
	return nil
}

// guarded wants cookies that no script reads, no other site sends, and no plain
// connection carries (RFC 6265bis section 5.6).
func (s *suite) guarded(_ *operation, a answer) error {
	var errs []error
	for _, line := range a.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil || c.MaxAge < 0 {
			continue
		}
		var lacks []string
		if !c.HttpOnly {
			lacks = append(lacks, "HttpOnly")
		}
		if c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
			lacks = append(lacks, "SameSite=Lax or Strict")
		}
		if !c.Secure && s.TLS {
			lacks = append(lacks, "Secure")
		}
		if lacks != nil {
			errs = append(errs, fmt.Errorf("the cookie %s lacks %s", c.Name, strings.Join(lacks, ", ")))
		}
	}
	if len(errs) > 0 {
		return a.wrong("%v", errors.Join(errs...))
	}
	return nil
}
