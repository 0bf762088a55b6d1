package gatetest

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// tokenAttacks call each operation that needs credentials with none, or with
// ones that are not worth anything.
func tokenAttacks(s *suite) []Attack {
	closed := func(o *operation) bool { return s.cells[o.op][call.Guest] == authz.No }
	var rows []Attack
	for _, a := range []struct {
		name   string
		change func(r *http.Request, token string)
	}{
		{"no credentials", func(r *http.Request, _ string) { r.Header.Del("Authorization") }},
		{"token in the query", func(r *http.Request, token string) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = join(r.URL.RawQuery, "access_token="+token)
		}},
		{"token in a cookie", func(r *http.Request, token string) {
			r.Header.Del("Authorization")
			r.Header.Set("Cookie", "access_token="+token+"; token="+token)
		}},
		{"role in a header", func(r *http.Request, _ string) {
			r.Header.Del("Authorization")
			for _, name := range []string{"X-User", "X-Role", "X-User-Role", "X-User-Id", "X-Forwarded-User", "Remote-User"} {
				r.Header.Set(name, "admin")
			}
		}},
		{"another scheme", func(r *http.Request, token string) { r.Header.Set("Authorization", "Basic "+token) }},
		{"two Authorization fields", func(r *http.Request, token string) {
			r.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + token}
		}},
		{"two tokens in one field", func(r *http.Request, token string) {
			r.Header.Set("Authorization", "Bearer "+token+", Bearer "+token)
		}},
		{"empty token", bearer(func(string) string { return "" })},
		{"token that is none", bearer(func(string) string { return "gatetest" })},
		{"token larger than any", bearer(func(string) string { return strings.Repeat("a", 1<<20) })},
		{"token with alg none", bearer(func(t string) string { return unsigned(t, "none", "") })},
		{"token with alg None and a signature", bearer(func(t string) string { return unsigned(t, "None", "AAAA") })},
		{"token without its signature", bearer(func(t string) string { return headOf(t) + "." })},
		{"token with another signature", bearer(func(t string) string { return headOf(t) + "." + encode(make([]byte, 64)) })},
		{"token with a changed payload", bearer(promoted)},
		{"token signed with an empty HMAC key", bearer(func(t string) string { return hmacSigned(t, "") })},
		{"token signed with a guessed HMAC key", bearer(func(t string) string { return hmacSigned(t, "secret") })},
		{"token that brings its own key", bearer(ownKey)},
	} {
		rows = append(rows, s.each(a.name, closed, func(h http.Handler, o *operation) error {
			r := s.request(o, call.Guest)
			token := "e30.e30.AAAA"
			if role := s.signed(o); role != "" {
				token = s.Tokens[role]()
			}
			a.change(r, token)
			return s.unauthorized(h, r)
		})...)
	}
	read := func(o *operation) bool { return closed(o) && o.op.Method == http.MethodGet && o.op.Socket == nil }
	return append(rows, s.each("no credentials, and HEAD in place of GET", read, func(h http.Handler, o *operation) error {
		r := s.request(o, call.Guest)
		r.Method = http.MethodHead
		return s.refused(h, r, http.StatusUnauthorized, http.StatusBadRequest, http.StatusMethodNotAllowed)
	})...)
}

func (s *suite) unauthorized(h http.Handler, r *http.Request) error {
	a, err := s.send(h, r)
	if err != nil {
		return err
	}
	switch a.status {
	case http.StatusUnauthorized:
		if a.header.Get("Www-Authenticate") == "" {
			return a.wrong("WWW-Authenticate is missing (RFC 9110 section 15.5.2)")
		}
	case http.StatusBadRequest:
	default:
		return a.wrong("want 401")
	}
	return a.silent()
}

func bearer(forge func(token string) string) func(*http.Request, string) {
	return func(r *http.Request, token string) { r.Header.Set("Authorization", "Bearer "+forge(token)) }
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// headOf is a JWT without its signature, or an opaque token spoilt.
func headOf(token string) string {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return token + "x"
	}
	return token[:i]
}

func payloadOf(token string) string {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		return parts[1]
	}
	return encode([]byte(`{"sub":"1","role":"admin"}`))
}

// unsigned is the payload of a token under another algorithm.
func unsigned(token, alg, signature string) string {
	return encode([]byte(`{"alg":"`+alg+`","typ":"at+jwt"}`)) + "." + payloadOf(token) + "." + signature
}

// promoted is a token whose payload says more than was signed.
func promoted(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "x" + token
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "x" + token
	}
	v, err := strictjson.Decode(text)
	claims, ok := v.(map[string]any)
	if err != nil || !ok {
		return "x" + token
	}
	claims["role"], claims["admin"] = "admin", true
	changed, err := strictjson.Marshal(claims)
	if err != nil {
		return "x" + token
	}
	return parts[0] + "." + encode(changed) + "." + parts[2]
}

func hmacSigned(token, key string) string {
	signed := encode([]byte(`{"alg":"HS256","typ":"at+jwt","kid":"../../dev/null"}`)) + "." + payloadOf(token)
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(signed)) // never fails (hash.Hash)
	return signed + "." + encode(mac.Sum(nil))
}

// ownKey signs with a key that the token itself states (CVE-2018-0114).
func ownKey(token string) string {
	private := ed25519.NewKeyFromSeed([]byte(canary + "            ")[:ed25519.SeedSize])
	public := encode(private.Public().(ed25519.PublicKey))
	signed := encode([]byte(`{"alg":"EdDSA","typ":"at+jwt","jwk":{"kty":"OKP","crv":"Ed25519","x":"`+public+`"}}`)) + "." + payloadOf(token)
	return signed + "." + encode(ed25519.Sign(private, []byte(signed)))
}
