package authn

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// publicForms are the ways in which people hold a public key in their hands.
func publicForms(t *testing.T) map[string][]byte {
	t.Helper()
	i := newIssuer()
	spki := func(public any) []byte {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, i.es.Public(), i.es)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, i.es)
	if err != nil {
		t.Fatal(err)
	}
	point := func(curve ecdh.Curve) []byte {
		key, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key.PublicKey().Bytes()
	}
	blob := slices.Concat([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"), i.ed.Public().(ed25519.PublicKey)) // RFC 8709 section 4
	return map[string][]byte{
		"RSA": spki(i.rs.Public()), "P-256": spki(i.es.Public()), "Ed25519": spki(i.ed.Public()),
		"RSA in PKCS #1": x509.MarshalPKCS1PublicKey(&i.rs.PublicKey),
		"certificate":    certificate, "request for a certificate": request,
		"point of P-256": point(ecdh.P256()), "point of P-384": point(ecdh.P384()), "point of P-521": point(ecdh.P521()),
		"blob of OpenSSH": blob,
		// The curve of Bitcoin, which crypto/x509 does not know: the key of private key 1 (SEC 2 §2.4.1).
		"secp256k1": unhex(t, "3056301006072a8648ce3d020106052b8104000a03420004"+
			"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPublicKeyAsSecret: whatever form a public key is copied in, everybody has
// it, and it is no secret (RFC 8725 §2.1).
func TestPublicKeyAsSecret(t *testing.T) {
	for name, der := range publicForms(t) {
		std := base64.StdEncoding.EncodeToString(der)
		armour := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		body := strings.Join(strings.Split(strings.TrimSpace(armour), "\n")[1:strings.Count(armour, "\n")-1], "\n")
		for form, secret := range map[string][]byte{
			"as it is":                       der,
			"base64":                         []byte(std),
			"base64url":                      []byte(base64.URLEncoding.EncodeToString(der)),
			"base64 without padding":         []byte(strings.TrimRight(std, "=")),
			"base64url without padding":      []byte(base64.RawURLEncoding.EncodeToString(der)),
			"base64 in lines":                []byte(body),
			"base64 in lines of Windows":     []byte(strings.ReplaceAll(body, "\n", "\r\n")),
			"base64 with written line ends":  []byte(strings.ReplaceAll(body, "\n", `\n`)),
			"base64 in quotes":               []byte(`"` + std + `"`),
			"base64 with blanks around":      []byte("  \t" + std + "\n\n"),
			"base64 behind a name":           []byte("JWT_PUBLIC_KEY=" + std),
			"base64 of base64":               []byte(base64.StdEncoding.EncodeToString([]byte(std))),
			"base64 of PEM in base64":        []byte(base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(armour))))),
			"hex":                            []byte(hex.EncodeToString(der)),
			"hex in capitals":                []byte(strings.ToUpper(hex.EncodeToString(der))),
			"hex with 0x":                    []byte("0x" + hex.EncodeToString(der)),
			"hex with colons":                []byte(strings.TrimSuffix(colons(der), ":")),
			"PEM":                            []byte(armour),
			"PEM after a blank line":         []byte("\n\n" + armour),
			"PEM after what pkcs12 writes":   []byte("Bag Attributes\n    localKeyID: 01 00 00 00\nKey Attributes: <No Attributes>\n" + armour),
			"PEM on one line":                []byte(strings.ReplaceAll(armour, "\n", `\n`)),
			"PEM in base64":                  []byte(base64.StdEncoding.EncodeToString([]byte(armour))),
			"PEM with a byte order mark":     []byte("\xef\xbb\xbf" + armour),
			"PEM in UTF-16, as PowerShell >": utf16LE("\ufeff" + armour),
			"base64 in UTF-16 without mark":  utf16LE(std),
			"as it is, with a line end":      append(bytes.Clone(der), '\n'),
		} {
			if _, err := NewKey("HS256", secret); err == nil {
				t.Errorf("%s, %s: accepted", name, form)
			}
		}
	}
}

func colons(b []byte) string {
	var text strings.Builder
	for _, octet := range b {
		text.WriteString(hex.EncodeToString([]byte{octet}) + ":")
	}
	return text.String()
}

func utf16LE(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// TestKeyTextAsSecret: forms that are text from the beginning.
func TestKeyTextAsSecret(t *testing.T) {
	// RFC 8037 appendix A.2.
	const jwk = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	// RFC 8709 section 4 has the form; the key is that of RFC 8032 section 7.1, test 1.
	const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
	for name, secret := range map[string]string{
		"JWK":                              jwk,
		"JWK after blanks":                 " \n\t" + jwk,
		"JWK after a byte order mark":      "\xef\xbb\xbf" + jwk,
		"JWK in UTF-16":                    string(utf16LE("\ufeff" + jwk)),
		"JWK in a JSON string":             `"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"`,
		"JWK with blanks in it":            strings.ReplaceAll(jwk, ":", " : "),
		"JWK in base64":                    base64.StdEncoding.EncodeToString([]byte(jwk)),
		"JWK as YAML":                      "kty: OKP\ncrv: Ed25519\nx: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		"JWK as a Python dict":             strings.ReplaceAll(jwk, `"`, `'`),
		"JWK Set":                          `{"keys":[` + jwk + `]}`,
		"list of JWKs":                     "[" + jwk + "]",
		"JWK Set in base64url":             base64.RawURLEncoding.EncodeToString([]byte(`{"keys":[` + jwk + `]}`)),
		"OpenSSH line":                     line + " ada@example",
		"OpenSSH line after options":       `restrict,command="/bin/echo hello" ` + line,
		"OpenSSH known host":               "git.example.org " + line,
		"SSH2 (RFC 4716)":                  "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAC3NzaC1lZDI1NTE5\n---- END SSH2 PUBLIC KEY ----",
		"XML of .NET":                      "<RSAKeyValue><Modulus>3Hx4dWw=</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>",
		"PGP":                              "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEYQ==\n-----END PGP PUBLIC KEY BLOCK-----",
		"beginning of a key, the end lost": "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1L",
		"OpenSSH line of ECDSA":            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY=",
		"OpenSSH line of a security key":   "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAA",
		// FIPS 204 keys begin like this (RFC 9881 section 4), whatever follows.
		"ML-DSA-44": "MIIFMjALBglghkgBZQMEAxEDggUhANeytHJUquDbReeTDUqY0sl9i86F",
	} {
		if _, err := NewKey("HS256", []byte(secret)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestWrappingsOfAKey: three encodings are looked through, and not more, or a
// long secret would cost more and more.
func TestWrappingsOfAKey(t *testing.T) {
	secret := publicForms(t)["P-256"]
	for n := range 5 {
		if _, err := NewKey("HS256", secret); (err == nil) != (n > 3) {
			t.Errorf("in base64 %d times: %v", n, err)
		}
		secret = []byte(base64.StdEncoding.EncodeToString(secret))
	}
}

// TestPrivateKeyAsSecret: a key pair is for one use.
func TestPrivateKeyAsSecret(t *testing.T) {
	i := newIssuer()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(i.ed)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(i.es)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, der := range map[string][]byte{"PKCS #8": pkcs8, "SEC 1": sec1, "PKCS #1": x509.MarshalPKCS1PrivateKey(rs)} {
		for _, secret := range [][]byte{der, []byte(base64.StdEncoding.EncodeToString(der))} {
			if _, err := NewKey("HS256", secret); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
	}
}

// TestRandomSecretsAreTaken: what openssl rand and its like write is never taken
// for a key.
func TestRandomSecretsAreTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 32, 400).Draw(t, "random")
		for _, secret := range [][]byte{
			b, []byte(hex.EncodeToString(b)), []byte(base64.StdEncoding.EncodeToString(b)), []byte(base64.RawURLEncoding.EncodeToString(b)),
		} {
			if _, err := NewKey("HS256", secret); err != nil {
				t.Fatalf("%x: %v", secret, err)
			}
		}
	})
	for _, secret := range []string{
		"{Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo}", "[Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo", "ssh-Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo",
	} {
		if _, err := NewKey("HS256", []byte(secret)); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
	}
}
