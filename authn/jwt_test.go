package authn

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseAcceptsEachAlgorithm(t *testing.T) {
	j := newJWT(t, nil)
	for _, alg := range []string{"EdDSA", "ES256", "HS256", "RS256", "PS256"} {
		c, err := j.Parse(newIssuer().good(t, alg))
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		c.payload = nil
		want := Claims{
			ID: "t1", Issuer: "https://id.example.org", Subject: "ada", Audience: []string{"notes"}, KeyID: alg,
			IssuedAt: time.Unix(now.Unix(), 0), Expires: time.Unix(now.Unix()+900, 0),
		}
		if !reflect.DeepEqual(c, want) {
			t.Errorf("%s: %+v", alg, c)
		}
	}
}

func TestParseAcceptsWhatTheStandardsAllow(t *testing.T) {
	i := newIssuer()
	claims := func(from, to string) string { return strings.Replace(goodClaims(), from, to, 1) }
	exp := fmt.Sprintf(`"exp":%d`, now.Unix()+900)
	for name, token := range map[string]string{
		"typ as a whole media type":         i.sign(t, "EdDSA", `{"alg":"EdDSA","typ":"application/at+jwt","kid":"EdDSA"}`, goodClaims()),
		"typ in capitals":                   i.sign(t, "EdDSA", `{"alg":"EdDSA","typ":"AT+JWT","kid":"EdDSA"}`, goodClaims()),
		"header members that say nothing":   i.sign(t, "EdDSA", `{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","x5t#S256":"YQ","cty":"x"}`, goodClaims()),
		"exp with a fraction":               i.sign(t, "EdDSA", goodHeader("EdDSA"), claims(exp, exp+".5")),
		"several audiences, one of them us": i.sign(t, "EdDSA", goodHeader("EdDSA"), claims(`"aud":"notes"`, `"aud":["mail","notes"]`)),
		"no iat":                            i.sign(t, "EdDSA", goodHeader("EdDSA"), claims(fmt.Sprintf(`"iat":%d,`, now.Unix()), "")),
		"nbf now":                           i.sign(t, "EdDSA", goodHeader("EdDSA"), claims(exp, fmt.Sprintf(`%s,"nbf":%d`, exp, now.Unix()))),
	} {
		if _, err := newJWT(t, nil).Parse(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLeewayCoversBothEnds(t *testing.T) {
	j := newJWT(t, func(cfg *JWTConfig) { cfg.Leeway = time.Minute })
	ahead := fmt.Sprintf(`{"iss":"https://id.example.org","aud":"notes","iat":%[1]d,"nbf":%[1]d,"exp":%[2]d}`, now.Unix()+60, now.Unix()+900)
	if _, err := j.Parse(newIssuer().sign(t, "HS256", goodHeader("HS256"), ahead)); err != nil {
		t.Errorf("a clock one minute ahead: %v", err)
	}
}

func TestNewKeyRefuses(t *testing.T) {
	i := newIssuer()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 no other way leads to a point that is not on the curve
	off := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}
	secret := i.secret
	for _, row := range []struct {
		name, alg string
		key       any
	}{
		{"none", "none", nil},
		{"no name", "", secret},
		{"lower case", "hs256", secret},
		{"HS512", "HS512", append(secret, secret...)},
		{"ES384", "ES384", p384.Public()},
		{"secret of 31 bytes", "HS256", secret[:31]},
		{"no secret", "HS256", []byte(nil)},
		{"secret as a string", "HS256", string(secret)},
		{"RSA key for HS256", "HS256", i.rs.Public()},
		{"RSA key for EdDSA", "EdDSA", i.rs.Public()},
		{"secret for RS256", "RS256", secret},
		{"Ed25519 key for ES256", "ES256", i.ed.Public()},
		{"P-256 key for EdDSA", "EdDSA", i.es.Public()},
		{"P-256 key for HS256", "HS256", i.es.Public()},
		{"RSA with an even exponent", "RS256", &rsa.PublicKey{N: i.rs.N, E: 4}},
		{"RSA with an exponent of 32 bits", "RS256", &rsa.PublicKey{N: i.rs.N, E: 1<<32 + 1}},
		{"P-384 key for ES256", "ES256", p384.Public()},
		{"point off the curve", "ES256", off},
		{"nil EC key", "ES256", (*ecdsa.PublicKey)(nil)},
		{"short Ed25519 key", "EdDSA", ed25519.PublicKey(secret[:31])},
		{"private key", "EdDSA", i.ed},
		{"RSA of 1024 bits", "RS256", small.Public()},
		{"RSA with exponent 1", "PS256", &rsa.PublicKey{N: i.rs.N, E: 1}},
		{"RSA without a modulus", "RS256", &rsa.PublicKey{E: 3}},
		{"nil RSA key", "RS256", (*rsa.PublicKey)(nil)},
	} {
		if k, err := NewKey(row.alg, row.key); err == nil || k.material != nil {
			t.Errorf("%s: accepted", row.name)
		}
	}
}

func TestNewJWTRefusesHalfAPolicy(t *testing.T) {
	for name, change := range map[string]func(*JWTConfig){
		"no keys":          func(c *JWTConfig) { c.Keys = nil },
		"no issuer":        func(c *JWTConfig) { c.Issuer = "" },
		"no audience":      func(c *JWTConfig) { c.Audience = "" },
		"negative leeway":  func(c *JWTConfig) { c.Leeway = -1 },
		"an hour's leeway": func(c *JWTConfig) { c.Leeway = time.Hour },
	} {
		cfg := config(t)
		change(&cfg)
		if _, err := NewJWT(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestZeroKeyVerifiesNothing(t *testing.T) {
	j := newJWT(t, func(cfg *JWTConfig) { cfg.Keys = func(string) (Key, error) { return Key{}, nil } })
	if _, err := j.Parse(newIssuer().good(t, "EdDSA")); !errors.Is(err, ErrInvalid) {
		t.Errorf("Parse: %v; want ErrInvalid", err)
	}
}

func TestFixedKeys(t *testing.T) {
	i := newIssuer()
	find := FixedKeys(map[string]Key{"": i.keys(t)["EdDSA"]})
	if _, err := find("x"); !errors.Is(err, ErrInvalid) {
		t.Errorf("an id of no key: %v; want ErrInvalid", err)
	}
	j := newJWT(t, func(cfg *JWTConfig) { cfg.Keys = find })
	if _, err := j.Parse(i.sign(t, "EdDSA", `{"alg":"EdDSA","typ":"at+jwt"}`, goodClaims())); err != nil {
		t.Errorf("a token without kid and a key for it: %v", err)
	}
	if _, err := j.Parse(i.sign(t, "EdDSA", `{"alg":"EdDSA","typ":"at+jwt","kid":1}`, goodClaims())); !errors.Is(err, ErrInvalid) {
		t.Errorf("a kid that is a number is taken for none: %v", err)
	}
}

func TestKeySourceThatFailsIsNotABadToken(t *testing.T) {
	down := errors.New("key store is down")
	j := newJWT(t, func(cfg *JWTConfig) { cfg.Keys = func(string) (Key, error) { return Key{}, down } })
	if _, err := j.Parse(newIssuer().good(t, "EdDSA")); !errors.Is(err, down) || dead(err) {
		t.Errorf("Parse: %v; want the source's own error", err)
	}
}

func TestErrorsDoNotQuoteTheToken(t *testing.T) {
	j := newJWT(t, nil)
	claims := strings.Replace(goodClaims(), `"exp"`, `"exp":"hunter2-secret","x"`, 1)
	_, err := j.Parse(newIssuer().sign(t, "EdDSA", goodHeader("EdDSA"), claims))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Parse: %v", err)
	}
}

func TestPrivateClaims(t *testing.T) {
	type mine struct {
		Role string `json:"role"`
	}
	decoded := 0
	j := newJWT(t, func(cfg *JWTConfig) {
		cfg.Private = func(c Claims) (any, error) {
			decoded++
			var m mine
			err := c.Decode(&m)
			return m, err
		}
	})
	for range 3 {
		c, err := j.Parse(newIssuer().good(t, "HS256"))
		if err != nil || c.Private != (mine{"member"}) {
			t.Fatalf("Private = %v, %v", c.Private, err)
		}
	}
	if decoded != 1 {
		t.Errorf("decoded %d times; want once", decoded)
	}
	wrong := strings.Replace(goodClaims(), `"member"`, `7`, 1)
	if _, err := j.Parse(newIssuer().sign(t, "HS256", goodHeader("HS256"), wrong)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a claim of the wrong type: %v; want ErrInvalid", err)
	}
}

func TestVerifyWithoutPrincipalFunc(t *testing.T) {
	i := newIssuer()
	j := newJWT(t, nil)
	p, err := j.Verify(t.Context(), i.good(t, "EdDSA"))
	if err != nil || p.ID != "ada" || p.Role != "" || p.Scopes == nil || len(p.Scopes) != 0 {
		t.Errorf("without scope: %+v, %v; want ada, no role, limited to no scope", p, err)
	}
	scoped := strings.Replace(goodClaims(), `"role"`, `"scope":"read write","role"`, 1)
	p, err = j.Verify(t.Context(), i.sign(t, "EdDSA", goodHeader("EdDSA"), scoped))
	if err != nil || !reflect.DeepEqual(p.Scopes, []string{"read", "write"}) {
		t.Errorf("with scope: %+v, %v", p, err)
	}
	for name, claims := range map[string]string{
		"no sub":          strings.Replace(goodClaims(), `"sub":"ada",`, "", 1),
		"scope as a list": strings.Replace(goodClaims(), `"role"`, `"scope":["admin"],"role"`, 1),
		"of another":      strings.Replace(goodClaims(), `"iss":"`, `"iss":"x`, 1),
	} {
		if p, err := j.Verify(t.Context(), i.sign(t, "EdDSA", goodHeader("EdDSA"), claims)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %+v, %v; want ErrInvalid", name, p, err)
		}
	}
}
