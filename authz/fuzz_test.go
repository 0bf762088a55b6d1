package authz

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzQueryOwner: an owner is found in a query only when every reader of it, the
// first-wins and the last-wins, finds the same one.
func FuzzQueryOwner(f *testing.F) {
	for _, q := range []string{"user=ada", "user=ada&user=eve", "us%65r=ada", "user=ada;user=eve", "a=b&user=", "%", "user", "&&", "user=a%20b+c"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		owner, ok := queryValue(query, "user")
		if !ok {
			return
		}
		first, last, n := "", "", 0
		for part := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(part, "=")
			if k, err := url.QueryUnescape(name); err != nil || k != "user" {
				continue
			}
			v, err := url.QueryUnescape(value)
			if err != nil {
				t.Fatalf("%q: an owner in a query that cannot be read", query)
			}
			if n++; n == 1 {
				first = v
			}
			last = v
		}
		if n != 1 || first != owner || last != owner {
			t.Errorf("%q: owner %q; the first reader finds %q, the last %q", query, owner, first, last)
		}
	})
}

// FuzzPathOwner: the value of a parameter is one of the values of the match.
func FuzzPathOwner(f *testing.F) {
	f.Add("/members/{member}/mail", "ada", "eve")
	f.Add("/teams/{team}/of/{member}", "ada", "eve")
	f.Add("/files/{name}.{member}", "ada", "eve")
	f.Add("/{member", "ada", "eve")
	f.Add("}{", "", "")
	f.Fuzz(func(t *testing.T, template, a, b string) {
		got, ok := pathValue(template, []string{a, b}, "member")
		if ok && (!strings.Contains(template, "{member") || got != a && got != b) {
			t.Errorf("%q with %q, %q: %q", template, a, b, got)
		}
	})
}
