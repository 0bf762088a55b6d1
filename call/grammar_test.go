package call

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// TestAlphabets asks for each byte whether it may stand where a grammar has a
// set of characters.
func TestAlphabets(t *testing.T) {
	for _, row := range []struct {
		name, set string
		takes     func(character string) bool
	}{
		{"tchar, RFC 9110 section 5.6.2", "!#$%&'*+-.^_`|~" + digits + letters, isToken},
		{"tchar after another", "!#$%&'*+-.^_`|~" + digits + letters, func(c string) bool { return isToken("a" + c) }},
		{"obfport, RFC 7239 section 6.3", "._-" + digits + letters, func(c string) bool { return isPort(":_" + c) }},
		{"obfport after another", "._-" + digits + letters, func(c string) bool { return isPort(":_a" + c) }},
		{"port, RFC 7239 section 6", digits, func(c string) bool { return isPort(":" + c) }},
		{"port after a digit", digits, func(c string) bool { return isPort(":1" + c) }},
		{"request id", "-_." + digits + letters, func(c string) bool { return wellFormedID("1234567" + c) }},
	} {
		for b := range 256 {
			c := string([]byte{byte(b)})
			if got, want := row.takes(c), strings.Contains(row.set, c); got != want {
				t.Errorf("%s: %q is taken: %v, want %v", row.name, c, got, want)
			}
		}
	}
	if isToken("") {
		t.Error("a token of no characters")
	}
}

// Ports are 1*5DIGIT or "_" and at least one character (RFC 7239 section 6).
func TestPorts(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, ":1": true, ":65535": true, ":_a": true, ":": false, ":_": false, ":123456": false, "x1": false, "_a": false,
	} {
		if got := isPort(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// A client opens a WebSocket with GET and with the word websocket in any case
// (RFC 6455 section 4.2.1).
func TestUpgrades(t *testing.T) {
	for _, row := range []struct {
		method, upgrade string
		want            bool
	}{
		{"GET", "websocket", true}, {"GET", "WebSocket", true}, {"GET", "", false}, {"GET", "h2c", false}, {"POST", "websocket", false},
	} {
		r := httptest.NewRequest(row.method, "/", nil)
		r.Header.Set("Upgrade", row.upgrade)
		if got := isUpgrade(r); got != row.want {
			t.Errorf("%s with %q: %v, want %v", row.method, row.upgrade, got, row.want)
		}
	}
}

func TestSentPath(t *testing.T) {
	for _, row := range []struct {
		name string
		url  url.URL
		want string
	}{
		{"as it was sent", url.URL{Path: "/a(b", RawPath: "/a%28b"}, "/a%28b"},
		{"a path that was changed alone", url.URL{Path: "/other", RawPath: "/a%28b"}, "/other"},
		{"nothing, and a form that cannot be read", url.URL{Path: "", RawPath: "%zz"}, ""},
		{"a form that cannot be read", url.URL{Path: "/a", RawPath: "/%zz"}, "/a"},
	} {
		if got, fault := sentPath(&row.url); got != row.want || fault != "" {
			t.Errorf("%s: %q %q, want %q", row.name, got, fault, row.want)
		}
	}
	if !ascii("/\x00 \x7f") || ascii("/\x80") || ascii("\xff") {
		t.Error("ASCII ends with 0x7f (RFC 20)")
	}
}
