package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHealthOfWhatThePagesConfigure asks servers as a container's health check
// does: with their settings and no address.
func TestHealthOfWhatThePagesConfigure(t *testing.T) {
	const encrypted = "tls: { cert_file: cert.pem, key_file: key.pem }\n"
	for _, tt := range []struct {
		name, settings, certificate string
		code                        int
		says                        string
	}{
		{"a certificate for the public name", "public_url: https://gate.example.org\n" + encrypted, "gate.example.org", 0, "ready"},
		{"the public name has a port", "public_url: https://gate.example.org:8443\n" + encrypted, "gate.example.org", 0, "ready"},
		{"a certificate for localhost", encrypted, "localhost", 0, "ready"},
		{"behind a proxy", "public_url: https://gate.example.org\ntrusted_proxies: [127.0.0.1, \"::1\"]\n", "", 0, "ready"},
		{"behind a balancer on this machine that states the client", "public_url: https://gate.example.org\n" +
			"trusted_proxies: [127.0.0.1, \"::1\"]\nproxy_protocol: true\n" + encrypted, "gate.example.org", 0, "ready"},
		{"behind a balancer elsewhere that states the client", "public_url: https://gate.example.org\n" +
			"trusted_proxies: [10.0.0.0/24]\nproxy_protocol: true\n" + encrypted, "gate.example.org", 0, "ready"},
		{"a certificate for another name", "public_url: https://gate.example.org\n" + encrypted, "www.example.org", 1, "not gate.example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, listen := t.TempDir(), "localhost:"+freePort(t)
			if tt.certificate != "" {
				writeCertificateFor(t, dir, tt.certificate)
			}
			file := filepath.Join(dir, "gatehouse.yaml")
			settings := "environment: test\nlisten: " + listen + "\ndata: data\n" + tt.settings
			if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			p, out := start(t, binary, nil, "--config", file, "--json", "serve")
			if err := json.NewDecoder(out).Decode(&struct{}{}); err != nil {
				t.Fatalf("serve did not print JSON: %v\n%s", err, p.log.String())
			}
			said, complained, code := run(t, nil, "--config", file, "health")
			if code != tt.code || !strings.Contains(said+complained, tt.says) || code != 0 && strings.Contains(complained, "Is it running?") {
				t.Errorf("exit %d, want %d with %q: %s%s\n%s", code, tt.code, tt.says, said, complained, p.log.String())
			}
		})
	}
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}
