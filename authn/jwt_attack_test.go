package authn

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestJWTAttacks: every token below is right but for the one thing in its name,
// and signed by the true key wherever the attack allows it, so that only the
// safeguard in question can refuse it.
func TestJWTAttacks(t *testing.T) {
	j := newJWT(t, nil)
	f := newForger(t)
	for _, row := range slices.Concat(f.keys(), f.headers(), f.claims(), f.forms(), f.json()) {
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

type attack struct{ name, token string }

// forger makes tokens that differ from a good one in one thing.
type forger struct {
	t          *testing.T
	i          *issuer
	good       string
	input, sig string // its two halves
	exp        string // the member exp of its claims
}

func newForger(t *testing.T) forger {
	i := newIssuer()
	good := i.good(t, "EdDSA")
	last := strings.LastIndexByte(good, '.')
	return forger{t, i, good, good[:last], good[last+1:], fmt.Sprintf(`"exp":%d`, now.Add(15*time.Minute).Unix())}
}

func (f forger) ed(header, payload string) string { return f.i.sign(f.t, "EdDSA", header, payload) }

// with is a good token with one more header member.
func (f forger) with(member string) string {
	return f.ed(strings.TrimSuffix(goodHeader("EdDSA"), "}")+","+member+"}", goodClaims())
}

// but is good claims with one thing changed.
func (f forger) but(from, to string) string {
	s := strings.Replace(goodClaims(), from, to, 1)
	if s == goodClaims() {
		f.t.Fatalf("%q is not in the claims", from)
	}
	return s
}

// claiming is a good token with one thing changed in its claims.
func (f forger) claiming(from, to string) string { return f.ed(goodHeader("EdDSA"), f.but(from, to)) }

// keys: the token chooses its own algorithm or key.
func (f forger) keys() []attack {
	return []attack{
		{"alg none, unsecured JWS", b64(`{"alg":"none","typ":"at+jwt"}`) + "." + b64(goodClaims()) + "."},
		{"alg none with the kid of a true key", b64(`{"alg":"none","typ":"at+jwt","kid":"EdDSA"}`) + "." + b64(goodClaims()) + "."},
		{"alg nOnE with a signature", f.ed(strings.Replace(goodHeader("EdDSA"), `"alg":"EdDSA"`, `"alg":"nOnE"`, 1), goodClaims())},
		{"alg missing", f.ed(`{"typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"alg a number", f.ed(`{"alg":1,"typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"alg names another algorithm than the key's", f.ed(`{"alg":"HS256","typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"alg in lower case", f.ed(`{"alg":"eddsa","typ":"at+jwt","kid":"EdDSA"}`, goodClaims())},
		{"RS256 public key in PEM as the HS256 secret", macWithPublicKey(f.t, f.i, "PUBLIC KEY")},
		{"RS256 public key in DER as the HS256 secret", macWithPublicKey(f.t, f.i, "")},
		{"PS256 signature for an RS256 key", f.i.sign(f.t, "PS256", goodHeader("RS256"), goodClaims())},
		{"HS256 with an empty secret", macWith(f.t, nil)},
		{"kid of no key", f.ed(strings.Replace(goodHeader("EdDSA"), `"kid":"EdDSA"`, `"kid":"x"`, 1), goodClaims())},
		{"kid that is a path", f.ed(`{"alg":"EdDSA","typ":"at+jwt","kid":"../../dev/null"}`, goodClaims())},
		{"kid that is SQL", f.ed(`{"alg":"EdDSA","typ":"at+jwt","kid":"' UNION SELECT 'secret"}`, goodClaims())},
		{"kid missing", f.ed(`{"alg":"EdDSA","typ":"at+jwt"}`, goodClaims())},
		{"kid a number", f.ed(`{"alg":"EdDSA","typ":"at+jwt","kid":1}`, goodClaims())},
		{"ES256 with r and s of zero", b64(goodHeader("ES256")) + "." + b64(goodClaims()) + "." + b64(strings.Repeat("\x00", 64))},
		{"ES256 with r and s of the curve's order", esWithOrder(f.i)},
		{"ES256 signature in DER", esInDER(f.t, f.i)},
		{"EdDSA signature of zeros", f.input + "." + b64(strings.Repeat("\x00", 64))},
	}
}

// headers: members of the header that change how the token is read, or what it is.
func (f forger) headers() []attack {
	return []attack{
		{"jwk: the attacker's own key", f.with(`"jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)},
		{"jku: a set of keys elsewhere", f.with(`"jku":"https://evil.example/jwks.json"`)},
		{"x5u: a certificate elsewhere", f.with(`"x5u":"https://evil.example/cert.pem"`)},
		{"x5c: the attacker's own certificate", f.with(`"x5c":["MIIB"]`)},
		{"crit with an extension", f.with(`"crit":["exp"]`)},
		{"crit empty", f.with(`"crit":[]`)},
		{"crit null", f.with(`"crit":null`)},
		{"b64 false", f.with(`"b64":false`)},
		{"zip: a bomb", f.with(`"zip":"DEF"`)},
		{"enc: a JWE header", f.with(`"enc":"A256GCM"`)},
		{"epk: invalid curve", f.with(`"epk":{}`)},
		{"p2c: a billion rounds", f.with(`"p2c":1000000000`)},
		{"p2s", f.with(`"p2s":"c2FsdA"`)},
		{"typ of a refresh token", f.ed(`{"alg":"EdDSA","typ":"rt+jwt","kid":"EdDSA"}`, goodClaims())},
		{"typ of an identity token", f.ed(`{"alg":"EdDSA","typ":"JWT","kid":"EdDSA"}`, goodClaims())},
		{"typ missing", f.ed(`{"alg":"EdDSA","kid":"EdDSA"}`, goodClaims())},
		{"typ an array", f.ed(`{"alg":"EdDSA","typ":["at+jwt"],"kid":"EdDSA"}`, goodClaims())},
		{"typ of another tree", f.ed(`{"alg":"EdDSA","typ":"applicatiom/at+jwt","kid":"EdDSA"}`, goodClaims())},
	}
}

// claims: what the issuer signed is not for us, or not for now.
func (f forger) claims() []attack {
	return []attack{
		{"iss of another", f.claiming("id.example.org", "evil.example")},
		{"iss that begins like ours", f.claiming("id.example.org", "id.example.org.evil.example")},
		{"iss missing", f.claiming(`"iss":"https://id.example.org",`, "")},
		{"aud of another", f.claiming(`"aud":"notes"`, `"aud":"mail"`)},
		{"aud of others", f.claiming(`"aud":"notes"`, `"aud":["mail","note"]`)},
		{"aud missing", f.claiming(`"aud":"notes",`, "")},
		{"aud empty", f.claiming(`"aud":"notes"`, `"aud":[]`)},
		{"aud with a number", f.claiming(`"aud":"notes"`, `"aud":["notes",1]`)},
		{"aud an object", f.claiming(`"aud":"notes"`, `"aud":{"notes":true}`)},
		{"exp missing", f.claiming(","+f.exp, "")},
		{"exp null", f.claiming(f.exp, `"exp":null`)},
		{"exp a string", f.claiming(f.exp, `"exp":"9999999999"`)},
		{"exp true", f.claiming(f.exp, `"exp":true`)},
		{"exp beyond the calendar", f.claiming(f.exp, `"exp":1e300`)},
		{"exp in another case", f.claiming(f.exp, strings.ToUpper(f.exp))},
		{"nbf to come", f.claiming(f.exp, fmt.Sprintf(`%s,"nbf":%d`, f.exp, now.Unix()+1))},
		{"nbf a string", f.claiming(f.exp, f.exp+`,"nbf":"0"`)},
		{"nbf before 1970", f.claiming(f.exp, f.exp+`,"nbf":-1`)},
		{"iat to come", f.claiming(fmt.Sprintf(`"iat":%d`, now.Unix()), fmt.Sprintf(`"iat":%d`, now.Unix()+1))},
	}
}

// forms: the token is not three parts of base64url, or not what was signed.
func (f forger) forms() []attack {
	return []attack{
		{"more than 8 KiB", f.claiming(`"sub":"ada"`, `"sub":"`+strings.Repeat("a", 8<<10)+`"`)},
		{"four parts", f.good + "." + f.sig},
		{"two parts", f.input},
		{"JWE: five parts", f.good + ".YQ.YQ"},
		{"no parts", ""},
		{"only dots", ".."},
		{"empty payload", b64(goodHeader("EdDSA")) + ".." + f.sig},
		{"signature stripped", f.input + "."},
		{"signature of other claims", f.input + "." + f.claiming("ada", "eve")[len(f.input)+1:]},
		{"signature cut", f.good[:len(f.good)-4]},
		{"claims changed after signing", b64(goodHeader("EdDSA")) + "." + b64(f.but("member", "admin")) + "." + f.sig},
		{"header changed after signing", b64(`{"x":1,`+goodHeader("EdDSA")[1:]) + "." + b64(goodClaims()) + "." + f.sig},
		{"padding", f.good + "="},
		{"line end inside", f.good[:10] + "\n" + f.good[10:]},
		{"line end behind", f.good + "\r\n"},
		{"space before", " " + f.good},
		{"base64 with plus and slash", f.input + "." + strings.NewReplacer("-", "+", "_", "/").Replace(f.sig) + "+"},
		{"another spelling of the signature's last bits", respelled(f.good)},
		{"NUL inside", f.good[:10] + "\x00" + f.good[10:]},
	}
}

// json: what is signed can be read in two ways, or in none.
func (f forger) json() []attack {
	return []attack{
		{"duplicate claim", f.claiming(`"sub":"ada"`, `"sub":"ada","sub":"root"`)},
		{"duplicate claim, one escaped", f.claiming(`"sub":"ada"`, `"sub":"ada","\u0073ub":"root"`)},
		{"duplicate private claim", f.claiming(`"role":"member"`, `"role":"member","role":"admin"`)},
		{"duplicate header member", f.with(`"kid":"ES256"`)},
		{"header not an object", f.ed(`["EdDSA"]`, goodClaims())},
		{"header not JSON", f.ed(`{"alg":"EdDSA"`, goodClaims())},
		{"header with a second value", f.ed(goodHeader("EdDSA")+"{}", goodClaims())},
		{"claims not an object", f.ed(goodHeader("EdDSA"), `["notes"]`)},
		{"claims null", f.ed(goodHeader("EdDSA"), `null`)},
		{"claims not JSON", f.ed(goodHeader("EdDSA"), goodClaims()+"x")},
		{"claims not UTF-8", f.claiming("ada", "ad\xff")},
		{"claims with a lone surrogate", f.claiming("ada", `\ud800`)},
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
