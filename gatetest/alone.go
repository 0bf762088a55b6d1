package gatetest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// Compile makes a table of an OpenAPI document, YAML or JSON, and of overlays to
// it, and ends the test with every fault when there is one.
func Compile(t testing.TB, document string, overlays ...string) *contract.Table {
	t.Helper()
	var over []contract.File
	for _, o := range overlays {
		over = append(over, contract.File{Name: "overlay.yaml", Data: []byte(o)})
	}
	api, err := contract.Load(contract.File{Name: "openapi.yaml", Data: []byte(document)}, contract.Options{}, over...)
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Setting is what surrounds a layer that is tried alone.
type Setting struct {
	Table     *contract.Table // the operations; nil matches none
	Layer     string          // the layer's name in call.Modes: "limit"
	Mode      call.Mode       // for every API; the zero value enforces
	Principal *call.Principal // who authn would have recognised; nil is a guest
}

// Outcome is what became of a request.
type Outcome struct {
	Status int         // of the answer; 0 when nobody gave one, though net/http would send 200
	Header http.Header // of the answer
	Call   *call.Call  // as the handler found it; nil when the request did not reach it
}

// Alone puts one layer, yours or one of the gate's, between call and a handler
// that answers 200, and returns what sends it a request. What the layer
// remembers, as a budget does, lasts from one request to the next.
func Alone(t testing.TB, layer func(http.Handler) http.Handler, s Setting) func(*http.Request) Outcome {
	t.Helper()
	begin, err := call.New(call.Config{Table: s.Table, Modes: call.Modes{call.AnyAPI: {s.Layer: s.Mode}}})
	if err != nil {
		t.Fatal(err)
	}
	var reached *call.Call
	inner := layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached = call.From(r.Context())
		w.WriteHeader(http.StatusOK)
	}))
	h := begin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Principal != nil {
			call.From(r.Context()).SetPrincipal(s.Principal)
		}
		inner.ServeHTTP(w, r)
	}))
	return func(r *http.Request) Outcome {
		reached = nil
		w := httptest.NewRecorder()
		w.Code = 0
		h.ServeHTTP(w, r)
		return Outcome{w.Code, w.Result().Header, reached}
	}
}

// Reached tells whether the request came to the handler.
func (o Outcome) Reached() bool { return o.Call != nil }

// Allow is what would allow what a layer in report let through: the lines of an
// overlay or of the settings, one for each refusal; "" when there was none.
func (o Outcome) Allow() string {
	if o.Call == nil {
		return ""
	}
	var lines []string
	for _, pardon := range o.Call.Pardons() {
		lines = append(lines, pardon.Allow)
	}
	return strings.Join(lines, "; ")
}
