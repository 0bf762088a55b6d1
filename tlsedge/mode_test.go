package tlsedge_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/tlsedge"
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
func inMode(t *testing.T, mode call.Mode, cfg tlsedge.Config, seen **call.Call) http.Handler {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "orders.yaml", Data: []byte(modeDocument)}, contract.Options{Roles: []string{"member", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: table, Modes: call.Modes{call.AnyAPI: {"tls": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	layer, err := tlsedge.New(cfg)
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
	for _, tt := range []struct {
		name, target, accept string
		enforce              int
		allow                string
	}{
		{"in the clear", "http://localhost/api/orders/7", "", 403, "gatehouse.yaml: accept_risk: [plain-http]"},
		{"a page in the clear", "http://localhost/api/orders/7", "text/html", 308, "gatehouse.yaml: accept_risk: [plain-http]"},
		{"a strange host", "https://evil.example/api/orders/7", "", 421, "gatehouse.yaml: hosts: [the name]"},
	} {
		for mode, allow := range map[call.Mode]string{call.Enforce: "", call.Report: tt.allow, call.Off: ""} {
			var seen *call.Call
			rec := httptest.NewRecorder()
			r := httptest.NewRequest("GET", tt.target, nil)
			r.RemoteAddr = "192.0.2.1:40000"
			r.Header.Set("Accept", tt.accept)
			inMode(t, mode, tlsedge.Config{Redirect: true}, &seen).ServeHTTP(rec, r)
			want := http.StatusOK
			if mode == call.Enforce {
				want = tt.enforce
			}
			if rec.Code != want || (seen != nil) != (mode != call.Enforce) || reported(seen) != allow {
				t.Errorf("%s, %v: %d, %q", tt.name, mode, rec.Code, reported(seen))
			}
			if seen != nil && seen.Secure() != (r.TLS != nil) {
				t.Errorf("%s, %v: encrypted: %v", tt.name, mode, seen.Secure())
			}
		}
	}
}
