package tlsedge

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
)

// witnessed is a listener of given connections, each of which says when it is
// closed.
type witnessed struct {
	conns []net.Conn
	saw   func(string)
}

func (w *witnessed) Accept() (net.Conn, error) {
	if len(w.conns) == 0 {
		return nil, net.ErrClosed
	}
	conn := w.conns[0]
	w.conns = w.conns[1:]
	return ending{conn, w.saw}, nil
}
func (w *witnessed) Close() error   { return nil }
func (w *witnessed) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

type ending struct {
	net.Conn
	saw func(string)
}

func (e ending) Close() error         { e.saw("closed"); return e.Conn.Close() }
func (e ending) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711} }

// TestARefusalIsToldBeforeTheEnd: who sees that his connection is closed finds it
// told.
func TestARefusalIsToldBeforeTheEnd(t *testing.T) {
	header := v2(0x21, 0x11, from4...)
	for name, row := range map[string]struct {
		sent   []string
		listen func(net.Listener, func()) (net.Listener, error)
	}{
		"more than the caps": {[]string{"", ""}, func(l net.Listener, told func()) (net.Listener, error) {
			return newCapped(l, Caps{Total: 1, PerAddress: 2, Refused: func(netip.Addr) { told() }}), nil
		}},
		"no PROXY header": {[]string{ask}, func(l net.Listener, told func()) (net.Listener, error) {
			return ReadProxyHeaders(l, ProxyConfig{Proxies: thisMachine, Refused: func(netip.AddrPort, error) { told() }})
		}},
		"more of one client": {[]string{header, header}, func(l net.Listener, told func()) (net.Listener, error) {
			return ReadProxyHeaders(l, ProxyConfig{Proxies: thisMachine, PerAddress: 1, Crowded: func(netip.Addr) { told() }})
		}},
	} {
		var order []string
		saw := func(what string) { order = append(order, what) }
		inner := &witnessed{saw: saw}
		for _, text := range row.sent {
			client, server := net.Pipe()
			inner.conns = append(inner.conns, server)
			go func() { _, _ = io.WriteString(client, text) }()
		}
		l, err := row.listen(inner, func() { saw("told") })
		if err != nil {
			t.Fatal(err)
		}
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			_ = conn.RemoteAddr() // for which a PROXY header is read
		}
		if !slices.Equal(order, []string{"told", "closed"}) {
			t.Errorf("%s: %q, want told before closed", name, order)
		}
	}
}
