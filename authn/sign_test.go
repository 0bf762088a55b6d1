package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// now is the clock of these tests.
var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// issuer signs whatever it is told to, right or wrong. Its key ids are the
// lower-case names of the algorithms.
type issuer struct {
	ed     ed25519.PrivateKey
	es     *ecdsa.PrivateKey
	rs     *rsa.PrivateKey
	secret []byte
}

// newIssuer makes the keys once: RSA takes its time.
var newIssuer = sync.OnceValue(func() *issuer {
	_, ed, errEd := ed25519.GenerateKey(rand.Reader)
	es, errES := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, errRS := rsa.GenerateKey(rand.Reader, 2048)
	if errEd != nil || errES != nil || errRS != nil {
		panic("no keys")
	}
	return &issuer{ed, es, rs, []byte("0123456789abcdef0123456789abcdef")}
})

func (i *issuer) keys(t testing.TB) map[string]Key {
	t.Helper()
	keys := map[string]Key{}
	for alg, public := range map[string]any{
		"EdDSA": i.ed.Public(), "ES256": i.es.Public(), "HS256": i.secret, "RS256": i.rs.Public(), "PS256": i.rs.Public(),
	} {
		k, err := NewKey(alg, public)
		if err != nil {
			t.Fatal(err)
		}
		keys[alg] = k
	}
	return keys
}

// sign makes a token of a header and a payload, letter by letter as given.
func (i *issuer) sign(t testing.TB, alg, header, payload string) string {
	t.Helper()
	input := b64(header) + "." + b64(payload)
	return input + "." + b64(i.signature(t, alg, input))
}

func (i *issuer) signature(t testing.TB, alg, input string) string {
	t.Helper()
	key := map[string]any{"EdDSA": crypto.Signer(i.ed), "ES256": i.es, "HS256": i.secret, "RS256": i.rs, "PS256": i.rs}[alg]
	sig, err := jwt.GetSigningMethod(alg).Sign(input, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(sig)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func unb64(t testing.TB, s string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// good is a header and claims that hold for fifteen minutes.
func goodHeader(alg string) string {
	return fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":%q}`, alg, alg)
}

func goodClaims() string { return claimsUntil(now.Add(15 * time.Minute)) }

func claimsUntil(exp time.Time) string {
	return fmt.Sprintf(`{"iss":"https://id.example.org","aud":"notes","sub":"ada","jti":"t1","iat":%d,"exp":%d,"role":"member"}`,
		now.Unix(), exp.Unix())
}

func (i *issuer) good(t testing.TB, alg string) string {
	return i.sign(t, alg, goodHeader(alg), goodClaims())
}

func config(t testing.TB) JWTConfig {
	return JWTConfig{
		Keys:   FixedKeys(newIssuer().keys(t)),
		Issuer: "https://id.example.org", Audience: "notes",
		Now: func() time.Time { return now },
	}
}

func newJWT(t testing.TB, change func(*JWTConfig)) *JWT {
	t.Helper()
	cfg := config(t)
	if change != nil {
		change(&cfg)
	}
	j, err := NewJWT(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
