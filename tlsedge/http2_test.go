package tlsedge

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// frame is one of HTTP/2 (RFC 9113 §4.1).
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	return append(binary.BigEndian.AppendUint32(append(head, flags), stream), payload...)
}

// fields writes literal fields without indexing (RFC 7541 §6.2.2).
func fields(pairs ...string) (b []byte) {
	for i, s := range pairs {
		if i%2 == 0 {
			b = append(b, 0)
		}
		b = append(append(b, byte(len(s))), s...)
	}
	return b
}

// askHTTP2 sends one request of HTTP/2 made by hand and returns its status, or how
// the stream or the connection ended.
func askHTTP2(t *testing.T, addr string, pairs ...string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	say(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+string(frame(4, 0, 0, nil))+string(frame(1, 5, 1, fields(pairs...))))
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			return err.Error()
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return err.Error()
		}
		switch head[3] {
		case 1: // HEADERS, :status first
			switch payload[0] {
			case 0x88:
				return "200"
			case 0x89:
				return "204"
			case 0x8c:
				return "400"
			}
			return fmt.Sprintf("another status: %x", payload)
		case 3:
			return fmt.Sprintf("reset %d", binary.BigEndian.Uint32(payload))
		case 7:
			return fmt.Sprintf("end %d", binary.BigEndian.Uint32(payload[4:]))
		}
	}
}

// TestHTTP2Requests: what HTTP/2 does not have, and what two readers could tell
// apart differently once it is written as HTTP/1.1 (RFC 9113 §8.2 and §8.3).
func TestHTTP2Requests(t *testing.T) {
	layer, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int32
	addr, _ := startEncrypted(t, layer(call.Handler(func(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
		served.Add(1)
		return call.NoContent(w, r)
	})))
	usual := []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "localhost"}
	for _, row := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"an honest request", nil, "204"},
		{"TE: trailers", []string{"te", "trailers"}, "204"},
		{"Host that agrees", []string{"host", "localhost"}, "204"},
		{"Connection", []string{"connection", "close"}, "400"},
		{"Keep-Alive", []string{"keep-alive", "timeout=5"}, "400"},
		{"Proxy-Connection", []string{"proxy-connection", "keep-alive"}, "400"},
		{"H2.TE: Transfer-Encoding", []string{"transfer-encoding", "chunked"}, "400"},
		{"h2c: Upgrade", []string{"upgrade", "h2c"}, "400"},
		{"TE other than trailers", []string{"te", "gzip"}, "400"},
		{"H2.CL: a length without a body", []string{"content-length", "10"}, "400"},
		{"a length that is none", []string{"content-length", "x"}, "400"},
		{"a length that is right", []string{"content-length", "0"}, "204"},
		{"two lengths", []string{"content-length", "0", "content-length", "10"}, "400"},
		{"a name in capitals", []string{"X-Test", "a"}, "reset 1"},
		{"CR LF in a value", []string{"x", "a\r\ntransfer-encoding: chunked"}, "reset 1"},
		{"LF in a name", []string{"x\ny", "a"}, "reset 1"},
		{"a colon in a name", []string{"x:y", "a"}, "reset 1"},
		{"a pseudo-field behind a field", []string{"x", "a", ":path", "/admin"}, "reset 1"},
		{"an unknown pseudo-field", []string{":protocol", "websocket"}, "reset 1"},
		{"Host of another", []string{"host", "evil.example"}, "400"},
		{"two Hosts", []string{"host", "localhost", "host", "evil.example"}, "400"},
	} {
		t.Run(row.name, func(t *testing.T) {
			served.Store(0)
			if got := askHTTP2(t, addr, append(usual[:len(usual):len(usual)], row.pairs...)...); got != row.want {
				t.Errorf("%s; want %s", got, row.want)
			}
			if reached := served.Load() > 0; reached != (row.want == "204") {
				t.Errorf("a handler saw the request: %v", reached)
			}
		})
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest("POST", "https://"+addr, strings.NewReader("twelve bytes"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "localhost"
	if answer, err := transport.RoundTrip(r); err != nil || answer.StatusCode != 204 || answer.ProtoMajor != 2 {
		t.Errorf("a body as long as it says: %v, %v", answer, err)
	}
	// RFC 9113 §8.3.1: the path begins with a slash, or is an asterisk.
	for _, path := range []string{"https://evil.example/", "https://localhost/", "javascript:1"} {
		if got := askHTTP2(t, addr, ":method", "GET", ":scheme", "https", ":path", path, ":authority", "localhost"); got != "400" {
			t.Errorf("path %s: %s; want 400", path, got)
		}
	}
}

// TestFrameAboveTheLimit: no frame may be larger than 16 KiB.
func TestFrameAboveTheLimit(t *testing.T) {
	addr, _ := startEncrypted(t, nothing())
	pairs := []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "localhost"}
	for range 200 {
		pairs = append(pairs, "x", strings.Repeat("x", 100))
	}
	const frameSizeError = "end 6" // RFC 9113 §7
	if got := askHTTP2(t, addr, pairs...); got != frameSizeError {
		t.Errorf("%s; want %s", got, frameSizeError)
	}
}

// TestNoSessionTickets: every connection has keys of its own.
func TestNoSessionTickets(t *testing.T) {
	addr, _ := startEncrypted(t, nothing())
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := tls.NewLRUClientSessionCache(4)
		for range 2 {
			conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", MaxVersion: version, ClientSessionCache: cache})
			if err != nil {
				t.Fatal(err)
			}
			say(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // TLS 1.3 sends tickets behind the handshake
			if conn.ConnectionState().DidResume {
				t.Errorf("version %x: a session was resumed", version)
			}
			conn.Close()
		}
	}
}
