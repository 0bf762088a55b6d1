package tlsedge

import (
	"strings"
	"testing"
)

// FuzzNormalHost: what is a host has one normal form, of which it is the normal
// form itself.
func FuzzNormalHost(f *testing.F) {
	for _, host := range []string{
		"localhost", "API.Example.org.:443", "127.0.0.1:8001", "[::1]", "[2001:DB8::7]:80", "[::ffff:127.0.0.1]",
		"", ".", ":", "a:b:c", "[", "[]", "[::1]x", "a..", "a@b", "\u212a",
	} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		normal := normalHost(host)
		if !plausible(normal) {
			return
		}
		if again := normalHost(bracketed(normal)); again != normal {
			t.Errorf("%q became %q, and that %q", host, normal, again)
		}
		if strings.ContainsAny(normal, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Errorf("%q became %q", host, normal)
		}
	})
}
