package authn

import (
	"bytes"
	"crypto/ecdh"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// wrappings is how many encodings around a key are looked through: base64 of a
// PEM file whose body is base64.
const wrappings = 3

// fitsSecret refuses a secret that is a key in an encoded form. Whoever
// configures a public key as an HS256 secret lets everybody sign (RFC 8725 §2.1).
// A key that is only its bare bytes, as the 32 of Ed25519, looks like any other
// secret; it is not for this check to find.
func fitsSecret(secret []byte) error {
	if len(secret) < minSecret {
		return fmt.Errorf("the secret has %d bytes; %d are the least", len(secret), minSecret)
	}
	if encodedKey(secret, wrappings) {
		return errors.New("the secret is a key in an encoded form; make a random one")
	}
	return nil
}

// encodedKey tells whether b is a key, or holds one in base64 or hex. Each form
// is told by so many fixed bytes that no random secret has them.
func encodedKey(b []byte, depth int) bool {
	if isDER(b) || isPoint(b) || isSSH(b) {
		return true
	}
	text := plainText(b)
	if isArmour(text) {
		return true
	}
	if depth == 0 {
		return false
	}
	for _, run := range encodedRuns(text) {
		for _, inner := range decodings(run) {
			if encodedKey(inner, depth-1) {
				return true
			}
		}
	}
	return false
}

// isArmour finds the text forms of keys: PEM (RFC 7468), also after the lines
// that openssl pkcs12 writes before it, SSH2 (RFC 4716), the XML of .NET, and JWK.
func isArmour(text string) bool {
	return strings.Contains(text, "-----BEGIN") || strings.Contains(text, "---- BEGIN") ||
		strings.Contains(text, "<RSAKeyValue") || isJWK(text)
}

// isJWK finds the one member that every JWK has (RFC 7517 §4.1), in a set, in a
// JSON string or written as a YAML or Python mapping too.
func isJWK(text string) bool {
	return regexp.MustCompile(`["']kty\\*["']|(?m:^\s*kty:)`).MatchString(text)
}

// isDER finds public and private keys, certificates and what asks for one.
func isDER(b []byte) bool {
	if beginsLikeKey(b) {
		return true
	}
	var whole asn1.RawValue
	if _, err := asn1.Unmarshal(b, &whole); err != nil || whole.Tag != asn1.TagSequence {
		return false
	}
	der := whole.FullBytes // what follows, as the end of a line, makes it no other key
	var spki struct {
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key asn1.BitString
	}
	_, errSPKI := asn1.Unmarshal(der, &spki) // of any curve, also those that crypto/x509 does not know
	_, errPKCS1 := x509.ParsePKCS1PublicKey(der)
	_, errCertificate := x509.ParseCertificate(der)
	_, errRequest := x509.ParseCertificateRequest(der)
	_, errPKCS8 := x509.ParsePKCS8PrivateKey(der)
	_, errPrivate := x509.ParsePKCS1PrivateKey(der)
	_, errEC := x509.ParseECPrivateKey(der)
	for _, err := range []error{errSPKI, errPKCS1, errCertificate, errRequest, errPKCS8, errPrivate, errEC} {
		if err == nil {
			return true
		}
	}
	return false
}

// beginsLikeKey tells a key by its first bytes, for one whose end was lost: a
// sequence with the id of a kind of key in it, or with a modulus as its first
// member (RFC 8017 A.1.1).
func beginsLikeKey(b []byte) bool {
	head := b[:min(len(b), 40)]
	if !bytes.HasPrefix(head, []byte{0x30}) {
		return false
	}
	for _, id := range []string{
		"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01", // 1.2.840.113549.1.1: RSA
		"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01",     // 1.2.840.10045.2.1: elliptic curves
		"\x30\x05\x06\x03\x2b\x65",                 // 1.3.101: X25519 to Ed448 (RFC 8410 §3)
	} {
		if bytes.Contains(head, []byte(id)) {
			return true
		}
	}
	return len(head) > 8 && head[1] == 0x82 && head[4] == 0x02 && head[5] == 0x82 && head[8] == 0
}

// isPoint finds an uncompressed point of a NIST curve (SEC 1 §2.3.3).
func isPoint(b []byte) bool {
	for size, curve := range map[int]ecdh.Curve{65: ecdh.P256(), 97: ecdh.P384(), 133: ecdh.P521()} {
		if len(b) < size {
			continue
		}
		if _, err := curve.NewPublicKey(b[:size]); err == nil {
			return true
		}
	}
	return false
}

// isSSH finds the blob of an OpenSSH key, which begins with the length and the
// name of its algorithm (RFC 4253 §6.6).
func isSSH(b []byte) bool {
	if len(b) < 5 || b[0] != 0 || b[1] != 0 || b[2] != 0 || int(b[3]) > len(b)-4 {
		return false
	}
	name := string(b[4 : 4+int(b[3])])
	for _, family := range []string{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"} {
		if strings.HasPrefix(name, family) {
			return true
		}
	}
	return false
}

// plainText takes out what an editor or a shell adds to ASCII: a byte order mark,
// and the zero bytes of UTF-16 and UTF-32.
func plainText(b []byte) string {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		b = bytes.TrimPrefix(b, []byte(mark))
	}
	return string(bytes.ReplaceAll(b, []byte{0}, nil))
}

// encodedRuns are the parts of a text that may be base64 or hex: the whole
// without white space, quotes and written-out line ends, and each long word, so
// that what stands before and after a key does not hide it.
func encodedRuns(text string) []string {
	whole := strings.NewReplacer(`\n`, "", `\r`, "", `"`, "", `'`, "", ":", "", " ", "", "\t", "", "\r", "", "\n", "", "\v", "", "\f", "").Replace(text)
	return append(regexp.MustCompile(`[A-Za-z0-9+/_-]{32,}`).FindAllString(text, -1), whole)
}

// decodings are what a run is in base64, in either alphabet and with or without
// padding (RFC 4648 §4 and §5), and in hex.
func decodings(run string) [][]byte {
	var all [][]byte
	run = strings.TrimRight(run, "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(run); err == nil {
			all = append(all, b)
		}
	}
	if b, err := hex.DecodeString(strings.TrimPrefix(strings.TrimPrefix(run, "0x"), "0X")); err == nil {
		all = append(all, b)
	}
	return all
}
