package authn

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-api/gatehouse/problem"
)

// Origins tells requests of our own pages from those that another site made a
// browser send. It needs no token: browsers state the site in Sec-Fetch-Site
// and the origin in Origin, and let no page change either (Fetch Metadata;
// RFC 6454 §7). The zero Origins trusts the host itself alone.
type Origins struct {
	trusted map[string]bool
}

// NewOrigins trusts the given origins beside the host itself. Each is a scheme,
// a host and, unless it is the scheme's own, a port: "https://app.example.org".
func NewOrigins(trusted []string) (Origins, error) {
	o := Origins{trusted: make(map[string]bool, len(trusted))}
	for _, origin := range trusted {
		u, err := url.Parse(origin)
		if err != nil {
			return Origins{}, fmt.Errorf("authn: trusted origin %q: %w", origin, err)
		}
		web := u.Scheme == "https" || u.Scheme == "http"
		if !web || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(u.Host, "*@") {
			return Origins{}, fmt.Errorf("authn: trusted origin %q: write it as https://host or https://host:port", origin)
		}
		o.trusted[strings.ToLower(origin)] = true
	}
	return o, nil
}

// Check refuses a request that another site made, when it could change
// something: an unsafe method, or a WebSocket upgrade, which would let the other
// site read. secure tells whether the request arrived encrypted (call.Secure).
// The layer checks what carries a session cookie; a handler that sets one checks
// before that, or another site could sign its visitors in as somebody else.
func (o Origins) Check(r *http.Request, secure bool) *problem.Error {
	if safe(r) {
		return nil
	}
	if o.ours(r, secure) {
		return nil
	}
	return problem.New(http.StatusForbidden, "CROSS_SITE", "Forbidden",
		"This request comes from another site; send it from our own pages, or with a bearer token").
		From("authn", "cross-site request with a session cookie")
}

// ours tells whether one of our own pages made a request, or no page. A browser
// states each field once; of two nobody knows which a proxy would have believed.
func (o Origins) ours(r *http.Request, secure bool) bool {
	if len(r.Header["Origin"]) > 1 || len(r.Header["Sec-Fetch-Site"]) > 1 {
		return false
	}
	origin := r.Header.Get("Origin")
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		if origin == "" || sameOrigin(origin, r.Host, secure) {
			return true
		}
	}
	return o.trusted[origin]
}

// safe tells whether the method only reads (RFC 9110 §9.2.1) and no upgrade is
// asked for.
func safe(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.Header.Get("Upgrade") == ""
	default:
		return false
	}
}

// sameOrigin compares an Origin with the host that was asked. A page that came
// unencrypted is not ours when we are encrypted; the other way round is a proxy
// in front that ends the encryption.
func sameOrigin(origin, host string, secure bool) bool {
	if h, ok := strings.CutPrefix(origin, "https://"); ok {
		return strings.EqualFold(h, host)
	}
	h, ok := strings.CutPrefix(origin, "http://")
	return ok && !secure && strings.EqualFold(h, host)
}
