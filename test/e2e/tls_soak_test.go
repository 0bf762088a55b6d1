//go:build soak

package e2e

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// explained are the findings of testssl.sh that are no fault of the program.
var explained = map[string]string{
	"engine_problem":      "about the openssl of the machine that scans",
	"scanTime":            "about the time it took",
	"cert_chain_of_trust": "the certificate of this test is self-signed",
	"cert_revocation":     "and so has no issuer that could revoke it",
	"DNS_CAArecord":       "a record of the domain, which is the operator's",
}

// TestSoakTestssl lets testssl.sh (Debian) look at the program. It takes one to two
// minutes, which is why it is not part of make test.
func TestSoakTestssl(t *testing.T) {
	_, host := startScanned(t, "")
	report := filepath.Join(t.TempDir(), "testssl.json")
	// It exits with the number of findings.
	out, _ := exec.CommandContext(t.Context(), "testssl", "--quiet", "--color", "0", "--warnings", "batch", "--jsonfile", report, host).CombinedOutput()
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var findings []struct{ ID, Severity, Finding string }
	if err := json.Unmarshal(b, &findings); err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, f := range findings {
		switch {
		case f.Severity == "OK":
			good++
		case f.Severity == "INFO" || f.Severity == "DEBUG":
		case explained[f.ID] != "":
			t.Logf("%s %s (%s): %s", f.Severity, f.ID, explained[f.ID], f.Finding)
		case f.ID == "HSTS":
			t.Logf("%s HSTS (a browser that remembers localhost reaches no development server; TestHSTSOnlyOverTLS asks for another host): %s", f.Severity, f.Finding)
		default:
			t.Errorf("%s %s: %s", f.Severity, f.ID, f.Finding)
		}
	}
	if good < 40 {
		t.Errorf("only %d of %d findings are OK; did it see the program?\n%s", good, len(findings), out)
	}
	t.Logf("%d findings, %d OK", len(findings), good)
}

// h2specVersion is fetched with go install, as it is in no package of Debian.
const h2specVersion = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"

// TestSoakH2spec runs the conformance tests of HTTP/2. The standard library's
// server, Go 1.26, passes 140 of 145 in this version.
func TestSoakH2spec(t *testing.T) {
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", h2specVersion)
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("installing h2spec: %v\n%s", err, out)
	}
	_, address := startScanned(t, "")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	// It exits with 1 when one test fails.
	out, _ := exec.CommandContext(t.Context(), filepath.Join(dir, "h2spec"), "-t", "-k", "-h", host, "-p", port, "-o", "5", "-P", "/livez").CombinedOutput()
	text := string(out)
	if _, failures, ok := strings.Cut(text, "Failures:"); ok {
		t.Log(failures)
	}
	m := regexp.MustCompile(`(\d+) tests, (\d+) passed`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("h2spec said no figure:\n%s", text)
	}
	if passed, _ := strconv.Atoi(m[2]); passed < 140 {
		t.Errorf("%s passed of %s; want 140 at least, what Go's server passes", m[2], m[1])
	}
}
