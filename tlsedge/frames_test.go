package tlsedge

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
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
