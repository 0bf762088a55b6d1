package limit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/limit"
)

const modeDocument = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
servers: [{ url: /api }]
x-gatehouse: { name: orders, limit: [few, 9/1h per member], budgets: { few: 1/15m per address }, body: 1KB }
paths:
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get:
      operationId: readOrder
      x-gatehouse: { access: { roles: [admin] } }
      responses: { "200": { description: The order } }
    delete:
      operationId: dropOrder
      x-gatehouse: { access: { own: path.id, or_roles: [admin] } }
      responses: { "200": { description: Gone } }
    patch:
      operationId: scopedOrder
      x-gatehouse: { access: { scopes: [orders] } }
      responses: { "200": { description: Patched } }
    put:
      operationId: changeOrder
      x-gatehouse: { access: { roles: [member] } }
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, required: [title], properties: { title: { type: string } } } } }
      responses: { "200": { description: Changed } }
`

// inMode is the layer in a mode of call. The handler behind it leaves in seen the
// call that it was given.
func inMode(t *testing.T, mode call.Mode, cfg limit.Config, seen **call.Call) http.Handler {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "orders.yaml", Data: []byte(modeDocument)}, contract.Options{Roles: []string{"member", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: table, Modes: call.Modes{call.AnyAPI: {"limit": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Table = table
	layer, err := limit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return begin(layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = call.From(r.Context())
		w.WriteHeader(http.StatusOK)
	})))
}

// reported tells what would allow the one refusal that was let through.
func reported(c *call.Call) string {
	if c == nil || len(c.Pardons()) != 1 {
		return ""
	}
	return c.Pardons()[0].Allow
}

func TestModes(t *testing.T) {
	few := contract.Budget{Requests: 1, Window: 15 * time.Minute, Key: contract.ByAddress}
	for mode, want := range map[call.Mode]int{call.Enforce: 429, call.Report: 200, call.Off: 200} {
		for path, allow := range map[string]string{
			"/api/orders/7": "GET /orders/{id}: { limit: [2/15m per address, 9/1h per member] }",
			"/elsewhere":    "gatehouse.yaml: limits: { unmatched: 2/15m per address }",
		} {
			var seen *call.Call
			h := inMode(t, mode, limit.Config{Unmatched: few}, &seen)
			var rec *httptest.ResponseRecorder
			for range 2 {
				seen, rec = nil, httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
			}
			if rec.Code != want || (seen == nil) != (mode == call.Enforce) {
				t.Errorf("%v %s: %d, want %d", mode, path, rec.Code, want)
			}
			if mode == call.Report && reported(seen) != allow {
				t.Errorf("%s: %q, want %q", path, reported(seen), allow)
			}
			if counted := rec.Header().Get("RateLimit") != ""; counted != (mode != call.Off) {
				t.Errorf("%v %s: counted %v", mode, path, counted)
			}
		}
	}
}
