package tlsedge

import (
	"net"
	"sync"
	"time"
)

// patience is how long a handler works before somebody looks whether its client
// is still there.
const patience = 100 * time.Millisecond

// lull is a connection on which what net/http asks for with each request waits
// until it matters, for most requests are over before that.
//
// A read deadline, of which there are six a request, is set when something is
// read. And the read of one byte, by which net/http learns while a handler works
// that the client has gone, begins after patience; it would cost a system call,
// a turn of the poller and two deadlines, to be broken off.
type lull struct {
	net.Conn

	mu      sync.Mutex
	until   time.Time // the read deadline
	owed    bool      // Conn does not have it yet
	reading int       // reads of Conn that are on their way
	waiting bool      // somebody waits for over
	taken   bool      // by a handler, whose reads are its own
	over    sync.Cond
	timer   *time.Timer
}

func newLull(conn net.Conn) *lull {
	l := &lull{Conn: conn}
	l.over.L = &l.mu
	return l
}

// Read reads, within the deadline.
func (l *lull) Read(p []byte) (int, error) {
	if err := l.begin(len(p) == 1); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(p)
	l.mu.Lock()
	l.reading--
	l.mu.Unlock()
	return n, err
}

func (l *lull) begin(one bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	// net/http's header and body have a deadline, and only this read has none.
	if one && l.until.IsZero() && !l.taken {
		l.wait()
	}
	if err := l.pay(); err != nil {
		return err
	}
	l.reading++
	return nil
}

// wait is called with the lock, and gives it up meanwhile.
func (l *lull) wait() {
	if l.timer == nil {
		l.timer = time.AfterFunc(patience, l.end)
	} else {
		l.timer.Reset(patience)
	}
	for l.waiting = true; l.waiting; {
		l.over.Wait()
	}
}

// take ends the waiting: a handler has the connection, and may read it by bytes.
func (l *lull) take() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = true
}

func (l *lull) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	l.over.Broadcast()
}

func (l *lull) pay() error {
	if !l.owed {
		return nil
	}
	l.owed = false
	return l.Conn.SetReadDeadline(l.until)
}

// SetReadDeadline sets the time at which reads fail.
func (l *lull) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.owed = t, true
	if !t.IsZero() {
		l.waiting = false
		l.over.Broadcast()
	}
	if l.reading > 0 {
		return l.pay()
	}
	return nil
}

// SetDeadline sets the time at which reads and writes fail.
func (l *lull) SetDeadline(t time.Time) error {
	if err := l.SetReadDeadline(t); err != nil {
		return err
	}
	return l.SetWriteDeadline(t)
}

// Close closes the connection.
func (l *lull) Close() error {
	l.end()
	return l.Conn.Close()
}

// CloseWrite ends our side alone, as net/http asks for.
func (l *lull) CloseWrite() error { return closeWrite(l.Conn) }

// NetConn returns the connection beneath, as tls.Conn does.
func (l *lull) NetConn() net.Conn { return l.Conn }
