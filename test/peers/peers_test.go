//go:build peers

// Package peers holds the headers of the built program against what others
// send and ask for: the npm packages helmet and cors, and MDN's HTTP Observatory.
// It runs with make peers, because it fetches packages from npm.
package peers

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	host   = "gate.example.org"
	origin = "https://app.example.org"
)

// TestPeers installs the packages and starts the program once for all.
func TestPeers(t *testing.T) {
	work := install(t)
	g := startGate(t)
	t.Run("helmet and cors", func(t *testing.T) { besideHelmetAndCORS(t, work, g) })
	t.Run("observatory", func(t *testing.T) { observatory(t, work, g) })
}

// install copies what is ours beside the locked packages, into a folder that
// goes away. No package runs a script of its own while it is installed.
func install(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "peer.mjs", "judge.mjs"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	cmd.Dir = dir
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, b)
	}
	return dir
}

// node runs one of our scripts among the packages and reads the JSON it prints.
func node(t *testing.T, dir, script string, env []string, arg, out any) {
	t.Helper()
	a, err := json.Marshal(arg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script, string(a))
	cmd.Dir, cmd.Env = dir, append(env, "PATH="+os.Getenv("PATH"), "HOME="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, stdout.String(), stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		t.Fatalf("%s did not print JSON: %v\n%s%s", script, err, stdout.String(), stderr.String())
	}
}

// gate is the built program, which serves host as if on the usual ports; who
// looks for these is led to those it really has.
type gate struct {
	trust       string // file with the certificate to trust
	https, http string // ports on 127.0.0.1
}

func startGate(t *testing.T) gate {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "gatehouse")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/gatehouse")
	build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if b, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, b)
	}
	writeCertificate(t, dir)
	g := gate{trust: filepath.Join(dir, "cert.pem"), https: freePort(t), http: freePort(t)}
	settings := fmt.Sprintf("version: 1\nenvironment: test\npublic_url: https://%s\ndata: %s\nscheduler: { seed: test }\ncors: { origins: [%q] }\n"+
		"tls: { cert_file: cert.pem, key_file: key.pem, redirect: '127.0.0.1:%s' }\n", host, filepath.Join(dir, "data"), origin, g.http)
	file := filepath.Join(dir, "gatehouse.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, bin, "--config", file, "--json", "serve", "--listen", "127.0.0.1:"+g.https)
	waitUp(t, g.https)
	waitUp(t, g.http)
	return g
}

// run starts the program and ends it with the test.
func run(t *testing.T, dir, bin string, args ...string) {
	t.Helper()
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = said.Close() }()
	cmd := exec.Command(bin, args...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if b, err := os.ReadFile(said.Name()); err == nil && t.Failed() {
			t.Logf("the program said\n%s", b)
		}
	})
}

// waitUp dials a port until somebody listens there.
func waitUp(t *testing.T, port string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens: %v", err)
		}
	}
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// writeCertificate writes cert.pem and key.pem: for host, signed by itself.
func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
