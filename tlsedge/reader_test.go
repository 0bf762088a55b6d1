package tlsedge

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// echo takes the connection over and sends back what it reads, as a WebSocket
// handler would: bytes that are no HTTP.
func echo(t *testing.T, read chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		frame := make([]byte, 5)
		_, err = io.ReadFull(buffered, frame)
		_, _ = conn.Write(frame)
		read <- err
	})
}

const upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

func TestTakenOverConnectionIsNotScanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan error, 1)
		client, _, log := startLogged(t, echo(t, done))
		say(client, upgrade)
		from := bufio.NewReader(client)
		if answer, err := http.ReadResponse(from, nil); err != nil || answer.StatusCode != 101 {
			t.Fatalf("%v, %v; want 101", answer, err)
		}
		const frame = "\x81\x00\n\r\x00"
		say(client, frame)
		back := make([]byte, len(frame))
		if _, err := io.ReadFull(from, back); err != nil || string(back) != frame {
			t.Errorf("%q, %v; want the frame back", back, err)
		}
		if err := <-done; err != nil || log.Len() > 0 {
			t.Errorf("%v, %s", err, log)
		}
	})
}

// TestUpgradeIsNoWayRoundTheReader: a request that only speaks of an upgrade is
// followed by requests that are scanned, and a client that sends frames before
// the 101 is cut off rather than half understood.
func TestUpgradeIsNoWayRoundTheReader(t *testing.T) {
	t.Run("the handler does not take over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, _, _ := startLogged(t, nothing())
			go say(client, upgrade+"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n")
			answers, err := io.ReadAll(client)
			if err != nil || !strings.HasPrefix(string(answers), "HTTP/1.1 200") || !strings.Contains(string(answers), "HTTP/1.1 400") {
				t.Errorf("%q, %v; want 200, then 400", answers, err)
			}
		})
	})
	t.Run("frames before the 101", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			done := make(chan error, 1)
			client, _, log := startLogged(t, echo(t, done))
			go say(client, upgrade+"\x81\x00\n\r\x00 and more")
			_, _ = io.Copy(io.Discard, client)
			if err := <-done; err == nil || !strings.Contains(log.String(), "no method") {
				t.Errorf("read %v, log %s; want an error", err, log)
			}
		})
	})
}

// TestExpectContinueAndLargeBodies: the body is asked for, and arrives whole.
func TestExpectContinueAndLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 << 20
		client, _, log := startLogged(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if n != size || err != nil {
				t.Errorf("%d bytes, %v; want %d", n, err, size)
			}
		}))
		from := bufio.NewReader(client)
		for range 2 { // the connection is kept
			say(client, begin+"Content-Length: 8388608\r\nExpect: 100-continue\r\n\r\n")
			if line, err := from.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
				t.Fatalf("%q, %v; want 100", line, err)
			}
			if _, err := from.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			go client.Write(make([]byte, size))
			if answer, err := http.ReadResponse(from, nil); err != nil || answer.StatusCode != 200 {
				t.Fatalf("%v, %v; want 200", answer, err)
			}
		}
		if log.Len() > 0 {
			t.Error(log)
		}
	})
}

// startEncrypted serves TLS on a real port and returns its address and log.
func startEncrypted(t *testing.T, h http.Handler) (string, *lockedLog) {
	t.Helper()
	log := new(lockedLog)
	srv, err := NewServer(ServerConfig{Handler: h, Certificates: []KeyPair{writePair(t, certificate{names: []string{"localhost"}})},
		Log: slog.NewTextHandler(log, nil)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(t.Context(), "127.0.0.1:0", Caps{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(srv, l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String(), log
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestReaderAboveTLS: HTTP/1.x is scanned behind the encryption as well, the
// refusal can be read though more was sent than anybody reads, and the handler
// knows that the connection was encrypted.
func TestReaderAboveTLS(t *testing.T) {
	addr, log := startEncrypted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.TLS.Version != tls.VersionTLS13 || r.ProtoMajor != 1 {
			t.Errorf("TLS is %v, %s", r.TLS, r.Proto)
		}
	}))
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go say(conn, another+"GET / HTTP/1.1\r\nHost : localhost\r\nX: "+strings.Repeat("x", 200_000))
	from := bufio.NewReader(conn)
	for _, want := range []int{200, 400} {
		answer, err := http.ReadResponse(from, nil)
		if err != nil || answer.StatusCode != want {
			t.Fatalf("%v, %v; want %d", answer, err, want)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	if !strings.Contains(log.String(), "a space before the colon") {
		t.Errorf("log: %s", log)
	}
}

// TestRefusalCanBeRead: on a plain connection too.
func TestRefusalCanBeRead(t *testing.T) {
	srv, err := NewServer(ServerConfig{Handler: nothing()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(t.Context(), "127.0.0.1:0", Caps{})
	if err != nil {
		t.Fatal(err)
	}
	go Serve(srv, l)
	defer srv.Close()
	for range 20 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		say(conn, "GET / HTTP/1.1\r\nHost : localhost\r\nX: "+strings.Repeat("x", 20_000))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != 400 {
			t.Errorf("%v, %v; want 400", answer, err)
		}
		conn.Close()
	}
}

func TestPlainHTTPOnATLSPort(t *testing.T) {
	addr, log := startEncrypted(t, nothing())
	answer, err := http.Get("http://" + addr + "/")
	if err != nil || answer.StatusCode != 400 {
		t.Fatalf("%v, %v; want 400", answer, err)
	}
	answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a browser may take the answer for something else: %v", answer.Header)
	}
	if !strings.Contains(log.String(), "client sent an HTTP request to an HTTPS server") {
		t.Errorf("log: %s", log)
	}
}

// TestHandshakesDoNotWaitForEachOther: clients that are silent hold up nobody,
// and a server that stops waits for none of them.
func TestHandshakesDoNotWaitForEachOther(t *testing.T) {
	addr, _ := startEncrypted(t, nothing())
	for range 20 {
		silent, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // less than a handshake may take
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestServeWantsItsOwnServer(t *testing.T) {
	l := newFakeListener()
	if err := Serve(&http.Server{Handler: nothing()}, l); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v; want an error", err)
	}
}

// TestRefusalsAreTold counts one for each connection that is refused, plain or
// over TLS, and none for the others.
func TestRefusalsAreTold(t *testing.T) {
	const fault = "a space before the colon"
	type refusal struct {
		peer  netip.Addr
		fault string
	}
	pair := writePair(t, certificate{names: []string{"localhost"}})
	for name, certificates := range map[string][]KeyPair{"plain": nil, "TLS": {pair}} {
		told := make(chan refusal, 10)
		addr := start(t, ServerConfig{
			Handler: nothing(), Certificates: certificates, Log: slog.DiscardHandler,
			Refused: func(peer netip.Addr, fault string) { told <- refusal{peer, fault} },
		})
		dial := func() (net.Conn, error) { return net.Dial("tcp", addr) }
		if certificates != nil {
			dial = func() (net.Conn, error) {
				return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
			}
		}
		for _, raw := range []string{"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"} {
			conn, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			say(conn, raw)
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
		if got := <-told; got.fault != fault || got.peer != netip.MustParseAddr("127.0.0.1") || len(told) > 0 {
			t.Errorf("%s: told of %v, and of %d more", name, got, len(told))
		}
	}
}
