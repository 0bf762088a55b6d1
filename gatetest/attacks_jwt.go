package gatetest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// jwt is a good token taken apart.
type jwt struct {
	header, claims map[string]any
	sign           func(input []byte) []byte
}

// forgery is a token that must not hold: "" when the good one has nothing that
// this forgery changes.
type forgery struct {
	name  string
	forge func(t jwt) string
}

// jwtAttacks sign tokens as the issuer does, each with one thing wrong, so that
// only the safeguard in question can refuse it. They go to the first operation
// of each API that is shut to guests.
func jwtAttacks(s *suite) []Attack {
	if s.Sign == nil {
		return nil
	}
	chosen := map[*operation]bool{}
	seen := map[any]bool{}
	for _, o := range s.operations {
		if s.shutToGuests(o) && s.signed(o) != "" && !seen[o.op.API] {
			chosen[o], seen[o.op.API] = true, true
		}
	}
	fits := func(o *operation) bool { return chosen[o] }
	var rows []Attack
	for _, f := range forgeries() {
		rows = append(rows, s.each("JWT: "+f.name, fits, func(h http.Handler, o *operation) error { return s.tryForgery(h, o, f) })...)
	}
	for _, spoil := range keysAsSecrets(s) {
		rows = append(rows, s.each("JWT: "+spoil.name, fits, func(h http.Handler, o *operation) error { return s.tryForgery(h, o, spoil) })...)
	}
	for _, member := range []string{"jku", "x5u"} {
		rows = append(rows, s.each("JWT: "+member+" that is fetched", fits, func(h http.Handler, o *operation) error { return s.fetches(h, o, member) })...)
	}
	return rows
}

func (s *suite) tryForgery(h http.Handler, o *operation, f forgery) error {
	t, err := s.goodJWT(o)
	if err != nil {
		return err
	}
	forged := f.forge(t)
	if forged == "" {
		return nil
	}
	r := s.request(o, call.Guest)
	r.Header.Set("Authorization", "Bearer "+forged)
	return s.unauthorized(h, r)
}

// goodJWT takes a token of a role that may call o apart.
func (s *suite) goodJWT(o *operation) (jwt, error) {
	token := s.Tokens[s.signed(o)]()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return jwt{}, fmt.Errorf("gatetest: Target.Sign is given and a token of Target.Tokens is no JWT")
	}
	t := jwt{sign: s.Sign}
	for i, into := range []*map[string]any{&t.header, &t.claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return jwt{}, fmt.Errorf("gatetest: part %d of a token of Target.Tokens: %w", i+1, err)
		}
		v, err := strictjson.Decode(text)
		if err != nil {
			return jwt{}, fmt.Errorf("gatetest: part %d of a token of Target.Tokens: %w", i+1, err)
		}
		*into, _ = v.(map[string]any)
	}
	return t, nil
}

// token signs a header and claims, which may be texts that are no JSON.
func (t jwt) token(header, claims any) string {
	input := encode(raw(header)) + "." + encode(raw(claims))
	return input + "." + encode(t.sign([]byte(input)))
}

func raw(v any) []byte {
	if text, ok := v.(string); ok {
		return []byte(text)
	}
	b, err := strictjson.Marshal(v)
	if err != nil {
		return nil // a map of what was decoded: cannot happen
	}
	return b
}

// saying is the good token with a member of its header or claims changed.
func (t jwt) saying(part, name string, v any) string {
	header, claims := maps.Clone(t.header), maps.Clone(t.claims)
	if part == "header" {
		header[name] = v
	} else {
		claims[name] = v
	}
	return t.token(header, claims)
}

// lacking is the good token without a claim; "" when it has none of that name.
func (t jwt) lacking(name string) string {
	if _, ok := t.claims[name]; !ok {
		return ""
	}
	claims := maps.Clone(t.claims)
	delete(claims, name)
	return t.token(t.header, claims)
}

func saying(part, name string, v any) func(jwt) string {
	return func(t jwt) string { return t.saying(part, name, v) }
}

// ifStated forges only when the good token states the member as a text.
func ifStated(part, name string, change func(string) any) func(jwt) string {
	return func(t jwt) string {
		from := t.claims
		if part == "header" {
			from = t.header
		}
		text, ok := from[name].(string)
		if list, many := from[name].([]any); many && len(list) > 0 {
			text, ok = list[0].(string)
		}
		if !ok {
			return ""
		}
		return t.saying(part, name, change(text))
	}
}

func lacking(name string) func(jwt) string { return func(t jwt) string { return t.lacking(name) } }

// inFront signs a claim twice, the true one behind.
func (t jwt) inFront(member string) string {
	return t.token(t.header, strings.Replace(string(raw(t.claims)), "{", "{"+member+",", 1))
}

const past, future = json.Number("1000000000"), json.Number("32503680000") // in 2001, and in the year 3000

func forgeries() []forgery {
	always := func(v any) func(string) any { return func(string) any { return v } }
	return []forgery{
		{"alg none beside a good signature", saying("header", "alg", "nOnE")},
		{"alg of another key's kind", saying("header", "alg", "HS384")},
		{"alg missing", func(t jwt) string {
			header := maps.Clone(t.header)
			delete(header, "alg")
			return t.token(header, t.claims)
		}},
		{"kid of no key", ifStated("header", "kid", always("gatetest"))},
		{"kid that is a path", ifStated("header", "kid", always("../../../dev/null"))},
		{"kid that is SQL", ifStated("header", "kid", always("' UNION SELECT 'x"))},
		{"crit with an extension that nobody knows", func(t jwt) string {
			header := maps.Clone(t.header)
			header["crit"], header["gatetest"] = []any{"gatetest"}, true
			return t.token(header, t.claims)
		}},
		{"crit that is empty", saying("header", "crit", []any{})},
		{"payload that is not encoded (b64 false)", func(t jwt) string {
			header := maps.Clone(t.header)
			header["crit"], header["b64"] = []any{"b64"}, false
			return t.token(header, t.claims)
		}},
		{"typ of a token for something else", func(t jwt) string {
			if typ, _ := t.header["typ"].(string); typ == "" || strings.EqualFold(typ, "JWT") {
				return ""
			}
			return t.saying("header", "typ", "rt+jwt")
		}},
		{"header twice in one", func(t jwt) string {
			return t.token(strings.Replace(string(raw(t.header)), "{", `{"alg":"none",`, 1), t.claims)
		}},
		{"iss of another", ifStated("claims", "iss", always("https://"+evil))},
		{"iss that begins like ours", ifStated("claims", "iss", func(iss string) any { return iss + "." + evil })},
		{"iss missing", lacking("iss")},
		{"aud of another", ifStated("claims", "aud", always(evil))},
		{"aud of others", ifStated("claims", "aud", func(aud string) any { return []any{evil, aud + "x"} })},
		{"aud missing", lacking("aud")},
		{"aud of nobody", ifStated("claims", "aud", always([]any{}))},
		{"exp in the past", saying("claims", "exp", past)},
		{"exp missing", lacking("exp")},
		{"exp null", saying("claims", "exp", nil)},
		{"exp that is text", saying("claims", "exp", string(future))},
		{"nbf in the future", saying("claims", "nbf", future)},
		{"claim twice in one", func(t jwt) string { return t.inFront(`"role":"admin","role":"guest"`) }},
		{"claims that are a list", func(t jwt) string { return t.token(t.header, `["admin"]`) }},
		{"claims that are null", func(t jwt) string { return t.token(t.header, `null`) }},
		{"claims and more", func(t jwt) string { return t.token(t.header, string(raw(t.claims))+`{"role":"admin"}`) }},
		{"four parts", func(t jwt) string { return t.token(t.header, t.claims) + ".AAAA" }},
		{"padding", func(t jwt) string { return t.token(t.header, t.claims) + "=" }},
		{"signature of other claims", func(t jwt) string {
			other := t.saying("claims", "gatetest", true)
			return encode(raw(t.header)) + "." + encode(raw(t.claims)) + other[strings.LastIndexByte(other, '.'):]
		}},
	}
}

// keysAsSecrets sign with the public key as if it were a shared secret (RFC 8725
// section 2.1), in each form in which a verifier may hold it.
func keysAsSecrets(s *suite) []forgery {
	if s.PublicKey == nil {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(s.PublicKey)
	if err != nil {
		return nil // newSuite has refused the key
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	var all []forgery
	for _, secret := range []struct {
		name string
		key  []byte
	}{{"public key in DER as a secret", der}, {"public key in PEM as a secret", block}, {"public key in PEM without its last line end as a secret", bytes.TrimSpace(block)}} {
		all = append(all, forgery{secret.name, func(t jwt) string {
			t.sign = func(input []byte) []byte {
				mac := hmac.New(sha256.New, secret.key)
				_, _ = mac.Write(input) // never fails (hash.Hash)
				return mac.Sum(nil)
			}
			return t.saying("header", "alg", "HS256")
		}})
	}
	return all
}

// fetches sends a token that says where its key is, and fails when somebody asks
// there. Whether the token holds beside that is not asked: it is signed rightly.
func (s *suite) fetches(h http.Handler, o *operation, member string) error {
	t, err := s.goodJWT(o)
	if err != nil {
		return err
	}
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("gatetest: listening for who fetches keys: %w", err)
	}
	asked := make(chan bool, 1)
	go func() {
		conn, err := trap.Accept()
		if err == nil {
			_ = conn.Close() // nobody is answered
		}
		asked <- err == nil
	}()
	r := s.request(o, call.Guest)
	// A body that no contract takes: the operation is not carried out where the
	// token holds.
	body(r, []byte("{"))
	r.Header.Set("Authorization", "Bearer "+t.saying("header", member, "http://"+trap.Addr().String()+"/keys.json"))
	a, err := s.send(h, r)
	_ = trap.Close() // ends Accept
	if err != nil {
		return err
	}
	if <-asked {
		return a.wrong("the key was fetched from where the token said (SSRF)")
	}
	return nil
}
