package gatetest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
)

// evil is an origin and a host that no API is.
const evil = "evil.example"

func all(*operation) bool { return true }

// hostAttacks are about the name that a request states and how it arrived.
func hostAttacks(s *suite) []Attack {
	o := s.some()
	misdirected := func(host string) func(http.Handler) error {
		return func(h http.Handler) error {
			r := s.request(o, s.entitled(o))
			r.Host = host
			return s.refused(h, r, misdirections()...)
		}
	}
	return []Attack{
		{Name: "host that is not ours", Try: misdirected(evil)},
		{Name: "host that ends like ours", Try: misdirected("evil-" + s.Host)},
		{Name: "host that begins like ours", Try: misdirected(s.Host + "." + evil)},
		{Name: "host with a user before it", Try: misdirected(s.Host + "@" + evil)},
		{Name: "no host", Try: misdirected("")},
		{Name: "another host in X-Forwarded-Host", Try: func(h http.Handler) error {
			r := s.request(o, s.entitled(o))
			r.Host = evil
			r.Header.Set("X-Forwarded-Host", s.Host)
			r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true} // or it would be refused for that
			return s.refused(h, r, misdirections()...)
		}},
	}
}

// misdirections are how a host that is not ours may be refused.
func misdirections() []int {
	return []int{http.StatusMisdirectedRequest, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound}
}

// transportAttacks are about how a request arrived.
func transportAttacks(s *suite) []Attack {
	o := s.some()
	fromAfar := func(header ...string) func(http.Handler) error {
		return func(h http.Handler) error {
			r := s.request(o, s.entitled(o))
			r.RemoteAddr, r.TLS = "203.0.113.7:40000", nil
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			return s.refused(h, r, http.StatusForbidden, http.StatusPermanentRedirect, http.StatusMovedPermanently)
		}
	}
	return []Attack{
		{Name: "plain HTTP from elsewhere", Try: fromAfar()},
		{Name: "plain HTTP that says it was https", Try: fromAfar("X-Forwarded-Proto", "https", "Forwarded", "proto=https")},
		{Name: "plain HTTP that says it is from this machine", Try: fromAfar("X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1")},
	}
}

// pathAttacks ask for each operation under another spelling of its path.
func pathAttacks(s *suite) []Attack {
	long := func(o *operation) bool { return o.path != "/" }
	tricks := []struct {
		name  string
		spell func(path string) string
	}{
		{"path: dot segments", func(p string) string { return "/x/.." + p }},
		{"path: escaped dot segments", func(p string) string { return "/x/%2e%2e" + p }},
		{"path: single dot", func(p string) string { return "/." + p }},
		{"path: doubled slash", func(p string) string { return "/" + p }},
		{"path: slash behind", func(p string) string { return p + "/" }},
		{"path: escaped slash behind", func(p string) string { return p + "%2f" }},
		{"path: escaped backslash behind", func(p string) string { return p + "%5c" }},
		{"path: NUL behind", func(p string) string { return p + "%00" }},
		{"path: NUL and an extension behind", func(p string) string { return p + "%00.css" }},
		{"path: path parameter", func(p string) string { return p + ";admin=true" }},
		{"path: line break behind", func(p string) string { return p + "%0d%0aX-Injected:%201" }},
		{"path: overlong slash", func(p string) string { return p + "%c0%af" }},
		{"path: invalid UTF-8", func(p string) string { return p + "/%ff" }},
		{"path: escaped twice", func(p string) string { return p + "%252f" }},
	}
	var rows []Attack
	for _, trick := range tricks {
		rows = append(rows, s.eachReached(trick.name, long, func(h http.Handler, o *operation) error {
			r := s.request(o, s.entitled(o))
			setPath(r, trick.spell(o.path))
			a, err := s.send(h, r)
			if err != nil || a.elsewhere(trick.spell(o.path)) {
				return err
			}
			return a.refused(http.StatusBadRequest, http.StatusNotFound, http.StatusForbidden, http.StatusMethodNotAllowed)
		})...)
	}
	return append(rows, Attack{Name: "path that no contract describes", Try: func(h http.Handler) error {
		return s.refused(h, s.plain(http.MethodGet, "/gatetest-nothing-here"), http.StatusNotFound)
	}}, Attack{Name: "path without end", Try: func(h http.Handler) error {
		r := s.plain(http.MethodGet, "/"+strings.Repeat("a", 1<<20))
		return s.refused(h, r, http.StatusRequestURITooLong, http.StatusBadRequest, http.StatusRequestHeaderFieldsTooLarge)
	}}, Attack{Name: "another path in X-Original-URL", Try: func(h http.Handler) error {
		r := s.plain(http.MethodGet, "/gatetest-nothing-here")
		r.Header.Set("X-Original-URL", s.operations[0].path)
		r.Header.Set("X-Rewrite-URL", s.operations[0].path)
		return s.refused(h, r, http.StatusNotFound)
	}})
}

// elsewhere tells whether the client is sent to the path in normal form, on the
// same host, as http.ServeMux does: what it then asks for is one path for all.
func (a answer) elsewhere(path string) bool {
	to, err := url.Parse(a.header.Get("Location"))
	return a.status/100 == 3 && err == nil && to.Host == "" && strings.HasPrefix(to.Path, "/") && to.EscapedPath() != path
}

// setPath writes an escaped path into a request as a server would have read it.
func setPath(r *http.Request, escaped string) {
	r.URL.RawPath = escaped
	if p, err := url.PathUnescape(escaped); err == nil {
		r.URL.Path = p
	} else {
		r.URL.Path = escaped
	}
	r.RequestURI = escaped
}

// methodAttacks use methods that a path does not answer.
func methodAttacks(s *suite) []Attack {
	var rows []Attack
	for _, m := range []struct{ name, method string }{
		{"method that nobody knows", "BREW"}, {"method TRACE", "TRACE"}, {"method in lower case", ""}, {"method that is none, and another in X-HTTP-Method-Override", "GATETEST"},
	} {
		rows = append(rows, s.eachReached(m.name, all, func(h http.Handler, o *operation) error {
			r := s.request(o, s.entitled(o))
			if r.Method = m.method; m.method == "" {
				r.Method = strings.ToLower(o.op.Method)
			}
			if m.method == "GATETEST" {
				for _, name := range []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
					r.Header.Set(name, o.op.Method)
				}
			}
			a, err := s.send(h, r)
			switch {
			case err != nil:
				return err
			case a.status == http.StatusNotImplemented: // RFC 9110 section 15.6.2
			case a.status != http.StatusMethodNotAllowed:
				return a.wrong("want 405 or 501")
			case !allows(a.header.Get("Allow"), o.op.Method):
				return a.wrong("Allow is %q and does not name %s (RFC 9110 section 15.5.6)", a.header.Get("Allow"), o.op.Method)
			}
			return a.silent()
		})...)
	}
	return rows
}

func allows(field, method string) bool {
	for m := range strings.SplitSeq(field, ",") {
		if strings.TrimSpace(m) == method {
			return true
		}
	}
	return false
}

// queryAttacks send query parameters that the contract does not name.
func queryAttacks(s *suite) []Attack {
	strict := func(o *operation) bool { return refusesUnknown(o) && o.op.Socket == nil }
	rows := s.eachReached("query parameter that the contract does not name", strict, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		r.URL.RawQuery = join(o.query, "gatetest_unknown="+canary)
		return s.refusedSilently(h, r, http.StatusBadRequest, http.StatusUnprocessableEntity)
	})
	rows = append(rows, s.eachReached("query with a broken escape", strict, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		r.URL.RawQuery = join(o.query, "a=%zz")
		return s.refused(h, r, http.StatusBadRequest)
	})...)
	stated := func(o *operation) bool { return strict(o) && o.query != "" }
	for _, in := range []string{"path", "query", "header"} {
		fits := func(o *operation) bool { return o.misfit(in) != nil }
		rows = append(rows, s.eachReached("parameter of the "+in+" that fits no schema", fits, func(h http.Handler, o *operation) error {
			r := s.request(o.misfit(in), s.entitled(o))
			return s.refusedSilently(h, r, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotFound)
		})...)
	}
	return append(rows, s.eachReached("query parameter sent twice", stated, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		r.URL.RawQuery = o.query + "&" + o.query
		return s.refused(h, r, http.StatusBadRequest, http.StatusUnprocessableEntity)
	})...)
}

func join(query, more string) string {
	if query == "" {
		return more
	}
	return query + "&" + more
}

// floodAttacks ask for unknown paths until they are refused.
func floodAttacks(s *suite) []Attack {
	flood := func(change func(*http.Request, int)) func(http.Handler) error {
		return func(h http.Handler) error {
			from := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			s.arrive(from)
			for n := range s.Scan {
				r := s.plain(http.MethodGet, "/gatetest-nothing-here")
				r.RemoteAddr = from.RemoteAddr
				change(r, n)
				a, err := s.send(h, r)
				if err != nil {
					return err
				}
				if a.status == http.StatusTooManyRequests {
					if a.header.Get("Retry-After") == "" {
						return a.wrong("Retry-After is missing")
					}
					return a.silent()
				}
			}
			return answer{sent: dump(s.plain(http.MethodGet, "/gatetest-nothing-here"))}.wrong("%d calls for unknown paths from one address, and none was answered 429", s.Scan)
		}
	}
	return []Attack{
		{Name: "scanning unknown paths without end", Try: flood(func(*http.Request, int) {})},
		{Name: "scanning with another X-Forwarded-For each time", Try: flood(func(r *http.Request, n int) {
			r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true} // plain and forwarded would be refused for that
			other := netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)}).String()       // RFC 2544
			r.Header.Set("X-Forwarded-For", other)
			r.Header.Set("Forwarded", "for="+other)
			r.Header.Set("X-Real-Ip", other)
		})},
	}
}
