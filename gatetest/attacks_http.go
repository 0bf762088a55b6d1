package gatetest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
)

// evil is an origin and a host that no API is.
const evil = "evil.example"

func all(*operation) bool { return true }

// hostAttacks are about the name that a request states and how it arrived.
func hostAttacks(s *suite) []Attack {
	o := s.operations[0]
	misdirected := func(host string) func(http.Handler) error {
		return func(h http.Handler) error {
			r := s.request(o, s.entitled(o))
			r.Host = host
			return s.refused(h, r, http.StatusMisdirectedRequest, http.StatusBadRequest, http.StatusForbidden)
		}
	}
	fromAfar := func(header ...string) func(http.Handler) error {
		return func(h http.Handler) error {
			r := s.request(o, s.entitled(o))
			r.RemoteAddr, r.TLS = "203.0.113.7:40000", nil
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			return s.refused(h, r, http.StatusForbidden, http.StatusPermanentRedirect)
		}
	}
	return []Attack{
		{"host that is not ours", "", misdirected(evil)},
		{"host that ends like ours", "", misdirected("evil-" + s.Host)},
		{"host that begins like ours", "", misdirected(s.Host + "." + evil)},
		{"host with a user before it", "", misdirected(s.Host + "@" + evil)},
		{"no host", "", misdirected("")},
		{"another host in X-Forwarded-Host", "", func(h http.Handler) error {
			r := s.request(o, s.entitled(o))
			r.Host = evil
			r.Header.Set("X-Forwarded-Host", s.Host)
			return s.refused(h, r, http.StatusMisdirectedRequest, http.StatusBadRequest, http.StatusForbidden)
		}},
		{"plain HTTP from elsewhere", "", fromAfar()},
		{"plain HTTP that says it was https", "", fromAfar("X-Forwarded-Proto", "https", "Forwarded", "proto=https")},
		{"plain HTTP that says it is from this machine", "", fromAfar("X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1")},
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
		rows = append(rows, s.each(trick.name, long, func(h http.Handler, o *operation) error {
			r := s.request(o, s.entitled(o))
			setPath(r, trick.spell(o.path))
			return s.refused(h, r, http.StatusBadRequest, http.StatusNotFound)
		})...)
	}
	return append(rows, Attack{"path that no contract describes", "", func(h http.Handler) error {
		return s.refused(h, s.plain(http.MethodGet, "/gatetest-nothing-here"), http.StatusNotFound)
	}}, Attack{"another path in X-Original-URL", "", func(h http.Handler) error {
		r := s.plain(http.MethodGet, "/gatetest-nothing-here")
		r.Header.Set("X-Original-URL", s.operations[0].path)
		r.Header.Set("X-Rewrite-URL", s.operations[0].path)
		return s.refused(h, r, http.StatusNotFound)
	}})
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
	for name, method := range map[string]string{"method that nobody knows": "BREW", "method TRACE": "TRACE", "method in lower case": "lower"} {
		rows = append(rows, s.each(name, all, func(h http.Handler, o *operation) error {
			r := s.request(o, s.entitled(o))
			r.Method = method
			if method == "lower" {
				r.Method = strings.ToLower(o.op.Method)
			}
			a, err := s.send(h, r)
			switch {
			case err != nil:
				return err
			case a.status != http.StatusMethodNotAllowed:
				return a.wrong("want 405")
			case !allows(a.header.Get("Allow"), o.op.Method):
				return a.wrong("Allow is %q and does not name %s (RFC 9110 section 15.5.6)", a.header.Get("Allow"), o.op.Method)
			}
			return a.silent()
		})...)
	}
	slices.SortStableFunc(rows, func(a, b Attack) int { return strings.Compare(a.Name, b.Name) })
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
	rows := s.each("query parameter that the contract does not name", strict, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		r.URL.RawQuery = join(o.query, "gatetest_unknown="+canary)
		return s.refusedSilently(h, r, http.StatusBadRequest)
	})
	rows = append(rows, s.each("query with a broken escape", strict, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		r.URL.RawQuery = join(o.query, "a=%zz")
		return s.refused(h, r, http.StatusBadRequest)
	})...)
	stated := func(o *operation) bool { return strict(o) && o.query != "" }
	return append(rows, s.each("query parameter sent twice", stated, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		r.URL.RawQuery = o.query + "&" + o.query
		return s.refused(h, r, http.StatusBadRequest)
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
			for n := range floodCalls {
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
			return answer{request: "GET"}.wrong("%d calls for unknown paths from one address, and none was answered 429", floodCalls)
		}
	}
	return []Attack{
		{"scanning unknown paths without end", "", flood(func(*http.Request, int) {})},
		{"scanning with another X-Forwarded-For each time", "", flood(func(r *http.Request, n int) {
			r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true} // plain and forwarded would be refused for that
			r.Header.Set("X-Forwarded-For", "198.51.100."+string(rune('0'+n%10)))
			r.Header.Set("Forwarded", "for=198.51.100."+string(rune('0'+n%10)))
			r.Header.Set("X-Real-Ip", "198.51.100."+string(rune('0'+n%10)))
		})},
	}
}

// floodCalls is when a scan from one address must have been stopped.
const floodCalls = 10_000
