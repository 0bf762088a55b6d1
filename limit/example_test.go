package limit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/limit"
)

// The layer alone, on a plain ServeMux: two calls a minute for each address.
func Example() {
	wrap, err := limit.New(limit.Config{
		Unmatched: contract.Budget{Name: "default", Requests: 2, Window: time.Minute},
		Now:       func() time.Time { return time.Date(2026, 2, 23, 10, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	handler := wrap(mux)
	for range 3 {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest("GET", "/hello", nil))
		fmt.Println(rec.Code, rec.Header().Get("RateLimit"))
	}
	// Output:
	// 200 "default";r=1;t=60
	// 200 "default";r=0;t=60
	// 429 "default";r=0;t=60
}

// A Counter counts anything by key: here e-mails sent to one person.
func ExampleCounter() {
	c, err := limit.NewCounter(contract.Budget{Name: "mails", Requests: 1, Window: time.Hour}, 0, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Take("ada@example.com", 1).OK, c.Take("ada@example.com", 1).OK, c.Take("bob@example.com", 1).OK)
	// Output: true false true
}
