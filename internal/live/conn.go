package live

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/gatehouse-api/gatehouse/call"
)

// conn is one connection. The goroutine of Serve reads, one other writes, and
// whoever ends the connection leaves the closing handshake to a third.
type conn struct {
	hub       *Hub
	topic     string
	receive   func([]byte) []byte
	principal *call.Principal
	address   netip.Prefix
	limit     int64
	rate      int
	window    time.Duration

	queue   chan []byte
	done    chan struct{} // closed when the connection is to end
	once    sync.Once
	code    websocket.StatusCode
	reason  string
	ws      atomic.Pointer[websocket.Conn]
	closing sync.WaitGroup

	writing atomic.Int64 // when the message being written was begun, in unix nanoseconds; 0 for none
	pinged  time.Time    // of the sweeper's goroutine

	windowEnd time.Time // these two of the reading goroutine
	received  int
}

func newConn(h *Hub, c *call.Call, s Subscriber) *conn {
	k := &conn{
		hub: h, topic: s.Topic, receive: s.Receive, principal: c.Principal(), address: network(c.Client()),
		limit: h.cfg.MaxMessage, rate: h.cfg.Messages, window: h.cfg.Window,
		queue: make(chan []byte, h.cfg.Queue), done: make(chan struct{}), pinged: h.cfg.Now(),
	}
	if op := c.Operation(); op != nil && op.Socket != nil {
		if m := op.Socket.MaxMessage; m > 0 {
			k.limit = min(k.limit, m)
		}
		if b := op.Socket.MaxRate; b.Requests > 0 && b.Window > 0 {
			k.rate, k.window = b.Requests, b.Window
		}
	}
	return k
}

// network is what connections of one client are counted by: one customer has a
// whole IPv6 /64.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all such clients count together
	}
	return p
}

func (k *conn) member() string { return k.principal.IDOf() }

// run serves the connection until it ends.
func (k *conn) run(ctx context.Context, ws *websocket.Conn) {
	ws.SetReadLimit(k.limit)
	k.ws.Store(ws)
	select {
	case <-k.done: // ended before the upgrade was answered
		k.startClosing(ws)
	default:
	}
	k.closing.Go(func() { k.write(ws) })
	err := k.read(ctx, ws)
	k.end(closingOf(err))
	k.closing.Wait()
}

// closingOf is how a connection ends whose next message could not be read. The
// library has answered already where the protocol says so; a second code is not
// sent, it is for the record.
func closingOf(err error) (websocket.StatusCode, string) {
	switch {
	case websocket.CloseStatus(err) != -1:
		return websocket.StatusNormalClosure, "the client closed"
	case errors.Is(err, websocket.ErrMessageTooBig):
		return websocket.StatusMessageTooBig, "the message is too big"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET):
		return websocket.StatusGoingAway, "the client is gone"
	default:
		return websocket.StatusProtocolError, "the frame breaks the protocol"
	}
}

// read handles messages until the connection ends.
func (k *conn) read(ctx context.Context, ws *websocket.Conn) error {
	for {
		kind, message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		switch {
		case k.ended():
			return nil
		case !k.countMessage():
			return nil
		case kind != websocket.MessageText:
			k.end(websocket.StatusUnsupportedData, "only text is read here")
		case !utf8.Valid(message):
			k.end(websocket.StatusInvalidFramePayloadData, "the text is not UTF-8")
		case k.receive != nil:
			if answer := k.receive(message); answer != nil {
				k.answer(answer)
			}
		}
	}
}

// countMessage counts one message or ping against the connection's rate and
// ends the connection when there are too many.
func (k *conn) countMessage() bool {
	now := k.hub.cfg.Now()
	if !now.Before(k.windowEnd) {
		k.windowEnd, k.received = now.Add(k.window), 0
	}
	k.received++
	if k.received > k.rate {
		k.end(websocket.StatusPolicyViolation, "too many messages")
		return false
	}
	return true
}

// answer queues what a message of the client's own is answered with. It waits
// for room: a burst within the rate holds back its sender and nobody else, and
// a write that hangs is ended by the sweeper.
func (k *conn) answer(message []byte) {
	select {
	case k.queue <- message:
	case <-k.done:
	}
}

// send queues an event; a reader that has let the queue fill is dropped.
func (k *conn) send(message []byte) {
	select {
	case k.queue <- message:
	default:
		k.end(websocket.StatusTryAgainLater, "the reader is too slow")
	}
}

// write sends what is queued. It sets no deadline of its own, for a timer per
// message costs more than the message; the sweeper ends a write that hangs.
func (k *conn) write(ws *websocket.Conn) {
	for {
		select {
		case <-k.done:
			return
		case message := <-k.queue:
			if k.ended() { // both were ready; nothing is sent to a session that has ended
				return
			}
			k.writing.Store(k.hub.cfg.Now().UnixNano())
			err := ws.Write(context.Background(), websocket.MessageText, message)
			k.writing.Store(0)
			if err != nil {
				k.end(websocket.StatusGoingAway, "the client is gone")
				return
			}
		}
	}
}

// end begins the end of the connection: from here on it gets no event and no
// message of its is handled. Only the first code counts.
func (k *conn) end(code websocket.StatusCode, reason string) {
	k.once.Do(func() {
		k.code, k.reason = code, reason
		k.closing.Add(1)
		close(k.done)
		go func() {
			defer k.closing.Done()
			k.hub.unsubscribe(k)
			if ws := k.ws.Load(); ws != nil {
				_ = ws.Close(k.code, k.reason) // whatever it says, the connection is closed now
			}
		}()
	})
}

// startClosing closes a connection that was ended before it had a socket.
func (k *conn) startClosing(ws *websocket.Conn) {
	k.closing.Go(func() { _ = ws.Close(k.code, k.reason) })
}

func (k *conn) ended() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// ping asks the other end whether it is there, and ends the connection when
// there is no answer in time.
func (k *conn) ping(timeout time.Duration) {
	ws := k.ws.Load()
	if ws == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := ws.Ping(ctx); err != nil {
		k.end(websocket.StatusPolicyViolation, "no answer to a ping")
	}
}
