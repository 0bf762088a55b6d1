package tlsedge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// reader is an HTTP/1.x connection as net/http sees it: the bytes of the
// connection up to the first fault of framing, unchanged and uncopied.
//
// At a fault in a request line or header it goes on with a line that net/http
// refuses, so that the 400 comes in its turn, after the answers to the requests
// before, and the connection ends. A fault inside a body fails the read, since
// the request is with its handler by then.
type reader struct {
	net.Conn
	framing framing
	line    strings.Reader // refusedLine, once it is refused
	taken   atomic.Bool    // by a handler; what follows is not HTTP
	refused atomic.Bool    // Close is called from other goroutines
	now     func() time.Time
	report  func(peer net.Addr, fault string)
}

// refusedLine ends whatever line it is put into with a character that is allowed
// nowhere, and then is a line without a colon: net/http answers it with 400
// wherever it stands.
const refusedLine = "\x00\r\n\x00\r\n\r\n"

// errFraming is what a handler finds that reads a body with a fault.
var errFraming = errors.New("the body is not framed as RFC 9112 says")

// lingering is how long a refused client may take to read its answer.
const lingering = 500 * time.Millisecond

// Read reads what may be passed on.
func (r *reader) Read(p []byte) (int, error) {
	if r.framing.fault != "" {
		return r.refusal(p)
	}
	n, err := r.Conn.Read(p)
	if r.taken.Load() {
		return n, err
	}
	good := r.framing.scan(p[:n])
	if r.framing.fault == "" {
		return n, err
	}
	r.refused.Store(true)
	r.line.Reset(refusedLine)
	r.report(r.RemoteAddr(), r.framing.fault)
	if good > 0 { // who reads on may have taken the connection by then
		return good, nil
	}
	return r.refusal(p)
}

func (r *reader) refusal(p []byte) (int, error) {
	if r.taken.Load() || r.framing.state.body() {
		// net/http hangs up without a word after this kind of error: what it
		// would say could be taken for the answer to another request.
		return 0, &net.OpError{Op: "read", Net: "tcp", Addr: r.RemoteAddr(), Err: errFraming}
	}
	return r.line.Read(p)
}

// take ends the scanning: a handler has the connection.
func (r *reader) take() {
	r.taken.Store(true)
	if l, ok := r.Conn.(*lull); ok {
		l.take()
	}
}

// Close closes the connection. A refused client sends more than was read, and
// the kernel would answer that with a reset that overtakes the refusal; so it
// has a moment to read.
func (r *reader) Close() error {
	if !r.refused.Swap(false) || r.CloseWrite() != nil {
		return r.Conn.Close()
	}
	go func() {
		_ = r.SetReadDeadline(r.now().Add(lingering))
		_, _ = io.CopyN(io.Discard, r.Conn, 1<<20)
		_ = r.Conn.Close()
	}()
	return nil
}

// CloseWrite ends our side alone, as net/http asks for.
func (r *reader) CloseWrite() error { return closeWrite(r.Conn) }

// NetConn returns the connection beneath, as tls.Conn does.
func (r *reader) NetConn() net.Conn { return r.Conn }

// tlsReader is a reader of what was decrypted. net/http takes Request.TLS from
// it.
type tlsReader struct {
	reader
	conn *tls.Conn
}

// ConnectionState is that of the handshake.
func (r *tlsReader) ConnectionState() tls.ConnectionState { return r.conn.ConnectionState() }

// tell has also told of a refusal beside the log.
func (r *reader) tell(also func(netip.Addr, string)) {
	log := r.report
	r.report = func(peer net.Addr, fault string) {
		log(peer, fault)
		also(addressOf(r), fault)
	}
}

// taker is a connection that can be told that it carries HTTP no more, and whom
// to tell of a refusal.
type taker interface {
	take()
	tell(also func(netip.Addr, string))
}

// onTakeover ends the scanning of connections that a handler takes over.
func onTakeover(conn net.Conn, s http.ConnState) {
	if c, ok := conn.(taker); ok && s == http.StateHijacked {
		c.take()
	}
}

type connKey struct{}

// withConn lets a request find the connection that it came by, before anything
// is read from it.
func (cfg *ServerConfig) withConn(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(taker); ok {
		c.tell(cfg.Refused)
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// beforeSwitching ends the scanning before a 101 goes out. A client may send its
// first frame as soon as it has read the 101, and net/http reads ahead until the
// handler has taken the connection, which is after that.
func beforeSwitching(c *call.Call, r *http.Request) {
	conn, ok := r.Context().Value(connKey{}).(taker)
	if ok && r.Header.Get("Upgrade") != "" {
		c.Before(func(status int) {
			if status == http.StatusSwitchingProtocols {
				conn.take()
			}
		})
	}
}
