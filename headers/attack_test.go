package headers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/headers"
)

func TestAHandlerCannotWeakenTheHeaders(t *testing.T) {
	weak := map[string]string{
		"Content-Security-Policy": "default-src *", "X-Content-Type-Options": "", "X-Frame-Options": "ALLOWALL",
		"X-XSS-Protection": "1; mode=block", "Referrer-Policy": "unsafe-url", "Cross-Origin-Opener-Policy": "unsafe-none",
		"Cross-Origin-Resource-Policy": "cross-origin", "Origin-Agent-Cluster": "?0", "Permissions-Policy": "camera=*",
		"Server": "Apache/2.2.1", "X-Powered-By": "Express", "Access-Control-Allow-Origin": "*",
		"Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*",
		"Access-Control-Expose-Headers": "*", "Access-Control-Max-Age": "86400", "Access-Control-Allow-Private-Network": "true",
	}
	h := do(layerOf(t, headers.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range weak {
			w.Header().Set(name, value)
		}
		w.WriteHeader(http.StatusOK)
	}), "GET", "/", "Origin", "https://evil.example")
	check(t, h, chosen)
	check(t, h, map[string]string{
		"Server": "", "X-Powered-By": "", "Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "",
		"Access-Control-Allow-Methods": "", "Access-Control-Allow-Headers": "", "Access-Control-Expose-Headers": "",
		"Access-Control-Max-Age": "", "Access-Control-Allow-Private-Network": "",
	})
	if strings.Contains(h.Get("Permissions-Policy"), "*") {
		t.Errorf("Permissions-Policy: %s", h.Get("Permissions-Policy"))
	}
}

func TestVaryKeepsWhatAHandlerSays(t *testing.T) {
	for said, want := range map[string]string{
		"": "Origin", "Accept-Encoding": "Accept-Encoding|Origin", "Accept, origin": "Accept, origin", "*": "*",
	} {
		h := do(layerOf(t, headers.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			if said != "" {
				w.Header().Set("Vary", said)
			}
		}), "GET", "/")
		if got := strings.Join(h.Values("Vary"), "|"); got != want {
			t.Errorf("a handler says %q: %q, want %q", said, got, want)
		}
	}
}

func TestOnlyExactOriginsRead(t *testing.T) {
	cfg := headers.Config{CORS: headers.CORS{Origins: []string{app, "http://localhost:3000"}}}
	for name, origin := range map[string]string{
		"an origin of the list":    app,
		"another of the list":      "http://localhost:3000",
		"null":                     "null",
		"none":                     "",
		"a name that begins so":    "https://app.example.com.evil.example",
		"a name that ends so":      "https://evilapp.example.com",
		"a name below":             "https://x.app.example.com",
		"another scheme":           "http://app.example.com",
		"another port":             "https://app.example.com:8443",
		"the default port":         "https://app.example.com:443",
		"a slash at the end":       "https://app.example.com/",
		"upper case":               "https://APP.example.com",
		"a user before":            "https://app.example.com@evil.example",
		"two in one field":         app + " https://evil.example",
		"a list":                   app + ", https://evil.example",
		"a dot at the end":         "https://app.example.com.",
		"a percent-encoded letter": "https://app%2eexample.com",
		"localhost without a port": "http://localhost",
		"a space before":           "\u00a0" + app,
	} {
		t.Run(name, func(t *testing.T) {
			served := false
			h := do(layerOf(t, cfg, func(w http.ResponseWriter, r *http.Request) { served = true; ok(w, r) }), "GET", "/", "Origin", origin)
			want, credentials := "", ""
			if name == "an origin of the list" || name == "another of the list" {
				want, credentials = origin, "true"
			}
			if got := h.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("Access-Control-Allow-Origin: %q", got)
			}
			if got := h.Get("Access-Control-Allow-Credentials"); got != credentials {
				t.Errorf("Access-Control-Allow-Credentials: %q", got)
			}
			if h.Get("Vary") != "Origin" || !served {
				t.Errorf("Vary %q, served %v; the request is otherwise a normal one", h.Get("Vary"), served)
			}
		})
	}
	t.Run("two fields", func(t *testing.T) {
		h := do(layerOf(t, cfg, ok), "GET", "/", "Origin", app, "Origin", "https://evil.example")
		if got := h.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("Access-Control-Allow-Origin: %q", got)
		}
	})
}

func TestInexactOriginsAreErrorsOfTheConfiguration(t *testing.T) {
	for _, origin := range []string{
		"*", "null", "", "https://*.example.com", "https://app*.example.com", "app.example.com", "//app.example.com",
		"https://app.example.com/", "https://app.example.com/path", "https://app.example.com?q", "https://app.example.com#f",
		"https://user@app.example.com", "https://APP.example.com", "HTTPS://app.example.com", "https://app.example.com:443",
		"http://localhost:80", "https://app.example.com:", "https://", "https://:8443", "ftp://app.example.com", "file://",
		"https://b\u00fccher.example", "https://app.example.com\r\nX: y", "http://app.example.com", "https://[0:0:0:0:0:0:0:1]:3000",
		"javascript:alert(1)",
	} {
		if _, err := headers.New(headers.Config{CORS: headers.CORS{Origins: []string{origin}}}); err == nil {
			t.Errorf("%q was accepted", origin)
		}
	}
	for _, origin := range []string{app, "http://localhost:3000", "http://127.0.0.1:8000", "http://[::1]:5173", "https://xn--bcher-kva.example:8443"} {
		if _, err := headers.New(headers.Config{CORS: headers.CORS{Origins: []string{origin}}}); err != nil {
			t.Errorf("%v", err)
		}
	}
	if _, err := headers.New(headers.Config{CORS: headers.CORS{Origins: []string{"http://app.example.com"}, InsecurePlainOrigins: true}}); err != nil {
		t.Errorf("a named relaxation: %v", err)
	}
	_, err := headers.New(headers.Config{CORS: headers.CORS{Origins: []string{"*", "null"}}})
	if err == nil || !strings.Contains(err.Error(), `"*": a wildcard`) || !strings.Contains(err.Error(), `"null": it is the origin of every sandboxed page`) {
		t.Errorf("not all faults at once: %v", err)
	}
}

func preflight(h http.Handler, target, origin, method string, more ...string) http.Header {
	return do(h, "OPTIONS", target, append([]string{"Origin", origin, "Access-Control-Request-Method", method}, more...)...)
}

func TestPreflight(t *testing.T) {
	reached := 0
	h := layerOf(t, headers.Config{
		Table: tableOf(t),
		CORS:  headers.CORS{Origins: []string{app}, AllowHeaders: []string{"X-Own"}, ExposeHeaders: []string{"X-Shown"}},
	}, func(w http.ResponseWriter, _ *http.Request) { reached++; w.WriteHeader(http.StatusTeapot) })

	got := preflight(h, "/things", app, "PUT", "Access-Control-Request-Headers", "content-type")
	check(t, got, map[string]string{
		"Test-Status": "204", "Access-Control-Allow-Origin": app, "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS, PUT", "Access-Control-Max-Age": "600",
		"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers", "Content-Length": "",
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": chosen["Content-Security-Policy"],
	})
	for _, name := range []string{
		"Content-Type", "Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id",
		"X-Device-Id", "X-Csrf-Token", "X-Timestamp", "X-Client-Version", "X-Own",
	} {
		if !strings.Contains(got.Get("Access-Control-Allow-Headers")+",", name+",") {
			t.Errorf("%s is not allowed", name)
		}
	}
	if reached != 0 {
		t.Error("the preflight reached the handler")
	}
	exposed := do(h, "GET", "/things", "Origin", app).Get("Access-Control-Expose-Headers")
	for _, name := range []string{"ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id", "Idempotent-Replayed", "X-Shown"} {
		if !strings.Contains(exposed+",", name+",") {
			t.Errorf("%s is not exposed", name)
		}
	}
}

func TestWhatIsNoPreflightGoesOn(t *testing.T) {
	for _, row := range []struct {
		name, method, target, origin, asked, allowed string
	}{
		{"an unknown origin", "OPTIONS", "/things", "https://evil.example", "PUT", ""},
		{"the origin null", "OPTIONS", "/things", "null", "PUT", ""},
		{"an unknown path tells nothing", "OPTIONS", "/nothing", app, "PUT", app},
		{"no method asked for", "OPTIONS", "/things", app, "", app},
		{"no origin", "OPTIONS", "/things", "", "PUT", ""},
		{"not OPTIONS", "GET", "/things", app, "PUT", app},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := layerOf(t, headers.Config{Table: tableOf(t), CORS: headers.CORS{Origins: []string{app}}},
				func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			var fields []string
			if row.origin != "" {
				fields = append(fields, "Origin", row.origin)
			}
			if row.asked != "" {
				fields = append(fields, "Access-Control-Request-Method", row.asked)
			}
			check(t, do(h, row.method, row.target, fields...), map[string]string{
				"Test-Status": "418", "Access-Control-Allow-Origin": row.allowed,
				"Access-Control-Allow-Methods": "", "Access-Control-Allow-Headers": "", "Access-Control-Max-Age": "",
			})
		})
	}
}

func TestPrivateNetworkOnRequestOnly(t *testing.T) {
	for _, on := range []bool{false, true} {
		h := layerOf(t, headers.Config{CORS: headers.CORS{Origins: []string{app}, PrivateNetwork: on}}, ok)
		want := ""
		if on {
			want = "true"
		}
		if got := preflight(h, "/", app, "PUT", "Access-Control-Request-Private-Network", "true").Get("Access-Control-Allow-Private-Network"); got != want {
			t.Errorf("PrivateNetwork %v: %q", on, got)
		}
		if got := preflight(h, "/", app, "PUT").Get("Access-Control-Allow-Private-Network"); got != "" {
			t.Errorf("not asked for: %q", got)
		}
	}
}

func TestAnyOriginNeverWithCredentials(t *testing.T) {
	h := layerOf(t, headers.Config{CORS: headers.CORS{InsecureAnyOrigin: true}}, ok)
	check(t, do(h, "GET", "/", "Origin", "https://anyone.example"), map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "",
	})
	check(t, preflight(h, "/", "https://anyone.example", "PUT"), map[string]string{
		"Test-Status": "204", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "",
	})
}

func TestPreflightAge(t *testing.T) {
	h := layerOf(t, headers.Config{CORS: headers.CORS{Origins: []string{app}, MaxAge: time.Hour}}, ok)
	if got := preflight(h, "/", app, "PUT").Get("Access-Control-Max-Age"); got != "3600" {
		t.Errorf("%s", got)
	}
}

func TestTheLayerAddsFewAllocations(t *testing.T) {
	wrap, err := headers.New(headers.Config{CORS: headers.CORS{Origins: []string{app}}})
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{NewID: func() string { return "id" }})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Origin", app)
	w := &discard{h: http.Header{}}
	measure := func(h http.Handler) float64 {
		return testing.AllocsPerRun(200, func() { clear(w.h); h.ServeHTTP(w, req) })
	}
	bare := http.HandlerFunc(ok)
	if added := measure(begin(wrap(bare))) - measure(begin(bare)); added > 3 {
		t.Errorf("%v allocations added", added)
	}
}
