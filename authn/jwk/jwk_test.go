package jwk_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/authn/jwk"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The Ed25519 key of RFC 8037 appendix A, the P-256 key of RFC 7515 appendix
// A.3.1, and that of its appendix A.1.1.
const (
	edKey   = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	edSeed  = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
	ecKey   = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	octKey  = `"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"`
	another = `"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
)

// rsaKey is the RSA key of RFC 7517 appendix A.1, without alg and kid.
func rsaKey(t testing.TB) string {
	t.Helper()
	_, rest, _ := strings.Cut(string(file(t, "rfc7517/a1-public.json")), `"n":`)
	n, _, found := strings.Cut(rest, `,`)
	if !found {
		t.Fatal("the modulus is not found")
	}
	return `"kty":"RSA","e":"AQAB","n":` + n
}

func set(keys ...string) []byte {
	return []byte(`{"keys":[{` + strings.Join(keys, "},{") + `}]}`)
}

// accepts tells whether a verifier with these keys takes a token that was signed
// with method and secret under kid.
func accepts(t *testing.T, keys map[string]authn.Key, method jwt.SigningMethod, private any, kid string) error {
	t.Helper()
	now := time.Unix(1_800_000_000, 0)
	verifier, err := authn.NewJWT(authn.JWTConfig{
		Keys: authn.FixedKeys(keys), Issuer: "https://id.example.org", Audience: "notes", Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	token := jwt.NewWithClaims(method, jwt.MapClaims{"iss": "https://id.example.org", "aud": "notes", "sub": "ada", "exp": now.Add(time.Minute).Unix()})
	token.Header["typ"] = "at+jwt"
	if kid != "" {
		token.Header["kid"] = kid
	}
	signed, err := token.SignedString(private)
	if err != nil {
		t.Fatal(err)
	}
	_, err = verifier.Parse(signed)
	return err
}

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeysVerifyWhatTheirPrivateHalvesSign: the Ed25519 key of RFC 8037, the RSA
// key of the cookbook (RFC 7520 §3.3 and §3.4) and its HMAC key (§3.5).
func TestKeysVerifyWhatTheirPrivateHalvesSign(t *testing.T) {
	var private jose.JSONWebKey
	if err := private.UnmarshalJSON(file(t, "jose-cookbook/3_4.rsa_private_key.json")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		alg    string
		key    []byte
		method jwt.SigningMethod
		secret any
		kid    string
	}{
		{"EdDSA", []byte("{" + edKey + "}"), jwt.SigningMethodEdDSA, ed25519.NewKeyFromSeed(unbase64(t, edSeed)), ""},
		{"RS256", file(t, "jose-cookbook/3_3.rsa_public_key.json"), jwt.SigningMethodRS256, private.Key, "bilbo.baggins@hobbiton.example"},
		{"PS256", file(t, "jose-cookbook/3_3.rsa_public_key.json"), jwt.SigningMethodPS256, private.Key, "bilbo.baggins@hobbiton.example"},
		{"HS256", file(t, "jose-cookbook/3_5.symmetric_key_mac_computation.json"), jwt.SigningMethodHS256,
			unbase64(t, "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"), "018c0ae5-4d9b-471b-bfd6-eef314bc7037"},
	} {
		kid, key, err := jwk.Parse(row.key, row.alg)
		if err != nil || kid != row.kid {
			t.Errorf("%s: kid %q, %v; want %q", row.alg, kid, err, row.kid)
			continue
		}
		if err := accepts(t, map[string]authn.Key{kid: key}, row.method, row.secret, kid); err != nil {
			t.Errorf("%s: %v", row.alg, err)
		}
		found, err := jwk.ParseSet(slices.Concat([]byte(`{"keys":[`), row.key, []byte(`]}`)), row.alg)
		if err != nil || len(found.Unused) > 0 {
			t.Errorf("%s, in a set: %v, unused %q", row.alg, err, found.Unused)
			continue
		}
		if err := accepts(t, found.Keys, row.method, row.secret, kid); err != nil {
			t.Errorf("%s, in a set: %v", row.alg, err)
		}
	}
}

// TestRFC7517Examples: of the public keys the one for encryption is not used, the
// private ones are no set to publish, and of the symmetric ones only that without
// another use is an HMAC key.
func TestRFC7517Examples(t *testing.T) {
	public, private, symmetric := file(t, "rfc7517/a1-public.json"), file(t, "rfc7517/a2-private.json"), file(t, "rfc7517/a3-symmetric.json")
	const hmac = "HMAC key used in JWS spec Appendix A.1 example"
	for _, row := range []struct {
		name   string
		data   []byte
		algs   []string
		kids   []string // nil is a refusal
		unused string
	}{
		{"A.1 for RS256", public, []string{"RS256"}, []string{"2011-04-29"}, `key 1 (kid "1"): not used: its use is "enc"`},
		{"A.1 for RS256 and ES256", public, []string{"ES256", "RS256"}, []string{"2011-04-29"}, `key 1 (kid "1"): not used: its use is "enc"`},
		{"A.1 for ES256: the signing key is for RS256", public, []string{"ES256"}, nil, ""},
		{"A.1 for PS256, which is not what it states", public, []string{"PS256"}, nil, ""},
		{"A.2", private, []string{"ES256"}, nil, ""},
		{"A.3 for HS256", symmetric, []string{"HS256"}, []string{hmac}, `key 1: not used: its alg is "A128KW"`},
		{"A.3 for ES256", symmetric, []string{"ES256"}, nil, ""},
	} {
		found, err := jwk.ParseSet(row.data, row.algs...)
		var kids []string
		for kid := range found.Keys {
			kids = append(kids, kid)
		}
		if (err == nil) != (row.kids != nil) || !slices.Equal(kids, row.kids) || strings.Join(found.Unused, "\n") != row.unused {
			t.Errorf("%s: %q, unused %q, %v; want %q, unused %q", row.name, kids, found.Unused, err, row.kids, row.unused)
		}
	}
	found, err := jwk.ParseSet(symmetric, "HS256")
	if err != nil {
		t.Fatal(err)
	}
	secret := unbase64(t, "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	if err := accepts(t, found.Keys, jwt.SigningMethodHS256, secret, hmac); err != nil {
		t.Error(err)
	}
}

// TestCookbookKeys takes each key of the cookbook for each algorithm.
func TestCookbookKeys(t *testing.T) {
	files, err := filepath.Glob("testdata/jose-cookbook/*.json")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d keys, %v; want 6", len(files), err)
	}
	taken := map[string][]string{
		"3_3.rsa_public_key.json":                {"RS256", "PS256"},
		"3_5.symmetric_key_mac_computation.json": {"HS256"},
	}
	for _, name := range files {
		data := file(t, filepath.Join("jose-cookbook", filepath.Base(name)))
		for _, alg := range []string{"EdDSA", "ES256", "HS256", "RS256", "PS256"} {
			_, _, err := jwk.Parse(data, alg)
			if want := slices.Contains(taken[filepath.Base(name)], alg); (err == nil) != want {
				t.Errorf("%s for %s: %v", filepath.Base(name), alg, err)
			}
		}
	}
}

// TestSetOfSeveralUses: keys that are not for us leave a set usable, and a token
// of one of them finds no key.
func TestSetOfSeveralUses(t *testing.T) {
	found, err := jwk.ParseSet(set(
		edKey+`,"kid":"a","use":"sig","alg":"EdDSA","key_ops":["verify"]`,
		ecKey+`,"kid":"b","key_ops":["verify"],"x5u":"https://evil.example/","x5c":["AAAA"],"exp":1,"nonsense":{}`,
		another+`,"kid":"encrypts","use":"enc"`,
		another+`,"kid":"derives","key_ops":["deriveKey"]`,
		rsaKey(t)+`,"kid":"wraps","alg":"RSA-OAEP"`,
		rsaKey(t)+`,"kid":"RS256"`,
		`"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08","kid":"agrees"`,
		`"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA","kid":"later"`,
		`"kty":"RSA","e":"AQAB","n":"`+strings.Repeat("_", 171)+`","alg":"RS256","kid":"weak"`,
		`"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","kid":"half"`,
	), "EdDSA", "ES256")
	if err != nil || len(found.Keys) != 2 || len(found.Unused) != 8 {
		t.Fatalf("%d keys, %v\n%s", len(found.Keys), err, strings.Join(found.Unused, "\n"))
	}
	ed := ed25519.NewKeyFromSeed(unbase64(t, edSeed))
	if err := accepts(t, found.Keys, jwt.SigningMethodEdDSA, ed, "a"); err != nil {
		t.Error(err)
	}
	for _, kid := range []string{"b", "encrypts", "half", ""} {
		if err := accepts(t, found.Keys, jwt.SigningMethodEdDSA, ed, kid); !errors.Is(err, authn.ErrInvalid) {
			t.Errorf("a token with kid %q: %v", kid, err)
		}
	}
}

// TestSizes: up to the limits a set is read, beyond them nothing of it is.
func TestSizes(t *testing.T) {
	many := func(n int) []byte {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf(`%s,"kid":"%d"`, edKey, i))
		}
		return set(keys...)
	}
	if found, err := jwk.ParseSet(many(jwk.MaxKeys), "EdDSA"); err != nil || len(found.Keys) != jwk.MaxKeys {
		t.Errorf("%d keys: %v", jwk.MaxKeys, err)
	}
	if _, err := jwk.ParseSet(many(jwk.MaxKeys+1), "EdDSA"); err == nil {
		t.Errorf("%d keys are read", jwk.MaxKeys+1)
	}
	padded := func(size int) []byte {
		data := "{" + edKey + "}"
		return []byte(data + strings.Repeat(" ", size-len(data)))
	}
	if _, _, err := jwk.Parse(padded(jwk.MaxKey), "EdDSA"); err != nil {
		t.Errorf("%d bytes: %v", jwk.MaxKey, err)
	}
	if _, _, err := jwk.Parse(padded(jwk.MaxKey+1), "EdDSA"); err == nil {
		t.Errorf("%d bytes are read", jwk.MaxKey+1)
	}
	large := append(many(1), []byte(strings.Repeat(" ", jwk.MaxSet))...)
	if _, err := jwk.ParseSet(large[:jwk.MaxSet], "EdDSA"); err != nil {
		t.Errorf("a set of %d bytes: %v", jwk.MaxSet, err)
	}
	if _, err := jwk.ParseSet(large[:jwk.MaxSet+1], "EdDSA"); err == nil {
		t.Errorf("a set of %d bytes is read", jwk.MaxSet+1)
	}
	long := strings.Repeat("k", 256) // authn looks no longer kid up
	if kid, _, err := jwk.Parse([]byte("{"+edKey+`,"kid":"`+long+`"}`), "EdDSA"); err != nil || kid != long {
		t.Errorf("a kid of 256 bytes: %v", err)
	}
	if _, _, err := jwk.Parse([]byte("{"+edKey+`,"kid":"`+long+`k"}`), "EdDSA"); err == nil {
		t.Error("a kid of 257 bytes is taken")
	}
}

// TestErrorsHoldNoKey: what is told of a key ends in logs.
func TestErrorsHoldNoKey(t *testing.T) {
	for _, data := range []string{
		"{" + edKey + `,"d":"` + edSeed + `"}`, "{" + octKey + "}", `{"kty":"oct","k":"c2VjcmV0"}`, `{"kty":"oct","k":"c2VjcmV0 "}`, `{"k":"c2VjcmV0"`,
	} {
		for _, alg := range []string{"HS256", "EdDSA"} {
			if _, _, err := jwk.Parse([]byte(data), alg); err != nil && (strings.Contains(err.Error(), edSeed[:8]) ||
				strings.Contains(err.Error(), "AyM1Sys") || strings.Contains(err.Error(), "c2VjcmV0")) {
				t.Errorf("%s: %v", data, err)
			}
		}
	}
}
