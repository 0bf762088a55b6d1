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
	visible   = ":;/?@[](){}<>=,\"\\" + tchars // RFC 5234 VCHAR
)

// obsText are the bytes beyond ASCII (RFC 9110 5.5).
var obsText = func() string {
	b := make([]byte, 128)
	for i := range b {
		b[i] = byte(128 + i)
	}
	return string(b)
}()

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
		for name, row := range map[string]struct {
			raw   string
			among string
			ends  string // what ends the thing tried, and is not tried here
		}{
			"method":     {"G" + c + " / HTTP/1.1\r\n" + host + "\r\n", tchars, " "},
			"field name": {"GET / HTTP/1.1\r\n" + host + "X" + c + ": 1\r\n\r\n", tchars, ":"},
			"authority":  {"GET http://a" + c + "b/ HTTP/1.1\r\nHost: a" + c + "b\r\n\r\n", "-._~:[]0123456789" + letters, "/?"},
			"version":    {"GET / HTTP/1." + c + "\r\n" + host + "\r\n", "0123456789", ""},
			"major":      {"GET / HTTP/" + c + ".1\r\n" + host + "\r\n", "013456789", ""},
			"target":     {"GET /" + c + " HTTP/1.1\r\n" + host + "\r\n", visible + obsText, " "},
			"value":      {"GET / HTTP/1.1\r\n" + host + "X: " + c + "1\r\n\r\n", " \t" + visible + obsText, ""},
		} {
			if strings.Contains(row.ends, c) {
				continue
			}
			if allowed := strings.Contains(row.among, c); (verdict(row.raw) == "") != allowed {
				t.Errorf("%s with %q: fault %q", name, c, verdict(row.raw))
			}
		}
		var f framing
		size := "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1" + c
		f.scan([]byte(size))
		if allowed := strings.Contains(hexDigits+";\r", c); (f.fault == "") != allowed {
			t.Errorf("chunk size with %q: fault %q", c, f.fault)
		}
	}
}

// TestNumbersOfTheFramingAtTheirLimits: 63 bits of length, 15 digits of a chunk
// size, 128 bytes of extensions.
func TestNumbersOfTheFramingAtTheirLimits(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: localhost\r\n"
	long := strings.Repeat("a", 300)
	const chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
	for name, row := range map[string]struct {
		raw string
		ok  bool
	}{
		"a length of 63 bits":           {post + "Content-Length: 9223372036854775807\r\n\r\n", true},
		"a length of 64 bits":           {post + "Content-Length: 9223372036854775808\r\n\r\n", false},
		"a length of nothing":           {post + "Content-Length: 0000000000000000000000\r\n\r\n", true},
		"a length with a slash":         {post + "Content-Length: 1/\r\n\r\n", false},
		"a length with a colon":         {post + "Content-Length: 1:\r\n\r\n", false},
		"a length with a nine":          {post + "Content-Length: 9\r\n\r\n123456789", true},
		"one byte":                      {post + "Content-Length: 1\r\n\r\nx", true},
		"a chunk size of 15 digits":     {chunked + strings.Repeat("0", 15) + "\r\n\r\n", true},
		"a chunk size of 16 digits":     {chunked + strings.Repeat("0", 16) + "\r\n\r\n", false},
		"extensions of 128 bytes":       {chunked + "0;" + strings.Repeat("x", 128) + "\r\n\r\n", true},
		"extensions of 129 bytes":       {chunked + "0;" + strings.Repeat("x", 129) + "\r\n\r\n", false},
		"extensions with a NUL":         {chunked + "0;\x00\r\n\r\n", false},
		"extensions of each message":    {strings.Repeat(chunked+"0;"+strings.Repeat("x", 100)+"\r\n\r\n", 2), true},
		"a second chunk without a size": {chunked + "1\r\nx\r\n\r\n\r\n", false},
		"a second chunk of 15 digits":   {chunked + "1\r\nx\r\n" + strings.Repeat("0", 15) + "\r\n\r\n", true},
		"a method of 256 bytes":         {strings.Repeat("G", 256) + " / HTTP/1.1\r\n\r\n", true},
		"a method of 257 bytes":         {strings.Repeat("G", 257) + " / HTTP/1.1\r\n\r\n", false},
		"a host of 256 bytes":           {"GET http://" + long[:256] + "/ HTTP/1.1\r\n\r\n", true},
		"a host of 257 bytes":           {"GET http://" + long[:257] + "/ HTTP/1.1\r\n\r\n", false},
		"a host in capitals":            {"GET http://ZOO/ HTTP/1.1\r\nHost: zoo\r\n\r\n", true},
		"a name of 300 bytes":           {"GET / HTTP/1.1\r\n" + long + ": 1\r\n\r\n", true},
		"a value of 300 slashes":        {"GET / HTTP/1.1\r\nX: " + strings.Repeat("/", 300) + "\r\n\r\n", true},
		"chunks of every digit":         {chunked + "f\r\n123456789012345\r\nF\r\n123456789012345\r\n9\r\n123456789\r\n0\r\n\r\n", true},
	} {
		var f framing
		f.scan([]byte(row.raw))
		if (f.fault == "") != row.ok || row.ok && f.state != atStart && f.state != inBody {
			t.Errorf("%s: fault %q, state %d", name, f.fault, f.state)
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
		lower := c
		if strings.Contains(letters, c) {
			lower = strings.ToLower(c)
		}
		if got, alone := normalHost("Xa"+c), normalHost("a"+c); got != "xa"+lower || alone != "a"+lower {
			t.Errorf("%q: %q and %q", c, got, alone)
		}
		_, err := hostSet([]string{"a" + c + "b"})
		if allowed := strings.Contains("-_0123456789"+letters, c); (err == nil) != allowed {
			t.Errorf("a host with %q: %v", c, err)
		}
		four, six := normalHost("a:8"+c), normalHost("[::1]:8"+c)
		if digit := b >= '0' && b <= '9'; (four == "a") != digit || (six == "::1") != digit {
			t.Errorf("a port with %q: %q, %q in brackets", c, four, six)
		}
	}
}

func TestHostsAtTheirLimits(t *testing.T) {
	for host, want := range map[string]string{
		"a:65535": "a", "a:123456": "", "a:": "a", "a.": "a", ".": "", "": "", ":80": "", "a:8:": "", "[::1]:8:": "", "A[": "a[",
		"[::1]": "::1", "[::1]:80": "::1", "[::1]:x": "", "[::1]x80": "", "[::1]x": "", "[::1": "", "[::1]80": "",
		"[127.0.0.1]": "", "[fe80::1%25eth0]": "", "[fe80::1%eth0]": "", "[x]": "", "[2001:DB8:0::7]": "2001:db8::7",
		"\u212a": "\u212a", "A\u212a": "a\u212a",
	} {
		if got := normalHost(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
	for label, ok := range map[string]bool{strings.Repeat("a", 63): true, strings.Repeat("a", 64): false, "a..b": false, "..": false, "a..": false, "": false} {
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
