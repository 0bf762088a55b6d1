package tlsedge

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inMemory is a server with a certificate that is good in a bubble too.
func inMemory(t *testing.T, log io.Writer) *http.Server {
	t.Helper()
	pair := newCertificate(t, certificate{names: []string{"localhost"}, from: time.Now().Add(-time.Hour)})
	srv, err := NewServer(ServerConfig{
		Handler: nothing(), Log: slog.NewTextHandler(log, nil),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

// broken is a listener on which nothing works.
type broken struct{ pipe }

var (
	errAccept = errors.New("accept is broken")
	errClose  = errors.New("close is broken")
)

func (broken) Accept() (net.Conn, error) { return nil, errAccept }
func (broken) Close() error              { return errClose }

func TestAListenerThatFailsEndsTheServer(t *testing.T) {
	plain, err := NewServer(ServerConfig{Handler: nothing()})
	if err != nil {
		t.Fatal(err)
	}
	for name, srv := range map[string]*http.Server{"plain": plain, "TLS": inMemory(t, io.Discard)} {
		if err := Serve(srv, broken{}); !errors.Is(err, errAccept) {
			t.Errorf("%s: Serve: %v", name, err)
		}
		if err := newDoor(srv, broken{}).Close(); !errors.Is(err, errClose) {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
}

// TestAServerThatStopsEndsItsHandshakes: a client that is silent holds up nobody.
func TestAServerThatStopsEndsItsHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, l := inMemory(t, io.Discard), pipe{make(chan net.Conn, 1), make(chan struct{})}
		client, server := net.Pipe()
		l.conn <- server
		done := make(chan error, 1)
		go func() { done <- Serve(srv, l) }()
		synctest.Wait()
		start := time.Now()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, client)
		if took := time.Since(start); took != 0 {
			t.Errorf("the handshake outlived the server by %v", took)
		}
		<-done
	})
}

// TestClientsThatSpeakNoTLS: those that speak HTTP are told so, all are closed,
// and net/http sees none of them.
func TestClientsThatSpeakNoTLS(t *testing.T) {
	for _, row := range []struct{ name, says, hears, log string }{
		{"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", toPlain, "client sent an HTTP request to an HTTPS server"},
		{"the method of another", "FROB / HTTP/1.1\r\nHost: localhost\r\n\r\n", "", "first record does not look like a TLS handshake"},
		{"nothing known", "\x00\x01\x02\x03\x04\x05\x06\x07", "", "first record does not look like a TLS handshake"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log strings.Builder
			d := &door{srv: inMemory(t, &log), now: time.Now, ready: make(chan accepted), closed: make(chan struct{})}
			client, server := net.Pipe()
			heard := make(chan string, 1)
			go func() {
				say(client, row.says[:5]) // one record header
				all, _ := io.ReadAll(client)
				heard <- string(all)
			}()
			d.shake(t.Context(), server) // an offer would wait for ever
			if got := <-heard; got != row.hears {
				t.Errorf("%s: heard %q; want %q", row.name, got, row.hears)
			}
			if !strings.Contains(log.String(), row.log) {
				t.Errorf("%s: log %s", row.name, log.String())
			}
		})
	}
	// HTTP behind the first record is for nobody's ears: there is no connection to answer on.
	late := tls.RecordHeaderError{Msg: "late", RecordHeader: [5]byte([]byte("GET /"))}
	if got := handshakeFault(late); got != late.Error() {
		t.Errorf("%q", got)
	}
}
