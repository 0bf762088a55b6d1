package tlsedge

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// certificate describes a self-signed one, valid for two hours: from an hour
// ago, unless from says otherwise.
type certificate struct {
	names []string
	rsa   bool
	from  time.Time
}

func newCertificate(t testing.TB, c certificate) tls.Certificate {
	t.Helper()
	var key crypto.Signer
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if c.rsa {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	if c.from.IsZero() {
		c.from = time.Now().Add(-time.Hour)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: c.names, NotBefore: c.from, NotAfter: c.from.Add(2 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func writePair(t testing.TB, c certificate) KeyPair {
	t.Helper()
	dir := t.TempDir()
	p := KeyPair{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	overwrite(t, p, newCertificate(t, c))
	return p
}

func overwrite(t testing.TB, p KeyPair, c tls.Certificate) {
	t.Helper()
	writePEM(t, p.CertFile, "CERTIFICATE", c.Certificate[0])
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, p.KeyFile, "PRIVATE KEY", der)
}

func writePEM(t testing.TB, file, block string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateFilesThatCannotServe(t *testing.T) {
	good := writePair(t, certificate{names: []string{"localhost"}})
	other := writePair(t, certificate{names: []string{"localhost"}})
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, want string
		pair       KeyPair
	}{
		{"missing certificate", "no such file", KeyPair{"/nonexistent/cert.pem", good.KeyFile}},
		{"missing key", "no such file", KeyPair{good.CertFile, "/nonexistent/key.pem"}},
		{"key of another certificate", "does not match", KeyPair{good.CertFile, other.KeyFile}},
		{"not PEM", "junk.pem", KeyPair{junk, good.KeyFile}},
		{"expired", "it ended on 2020-01-01T02:00:00Z", writePair(t, certificate{names: []string{"x"}, from: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})},
		{"not yet valid", "it begins only on", writePair(t, certificate{names: []string{"x"}, from: time.Now().Add(time.Hour)})},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := NewServer(ServerConfig{Handler: nothing(), Certificates: []KeyPair{good, row.pair}})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("NewServer: %v; want %q", err, row.want)
			}
		})
	}
}

// reloading is a pair of files behind a clock that the test turns.
type reloading struct {
	*certificates
	told  []string // what became of each attempt: "" is good
	clock time.Time
	log   bytes.Buffer
	pair  KeyPair
}

func newReloading(t *testing.T) *reloading {
	t.Helper()
	r := &reloading{clock: time.Now(), pair: writePair(t, certificate{names: []string{"localhost"}})}
	files, err := openCertificates([]KeyPair{r.pair}, func() time.Time { return r.clock }, slog.New(slog.NewTextHandler(&r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.certificates = files
	files.told = func(err error) { r.told = append(r.told, fmt.Sprint(err)) }
	return r
}

func (r *reloading) serves(t *testing.T) string {
	t.Helper()
	c, err := r.get(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return string(c.Certificate[0])
}

func TestCertificatesAreReadAgain(t *testing.T) {
	r := newReloading(t)
	first := r.serves(t)
	renewed := newCertificate(t, certificate{names: []string{"renewed.example"}})
	overwrite(t, r.pair, renewed)
	if r.serves(t) != first {
		t.Error("the files are looked at more than once a second")
	}
	r.clock = r.clock.Add(recheck)
	if r.serves(t) != string(renewed.Certificate[0]) {
		t.Error("a second after the renewal the old certificate is served")
	}
	overwrite(t, r.pair, newCertificate(t, certificate{names: []string{"again.example"}}))
	if r.serves(t) != string(renewed.Certificate[0]) {
		t.Error("after a second the files are looked at each time")
	}
	r.certificates.told = nil // nobody need be told
	r.clock = r.clock.Add(recheck)
	if r.serves(t) == string(renewed.Certificate[0]) {
		t.Error("the second renewal is not served")
	}
}

func TestHalfARenewalKeepsTheOldCertificate(t *testing.T) {
	r := newReloading(t)
	first := r.serves(t)
	renewed := newCertificate(t, certificate{names: []string{"renewed.example"}})
	writePEM(t, r.pair.CertFile, "CERTIFICATE", renewed.Certificate[0]) // the key is still to come
	for range 5 {
		r.clock = r.clock.Add(recheck)
		if r.serves(t) != first {
			t.Fatal("a certificate without its key is served")
		}
	}
	overwrite(t, r.pair, renewed)
	r.clock = r.clock.Add(recheck)
	if r.serves(t) != string(renewed.Certificate[0]) {
		t.Error("the finished renewal is not served")
	}
	if told := strings.Count(r.log.String(), "not reloaded"); told != 1 {
		t.Errorf("told %d times; want once:\n%s", told, r.log.String())
	}
	r.clock = r.clock.Add(recheck)
	r.serves(t)
	if n := len(r.told); n != 6 || !strings.Contains(r.told[0], "does not match") || r.told[4] != r.told[0] || r.told[5] != "<nil>" {
		t.Errorf("five attempts failed and the sixth did not; told of %q", r.told)
	}
}

func TestARenewalTakenBackIsGoodAgain(t *testing.T) {
	r := newReloading(t)
	kept := r.pair.KeyFile + ".kept"
	for _, move := range [][2]string{{r.pair.KeyFile, kept}, {kept, r.pair.KeyFile}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r.clock = r.clock.Add(recheck)
			r.serves(t)
		}
	}
	if n := len(r.told); n != 3 || !strings.Contains(r.told[1], "no such file") || r.told[2] != "<nil>" {
		t.Errorf("told of %q", r.told)
	}
	if !strings.Contains(r.log.String(), "no such file") {
		t.Errorf("the log says %s", r.log.String())
	}
}

// TestReloadedIsToldOfTheWorst: of two pairs, one is renewed and one is broken.
func TestReloadedIsToldOfTheWorst(t *testing.T) {
	good, broken := writePair(t, certificate{names: []string{"a.example"}}), writePair(t, certificate{names: []string{"b.example"}})
	told := make(chan error, 1)
	clock := atomic.Int64{}
	addr := start(t, ServerConfig{
		Handler: nothing(), Certificates: []KeyPair{good, broken}, Reloaded: func(err error) { told <- err },
		Now: func() time.Time { return time.Now().Add(time.Duration(clock.Load())) },
	})
	overwrite(t, good, newCertificate(t, certificate{names: []string{"a.example"}}))
	writePEM(t, broken.CertFile, "CERTIFICATE", newCertificate(t, certificate{names: []string{"c.example"}}).Certificate[0])
	clock.Store(int64(recheck))
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := <-told; err == nil || strings.Contains(err.Error(), good.CertFile) || !strings.Contains(err.Error(), broken.CertFile) {
		t.Errorf("told of %v; want of %s alone", err, broken.CertFile)
	}
}

func TestRemovedAndExpiredFilesKeepTheOldCertificate(t *testing.T) {
	r := newReloading(t)
	first := r.serves(t)
	overwrite(t, r.pair, newCertificate(t, certificate{names: []string{"x"}, from: time.Now().AddDate(-1, 0, 0)}))
	r.clock = r.clock.Add(recheck)
	if r.serves(t) != first {
		t.Error("an expired certificate took the place of a good one")
	}
	if err := os.Remove(r.pair.CertFile); err != nil {
		t.Fatal(err)
	}
	r.clock = r.clock.Add(recheck)
	if r.serves(t) != first {
		t.Error("without its file the certificate is gone")
	}
}

func TestCertificateByName(t *testing.T) {
	a, b := writePair(t, certificate{names: []string{"a.example"}}), writePair(t, certificate{names: []string{"b.example"}})
	addr := startTLS(t, a, b)
	for name, want := range map[string]string{"a.example": "a.example", "b.example": "b.example", "c.example": "a.example", "": "a.example"} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].DNSNames[0]; got != want {
			t.Errorf("asked for %q: got %q; want %q", name, got, want)
		}
		conn.Close()
	}
}
