package gatetest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
)

// cookieAttacks are requests with the cookie of a visitor, which another site
// makes a browser send.
func cookieAttacks(s *suite) []Attack {
	risky := func(o *operation) bool {
		safe := slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, o.op.Method) && o.op.Socket == nil
		return !safe && s.cookied(o) != ""
	}
	own := s.origin()
	scheme, host, _ := strings.Cut(own, "://")
	tries := []struct{ name, site, origin string }{
		{"Sec-Fetch-Site cross-site", "cross-site", ""},
		{"Sec-Fetch-Site same-site, from a sibling host", "same-site", ""},
		{"Sec-Fetch-Site cross-site and an Origin like ours", "cross-site", own},
		{"Origin of another site", "", "https://" + evil},
		{"Origin null", "", "null"},
		{"Origin that begins like ours", "", own + "." + evil},
		{"Origin that ends like ours", "", scheme + "://evil-" + host},
		{"Origin with another port", "", scheme + "://" + strings.Split(host, ":")[0] + ":1"},
	}
	if s.TLS {
		tries = append(tries, struct{ name, site, origin string }{"Origin of ours in the clear", "", "http://" + host})
	}
	if s.NeedOrigin {
		tries = append(tries, struct{ name, site, origin string }{"neither Origin nor Sec-Fetch-Site", "", ""})
	}
	var rows []Attack
	for _, try := range tries {
		rows = append(rows, s.each("CSRF: "+try.name, risky, func(h http.Handler, o *operation) error {
			r := s.request(o, call.Guest)
			r.Header.Set("Cookie", s.Cookies[s.cookied(o)]())
			if try.site != "" {
				r.Header.Set("Sec-Fetch-Site", try.site)
			}
			if try.origin != "" {
				r.Header.Set("Origin", try.origin)
			}
			return s.refused(h, r, http.StatusForbidden, http.StatusUnauthorized)
		})...)
	}
	return rows
}

// objectAttacks ask for objects of somebody else.
func objectAttacks(s *suite) []Attack {
	owned := func(o *operation) bool { return s.owner(o) != "" && s.foreign(o) != nil }
	return s.each("object of somebody else", owned, func(h http.Handler, o *operation) error {
		return s.refused(h, s.request(s.foreign(o), s.owner(o)), http.StatusForbidden, http.StatusNotFound)
	})
}

// owner is a role that may call o for objects of its own alone.
func (s *suite) owner(o *operation) string {
	for _, role := range s.roles() {
		if role != call.Guest && s.cells[o.op][role] == authz.Own {
			return role
		}
	}
	return ""
}

// foreign is o for an object of nobody's of Tokens: the one that Others names, or
// one made from the contract when the rule looks at the request itself. It is nil
// when there is none.
func (s *suite) foreign(o *operation) *operation {
	others := s.Others[o.op.ID]
	in, _, _ := strings.Cut(o.op.Access.Own, ".")
	if len(others) == 0 && (in != "path" && in != "query" && in != "body") {
		return nil
	}
	params := map[string]string{}
	for name, text := range s.Params[o.op.ID] {
		if name != o.op.Access.Own {
			params[name] = text
		}
	}
	for name, text := range others {
		params[name] = text
	}
	t := Target{Params: map[string]map[string]string{o.op.ID: params}}
	if in != "body" {
		t.Bodies = s.Bodies
	}
	other, err := s.documents[o.op.API].sample(o.op, t)
	if err != nil {
		return nil
	}
	return other
}
