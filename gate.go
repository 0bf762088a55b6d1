package gatehouse

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/limit"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
	"github.com/gatehouse-api/gatehouse/validate"
)

// requestPath is the way of every request, outermost layer first. It is the
// only place that knows the order, and the order is the security property: a
// request meets the layers from top to bottom, an answer passes them from
// bottom to top. Take a line away and a test against the built program fails.
func requestPath(c Config) []step {
	return []step{
		layer("call", call.New, c.Call),                // first: the id, the client and the operation are what all others speak of
		layer("observe", observe.New, c.Observe),       // outside of all that can refuse or panic: the record must see every outcome
		layer("headers", headers.New, c.Headers),       // before anything that refuses: a refusal carries the headers too
		layer("tls", tlsedge.New, c.TLS),               // which host, and over what: nothing below may act for a stranger's name
		layer("limit address", limit.New, c.byAddress), // before anything that costs: a scanner of unknown paths is a customer too
		layer("route", newRoute, c.table),              // 404 and 405 now: below this line there is an operation with a rule
		layer("authn", authn.New, c.Authn),             // who: guessing is paid for above, everything below depends on it
		layer("limit member", limit.New, c.byMember),   // the same member from many addresses is one member
		layer("authz", authz.New, c.Authz),             // may they: before the body, which is read for the entitled alone
		layer("validate", validate.New, c.Validate),    // what: the handler receives exactly what was checked, or nothing
		layer("limit account", limit.New, c.byAccount), // last: its key is in the body, and it counts what failed
	}
}

// Gate is the compiled chain. It is safe for use by many goroutines.
type Gate struct {
	steps []step
	table *contract.Table
}

// New compiles the contracts of c and builds the layers. Every error of the
// configuration is told here; a Gate that exists cannot fail because of it.
func New(c Config) (*Gate, error) {
	c, err := c.joined()
	if err != nil {
		return nil, err
	}
	steps := requestPath(c)
	for _, s := range steps {
		if s.err != nil {
			return nil, fmt.Errorf("building layer %q: %w", s.name, s.err)
		}
	}
	return &Gate{steps: steps, table: c.table}, nil
}

// Wrap puts the layers around next. next is called only for a request that
// every layer let through; it finds the facts of the request with From.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	for i := len(g.steps) - 1; i >= 0; i-- {
		next = g.steps[i].wrap(next)
	}
	return next
}

// Table is the compiled operations of all contracts.
func (g *Gate) Table() *contract.Table { return g.table }

// Layers names the layers in the order in which a request meets them.
func (g *Gate) Layers() []string {
	names := make([]string, len(g.steps))
	for i, s := range g.steps {
		names[i] = s.name
	}
	return names
}

// step is one line of the request path.
type step struct {
	name string
	wrap func(http.Handler) http.Handler
	err  error
}

// layer builds one line of the request path from a layer's New and its Config.
func layer[C any](name string, build func(C) (func(http.Handler) http.Handler, error), cfg C) step {
	wrap, err := build(cfg)
	return step{name, wrap, err}
}

// newRoute is the layer that refuses what no contract describes: 400 for a path
// in no normal form, 404 for an unknown one, 405 for a method that the path
// does not answer. OPTIONS is answered with Allow, and for the server as a whole
// ("*") with nothing but 204 (RFC 9110 §9.3.7).
func newRoute(t *contract.Table) (func(http.Handler) http.Handler, error) {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = call.Ensure(w, r)
			c := call.From(r.Context())
			c.Resolve(t, r)
			m := c.Match()
			switch {
			case m.Operation != nil:
				next.ServeHTTP(w, r)
			case r.Method == http.MethodOptions && len(m.Allow) > 0:
				w.Header().Set("Allow", strings.Join(m.Allow, ", "))
				w.WriteHeader(http.StatusNoContent)
			case r.Method == http.MethodOptions && r.URL.Path == "*":
				w.WriteHeader(http.StatusNoContent)
			default:
				call.Refuse(w, r, m.Miss.From("route", m.Miss.Code))
			}
		})
	}, nil
}
