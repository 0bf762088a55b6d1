package tlsedge

import (
	"bufio"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-api/gatehouse/call"
)

// TestRawRequests writes bytes that no HTTP library would. It keeps the list in
// doc.go true: what net/http answers by itself, and what it forgives.
func TestRawRequests(t *testing.T) {
	layer, err := New(Config{InsecurePlain: true})
	if err != nil {
		t.Fatal(err)
	}
	handler := layer(call.Handler(func(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
		return call.NoContent(w, r)
	}))
	for _, row := range []struct {
		name, raw string
		want      int
	}{
		{"absolute form of another host", "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 421},
		{"absolute form of ours, Host of another: the former counts (RFC 9112 §3.2.2)", "GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 204},
		{"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", 421},
		{"HTTP/1.0 with a foreign host", "GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421},

		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400},
		{"Host with a slash", "GET / HTTP/1.1\r\nHost: localhost/evil\r\n\r\n", 400},
		{"space before the colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400},
		{"space in the request line", "GET / x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
		{"bare CR in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", 400},
		{"NUL in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 400},
		{"two lengths", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
		{"negative length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400},
		{"length with a sign", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\na", 400},
		{"unknown transfer coding", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"transfer coding twice", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
		{"an expectation", "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: coffee\r\n\r\n", 417},
		{"HTTP/3.0 on a TCP connection", "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505},

		{"forgiven: a folded line", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 204},
		{"forgiven: bare LF", "GET / HTTP/1.1\nHost: localhost\n\n", 204},
		{"forgiven: Transfer-Encoding beside Content-Length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 204},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, closed := startPipe(t, ServerConfig{Handler: handler})
				go say(client, row.raw)
				answer, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil {
					t.Fatal(err)
				}
				if answer.StatusCode != row.want {
					t.Errorf("%d; want %d", answer.StatusCode, row.want)
				}
				client.Close()
				<-closed
			})
		})
	}
}
