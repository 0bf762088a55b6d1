package gatehouse

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// serveGate serves the test gate as the program does and returns its address.
func serveGate(t *testing.T, next http.Handler) (address, token string) {
	t.Helper()
	gate, token := newTestGate(t, recordFile(t))
	srv, err := tlsedge.NewServer(tlsedge.ServerConfig{Handler: gate.Wrap(next)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tlsedge.Listen(context.Background(), "127.0.0.1:0", tlsedge.Caps{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- tlsedge.Serve(srv, l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return l.Addr().String(), token
}

// exchange sends one request over a socket and returns the answer and all bytes
// that came with it.
func exchange(t *testing.T, address, raw string) (*http.Response, string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, raw)
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(all))), httptest.NewRequest(method, "http://localhost/", nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_, body, _ := strings.Cut(string(all), "\r\n\r\n")
	return resp, body
}

// TestMethodsByTheBook is RFC 9110 §9.3.2, §9.3.7 and §15.5.6, over a socket.
func TestMethodsByTheBook(t *testing.T) {
	address, token := serveGate(t, handler())
	for _, row := range []struct {
		name, line string
		status     int
		allow      string
	}{
		{"OPTIONS of the server", "OPTIONS *", 204, ""},
		{"OPTIONS of a path", "OPTIONS /notes/7", 204, "GET, HEAD, OPTIONS"},
		{"OPTIONS of an unknown path", "OPTIONS /nothing", 404, ""},
		{"an asterisk for another method", "GET *", 400, ""},
		{"a method that the path does not answer", "DELETE /notes/7", 405, "GET, HEAD, OPTIONS"},
		{"HEAD where there is no GET", "HEAD /notes", 405, "OPTIONS, POST"},
		{"TRACE", "TRACE /notes/7", 405, "GET, HEAD, OPTIONS"},
		{"a method that nobody registered", "BREW /notes/7", 405, "GET, HEAD, OPTIONS"},
		{"a method in small letters", "get /notes/7", 405, "GET, HEAD, OPTIONS"},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp, body := exchange(t, address, row.line+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: "+token+"\r\n\r\n")
			if resp.StatusCode != row.status || resp.Header.Get("Allow") != row.allow {
				t.Errorf("%d Allow %q, want %d %q", resp.StatusCode, resp.Header.Get("Allow"), row.status, row.allow)
			}
			if resp.Header.Get("X-Request-Id") == "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("answered outside the layers: %v", resp.Header)
			}
			if empty := row.status == 204 || strings.HasPrefix(row.line, "HEAD"); empty != (body == "") {
				t.Errorf("body %q", body)
			}
		})
	}
}

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	careless := call.Handler(func(w http.ResponseWriter, _ *http.Request, _ *call.Call) error {
		w.Header().Set("ETag", `"7"`)
		w.Header().Set("Content-Type", "text/plain")
		_, err := io.WriteString(w, "a handler that never asks for the method")
		return err
	})
	for name, next := range map[string]http.Handler{"through call.JSON": handler(), "written as for GET": careless} {
		address, token := serveGate(t, next)
		ask := func(method string) (*http.Response, string) {
			return exchange(t, address, method+" /notes/7 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: "+token+"\r\n\r\n")
		}
		get, whole := ask("GET")
		head, none := ask("HEAD")
		if get.StatusCode != 200 || head.StatusCode != 200 || whole == "" || none != "" {
			t.Errorf("%s: GET %d with %d bytes, HEAD %d with %q", name, get.StatusCode, len(whole), head.StatusCode, none)
		}
		for _, field := range []string{"Content-Type", "Content-Length", "ETag", "Cache-Control", "Content-Security-Policy"} {
			if get.Header.Get(field) != head.Header.Get(field) {
				t.Errorf("%s: %s is %q for GET and %q for HEAD", name, field, get.Header.Get(field), head.Header.Get(field))
			}
		}
	}
}
