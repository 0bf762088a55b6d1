package tlsedge

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// v2 is a header as the specification (section 2.2) lays it out, written here by
// hand: signature, version and command, family, length, and what follows.
func v2(command, family byte, rest ...byte) string {
	header := []byte{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, command, family, byte(len(rest) >> 8), byte(len(rest))}
	return string(append(header, rest...))
}

// 198.51.100.7:4711 to 203.0.113.1:443, and 2001:db8::7 likewise.
var (
	from4 = []byte{198, 51, 100, 7, 203, 0, 113, 1, 0x12, 0x67, 0x01, 0xbb}
	from6 = unhex("20010db8000000000000000000000007" + "20010db8000000000000000000000001" + "1267" + "01bb")
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func source4(a, b, c, d byte) []byte { return append([]byte{a, b, c, d}, from4[4:]...) }

// tellClients serves the address of the client, behind the listener.
func tellClients(t *testing.T, cfg ProxyConfig) (address string, refused chan error) {
	t.Helper()
	refused = make(chan error, 16)
	cfg.Refused = func(_ netip.AddrPort, err error) { refused <- err }
	inner, err := Listen(context.Background(), "127.0.0.1:0", Caps{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := ReadProxyHeaders(inner, cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := NewServer(ServerConfig{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(srv, l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return l.Addr().String(), refused
}

// answerTo sends raw bytes and returns all that comes back.
func answerTo(t *testing.T, address, raw string) (own, answer string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	all, _ := io.ReadAll(conn) // a reset is an answer too: none
	return conn.LocalAddr().String(), string(all)
}

const ask = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

var thisMachine = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func TestProxyHeaders(t *testing.T) {
	address, refused := tellClients(t, ProxyConfig{Proxies: thisMachine})
	const peer, closed = "peer", ""
	for _, row := range []struct{ name, header, want string }{
		{"TCP over IPv4", v2(0x21, 0x11, from4...), "198.51.100.7:4711"},
		{"TCP over IPv6", v2(0x21, 0x21, from6...), "[2001:db8::7]:4711"},
		{"IPv4 in IPv6", v2(0x21, 0x21, unhex("00000000000000000000ffffc6336407"+"20010db8000000000000000000000001"+"1267"+"01bb")...), "198.51.100.7:4711"},
		{"more than the addresses", v2(0x21, 0x11, append(bytes.Clone(from4), 0x04, 0, 1, 0)...), "198.51.100.7:4711"},
		{"LOCAL, a health check", v2(0x20, 0x00), peer},
		{"LOCAL with addresses, which are to be ignored", v2(0x20, 0x11, from4...), peer},
		{"a client without an address", v2(0x21, 0x00), closed},
		{"no header", "", closed},
		{"version 1", "PROXY TCP4 198.51.100.7 203.0.113.1 4711 443\r\n", closed},
		{"version 3", v2(0x31, 0x11, from4...), closed},
		{"an unknown command", v2(0x22, 0x11, from4...), closed},
		{"UDP", v2(0x21, 0x12, from4...), closed},
		{"a Unix socket", v2(0x21, 0x31, make([]byte, 216)...), closed},
		{"half an address", v2(0x21, 0x11, from4[:11]...), closed},
		{"half an IPv6 address", v2(0x21, 0x21, from6[:35]...), closed},
		{"too long", v2(0x21, 0x11, append(bytes.Clone(from4), make([]byte, 4096)...)...), closed},
		{"a signature with one byte changed", strings.Replace(v2(0x21, 0x11, from4...), "QUIT", "QUIZ", 1), closed},
		{"nobody's address", v2(0x21, 0x11, source4(0, 0, 0, 0)...), closed},
		{"a group of machines", v2(0x21, 0x11, source4(224, 0, 0, 1)...), closed},
		{"two headers", v2(0x21, 0x11, from4...) + v2(0x21, 0x11, from4...), "400"},
	} {
		t.Run(row.name, func(t *testing.T) {
			own, answer := answerTo(t, address, row.header+ask)
			want := row.want
			if want == peer {
				want = own
			}
			if want == closed {
				if answer != "" {
					t.Errorf("answered %q", answer)
				}
				if err := <-refused; err == nil {
					t.Error("refused without a reason")
				}
				return
			}
			if !strings.Contains(answer, want) {
				t.Errorf("%q, want %s", answer, want)
			}
		})
	}
}

func TestAStrangerCannotChooseAnAddress(t *testing.T) {
	address, _ := tellClients(t, ProxyConfig{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if _, answer := answerTo(t, address, v2(0x21, 0x11, from4...)+ask); strings.Contains(answer, "198.51.100.7") || !strings.Contains(answer, "400 Bad Request") {
		t.Errorf("a header of an undeclared peer: %q", answer)
	}
	if own, answer := answerTo(t, address, ask); !strings.HasSuffix(answer, own) {
		t.Errorf("a plain request of an undeclared peer: %q", answer)
	}
}

func TestThisMachineIsNotNamedFromElsewhere(t *testing.T) {
	for _, row := range []struct {
		client, proxy string
		ok            bool
	}{
		{"127.0.0.1", "10.0.0.1", false}, {"::1", "10.0.0.1", false}, {"127.0.0.1", "127.0.0.1", true}, {"198.51.100.7", "127.0.0.1", true}, {"198.51.100.7", "10.0.0.1", true},
	} {
		if err := believable(netip.MustParseAddr(row.client), netip.MustParseAddr(row.proxy)); (err == nil) != row.ok {
			t.Errorf("%s through %s: %v", row.client, row.proxy, err)
		}
	}
	client, server := net.Pipe()
	defer func() { _ = client.Close() }()
	conn := &proxied{Conn: server, clients: &crowd{}, cfg: &ProxyConfig{Proxies: thisMachine, HeaderTimeout: time.Minute, Now: time.Now}}
	go func() { _, _ = io.WriteString(client, v2(0x21, 0x11, source4(127, 0, 0, 1)...)) }()
	if _, err := conn.Read(make([]byte, 1)); err == nil || conn.RemoteAddr().String() == "127.0.0.1:4711" {
		t.Errorf("a proxy elsewhere made a client local: %v, %v", conn.RemoteAddr(), err)
	}
}

func TestASlowProxyIsClosedInTime(t *testing.T) {
	address, refused := tellClients(t, ProxyConfig{Proxies: thisMachine, HeaderTimeout: 20 * time.Millisecond})
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, v2(0x21, 0x11, from4...)[:20]); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, answer := answerTo(t, address, v2(0x21, 0x11, from4...)+ask); !strings.Contains(answer, "198.51.100.7") {
		t.Errorf("another was held up: %q", answer)
	}
}

// from is a connection whose peer has the address that it is given.
type from struct {
	net.Conn
	peer netip.AddrPort
}

func (c from) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.peer) }

// acceptProxied is the connection of a proxy on this machine, and its far end.
func acceptProxied(t *testing.T, cfg ProxyConfig) (client, conn net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	beneath := pipe{make(chan net.Conn, 1), make(chan struct{})}
	beneath.conn <- from{server, netip.MustParseAddrPort("127.0.0.1:1")}
	cfg.Proxies = thisMachine
	l, err := ReadProxyHeaders(beneath, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, conn
}

// TestTheServersDeadlineIsKept: the one it asked for before the header comes back
// behind it, one that it asks for later holds, and a failure is told.
func TestTheServersDeadlineIsKept(t *testing.T) {
	for name, set := range map[string]func(net.Conn, time.Time) error{
		"SetDeadline":     func(c net.Conn, at time.Time) error { return c.SetDeadline(at) },
		"SetReadDeadline": func(c net.Conn, at time.Time) error { return c.SetReadDeadline(at) },
	} {
		synctest.Test(t, func(t *testing.T) {
			client, conn := acceptProxied(t, ProxyConfig{HeaderTimeout: time.Hour})
			for round, wait := range []time.Duration{20 * time.Millisecond, 3 * time.Second} {
				start := time.Now()
				if err := set(conn, start.Add(wait)); err != nil {
					t.Fatal(err)
				}
				if round == 0 {
					go say(client, v2(0x21, 0x11, from4...))
				}
				if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != wait {
					t.Errorf("%s, round %d: %v after %v", name, round, err, time.Since(start))
				}
			}
			if got := conn.RemoteAddr().String(); got != "198.51.100.7:4711" {
				t.Errorf("client %s", got)
			}
			conn.Close()
			if err := set(conn, time.Now()); err == nil {
				t.Errorf("%s of a closed connection: no error", name)
			}
		})
	}
}

// TestTheTimeOfAProxyHeader is that of a request's header unless it is stated.
func TestTheTimeOfAProxyHeader(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var refused netip.AddrPort
			_, conn := acceptProxied(t, ProxyConfig{HeaderTimeout: timeout, Refused: func(peer netip.AddrPort, _ error) { refused = peer }})
			start := time.Now()
			n, err := conn.Read(make([]byte, 1))
			if took := time.Since(start); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
				t.Errorf("%d bytes, %v after %v; want %v", n, err, took, want)
			}
			if refused.String() != "127.0.0.1:1" {
				t.Errorf("told of %v", refused)
			}
		})
	}
}

// TestProxyHeadersAtTheirLimits: no beginning of a header is one, and it may have
// 4 KiB behind its fixed part.
func TestProxyHeadersAtTheirLimits(t *testing.T) {
	for _, whole := range []string{v2(0x21, 0x11, from4...), v2(0x21, 0x21, from6...), v2(0x20, 0)} {
		for n := range whole {
			if source, err := readProxyHeader(strings.NewReader(whole[:n])); err == nil {
				t.Errorf("%d bytes of %x: %v", n, whole, source)
			}
		}
	}
	for length, ok := range map[int]bool{4096: true, 4097: false} {
		rest := append(bytes.Clone(from4), make([]byte, length-len(from4))...)
		if source, err := readProxyHeader(strings.NewReader(v2(0x21, 0x11, rest...))); (err == nil) != ok || ok && source.String() != "198.51.100.7:4711" {
			t.Errorf("%d bytes: %v, %v", length, source, err)
		}
	}
}

func TestProxyConfigs(t *testing.T) {
	for _, cfg := range []ProxyConfig{{}, {Proxies: thisMachine, HeaderTimeout: -1}, {Proxies: thisMachine, PerAddress: -1}} {
		if _, err := ReadProxyHeaders(nil, cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// TestAFloodBehindAProxy: one client takes all it may have and more through a
// proxy that states it, and the others of the proxy are served.
func TestAFloodBehindAProxy(t *testing.T) {
	client := func(address string) string {
		ip := netip.MustParseAddr(address)
		if ip.Is4() {
			a := ip.As4()
			return v2(0x21, 0x11, append(a[:], from4[4:]...)...)
		}
		a := ip.As16()
		return v2(0x21, 0x21, append(a[:], from6[16:]...)...)
	}
	crowded := make(chan netip.Addr, 128)
	address, _ := tellClients(t, ProxyConfig{Proxies: thisMachine, PerAddress: 2, Crowded: func(a netip.Addr) { crowded <- a }})
	open := func(header string) (net.Conn, bool) {
		conn, err := net.DialTimeout("tcp", address, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		say(conn, header+strings.Replace(ask, "Connection: close\r\n", "", 1))
		n, _ := conn.Read(make([]byte, 1))
		return conn, n == 1
	}
	var kept net.Conn
	for _, row := range []struct {
		name, header string
		told         string // of whom it is told that he has too many; "" is served
	}{
		{"the first of a client", client("198.51.100.7"), ""},
		{"the second", client("198.51.100.7"), ""},
		{"the third", client("198.51.100.7"), "198.51.100.7"},
		{"IPv4 in IPv6, the same", client("::ffff:198.51.100.7"), "198.51.100.7"},
		{"another client", client("198.51.100.8"), ""},
		{"one of a /64", client("2001:db8::1"), ""},
		{"a second of it", client("2001:db8::2"), ""},
		{"a third", client("2001:db8::3"), "2001:db8::3"},
		{"a health check of the proxy", v2(0x20, 0), ""},
		{"another", v2(0x20, 0), ""},
		{"a third", v2(0x20, 0), ""},
	} {
		conn, served := open(row.header)
		if served != (row.told == "") {
			t.Errorf("%s: served %v", row.name, served)
		}
		if kept == nil {
			kept = conn
		}
		if row.told == "" {
			continue
		}
		select {
		case got := <-crowded:
			if got.String() != row.told {
				t.Errorf("%s: told of %s; want %s", row.name, got, row.told)
			}
		default: // who sees the end of the connection finds it told
			t.Errorf("%s: told of nobody; want %s", row.name, row.told)
		}
	}
	if len(crowded) > 0 {
		t.Errorf("told of %s, who was served", <-crowded)
	}
	_ = kept.Close()
	for range 100 { // the server sees the end of a connection a little later
		if _, served := open(client("198.51.100.7")); served {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("a connection that has ended makes no room")
}

// deaf is a connection from which bytes come after it was closed: they had arrived.
type deaf struct{ net.Conn }

func (deaf) Close() error { return nil }

// TestConnectionsAreCountedOnce: from the header on until the first Close, and not
// at all when that came before the header; one above the cap is told why it ends.
func TestConnectionsAreCountedOnce(t *testing.T) {
	client, conn := acceptProxied(t, ProxyConfig{PerAddress: 1})
	defer client.Close()
	p, _ := conn.(*proxied)
	p.Conn = deaf{p.Conn}
	counted := func(when string, want int) {
		t.Helper()
		if p.clients.total != want || len(p.clients.from) != want {
			t.Errorf("%s: %d connections, %v are counted; want %d", when, p.clients.total, p.clients.from, want)
		}
	}
	go say(client, v2(0x21, 0x11, from4...))
	_ = conn.RemoteAddr()
	counted("open", 1)
	client2, server2 := net.Pipe()
	defer client2.Close()
	second := &proxied{Conn: from{server2, netip.MustParseAddrPort("127.0.0.1:1")}, cfg: p.cfg, clients: p.clients}
	go say(client2, v2(0x21, 0x11, from4...))
	if _, err := second.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "too many connections") {
		t.Errorf("the second: %v", err)
	}
	_ = second.Close()
	counted("beside one that was refused", 1)
	for range 2 {
		_ = conn.Close()
		counted("closed", 0)
	}
	client3, server3 := net.Pipe()
	defer client3.Close()
	third := &proxied{Conn: deaf{from{server3, netip.MustParseAddrPort("127.0.0.1:1")}}, cfg: p.cfg, clients: p.clients}
	_ = third.Close()
	go say(client3, v2(0x21, 0x11, from4...))
	if got := third.RemoteAddr().String(); got != "198.51.100.7:4711" {
		t.Errorf("the header names %s", got)
	}
	counted("closed before its header", 0)
}

// FuzzProxyHeader wants every header to be refused or to give a source that is
// in its bytes, whatever follows it to be left unread, and no panic.
func FuzzProxyHeader(f *testing.F) {
	for _, seed := range []string{
		"", v2(0x21, 0x11, from4...), v2(0x21, 0x21, from6...), v2(0x20, 0), v2(0x21, 0), v2(0x21, 0x31, make([]byte, 216)...),
		v2(0x21, 0x11, from4[:3]...), "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", v2(0x21, 0x11, from4...)[:15], ask,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const after = "GET /"
		r := bytes.NewReader(append(bytes.Clone(data), after...))
		source, err := readProxyHeader(r)
		if err != nil {
			if source.IsValid() {
				t.Errorf("refused, and yet %s", source)
			}
			return
		}
		if r.Len() < len(after) && len(data) >= proxyFixed+int(data[14])<<8+int(data[15]) {
			t.Errorf("%d bytes of the request are gone", len(after)-r.Len())
		}
		if !source.IsValid() {
			return
		}
		if a := source.Addr().As16(); !bytes.Contains(data, source.Addr().AsSlice()) && !bytes.Contains(data, a[:]) || source.Addr().Is4In6() {
			t.Errorf("%s is not in %x", source, data)
		}
	})
}
