package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

// TestOnlyTheNamedAuthorityIsTrusted: with sslrootcert the authorities of the
// system count for nothing (ASVS 5.0 12.3.4).
func TestOnlyTheNamedAuthorityIsTrusted(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	_, pc, err := parseURL("postgres://u:p@db.example.com/gate?sslrootcert=" + file)
	if err != nil {
		t.Fatal(err)
	}
	want := x509.NewCertPool()
	want.AddCert(authority)
	got := pc.ConnConfig.TLSConfig
	if got == nil || got.InsecureSkipVerify || got.ServerName != "db.example.com" || got.RootCAs == nil || !got.RootCAs.Equal(want) {
		t.Errorf("other authorities are trusted, or another name: %+v", got)
	}
	if _, _, err := parseURL("postgres://u:p@db.example.com/gate?sslrootcert=" + file + ".gone"); err == nil {
		t.Error("an authority that cannot be read is passed over")
	}
}
