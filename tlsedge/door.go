package tlsedge

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// door is a listener whose connections are read strictly. With certificates it
// shakes hands before net/http sees a connection, since only then is it known
// which protocol it has: HTTP/2 goes to net/http as frames, HTTP/1.x as a reader.
type door struct {
	net.Listener
	srv *http.Server
	now func() time.Time

	ready  chan accepted
	closed chan struct{}
	once   sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

func newDoor(srv *http.Server, l net.Listener) *door {
	d := &door{Listener: l, srv: srv, now: time.Now, ready: make(chan accepted), closed: make(chan struct{})}
	if srv.TLSConfig != nil {
		go d.welcome()
	}
	return d
}

// Accept returns the next connection that is ready for requests.
func (d *door) Accept() (net.Conn, error) {
	if d.srv.TLSConfig == nil {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		return &reader{Conn: newLull(conn), now: d.now, report: d.report}, nil
	}
	select {
	case a := <-d.ready:
		return a.conn, a.err
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener and every handshake that is not finished.
func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

// welcome accepts until the listener ends. An error waits for net/http, which
// decides whether to try again and when.
func (d *door) welcome() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		conn, err := d.Listener.Accept()
		if err == nil {
			go d.shake(ctx, conn)
			continue
		}
		if !d.offer(accepted{err: err}) {
			return
		}
	}
}

func (d *door) offer(a accepted) bool {
	select {
	case d.ready <- a:
		return true
	case <-d.closed:
		return false
	}
}

// shake shakes hands within the time for a header.
func (d *door) shake(ctx context.Context, raw net.Conn) {
	conn := tls.Server(raw, d.srv.TLSConfig)
	_ = raw.SetDeadline(d.now().Add(d.srv.ReadHeaderTimeout)) // a connection that is gone fails below
	defer d.survive(raw)
	if err := conn.HandshakeContext(ctx); err != nil {
		d.srv.ErrorLog.Printf("http: TLS handshake error from %s: %s", raw.RemoteAddr(), handshakeFault(err))
		_ = raw.Close() // there is nothing to lose
		return
	}
	_ = raw.SetDeadline(time.Time{})
	var ready net.Conn
	if conn.ConnectionState().NegotiatedProtocol == "h2" {
		ready = newFrames(conn, frameTimes{d.srv.ReadHeaderTimeout, d.srv.ReadTimeout, d.now}, d.report)
	} else {
		ready = &tlsReader{reader{Conn: newLull(conn), now: d.now, report: d.report}, conn}
	}
	if !d.offer(accepted{conn: ready}) {
		_ = conn.Close() // the server has stopped; nothing was asked
	}
}

// survive ends the connection alone when a source of certificates panics, as
// net/http does it for handlers.
func (d *door) survive(raw net.Conn) {
	if fault := recover(); fault != nil {
		d.srv.ErrorLog.Printf("tlsedge: panic in the handshake with %s: %v\n%s", raw.RemoteAddr(), fault, debug.Stack())
		_ = raw.Close() // nothing was promised to it
	}
}

// toPlain answers a client that speaks HTTP in the clear, in the words of net/http.
const toPlain = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n" +
	"X-Content-Type-Options: nosniff\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"

// handshakeFault says what went wrong, and answers a client that spoke no TLS.
func handshakeFault(err error) string {
	var record tls.RecordHeaderError
	if !errors.As(err, &record) || record.Conn == nil || !plainHTTP(string(record.RecordHeader[:])) {
		return inOurWords(err.Error())
	}
	_, _ = io.WriteString(record.Conn, toPlain)
	return "client sent an HTTP request to an HTTPS server"
}

// maxFault is how long the words for a handshake that failed may be.
const maxFault = 256

// inOurWords leaves out the lists of the client that crypto/tls quotes whole: a
// hello of 64 KiB would make a line of 320 KiB.
func inOurWords(fault string) string {
	for _, words := range []string{
		"tls: client requested unsupported application protocols",
		"tls: no cipher suite supported by both client and server",
	} {
		if strings.HasPrefix(fault, words) {
			return words
		}
	}
	return fault[:min(len(fault), maxFault)]
}

func plainHTTP(begin string) bool {
	switch begin {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PATCH", "DELET":
		return true
	}
	return false
}

func (d *door) report(peer net.Addr, fault string) {
	d.srv.ErrorLog.Printf("tlsedge: request from %s refused on the connection: %s", peer, fault)
}
