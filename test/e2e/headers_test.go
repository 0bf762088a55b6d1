package e2e

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startWith serves over TLS with more settings in the file, in .env and in the
// environment.
func startWith(t *testing.T, settings, dotenv string, env ...string) (*program, *http.Client) {
	t.Helper()
	dir := t.TempDir()
	pool := writeCertificate(t, dir)
	settings = "environment: test\ndata: data\nscheduler: { seed: test, open: true }\ntls: { cert_file: cert.pem, key_file: key.pem }\n" +
		"hosts: [gate.example.org]\n" + settings
	for name, text := range map[string]string{"gatehouse.yaml": settings, ".env": dotenv} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, out := startIn(t, dir, binary, env, "--json", "serve", "--listen", "localhost:0")
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatalf("serve did not print JSON: %v\n%s", err, p.log.String())
	}
	p.url = said.URL
	return p, &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

// TestSettingsOfHeaders: each setting changes what the program sends, from
// whichever source it comes, and without it nothing of it is sent.
func TestSettingsOfHeaders(t *testing.T) {
	const origin = "https://app.example.org"
	p, client := startWith(t,
		"cors: { origins: ["+origin+"], expose_headers: [X-Total-Count], max_age: 1m, private_network: true }\nhsts: { preload: true }\n",
		"GATEHOUSE_CORS__ALLOW_HEADERS=X-Tenant,X-Trace\nGATEHOUSE_CORS__MAX_AGE=30s\n",
		"GATEHOUSE_CORS__MAX_AGE=2m", "GATEHOUSE_X_RATELIMIT=true")
	ask := func(p *program, client *http.Client, method string) http.Header {
		return p.do(request{method: method, path: "/api/days", host: "gate.example.org", client: client, header: map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Private-Network": "true",
		}}).header
	}
	preflight, got := ask(p, client, http.MethodOptions), ask(p, client, http.MethodGet)
	for _, row := range []struct {
		name string
		in   http.Header
		want string
		part bool
	}{
		{"Access-Control-Max-Age", preflight, "120", false},
		{"Access-Control-Allow-Headers", preflight, ", X-Tenant, X-Trace", true},
		{"Access-Control-Allow-Private-Network", preflight, "true", false},
		{"Access-Control-Expose-Headers", got, ", X-Total-Count", true},
		{"Strict-Transport-Security", got, "max-age=31536000; includeSubDomains; preload", false}, // hstspreload.org
		{"X-RateLimit-Limit", got, "2000", false},
		{"X-RateLimit-Remaining", got, "1999", false}, // a preflight is not counted
	} {
		if v := row.in.Get(row.name); v != row.want && !(row.part && strings.HasSuffix(v, row.want)) {
			t.Errorf("%s: %q, want %q", row.name, v, row.want)
		}
	}
	reset, err := strconv.ParseInt(got.Get("X-RateLimit-Reset"), 10, 64)
	if left := time.Until(time.Unix(reset, 0)); err != nil || left < 14*time.Minute || left > 15*time.Minute+2*time.Second {
		t.Errorf("X-RateLimit-Reset is %q, which is in %v", got.Get("X-RateLimit-Reset"), left)
	}
	if said := p.log.String(); !strings.Contains(said, "GH-CFG-052") {
		t.Errorf("the start does not tell of the private network: %s", said)
	}

	p, client = startWith(t, "cors: { origins: ["+origin+"] }\n", "")
	preflight, got = ask(p, client, http.MethodOptions), ask(p, client, http.MethodGet)
	if preflight.Get("Access-Control-Max-Age") != "600" || preflight["Access-Control-Allow-Private-Network"] != nil ||
		strings.Contains(preflight.Get("Access-Control-Allow-Headers"), "X-Tenant") || strings.Contains(got.Get("Access-Control-Expose-Headers"), "X-Total-Count") ||
		got.Get("Strict-Transport-Security") != "max-age=31536000; includeSubDomains" || got.Get("X-RateLimit-Limit") != "" || got.Get("RateLimit") == "" {
		t.Errorf("without the settings: %v\n%v", preflight, got)
	}
}

// TestSettingsOfHeadersAreShown: config show says what is in force and where it
// was stated, and config check names the risk.
func TestSettingsOfHeadersAreShown(t *testing.T) {
	env := []string{
		"GATEHOUSE_CORS__ALLOW_HEADERS=X-Tenant", "GATEHOUSE_CORS__EXPOSE_HEADERS=X-Total-Count", "GATEHOUSE_CORS__MAX_AGE=1h",
		"GATEHOUSE_CORS__PRIVATE_NETWORK=true", "GATEHOUSE_HSTS__PRELOAD=true", "GATEHOUSE_X_RATELIMIT=true",
	}
	shown, _, _ := run(t, env, "config", "show", "--origin")
	for path, value := range map[string]string{
		"cors.allow_headers": "X-Tenant", "cors.expose_headers": "X-Total-Count", "cors.max_age": "1h", "cors.private_network": "true",
		"hsts.preload": "true", "x_ratelimit": "true",
	} {
		line := path + ": " + value
		if at := strings.Index(shown, "\n"+line); at < 0 || !strings.Contains(strings.SplitN(shown[at+1:], "\n", 2)[0], "# environment GATEHOUSE_") {
			t.Errorf("config show has no %q from the environment:\n%s", line, shown)
		}
	}
	if out, _, code := run(t, env, "config", "check"); code != 2 || !strings.Contains(out, "accept_risk: [private-network]") {
		t.Errorf("config check ends with %d: %s", code, out)
	}
	if out, _, code := run(t, append(env, "GATEHOUSE_ACCEPT_RISK=private-network"), "config", "check"); code != 0 || !strings.Contains(out, "Risks taken: private-network.") {
		t.Errorf("config check ends with %d: %s", code, out)
	}
}
