package headers_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/headers"
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
func inMode(t *testing.T, mode call.Mode, cfg headers.Config, seen **call.Call) http.Handler {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "orders.yaml", Data: []byte(modeDocument)}, contract.Options{Roles: []string{"member", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: table, Modes: call.Modes{call.AnyAPI: {"headers": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Table = table
	layer, err := headers.New(cfg)
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
	cfg := headers.Config{CORS: headers.CORS{Origins: []string{"https://app.example"}}}
	for _, mode := range []call.Mode{call.Enforce, call.Report, call.Off} {
		for origin, foreign := range map[string]bool{"https://evil.example": true, "null": true, "http://Example.com": false, "https://app.example": false, "": false} {
			var seen *call.Call
			rec := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/api/orders/7", nil)
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			inMode(t, mode, cfg, &seen).ServeHTTP(rec, r)
			want := ""
			if mode == call.Report && foreign {
				want = "gatehouse.yaml: cors: { origins: [the page's origin] }"
			}
			if rec.Code != http.StatusOK || seen == nil || reported(seen) != want {
				t.Errorf("%v, %q: %d, %q", mode, origin, rec.Code, reported(seen))
			}
			if granted := rec.Header().Get("Access-Control-Allow-Origin"); granted != "" && (foreign || mode == call.Off) {
				t.Errorf("%v, %q: granted to %q", mode, origin, granted)
			}
			if set := rec.Header().Get("X-Content-Type-Options") != ""; set != (mode != call.Off) {
				t.Errorf("%v: headers are set: %v", mode, set)
			}
		}
	}
}
