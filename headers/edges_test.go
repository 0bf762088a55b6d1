package headers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

func TestBoundsOfTheConfig(t *testing.T) {
	strict := func(more string) Config {
		return Config{PagePolicy: "default-src 'none'; frame-ancestors 'none'; base-uri 'none'" + more}
	}
	for name, tt := range map[string]struct {
		cfg  Config
		fits bool
	}{
		"a preflight that holds no time":         {Config{CORS: CORS{MaxAge: -time.Millisecond}}, false},
		"a preflight that holds half a second":   {Config{CORS: CORS{MaxAge: 500 * time.Millisecond}}, true},
		"a preflight of two hours":               {Config{CORS: CORS{MaxAge: 2 * time.Hour}}, true},
		"a preflight of a second more":           {Config{CORS: CORS{MaxAge: 2*time.Hour + time.Second}}, false},
		"a preflight of a millisecond more":      {Config{CORS: CORS{MaxAge: 2*time.Hour + time.Millisecond}}, false},
		"HSTS of a year":                         {Config{HSTS: HSTS{MaxAge: 365 * 24 * time.Hour}}, true},
		"HSTS of a year less a second":           {Config{HSTS: HSTS{MaxAge: 365*24*time.Hour - time.Second}}, false},
		"a port of the other scheme, https":      {Config{CORS: CORS{Origins: []string{"https://a.example:80"}}}, true},
		"a port of the other scheme, http":       {Config{CORS: CORS{Origins: []string{"http://localhost:443"}}}, true},
		"the port of https":                      {Config{CORS: CORS{Origins: []string{"https://a.example:443"}}}, false},
		"the port of http":                       {Config{CORS: CORS{Origins: []string{"http://localhost:80"}}}, false},
		"a policy that ends with a semicolon":    {strict("; "), true},
		"a policy with an empty directive":       {strict("; ; img-src 'self'"), true},
		"a policy with a directive of no source": {Config{PagePolicy: "default-src; frame-ancestors; base-uri"}, true},
		"a policy with a line break":             {strict("\n"), false},
		"a policy with the byte before a space":  {strict("; x \x1f"), false},
		"a policy with the last printable byte":  {strict("; x ~"), true},
		"a policy with the byte after it":        {strict("; x \x7f"), false},
		"a policy beyond ASCII":                  {strict("; x \u00e9"), false},
	} {
		if _, err := New(tt.cfg); (err == nil) != tt.fits {
			t.Errorf("%s: %v, want it to fit: %v", name, err, tt.fits)
		}
	}
}

// TestTokens holds token against RFC 9110 §5.6.2, all but the wildcard.
func TestTokens(t *testing.T) {
	const tchar = "!#$%&'+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for b := range 256 {
		s := string([]byte{byte(b)})
		if want := b < 128 && strings.Contains(tchar, s); token(s) != want {
			t.Errorf("%q: %v, want %v", s, token(s), want)
		}
	}
	if token("") || token("a b") || !token("X-A") {
		t.Error("a token is at least one character, and each of them fits")
	}
}

func TestPrintable(t *testing.T) {
	for b := range 256 {
		if want := b > 0x20 && b < 0x7f; ascii(string([]byte{byte(b)})) != want {
			t.Errorf("byte %#x: printable %v, want %v", b, !want, want)
		}
	}
}

func TestLoopbackNames(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST.:80": true, "a.localhost": true, "127.0.0.1:8001": true, "127.9.9.9": true, "[::1]:80": true, "[::ffff:127.0.0.1]": true,
		"192.0.2.1": false, "[2001:db8::1]": false, "example.org": false, "notlocalhost": false, "": false,
	} {
		if loopback(host) != want {
			t.Errorf("%q: %v, want %v", host, !want, want)
		}
	}
}

func serveIn(t *testing.T, cfg Config, mode call.Mode, r *http.Request) (header http.Header, calls int, pardons []call.Pardon) {
	t.Helper()
	facts, err := call.New(call.Config{Modes: call.Modes{call.AnyAPI: {"headers": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	layer, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	facts(layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		pardons = call.From(r.Context()).Pardons()
		w.WriteHeader(http.StatusOK)
	}))).ServeHTTP(w, r)
	return w.Header(), calls, pardons
}

func TestModes(t *testing.T) {
	cfg := Config{CORS: CORS{Origins: []string{"https://app.example"}}}
	for _, tt := range []struct {
		name, origin    string
		mode            call.Mode
		fields, pardons int
	}{
		{"enforced", "https://evil.example", call.Enforce, 1, 0},
		{"reported, a foreign page", "https://evil.example", call.Report, 1, 1},
		{"reported, a listed page", "https://app.example", call.Report, 1, 0},
		{"reported, its own page", "https://API.example", call.Report, 1, 0},
		{"reported, no page", "", call.Report, 1, 0},
		{"off", "https://evil.example", call.Off, 0, 0},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://api.example/", nil)
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		h, calls, pardons := serveIn(t, cfg, tt.mode, r)
		if calls != 1 || len(h.Values("X-Content-Type-Options")) != tt.fields || len(pardons) != tt.pardons {
			t.Errorf("%s: %d calls, %d fields, pardons %v", tt.name, calls, len(h.Values("X-Content-Type-Options")), pardons)
		}
		if len(pardons) == 1 && (pardons[0].Code != "CORS_ORIGIN" || pardons[0].Layer != "headers" || !strings.Contains(pardons[0].Allow, "origins")) {
			t.Errorf("%s: %+v", tt.name, pardons[0])
		}
	}
	if e := unlisted(); e.Status != http.StatusForbidden {
		t.Errorf("status %d", e.Status)
	}
}

// TestWhatIsNoPreflightGoesOn: an OPTIONS without an origin is no preflight even
// where every origin may read.
func TestWhatIsNoPreflightGoesOn(t *testing.T) {
	r := httptest.NewRequest(http.MethodOptions, "http://api.example/", nil)
	r.Header.Set("Access-Control-Request-Method", "GET")
	if _, calls, _ := serveIn(t, Config{CORS: CORS{InsecureAnyOrigin: true}}, call.Enforce, r); calls != 1 {
		t.Error("it was answered as a preflight")
	}
}

func TestHSTSThatIsOffLeavesNothing(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "https://api.example/", nil)
	h, _, _ := serveIn(t, Config{HSTS: HSTS{InsecureOff: true}}, call.Enforce, r)
	if _, there := h["Strict-Transport-Security"]; there {
		t.Error("the field is there, without a value")
	}
}

// TestAnOperationForOPTIONS does not widen what a preflight allows.
func TestAnOperationForOPTIONS(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "a.yaml", Data: []byte(`
openapi: 3.1.0
info: { title: A, version: "1" }
paths:
  /a:
    get: { operationId: read, x-gatehouse: { access: public }, responses: { "200": { description: ok } } }
    options: { operationId: ask, x-gatehouse: { access: public }, responses: { "204": { description: ok } } }
`)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodOptions, "https://api.example/a", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "DELETE")
	h, _, _ := serveIn(t, Config{Table: table, CORS: CORS{Origins: []string{"https://app.example"}}}, call.Enforce, r)
	if got := h.Get("Access-Control-Allow-Methods"); got != "GET, HEAD, OPTIONS" {
		t.Errorf("allowed are %q", got)
	}
}
