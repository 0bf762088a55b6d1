package tlsedge

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ProxyConfig is which peers speak the PROXY protocol, version 2.
type ProxyConfig struct {
	Proxies       []netip.Prefix              // declared proxies; every connection of theirs must begin with a header. Required
	HeaderTimeout time.Duration               // to send the header; DefaultReadHeaderTimeout when 0
	PerAddress    int                         // connections of one client, or one IPv6 /64, that proxies state; DefaultPerAddress when 0
	Now           func() time.Time            // the clock; time.Now when nil
	Refused       func(netip.AddrPort, error) // told of a proxy whose header was refused; nil is nobody. It must not block
	Crowded       func(client netip.Addr)     // told of each connection above PerAddress; nil is nobody. It must not block
}

// ReadProxyHeaders returns a listener whose connections have the address that
// the declared proxy in front states with the PROXY protocol, version 2 (as
// HAProxy, the balancers of clouds and nginx's stream module send it). From other peers nothing
// is read: what they send in its place is an HTTP request that cannot be parsed.
//
// A connection of a proxy without a well-formed header is closed unanswered, and
// so is one whose header names a client that cannot be: this machine, when the
// proxy is not on it, a multicast or an unspecified address, or none over TCP: a
// client taken for its proxy could speak in the proxy's name. A LOCAL header, with
// which proxies check that we are well, leaves the proxy's own address. What
// follows the addresses (TLVs) is skipped.
//
// Listen cannot tell the clients of a proxy apart, so each is counted here, once
// it is known: a connection above PerAddress is closed unanswered.
//
// It goes around Listen, whose caps count the proxy, and inside TLS.
func ReadProxyHeaders(l net.Listener, cfg ProxyConfig) (net.Listener, error) {
	if len(cfg.Proxies) == 0 {
		return nil, errors.New("tlsedge: the PROXY protocol without declared proxies; anybody could choose an address")
	}
	if cfg.HeaderTimeout < 0 || cfg.PerAddress < 0 {
		return nil, errors.New("tlsedge: HeaderTimeout or PerAddress is negative; it cannot be off")
	}
	if cfg.HeaderTimeout == 0 {
		cfg.HeaderTimeout = DefaultReadHeaderTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	caps := Caps{Total: math.MaxInt, PerAddress: cmp.Or(cfg.PerAddress, DefaultPerAddress), Proxies: cfg.Proxies} // the total is Listen's
	return &proxyListener{l, cfg, crowd{caps: caps, from: map[netip.Addr]int{}}}, nil
}

type proxyListener struct {
	net.Listener
	cfg     ProxyConfig
	clients crowd
}

// Accept does not wait for the header, for then one slow proxy would hold up
// all: the connection reads it when its address or its first byte is asked for.
func (l *proxyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	peer := addressOf(conn)
	for _, p := range l.cfg.Proxies {
		if p.Contains(peer) {
			return &proxied{Conn: conn, cfg: &l.cfg, clients: &l.clients}, nil
		}
	}
	return conn, nil
}

// proxied is a connection that begins with a header.
type proxied struct {
	net.Conn
	cfg     *ProxyConfig
	clients *crowd

	once   sync.Once
	client net.Addr // nil: the peer is the client
	err    error    // why the header was refused

	mu       sync.Mutex
	deadline time.Time // what the server asked for, put back after the header
	leave    func()    // ends the count of the client; nil while it is not counted
	closed   bool
}

// Read reads what follows the header.
func (c *proxied) Read(p []byte) (int, error) {
	if c.once.Do(c.begin); c.err != nil {
		return 0, c.err
	}
	return c.Conn.Read(p)
}

// RemoteAddr is the address of the client.
func (c *proxied) RemoteAddr() net.Addr {
	if c.once.Do(c.begin); c.client != nil {
		return c.client
	}
	return c.Conn.RemoteAddr()
}

// SetDeadline sets both deadlines.
func (c *proxied) SetDeadline(t time.Time) error {
	c.remember(t)
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline sets the deadline of what follows the header.
func (c *proxied) SetReadDeadline(t time.Time) error {
	c.remember(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *proxied) remember(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
}

// Close closes the connection.
func (c *proxied) Close() error {
	c.mu.Lock()
	c.closed = true
	leave := c.leave
	c.mu.Unlock()
	if leave != nil {
		leave()
	}
	return c.Conn.Close()
}

// CloseWrite ends our side alone.
func (c *proxied) CloseWrite() error { return closeWrite(c.Conn) }

// NetConn returns the connection beneath.
func (c *proxied) NetConn() net.Conn { return c.Conn }

func (c *proxied) begin() {
	c.err = c.Conn.SetReadDeadline(c.cfg.Now().Add(c.cfg.HeaderTimeout))
	var source netip.AddrPort
	if c.err == nil {
		source, c.err = readProxyHeader(c.Conn)
	}
	if c.err == nil {
		c.err = believable(source.Addr(), addressOf(c.Conn))
	}
	if c.err != nil {
		if c.cfg.Refused != nil {
			peer, _ := netip.ParseAddrPort(c.Conn.RemoteAddr().String())
			c.cfg.Refused(peer, c.err)
		}
		_ = c.Conn.Close() // nothing was promised to it
		return
	}
	if source.IsValid() {
		c.client = net.TCPAddrFromAddrPort(source)
		if c.err = c.enter(source.Addr()); c.err != nil {
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = c.Conn.SetReadDeadline(c.deadline)
}

// enter counts the connection as one of its client, or closes it.
func (c *proxied) enter(client netip.Addr) error {
	key := c.clients.key(client)
	if !c.clients.enter(key) {
		if c.cfg.Crowded != nil {
			c.cfg.Crowded(client)
		}
		_ = c.Conn.Close() // nothing was promised to it
		return errors.New("the client that the PROXY header names has too many connections")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave = sync.OnceFunc(func() { c.clients.leave(key) })
	if c.closed { // while the header was read
		c.leave()
	}
	return nil
}

// believable refuses addresses that no client has. This machine's own are more
// than false: plain HTTP and the setup page are open to them.
func believable(client, proxy netip.Addr) error {
	switch {
	case client.IsLoopback() && !proxy.IsLoopback():
		return errors.New("the PROXY header names this machine, and the proxy is on another")
	case client.IsUnspecified() || client.IsMulticast():
		return errors.New("the PROXY header names an address that no client has")
	}
	return nil
}

// ProxyLocal is a whole header, with which a proxy, or this machine in its place,
// asks how the server is and names no client.
const ProxyLocal = proxySignature + "\x20\x00\x00\x00"

// The parts of a header, section 2.2 of the specification of the protocol.
const (
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n"
	proxyFixed     = 16      // signature, version and command, family, length
	maxProxyRest   = 4 << 10 // addresses and TLVs; the protocol allows 64 KiB
	proxyTCP4      = 4 + 4 + 2 + 2
	proxyTCP6      = 16 + 16 + 2 + 2
)

// readProxyHeader reads one header and returns the source that it names; none
// for LOCAL.
func readProxyHeader(r io.Reader) (netip.AddrPort, error) {
	var fixed [proxyFixed]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return netip.AddrPort{}, fmt.Errorf("reading the PROXY header: %w", err)
	}
	if !bytes.HasPrefix(fixed[:], []byte(proxySignature)) {
		return netip.AddrPort{}, errors.New("a declared proxy sent no PROXY header of version 2")
	}
	length := int(binary.BigEndian.Uint16(fixed[14:]))
	if length > maxProxyRest {
		return netip.AddrPort{}, errors.New("the PROXY header is too long")
	}
	rest := make([]byte, length)
	if _, err := io.ReadFull(r, rest); err != nil {
		return netip.AddrPort{}, fmt.Errorf("reading the PROXY header: %w", err)
	}
	return proxySource(fixed[12], fixed[13], rest)
}

// proxySource reads the addresses; the receiver is free to refuse a family that
// it does not know. command is the version in its upper half and
// the command in its lower.
func proxySource(command, family byte, rest []byte) (netip.AddrPort, error) {
	switch command {
	case 0x20: // LOCAL: the proxy speaks for itself, and what follows is to be ignored
		return netip.AddrPort{}, nil
	case 0x21: // PROXY
	default:
		return netip.AddrPort{}, errors.New("the PROXY header has an unknown version or command")
	}
	var client netip.Addr
	var port []byte
	switch family {
	case 0x11: // TCP over IPv4
		if len(rest) < proxyTCP4 {
			return netip.AddrPort{}, errors.New("the PROXY header is too short for its addresses")
		}
		client, port = netip.AddrFrom4([4]byte(rest)), rest[8:]
	case 0x21: // TCP over IPv6
		if len(rest) < proxyTCP6 {
			return netip.AddrPort{}, errors.New("the PROXY header is too short for its addresses")
		}
		client, port = netip.AddrFrom16([16]byte(rest)).Unmap(), rest[32:]
	default:
		return netip.AddrPort{}, errors.New("the PROXY header names no client that came over TCP")
	}
	return netip.AddrPortFrom(client, binary.BigEndian.Uint16(port)), nil
}
