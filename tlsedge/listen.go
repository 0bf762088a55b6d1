package tlsedge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// The caps of a listener that states no others.
const (
	DefaultTotal      = 4096 // connections at one time
	DefaultPerAddress = 256  // of them from one address, or one IPv6 /64
)

// Caps are how many connections a listener holds at one time. A connection
// above them is closed unanswered, so that the others are served. One that a
// handler took over (a WebSocket) counts until it is closed.
type Caps struct {
	Total      int            // DefaultTotal when 0
	PerAddress int            // DefaultPerAddress when 0
	Proxies    []netip.Prefix // declared proxies: all clients arrive from their addresses, so only Total caps them

	// Refused is told of each connection that is closed; nil is nobody. It must
	// not block.
	Refused func(netip.Addr)
}

// Listen listens on a TCP address, "host:port", with caps.
func Listen(ctx context.Context, addr string, caps Caps) (net.Listener, error) {
	if err := caps.defaults(); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return newCapped(l, caps), nil
}

// Limit puts caps on a listener that exists. Connections without an IP address
// (a Unix socket) count in all only.
func Limit(l net.Listener, caps Caps) (net.Listener, error) {
	if err := caps.defaults(); err != nil {
		return nil, err
	}
	return newCapped(l, caps), nil
}

func (c *Caps) defaults() error {
	if c.Total < 0 || c.PerAddress < 0 {
		return errors.New("tlsedge: a cap on connections is negative; it cannot be off")
	}
	if c.Total == 0 {
		c.Total = DefaultTotal
	}
	if c.PerAddress == 0 {
		c.PerAddress = DefaultPerAddress
	}
	return nil
}

type cappedListener struct {
	net.Listener
	crowd
}

func newCapped(l net.Listener, caps Caps) *cappedListener {
	return &cappedListener{l, crowd{caps: caps, from: map[netip.Addr]int{}}}
}

// Accept returns the next connection that is within the caps.
func (l *cappedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := addressOf(conn)
		key := l.key(peer)
		if l.enter(key) {
			return &counted{Conn: conn, leave: func() { l.leave(key) }}, nil
		}
		if l.caps.Refused != nil {
			l.caps.Refused(peer)
		}
		drop(conn)
	}
}

// drop closes at once and keeps nothing in the kernel for the client.
func drop(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // best effort: Close below does the work
	}
	_ = conn.Close() // refused unread: nothing can be lost
}

// crowd counts what is open at one time, in all and by customer.
type crowd struct {
	caps Caps

	mu    sync.Mutex
	total int
	from  map[netip.Addr]int
}

func (l *crowd) enter(key netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.caps.Total || l.from[key] >= l.caps.PerAddress {
		return false
	}
	l.total++
	if key.IsValid() {
		l.from[key]++
	}
	return true
}

func (l *crowd) leave(key netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if !key.IsValid() {
		return
	}
	if l.from[key]--; l.from[key] == 0 {
		delete(l.from, key)
	}
}

// key is what is counted by; invalid for what counts in all only.
func (l *crowd) key(a netip.Addr) netip.Addr {
	for _, p := range l.caps.Proxies {
		if p.Contains(a) {
			return netip.Addr{}
		}
	}
	return customer(a)
}

// customer is the address, or the /64 that one IPv6 customer has.
func customer(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

func addressOf(conn net.Conn) netip.Addr {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// counted is a connection that leaves its listener's count when it is closed.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close closes the connection.
func (c *counted) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}

// CloseWrite ends our side alone; net/http asks for it so that a client can
// read the answer to a request it is still sending.
func (c *counted) CloseWrite() error { return closeWrite(c.Conn) }

// closeWrite ends our side alone where the connection can.
func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// NetConn returns the connection beneath, as tls.Conn does.
func (c *counted) NetConn() net.Conn { return c.Conn }
