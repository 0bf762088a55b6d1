package validate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/validate"
)

// The layer alone, on a mux of one's own.
func Example() {
	api, err := contract.Load(contract.File{Name: "greet.yaml", Data: []byte(`
openapi: 3.1.0
info: { title: Greetings, version: "1" }
paths:
  /greet:
    get:
      operationId: greet
      x-gatehouse: { access: public }
      parameters:
        - { name: times, in: query, schema: { type: integer, maximum: 3 } }
      responses: { "200": { description: hello } }
`)}, contract.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err := contract.NewTable(api)
	if err != nil {
		fmt.Println(err)
		return
	}
	checked, err := validate.New(validate.Config{Table: table})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /greet", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "hello") })
	for _, target := range []string{"/greet?times=2", "/greet?times=many"} {
		rec := httptest.NewRecorder()
		checked(mux).ServeHTTP(rec, httptest.NewRequest("GET", target, nil))
		_, fault, _ := strings.Cut(rec.Body.String(), `"details":`)
		fmt.Println(strings.TrimSpace(fmt.Sprint(rec.Code, " ", fault)))
	}
	// Output:
	// 200
	// 400 [{"field":"times","pointer":"#/query/times","code":"type","message":"must be an integer"}]}
}
