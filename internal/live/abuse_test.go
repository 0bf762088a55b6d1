package live_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/live"
)

func TestOrigin(t *testing.T) {
	s := open(t, live.Config{Origins: []string{"https://app.example", "http://localhost:8000"}})
	host := strings.TrimPrefix(s.url, "http://")
	for _, c := range []struct {
		attack  string
		origins []string
		want    int
	}{
		{"no browser, no Origin", nil, 101},
		{"page of the same host", []string{"http://" + host}, 101},
		{"page of the same host in capitals", []string{"HTTP://" + strings.ToUpper(host)}, 101},
		{"listed page", []string{"https://app.example"}, 101},
		{"listed page with its default port", []string{"https://app.example:443"}, 101},
		{"listed page over plain HTTP", []string{"http://app.example"}, 403},
		{"listed development page", []string{"http://localhost:8000"}, 101},
		{"another port of a listed host", []string{"http://localhost:8002"}, 403},
		{"another port of the same host", []string{"http://127.0.0.1:1"}, 403},
		{"foreign page", []string{"https://evil.example"}, 403},
		{"name that begins like ours", []string{"https://app.example.evil.example"}, 403},
		{"name that ends like ours", []string{"https://evilapp.example"}, 403},
		{"sandboxed page", []string{"null"}, 403},
		{"empty Origin", []string{""}, 403},
		{"wildcard", []string{"*"}, 403},
		{"user in the origin", []string{"https://app.example@evil.example"}, 403},
		{"path in the origin", []string{"https://app.example/x"}, 403},
		{"two origins", []string{"https://app.example", "https://evil.example"}, 403},
	} {
		t.Run(c.attack, func(t *testing.T) {
			header := upgradeHeader()
			for _, o := range c.origins {
				header += "Origin: " + o + "\r\n"
			}
			resp, body := raw(t, s.url, header)
			if resp.StatusCode != c.want {
				t.Fatalf("status %d, want %d", resp.StatusCode, c.want)
			}
			if strings.Contains(body, "evil") {
				t.Errorf("the answer quotes the origin: %s", body)
			}
		})
	}
	s.wantLen(0)
}

func TestPlainPageMayNotConnectToSecureHost(t *testing.T) {
	hub, err := live.New(live.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		c.SetSecure()
		return hub.Serve(w, r, c, live.Subscriber{})
	}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}}
	host := strings.TrimPrefix(server.URL, "https://")
	_, resp, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{HTTPClient: client, HTTPHeader: http.Header{"Origin": {"http://" + host}}})
	if err == nil || resp.StatusCode != http.StatusForbidden {
		t.Fatalf("plain page: %v, want 403", resp)
	}
	ws, _, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{HTTPClient: client, HTTPHeader: http.Header{"Origin": {"https://" + host}}})
	if err != nil {
		t.Fatal(err)
	}
	_ = ws.CloseNow()
}

func TestHandshake(t *testing.T) {
	s := open(t, live.Config{})
	good := upgradeHeader()
	for _, c := range []struct {
		attack, header string
		want           int
	}{
		{"well-formed", good, 101},
		{"several connection options", strings.Replace(good, "Connection: Upgrade", "Connection: keep-alive, upgrade", 1), 101},
		{"no upgrade at all", "", 426},
		{"no Connection", strings.Replace(good, "Connection: Upgrade\r\n", "", 1), 426},
		{"another protocol", strings.Replace(good, "Upgrade: websocket", "Upgrade: h2c", 1), 426},
		{"old version", strings.Replace(good, "Version: 13", "Version: 8", 1), 426},
		{"no key", strings.Replace(good, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 1), 400},
		{"short key", strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 1), 400},
		{"two keys", good + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400},
	} {
		t.Run(c.attack, func(t *testing.T) {
			resp, _ := raw(t, s.url, c.header)
			if resp.StatusCode != c.want {
				t.Fatalf("status %d, want %d", resp.StatusCode, c.want)
			}
			if c.want == 426 && resp.Header.Get("Upgrade") != "websocket" {
				t.Error("426 without Upgrade (RFC 9110 §15.5.22)")
			}
			if c.want >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("refused as %s", resp.Header.Get("Content-Type"))
			}
			if c.want == 101 && resp.Header.Get("Sec-WebSocket-Extensions") != "" {
				t.Error("compression was agreed")
			}
		})
	}
}

func TestTooManyConnections(t *testing.T) {
	for _, c := range []struct {
		attack string
		cfg    live.Config
		member string
		want   int
	}{
		{"one address opens all", live.Config{PerAddress: 3}, "", 429},
		{"one member opens all", live.Config{PerPrincipal: 3}, "ann", 429},
		{"many clients open all", live.Config{MaxConns: 3}, "", 503},
	} {
		t.Run(c.attack, func(t *testing.T) {
			s := open(t, c.cfg)
			var first *websocket.Conn
			for range 3 {
				first = s.dial("Test-Member", c.member)
			}
			_, resp, err := s.try(nil, "Test-Member", c.member)
			if err == nil || resp.StatusCode != c.want || resp.Header.Get("Retry-After") == "" {
				t.Fatalf("fourth: %v, want %d with Retry-After", resp, c.want)
			}
			if err := first.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Fatal(err)
			}
			s.wantLen(2)
			s.dial("Test-Member", c.member)
		})
	}
}

func TestUnmaskedFrameIsProtocolError(t *testing.T) {
	s := open(t, live.Config{})
	conn, reader := upgraded(t, s.url)
	if _, err := conn.Write([]byte{0x81, 4, 'p', 'i', 'n', 'g'}); err != nil { // RFC 6455 §5.1: a server closes on an unmasked frame
		t.Fatal(err)
	}
	frame := make([]byte, 4)
	if _, err := io.ReadFull(reader, frame); err != nil {
		t.Fatal(err)
	}
	if code := int(frame[2])<<8 | int(frame[3]); frame[0] != 0x88 || code != 1002 {
		t.Errorf("frame % x, want a close with 1002", frame)
	}
}

func TestClientThatVanishes(t *testing.T) {
	s := open(t, live.Config{})
	conn, _ := upgraded(t, s.url)
	s.wantLen(1)
	_ = conn.Close()
	s.wantLen(0)
}

func TestSlowReaderIsDropped(t *testing.T) {
	t.Parallel()
	s := open(t, live.Config{Queue: 4})
	quick := s.dial()
	conn, _ := upgraded(t, s.url) // reads nothing more
	defer func() { _ = conn.Close() }()
	s.wantLen(2)
	big := say(strings.Repeat("x", 256<<10))
	quick.SetReadLimit(1 << 20)
	for range 64 {
		s.hub.Publish(big)
		s.read(quick)
	}
	s.wantLen(1)
	s.hub.Publish(say("on time"))
	if got := s.read(quick); got != "on time" {
		t.Errorf("the quick reader got %q", got)
	}
}

func TestSlowReaderIsTold(t *testing.T) {
	s := open(t, live.Config{Queue: 1})
	slow := s.dial()
	slow.SetReadLimit(1 << 20)
	big := say(strings.Repeat("x", 256<<10))
	for range 64 {
		s.hub.Publish(big)
	}
	s.wantClose(slow, websocket.StatusTryAgainLater)
}

func TestHangingWriteEnds(t *testing.T) {
	t.Parallel()
	s := open(t, live.Config{Queue: 1000, WriteTimeout: 20 * time.Millisecond, Recheck: 5 * time.Millisecond})
	conn, _ := upgraded(t, s.url)
	defer func() { _ = conn.Close() }()
	for range 100 {
		s.hub.Publish(say(strings.Repeat("x", 256<<10)))
	}
	s.wantLen(0)
}

// A burst within the rate is the client's right, and no sign that it reads slowly.
func TestBurstIsAnswered(t *testing.T) {
	t.Parallel()
	s := open(t, live.Config{Queue: 1})
	conn, reader := upgraded(t, s.url)
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(strings.Repeat("\x81\x84\x00\x00\x00\x00ping", 60))); err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("\x81\x06\"pong\"", 60)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(reader, got); err != nil || string(got) != want {
		t.Errorf("60 pings at once are answered with %d bytes ending in %q, %v", n, got[max(0, n-40):n], err)
	}
}

func TestWhoAsksAndNeverReadsIsDropped(t *testing.T) {
	t.Parallel()
	s := open(t, live.Config{Queue: 1, WriteTimeout: 20 * time.Millisecond, Recheck: 5 * time.Millisecond})
	conn, _ := upgraded(t, s.url)
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(strings.Repeat("\x81\x84\x00\x00\x00\x00much", 60))); err != nil {
		t.Fatal(err)
	}
	s.wantLen(0)
}

func upgradeHeader() string {
	return "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
}

// raw sends one request and returns the answer's header and body.
func raw(t *testing.T, url, header string) (*http.Response, string) {
	t.Helper()
	conn, reader := request(t, url, header)
	defer func() { _ = conn.Close() }()
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, ""
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func upgraded(t *testing.T, url string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, reader := request(t, url, upgradeHeader())
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v %v", resp, err)
	}
	return conn, reader
}

func request(t *testing.T, url, header string) (net.Conn, *bufio.Reader) {
	t.Helper()
	host := strings.TrimPrefix(url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", host, header); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}
