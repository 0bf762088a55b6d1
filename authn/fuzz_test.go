package authn

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzParse: whatever is presented, Parse does not panic, says ErrInvalid or
// ErrExpired, and accepts only what golang-jwt accepts too: the policy here may
// be stricter than the library's, never wider.
func FuzzParse(f *testing.F) {
	i := newIssuer()
	j := newJWT(f, func(cfg *JWTConfig) { cfg.Cache = -1 })
	for _, alg := range []string{"HS256", "EdDSA", "ES256"} {
		f.Add(i.good(f, alg))
	}
	f.Add(i.sign(f, "HS256", goodHeader("HS256"), claimsUntil(now)))
	f.Add(b64(`{"alg":"none"}`) + "." + b64(`{}`) + ".")
	f.Add("..")
	f.Add("a.b.c.d.e")
	library := jwt.NewParser(jwt.WithValidMethods([]string{"HS256", "EdDSA", "ES256"}), jwt.WithIssuer("https://id.example.org"),
		jwt.WithAudience("notes"), jwt.WithExpirationRequired(), jwt.WithTimeFunc(config(f).Now), jwt.WithStrictDecoding())
	f.Fuzz(func(t *testing.T, token string) {
		c, err := j.Parse(token)
		if err != nil {
			if !dead(err) {
				t.Fatalf("neither invalid nor expired: %v", err)
			}
			return
		}
		if len(token) > MaxToken || strings.Count(token, ".") != 2 || c.Expires.IsZero() {
			t.Fatalf("accepted: %+v", c)
		}
		if _, err := library.Parse(token, func(seen *jwt.Token) (any, error) {
			return i.keys(t)[seen.Header["kid"].(string)].key, nil
		}); err != nil {
			t.Fatalf("golang-jwt refuses what we accept: %v", err)
		}
	})
}

// FuzzClaims signs whatever header and claims it is given, so that the fuzzer
// gets past the signature.
func FuzzClaims(f *testing.F) {
	i := newIssuer()
	j := newJWT(f, func(cfg *JWTConfig) { cfg.Cache = -1 })
	f.Add([]byte(goodHeader("HS256")), []byte(goodClaims()))
	f.Add([]byte(goodHeader("HS256")), []byte(`{"exp":1e400}`))
	f.Add([]byte(goodHeader("HS256")), []byte(`{"iss":"https://id.example.org","aud":["notes"],"exp":4000000000.5,"nbf":0}`))
	f.Add([]byte(`{"alg":"HS256","typ":"at+jwt","kid":"HS256","crit":["x"]}`), []byte(goodClaims()))
	f.Add([]byte(`{"alg":"HS256","\u0061lg":"none","typ":"at+jwt"}`), []byte(`{"aud":[["notes"]]}`))
	f.Fuzz(func(t *testing.T, header, claims []byte) {
		c, err := j.Parse(i.sign(t, "HS256", string(header), string(claims)))
		if err != nil {
			if !dead(err) {
				t.Fatalf("neither invalid nor expired: %v", err)
			}
			return
		}
		if c.Issuer != "https://id.example.org" || !c.Expires.After(now) || errors.Is(err, ErrExpired) {
			t.Fatalf("accepted: %+v", c)
		}
		for _, name := range []string{`"crit"`, `"jwk"`, `"jku"`, `"x5u"`, `"x5c"`} {
			if bytes.Contains(header, []byte(name+":")) && !bytes.Contains(header, []byte(`\`)) && !nested(header) {
				t.Fatalf("accepted with %s in the header: %s", name, header)
			}
		}
	})
}

// nested tells whether a header has more than one object or a list, in which a
// forbidden name would mean nothing.
func nested(header []byte) bool {
	return bytes.Count(header, []byte("{")) > 1 || bytes.Contains(header, []byte("["))
}
