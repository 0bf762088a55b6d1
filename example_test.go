package gatehouse_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
)

const document = `
openapi: 3.1.0
info: { title: Guest book, version: "1" }
paths:
  /entries:
    post:
      operationId: sign
      x-gatehouse: { access: public }
      requestBody:
        required: true
        content:
          application/json:
            schema: { type: object, required: [name], properties: { name: { type: string, minLength: 1 } } }
      responses: { "201": { description: Signed } }
`

// A handler that checks nothing, behind the gate that its contract describes.
func Example() {
	api, err := contract.Load(contract.File{Name: "guestbook.yaml", Data: []byte(document)}, contract.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	gate, err := gatehouse.New(gatehouse.Config{
		Contracts: []*contract.API{api},
		Observe:   observe.Config{Log: observe.NewJSON(io.Discard, nil)}, // standard error, when it is left out
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	handler := gate.Wrap(mux)
	for _, r := range []struct{ method, target, body string }{
		{"POST", "http://localhost/entries", `{"name":"Ada"}`},
		{"POST", "http://localhost/entries", `{"name":"","admin":true}`},
		{"DELETE", "http://localhost/entries", ""},
		{"GET", "http://localhost/admin", ""},
		{"POST", "http://evil.example/entries", `{"name":"Ada"}`},
	} {
		req := httptest.NewRequest(r.method, r.target, strings.NewReader(r.body))
		req.RemoteAddr = "127.0.0.1:40000" // of this machine: from elsewhere plain HTTP is refused
		req.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		fmt.Println(answer.Code, r.method, r.target)
	}
	// Output:
	// 201 POST http://localhost/entries
	// 400 POST http://localhost/entries
	// 405 DELETE http://localhost/entries
	// 404 GET http://localhost/admin
	// 421 POST http://evil.example/entries
}
