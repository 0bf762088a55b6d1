package tlsedge

import (
	"fmt"
	"strings"
	"testing"
)

// The characters of RFC 9110 5.6.2 (tchar) and RFC 9112 7.1 (chunk-size).
const (
	letters   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	tchars    = "!#$%&'*+-.^_`|~0123456789" + letters
	hexDigits = "0123456789abcdefABCDEF"
)

// verdict is the fault of one whole message.
func verdict(raw string) string {
	_, ends, fault := read([]byte(raw), func() int { return len(raw) })
	if fault == "" && len(ends) != 1 {
		return fmt.Sprintf("%d messages end", len(ends))
	}
	return fault
}

// TestEveryByteOfANameAndASize tries all 256 bytes where a grammar lists some.
func TestEveryByteOfANameAndASize(t *testing.T) {
	const host = "Host: localhost\r\n"
	for b := range 256 {
		c := string([]byte{byte(b)})
		if b == '\r' || b == '\n' || b == ' ' || b == ':' || b == ';' {
			continue // they end what is tried here
		}
		for name, row := range map[string]struct {
			raw   string
			among string
		}{
			"method":     {"G" + c + " / HTTP/1.1\r\n" + host + "\r\n", tchars},
			"field name": {"GET / HTTP/1.1\r\n" + host + "X" + c + ": 1\r\n\r\n", tchars},
			"authority":  {"GET http://a" + c + "b/ HTTP/1.1\r\nHost: a" + c + "b\r\n\r\n", "/?-._~[]0123456789" + letters},
			"version":    {"GET / HTTP/1." + c + "\r\n" + host + "\r\n", "0123456789"},
		} {
			if name == "authority" && (b == '/' || b == '?') {
				continue
			}
			if allowed := strings.Contains(row.among, c); (verdict(row.raw) == "") != allowed {
				t.Errorf("%s with %q: fault %q", name, c, verdict(row.raw))
			}
		}
		var f framing
		size := "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1" + c
		f.scan([]byte(size))
		if allowed := strings.Contains(hexDigits, c); (f.fault == "") != allowed {
			t.Errorf("chunk size with %q: fault %q", c, f.fault)
		}
	}
}

// TestNumbersOfTheFramingAtTheirLimits: 18 digits of length, 15 of a chunk size,
// 128 bytes of extensions.
func TestNumbersOfTheFramingAtTheirLimits(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: localhost\r\n"
	const chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
	for name, row := range map[string]struct {
		raw string
		ok  bool
	}{
		"a length of 18 digits":     {post + "Content-Length: " + strings.Repeat("0", 18) + "\r\n\r\n", true},
		"a length of 19 digits":     {post + "Content-Length: " + strings.Repeat("0", 19) + "\r\n\r\n", false},
		"a length with a slash":     {post + "Content-Length: 1/\r\n\r\n", false},
		"a length with a colon":     {post + "Content-Length: 1:\r\n\r\n", false},
		"a length with a nine":      {post + "Content-Length: 9\r\n\r\n123456789", true},
		"one byte":                  {post + "Content-Length: 1\r\n\r\nx", true},
		"a chunk size of 15 digits": {chunked + strings.Repeat("0", 15) + "\r\n\r\n", true},
		"a chunk size of 16 digits": {chunked + strings.Repeat("0", 16) + "\r\n\r\n", false},
		"extensions of 128 bytes":   {chunked + "0;" + strings.Repeat("x", 128) + "\r\n\r\n", true},
		"extensions of 129 bytes":   {chunked + "0;" + strings.Repeat("x", 129) + "\r\n\r\n", false},
		"extensions with a NUL":     {chunked + "0;\x00\r\n\r\n", false},
		"chunks of every digit":     {chunked + "f\r\n123456789012345\r\nF\r\n123456789012345\r\n9\r\n123456789\r\n0\r\n\r\n", true},
	} {
		if got := verdict(row.raw); (got == "") != row.ok {
			t.Errorf("%s: fault %q", name, got)
		}
	}
}

// TestEveryByteOfAHost: RFC 3986 3.2.2 and RFC 4343 (ASCII letters alone have case).
func TestEveryByteOfAHost(t *testing.T) {
	for b := range 256 {
		c := string([]byte{byte(b)})
		if strings.Contains(".:[]", c) {
			continue
		}
		got, ok := normalHost("Xa" + c)
		if want := "xa" + strings.ToLower(c); b < 0x80 && (!ok || got != want) || b >= 0x80 && got != "xa"+c {
			t.Errorf("%q: %q, %v", c, got, ok)
		}
		if alone, _ := normalHost("a" + c); b < 0x80 && alone != "a"+strings.ToLower(c) {
			t.Errorf("%q: %q", c, alone)
		}
		_, err := hostSet([]string{"a" + c + "b"})
		if allowed := strings.Contains("-_0123456789"+letters, c); (err == nil) != allowed {
			t.Errorf("a host with %q: %v", c, err)
		}
		_, ok = normalHost("a:8" + c)
		_, six := normalHost("[::1]:8" + c)
		if digit := b >= '0' && b <= '9'; ok != digit || six != digit {
			t.Errorf("a port with %q: %v, %v in brackets", c, ok, six)
		}
	}
}

func TestHostsAtTheirLimits(t *testing.T) {
	for host, want := range map[string]string{
		"a:65535": "a", "a:123456": "", "a:": "a", "a.": "a", "a..": "", ".": "", "": "", ":80": "",
		"[::1]": "::1", "[::1]:80": "::1", "[::1]:x": "", "[::1]x80": "", "[::1]x": "", "[::1": "", "[::1]80": "",
		"[127.0.0.1]": "", "[fe80::1%25eth0]": "", "[fe80::1%eth0]": "", "[x]": "", "[2001:DB8:0::7]": "2001:db8::7",
		"\u212a": "\u212a", "A\u212a": "a\u212a",
	} {
		if got, ok := normalHost(host); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v, want %q", host, got, ok, want)
		}
	}
	for label, ok := range map[string]bool{strings.Repeat("a", 63): true, strings.Repeat("a", 64): false, "a..b": false, "..": false} {
		if _, err := hostSet([]string{label}); (err == nil) != ok {
			t.Errorf("%q: %v", label, err)
		}
	}
	if _, err := hostSet([]string{"a:x"}); err == nil {
		t.Error("a host with a port that is none")
	}
	for port, ok := range map[int]bool{65535: true, 65536: false} {
		if _, err := New(Config{Hosts: []string{"a"}, Redirect: true, RedirectPort: port}); (err == nil) != ok {
			t.Errorf("port %d: %v", port, err)
		}
	}
}
