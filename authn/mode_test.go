package authn_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
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
func inMode(t *testing.T, mode call.Mode, cfg authn.Config, seen **call.Call) http.Handler {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "orders.yaml", Data: []byte(modeDocument)}, contract.Options{Roles: []string{"member", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: table, Modes: call.Modes{call.AnyAPI: {"authn": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Table = table
	layer, err := authn.New(cfg)
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

type nobody struct{}

func (nobody) Verify(context.Context, string) (*call.Principal, error) {
	return nil, authn.ErrInvalid
}

func TestModes(t *testing.T) {
	cfg := authn.Config{Bearer: nobody{}, Cookie: nobody{}}
	for _, tt := range []struct{ name, field, value, allow string }{
		{"no credentials", "X-Nothing", "", "GET /orders/{id}: { access: public }"},
		{"a forged token", "Authorization", "Bearer forged", "none: the client must send a credential that holds"},
		{"another scheme", "Authorization", "Basic YTpi", "none: the client must send a credential that holds"},
	} {
		for mode, allow := range map[call.Mode]string{call.Enforce: "", call.Report: tt.allow, call.Off: ""} {
			var seen *call.Call
			rec := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/api/orders/7", nil)
			r.Header.Set(tt.field, tt.value)
			inMode(t, mode, cfg, &seen).ServeHTTP(rec, r)
			want := http.StatusOK
			if mode == call.Enforce {
				want = http.StatusUnauthorized
			}
			if rec.Code != want || (seen != nil) != (mode != call.Enforce) || reported(seen) != allow || seen != nil && seen.Principal() != nil {
				t.Errorf("%s, %v: %d, %q", tt.name, mode, rec.Code, reported(seen))
			}
		}
	}
	var seen *call.Call
	r := httptest.NewRequest("DELETE", "/api/orders/7", nil)
	r.AddCookie(&http.Cookie{Name: authn.DefaultCookie, Value: "x"})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	inMode(t, call.Report, cfg, &seen).ServeHTTP(httptest.NewRecorder(), r)
	if reported(seen) != "gatehouse.yaml: cors: { origins: [the page's origin] }" {
		t.Errorf("a request of another site: %q", reported(seen))
	}
}
