package e2e

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// raw writes bytes to the program and returns all it answers until it hangs up.
func (p *program) raw(text string) string {
	p.t.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, text) // the program may hang up before the end
	b, err := io.ReadAll(conn)
	if err != nil {
		p.t.Errorf("reading the answer: %v", err)
	}
	return string(b)
}

// TestRequestSmuggling sends what a proxy in front could read in another way.
// Each row but the first is refused on the connection, and the request that it
// hides, GET /livez, is never answered.
func TestRequestSmuggling(t *testing.T) {
	p := demo(t, "--seed", "test")
	const hidden = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	const post = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	const refused = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	if got := p.raw(hidden); !strings.HasPrefix(got, "HTTP/1.1 200 OK") {
		t.Fatalf("the hidden request itself is answered %q", got)
	}
	for _, row := range []struct{ name, raw string }{
		{"CL.TE", post + "Content-Length: 300\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		{"TE.CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + fmt.Sprintf("%x\r\n", len(hidden)) + hidden + "\r\n0\r\n\r\n"},
		{"TE.TE", post + "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n" + hidden},
		{"TE.0", "POST /login HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		{"CL.CL", post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + hidden},
		{"duplicate hosts", "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n" + hidden},
		{"obs-fold", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\r\n Content-Length: 80\r\n\r\n" + hidden},
		{"bare LF", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\nContent-Length: 80\r\n\r\n" + hidden},
		{"bare CR", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\rContent-Length: 80\r\n\r\n" + hidden},
		{"space before the colon", post + "Content-Length : 80\r\n\r\n" + hidden},
		{"absolute form of another host", "GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n\r\n" + hidden},
		{"NUL in a field", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\x00\r\n\r\n" + hidden},
		{"HTTP/0.9", "GET /livez\r\n" + hidden},
		{"an empty line in front", "\r\n" + hidden},
		{"HTTP/2 on a plain port", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := p.raw(row.raw); got != refused {
				t.Errorf("answered %q; want only %q", got, refused)
			}
		})
	}
	for _, row := range []struct{ name, raw, status string }{
		{"a header line of 100 KB", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n", "431"},
		{"20,000 header lines", "GET /livez HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: a\r\n", 20_000) + "\r\n", "431"},
		{"a chunk that is longer than its size", post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + hidden, "400"},
		{"a trailer", post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nHost: evil.example\r\n\r\n" + hidden, "400"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := p.raw(row.raw); !strings.HasPrefix(got, "HTTP/1.1 "+row.status) || strings.Count(got, "HTTP/1.1 ") != 1 {
				t.Errorf("answered %q; want %s alone", got, row.status)
			}
		})
	}
	t.Run("pipelined", func(t *testing.T) {
		first := strings.Replace(hidden, "Connection: close\r\n", "", 1)
		got := p.raw(first + "GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n" + hidden)
		if !strings.HasPrefix(got, "HTTP/1.1 200 OK") || strings.Count(got, "HTTP/1.1 ") != 2 || !strings.HasSuffix(got, refused) {
			t.Errorf("answered %q; want 200, then the refusal", got)
		}
	})
	if !strings.Contains(p.log.String(), "refused on the connection: Transfer-Encoding beside Content-Length") {
		t.Error("the log does not tell")
	}
}
