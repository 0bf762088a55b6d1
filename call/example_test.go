package call_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// A handler behind one declared proxy: it sees the client, not the proxy, and
// says no through Refuse's door.
func Example() {
	wrap, err := call.New(call.Config{
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		NewID:   func() string { return "0199aaaa-0000-7000-8000-000000000001" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := wrap(call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		fmt.Println("client", c.Client())
		return problem.NotFound("There is no such thing")
	}))
	req := httptest.NewRequest("GET", "/things/7", nil)
	req.RemoteAddr = "10.0.0.1:443"
	req.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.1")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	fmt.Println(rec.Code, rec.Header().Get("X-Request-Id"))
	// Output:
	// client 198.51.100.1
	// 404 0199aaaa-0000-7000-8000-000000000001
}
