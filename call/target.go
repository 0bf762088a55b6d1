package call

import (
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// defaultMaxURL is the longest path and query: what RFC 9110 §4.1 wants every
// server to take, and half of what tlsedge gives the whole header.
const defaultMaxURL = 8 << 10

// match finds the operation of r in t. The path is matched as it was sent:
// URL.EscapedPath encodes what should have been encoded, so that the gate would
// read another path than a server behind it. A path and query that are longer
// than longest are not looked at.
func match(t *contract.Table, r *http.Request, longest int) contract.Match {
	path, fault := sentPath(r.URL)
	if len(path)+len(r.URL.RawQuery) > longest {
		return contract.Match{Miss: problem.New(http.StatusRequestURITooLong, "URI_TOO_LONG", "URI Too Long",
			"The path and query must not be longer than "+strconv.Itoa(longest)+" bytes together")}
	}
	if fault == "" && !ascii(r.URL.RawQuery) {
		fault = "Characters beyond ASCII must be percent-encoded in the query"
	}
	if fault != "" {
		return contract.Match{Miss: problem.Malformed(fault)}
	}
	return t.Match(r.Method, path, isUpgrade(r))
}

// sentPath is the path in the form in which it was sent. RawPath is set where
// that differs from the usual encoding of Path; one that does not fit Path was
// left behind by somebody who changed Path alone.
func sentPath(u *url.URL) (path, fault string) {
	if u.Opaque != "" {
		return "", "The target must be a path, or an http address with one"
	}
	if u.RawPath != "" {
		if decoded, err := url.PathUnescape(u.RawPath); err == nil && decoded == u.Path {
			return u.RawPath, ""
		}
	}
	return u.EscapedPath(), ""
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
