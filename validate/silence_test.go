package validate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/validate"
)

const silent = `
openapi: 3.1.0
info: {title: Silent, version: "1"}
x-gatehouse: {name: silent, body: 10KB}
paths:
  /reject:
    post:
      operationId: rejects
      x-gatehouse: {access: public}
      parameters: [{name: filter, in: query, style: deepObject, schema: {type: object, properties: {a: {type: integer}}, additionalProperties: {type: integer}}}]
      requestBody: &body
        content:
          application/json: {schema: &schema {type: object, properties: {user: {type: object, properties: {name: {type: string}}, additionalProperties: false}, labels: {type: object, propertyNames: {maxLength: 3}, additionalProperties: {type: integer}}}}}
          application/x-www-form-urlencoded: {schema: *schema}
          multipart/form-data: {schema: *schema}
      responses: {"204": {description: done}}
  /report:
    post:
      operationId: reports
      x-gatehouse: {access: public, unknown: report}
      requestBody: *body
      responses: {"204": {description: done}}
`

// TestSecretsInNames: what a client calls a field, a parameter or a part is in no
// record, in whatever mode and whatever is wrong with it; its answer may say it.
func TestSecretsInNames(t *testing.T) {
	const canary = "eyJhbGciOiJFUzI1NiJ9.CANARY.c2ln" // as long as a name may be, and of its characters
	for _, mode := range []call.Mode{call.Enforce, call.Report} {
		table := gatetest.Compile(t, silent)
		begin, err := call.New(call.Config{Table: table, Modes: call.Modes{call.AnyAPI: {"validate": mode}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct{ name, target, kind, body, rule string }{
			{"a token as the query", "/reject?" + canary, "", "", "unknown_field #/query"},
			{"a member of an object in the query", "/reject?filter[" + canary + "]=x", "", "", "type #/query/filter"},
			{"a field of the body", "/reject", "application/json", `{"` + canary + `":1}`, "unknown_field"},
			{"a field within", "/reject", "application/json", `{"user":{"` + canary + `":1}}`, "unknown_field /user"},
			{"a key of a map", "/reject", "application/json", `{"labels":{"` + canary + `":"x"}}`, " /labels"},
			{"a name that may not be", "/reject", "application/json", `{"labels":{"` + canary + `":1}}`, "propertyNames /labels"},
			{"U+0000 below it", "/reject", "application/json", `{"` + canary + `":"\u0000"}`, "nul"},
			{"a field of a form", "/reject", "application/x-www-form-urlencoded", canary + "=1", "unknown_field"},
			{"a field of a form in parts", "/reject", "multipart/form-data; boundary=b", onePart(`Content-Disposition: form-data; name="`+canary+`"`, "1"), "unknown_field"},
			{"a part that is no part", "/reject", "multipart/form-data; boundary=b", "--b\r\n" + canary + "\r\n\r\n", "MALFORMED_REQUEST"},
			{"the same, reported", "/report?" + canary, "application/json", `{"` + canary + `":1}`, "validate unknown_field #/query"},
			{"within, reported", "/report", "application/json", `{"user":{"name":"a"},"` + canary + `":1}`, "validate unknown_field /"},
			{"a form, reported", "/report", "application/x-www-form-urlencoded", canary + "=1", "validate unknown_field /"},
		} {
			served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			r := httptest.NewRequest("POST", row.target, strings.NewReader(row.body))
			if row.kind != "" {
				r.Header.Set("Content-Type", row.kind)
			}
			inner, recorded := layer(t, validate.Config{Table: table}, served), ""
			begin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(w, r)
				c := call.From(r.Context())
				if e := c.Refusal(); e != nil {
					recorded = fmt.Sprint(e.Rule, " ", e.Cause)
				}
				recorded += fmt.Sprint(" ", c.Notes(), c.Pardons())
			})).ServeHTTP(httptest.NewRecorder(), r)
			if strings.Contains(recorded, "CANARY") || !strings.Contains(recorded, row.rule) {
				t.Errorf("%v, %s: recorded is %s; want %q", mode, row.name, recorded, row.rule)
			}
		}
	}
}
