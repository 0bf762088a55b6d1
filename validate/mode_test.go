package validate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/validate"
)

const orders = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
x-gatehouse: { body: 1KB }
paths:
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    put:
      operationId: change
      x-gatehouse: { access: public }
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, required: [title], properties: { title: { type: string } } } } }
      responses: { "200": { description: Changed } }
`

func TestModes(t *testing.T) {
	table := gatetest.Compile(t, orders)
	layer, err := validate.New(validate.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, body string
		status           int
		allow            string
	}{
		{"an unknown field", "/orders/7", `{"title":"a","x":1}`, 400, "PUT /orders/{id}: { unknown: allow }"},
		{"another fault beside it", "/orders/7", `{"title":1,"x":1}`, 400, "PUT /orders/{id}: { unknown: allow }; the document: relax type /title"},
		{"a parameter", "/orders/x", `{"title":"a"}`, 400, "the document: relax type #/path/id"},
		{"not JSON", "/orders/7", `{`, 400, "none: the client must send what the document describes"},
		{"a little too large", "/orders/7", `{"title":"` + strings.Repeat("x", 1500) + `"}`, 413, "PUT /orders/{id}: { body: 2KB }"},
		{"far too large", "/orders/7", `{"title":"` + strings.Repeat("x", 9000) + `"}`, 413, "PUT /orders/{id}: { body: 10KB }"},
		{"what no contract describes", "/elsewhere", "", 404, ""},
	} {
		for mode, allow := range map[call.Mode]string{call.Enforce: "", call.Report: tt.allow, call.Off: ""} {
			r := httptest.NewRequest("PUT", tt.path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json")
			got := gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "validate", Mode: mode})(r)
			want := http.StatusOK
			if mode == call.Enforce || tt.status == 404 {
				want = tt.status
			}
			if got.Status != want || got.Reached() != (want == http.StatusOK) || got.Allow() != allow {
				t.Errorf("%s, %v: %d, %q, want %q", tt.name, mode, got.Status, got.Allow(), allow)
			}
			if !got.Reached() {
				continue
			}
			var v any
			if err := got.Call.Bind(&v); (err == nil) != (tt.status == 400 && tt.body != "{") {
				t.Errorf("%s, %v: Bind: %v", tt.name, mode, err)
			}
		}
	}
}

const coded = `
openapi: 3.1.0
info: { title: Coded, version: "1" }
x-gatehouse: { body: 1MB }
paths:
  /notes:
    post:
      operationId: plain
      x-gatehouse: { access: public }
      requestBody: { content: { application/json: {} } }
      responses: { "200": { description: Written, content: { application/json: {} } } }
  /inflated:
    post:
      operationId: inflated
      x-gatehouse: { access: public, encoding: [deflate] }
      requestBody: { content: { application/json: {} } }
      responses: { "200": { description: Written, content: { application/json: {} } } }
`

// TestReportNamesWhatWouldAllowTheHeader is about what stands before the body. A
// line that begins with a method is put into an overlay, and then nothing is
// reported any more.
func TestReportNamesWhatWouldAllowTheHeader(t *testing.T) {
	const none = "none: a body has one coding at most, gzip or deflate"
	bomb := zip(t, "deflate", `"`+strings.Repeat("b", 250_000)+`"`)
	for _, tt := range []struct{ name, path, accept, coding, body, allow string }{
		{"a type that is not produced", "/notes", "text/csv", "", `1`, "the document: state what the client accepts in the content of a 2XX answer"},
		{"gzip where no coding is stated", "/notes", "", "gzip", zip(t, "gzip", `1`), "POST /notes: { encoding: [gzip] }"},
		{"its old name", "/notes", "", "x-gzip", zip(t, "gzip", `1`), "POST /notes: { encoding: [gzip] }"},
		{"gzip beside deflate", "/inflated", "", "gzip", zip(t, "gzip", `1`), "POST /inflated: { encoding: [deflate, gzip] }"},
		{"deflate where no coding is stated", "/notes", "", "deflate", zip(t, "deflate", `1`), "POST /notes: { encoding: [deflate] }"},
		{"a coding that cannot be stated", "/inflated", "", "br", "x", none},
		{"two codings", "/inflated", "", "deflate, deflate", "x", none},
		{"a bomb within the size", "/inflated", "", "deflate", bomb, "none: a body that grows more than a hundredfold is a bomb"},
	} {
		ask := func(overlay string) gatetest.Outcome {
			table := gatetest.Compile(t, coded, overlay)
			layer, err := validate.New(validate.Config{Table: table})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("POST", tt.path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json")
			for name, value := range map[string]string{"Accept": tt.accept, "Content-Encoding": tt.coding} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			return gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "validate", Mode: call.Report})(r)
		}
		got := ask("{}")
		if got.Status != http.StatusOK || got.Allow() != tt.allow {
			t.Errorf("%s: %d, %q, want %q", tt.name, got.Status, got.Allow(), tt.allow)
		}
		if strings.HasPrefix(tt.allow, "POST") {
			if again := ask(tt.allow); again.Status != http.StatusOK || again.Allow() != "" {
				t.Errorf("%s: with %s still %q", tt.name, tt.allow, again.Allow())
			}
		}
	}
}
