package gatetest_test

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
)

// clock is somebody's OpenAPI document. Who may call is not theirs to say; that
// stands in the overlay.
const (
	clock = `
openapi: 3.1.0
info: { title: Clock, version: "1" }
paths:
  /time: { get: { operationId: readTime, responses: { "200": { description: The time } } } }
  /alarm: { post: { operationId: ringAlarm, responses: { "204": { description: It rings } } } }
`
	overlay = `
GET /time: { access: public }
POST /alarm: { access: { roles: [keeper] } }
`
)

// newClock is a handler of yours, behind whatever guards it.
func newClock() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"time":"12:00"}`)
	})
}

// Everything that can be had: a token and a cookie for each role, a way to sign,
// and the address of a server that runs as in production.
func ExampleRun() {
	_ = func(t *testing.T) {
		handler := newClock()
		server := httptest.NewServer(handler) // yours is made as in main
		defer server.Close()
		private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // that of the issuer of your tests
		gatetest.Run(t, handler, gatetest.Target{
			Table:     gatetest.Compile(t, clock, overlay),
			Tokens:    map[string]func() string{"keeper": func() string { return "a token of a keeper" }},
			Cookies:   map[string]func() string{"keeper": func() string { return "__Host-session=of a keeper" }},
			Sign:      func(input []byte) []byte { return ed25519.Sign(private, input) },
			PublicKey: private.Public(),
			Address:   server.Listener.Addr().String(),
			Leave:     map[string]string{"hosts": "the proxy in front answers our names alone"},
		})
	}
}

// The rows are values: run them with whatever runs your tests. What fails is told
// with what was sent, and what came back.
func ExampleTarget_Attacks() {
	target := gatetest.Target{Table: gatetest.Compile(new(testing.T), clock, overlay)}
	rows, err := target.Attacks()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range rows {
		if row.Name == "path that no contract describes" {
			fmt.Println(row.Try(newClock()))
		}
	}
	// Output:
	// want 404
	// sent     GET /gatetest-nothing-here, Host "localhost", from 127.0.0.1:40000
	// answered 200, Content-Type text/plain; charset=utf-8
	//          {"time":"12:00"}
}

// A layer is tried alone, in each of its modes.
func ExampleAlone() {
	t := new(testing.T) // the test's own
	table := gatetest.Compile(t, clock, overlay)
	layer, err := authz.New(authz.Config{Table: table})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, mode := range []call.Mode{call.Enforce, call.Report, call.Off} {
		send := gatetest.Alone(t, layer, gatetest.Setting{
			Table: table, Layer: "authz", Mode: mode, Principal: &call.Principal{ID: "ada", Role: "visitor"},
		})
		got := send(httptest.NewRequest("POST", "/alarm", nil))
		fmt.Printf("%v %d %q\n", mode, got.Status, got.Allow())
	}
	// Output:
	// enforce 403 ""
	// report 200 "POST /alarm: { access: { roles: [keeper, visitor] } }"
	// off 200 ""
}
