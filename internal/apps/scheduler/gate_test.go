package scheduler

import (
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/problem"
)

// gate is the app behind its own contract: the operation is matched, the caller
// judged by authz, the input decoded, and every answer checked. Who calls is
// said by the header Test-As, "role:id"; which rule refused, by the trailer
// Test-Rule, "layer: rule".
type gate struct {
	t       testing.TB
	app     *App
	hub     *live.Hub
	table   *contract.Table
	handler http.Handler
}

// newGate builds it on a store that holds the test data.
func newGate(t testing.TB, st *store.Store, cfg Config) *gate {
	t.Helper()
	return newGateIn(t, st, cfg, "test")
}

func newGateIn(t testing.TB, st *store.Store, cfg Config, environment string) *gate {
	t.Helper()
	g := &gate{t: t}
	var err error
	if g.hub, err = live.New(live.Config{}); err != nil {
		t.Fatal(err)
	}
	cfg.Store, cfg.Hub, cfg.Rand = st, g.hub, rand.New(rand.NewPCG(1, 2))
	if cfg.Seed == "" {
		cfg.Seed = SeedTest
	}
	if g.app, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := g.app.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.table = compiled(t, cfg.Open, environment)
	facts, err := call.New(call.Config{Table: g.table, Proxies: []netip.Prefix{
		netip.MustParsePrefix("192.0.2.99/32"), netip.MustParsePrefix("127.0.0.9/32"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := authz.New(authz.Config{})
	if err != nil {
		t.Fatal(err)
	}
	g.handler = facts(identified(rules(validated(g.app.Handlers()))))
	return g
}

func compiled(t testing.TB, open bool, environment string) *contract.Table {
	t.Helper()
	var overlays []contract.File
	if open {
		overlays = append(overlays, OpenOverlay())
	}
	api, err := contract.Load(Contract(), contract.Options{
		Environment: environment, Roles: []string{"guest", "member", "counsellor", "manager", "admin"},
	}, overlays...)
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func identified(next http.Handler) http.Handler {
	return call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		if miss := c.Match().Miss; miss != nil {
			return miss
		}
		if role, id, ok := strings.Cut(r.Header.Get("Test-As"), ":"); ok {
			c.SetPrincipal(&call.Principal{ID: id, Role: role, Session: "session of " + id})
		}
		next.ServeHTTP(w, r)
		if e := c.Refusal(); e != nil {
			w.Header().Set(http.TrailerPrefix+"Test-Rule", e.Layer+": "+e.Rule)
		}
		return nil
	})
}

func validated(handlers map[string]http.Handler) http.Handler {
	return call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		op := c.Operation()
		params, wrong := op.DecodeParams(r, c.Match().Values)
		if len(wrong) > 0 {
			return problem.Invalid(wrong...)
		}
		data, refusal := c.Body(r, op.MaxBody)
		if refusal != nil {
			return refusal
		}
		var body []byte
		if op.Body != nil {
			var unknown []problem.Field
			if body, unknown, refusal = op.DecodeBody(r.Header.Get("Content-Type"), data); refusal != nil {
				return refusal
			}
			if len(unknown) > 0 {
				return problem.Invalid(unknown...)
			}
		}
		c.SetInput(params, body, body != nil)
		handlers[op.ID].ServeHTTP(w, r)
		return nil
	})
}

// reply is what came back.
type reply struct {
	*http.Response
	body string
}

// do sends a request as somebody ("" is a guest) and checks the answer against
// the contract. header are pairs of name and value.
func (g *gate) do(as, method, path, body string, header ...string) reply {
	g.t.Helper()
	r := httptest.NewRequest(method, "http://localhost:8001"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if as != "" {
		r.Header.Set("Test-As", as)
	}
	for i := 0; i < len(header); i += 2 {
		switch header[i] {
		case "RemoteAddr":
			r.RemoteAddr = header[i+1]
		case "Content-Type":
			r.Header.Set("Content-Type", header[i+1])
		default:
			r.Header.Add(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	resp := w.Result()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	g.conforms(r, resp, got)
	return reply{resp, string(got)}
}

func (g *gate) conforms(r *http.Request, resp *http.Response, body []byte) {
	g.t.Helper()
	op := g.table.Match(r.Method, r.URL.EscapedPath(), false).Operation
	if op == nil || r.Method == http.MethodHead { // which has no body to check
		return
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	for _, f := range op.CheckResponse(resp.StatusCode, media, body) {
		g.t.Errorf("%s %s answered %d against the contract: %s: %s", r.Method, r.URL.Path, resp.StatusCode, f.Pointer, f.Message)
	}
}

// want sends a request and checks the status and, unless it is "", the body.
func (g *gate) want(status int, body string, a reply) reply {
	g.t.Helper()
	if a.StatusCode != status {
		g.t.Errorf("status %d, want %d: %s", a.StatusCode, status, a.body)
	}
	if body != "" && a.body != body {
		g.t.Errorf("body\n%s, want\n%s", a.body, body)
	}
	return a
}
