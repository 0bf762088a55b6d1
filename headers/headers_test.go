package headers_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/problem"
)

const document = `
openapi: 3.1.0
info: {title: Things, version: "1"}
x-gatehouse: {name: things}
paths:
  /things:
    get: {operationId: list, x-gatehouse: {access: public}, responses: {"200": {description: ok}}}
    put: {operationId: put, x-gatehouse: {access: public}, responses: {"200": {description: ok}}}
  /page:
    get: {operationId: page, x-gatehouse: {access: public, page: true}, responses: {"200": {description: ok}}}
`

const app = "https://app.example.com"

func tableOf(t testing.TB) *contract.Table {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "things.yaml", Data: []byte(document)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func layerOf(t testing.TB, cfg headers.Config, next http.HandlerFunc) http.Handler {
	t.Helper()
	wrap, err := headers.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(next)
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func do(h http.Handler, method, target string, fields ...string) http.Header {
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	h.ServeHTTP(rec, req)
	result := rec.Result().Header
	result.Set("Test-Status", rec.Result().Status[:3])
	return result
}

// chosen is what contracts, section 6, 10 to 14, and the OWASP cheat sheets say.
var chosen = map[string]string{
	"X-Content-Type-Options":            "nosniff",
	"Content-Security-Policy":           "default-src 'none'; frame-ancestors 'none'",
	"X-Frame-Options":                   "DENY",
	"X-XSS-Protection":                  "0",
	"Referrer-Policy":                   "no-referrer",
	"Cross-Origin-Opener-Policy":        "same-origin",
	"Cross-Origin-Resource-Policy":      "same-origin",
	"Origin-Agent-Cluster":              "?1",
	"X-DNS-Prefetch-Control":            "off",
	"X-Download-Options":                "noopen",
	"X-Permitted-Cross-Domain-Policies": "none",
	"Vary":                              "Origin",
}

func check(t *testing.T, h http.Header, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := strings.Join(h.Values(name), "|"); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	for name, next := range map[string]http.HandlerFunc{
		"an answer":            ok,
		"an answer of bytes":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) },
		"an answer of nothing": func(http.ResponseWriter, *http.Request) {},
		"a redirect":           func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusSeeOther) },
		"a plain error":        func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
		"an unknown path":      http.NotFound,
		"a refusal":            func(w http.ResponseWriter, r *http.Request) { call.Refuse(w, r, problem.Forbidden("no")) },
		"a failure":            func(w http.ResponseWriter, r *http.Request) { call.Refuse(w, r, problem.Internal(nil)) },
		"a stream":             func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() },
		"an upgrade":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) },
	} {
		t.Run(name, func(t *testing.T) {
			h := do(layerOf(t, headers.Config{}, next), "GET", "/")
			check(t, h, chosen)
			for _, feature := range []string{"camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()"} {
				if !strings.Contains(h.Get("Permissions-Policy"), feature) {
					t.Errorf("Permissions-Policy lacks %s", feature)
				}
			}
		})
	}
}

// TestNothingIsKeptUnlessSomebodySays: a plain handler that says nothing of
// caches answers private things.
func TestNothingIsKeptUnlessSomebodySays(t *testing.T) {
	table := gatetest.Compile(t, strings.Replace(document, "put: {operationId: put, x-gatehouse: {access: public}", "put: {operationId: put, x-gatehouse: {access: public, cache: 'private, max-age=60'}", 1))
	says := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "max-age=5") }
	for _, tt := range []struct {
		name, method, path string
		handler            http.HandlerFunc
		want               string
	}{
		{"nobody says", "GET", "/things", ok, "no-store"},
		{"nobody says, and nothing is written", "GET", "/things", func(http.ResponseWriter, *http.Request) {}, "no-store"},
		{"outside of the contract", "GET", "/elsewhere", ok, "no-store"},
		{"the contract says", "PUT", "/things", ok, "private, max-age=60"},
		{"the handler says", "GET", "/things", says, "max-age=5"},
		{"both say", "PUT", "/things", says, "max-age=5"},
		{"a refusal", "PUT", "/things", func(w http.ResponseWriter, r *http.Request) { call.Refuse(w, r, problem.Forbidden("no")) }, "no-store"},
	} {
		if got := do(layerOf(t, headers.Config{Table: table}, tt.handler), tt.method, tt.path).Values("Cache-Control"); strings.Join(got, "|") != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAPanicIsAnsweredWithTheHeaders(t *testing.T) {
	wrap, err := headers.New(headers.Config{})
	if err != nil {
		t.Fatal(err)
	}
	inner := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") }))
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = call.Ensure(w, r)
		defer func() {
			_ = recover()
			call.Refuse(call.From(r.Context()).ResponseWriter(), r, problem.Internal(nil))
		}()
		inner.ServeHTTP(w, r)
	})
	check(t, do(outer, "GET", "/"), chosen)
}

func TestPagesGetThePagePolicy(t *testing.T) {
	h := layerOf(t, headers.Config{Table: tableOf(t)}, ok)
	want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types gatehouse"
	if got := do(h, "GET", "/page").Get("Content-Security-Policy"); got != want {
		t.Errorf("page: %s", got)
	}
	check(t, do(h, "GET", "/things"), chosen)
	check(t, do(h, "GET", "/nothing"), chosen)
}

func TestOwnPagePolicies(t *testing.T) {
	const strict, relaxed = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'", "default-src * 'unsafe-inline'"
	for want, cfg := range map[string]headers.Config{strict: {PagePolicy: strict}, relaxed: {InsecurePagePolicy: relaxed}} {
		cfg.Table = tableOf(t)
		h := layerOf(t, cfg, ok)
		if got := do(h, "GET", "/page").Get("Content-Security-Policy"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		check(t, do(h, "GET", "/things"), chosen)
	}
}

func TestHSTS(t *testing.T) {
	const year = "max-age=31536000; includeSubDomains"
	for _, row := range []struct {
		name, host string
		secure     bool
		cfg        headers.HSTS
		want       string
	}{
		{"over TLS", "api.example.com", true, headers.HSTS{}, year},
		{"over TLS, with a port", "api.example.com:8443", true, headers.HSTS{}, year},
		{"over plain HTTP", "api.example.com", false, headers.HSTS{}, ""},
		{"localhost", "localhost:8001", true, headers.HSTS{}, ""},
		{"LOCALHOST.", "LOCALHOST.:8001", true, headers.HSTS{}, ""},
		{"a name below localhost", "app.localhost", true, headers.HSTS{}, ""},
		{"127.0.0.1", "127.0.0.1:8001", true, headers.HSTS{}, ""},
		{"127.1.2.3", "127.1.2.3", true, headers.HSTS{}, ""},
		{"::1", "[::1]:8001", true, headers.HSTS{}, ""},
		{"a name that only begins so", "localhost.example.com", true, headers.HSTS{}, year},
		{"preload on request", "api.example.com", true, headers.HSTS{Preload: true}, year + "; preload"},
		{"two years", "api.example.com", true, headers.HSTS{MaxAge: 2 * 365 * 24 * time.Hour}, "max-age=63072000; includeSubDomains"},
		{"off", "api.example.com", true, headers.HSTS{InsecureOff: true}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := layerOf(t, headers.Config{HSTS: row.cfg}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Strict-Transport-Security", "max-age=1")
			})
			rec, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			req.Host = row.host
			if row.secure {
				req.TLS = &tls.ConnectionState{}
			}
			h.ServeHTTP(rec, req)
			if got := rec.Header().Get("Strict-Transport-Security"); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	t.Run("behind a proxy that tlsedge vouches for", func(t *testing.T) {
		h := layerOf(t, headers.Config{}, ok)
		rec, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		req = call.Ensure(rec, req)
		call.From(req.Context()).SetSecure()
		h.ServeHTTP(call.From(req.Context()).ResponseWriter(), req)
		if got := rec.Header().Get("Strict-Transport-Security"); got != year {
			t.Errorf("%q", got)
		}
	})
}

func TestWeakConfigurationIsRefused(t *testing.T) {
	for name, cfg := range map[string]headers.Config{
		"HSTS of a day":                {HSTS: headers.HSTS{MaxAge: 24 * time.Hour}},
		"unsafe-inline":                {PagePolicy: "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"},
		"unsafe-eval":                  {PagePolicy: "default-src 'self'; script-src 'UNSAFE-EVAL'; frame-ancestors 'none'; base-uri 'none'"},
		"any origin":                   {PagePolicy: "default-src *; frame-ancestors 'none'; base-uri 'none'"},
		"script from data:":            {PagePolicy: "default-src 'none'; script-src data:; frame-ancestors 'none'; base-uri 'none'"},
		"no frame-ancestors":           {PagePolicy: "default-src 'none'; base-uri 'none'"},
		"no default-src":               {PagePolicy: "frame-ancestors 'none'; base-uri 'none'"},
		"a line break":                 {PagePolicy: "default-src 'none'; frame-ancestors 'none'; base-uri 'none'\r\nX: y"},
		"two page policies":            {PagePolicy: headers.PagePolicy, InsecurePagePolicy: "default-src *"},
		"a preflight held for a day":   {CORS: headers.CORS{MaxAge: 24 * time.Hour}},
		"a wildcard in allowed fields": {CORS: headers.CORS{AllowHeaders: []string{"*"}}},
		"a wildcard in exposed fields": {CORS: headers.CORS{ExposeHeaders: []string{"*"}}},
		"a field with a line break":    {CORS: headers.CORS{AllowHeaders: []string{"X-A\r\nX-B"}}},
		"any origin and a list":        {CORS: headers.CORS{InsecureAnyOrigin: true, Origins: []string{app}}},
	} {
		if _, err := headers.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, cfg := range map[string]headers.Config{
		"a strict page policy": {PagePolicy: "default-src 'none'; script-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"},
		"a named relaxation":   {InsecurePagePolicy: "default-src * 'unsafe-inline'"},
	} {
		if _, err := headers.New(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkLayer(b *testing.B) {
	wrap, err := headers.New(headers.Config{CORS: headers.CORS{Origins: []string{app}}})
	if err != nil {
		b.Fatal(err)
	}
	begin, err := call.New(call.Config{NewID: func() string { return "id" }})
	if err != nil {
		b.Fatal(err)
	}
	bare := http.HandlerFunc(ok)
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Origin", app)
	for name, h := range map[string]http.Handler{"bare": begin(bare), "headers": begin(wrap(bare))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := &discard{h: http.Header{}}
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, req)
			}
		})
	}
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
