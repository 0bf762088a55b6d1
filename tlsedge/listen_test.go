package tlsedge

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeListener offers connections from whatever address it is told.
type fakeListener struct {
	net.Listener
	offers  chan *fakeConn
	all     []*fakeConn
	refused []string
}

type fakeConn struct {
	net.Conn
	remote net.Addr
	closed atomic.Bool
}

func (c *fakeConn) RemoteAddr() net.Addr { return c.remote }
func (c *fakeConn) Close() error         { c.closed.Store(true); return nil }

func newFakeListener() *fakeListener { return &fakeListener{offers: make(chan *fakeConn, 100)} }

func (l *fakeListener) offer(addrs ...string) {
	for _, addr := range addrs {
		c := &fakeConn{remote: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
		l.all = append(l.all, c)
		l.offers <- c
	}
}

func (l *fakeListener) end() { close(l.offers) }

func (l *fakeListener) Accept() (net.Conn, error) {
	c, ok := <-l.offers
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *fakeListener) open() int {
	n := 0
	for _, c := range l.all {
		if !c.closed.Load() {
			n++
		}
	}
	return n
}

func limited(t *testing.T, caps Caps) (*fakeListener, net.Listener) {
	t.Helper()
	l := newFakeListener()
	capped, err := Limit(l, caps)
	if err != nil {
		t.Fatal(err)
	}
	return l, capped
}

// count accepts until the listener ends.
func count(l net.Listener) int {
	n := 0
	for {
		if _, err := l.Accept(); err != nil {
			return n
		}
		n++
	}
}

func TestClosedConnectionsLeaveTheCount(t *testing.T) {
	l, capped := limited(t, Caps{PerAddress: 1})
	for range 3 {
		l.offer("203.0.113.9:1")
		conn, err := capped.Accept()
		if err != nil {
			t.Fatal(err)
		}
		var closing sync.WaitGroup
		for range 3 { // net/http and a handler may both close
			closing.Go(func() { conn.Close() })
		}
		closing.Wait()
	}
	l.offer("203.0.113.9:1", "203.0.113.9:2")
	l.end()
	if n := count(capped); n != 1 {
		t.Errorf("%d connections at one time; want 1: closing twice counts once", n)
	}
}

func TestAddressesThatAreOneCustomer(t *testing.T) {
	for _, row := range []struct {
		name   string
		offers []string
		want   int
	}{
		{"an IPv6 /64", []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::ffff:1]:1"}, 1},
		{"its first and its last address", []string{"[2001:db8::]:1", "[2001:db8::ffff:ffff:ffff:ffff]:1"}, 1},
		{"two of them", []string{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1"}, 2},
		{"IPv4 in IPv6", []string{"203.0.113.9:1", "[::ffff:203.0.113.9]:1"}, 1},
		{"two ports", []string{"203.0.113.9:1", "203.0.113.9:2"}, 1},
		{"the loopback too", []string{"127.0.0.1:1", "127.0.0.1:2"}, 1},
		{"a declared proxy is many", []string{"10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"}, 3},
	} {
		l, capped := limited(t, Caps{PerAddress: 1, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		l.offer(row.offers...)
		l.end()
		if n := count(capped); n != row.want {
			t.Errorf("%s: %d connections; want %d", row.name, n, row.want)
		}
	}
}

func TestProxiesAreCappedInAll(t *testing.T) {
	l, capped := limited(t, Caps{Total: 2, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	l.offer("10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3")
	l.end()
	if n := count(capped); n != 2 {
		t.Errorf("%d connections; want 2", n)
	}
}

func TestDefaultCaps(t *testing.T) {
	l, capped := limited(t, Caps{})
	l.offers = make(chan *fakeConn, 5000)
	for range 300 {
		l.offer("203.0.113.9:1")
	}
	for i := range 4000 {
		l.offer(netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 1).String())
	}
	l.end()
	if n := count(capped); n != 4096 {
		t.Errorf("%d connections; want 256 of the first and 4096 in all", n)
	}
	if n := capped.(*cappedListener).from[netip.MustParseAddr("203.0.113.9")]; n != 256 {
		t.Errorf("%d from one address; want 256", n)
	}
}

// TestDefaultCapsWithinConnections: for requests of HTTP/2 those of connections, for
// the clients of a proxy those of an address, since the listener has counted all.
func TestDefaultCapsWithinConnections(t *testing.T) {
	behind, err := ReadProxyHeaders(nil, ProxyConfig{Proxies: thisMachine})
	if err != nil {
		t.Fatal(err)
	}
	one := netip.MustParseAddr("203.0.113.9")
	for name, c := range map[string]struct {
		crowd *crowd
		total int
	}{
		"requests of HTTP/2": {&newStreams(nil, nil).crowd, 4096},
		"clients of a proxy": {&behind.(*proxyListener).clients, 256 + 4000},
	} {
		for range 300 {
			c.crowd.enter(one)
		}
		for i := range 4000 {
			c.crowd.enter(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}))
		}
		if c.crowd.from[one] != 256 || c.crowd.total != c.total {
			t.Errorf("%s: %d of one address, %d in all", name, c.crowd.from[one], c.crowd.total)
		}
	}
}

func TestCapsCannotBeOff(t *testing.T) {
	for _, caps := range []Caps{{Total: -1}, {PerAddress: -1}} {
		if _, err := Limit(newFakeListener(), caps); err == nil {
			t.Errorf("%+v: accepted by Limit", caps)
		}
		if _, err := Listen(t.Context(), "127.0.0.1:0", caps); err == nil {
			t.Errorf("%+v: accepted by Listen", caps)
		}
	}
}

func TestListenOnATakenPort(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0", Caps{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Listen(t.Context(), l.Addr().String(), Caps{}); err == nil {
		t.Error("the same port twice")
	}
}

// TestConnectionsOpenUp: what stands around a connection gives it back, ends its
// side when asked to, and says what went wrong.
func TestConnectionsOpenUp(t *testing.T) {
	errEnd := errors.New("half is broken")
	for _, row := range []struct {
		beneath net.Conn
		end     error
		close   error
	}{
		{half{watched{&fakeConn{}, make(chan time.Time)}, new(int), errClose, errEnd}, errEnd, errClose},
		{&fakeConn{}, errors.ErrUnsupported, nil},
	} {
		for _, c := range []interface {
			net.Conn
			NetConn() net.Conn
			CloseWrite() error
		}{&counted{Conn: row.beneath, leave: func() {}}, &reader{Conn: row.beneath}, &proxied{Conn: row.beneath}, newLull(row.beneath)} {
			if c.NetConn() != row.beneath {
				t.Errorf("%T: NetConn is not the connection beneath", c)
			}
			if err := c.CloseWrite(); !errors.Is(err, row.end) {
				t.Errorf("%T: CloseWrite: %v; want %v", c, err, row.end)
			}
			if err := c.Close(); !errors.Is(err, row.close) {
				t.Errorf("%T: Close: %v; want %v", c, err, row.close)
			}
		}
	}
}

func TestNothingIsCountedOnceAllAreClosed(t *testing.T) {
	l, capped := limited(t, Caps{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	l.offer("203.0.113.9:1", "10.0.0.1:1", "[2001:db8::1]:1")
	for range 3 {
		conn, err := capped.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if c := capped.(*cappedListener); c.total != 0 || len(c.from) != 0 {
		t.Errorf("%d connections, addresses %v; want none: addresses must not pile up", c.total, c.from)
	}
}

func TestUnixSocketsAreCappedInAll(t *testing.T) {
	l, capped := limited(t, Caps{Total: 2, PerAddress: 1})
	for range 3 {
		l.offers <- &fakeConn{remote: &net.UnixAddr{Name: "@", Net: "unix"}}
	}
	l.end()
	if n := count(capped); n != 2 {
		t.Errorf("%d connections; want 2", n)
	}
}
