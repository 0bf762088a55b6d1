package tlsedge

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
)

// serve puts the layer around a handler that says whether the request is known
// to be encrypted.
func serve(t *testing.T, cfg Config, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	layer, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	layer(call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		if c.Secure() {
			w.Header().Set("X-Secure", "yes")
		}
		return call.NoContent(w, r)
	})).ServeHTTP(w, r)
	if w.Code == http.StatusNoContent {
		w.Code = http.StatusOK
	}
	return w
}

func TestOwnHosts(t *testing.T) {
	named := Config{Hosts: []string{"API.example.org.", "192.0.2.7:443", "[2001:DB8:0::7]", "my-api.x_1.example.org"}, InsecurePlain: true}
	loopback := Config{InsecurePlain: true}
	for _, row := range []struct {
		cfg  Config
		host string
	}{
		{named, "api.example.org"},
		{named, "api.example.org:8443"},
		{named, "Api.Example.ORG."},
		{named, "api.example.org.:443"},
		{named, "api.example.org:"},
		{named, "my-api.x_1.example.org"},
		{named, "192.0.2.7"},
		{named, "[2001:db8::7]:8001"},
		{named, "[2001:0db8:0000::0007]"},
		{loopback, "localhost:8001"},
		{loopback, "127.0.0.1:8001"},
		{loopback, "[::1]:8001"},
		{loopback, "[0:0:0:0:0:0:0:1]"},
		{Config{InsecurePlain: true, InsecureAnyHost: true}, "anything.example"},
		{Config{InsecurePlain: true, InsecureAnyHost: true}, ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = row.host
		if w := serve(t, row.cfg, r); w.Code != 200 {
			t.Errorf("Host %q with %q: %d; want 200", row.host, row.cfg.Hosts, w.Code)
		}
	}
}

func TestSecureIsStated(t *testing.T) {
	for _, row := range []struct {
		name string
		tls  *tls.ConnectionState
		want string
	}{{"TLS", &tls.ConnectionState{}, "yes"}, {"plain", nil, ""}} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.TLS = row.tls
		if w := serve(t, Config{InsecurePlain: true}, r); w.Header().Get("X-Secure") != row.want {
			t.Errorf("%s: secure %q; want %q", row.name, w.Header().Get("X-Secure"), row.want)
		}
	}
}

// TestRedirect is about the layer, for requests from elsewhere, and about the
// handler of a listener that does nothing else, for those of this machine too.
func TestRedirect(t *testing.T) {
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, row := range []struct {
		name, method, target string
		accept               string
		port, want           int
		location             string
	}{
		{"GET", "GET", "http://api.example.org:8001/a%2Fb?q=1", html, 0, 308, "https://api.example.org/a%2Fb?q=1"},
		{"HEAD", "HEAD", "http://api.example.org/", html, 443, 308, "https://api.example.org/"},
		{"another port", "GET", "http://API.example.org./", html, 8443, 308, "https://api.example.org:8443/"},
		{"IPv6", "GET", "http://[2001:db8::7]:80/x", html, 8443, 308, "https://[2001:db8::7]:8443/x"},
		{"double slash stays on this host", "GET", "http://api.example.org//evil.example/", html, 0, 308, "https://api.example.org//evil.example/"},
		{"a program that takes JSON alone", "GET", "http://api.example.org/", "application/json", 0, 308, "https://api.example.org/"},
		{"a program that says nothing", "GET", "http://api.example.org/", "", 0, 308, "https://api.example.org/"},
		{"POST has leaked already", "POST", "http://api.example.org/", html, 0, 403, ""},
		{"a body is not asked for again", "PUT", "http://api.example.org/", "application/json", 0, 403, ""},
		{"nor what deletes", "DELETE", "http://api.example.org/", "application/json", 0, 403, ""},
		{"an asterisk would make another host of ours", "GET", "*", html, 0, 403, ""},
		{"absolute form without a path", "GET", "http://api.example.org?q", html, 0, 308, "https://api.example.org/?q"},
		{"foreign host is not redirected", "GET", "http://evil.example/", html, 0, 421, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := Config{Hosts: []string{"api.example.org", "[2001:db8::7]"}, Redirect: true, RedirectPort: row.port}
			only, err := NewRedirect(Config{Hosts: cfg.Hosts, RedirectPort: row.port})
			if err != nil {
				t.Fatal(err)
			}
			for _, peer := range []string{"192.0.2.9:1", "127.0.0.1:1"} {
				r := httptest.NewRequest(row.method, row.target, nil)
				r.RemoteAddr = peer
				r.Header.Set("Accept", row.accept)
				if row.target == "*" {
					r.Host = "api.example.org"
				}
				alone := httptest.NewRecorder()
				only.ServeHTTP(alone, r)
				answers := []*httptest.ResponseRecorder{alone}
				if peer != "127.0.0.1:1" {
					answers = append(answers, serve(t, cfg, r))
				}
				for _, w := range answers {
					if w.Code != row.want || w.Header().Get("Location") != row.location {
						t.Errorf("from %s: %d %q; want %d %q", peer, w.Code, w.Header().Get("Location"), row.want, row.location)
					}
				}
			}
		})
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for want, r := range map[string]*http.Request{
		"TLS_REQUIRED":        httptest.NewRequest("GET", "http://localhost/", nil),
		"MISDIRECTED_REQUEST": httptest.NewRequest("GET", "https://evil.example/", nil),
	} {
		w := serve(t, Config{}, r)
		if body := w.Body.String(); !strings.Contains(body, `"code":"`+want+`"`) {
			t.Errorf("%s: %s", want, body)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"a wildcard":                 {Hosts: []string{"*.example.org"}},
		"a URL":                      {Hosts: []string{"https://example.org"}},
		"a path":                     {Hosts: []string{"example.org/api"}},
		"nothing":                    {Hosts: []string{""}},
		"IPv6 without brackets":      {Hosts: []string{"2001:db8::7"}},
		"letters beyond ASCII":       {Hosts: []string{"b\u00fccher.example"}},
		"IPv6 with a zone":           {Hosts: []string{"[fe80::1%eth0]"}},
		"a label of 64":              {Hosts: []string{strings.Repeat("a", 64) + ".example.org"}},
		"an empty label":             {Hosts: []string{"api..example.org"}},
		"a space":                    {Hosts: []string{"api.example.org "}},
		"redirect to any host":       {Redirect: true, InsecureAnyHost: true},
		"redirect to port 70000":     {Redirect: true, RedirectPort: 70000},
		"redirect to a negative one": {Redirect: true, RedirectPort: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := NewRedirect(cfg); err == nil {
			t.Errorf("%s: accepted for a listener that redirects", name)
		}
	}
	if _, err := NewRedirect(Config{InsecureAnyHost: true}); err == nil {
		t.Error("a listener redirects to any host")
	}
}
