package headers_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/headers"
)

const orders = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
paths: { /orders: { get: { operationId: read, x-gatehouse: { access: public }, responses: { "200": { description: All } } } } }
`

func TestModes(t *testing.T) {
	table := gatetest.Compile(t, orders)
	layer, err := headers.New(headers.Config{Table: table, CORS: headers.CORS{Origins: []string{"https://app.example"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []call.Mode{call.Enforce, call.Report, call.Off} {
		send := gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "headers", Mode: mode})
		for origin, foreign := range map[string]bool{"https://evil.example": true, "null": true, "http://Example.com": false, "https://app.example": false, "": false} {
			r := httptest.NewRequest("GET", "/orders", nil)
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			got, want := send(r), ""
			if mode == call.Report && foreign {
				want = "gatehouse.yaml: cors: { origins: [the page's origin] }"
			}
			if got.Status != http.StatusOK || !got.Reached() || got.Allow() != want {
				t.Errorf("%v, %q: %d, %q", mode, origin, got.Status, got.Allow())
			}
			if granted := got.Header.Get("Access-Control-Allow-Origin"); granted != "" && (foreign || mode == call.Off) {
				t.Errorf("%v, %q: granted to %q", mode, origin, granted)
			}
			if set := got.Header.Get("X-Content-Type-Options") != ""; set != (mode != call.Off) {
				t.Errorf("%v: headers are set: %v", mode, set)
			}
		}
	}
}
