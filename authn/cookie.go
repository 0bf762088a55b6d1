package authn

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// DefaultCookie is the name of the session cookie unless Config says another.
// With the prefix a browser takes the cookie only over an encrypted connection
// (or from the loopback), for this host alone and for every path, so that no
// sibling host can plant one (RFC 6265bis §4.1.3.2).
const DefaultCookie = "__Host-gatehouse"

const hostPrefix = "__Host-"

// SessionCookie is the cookie that signs a browser in: Secure, HttpOnly,
// SameSite=Lax, for this host and every path. name is "" for DefaultCookie;
// maxAge is rounded down to seconds; 0 or less removes the cookie.
func SessionCookie(name, value string, maxAge time.Duration) *http.Cookie {
	if name == "" {
		name = DefaultCookie
	}
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(maxAge / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if c.MaxAge <= 0 {
		c.Value, c.MaxAge = "", -1 // net/http writes Max-Age=0 for a negative one
	}
	return c
}

// sessionOf returns the value of the session cookie. Two of them are refused:
// one was planted, and there is no telling which.
func (l *layer) sessionOf(r *http.Request) (string, *problem.Error) {
	if len(r.Header["Cookie"]) == 0 {
		return "", nil
	}
	found := r.CookiesNamed(l.cfg.CookieName)
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0].Value, nil
	default:
		return "", problem.Malformed("The session cookie was sent twice").From("authn", "one session cookie")
	}
}

// clear removes a dead cookie, unless the handler sets a live one.
func (l *layer) clear(w http.ResponseWriter, c *call.Call) {
	c.Note("authn", "cookie", "cleared")
	gone := SessionCookie(l.cfg.CookieName, "", 0).String()
	c.Before(func(int) {
		h := w.Header()
		replaced := slices.ContainsFunc(h["Set-Cookie"], func(set string) bool {
			return strings.HasPrefix(set, l.cfg.CookieName+"=")
		})
		if !replaced {
			h.Add("Set-Cookie", gone)
		}
	})
}
