package headers_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gatehouse-api/gatehouse/headers"
)

// The layer alone, on a plain ServeMux, with one origin that may read.
func Example() {
	wrap, err := headers.New(headers.Config{CORS: headers.CORS{Origins: []string{"https://app.example.com"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	req := httptest.NewRequest("GET", "/hello", nil)
	req.Header.Set("Origin", "https://app.example.com")
	rec := httptest.NewRecorder()
	wrap(mux).ServeHTTP(rec, req)
	fmt.Println(rec.Header().Get("Content-Security-Policy"))
	fmt.Println(rec.Header().Get("Access-Control-Allow-Origin"))
	// Output:
	// default-src 'none'; frame-ancestors 'none'
	// https://app.example.com
}
