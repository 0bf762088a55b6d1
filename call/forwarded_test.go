package call_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// clientFrom is who the client is for a request of a declared proxy with these
// fields, and the notes of the call.
func clientFrom(t testing.TB, cfg call.Config, peer string, header http.Header) (string, []call.Note) {
	t.Helper()
	req := get()
	req.RemoteAddr, req.Header = peer, header
	var client string
	var notes []call.Note
	in(t, cfg, req, func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		client, notes = c.Client().String(), c.Notes()
	})
	return client, notes
}

// The forms are those of RFC 7239 §4 and §6.
func TestForwarded(t *testing.T) {
	const proxy = "10.0.0.1"
	for _, row := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"one hop", []string{`for=192.0.2.60;proto=http;by=203.0.113.43`}, "192.0.2.60"},
		{"names in any case", []string{`For="192.0.2.60";Proto=http`}, "192.0.2.60"},
		{"for after others", []string{`proto=https;host="example.org";for=192.0.2.60`}, "192.0.2.60"},
		{"quoted IPv6 in brackets with a port", []string{`For="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"quoted IPv6 without a port", []string{`for="[2001:db8:cafe::17]"`}, "2001:db8:cafe::17"},
		{"IPv4 with a port", []string{`for="192.0.2.43:47011"`}, "192.0.2.43"},
		{"a hidden port", []string{`for="192.0.2.43:_web"`}, "192.0.2.43"},
		{"IPv4 in IPv6", []string{`for="[::ffff:192.0.2.43]"`}, "192.0.2.43"},
		{"a zone", []string{`for="[fe80::1%eth0]"`}, "fe80::1"},
		{"an escaped character in quotes", []string{`for="192.0.2\.43"`}, "192.0.2.43"},
		{"a list, the proxy's word last", []string{`for=203.0.113.9, for=192.0.2.60`}, "192.0.2.60"},
		{"two fields", []string{`for=203.0.113.9`, `for=192.0.2.60`}, "192.0.2.60"},
		{"past a declared proxy", []string{`for=192.0.2.60, for=10.0.0.2`}, "192.0.2.60"},
		{"past a declared proxy in another field", []string{`for=192.0.2.60`, `for="[fd00::7]:1"`}, "192.0.2.60"},
		{"a forged hop that claims to be a proxy", []string{`for=203.0.113.9, for=10.9.9.9, for=192.0.2.60`}, "192.0.2.60"},
		{"a quote that the client left open", []string{`for="203.0.113.9, for=192.0.2.60`}, "192.0.2.60"},
		{"a quote that the client left open, the proxy quotes", []string{`for="203.0.113.9, for="[2001:db8::7]:443"`}, "2001:db8::7"},
		{"a comma in the client's quotes", []string{`for="1.1.1.1, for=2.2.2.2", for=192.0.2.60`}, "192.0.2.60"},
		{"an escaped quote of the client's", []string{`for="\", for=192.0.2.60`}, "192.0.2.60"},
		{"a comma in the proxy's quotes", []string{`for=203.0.113.9, for=192.0.2.60;ext="a, for=203.0.113.9"`}, "192.0.2.60"},
		{"an escaped quote and a comma in the proxy's quotes", []string{`for=203.0.113.9, for=192.0.2.60;ext="a\", b"`}, "192.0.2.60"},
		{"a name that is no token before for", []string{`x y=1;for=192.0.2.60`}, proxy},
		{"no semicolon after the quotes", []string{`for="192.0.2.60"proto=http`}, proxy},
		{"unknown", []string{`for=unknown`}, proxy},
		{"unknown behind a declared proxy", []string{`for=unknown, for=10.0.0.2`}, "10.0.0.2"},
		{"an identifier that hides", []string{`for=_gazonk`}, proxy},
		{"an identifier that hides, in quotes", []string{`for="_SEVKISEK"`}, proxy},
		{"left of one that hides", []string{`for=192.0.2.60, for=_hidden`}, proxy},
		{"for twice in one element", []string{`for=203.0.113.9;for=192.0.2.60`}, proxy},
		{"no for", []string{`proto=https`}, proxy},
		{"an empty element", []string{`for=203.0.113.9,`}, proxy},
		{"an empty field", []string{``}, proxy},
		{"IPv6 without quotes", []string{`for=[2001:db8::7]`}, proxy},
		{"IPv6 without brackets", []string{`for="2001:db8::7:443"`}, proxy},
		{"IPv4 in brackets", []string{`for="[192.0.2.60]"`}, proxy},
		{"a port that is none", []string{`for="192.0.2.60:port"`}, proxy},
		{"a port of six digits", []string{`for="192.0.2.60:123456"`}, proxy},
		{"a bracket that is not closed", []string{`for="[2001:db8::7"`}, proxy},
		{"text after the brackets", []string{`for="[2001:db8::7]x"`}, proxy},
		{"text after the quotes", []string{`for="192.0.2.60"x`}, proxy},
		{"a space around the sign", []string{`for = 192.0.2.60`}, proxy},
		{"a name that is no token", []string{`fo r=192.0.2.60`}, proxy},
		{"an empty value", []string{`for=`}, proxy},
		{"an escape at the end", []string{`for="192.0.2.60\`}, proxy},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, _ := clientFrom(t, call.Config{Proxies: proxies}, proxy+":443", http.Header{"Forwarded": row.fields})
			if got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if got, _ := clientFrom(t, call.Config{Proxies: proxies}, "192.0.2.200:443", http.Header{"Forwarded": row.fields}); got != "192.0.2.200" {
				t.Errorf("an undeclared peer was believed: %s", got)
			}
		})
	}
}

func TestHopsOfXForwardedForMayHavePorts(t *testing.T) {
	for hop, want := range map[string]string{
		"192.0.2.60:4711": "192.0.2.60", "[2001:db8::7]:443": "2001:db8::7", "[2001:db8::7]": "2001:db8::7", "fe80::1%eth0": "fe80::1",
		"192.0.2.60:": "10.0.0.1", "192.0.2.60:x": "10.0.0.1", "192.0.2.60:1:2": "10.0.0.1", "_hidden": "10.0.0.1", `"192.0.2.60"`: "10.0.0.1",
	} {
		if got, _ := clientFrom(t, call.Config{Proxies: proxies}, "10.0.0.1:443", http.Header{"X-Forwarded-For": {hop}}); got != want {
			t.Errorf("%s: %s, want %s", hop, got, want)
		}
	}
}

func TestTwoFieldsThatDisagreeCountForNothing(t *testing.T) {
	for _, row := range []struct {
		name, listed, standard, want string
		noted                        bool
	}{
		{"agree", "192.0.2.60", "for=192.0.2.60", "192.0.2.60", false},
		{"agree, and forged hops on the left differ", "203.0.113.1, 192.0.2.60", "for=203.0.113.2, for=192.0.2.60", "192.0.2.60", false},
		{"agree in two forms", "::ffff:192.0.2.60", `for="192.0.2.60:1"`, "192.0.2.60", false},
		{"a Forwarded passed on by a proxy that sets the other", "192.0.2.60", "for=203.0.113.9", "10.0.0.1", true},
		{"an X-Forwarded-For passed on by a proxy that sets the other", "203.0.113.9", "for=192.0.2.60", "10.0.0.1", true},
		{"one of them says nothing", "192.0.2.60", "for=unknown", "10.0.0.1", true},
		{"one of them is broken", "192.0.2.60", "for", "10.0.0.1", true},
	} {
		got, notes := clientFrom(t, call.Config{Proxies: proxies}, "10.0.0.1:443",
			http.Header{"X-Forwarded-For": {row.listed}, "Forwarded": {row.standard}})
		noted := slices.Contains(notes, call.Note{Layer: "call", Key: "forwarded", Value: "disagrees"})
		if got != row.want || noted != row.noted {
			t.Errorf("%s: %s, noted %v; want %s, %v", row.name, got, noted, row.want, row.noted)
		}
	}
}

func TestAnUndeclaredProxyIsToldOfOnce(t *testing.T) {
	at := time.Date(2026, 2, 23, 10, 0, 0, 0, time.UTC)
	var told []netip.Prefix
	cfg := call.Config{Proxies: proxies, Now: func() time.Time { return at }, OnUndeclared: func(p netip.Prefix) { told = append(told, p) }}
	h := begin(t, cfg, func(http.ResponseWriter, *http.Request) {})
	send := func(peer string, header http.Header) {
		req := get()
		req.RemoteAddr, req.Header = peer, header
		h.ServeHTTP(discardWriter{}, req)
	}
	forwarded := http.Header{"X-Forwarded-For": {"192.0.2.60"}}
	send("172.18.0.5:1", http.Header{})
	send("10.0.0.1:1", forwarded) // declared
	send("@", forwarded)          // no address to declare
	if len(told) != 0 {
		t.Fatalf("told without a reason: %v", told)
	}
	send("172.18.0.5:1", forwarded)
	at = at.Add(time.Hour)
	send("172.18.0.5:2", forwarded)
	send("172.18.0.77:1", forwarded) // the same network
	want := []netip.Prefix{netip.MustParsePrefix("172.18.0.5/32")}
	if !slices.Equal(told, want) {
		t.Fatalf("%v, want %v", told, want)
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-Proto"} {
		at = at.Add(time.Hour)
		send("[2001:db8:"+map[string]string{"Forwarded": "1", "X-Forwarded-Proto": "2"}[header]+"::7]:1", http.Header{header: {"x"}})
	}
	want = append(want, netip.MustParsePrefix("2001:db8:1::7/128"), netip.MustParsePrefix("2001:db8:2::7/128"))
	if !slices.Equal(told, want) {
		t.Errorf("%v, want %v", told, want)
	}
}

func TestHintsAreBounded(t *testing.T) {
	at := time.Date(2026, 2, 23, 10, 0, 0, 0, time.UTC)
	told := 0
	cfg := call.Config{Now: func() time.Time { return at }, OnUndeclared: func(netip.Prefix) { told++ }}
	h := begin(t, cfg, func(http.ResponseWriter, *http.Request) {})
	flood := func(step time.Duration) {
		for i := range 1000 {
			req := get()
			req.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, byte(i >> 8), byte(i), 1}), 1).String()
			req.Header.Set("X-Forwarded-For", "192.0.2.60")
			h.ServeHTTP(discardWriter{}, req)
			at = at.Add(step)
		}
	}
	if flood(0); told != 1 {
		t.Errorf("%d hints in one minute", told)
	}
	if flood(time.Hour); told != 64 {
		t.Errorf("%d hints of a thousand networks, want 64", told)
	}
}

type discardWriter struct{}

func (discardWriter) Header() http.Header         { return http.Header{} }
func (discardWriter) Write(p []byte) (int, error) { return len(p), nil }
func (discardWriter) WriteHeader(int)             {}

// FuzzForwarded looks for a field that makes the walk believe what a client
// wrote: whatever stands left of the proxy's own element changes nothing.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{
		``, `for=203.0.113.9`, `for="203.0.113.9`, `for="[2001:db8::1]:80";proto=http`, `for="\"`, `for=_x, for=unknown`, `,`, `;`, `"`, `\`,
		`for=203.0.113.9;for=203.0.113.9`, `for="a, b"`, `for=10.0.0.9, for=10.0.0.8`, `"\`, `for="\\"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		for _, own := range []string{`for=192.0.2.60`, `for="192.0.2.60:443";proto=https`, `proto=https;for="192.0.2.60";ext="a,b;for=203.0.113.9"`} {
			got, _ := clientFrom(t, call.Config{Proxies: proxies}, "10.0.0.1:443", http.Header{"Forwarded": {written + ", " + own}})
			if got != "192.0.2.60" {
				t.Errorf("%q, then the proxy's %q: %s", written, own, got)
			}
		}
		got, _ := clientFrom(t, call.Config{Proxies: proxies}, "10.0.0.1:443", http.Header{"Forwarded": {written}})
		if a, err := netip.ParseAddr(got); err != nil || a.Is4In6() || a.Zone() != "" {
			t.Errorf("%q gives %q", written, got)
		}
		listed, _ := clientFrom(t, call.Config{Proxies: proxies}, "10.0.0.1:443", http.Header{"X-Forwarded-For": {written + ", 192.0.2.60"}})
		if listed != "192.0.2.60" {
			t.Errorf("X-Forwarded-For %q: %s", written, listed)
		}
		if strings.ContainsAny(got, "%[]") {
			t.Errorf("%q gives %q", written, got)
		}
	})
}

// TestLocal: nobody is on this machine for whom somebody else speaks.
func TestLocal(t *testing.T) {
	for _, row := range []struct {
		name, peer string
		header     http.Header
		want       bool
	}{
		{"this machine", "127.0.0.1:1", nil, true},
		{"this machine, IPv6", "[::1]:1", nil, true},
		{"this machine, IPv4 in IPv6", "[::ffff:127.0.0.1]:1", nil, true},
		{"another machine", "203.0.113.9:1", nil, false},
		{"no address", "@", nil, false},
		{"a proxy elsewhere that names this machine", "10.0.0.1:1", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, false},
		{"a declared proxy here that names this machine", "127.0.0.9:1", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, false},
		{"a declared proxy here whose fields disagree", "127.0.0.9:1", http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=198.51.100.7"}}, false},
		{"a declared proxy here that hides its client", "127.0.0.9:1", http.Header{"Forwarded": {"for=_hidden"}}, false},
		{"a declared proxy here that does not know its client", "127.0.0.9:1", http.Header{"X-Forwarded-For": {"unknown"}}, false},
		{"an undeclared proxy here", "127.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https"}}, false},
		{"one with a field of nothing", "127.0.0.1:1", http.Header{"X-Forwarded-For": {""}}, false},
		{"one that says Via alone", "127.0.0.1:1", http.Header{"Via": {"1.1 proxy"}}, false},
		{"one of nginx", "127.0.0.1:1", http.Header{"X-Real-Ip": {"203.0.113.9"}}, false},
		{"one that says the host alone", "127.0.0.1:1", http.Header{"X-Forwarded-Host": {"localhost"}}, false},
	} {
		req := get()
		req.RemoteAddr = row.peer
		if row.header != nil {
			req.Header = row.header
		}
		declared := append([]netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}, proxies...)
		in(t, call.Config{Proxies: declared}, req, func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
			if c.Local() != row.want {
				t.Errorf("%s: local is %v, the client %s", row.name, c.Local(), c.Client())
			}
		})
	}
}
