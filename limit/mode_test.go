package limit_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/limit"
)

const orders = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
x-gatehouse: { limit: [few, many, gate.wide, 9/1h per member], budgets: { few: 1/15m per address, many: 8/15m } }
paths: { /orders: { get: { operationId: read, x-gatehouse: { access: public }, responses: { "200": { description: All } } } } }
`

func TestModes(t *testing.T) {
	table := gatetest.Compile(t, orders)
	few := contract.Budget{Requests: 1, Window: 15 * time.Minute, Key: contract.ByAddress}
	for mode, want := range map[call.Mode]int{call.Enforce: 429, call.Report: 200, call.Off: 200} {
		for path, allow := range map[string]string{
			"/orders":    "GET /orders: { limit: [2/15m per address, many, gate.wide, 9/1h per member] }",
			"/elsewhere": "gatehouse.yaml: limits: { unmatched: 2/15m per address }",
		} {
			layer, err := limit.New(limit.Config{Table: table, Unmatched: few, Budgets: map[string]contract.Budget{"gate.wide": {Requests: 8, Window: time.Hour}}})
			if err != nil {
				t.Fatal(err)
			}
			send := gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "limit", Mode: mode})
			send(httptest.NewRequest("GET", path, nil))
			got := send(httptest.NewRequest("GET", path, nil))
			if got.Status != want || got.Reached() != (mode != call.Enforce) {
				t.Errorf("%v %s: %d, want %d", mode, path, got.Status, want)
			}
			if mode != call.Report {
				allow = ""
			}
			if got.Allow() != allow {
				t.Errorf("%v %s: %q, want %q", mode, path, got.Allow(), allow)
			}
			if counted := got.Header.Get("RateLimit") != ""; counted != (mode != call.Off) {
				t.Errorf("%v %s: counted %v", mode, path, counted)
			}
		}
	}
}
