package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

const password = "a-passphrase-of-the-tests"

// settings are the settings of a server on an engine, its data below dir.
func settingsOn(t *testing.T, engine store.Engine, dir, more string) string {
	t.Helper()
	s := "version: 1\nenvironment: test\ndata: " + filepath.Join(dir, "data") + "\nscheduler: { seed: test }\n" + more
	if engine == store.Postgres {
		db := storetest.Postgres(t)
		s += fmt.Sprintf("database: { url: %q, owner_url: %q }\n", db.URL, db.OwnerURL)
	}
	return s
}

// TestServeOnBothEngines serves, signs in, books, stops and starts again: what
// was acknowledged is there, and what was ended stays ended.
func TestServeOnBothEngines(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			dir := t.TempDir()
			p := serve(t, dir, settingsOn(t, engine, dir, ""))
			p.logins["member"] = []login{addMember(t, dir, "ada@example.org", "member", password)}
			stays, ends := p.token("member", 0), p.token("member", 0)
			if a := p.do(request{method: http.MethodPut, path: "/api/appointments/2", token: stays, body: booking}); a.status != http.StatusNoContent {
				t.Fatalf("booking: %d %s", a.status, a.body)
			}
			if a := p.do(request{method: http.MethodPost, path: "/logout", token: ends}); a.status != http.StatusNoContent {
				t.Fatalf("logout: %d %s", a.status, a.body)
			}
			if err := p.stop(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			p = serve(t, dir, "")
			a := p.do(request{path: "/api/appointments", token: stays})
			if a.status != http.StatusOK || !strings.Contains(a.body, "Lydia Miller-Jones") || !strings.Contains(a.body, "Reserved") {
				t.Errorf("after the restart: %d %s", a.status, a.body)
			}
			if a := p.do(request{path: "/profile", token: ends}); a.status != http.StatusUnauthorized {
				t.Errorf("a token that was logged out before the restart: %d", a.status)
			}
		})
	}
}

// TestSuspendReachesARunningServer suspends from another process and wants the
// next request refused.
func TestSuspendReachesARunningServer(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			dir := t.TempDir()
			p := serve(t, dir, settingsOn(t, engine, dir, ""))
			p.logins["member"] = []login{addMember(t, dir, "ada@example.org", "member", password)}
			token := p.token("member", 0)
			for range 3 { // the verified token is remembered by now
				if a := p.do(request{path: "/profile", token: token}); a.status != http.StatusOK {
					t.Fatalf("profile: %d %s", a.status, a.body)
				}
			}
			socket := dialAs(t, p, token)
			out, errOut, code := run(t, nil, "--config", filepath.Join(dir, "gatehouse.yaml"), "member", "suspend", "ada@example.org")
			if code != 0 {
				t.Fatalf("suspend ended with %d: %s%s", code, out, errOut)
			}
			wantsRefused(t, p, engine, token)
			if got := closedWith(t, socket); got != 1008 {
				t.Errorf("their socket closed with %d, want 1008", got)
			}
			if _, err := p.signIn("member", 0); err == nil || !strings.Contains(err.Error(), "401") {
				t.Errorf("signing in: %v, want 401", err)
			}
		})
	}
}

// wantsRefused wants the next request with a token to be refused, whose session
// another process has ended; on PostgreSQL the next after its notification.
func wantsRefused(t *testing.T, p *program, engine store.Engine, token string) {
	t.Helper()
	a := p.do(request{path: "/profile", token: token})
	for until := time.Now().Add(2 * time.Second); engine == store.Postgres && a.status == http.StatusOK && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
		a = p.do(request{path: "/profile", token: token})
	}
	if a.status != http.StatusUnauthorized {
		t.Errorf("the next request of a session that has ended: %d %s", a.status, a.body)
	}
}

// TestNewPasswordReachesARunningServer sets a lost password from another process:
// what was signed in is refused from the next request on, and the new one signs in.
func TestNewPasswordReachesARunningServer(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			dir := t.TempDir()
			p := serve(t, dir, settingsOn(t, engine, dir, ""))
			p.logins["member"] = []login{addMember(t, dir, "ada@example.org", "member", password)}
			pair, err := p.signIn("member", 0)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // the verified token is remembered by now
				if a := p.do(request{path: "/profile", token: pair.Token}); a.status != http.StatusOK {
					t.Fatalf("profile: %d %s", a.status, a.body)
				}
			}
			socket := dialAs(t, p, pair.Token)
			set := func(next string) (string, int) {
				cmd := exec.Command(binary, "--config", filepath.Join(dir, "gatehouse.yaml"), "member", "password", "ada@example.org", "--password-stdin")
				cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(next+"\n"), []string{}
				said, _ := cmd.CombinedOutput() // the code tells
				return string(said), cmd.ProcessState.ExitCode()
			}
			if said, code := set("gatehouse-2026"); code != 2 || strings.Contains(said, "gatehouse-2026") {
				t.Errorf("a password against the rules: exit %d, %s", code, said)
			}
			if said, code := set("another-passphrase-of-the-tests"); code != 0 || strings.Contains(said, "another-passphrase") {
				t.Fatalf("exit %d, %s", code, said)
			}
			wantsRefused(t, p, engine, pair.Token)
			if a := p.do(request{method: http.MethodPost, path: "/refresh", body: `{"refreshToken":"` + pair.RefreshToken + `"}`}); a.status != http.StatusUnauthorized {
				t.Errorf("a refresh token from before: %d %s", a.status, a.body)
			}
			if got := closedWith(t, socket); got != 1008 {
				t.Errorf("their socket closed with %d, want 1008", got)
			}
			if _, err := p.signIn("member", 0); err == nil || !strings.Contains(err.Error(), "401") {
				t.Errorf("signing in with the lost password: %v, want 401", err)
			}
			p.logins["member"][0].Password = "another-passphrase-of-the-tests"
			if a := p.do(request{path: "/profile", token: p.token("member", 0)}); a.status != http.StatusOK {
				t.Errorf("with the new one: %d %s", a.status, a.body)
			}
		})
	}
}

// TestImportedMember brings a bcrypt hash of another system: its password signs
// in, and the hash is Argon2id afterwards.
func TestImportedMember(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--config", filepath.Join(dir, "gatehouse.yaml"), "member", "add", "old@example.org", "--hash-stdin")
	cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(string(hash)), []string{}
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("importing: %v\n%s", err, b)
	}
	p.logins["member"] = []login{{"member", "old@example.org", password}}
	for range 2 { // with the imported hash, and with the one that took its place
		if a := p.do(request{path: "/profile", token: p.token("member", 0)}); a.status != http.StatusOK {
			t.Errorf("profile: %d %s", a.status, a.body)
		}
	}
}

// TestSetupLink follows the link that the first start prints.
func TestSetupLink(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	token := setupToken(t, p)
	page := p.do(request{path: "/setup", header: map[string]string{"Accept": "text/html"}})
	if page.status != http.StatusOK || !strings.Contains(page.body, "/setup.js") || strings.Contains(page.body, token) {
		t.Errorf("the page: %d %s", page.status, page.body)
	}
	body := `{"token":"` + token + `","email":"root@example.org","username":"root","password":"` + password + `"}`
	if a := p.do(request{method: http.MethodPost, path: "/setup", body: strings.Replace(body, token, strings.Repeat("x", len(token)), 1)}); a.status < 400 || a.status >= 500 {
		t.Errorf("a wrong token: %d %s", a.status, a.body)
	}
	if a := p.do(request{method: http.MethodPost, path: "/setup", body: body}); a.status != http.StatusCreated {
		t.Fatalf("setup: %d %s", a.status, a.body)
	}
	if a := p.do(request{method: http.MethodPost, path: "/setup", body: strings.Replace(body, "root@", "eve@", 1)}); a.status < 400 || a.status >= 500 {
		t.Errorf("the link a second time: %d %s", a.status, a.body)
	}
	p.logins["admin"] = []login{{"admin", "root@example.org", password}}
	if a := p.do(request{path: "/health", token: p.token("admin", 0)}); !strings.Contains(a.body, `"memory"`) {
		t.Errorf("an admin's health: %s", a.body)
	}
	if a := p.do(request{path: "/health"}); strings.Contains(a.body, `"memory"`) {
		t.Errorf("a guest's health: %s", a.body)
	}
	if strings.Contains(p.log.String(), password) {
		t.Error("the password stands in the log")
	}
}

// setupToken reads the token from the link that serve prints.
func setupToken(t *testing.T, p *program) string {
	t.Helper()
	for range 1000 {
		if m := regexp.MustCompile(`/setup#(\S+)`).FindStringSubmatch(p.log.String()); m != nil {
			return m[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no setup link: %s", p.log.String())
	return ""
}

// TestDatabaseOutage stops PostgreSQL under a running server: 503 with
// Retry-After, and back by itself.
func TestDatabaseOutage(t *testing.T) {
	database := storetest.NewServer(t)
	db := database.Fresh(t, nil)
	dir := t.TempDir()
	p := serve(t, dir, fmt.Sprintf("environment: test\ndata: %s\nscheduler: { seed: test }\ndatabase: { url: %q, owner_url: %q, pool: { acquire: 2s } }\n",
		filepath.Join(dir, "data"), db.URL, db.OwnerURL))
	if a := p.do(request{path: "/api/days/1"}); a.status != http.StatusOK {
		t.Fatalf("before: %d", a.status)
	}
	database.Stop(t)
	a := p.do(request{path: "/api/days/1"})
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "dial") {
		t.Errorf("during the outage: %d %v %s", a.status, a.header, a.body)
	}
	if a := p.do(request{path: "/readyz"}); a.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz during the outage: %d", a.status)
	}
	if a := p.do(request{path: "/livez"}); a.status != http.StatusOK {
		t.Errorf("/livez during the outage: %d", a.status)
	}
	database.Start(t)
	deadline := time.Now().Add(60 * time.Second)
	for a = p.do(request{path: "/api/days/1"}); a.status != http.StatusOK; a = p.do(request{path: "/api/days/1"}) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not recover: %d %s", a.status, a.body)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, secret := range []string{"password=", "secret", ":app@", db.URL} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// TestWaitsForTheDatabase starts the server before its database.
func TestWaitsForTheDatabase(t *testing.T) {
	database := storetest.NewServer(t)
	db := database.Fresh(t, nil)
	database.Stop(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "gatehouse.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "environment: test\ndata: %s\ndatabase: { url: %q, owner_url: %q }\n", filepath.Join(dir, "data"), db.URL, db.OwnerURL), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := start(t, binary, nil, "--config", file, "--json", "serve", "--listen", "localhost:0")
	for range 1500 {
		if strings.Contains(p.log.String(), database.Address()) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if said := p.log.String(); !strings.Contains(said, database.Address()) || strings.Contains(said, db.URL) {
		t.Errorf("while it waits it says: %s", said)
	}
	database.Start(t)
	for range 3000 {
		if strings.Contains(p.log.String(), "/setup#") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("it did not start once the database was there: %s", p.log.String())
}

// TestStopWhileWaitingForTheDatabase ends each command that waits for a database
// which does not come.
func TestStopWhileWaitingForTheDatabase(t *testing.T) {
	for command, code := range map[string]int{"serve --listen localhost:0": 0, "member list": 3, "migrate status": 3} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "gatehouse.yaml")
			settings := "environment: test\ndata: data\ndatabase: { url: 'postgres://one:pw-of-the-test@127.0.0.1:1/x' }\n"
			if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			p, _ := start(t, binary, nil, append([]string{"--config", file}, strings.Fields(command)...)...)
			for range 500 {
				if strings.Contains(p.log.String(), "waiting for the database") {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			_ = p.stop(syscall.SIGTERM) // the code tells
			said := p.log.String()
			if got := p.cmd.ProcessState.ExitCode(); got != code || strings.Count(said, "waiting for the database") < 1 ||
				!strings.Contains(said, "stopped while waiting for") || !strings.Contains(said, "connection refused") {
				t.Errorf("exit %d, want %d:\n%s", got, code, said)
			}
		})
	}
	out, errOut, code := run(t, []string{"GATEHOUSE_ENV=test", "GATEHOUSE_DATABASE__WAIT=1s",
		"GATEHOUSE_DATABASE__URL=postgres://one:pw-of-the-test@127.0.0.1:1/x"}, "--quiet", "member", "list")
	if code != 3 || strings.Contains(errOut, "waiting for the database") {
		t.Errorf("quietly: exit %d, %s%s", code, out, errOut)
	}
}

// TestTLSFromFiles serves over TLS with HSTS, and sends plain HTTP to it.
func TestTLSFromFiles(t *testing.T) {
	dir := t.TempDir()
	pool := writeCertificate(t, dir)
	p, out := startTLS(t, dir)
	_ = out
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	a := p.do(request{path: "/api/days", client: client})
	if a.status != http.StatusOK || a.header.Get("Strict-Transport-Security") != "" && strings.Contains(p.url, "localhost") {
		t.Errorf("over TLS: %d %v", a.status, a.header)
	}
	old := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}}}
	if _, err := p.try(request{path: "/api/days", client: old}); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func startTLS(t *testing.T, dir string) (*program, string) {
	t.Helper()
	settings := "environment: test\ndata: " + filepath.Join(dir, "data") + "\nscheduler: { seed: test }\ntls: { cert_file: cert.pem, key_file: key.pem }\n"
	if err := os.WriteFile(filepath.Join(dir, "gatehouse.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p, r := start(t, binary, nil, "--config", filepath.Join(dir, "gatehouse.yaml"), "--json", "serve", "--listen", "localhost:0")
	var said struct{ URL string }
	if err := json.NewDecoder(r).Decode(&said); err != nil {
		t.Fatalf("serve did not print JSON: %v\n%s", err, p.log.String())
	}
	if !strings.HasPrefix(said.URL, "https://") {
		t.Errorf("the address is %s", said.URL)
	}
	p.url = said.URL
	return p, said.URL
}

// writeCertificate makes a self-signed certificate for localhost.
func writeCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	return writeCertificateFor(t, dir, "localhost")
}

func writeCertificateFor(t *testing.T, dir, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

// TestRefusesToStart lists what production does not start with.
func TestRefusesToStart(t *testing.T) {
	for _, tt := range []struct {
		name, settings, says string
		code                 int
	}{
		{"an open scheduler", "scheduler: { open: true }\n", "open-scheduler", 2},
		{"plain HTTP beyond loopback", "listen: 0.0.0.0:0\npublic_url: https://gate.example.org\n", "plain-http", 2},
		{"a secret of an example", "identity: { token: { algorithm: HS256, secret: myTopSecretKey123 } }\n", "identity.token.secret", 2},
		{"error mode", "scheduler: { error_mode: true }\n", "error_mode", 2},
		{"a key that is misspelt", "lisen: localhost:0\n", `Did you mean "listen"`, 2},
		{"PostgreSQL with one role for all", "identity: { sealing_key: vN3qT8xWc5LrZ0pJm7KdYs2HfGa9BuEe }\n" +
			"database: { url: 'postgres://one:pw-of-the-test@127.0.0.1:1/x', owner_url: 'postgres://one:pw-of-the-test@127.0.0.1:1/x', wait: 0s }\n", "owner_url", 2},
		{"PostgreSQL without a key of its own", "database: { url: 'postgres://one:pw-of-the-test@127.0.0.1:1/x' , wait: 0s }\n", "identity.sealing_key", 2},
		{"a database that is not there", "environment: test\ndatabase: { url: 'postgres://one:pw-of-the-test@127.0.0.1:1/x' , wait: 0s }\n", "127.0.0.1:1", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "gatehouse.yaml")
			settings := "data: " + filepath.Join(dir, "data") + "\n" + tt.settings
			if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"--config", file, "serve"}
			if !strings.Contains(tt.settings, "listen:") {
				args = append(args, "--listen", "localhost:0")
			}
			out, errOut, code := run(t, nil, args...)
			if code != tt.code || !strings.Contains(errOut, tt.says) {
				t.Errorf("exit %d, want %d, saying %q:\n%s%s", code, tt.code, tt.says, out, errOut)
			}
			if strings.Contains(out+errOut, "pw-of-the-test") || strings.Contains(out+errOut, "myTopSecretKey123") {
				t.Errorf("a secret was printed:\n%s%s", out, errOut)
			}
		})
	}
}

// TestNothingIsPromisedThatCannotBeServed takes a port and spoils a certificate,
// and wants neither banner nor setup link before that is told.
func TestNothingIsPromisedThatCannotBeServed(t *testing.T) {
	taken, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	at := taken.Addr().String()
	const encrypted = "tls: { cert_file: cert.pem, key_file: key.pem"
	for _, tt := range []struct{ name, settings, says string }{
		{"the port of listen", "listen: " + at + "\n", "listen: "},
		{"the port of metrics.listen", "listen: localhost:0\nmetrics: { listen: \"" + at + "\" }\n", "metrics.listen: "},
		{"the port of tls.redirect", "listen: localhost:0\n" + encrypted + ", redirect: \"" + at + "\" }\n", "tls.redirect: "},
		{"a key that is not the certificate's", "listen: localhost:0\n" + strings.Replace(encrypted, "key.pem", "other/key.pem", 1) + " }\n", "other/key.pem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeCertificate(t, dir)
			if err := os.Mkdir(filepath.Join(dir, "other"), 0o700); err != nil {
				t.Fatal(err)
			}
			writeCertificate(t, filepath.Join(dir, "other"))
			file := filepath.Join(dir, "gatehouse.yaml")
			if err := os.WriteFile(file, []byte("environment: test\ndata: data\n"+tt.settings), 0o600); err != nil {
				t.Fatal(err)
			}
			out, errOut, code := run(t, nil, "--config", file, "serve")
			if code != 2 || out != "" || !strings.Contains(errOut, tt.says) {
				t.Errorf("exit %d, want 2 with %q: %s\n%s", code, tt.says, out, errOut)
			}
		})
	}
}

// TestLogTellsStartAndEnd wants one record of each.
func TestLogTellsStartAndEnd(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said := p.log.String()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
	if n := strings.Count(said, `"msg":"serving"`); n != 1 || !strings.Contains(said, `"environment":"test"`) || !strings.Contains(said, `"version":"`) || !strings.Contains(said, ":"+port+`"`) {
		t.Errorf("%d records of the start:\n%s", n, said)
	}
	if n := strings.Count(said, `"level":"INFO","msg":"stopped","finished":true`); n != 1 {
		t.Errorf("%d records of the end:\n%s", n, said)
	}
}

// TestOneServerPerFile starts a second server on the same SQLite file.
func TestOneServerPerFile(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	_, errOut, code := run(t, nil, "--config", filepath.Join(dir, "gatehouse.yaml"), "serve", "--listen", "localhost:0")
	if code != 2 || !strings.Contains(errOut, "in use") {
		t.Errorf("exit %d: %s", code, errOut)
	}
}

// TestMigrateCommands moves a schema up, down and up again on each engine.
func TestMigrateCommands(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "gatehouse.yaml")
			if err := os.WriteFile(file, []byte(settingsOn(t, engine, dir, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			migrate := func(want string, args ...string) {
				t.Helper()
				out, errOut, code := run(t, nil, append([]string{"--config", file, "migrate"}, args...)...)
				if code != 0 || !strings.Contains(out, want) {
					t.Errorf("migrate %v: exit %d, want %q:\n%s%s", args, code, want, out, errOut)
				}
			}
			migrate("CREATE TABLE", "plan")
			migrate("scheduler", "up")
			migrate("Nothing to do", "up")
			migrate("scheduler", "down", "--yes")
			migrate("pending", "status")
			migrate("down", "down", "--to", "nothing", "--yes")
			migrate("scheduler", "up")
			migrate("Nothing to do", "plan")
		})
	}
}

// TestKillMinusNine ends the server without a word between two bookings.
func TestKillMinusNine(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	p.logins["manager"] = []login{addMember(t, dir, "grace@example.org", "manager", password)}
	token, left := p.token("manager", 0), p.token("manager", 0)
	for i := range 4 {
		a := p.do(request{method: http.MethodPut, path: fmt.Sprintf("/api/appointments/%d", i+1), token: token, body: booking})
		if a.status != http.StatusNoContent {
			t.Fatalf("booking: %d %s", a.status, a.body)
		}
	}
	if a := p.do(request{method: http.MethodPost, path: "/logout", token: left}); a.status != http.StatusNoContent {
		t.Fatalf("logout: %d", a.status)
	}
	_ = p.stop(syscall.SIGKILL)
	p = serve(t, dir, "")
	if a := p.do(request{path: "/api/appointments", token: token}); strings.Count(a.body, "Lydia") != 4 {
		t.Errorf("after kill -9: %d %s", a.status, a.body)
	}
	if a := p.do(request{path: "/profile", token: left}); a.status != http.StatusUnauthorized {
		t.Errorf("a logout that was acknowledged before kill -9 is forgotten: %d", a.status)
	}
}

func TestCommandsTellPrograms(t *testing.T) {
	for _, args := range [][]string{{"--json", "version"}, {"--json", "routes"}, {"--json", "config", "show"}, {"--json", "config", "check"}} {
		out, errOut, code := run(t, nil, args...)
		var v struct{ Schema string }
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 || v.Schema == "" || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: exit %d, %v: %s%s", args, code, err, out, errOut)
		}
	}
	if _, _, code := run(t, nil, "health", "http://127.0.0.1:9"); code != 3 {
		t.Errorf("health of nothing: exit %d, want 3", code)
	}
	dir := t.TempDir()
	up := serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	settings := filepath.Join(dir, "gatehouse.yaml")
	if err := os.WriteFile(settings, []byte("listen: "+strings.TrimPrefix(up.url, "http://")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errOut, code := run(t, nil, "--config", settings, "health"); code != 0 || out != "ready\n" {
		t.Errorf("health of the settings' server: exit %d, %s%s", code, out, errOut)
	}
	if _, _, code := run(t, nil, "no-such-command"); code != 2 {
		t.Errorf("a wrong command: exit %d, want 2", code)
	}
	if _, err := exec.LookPath(binary); err != nil {
		t.Error(err)
	}
}
