package call_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
)

var proxies = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32"),
}

func TestClientAddress(t *testing.T) {
	for _, row := range []struct {
		name      string
		proxies   []netip.Prefix
		peer      string
		forwarded []string
		want      string
	}{
		{"the peer by default", nil, "192.0.2.1:1234", nil, "192.0.2.1"},
		{"rotating X-Forwarded-For with no proxy declared", nil, "192.0.2.1:1234", []string{"198.51.100.1"}, "192.0.2.1"},
		{"X-Forwarded-For from loopback, undeclared", nil, "127.0.0.1:1234", []string{"198.51.100.1"}, "127.0.0.1"},
		{"X-Forwarded-For from an undeclared peer", proxies, "192.0.2.1:1234", []string{"198.51.100.1"}, "192.0.2.1"},
		{"from a declared proxy", proxies, "10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a forged hop left of the true one", proxies, "10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		{"a forged field before the true one", proxies, "10.0.0.1:1234", []string{"203.0.113.9", "198.51.100.1"}, "198.51.100.1"},
		{"two proxies in a row", proxies, "10.0.0.1:1234", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"a forged hop that claims to be a proxy", proxies, "10.0.0.1:1234", []string{"203.0.113.9, 10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		{"words in place of an address", proxies, "10.0.0.1:1234", []string{"unknown"}, "10.0.0.1"},
		{"words left of the true hop", proxies, "10.0.0.1:1234", []string{"localhost, 198.51.100.1"}, "198.51.100.1"},
		{"an empty field", proxies, "10.0.0.1:1234", []string{""}, "10.0.0.1"},
		{"no field", proxies, "10.0.0.1:1234", nil, "10.0.0.1"},
		{"a call of the proxy itself", proxies, "10.0.0.1:1234", []string{"10.0.0.2"}, "10.0.0.2"},
		{"IPv4 in IPv6 as the peer", nil, "[::ffff:192.0.2.1]:1234", nil, "192.0.2.1"},
		{"IPv4 in IPv6 as the proxy", proxies, "[::ffff:10.0.0.1]:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"IPv4 in IPv6 as the hop", proxies, "10.0.0.1:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"a zone is no part of an address", nil, "[fe80::1%eth0]:1234", nil, "fe80::1"},
		{"an IPv6 proxy", proxies, "[fd00::1]:1234", []string{"2001:db8::7"}, "2001:db8::7"},
		{"no peer, as on a Unix socket", nil, "@", nil, "invalid IP"},
	} {
		t.Run(row.name, func(t *testing.T) {
			req := get()
			req.RemoteAddr = row.peer
			for _, f := range row.forwarded {
				req.Header.Add("X-Forwarded-For", f)
			}
			in(t, call.Config{Proxies: row.proxies}, req, func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
				if got := c.Client().String(); got != row.want {
					t.Errorf("%s, want %s", got, row.want)
				}
				if r.RemoteAddr != row.peer {
					t.Errorf("RemoteAddr was rewritten to %s", r.RemoteAddr)
				}
			})
		})
	}
}

func TestRequestIDs(t *testing.T) {
	for _, row := range []struct {
		name, peer, id string
		taken          bool
	}{
		{"from a declared proxy", "10.0.0.1:1", "edge-0199.aB_7", true},
		{"from a stranger", "192.0.2.1:1", "edge-0199.aB_7", false},
		{"too short", "10.0.0.1:1", "1234567", false},
		{"eight bytes", "10.0.0.1:1", "12345678", true},
		{"64 bytes", "10.0.0.1:1", strings.Repeat("a", 64), true},
		{"too long", "10.0.0.1:1", strings.Repeat("a", 65), false},
		{"a line of a log", "10.0.0.1:1", "12345678\nstatus=200", false},
		{"a header field", "10.0.0.1:1", "12345678\r\nSet-Cookie: a=b", false},
		{"a script", "10.0.0.1:1", "<script>alert(1)</script>", false},
		{"a space", "10.0.0.1:1", "1234 5678", false},
		{"letters beyond ASCII", "10.0.0.1:1", "12345678\u00e9", false},
		{"a NUL", "10.0.0.1:1", "12345678\x00", false},
		{"nothing", "10.0.0.1:1", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			req := get()
			req.RemoteAddr = row.peer
			req.Header["X-Request-Id"] = []string{row.id}
			rec := in(t, call.Config{Proxies: proxies, NewID: func() string { return "ours" }}, req, func(http.ResponseWriter, *http.Request, *call.Call) {})
			want := "ours"
			if row.taken {
				want = row.id
			}
			if got := rec.Header().Get("X-Request-Id"); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestTwoRequestIDs: a proxy that adds its id behind that of its client has chosen
// neither for us.
func TestTwoRequestIDs(t *testing.T) {
	req := get()
	req.RemoteAddr = "10.0.0.1:1"
	req.Header["X-Request-Id"] = []string{"of-the-client", "of-the-proxy"}
	rec := in(t, call.Config{Proxies: proxies, NewID: func() string { return "ours" }}, req, func(http.ResponseWriter, *http.Request, *call.Call) {})
	if got := rec.Header().Get("X-Request-Id"); got != "ours" {
		t.Errorf("%q, want ours", got)
	}
}

func TestNothingIsSecureUntilItIsProved(t *testing.T) {
	req := get()
	req.RemoteAddr = "10.0.0.1:1"
	req.Header.Set("X-Forwarded-Proto", "https")
	req.Header.Set("Forwarded", "proto=https")
	in(t, call.Config{Proxies: proxies}, req, func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		if c.Secure() {
			t.Error("call believed a header; tlsedge proves this")
		}
		if c.SetSecure(); !c.Secure() {
			t.Error("SetSecure did nothing")
		}
	})
}

func TestNoTableMatchesNothing(t *testing.T) {
	in(t, call.Config{}, get(), func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
		c.Resolve(nil, r)
		if c.Operation() != nil || c.Match().Operation != nil {
			t.Errorf("%+v", c.Match())
		}
	})
}

func TestARefusalLeavesNoCauseOutside(t *testing.T) {
	rec := httptest.NewRecorder()
	call.Handler(func(http.ResponseWriter, *http.Request, *call.Call) error {
		return http.ErrAbortHandler
	}).ServeHTTP(rec, get())
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "abort") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
