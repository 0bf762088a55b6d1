package authn_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
)

const orders = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders:
    get: { operationId: read, x-gatehouse: { access: { roles: [admin] } }, responses: { "200": { description: All } } }
    delete: { operationId: drop, x-gatehouse: { access: { roles: [admin] } }, responses: { "200": { description: Gone } } }
`

type nobody struct{}

func (nobody) Verify(context.Context, string) (*call.Principal, error) {
	return nil, authn.ErrInvalid
}

func TestModes(t *testing.T) {
	table := gatetest.Compile(t, orders)
	layer, err := authn.New(authn.Config{Bearer: nobody{}, Cookie: nobody{}, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, method string
		header       http.Header
		status       int
		allow        string
	}{
		{"no credentials", "GET", http.Header{}, 401, "GET /orders: { access: public }"},
		{"a forged token", "GET", http.Header{"Authorization": {"Bearer forged"}}, 401, "none: the client must send a credential that holds"},
		{"another scheme", "GET", http.Header{"Authorization": {"Basic YTpi"}}, 401, "none: the client must send a credential that holds"},
		{"a request of another site", "DELETE", http.Header{"Cookie": {authn.DefaultCookie + "=x"}, "Sec-Fetch-Site": {"cross-site"}},
			403, "gatehouse.yaml: cors: { origins: [the page's origin] }"},
	} {
		for mode, allow := range map[call.Mode]string{call.Enforce: "", call.Report: tt.allow, call.Off: ""} {
			r := httptest.NewRequest(tt.method, "/orders", nil)
			r.Header = tt.header
			got := gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "authn", Mode: mode})(r)
			want := http.StatusOK
			if mode == call.Enforce {
				want = tt.status
			}
			if got.Status != want || got.Reached() != (mode != call.Enforce) || got.Allow() != allow {
				t.Errorf("%s, %v: %d, %q", tt.name, mode, got.Status, got.Allow())
			}
			if got.Reached() && got.Call.Principal() != nil {
				t.Errorf("%s, %v: passes as %v", tt.name, mode, got.Call.Principal())
			}
		}
	}
}
