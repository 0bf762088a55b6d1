package gatetest_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// strict serves the gate as in production and returns its address.
func strict(t *testing.T) string {
	t.Helper()
	server, err := tlsedge.NewServer(tlsedge.ServerConfig{Handler: newGate(t, nil).Wrap(bookshop{}), Log: slog.DiscardHandler})
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	go func() { _ = tlsedge.Serve(server, l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// forgiving stands before a strict server and makes of what it is sent what it
// takes it for.
func forgiving(t *testing.T, read func(string) string) string {
	t.Helper()
	behind, l := strict(t), listen(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go forgive(conn, behind, read)
		}
	}()
	return l.Addr().String()
}

func forgive(conn net.Conn, behind string, read func(string) string) {
	defer func() { _ = conn.Close() }()
	server, err := net.Dial("tcp", behind)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var raw []byte
	buffer := make([]byte, 64<<10)
	for err == nil {
		_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // then all has come
		var n int
		n, err = conn.Read(buffer)
		raw = append(raw, buffer[:n]...)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_, _ = io.WriteString(server, read(string(raw)))
		_, _ = io.Copy(conn, server)
	}
}

func wireTarget(t *testing.T, address string) gatetest.Target {
	t.Helper()
	g := target(newGate(t, nil))
	g.Address, g.Patience = address, 300*time.Millisecond
	return g
}

func TestTheWireHolds(t *testing.T) {
	g := wireTarget(t, strict(t))
	g.Patience = 20 * time.Second
	gatetest.Wire(t, g)
}

// TestEachWireRowBites: who takes the bytes of a row for a request is noticed.
func TestEachWireRowBites(t *testing.T) {
	const size, coding, length = "\r\n\r\n3", "Transfer-Encoding: ", "Content-Length: "
	for _, tt := range []struct{ row, from, to string }{
		{"CL.TE: Transfer-Encoding beside Content-Length", coding + "chunked\r\n", ""},
		{"TE.CL: the other way round", coding + "chunked\r\n", ""},
		{"TE.TE: a second coding that one reader skips", coding + "x\r\n", ""},
		{"TE.TE: the same twice", coding + "chunked\r\n", ""},
		{"TE.TE: identity", coding + "identity\r\n", ""},
		{"TE.TE: xchunked", "xchunked", "chunked"},
		{"TE.TE: vertical tab", "\x0b", ""},
		{"TE.0: Transfer-Encoding in HTTP/1.0", coding + "chunked", length + "0"},
		{"CL.CL: two lengths", length + "1\r\n", ""},
		{"CL.CL: the same twice", length + "2\r\n", ""},
		{"CL.CL: a list of the same", "2, 2", "2"},
		{"length that is negative", "-1", "0"},
		{"length with a sign", "+1", "1"},
		{"length in hexadecimal", "0x1", "1"},
		{"length beyond 64 bits", "18446744073709551617", "1"},
		{"obs-fold", "\r\n b", " b"},
		{"obs-fold of Transfer-Encoding", "\r\n chunked", " chunked"},
		{"space before the first field", " Host", "Host"},
		{"space before the colon", "X :", "X:"},
		{"NUL in a name", "\x00", ""},
		{"NUL in a value", "\x00", ""},
		{"no colon", "X\r\n", "X:\r\n"},
		{"LF alone in the header", "localhost\n", "localhost\r\n"},
		{"LF alone behind the request line", "1.1\n", "1.1\r\n"},
		{"LF alone at the end of the header", "\r\n\n", "\r\n\r\n"},
		{"CR alone in a value", "\rb", " b"},
		{"two Hosts", "Host: evil.example\r\n", ""},
		{"the same Host twice", "Host: localhost\r\n", ""},
		{"no Host", "\r\n", "\r\nHost: localhost\r\n"},
		{"absolute form of another host", "http://evil.example", ""},
		{"absolute form of ours, Host of another", "Host: evil.example", "Host: localhost"},
		{"target without a slash", "GET g", "GET /g"},
		{"two spaces in the request line", "  ", " "},
		{"tab in the request line", "\t", " "},
		{"HTTP/1.10", "1.10", "1.1"},
		{"http in lower case", "http/", "HTTP/"},
		{"LF alone behind a chunk size", size + "\n", size + "\r\n"},
		{"LF alone in a chunk extension", ";x\n", "\r\n"},
		{"LF alone behind a chunk", "abc\n", "abc\r\n"},
		{"chunk longer than its size", "abcd", "abc"},
		{"two bytes behind a chunk that are no CRLF", "abcXX", "abc\r\n"},
		{"chunk size of nothing", "\r\n\r\n\r\nabc", size + "\r\nabc"},
		{"chunk size with a sign", "+3", "3"},
		{"chunk size with 0x", "0x3", "3"},
		{"chunk size beyond 64 bits", "10000000000000003", "3"},
		{"body longer than its length", "abc{}", "abc"},
		{"field without end", strings.Repeat("a", 1<<10), ""},
		{"fields without end", "X: a\r\n", ""},
		{"request line without end", strings.Repeat("a", 1<<10), ""},
		{"honest requests, one behind the other", "GET", "BAD GET"},
	} {
		t.Run(tt.row, func(t *testing.T) {
			t.Parallel()
			times := 1
			if strings.HasSuffix(tt.row, "without end") {
				times = -1
			}
			rows, err := wireTarget(t, forgiving(t, func(raw string) string { return strings.Replace(raw, tt.from, tt.to, times) })).Wire()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if row.Name == tt.row {
					if row.Try(nil) == nil {
						t.Error("a server that forgives passes")
					}
					return
				}
			}
			t.Error("there is no such row")
		})
	}
}

// TestWhatNetHTTPForgives keeps the hint in the reasons true: net/http alone does
// not hold, over TLS either.
func TestWhatNetHTTPForgives(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	g := wireTarget(t, server.Listener.Addr().String())
	g.Patience = 20 * time.Second // what fails is answered, so that none waits so long
	g.DialTLS = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
	rows, err := g.Wire()
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, row := range rows {
		if row.Try(nil) != nil {
			failed = append(failed, row.Name)
		}
	}
	want := []string{
		"CL.TE: Transfer-Encoding beside Content-Length", "TE.CL: the other way round", "TE.0: Transfer-Encoding in HTTP/1.0",
		"CL.CL: the same twice", "obs-fold", "obs-fold of Transfer-Encoding", "LF alone in the header", "LF alone behind the request line",
		"LF alone at the end of the header", "absolute form of another host", "absolute form of ours, Host of another",
	}
	if !slices.Equal(failed, want) {
		t.Errorf("rows that fail:\n%q\nwant:\n%q", failed, want)
	}
}
