package live

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// frameHeader is the most bytes that a frame from a client has beside its
// message (RFC 6455 §5.2).
const frameHeader = 14

// metered puts a meter on the connection that the upgrade takes over. Messages
// and pings are counted one by one, but empty fragments and unasked pongs are
// neither, and the library reads them without end.
type metered struct {
	http.ResponseWriter
	conn *conn
}

// Hijack implements http.Hijacker.
func (m metered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(m.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	return &meter{Conn: c, of: m.conn}, rw, nil
}

// Unwrap is for http.ResponseController.
func (m metered) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// meter ends a connection that sends more in a window than all its messages at
// their largest would be. The reads of a connection come one after the other.
type meter struct {
	net.Conn
	of  *conn
	end time.Time // of the window
	n   int64     // bytes in it
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	now := m.of.hub.cfg.Now()
	if !now.Before(m.end) {
		m.end, m.n = now.Add(m.of.window), 0
	}
	m.n += int64(n)
	if m.n > int64(m.of.rate)*(m.of.limit+frameHeader) {
		m.of.end(websocket.StatusPolicyViolation, "too much data")
	}
	return n, err
}
