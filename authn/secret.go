package authn

import (
	"bytes"
	"crypto/ecdh"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// wrappings is how many encodings around a key are looked through: base64 of a
// PEM file whose body is base64, and one more.
const wrappings = 3

var (
	armour  = regexp.MustCompile(`-----BEGIN|---- BEGIN|<RSAKeyValue|["']kty\\*["']|(?m:^\s*kty:)`)
	sshBlob = regexp.MustCompile(`^\x00\x00\x00[\x07-\x40](ssh|ecdsa-sha2|sk-ssh|sk-ecdsa)-`)
	between = regexp.MustCompile(`\\[nr]|[^A-Za-z0-9+/_-]`) // what breaks lines and separates digits
)

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
	text := string(bytes.ReplaceAll(b, []byte{0}, nil)) // without the zero bytes of UTF-16
	if isDER(b) || isPoint(b) || isSSH(b) || isArmour(text) {
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
// that openssl pkcs12 writes before it, SSH2 (RFC 4716), the XML of .NET, and JWK
// by the one member that each has (RFC 7517 §4.1), in a set, in a JSON string, as
// YAML and as a Python dict too.
func isArmour(text string) bool {
	return armour.MatchString(text)
}

// isDER finds public and private keys, certificates and what asks for one: a
// sequence that holds the id of a kind of key, or begins with the integers of an
// RSA key (RFC 8017 A.1). What was lost at its end makes it no secret.
func isDER(b []byte) bool {
	if !bytes.HasPrefix(b, []byte{0x30}) {
		return false
	}
	for _, id := range []string{
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01", // 1.2.840.113549.1.1: RSA
		"\x2a\x86\x48\xce\x3d",             // 1.2.840.10045: elliptic curves
		"\x30\x05\x06\x03\x2b\x65",         // 1.3.101: X25519 to Ed448 (RFC 8410 §3)
		"\x60\x86\x48\x01\x65\x03\x04\x03", // 2.16.840.1.101.3.4.3: ML-DSA and SLH-DSA
	} {
		if bytes.Contains(b, []byte(id)) {
			return true
		}
	}
	var rsa struct{ First, Second *big.Int }
	_, err := asn1.Unmarshal(b, &rsa)
	return err == nil
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
	return sshBlob.Match(b)
}

// encodedRuns are the parts of a text that may be base64 or hex: its words, for
// others may stand before and after a key, and all of it without what breaks
// lines and separates digits.
func encodedRuns(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_", r)
	})
	return append(words, between.ReplaceAllString(text, ""))
}

// decodings are what a run is in base64, in either alphabet (RFC 4648 §4 and §5),
// and in hex.
func decodings(run string) [][]byte {
	var all [][]byte
	for _, decode := range []func(string) ([]byte, error){
		base64.RawStdEncoding.DecodeString, base64.RawURLEncoding.DecodeString, hex.DecodeString,
	} {
		if b, err := decode(strings.TrimPrefix(run, "0x")); err == nil {
			all = append(all, b)
		}
	}
	return all
}
