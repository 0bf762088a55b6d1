package tlsedge

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// greeting is the status that answers a request.
func greeting(conn net.Conn, request string) string {
	say(conn, request)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error()
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.Status
}

// TestTheTotalHoldsOnAServer: with every place taken, by idle connections and by
// one that a handler has taken over, one more is reset, of which the kernel keeps
// nothing; the others are served on, and each that ends makes room for one.
func TestTheTotalHoldsOnAServer(t *testing.T) {
	const idle, last = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			echo(t, make(chan error, 1)).ServeHTTP(w, r)
		}
	})
	for name, certificates := range map[string][]KeyPair{"plain": nil, "TLS": {writePair(t, certificate{names: []string{"localhost"}})}} {
		refused := make(chan netip.Addr, 1)
		addr := startCapped(t, ServerConfig{Handler: handler, Certificates: certificates}, Caps{Total: 3, Refused: func(a netip.Addr) { refused <- a }})
		reset := func() bool {
			raw, err := net.Dial("tcp", addr) // the reset may be here before it returns
			if err == nil {
				defer raw.Close()
				_ = raw.SetReadDeadline(time.Now().Add(2 * time.Second)) // of one that is not
				_, err = raw.Read(make([]byte, 1))
			}
			return errors.Is(err, syscall.ECONNRESET)
		}
		dial := func() (raw, conn net.Conn) {
			raw, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { raw.Close() })
			if certificates != nil {
				return raw, tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
			}
			return raw, raw
		}
		_, first := dial()
		raw, second := dial()
		_, socket := dial()
		for conn, request := range map[net.Conn]string{first: idle, second: idle, socket: upgrade} {
			if got := greeting(conn, request); got != "200 OK" && got != "101 Switching Protocols" {
				t.Fatalf("%s: one of three is answered %q", name, got)
			}
		}
		for range 3 {
			if !reset() {
				t.Fatalf("%s: a fourth is not reset", name)
			}
			if peer := <-refused; !peer.IsLoopback() {
				t.Errorf("%s: told of %v", name, peer)
			}
		}
		if got := greeting(first, idle); got != "200 OK" {
			t.Errorf("%s: one of the three is answered %q after that", name, got)
		}
		greeting(second, last)
		_, _ = io.Copy(io.Discard, raw) // the end of the connection
		if _, next := dial(); greeting(next, idle) != "200 OK" {
			t.Errorf("%s: the place of one that ended is not free", name)
		}
		if !reset() {
			t.Errorf("%s: it is free twice", name)
		}
	}
}

// TestWebSocketsWantTLS shakes hands as RFC 6455 §1.3 does and sends the frame of
// its §5.7: over TLS they arrive, and in the clear from elsewhere no socket opens.
// The PROXY protocol says where elsewhere is.
func TestWebSocketsWantTLS(t *testing.T) {
	const (
		handshake = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
		masked, hello = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "\x81\x05Hello"
	)
	for _, row := range []struct {
		name      string
		encrypted bool // the server has a certificate
		wss       bool // and the client speaks TLS
		cfg       Config
		fields    string
		want      string // the status, and what the socket sends back
	}{
		{"wss", true, true, Config{}, "", "101 Hello"},
		{"ws to the port of wss", true, false, Config{}, "", "400 "},
		{"ws", false, false, Config{}, "", "403 "},
		{"ws that says it was wss", false, false, Config{}, "X-Forwarded-Proto: https\r\nForwarded: proto=https\r\n", "403 "},
		{"ws where pages are redirected", false, false, Config{Redirect: true}, "", "308 "},
		{"ws through a proxy that had wss", false, false, Config{Proxies: []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")}}, "X-Forwarded-Proto: https\r\n", "101 Hello"},
	} {
		t.Run(row.name, func(t *testing.T) {
			layer, err := New(row.cfg)
			if err != nil {
				t.Fatal(err)
			}
			cfg := ServerConfig{InsecurePlain: !row.encrypted, Handler: layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Upgrade", "websocket")
				w.Header().Set("Connection", "Upgrade")
				w.Header().Set("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
				w.WriteHeader(http.StatusSwitchingProtocols)
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				frame := make([]byte, len(masked))
				if _, err := io.ReadFull(rw, frame); err != nil || string(frame) != masked {
					t.Errorf("%x, %v", frame, err)
				}
				if c := call.From(r.Context()); !c.Secure() {
					t.Error("the socket is not known to be encrypted")
				}
				say(conn, hello)
			}))}
			if row.encrypted {
				cfg.Certificates = []KeyPair{writePair(t, certificate{names: []string{"localhost"}})}
			}
			conn, err := net.Dial("tcp", startBehindProxy(t, cfg))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			say(conn, v2(0x21, 0x11, from4...))
			if row.wss {
				conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
			}
			say(conn, handshake+row.fields+"\r\n")
			from := bufio.NewReader(conn)
			answer, err := http.ReadResponse(from, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := answer.Status[:4]
			if answer.StatusCode == http.StatusSwitchingProtocols {
				say(conn, masked)
				frame, _ := io.ReadAll(from)
				got += strings.TrimPrefix(string(frame), hello[:2])
			}
			if got != row.want {
				t.Errorf("%q; want %q", got, row.want)
			}
		})
	}
}

// startBehindProxy serves connections that begin with a PROXY header.
func startBehindProxy(t *testing.T, cfg ServerConfig) string {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0", Caps{})
	if err != nil {
		t.Fatal(err)
	}
	if l, err = ReadProxyHeaders(l, ProxyConfig{Proxies: thisMachine}); err != nil {
		t.Fatal(err)
	}
	return startOn(t, cfg, l)
}
