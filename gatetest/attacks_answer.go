package gatetest

import (
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
)

// harmless tells whether a guest may be let through: what changes something is
// not carried out for the sake of its header.
func (s *suite) harmless(o *operation) bool {
	return o.op.Method == http.MethodGet || s.cells[o.op][call.Guest] == authz.No
}

// originAttacks are pages of other sites that want to read, or to be allowed.
func originAttacks(s *suite) []Attack {
	origins := map[string]string{"https://" + evil: "foreign origin", "null": "origin null"}
	for _, o := range s.Origins {
		origins[o+"."+evil] = "origin that begins like ours"
		origins[strings.Replace(o, "://", "://evil-", 1)] = "origin that ends like ours"
		origins[strings.ToUpper(o)] = "origin in upper case"
	}
	var rows []Attack
	for origin, name := range origins {
		rows = append(rows, s.each("CORS: "+name, s.harmless, func(h http.Handler, o *operation) error {
			r := s.request(o, call.Guest)
			r.Header.Set("Origin", origin)
			return s.closedTo(h, r, origin)
		})...)
		rows = append(rows, s.each("CORS preflight: "+name, all, func(h http.Handler, o *operation) error {
			r := s.request(o, call.Guest)
			r.Method, r.Body, r.ContentLength = http.MethodOptions, http.NoBody, 0
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", o.op.Method)
			r.Header.Set("Access-Control-Request-Headers", "authorization")
			return s.closedTo(h, r, origin)
		})...)
	}
	return sorted(rows)
}

// closedTo wants that a browser gives the answer to no page of origin. "*" shows
// what needs no credentials, to everybody; it is wrong for an API that states
// who may call.
func (s *suite) closedTo(h http.Handler, r *http.Request, origin string) error {
	a, err := s.send(h, r)
	if err != nil {
		return err
	}
	switch allowed := a.header.Get("Access-Control-Allow-Origin"); {
	case allowed == origin || allowed == "null":
		return a.wrong("Access-Control-Allow-Origin lets %s read", origin)
	case allowed == "*":
		return a.wrong("Access-Control-Allow-Origin lets every page read")
	case a.status >= 500:
		return a.wrong("want no error of the server")
	}
	return nil
}

// field is what a header field of an answer must hold.
type field struct{ name, holds string }

// hardened are the fields that every answer of an API has (OWASP REST Security
// Cheat Sheet, Security Headers).
func hardened() []field {
	return []field{
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", "frame-ancestors 'none'"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"X-Request-Id", ""},
	}
}

// headerAttacks look for header fields, on refusals and on what a guest may have.
func headerAttacks(s *suite) []Attack {
	nowhere := func(want field) func(http.Handler) error {
		return func(h http.Handler) error { return s.has(h, s.plain(http.MethodGet, "/gatetest-nothing-here"), want) }
	}
	var rows []Attack
	for _, want := range hardened() {
		rows = append(rows, Attack{Name: "refusal without " + want.name, Try: nowhere(want)})
		rows = append(rows, s.each("answer without "+want.name, s.harmless, func(h http.Handler, o *operation) error {
			return s.has(h, s.request(o, call.Guest), want)
		})...)
	}
	return append(rows,
		Attack{Name: "refusal that a cache may keep", Try: nowhere(field{"Cache-Control", "no-store"})},
		Attack{Name: "refusal that is no JSON", Try: nowhere(field{"Content-Type", "json"})},
		Attack{Name: "answer that names the program", Try: func(h http.Handler) error {
			a, err := s.send(h, s.plain(http.MethodGet, "/gatetest-nothing-here"))
			if err == nil && (a.header.Get("Server") != "" || a.header.Get("X-Powered-By") != "") {
				err = a.wrong("Server is %q, X-Powered-By is %q", a.header.Get("Server"), a.header.Get("X-Powered-By"))
			}
			return err
		}},
	)
}

func (s *suite) has(h http.Handler, r *http.Request, want field) error {
	a, err := s.send(h, r)
	if err != nil {
		return err
	}
	values := a.header.Values(want.name)
	if len(values) == 0 || !strings.Contains(strings.Join(values, ","), want.holds) {
		return a.wrong("%s is %q, want %q in it", want.name, values, want.holds)
	}
	return nil
}
