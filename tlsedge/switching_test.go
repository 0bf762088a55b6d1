package tlsedge_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// TestAFrameRightBehindThe101Arrives sends as soon as the 101 is read, while
// net/http still reads ahead and the handler has not taken the connection yet.
func TestAFrameRightBehindThe101Arrives(t *testing.T) {
	const frame = "\x81\x84\x00\x00\x00\x00ping"
	sent, got := make(chan struct{}), make(chan string, 1)
	layer, err := tlsedge.New(tlsedge.Config{})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := tlsedge.NewServer(tlsedge.ServerConfig{Addr: "localhost:0", Log: slog.DiscardHandler, Handler: layer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Upgrade", "test")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
		c := http.NewResponseController(w)
		_ = c.Flush()
		<-sent
		<-time.After(150 * time.Millisecond) // net/http has read ahead by now: it looks for a client that has gone
		conn, rw, err := c.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		b := make([]byte, len(frame))
		_, _ = io.ReadFull(rw, b)
		got <- string(b)
	}))})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tlsedge.Listen(context.Background(), "127.0.0.1:0", tlsedge.Caps{})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = tlsedge.Serve(srv, l) }()
	t.Cleanup(func() { _ = srv.Close() })
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
	_, _ = io.WriteString(conn, frame)
	close(sent)
	select {
	case b := <-got:
		if b != frame {
			t.Errorf("the handler reads %q, the client sent %q", b, frame)
		}
	case <-time.After(20 * time.Second):
		t.Error("the frame did not arrive")
	}
}
