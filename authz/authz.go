package authz

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Config of the layer. The rules are in the contracts.
type Config struct {
	Table *contract.Table // the operations, when the layer is used alone
	Realm string          // of the challenge in a 401 or for a scope; "gatehouse" when empty
}

type layer struct {
	table     *contract.Table
	challenge string
}

// New returns the layer. It fails for a realm that cannot stand in a header.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	if cfg.Realm == "" {
		cfg.Realm = "gatehouse"
	}
	if strings.ContainsFunc(cfg.Realm, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		return nil, errors.New("authz: the realm has a character that does not fit between quotes")
	}
	l := &layer{table: cfg.Table, challenge: `Bearer realm="` + cfg.Realm + `"`}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = call.Ensure(w, r)
			if l.admit(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}, nil
}

// admit decides, and answers what may not pass. A request that no contract
// describes passes in no mode.
func (l *layer) admit(w http.ResponseWriter, r *http.Request) bool {
	c := call.From(r.Context())
	c.Resolve(l.table, r)
	if c.Operation() != nil && c.Mode("authz") == call.Off {
		return true
	}
	refusal := l.check(r, c)
	switch {
	case refusal == nil:
		return true
	case c.Operation() == nil:
		call.Refuse(w, r, refusal)
		return false
	default:
		return !call.Stopped(w, r, refusal, allow)
	}
}

func (l *layer) check(r *http.Request, c *call.Call) *problem.Error {
	var unreadable *problem.Error
	d := Decide(c.Operation(), c.Principal(), func(source string) (string, bool) {
		value, ok, refusal := owner(r, c, source)
		unreadable = refusal
		return value, ok
	})
	switch {
	case d.Allowed:
		return nil
	case unreadable != nil:
		return unreadable
	default:
		return l.refusal(d, c.Operation())
	}
}

// refusal words a denial. 404 has the words of an unknown path, so that
// another's object and none look the same.
func (l *layer) refusal(d Decision, op *contract.Operation) *problem.Error {
	var e *problem.Error
	switch {
	case d.Status == http.StatusUnauthorized:
		e = problem.Unauthorized("UNAUTHORIZED", "Sign in, or send a bearer token", l.challenge)
	case d.Status == http.StatusNotFound:
		e = problem.NotFound("There is nothing at this path")
	case strings.HasPrefix(d.Rule, "scopes "):
		e = problem.Forbidden("This credential is limited to other scopes").With("WWW-Authenticate",
			l.challenge+`, error="insufficient_scope", scope="`+strings.Join(op.Access.Scopes, " ")+`"`)
	default:
		e = problem.Forbidden("You may not do this")
	}
	return e.From("authz", d.Rule)
}
