package validate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/validate"
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
func inMode(t *testing.T, mode call.Mode, cfg validate.Config, seen **call.Call) http.Handler {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "orders.yaml", Data: []byte(modeDocument)}, contract.Options{Roles: []string{"member", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: table, Modes: call.Modes{call.AnyAPI: {"validate": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Table = table
	layer, err := validate.New(cfg)
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
		name, path, body string
		status           int
		allow            string
	}{
		{"an unknown field", "/api/orders/7", `{"title":"a","x":1}`, 400, "PUT /orders/{id}: { unknown: allow }"},
		{"another fault beside it", "/api/orders/7", `{"title":1,"x":1}`, 400, "the document: relax type /title"},
		{"a parameter", "/api/orders/x", `{"title":"a"}`, 400, "the document: relax type #/path/id"},
		{"not JSON", "/api/orders/7", `{`, 400, "none: the client must send what the document describes"},
		{"a little too large", "/api/orders/7", `{"title":"` + strings.Repeat("x", 1500) + `"}`, 413, "PUT /orders/{id}: { body: 2KB }"},
		{"far too large", "/api/orders/7", `{"title":"` + strings.Repeat("x", 9000) + `"}`, 413, "PUT /orders/{id}: { body: 10KB }"},
	} {
		for mode, allow := range map[call.Mode]string{call.Enforce: "", call.Report: tt.allow, call.Off: ""} {
			var seen *call.Call
			rec := httptest.NewRecorder()
			r := httptest.NewRequest("PUT", tt.path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json")
			inMode(t, mode, validate.Config{}, &seen).ServeHTTP(rec, r)
			want := http.StatusOK
			if mode == call.Enforce {
				want = tt.status
			}
			if rec.Code != want || (seen != nil) != (mode != call.Enforce) || reported(seen) != allow {
				t.Errorf("%s, %v: %d, %q, want %q", tt.name, mode, rec.Code, reported(seen), allow)
			}
			if seen == nil {
				continue
			}
			var v any
			if err := seen.Bind(&v); (err == nil) != (tt.status == 400 && tt.body != "{") {
				t.Errorf("%s, %v: Bind: %v", tt.name, mode, err)
			}
		}
	}
	for _, mode := range []call.Mode{call.Report, call.Off} {
		var seen *call.Call
		rec := httptest.NewRecorder()
		inMode(t, mode, validate.Config{}, &seen).ServeHTTP(rec, httptest.NewRequest("GET", "/elsewhere", nil))
		if rec.Code != http.StatusNotFound || seen != nil {
			t.Errorf("%v: what no contract describes: %d", mode, rec.Code)
		}
	}
}
