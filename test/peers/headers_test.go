//go:build peers

package peers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// asked are the requests that both sides get.
func asked() []ask {
	from := func(origin string, more ...string) map[string]string {
		h := map[string]string{"Origin": origin, "Accept": "application/json"}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	preflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type"}
	return []ask{
		{"GET without an origin", "GET", "/", map[string]string{"Accept": "application/json"}},
		{"GET of a listed origin", "GET", "/", from(origin)},
		{"GET of another origin", "GET", "/", from("https://other.example.net")},
		{"preflight of a listed origin", "OPTIONS", "/api/days", from(origin, preflight...)},
		{"preflight of another origin", "OPTIONS", "/api/days", from("https://other.example.net", preflight...)},
		{"error to a listed origin", "GET", "/nowhere", from(origin)},
	}
}

type ask struct {
	Name    string            `json:"name"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
}

// difference is a field that helmet or cors sets and the program sends with
// another value, or not at all (""), and why that is meant. It holds for the
// requests whose name contains at.
type difference struct{ at, field, theirs, ours, reason string }

// besideHelmetAndCORS compares every field that the two packages set with what
// the program answers to the same request. Fields of ours that they lack are no
// difference: nothing is missing.
func besideHelmetAndCORS(t *testing.T, work string, g gate) {
	var peer []struct {
		Name   string
		Status int
		Fields map[string][]string
	}
	node(t, work, "peer.mjs", nil, map[string]any{"origin": origin, "requests": asked()}, &peer)
	if len(peer) != len(asked()) {
		t.Fatalf("%d answers of the peer", len(peer))
	}
	reviewed := reviewed()
	met := make([]bool, len(reviewed))
	compared := map[string]bool{}
	for i, q := range asked() {
		answer := g.ask(t, q)
		for field, values := range peer[i].Fields {
			field = http.CanonicalHeaderKey(field)
			compared[field] = true
			theirs, ours := strings.Join(values, ", "), strings.Join(answer.Values(field), ", ")
			if theirs == ours {
				continue
			}
			at := slices.IndexFunc(reviewed, func(d difference) bool {
				return strings.Contains(q.Name, d.at) && d.field == field && d.theirs == theirs && d.ours == ours
			})
			if at < 0 {
				t.Errorf("%s: %s\n  theirs %q\n  ours   %q", q.Name, field, theirs, ours)
				continue
			}
			met[at] = true
		}
	}
	if len(compared) < 15 {
		t.Errorf("the peer set %d fields; does it still use helmet and cors?", len(compared))
	}
	for i, d := range reviewed {
		if !met[i] {
			t.Errorf("%s: no answer differs any more in %s (theirs %q, ours %q); take the row out", d.at, d.field, d.theirs, d.ours)
		}
		if d.reason == "" {
			t.Errorf("%s differs without a reason", d.field)
		}
	}
}

// ask sends one request to the program over TLS, under its host name.
func (g gate) ask(t *testing.T, q ask) http.Header {
	t.Helper()
	trusted, err := os.ReadFile(g.trust)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trusted)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", g.https))
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DialContext: dial}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), q.Method, "https://"+host+q.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range q.Headers {
		r.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.Header
}

// helmetPolicy is what helmet sends when it is told nothing.
const helmetPolicy = "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';" +
	"img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';" +
	"upgrade-insecure-requests"

// reviewed are the differences that are meant.
func reviewed() []difference {
	const (
		policy      = "Content-Security-Policy"
		vary        = "Vary"
		credentials = "Access-Control-Allow-Credentials"
		methods     = "Access-Control-Allow-Methods"
		fields      = "Access-Control-Allow-Headers"
		noPage      = "stricter: an answer that is no page loads nothing and stands in no frame, so there is nothing to upgrade to https"
		foreign     = "an origin that is not listed is told nothing; cors answers it in part, without the field that would let it read"
	)
	return []difference{
		{"preflight", policy, helmetPolicy, "default-src 'none'; frame-ancestors 'none'", noPage},
		{"error", policy, helmetPolicy, "default-src 'none'; frame-ancestors 'none'", noPage},
		{"GET", policy, helmetPolicy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types gatehouse",
			"stricter: no inline style, no data: or foreign source, no frame at all, Trusted Types; object-src falls to default-src 'none', " +
				"script-src-attr to script-src 'self', which allows no inline script; what 'self' allows over TLS is already https"},
		{"", "X-Frame-Options", "SAMEORIGIN", "DENY", "stricter: no page of ours frames another"},
		{"GET", vary, "Origin", "Accept, Origin", "the root answers with a page or with JSON, by Accept"},
		{"preflight of a listed origin", vary, "Origin, Access-Control-Request-Headers", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
			"more: the fields that make a request a preflight are all told"},
		{"preflight of another origin", vary, "Origin, Access-Control-Request-Headers", "Origin",
			"to an origin that is not listed nothing depends on the fields it asks for; cors repeats them to anyone"},
		{"GET without an origin", credentials, "true", "", "a CORS request has an Origin; without one there is nobody to allow"},
		{"another origin", credentials, "true", "", foreign},
		{"preflight of another origin", methods, "GET,HEAD,PUT,PATCH,POST,DELETE", "", foreign},
		{"preflight of a listed origin", methods, "GET,HEAD,PUT,PATCH,POST,DELETE", "GET, HEAD, OPTIONS, POST", "the methods that the path has, by the contract; cors does not know the paths"},
		{"preflight of another origin", fields, "authorization,content-type", "", foreign},
		{"preflight of a listed origin", fields, "authorization,content-type", "Content-Type, Authorization, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, X-Device-Id, " +
			"X-Csrf-Token, X-Timestamp, X-Client-Version", "a fixed list that holds what was asked for; cors repeats whatever was asked"},
		{"preflight", "Content-Length", "0", "", "RFC 9110, 8.6: a server must not send Content-Length in a 204"},
	}
}
