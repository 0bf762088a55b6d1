package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// pair makes the files of a self-signed certificate that ends at a time, and
// returns its public key.
func pair(t *testing.T, name string, ends time.Time) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: ends.Add(-48 * time.Hour), NotAfter: ends}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return &key.PublicKey
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// broken are settings that have their form and cannot be served.
func broken(t *testing.T) []struct {
	name, setting string
	env           []string
} {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pair(t, "good", time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	pair(t, "ended", time.Now().Add(-time.Hour))
	write(t, "file", "")
	write(t, "audience.yaml", "identity: { audience: '' }\n")
	write(t, "data.yaml", "data: ''\n")
	write(t, "latin1.txt", "correct horse battery stapl\xe9\n")
	for _, folder := range []string{"folder", "weak", "logs/combined.log"} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "weak/sealing.key", "short")
	const dev, hs, demo = "GATEHOUSE_ENV=development", "GATEHOUSE_IDENTITY__TOKEN__ALGORITHM=HS256", "GATEHOUSE_ENV=demo"
	cert := func(cert, key string) []string {
		return []string{"GATEHOUSE_TLS__CERT_FILE=" + cert, "GATEHOUSE_TLS__KEY_FILE=" + key}
	}
	return []struct {
		name, setting string
		env           []string
	}{
		{"origin in the clear", "cors.origins", []string{dev, "GATEHOUSE_CORS__ORIGINS=http://app.example.com"}},
		{"origin with the port of its scheme", "cors.origins", []string{dev, "GATEHOUSE_CORS__ORIGINS=https://app.example.com:443"}},
		{"origin that no browser writes so", "cors.origins", []string{dev, "GATEHOUSE_CORS__ORIGINS=https://[2001:0db8::1]"}},
		{"origin that is not in its xn-- form", "cors.origins", []string{"GATEHOUSE_CORS__ORIGINS=https://bücher.example"}},
		{"wildcard of request fields", "cors.allow_headers", []string{"GATEHOUSE_CORS__ALLOW_HEADERS=*, X Y"}},
		{"answer field that is no name", "cors.expose_headers", []string{"GATEHOUSE_CORS__EXPOSE_HEADERS=X Y"}},
		{"preflights that hold for a day", "cors.max_age", []string{"GATEHOUSE_CORS__MAX_AGE=1d"}},
		{"private network in production", "cors.private_network", []string{"GATEHOUSE_CORS__PRIVATE_NETWORK=true"}},
		{"host that is no name", "hosts", []string{"GATEHOUSE_HOSTS=a..b"}},
		{"public_url that is not in its xn-- form", "public_url", []string{"GATEHOUSE_PUBLIC_URL=https://bücher.example"}},
		{"public key in PEM as secret", "identity.token.secret", []string{hs, "JWT_SECRET=" + string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}},
		{"public key in base64 as secret", "identity.token.secret", []string{hs, "JWT_SECRET=" + base64.StdEncoding.EncodeToString(der)}},
		{"short secret in a demo", "identity.token.secret", []string{demo, hs, "JWT_SECRET=short"}},
		{"short sealing key in a demo", "identity.sealing_key", []string{demo, "GATEHOUSE_IDENTITY__SEALING_KEY=short"}},
		{"short sealing key in its file", "identity.sealing_key", []string{"GATEHOUSE_DATA=weak"}},
		{"short setup token in a demo", "identity.setup_token", []string{demo, "GATEHOUSE_SETUP_TOKEN=short"}},
		{"no audience", "identity.audience", []string{"GATEHOUSE_CONFIG=audience.yaml"}},
		{"passwords that are a folder", "identity.refused_passwords", []string{"GATEHOUSE_IDENTITY__REFUSED_PASSWORDS=folder"}},
		{"passwords that are not UTF-8", "identity.refused_passwords", []string{"GATEHOUSE_IDENTITY__REFUSED_PASSWORDS=latin1.txt"}},
		{"passwords of which there are none", "identity.refused_passwords", []string{"GATEHOUSE_IDENTITY__REFUSED_PASSWORDS=file"}},
		{"certificate that is none", "tls.cert_file", cert("file", "good.key")},
		{"certificate that has ended", "tls.cert_file", cert("ended.pem", "ended.key")},
		{"certificate with the key of another", "tls.cert_file", cert("good.pem", "ended.key")},
		{"redirect on the port of the listener", "tls.redirect", append(cert("good.pem", "good.key"), "GATEHOUSE_LISTEN=localhost:8001", "GATEHOUSE_TLS__REDIRECT=127.0.0.1:8001")},
		{"metrics on the port of the listener", "metrics.listen", []string{"GATEHOUSE_LISTEN=[::]:8001", dev, "GATEHOUSE_METRICS__LISTEN=localhost:8001"}},
		{"unknown paths by member", "limits.unmatched", []string{"GATEHOUSE_LIMITS__UNMATCHED=5/1m per member"}},
		{"failures on unknown paths alone", "limits.unmatched", []string{"GATEHOUSE_LIMITS__UNMATCHED=5/1m failures"}},
		{"budget that no contract has", "limits.lgoin", []string{"GATEHOUSE_LIMITS__LGOIN=5/1m"}},
		{"data in a file", "data", []string{"GATEHOUSE_DATA=file"}},
		{"data below a file", "data", []string{"GATEHOUSE_DATA=file/data"}},
		{"data nowhere", "data", []string{"GATEHOUSE_CONFIG=data.yaml"}},
		{"database in a folder that is not there", "database.path", []string{"GATEHOUSE_DATABASE__PATH=nowhere/g.db"}},
		{"database that is a folder", "database.path", []string{"GATEHOUSE_DATABASE__PATH=folder"}},
		{"database in memory", "database.path", []string{"GATEHOUSE_DATABASE__PATH=:memory:"}},
		{"logs below a file", "log.files.folder", []string{"GATEHOUSE_LOG__FILES__FOLDER=file/logs"}},
		{"log that is a folder", "log.files.folder", []string{"GATEHOUSE_LOG__FILES__FOLDER=logs"}},
		{"mode of an API that is not there", "modes.notes.validate", []string{dev, "GATEHOUSE_MODES__NOTES__VALIDATE=report"}},
	}
}

// TestCheckAndServeAgree: whatever serve refuses, config check refuses before,
// with the same code and by the name of the setting.
func TestCheckAndServeAgree(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, row := range broken(t) {
		t.Run(row.name, func(t *testing.T) {
			env := append([]string{"GATEHOUSE_LISTEN=localhost:0"}, row.env...)
			check := command(t, nil, env, "config", "check")
			if check.code != exitUsage || !strings.Contains(check.out, row.setting) {
				t.Errorf("config check ends with %d, want %d with %s: %s%s", check.code, exitUsage, row.setting, check.out, check.err)
			}
			serve := serveFor(t, 20*time.Second, env)
			if serve.code != exitUsage || !strings.Contains(serve.err, row.setting) {
				t.Errorf("serve ends with %d, want %d with %s: %s%s", serve.code, exitUsage, row.setting, serve.out, serve.err)
			}
		})
	}
	if _, err := os.Stat("gatehouse-data"); err == nil {
		t.Error("a start that was refused has made the data folder")
	}
}

// serveFor runs serve, and ends it when nothing has refused it by then.
func serveFor(t *testing.T, most time.Duration, env []string) said {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	var out, errs bytes.Buffer
	term := &terminal{ctx: ctx, out: &out, err: &errs, env: env}
	return said{run(term, []string{"serve"}), out.String(), errs.String()}
}

// TestCheckLeavesNothingBehind: it looks whether files can be made, and makes none.
func TestCheckLeavesNothingBehind(t *testing.T) {
	t.Chdir(t.TempDir())
	pair(t, "good", time.Now().Add(time.Hour))
	got := command(t, nil, []string{
		"GATEHOUSE_TLS__CERT_FILE=good.pem", "GATEHOUSE_TLS__KEY_FILE=good.key", "GATEHOUSE_TLS__REDIRECT=localhost:0",
		"GATEHOUSE_LOG__FILES__FOLDER=logs", "GATEHOUSE_METRICS__LISTEN=localhost:9464", "GATEHOUSE_DATA=a/b/c",
		"GATEHOUSE_CORS__ORIGINS=https://app.example.org,http://app.localhost:3000",
	}, "config", "check")
	if got.code != exitOK || !strings.HasPrefix(got.out, "0 problems, 0 warnings.") {
		t.Fatalf("%+v", got)
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) != 2 {
		t.Errorf("%d files are left, not 2: %v %v", len(left), left, err)
	}
}
