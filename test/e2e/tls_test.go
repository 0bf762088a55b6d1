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
	"encoding/xml"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startScanned serves over TLS with a certificate of which a scanner has nothing
// to say but that nobody signed it, and returns host and port.
func startScanned(t *testing.T, more string) (*program, string) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	number := make([]byte, 16)
	_, _ = rand.Read(number)
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(number), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
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
	settings := "version: 1\nenvironment: test\ndata: " + filepath.Join(dir, "data") + "\nscheduler: { seed: test }\ntls: { cert_file: cert.pem, key_file: key.pem }\n" + more
	if err := os.WriteFile(filepath.Join(dir, "gatehouse.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p, out := start(t, binary, nil, "--config", filepath.Join(dir, "gatehouse.yaml"), "--json", "serve", "--listen", "localhost:0")
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatalf("serve did not print JSON: %v\n%s", err, p.log.String())
	}
	u, err := url.Parse(said.URL)
	if err != nil || u.Scheme != "https" {
		t.Fatalf("the address is %s, %v", said.URL, err)
	}
	p.url = said.URL
	return p, u.Host
}

// TestSslscan lets sslscan (Debian) look at the program and wants TLS 1.2 and
// 1.3 alone, with authenticated encryption and forward secrecy.
func TestSslscan(t *testing.T) {
	_, host := startScanned(t, "")
	report := filepath.Join(t.TempDir(), "sslscan.xml")
	if out, err := exec.CommandContext(t.Context(), "sslscan", "--xml="+report, host).CombinedOutput(); err != nil {
		t.Fatalf("sslscan: %v\n%s", err, out)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	type item struct {
		Type       string `xml:"type,attr"`
		Version    string `xml:"version,attr"`
		Enabled    string `xml:"enabled,attr"`
		Supported  string `xml:"supported,attr"`
		Vulnerable string `xml:"vulnerable,attr"`
		TLS        string `xml:"sslversion,attr"`
		Cipher     string `xml:"cipher,attr"`
		Bits       int    `xml:"bits,attr"`
	}
	var found struct {
		Test struct {
			Protocols     []item `xml:"protocol"`
			Renegotiation []item `xml:"renegotiation"`
			Compression   []item `xml:"compression"`
			Heartbleed    []item `xml:"heartbleed"`
			Ciphers       []item `xml:"cipher"`
			Groups        []item `xml:"group"`
		} `xml:"ssltest"`
	}
	if err := xml.Unmarshal(b, &found); err != nil {
		t.Fatal(err)
	}
	if n := len(found.Test.Protocols); n < 4 {
		t.Fatalf("sslscan tried %d protocols; is its report still read?\n%s", n, b)
	}
	for _, p := range found.Test.Protocols {
		good := p.Type == "tls" && (p.Version == "1.2" || p.Version == "1.3")
		if (p.Enabled == "1") != good {
			t.Errorf("%s %s: enabled %s", p.Type, p.Version, p.Enabled)
		}
	}
	if n := len(found.Test.Ciphers); n < 6 {
		t.Errorf("%d ciphers; want three of each version at least", n)
	}
	for _, c := range found.Test.Ciphers {
		aead := strings.Contains(c.Cipher, "GCM") || strings.Contains(c.Cipher, "CHACHA20")
		if forward := c.TLS == "TLSv1.3" || strings.HasPrefix(c.Cipher, "ECDHE-"); !aead || !forward || c.Bits < 128 {
			t.Errorf("%s accepts %s, %d bits", c.TLS, c.Cipher, c.Bits)
		}
	}
	for _, g := range found.Test.Groups {
		if g.Bits < 112 {
			t.Errorf("%s exchanges keys with %d bits", g.TLS, g.Bits)
		}
	}
	for _, h := range found.Test.Heartbleed {
		if h.Vulnerable != "0" {
			t.Errorf("%s: heartbleed", h.TLS)
		}
	}
	for _, r := range append(found.Test.Renegotiation, found.Test.Compression...) {
		if r.Supported != "0" {
			t.Error("renegotiation or compression is supported")
		}
	}
}

// TestHSTSOnlyOverTLS: a host of ours is remembered where it was reached over
// TLS, and nowhere else.
func TestHSTSOnlyOverTLS(t *testing.T) {
	const host = "gate.example.org"
	dir := t.TempDir()
	named := "version: 1\nenvironment: test\nhosts: [" + host + "]\nscheduler: { seed: test }\ndata: "
	plain := serve(t, t.TempDir(), named+filepath.Join(dir, "plain")+"\n")
	if a := plain.do(request{path: "/livez", host: host}); a.status != 200 || a.header.Get("Strict-Transport-Security") != "" {
		t.Errorf("plain: %d, HSTS %q", a.status, a.header.Get("Strict-Transport-Security"))
	}
	over, _ := startScanned(t, "hosts: ["+host+"]\n")
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, row := range []struct{ host, want string }{{host, "max-age=31536000; includeSubDomains"}, {"localhost", ""}} {
		if a := over.do(request{path: "/livez", host: row.host, client: client}); a.status != 200 || a.header.Get("Strict-Transport-Security") != row.want {
			t.Errorf("%s over TLS: %d, HSTS %q; want %q", row.host, a.status, a.header.Get("Strict-Transport-Security"), row.want)
		}
	}
}

// TestConnectionsOfOneAddress: one address holds 256 connections at most, and
// the others are served meanwhile.
func TestConnectionsOfOneAddress(t *testing.T) {
	p := demo(t, "--seed", "test")
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	flood := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 3, 1)}, Timeout: 5 * time.Second}
	var refused int
	for range 300 {
		conn, err := flood.Dial("tcp", net.JoinHostPort("127.0.0.1", u.Port()))
		if err != nil {
			refused++
			continue
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write([]byte("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			refused++
			continue
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			refused++
		}
	}
	if refused != 300-256 {
		t.Errorf("%d of 300 connections were closed unanswered; want 44", refused)
	}
	if a := p.do(request{path: "/livez"}); a.status != 200 {
		t.Errorf("another address: %d", a.status)
	}
}
