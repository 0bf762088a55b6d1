package authn

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// Every token below is right but for the one thing in its name, and signed by
// the true key wherever the attack allows it, so that only the safeguard in
// question can refuse it.
func TestJWTAttacks(t *testing.T) {
	i := newIssuer()
	j := newJWT(t, nil)
	ed := func(header, payload string) string { return i.sign(t, "EdDSA", header, payload) }
	with := func(member string) string { // a good header with one more member
		return strings.TrimSuffix(goodHeader("EdDSA"), "}") + "," + member + "}"
	}
	claims := func(from, to string) string {
		s := strings.Replace(goodClaims(), from, to, 1)
		if s == goodClaims() {
			t.Fatalf("%q is not in the claims", from)
		}
		return s
	}
	exp := fmt.Sprintf(`"exp":%d`, now.Add(15*time.Minute).Unix())
	good := i.good(t, "EdDSA")
	input, sig := good[:strings.LastIndexByte(good, '.')], good[strings.LastIndexByte(good, '.')+1:]

	for _, row := range []struct{ name, token string }{
		{"alg none, unsecured JWS", b64(`{"alg":"none","typ":"at+jwt"}`) + "." + b64(goodClaims()) + "."},
		{"alg none with the kid of a true key", b64(`{"alg":"none","typ":"at+jwt","kid":"EdDSA"}`) + "." + b64(goodClaims()) + "."},
		{"alg nOnE with a signature", ed(strings.Replace(goodHeader("EdDSA"), `"alg":"EdDSA"`, `"alg":"nOnE"`, 1), goodClaims())},
		{"alg missing", ed(`{"typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"alg a number", ed(`{"alg":1,"typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"alg names another algorithm than the key's", ed(`{"alg":"HS256","typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"alg in lower case", ed(`{"alg":"eddsa","typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"RS256 public key in PEM as the HS256 secret", macWithPublicKey(t, i, "PUBLIC KEY")},
		{"RS256 public key in DER as the HS256 secret", macWithPublicKey(t, i, "")},
		{"PS256 signature for an RS256 key", i.sign(t, "PS256", goodHeader("RS256"), goodClaims())},
		{"HS256 with an empty secret", macWith(t, nil)},
		{"kid of no key", ed(strings.Replace(goodHeader("EdDSA"), `"kid":"EdDSA"`, `"kid":"x"`, 1), goodClaims())},
		{"kid that is a path", ed(`{"alg":"EdDSA","typ":"at+jwt","kid":"../../dev/null"}`, goodClaims())},
		{"kid that is SQL", ed(`{"alg":"EdDSA","typ":"at+jwt","kid":"' UNION SELECT 'secret"}`, goodClaims())},
		{"kid missing", ed(`{"alg":"EdDSA","typ":"at+jwt"}`, goodClaims())},
		{"kid a number", ed(`{"alg":"EdDSA","typ":"at+jwt","kid":1}`, goodClaims())},
		{"jwk: the attacker's own key", ed(with(`"jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`), goodClaims())},
		{"jku: a set of keys elsewhere", ed(with(`"jku":"https://evil.example/jwks.json"`), goodClaims())},
		{"x5u: a certificate elsewhere", ed(with(`"x5u":"https://evil.example/cert.pem"`), goodClaims())},
		{"x5c: the attacker's own certificate", ed(with(`"x5c":["MIIB"]`), goodClaims())},
		{"crit with an extension", ed(with(`"crit":["exp"]`), goodClaims())},
		{"crit empty", ed(with(`"crit":[]`), goodClaims())},
		{"crit null", ed(with(`"crit":null`), goodClaims())},
		{"b64 false", ed(with(`"b64":false`), goodClaims())},
		{"zip: a bomb", ed(with(`"zip":"DEF"`), goodClaims())},
		{"enc: a JWE header", ed(with(`"enc":"A256GCM"`), goodClaims())},
		{"epk: invalid curve", ed(with(`"epk":{}`), goodClaims())},
		{"p2c: a billion rounds", ed(with(`"p2c":1000000000`), goodClaims())},
		{"p2s", ed(with(`"p2s":"c2FsdA"`), goodClaims())},
		{"typ of a refresh token", ed(`{"alg":"EdDSA","typ":"rt+jwt","kid":"EdDSA"}`, goodClaims())},
		{"typ of an identity token", ed(`{"alg":"EdDSA","typ":"JWT","kid":"EdDSA"}`, goodClaims())},
		{"typ missing", ed(`{"alg":"EdDSA","kid":"EdDSA"}`, goodClaims())},
		{"typ an array", ed(`{"alg":"EdDSA","typ":["at+jwt"],"kid":"EdDSA"}`, goodClaims())},
		{"typ of another tree", ed(`{"alg":"EdDSA","typ":"text/at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"iss of another", ed(goodHeader("EdDSA"), claims("id.example.org", "evil.example"))},
		{"iss that begins like ours", ed(goodHeader("EdDSA"), claims("id.example.org", "id.example.org.evil.example"))},
		{"iss missing", ed(goodHeader("EdDSA"), claims(`"iss":"https://id.example.org",`, ""))},
		{"aud of another", ed(goodHeader("EdDSA"), claims(`"aud":"notes"`, `"aud":"mail"`))},
		{"aud of others", ed(goodHeader("EdDSA"), claims(`"aud":"notes"`, `"aud":["mail","note"]`))},
		{"aud missing", ed(goodHeader("EdDSA"), claims(`"aud":"notes",`, ""))},
		{"aud empty", ed(goodHeader("EdDSA"), claims(`"aud":"notes"`, `"aud":[]`))},
		{"aud with a number", ed(goodHeader("EdDSA"), claims(`"aud":"notes"`, `"aud":["notes",1]`))},
		{"aud an object", ed(goodHeader("EdDSA"), claims(`"aud":"notes"`, `"aud":{"notes":true}`))},
		{"exp missing", ed(goodHeader("EdDSA"), claims(","+exp, ""))},
		{"exp null", ed(goodHeader("EdDSA"), claims(exp, `"exp":null`))},
		{"exp a string", ed(goodHeader("EdDSA"), claims(exp, `"exp":"9999999999"`))},
		{"exp true", ed(goodHeader("EdDSA"), claims(exp, `"exp":true`))},
		{"exp beyond the calendar", ed(goodHeader("EdDSA"), claims(exp, `"exp":1e300`))},
		{"exp in another case", ed(goodHeader("EdDSA"), claims(exp, strings.ToUpper(exp)))},
		{"nbf to come", ed(goodHeader("EdDSA"), claims(exp, fmt.Sprintf(`%s,"nbf":%d`, exp, now.Unix()+1)))},
		{"nbf a string", ed(goodHeader("EdDSA"), claims(exp, exp+`,"nbf":"0"`))},
		{"nbf before 1970", ed(goodHeader("EdDSA"), claims(exp, exp+`,"nbf":-1`))},
		{"iat to come", ed(goodHeader("EdDSA"), claims(fmt.Sprintf(`"iat":%d`, now.Unix()), fmt.Sprintf(`"iat":%d`, now.Unix()+1)))},
		{"more than 8 KiB", ed(goodHeader("EdDSA"), claims(`"sub":"ada"`, `"sub":"`+strings.Repeat("a", 8<<10)+`"`))},
		{"four parts", good + "." + sig},
		{"two parts", input},
		{"JWE: five parts", good + ".YQ.YQ"},
		{"no parts", ""},
		{"only dots", ".."},
		{"empty payload", b64(goodHeader("EdDSA")) + ".." + sig},
		{"signature stripped", input + "."},
		{"signature of other claims", input + "." + ed(goodHeader("EdDSA"), claims("ada", "eve"))[len(input)+1:]},
		{"signature cut", good[:len(good)-4]},
		{"claims changed after signing", b64(goodHeader("EdDSA")) + "." + b64(claims("member", "admin")) + "." + sig},
		{"header changed after signing", b64(with(`"x":1`)) + "." + b64(goodClaims()) + "." + sig},
		{"padding", good + "="},
		{"line end inside", good[:10] + "\n" + good[10:]},
		{"line end behind", good + "\r\n"},
		{"space before", " " + good},
		{"base64 with plus and slash", input + "." + strings.NewReplacer("-", "+", "_", "/").Replace(sig) + "+"},
		{"another spelling of the signature's last bits", respelled(good)},
		{"NUL inside", good[:10] + "\x00" + good[10:]},
		{"duplicate claim", ed(goodHeader("EdDSA"), claims(`"sub":"ada"`, `"sub":"ada","sub":"root"`))},
		{"duplicate claim, one escaped", ed(goodHeader("EdDSA"), claims(`"sub":"ada"`, `"sub":"ada","\u0073ub":"root"`))},
		{"duplicate private claim", ed(goodHeader("EdDSA"), claims(`"role":"member"`, `"role":"member","role":"admin"`))},
		{"duplicate header member", ed(with(`"kid":"ES256"`), goodClaims())},
		{"header not an object", ed(`["EdDSA"]`, goodClaims())},
		{"header not JSON", ed(`{"alg":"EdDSA"`, goodClaims())},
		{"header with a second value", ed(goodHeader("EdDSA")+"{}", goodClaims())},
		{"claims not an object", ed(goodHeader("EdDSA"), `["notes"]`)},
		{"claims null", ed(goodHeader("EdDSA"), `null`)},
		{"claims not JSON", ed(goodHeader("EdDSA"), goodClaims()+"x")},
		{"claims not UTF-8", ed(goodHeader("EdDSA"), claims("ada", "ad\xff"))},
		{"claims with a lone surrogate", ed(goodHeader("EdDSA"), claims("ada", `\ud800`))},
		{"ES256 with r and s of zero", b64(goodHeader("ES256")) + "." + b64(goodClaims()) + "." + b64(strings.Repeat("\x00", 64))},
		{"ES256 with r and s of the curve's order", esWithOrder(i)},
		{"ES256 signature in DER", esInDER(t, i)},
		{"EdDSA signature of zeros", input + "." + b64(strings.Repeat("\x00", 64))},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := j.Parse(row.token)
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("Parse: %v, %v; want ErrInvalid", c, err)
			}
			if errors.Is(err, ErrExpired) {
				t.Error("an invalid token is told to be expired")
			}
		})
	}
}

func macWith(t testing.TB, secret []byte) string {
	i := issuer{secret: secret}
	if secret == nil {
		i.secret = []byte{}
	}
	return i.sign(t, "HS256", goodHeader("HS256"), goodClaims())
}

// macWithPublicKey is the confusion of RFC 8725 §2.1: whoever knows the public
// key signs with it as if it were a secret.
func macWithPublicKey(t testing.TB, i *issuer, block string) string {
	der, err := x509.MarshalPKIXPublicKey(i.rs.Public())
	if err != nil {
		t.Fatal(err)
	}
	secret := der
	if block != "" {
		secret = pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})
	}
	forger := issuer{secret: secret}
	return forger.sign(t, "HS256", `{"alg":"HS256","typ":"at+jwt","kid":"RS256"}`, goodClaims())
}

func esWithOrder(i *issuer) string {
	n := i.es.Params().N.Bytes()
	return b64(goodHeader("ES256")) + "." + b64(goodClaims()) + "." + b64(string(n)+string(n))
}

func esInDER(t testing.TB, i *issuer) string {
	token := i.good(t, "ES256")
	last := strings.LastIndexByte(token, '.')
	raw := []byte(unb64(t, token[last+1:]))
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	if err != nil {
		t.Fatal(err)
	}
	return token[:last+1] + b64(string(der))
}

// respelled sets a bit beyond the last byte of the signature: 64 bytes end in a
// letter of which two bits count.
func respelled(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last|1])
}

func TestExpiredTokens(t *testing.T) {
	for _, row := range []struct {
		name   string
		exp    time.Time
		leeway time.Duration
		want   error
	}{
		{"a second left", now.Add(time.Second), 0, nil},
		{"ends now (RFC 7519 §4.1.4: on or after)", now, 0, ErrExpired},
		{"ended a year ago", now.AddDate(-1, 0, 0), 0, ErrExpired},
		{"ended within the leeway", now.Add(-29 * time.Second), 30 * time.Second, nil},
		{"ended with the leeway", now.Add(-30 * time.Second), 30 * time.Second, ErrExpired},
	} {
		t.Run(row.name, func(t *testing.T) {
			j := newJWT(t, func(cfg *JWTConfig) { cfg.Leeway = row.leeway })
			_, err := j.Parse(newIssuer().sign(t, "EdDSA", goodHeader("EdDSA"), claimsUntil(row.exp)))
			if !errors.Is(err, row.want) {
				t.Errorf("Parse: %v; want %v", err, row.want)
			}
			if errors.Is(err, ErrInvalid) {
				t.Error("expired and invalid at once")
			}
		})
	}
}

func TestKidIsCappedBeforeTheLookup(t *testing.T) {
	i := newIssuer()
	asked := false
	j := newJWT(t, func(cfg *JWTConfig) {
		cfg.Keys = func(string) (Key, error) { asked = true; return i.keys(t)["EdDSA"], nil }
	})
	kid := strings.Repeat("k", maxKid+1)
	_, err := j.Parse(i.sign(t, "EdDSA", `{"alg":"EdDSA","typ":"at+jwt","kid":"`+kid+`"}`, goodClaims()))
	if !errors.Is(err, ErrInvalid) || asked {
		t.Errorf("err %v, asked %v; want ErrInvalid without a lookup", err, asked)
	}
}
