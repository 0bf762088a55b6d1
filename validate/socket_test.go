package validate_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
	"github.com/gatehouse-api/gatehouse/validate"
)

const sockets = `
openapi: 3.1.0
info: { title: Sockets, version: "1" }
x-gatehouse: { name: sockets }
paths:
  /strip:
    get:
      operationId: openStrip
      x-gatehouse: { access: public, unknown: strip, answers: strip }
      parameters: [{ name: room, in: query, schema: { type: string, maxLength: 8 } }]
      x-gatehouse-websocket: { receive: { ping: { const: ping } }, send: { pong: { const: pong } } }
      responses: { "101": { description: upgraded } }
  /report:
    get:
      operationId: openReport
      x-gatehouse: { access: public, unknown: report }
      parameters: [{ name: room, in: query, schema: { type: string, maxLength: 8 } }]
      x-gatehouse-websocket: { receive: { ping: { const: ping } }, send: { pong: { const: pong } } }
      responses: { "101": { description: upgraded } }
`

// TestWhatASocketIsAskedWith: the query is settled by the policy as elsewhere,
// there is no body to bind, and the answer, which ends with 101, is left alone.
func TestWhatASocketIsAskedWith(t *testing.T) {
	for target, want := range map[string]string{
		"/strip?room=a&x=1":     "room=a []",
		"/strip?x=1":            " []",
		"/report?room=a&x=1":    "room=a&x=1 [{validate unknown_field #/query}]",
		"/report?room=a":        "room=a []",
		"/strip?room=123456789": "",
	} {
		got := ""
		h := layer(t, validate.Config{Table: gatetest.Compile(t, sockets), Responses: validate.Enforce}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := call.From(r.Context())
			got = fmt.Sprint(r.URL.RawQuery, " ", c.Notes())
			var v any
			err := c.Bind(&v)
			if _, refused := errors.AsType[*problem.Error](err); refused || !errors.Is(err, strictjson.ErrEmpty) {
				t.Errorf("%s: Bind: %v", target, err)
			}
			_, _ = w.Write([]byte("not described"))
		}))
		rec := send(h, "GET "+target, "", "Connection: Upgrade", "Upgrade: websocket")
		if got != want || want != "" && rec.Body.String() != "not described" || want == "" && rec.Code != 400 {
			t.Errorf("%s: %d %s, %q, want %q", target, rec.Code, rec.Body, got, want)
		}
	}
}

// TestReportReadsNoBodyBeforeASocket: bytes that came early are left to whoever
// takes the connection over.
func TestReportReadsNoBodyBeforeASocket(t *testing.T) {
	table := gatetest.Compile(t, sockets)
	layer, err := validate.New(validate.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []call.Mode{call.Report, call.Off} {
		r := httptest.NewRequest("GET", "/report", iotest.ErrReader(errors.New("the body is read")))
		r.ContentLength = 5
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		if got := gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "validate", Mode: mode})(r); !got.Reached() {
			t.Errorf("%v: %d", mode, got.Status)
		}
	}
}
