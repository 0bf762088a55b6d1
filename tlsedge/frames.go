package tlsedge

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"
)

// frames is an HTTP/2 connection as net/http sees it: the bytes behind the
// encryption, unchanged, each frame and each header block within its time.
// net/http has none for them: it waits for the rest of a header as it does for
// the next request. Its own pings are no help, for whoever is slow to read an
// answer is slow to answer a ping that stands behind it.
type frames struct {
	net.Conn // without its ConnectionState, by which net/http would take it for HTTP/1.x
	state    tls.ConnectionState
	times    frameTimes
	report   func(peer net.Addr, fault string)

	greeting int             // how much of the preface has been seen
	head     [frameHead]byte // of a frame
	at       int             // how much of head has been seen
	left     int             // of the frame's payload
	block    bool            // a header block goes on in the next frame
	begun    time.Time       // when its first byte, or that of the frame, was read
	deadline time.Time
	err      error // nothing is read any more
}

// frameTimes are what a client may take.
type frameTimes struct {
	header time.Duration // for the preface, a header block, and any other frame
	body   time.Duration // for a DATA frame, which is as long as 16 KiB
	now    func() time.Time
}

// What RFC 9113 §3.4, §4.1 and §6 state.
const (
	http2Preface      = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHead         = 9
	dataFrame         = 0x0
	headersFrame      = 0x1
	continuationFrame = 0x9
	endHeaders        = 0x4
)

var errGreeting = errors.New("no preface of HTTP/2 where it was agreed")

func newFrames(conn *tls.Conn, times frameTimes, report func(net.Addr, string)) *frames {
	c := &frames{Conn: conn, state: conn.ConnectionState(), times: times, report: report, begun: times.now()}
	c.allow()
	return c
}

// Read reads what follows, and fails for good when it comes too late.
func (c *frames) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Conn.Read(p)
	rest, greeted := c.greet(p[:n])
	if !greeted {
		c.report(c.RemoteAddr(), errGreeting.Error())
		n, err = 0, &net.OpError{Op: "read", Net: "tcp", Addr: c.RemoteAddr(), Err: errGreeting} // net/http does not answer this kind
	}
	c.follow(rest)
	c.allow()
	c.err = err
	return n, err
}

// greet follows the preface and returns what stands behind it. Without it net/http
// would read HTTP/1.x, and nobody would read it strictly.
func (c *frames) greet(p []byte) (rest []byte, ok bool) {
	for i, b := range p {
		if c.greeting == len(http2Preface) {
			return p[i:], true
		}
		if b != http2Preface[c.greeting] {
			return nil, false
		}
		c.greeting++
	}
	return nil, true
}

// follow finds where frames and header blocks begin and end.
func (c *frames) follow(p []byte) {
	for len(p) > 0 {
		if !c.unfinished() {
			c.begun = c.times.now()
		}
		if c.left > 0 {
			n := min(c.left, len(p))
			c.left -= n
			p = p[n:]
			continue
		}
		n := copy(c.head[c.at:], p)
		p = p[n:]
		if c.at += n; c.at < frameHead {
			return
		}
		c.at = 0
		c.left = int(c.head[0])<<16 | int(c.head[1])<<8 | int(c.head[2])
		if kind := c.head[3]; kind == headersFrame || kind == continuationFrame {
			c.block = c.head[4]&endHeaders == 0
		}
	}
}

func (c *frames) unfinished() bool {
	return c.at > 0 || c.left > 0 || c.block || c.greeting < len(http2Preface)
}

// allow sets the time until which what is unfinished may take.
func (c *frames) allow() {
	var until time.Time
	switch {
	case !c.unfinished(): // net/http knows how long a connection may be idle
	case c.left > 0 && c.head[3] == dataFrame:
		until = c.begun.Add(c.times.body)
	default:
		until = c.begun.Add(c.times.header)
	}
	if !until.Equal(c.deadline) {
		c.deadline = until
		_ = c.Conn.SetReadDeadline(until) // a connection that is gone fails on the next read
	}
}

// SetReadDeadline leaves the times as they are: what net/http sets for a
// connection would end those of a frame.
func (c *frames) SetReadDeadline(time.Time) error { return nil }

// SetDeadline sets that of writing alone.
func (c *frames) SetDeadline(t time.Time) error { return c.SetWriteDeadline(t) }

// NetConn returns the connection beneath, as tls.Conn does.
func (c *frames) NetConn() net.Conn { return c.Conn }

// take does nothing: no handler can take over a connection of HTTP/2.
func (c *frames) take() {}

// tell has also told of a refusal beside the log.
func (c *frames) tell(also func(netip.Addr, string)) {
	log := c.report
	c.report = func(peer net.Addr, fault string) {
		log(peer, fault)
		also(addressOf(c), fault)
	}
}
