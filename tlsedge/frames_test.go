package tlsedge

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestIdleHTTP2IsNotSlow: a client that is silent between two requests, that
// waits for an answer, or whose body comes slowly in whole frames keeps its
// connection.
func TestIdleHTTP2IsNotSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair := newCertificate(t, certificate{names: []string{"localhost"}, from: time.Now().Add(-time.Hour)})
		conn, _ := startPipe(t, ServerConfig{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil },
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.TLS == nil || r.TLS.Version != tls.VersionTLS13 || r.ProtoMajor != 2 {
					t.Errorf("the handler sees %v in %s", r.TLS, r.Proto)
				}
				if r.URL.Path == "/late" {
					time.Sleep(25 * time.Second)
				}
				_, _ = io.Copy(w, r.Body)
			}),
		})
		dialled := 0
		transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialled++
			c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			return c, c.HandshakeContext(ctx)
		}}
		defer transport.CloseIdleConnections()
		ask := func(path string, body io.Reader) string {
			answer, err := (&http.Client{Transport: transport}).Post("https://localhost"+path, "text/plain", body)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			all, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Error(err)
			}
			return string(all)
		}
		long := strings.Repeat("x", 200_000)
		for _, pause := range []time.Duration{0, 50 * time.Second, 10 * time.Second} {
			time.Sleep(pause)
			if got := ask("/", strings.NewReader(long)); got != long {
				t.Errorf("%d bytes came back; want %d", len(got), len(long))
			}
			ask("/late", nil)
		}
		slow, to := io.Pipe()
		go func() {
			for range 20 {
				time.Sleep(time.Second)
				_, _ = io.WriteString(to, "y")
			}
			to.Close()
		}()
		if got := ask("/", slow); got != strings.Repeat("y", 20) {
			t.Errorf("of a slow body came %q", got)
		}
		if dialled != 1 {
			t.Errorf("%d connections; want one that is kept", dialled)
		}
	})
}

// TestHTTP1WhereHTTP2WasAgreed: nothing is served to it, for nobody would read it
// strictly, and it is told of.
func TestHTTP1WhereHTTP2WasAgreed(t *testing.T) {
	served := false
	addr, log := startEncrypted(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }))
	for _, text := range []string{
		another, begin + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
		"PRI * HTTP/2.0\r\n\r\n" + another, "PRI * HTTP/1.1\r\nHost: localhost\r\n\r\n", http2Preface[:23] + "\r" + another,
	} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(4 * time.Second))
		say(conn, text)
		if all, _ := io.ReadAll(conn); bytes.Contains(all, []byte("HTTP/1.")) {
			t.Errorf("%q was answered %q", text, all)
		}
		conn.Close()
	}
	if served {
		t.Error("a handler saw a request")
	}
	if want := "refused on the connection: no preface of HTTP/2 where it was agreed"; !strings.Contains(log.String(), want) {
		t.Errorf("log %s; want %q", log.String(), want)
	}
}

// TestFramesAreFollowedInAnyPieces: where frames and blocks end does not depend on
// how their bytes arrive.
func TestFramesAreFollowedInAnyPieces(t *testing.T) {
	stream := hello2 + string(frame(1, 0, 1, []byte("abc"))) + string(frame(9, 4, 1, nil)) + string(frame(0, 1, 1, make([]byte, 300))) + string(frame(8, 0, 0, make([]byte, 4)))
	ends := map[int]bool{len(http2Preface): true, len(hello2): true, len(hello2) + 9 + 3 + 9: true, len(stream) - 13: true, len(stream): true}
	for size := 1; size < 40; size++ {
		c := &frames{times: frameTimes{now: time.Now}}
		for at := 0; at < len(stream); {
			piece := stream[at:min(at+size, len(stream))]
			rest, ok := c.greet([]byte(piece))
			if !ok {
				t.Fatalf("in pieces of %d: not greeted at %d", size, at)
			}
			c.follow(rest)
			if at += len(piece); c.unfinished() == ends[at] {
				t.Errorf("in pieces of %d, at %d: unfinished is %v", size, at, c.unfinished())
			}
		}
	}
}

// TestEachFrameHasItsTime: from its first byte, also where that comes with the last
// of the frame before; a DATA frame has the time of a body to its last byte.
func TestEachFrameHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		start := time.Now()
		c := &frames{Conn: server, times: frameTimes{header: 5 * time.Second, body: 30 * time.Second, now: time.Now}}
		data := string(frame(0, 0, 1, []byte("ab")))
		for _, step := range []struct {
			says  string
			until time.Duration // since the start
		}{
			{hello2 + data[:len(data)-1], 30 * time.Second},
			{data[len(data)-1:] + "\x00\x00\x01\x01", 3*time.Second + 5*time.Second},
		} {
			go say(client, step.says)
			if n, err := io.ReadFull(c, make([]byte, len(step.says))); err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if got := c.deadline.Sub(start); got != step.until {
				t.Errorf("%q has %v", step.says, got)
			}
			time.Sleep(3 * time.Second)
		}
	})
}

// TestNothingIsReadWithoutAGreeting: not even what was taken for one.
func TestNothingIsReadWithoutAGreeting(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	c := &frames{Conn: server, times: frameTimes{now: time.Now}, report: func(net.Addr, string) {}}
	go say(client, "PRI * HTTP/1.1\r\n")
	for range 2 {
		if n, err := c.Read(make([]byte, 64)); n != 0 || !errors.Is(err, errGreeting) {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

// zeroWindow opens a connection whose client takes no byte of any answer, and
// asks count times. It returns how many streams were answered and how many reset
// once all have been one of both.
func zeroWindow(t *testing.T, addr, from string, count int) (conn net.Conn, answered, reset int) {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := tls.DialWithDialer(dialer, "tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	noWindow := frame(4, 0, 0, []byte{0, 4, 0, 0, 0, 0}) // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2)
	say(c, http2Preface+string(noWindow))
	for i := range count {
		say(c, string(frame(1, 5, uint32(1+2*i), []byte("\x82\x87\x84\x41\x09localhost"))))
	}
	for answered+reset < count {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c, head); err != nil {
			t.Fatalf("%d answered, %d reset, then %v", answered, reset, err)
		}
		_, _ = io.CopyN(io.Discard, c, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		switch head[3] {
		case 1:
			answered++
		case 3:
			reset++
		case 0:
			t.Error("DATA without a window")
		}
	}
	return c, answered, reset
}

// TestUnreadAnswersOfHTTP2: answers that wait for a window of nothing are as many
// as one address may have connections. What is above is reset, others are served,
// and what ends makes room.
func TestUnreadAnswersOfHTTP2(t *testing.T) {
	var refused atomic.Int32
	pair := writePair(t, certificate{names: []string{"localhost"}})
	addr := start(t, ServerConfig{
		Handler:      http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a word") }),
		Certificates: []KeyPair{pair}, Log: slog.DiscardHandler,
		Refused: func(_ netip.Addr, fault string) {
			if fault == "too many requests of HTTP/2 at one time" {
				refused.Add(1)
			}
		},
	})
	var conns []net.Conn
	answered, reset := 0, 0
	for range 3 {
		conn, a, r := zeroWindow(t, addr, "127.0.0.1", 100)
		conns, answered, reset = append(conns, conn), answered+a, reset+r
	}
	if answered != 256 || reset != 44 || refused.Load() != 44 {
		t.Errorf("%d answers wait, %d were reset, %d told of; want 256 (one address) of 300", answered, reset, refused.Load())
	}
	if _, a, r := zeroWindow(t, addr, "127.0.0.2", 1); a != 1 || r != 0 {
		t.Errorf("another address: %d answered, %d reset", a, r)
	}
	for _, c := range conns {
		c.Close()
	}
	for range 100 { // the server sees the end of a connection a little later
		if _, a, _ := zeroWindow(t, addr, "127.0.0.1", 100); a == 100 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("connections that have ended make no room")
}

// TestTheTimeOfAFrameIsItsOwn: net/http takes the deadline of a connection away
// whenever it has read a header.
func TestTheTimeOfAFrameIsItsOwn(t *testing.T) {
	for name, set := range map[string]func(net.Conn) error{
		"SetDeadline":     func(c net.Conn) error { return c.SetDeadline(time.Time{}) },
		"SetReadDeadline": func(c net.Conn) error { return c.SetReadDeadline(time.Time{}) },
	} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			c := &frames{Conn: server, times: frameTimes{header: 5 * time.Second, now: time.Now}}
			go say(client, hello2+"\x00\x00\x01\x01")
			start := time.Now()
			for read := 0; read < len(hello2)+4; {
				n, err := c.Read(make([]byte, 64))
				if err != nil {
					t.Fatal(err)
				}
				read += n
			}
			if err := set(c); err != nil {
				t.Error(err)
			}
			_, err := c.Read(make([]byte, 1))
			if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != 5*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			if _, again := c.Read(make([]byte, 1)); !errors.Is(again, os.ErrDeadlineExceeded) {
				t.Errorf("%s: then %v", name, again)
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("writing has no end: %v", err)
			}
			server.Close()
			if err := c.SetDeadline(time.Time{}); err == nil {
				t.Error("a connection that is gone took a deadline")
			}
		})
	}
}
