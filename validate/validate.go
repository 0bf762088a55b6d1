package validate

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Mode is what happens with answers that break the contract.
type Mode string

// The modes. The zero value is Off.
const (
	Off     Mode = "off"     // answers are not looked at
	Report  Mode = "report"  // a wrong answer goes out, and the record says what is wrong with it
	Enforce Mode = "enforce" // a 500 goes out instead of a wrong answer
)

// Config of the layer. The rules are in the contracts.
type Config struct {
	Table     *contract.Table // the operations, when the layer is used alone
	Responses Mode            // whether answers are checked; "" is Off
}

type layer struct {
	table     *contract.Table
	responses Mode
}

// New returns the layer. It fails for a mode that does not exist.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	switch cfg.Responses {
	case "", Off, Report, Enforce:
	default:
		return nil, fmt.Errorf("validate: there is no mode %q; the modes are %s, %s and %s", cfg.Responses, Off, Report, Enforce)
	}
	l := &layer{table: cfg.Table, responses: cfg.Responses}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = call.Ensure(w, r)
			c := call.From(r.Context())
			c.Resolve(l.table, r)
			in, ok := l.admit(w, r, c)
			defer in.close(c)
			switch {
			case !ok:
			case filters(c):
				l.serveFiltered(c, r, next)
			case l.looks(c, r):
				l.serveHeld(c, r, next)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}, nil
}

// check validates the request and leaves in it what was validated, or returns
// what is wrong with it. all tells whether the whole is wanted, and what was sent
// must still be there then: the first refusal does not end the check.
func (l *layer) check(c *call.Call, r *http.Request, all bool) (in input, refusals []*problem.Error) {
	op := c.Operation()
	if op == nil {
		miss := c.Match().Miss
		if miss == nil {
			miss = problem.NotFound("There is nothing at this path")
		}
		return in, one(miss.From("validate", "no operation"))
	}
	params, faults := op.DecodeParams(r, c.Match().Values)
	if op.Socket != nil {
		return in, one(checkSocket(c, r, params, faults))
	}
	if !op.Acceptable(r.Header["Accept"]) {
		if refusals = one(notAcceptable(op).From("validate", "accept")); !all {
			return in, refusals
		}
	}
	had := hadBody(r)
	in, refusal := l.readBody(c, r, all)
	refusals = append(refusals, together(op, faults, refusal)...)
	if len(refusals) > 0 {
		in.upload.close() // the form was good, the rest is not
		return in, refusals
	}
	in.sent.close()
	settleQuery(c, op, r)
	if had {
		in.settle(r)
	}
	c.SetInput(params, in.value, in.value != nil)
	return in, nil
}

// one is a list of a refusal, if there is one.
func one(refusal *problem.Error) []*problem.Error {
	if refusal == nil {
		return nil
	}
	return []*problem.Error{refusal}
}

// notAcceptable names what there is (RFC 9110 §15.5.7).
func notAcceptable(op *contract.Operation) *problem.Error {
	return problem.New(http.StatusNotAcceptable, "NOT_ACCEPTABLE", "Not Acceptable", "This operation answers "+strings.Join(op.Produces(), ", "))
}

// checkSocket checks a request for a WebSocket: its parameters. A body before
// the first frame would be taken for frames by whoever reads it another way.
func checkSocket(c *call.Call, r *http.Request, params map[string]any, faults []problem.Field) *problem.Error {
	if hadBody(r) {
		return problem.Malformed("A request for a WebSocket has no body").From("validate", "body before the socket")
	}
	if len(faults) > 0 {
		refusal := problem.Invalid(faults...)
		return refusal.From("validate", ruleOf(c.Operation(), refusal))
	}
	settleQuery(c, c.Operation(), r)
	c.SetInput(params, nil, false)
	return nil
}

// together joins the faults of the parameters with the refusal of the body, when
// both are 400. Another refusal of the body goes before: there is no telling what
// the body would have been.
func together(op *contract.Operation, params []problem.Field, body *problem.Error) []*problem.Error {
	var refusals []*problem.Error
	switch {
	case len(params) == 0:
		refusals = one(body)
	case body == nil:
		refusals = one(problem.Invalid(params...))
	case body.Status != http.StatusBadRequest:
		refusals = []*problem.Error{body, problem.Invalid(params...)}
	default:
		fields := append(params, body.Fields...)
		if len(body.Fields) == 0 {
			fields = append(fields, problem.Field{Code: "malformed", Message: body.Detail})
		}
		refusals = one(problem.Invalid(fields...).Because(body.Cause))
	}
	for i, refusal := range refusals {
		refusals[i] = refusal.From("validate", ruleOf(op, refusal))
	}
	return refusals
}

// ruleOf names what decided, for the record: the keyword and the place, as far as
// the contract names it. What the client calls something is for its own answer.
func ruleOf(op *contract.Operation, e *problem.Error) string {
	if len(e.Fields) == 0 {
		return e.Code
	}
	return strings.TrimSpace(e.Fields[0].Code + " " + op.Named(e.Fields[0].Pointer))
}

// placeOf is where an unknown field stands: the object that has it.
func placeOf(op *contract.Operation, f problem.Field) string {
	return cmp.Or(op.Named(f.Pointer), "/")
}

// settleQuery does with the query parameters that the contract does not name
// what the policy says of them; under reject there are none.
func settleQuery(c *call.Call, op *contract.Operation, r *http.Request) {
	switch {
	case r.URL.RawQuery == "":
	case op.Unknown == contract.Strip:
		u := *r.URL
		u.RawQuery = op.StripQuery(r)
		r.URL = &u
	case op.Unknown == contract.Report:
		for range op.UndeclaredQuery(r) {
			c.Note("validate", "unknown_field", "#/query")
		}
	}
}
