package tlsedge

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func nothing() http.Handler { return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) }

// startTLS serves on a real port until the test ends, and returns its address.
func startTLS(t *testing.T, pairs ...KeyPair) string {
	t.Helper()
	return start(t, ServerConfig{
		Handler:      http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
		Certificates: pairs, Log: slog.DiscardHandler,
	})
}

// start serves on an address of its own.
func start(t *testing.T, cfg ServerConfig) (addr string) {
	t.Helper()
	return startCapped(t, cfg, Caps{})
}

func startCapped(t *testing.T, cfg ServerConfig, caps Caps) (addr string) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0", caps)
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, cfg, l)
}

func startOn(t *testing.T, cfg ServerConfig, l net.Listener) (addr string) {
	t.Helper()
	srv, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(srv, l) }()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v; want ErrServerClosed", err)
		}
	})
	return l.Addr().String()
}

func TestHTTP2AndHTTP1OverTLS(t *testing.T) {
	addr := startTLS(t, writePair(t, certificate{names: []string{"localhost"}}))
	for want, h2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get("https://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(body) != want {
			t.Errorf("%s, %v; want %s", body, err, want)
		}
	}
}

// pipe is a listener of one connection in memory, on which the fake clock of
// synctest drives the deadlines.
type pipe struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conn:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipe) Close() error   { close(p.closed); return nil }
func (p pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// watched tells when the server closes its end.
type watched struct {
	net.Conn
	closed chan time.Time
}

func (w watched) Close() error {
	select {
	case w.closed <- time.Now():
	default:
	}
	return w.Conn.Close()
}

// startPipe serves one connection and returns the client's end of it.
func startPipe(t *testing.T, cfg ServerConfig) (net.Conn, <-chan time.Time) {
	t.Helper()
	srv, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	closed := make(chan time.Time, 1)
	p := pipe{make(chan net.Conn, 1), make(chan struct{})}
	p.conn <- watched{server, closed}
	done := make(chan error, 1)
	go func() { done <- Serve(srv, p) }()
	t.Cleanup(func() {
		client.Close()
		srv.Close()
		<-done
	})
	return client, closed
}

// TestTakenOverConnectionOutlivesTheTimeouts: a WebSocket is not cut off.
func TestTakenOverConnectionOutlivesTheTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, closed := startPipe(t, ServerConfig{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			<-time.After(time.Hour)
			say(conn, "an hour later")
		})})
		say(client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		text := make([]byte, len("an hour later"))
		if _, err := io.ReadFull(client, text); err != nil {
			t.Errorf("the connection was closed: %v", err)
		}
		<-closed
	})
}

func TestHeaderAboveTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, closed := startPipe(t, ServerConfig{Handler: nothing()})
		go say(client, "GET / HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", DefaultMaxHeaderBytes+4096)+"\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%v, %v; want 431", answer, err)
		}
		<-closed
	})
}

func TestServerComplaintsGoToTheLog(t *testing.T) {
	var log bytes.Buffer
	srv, err := NewServer(ServerConfig{Handler: nothing(), Log: slog.NewTextHandler(&log, nil)})
	if err != nil {
		t.Fatal(err)
	}
	srv.ErrorLog.Print("http: something")
	if !strings.Contains(log.String(), `level=WARN msg="http: something"`) {
		t.Errorf("log: %s", log.String())
	}
}

func TestNewServerRefuses(t *testing.T) {
	for name, cfg := range map[string]ServerConfig{
		"no handler":                     {},
		"no ReadHeaderTimeout":           {Handler: nothing(), ReadHeaderTimeout: -1},
		"no ReadTimeout":                 {Handler: nothing(), ReadTimeout: -1},
		"no WriteTimeout":                {Handler: nothing(), WriteTimeout: -1},
		"no IdleTimeout":                 {Handler: nothing(), IdleTimeout: -1},
		"a negative header limit":        {Handler: nothing(), MaxHeaderBytes: -1},
		"plain on every address":         {Handler: nothing(), Addr: ":8001"},
		"plain on 0.0.0.0":               {Handler: nothing(), Addr: "0.0.0.0:8001"},
		"plain on a name":                {Handler: nothing(), Addr: "api.example.org:80"},
		"an address without a port":      {Handler: nothing(), Addr: "localhost"},
		"plain on a name like localhost": {Handler: nothing(), Addr: "localhost.example.org:80"},
	} {
		if _, err := NewServer(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNewServerAcceptsPlain(t *testing.T) {
	for name, cfg := range map[string]ServerConfig{
		"on localhost":             {Addr: "localhost:8001"},
		"on a loopback address":    {Addr: "127.0.0.2:8001"},
		"on the IPv6 loopback":     {Addr: "[::1]:8001"},
		"behind a declared proxy":  {Addr: ":8001", Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		"on request":               {Addr: ":8001", InsecurePlain: true},
		"on the caller's listener": {},
	} {
		cfg.Handler = nothing()
		srv, err := NewServer(cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if srv.TLSConfig != nil || srv.Protocols.HTTP2() || srv.Protocols.UnencryptedHTTP2() {
			t.Errorf("%s: TLS or HTTP/2 without certificates", name)
		}
	}
}

func TestNewServerAcceptsEveryAddressWithCertificates(t *testing.T) {
	pair := writePair(t, certificate{names: []string{"localhost"}})
	srv, err := NewServer(ServerConfig{Handler: nothing(), Addr: ":8443", Certificates: []KeyPair{pair}})
	if err != nil || !srv.Protocols.HTTP2() {
		t.Errorf("NewServer: %v; want a server with HTTP/2", err)
	}
}

func TestDefaultLimits(t *testing.T) {
	srv, err := NewServer(ServerConfig{Handler: nothing()})
	if err != nil {
		t.Fatal(err)
	}
	got := []time.Duration{srv.ReadHeaderTimeout, srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout}
	want := []time.Duration{5 * time.Second, 30 * time.Second, 30 * time.Second, 60 * time.Second}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("time %d is %s; want %s", i, got[i], want[i])
		}
	}
	if srv.MaxHeaderBytes != 16<<10 || srv.HTTP2.MaxConcurrentStreams != 100 || srv.HTTP2.MaxReadFrameSize != 16<<10 {
		t.Errorf("%d bytes of header, %+v; want 16384, 100 streams, frames of 16384", srv.MaxHeaderBytes, srv.HTTP2)
	}
	if h := srv.HTTP2; h.SendPingTimeout != 30*time.Second || h.PingTimeout != 5*time.Second || h.WriteByteTimeout != 30*time.Second {
		t.Errorf("%+v; want a ping after half the idle time", h)
	}
}
