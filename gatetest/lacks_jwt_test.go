package gatetest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

func signedWith(s sent, key string) bool {
	i := strings.LastIndexByte(s.token, '.')
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(s.token[:i]))
	return s.token[i+1:] == base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signed tells whether the true key has signed a token.
func signed(s sent) bool {
	return strings.Count(s.token, ".") == 2 && signedWith(s, string(secret))
}

func jwts() []negligence {
	// careless verifiers check the signature and not what it says
	checksNot := func(which func(s sent) bool) wrap {
		return believes(func(s sent) bool { return signed(s) && which(s) })
	}
	header := func(name string, is any) wrap {
		return checksNot(func(s sent) bool { return s.header[name] == is })
	}
	claim := func(name string, is any) wrap {
		return checksNot(func(s sent) bool { return s.claims[name] == is })
	}
	missing := func(name string) wrap {
		return checksNot(func(s sent) bool { _, ok := s.claims[name]; return !ok && s.claims != nil })
	}
	list := func(v any) []any { l, _ := v.([]any); return l }
	return []negligence{
		{name: "any alg under a good signature", rows: "JWT: alg none beside a good signature", around: header("alg", "nOnE")},
		{name: "another HMAC", rows: "JWT: alg of another key's kind", around: header("alg", "HS384")},
		{name: "no alg", rows: "JWT: alg missing", around: header("alg", nil)},
		{name: "any kid", rows: "JWT: kid of no key", around: header("kid", "gatetest")},
		{name: "a kid that is a path", rows: "JWT: kid that is a path", around: header("kid", "../../../dev/null")},
		{name: "a kid that is SQL", rows: "JWT: kid that is SQL", around: header("kid", "' UNION SELECT 'x")},
		{name: "unknown extensions", rows: "JWT: crit with an extension that nobody knows", around: header("gatetest", true)},
		{name: "an empty crit", rows: "JWT: crit that is empty", around: checksNot(func(s sent) bool { return s.header["crit"] != nil && len(list(s.header["crit"])) == 0 })},
		{name: "b64", rows: "JWT: payload that is not encoded (b64 false)", around: header("b64", false)},
		{name: "any typ", rows: "JWT: typ of a token for something else", around: header("typ", "rt+jwt")},
		{name: "the last of two headers", rows: "JWT: header twice in one", around: checksNot(func(s sent) bool { return strings.Contains(s.text, `{"alg":"none",`) })},
		{name: "any issuer", rows: "JWT: iss of another", around: claim("iss", "https://evil.example")},
		{name: "issuers by their beginning", rows: "JWT: iss that begins like ours", around: claim("iss", "https://books.example.evil.example")},
		{name: "no issuer", rows: "JWT: iss missing", around: missing("iss")},
		{name: "any audience", rows: "JWT: aud of another", around: claim("aud", "evil.example")},
		{name: "any list of audiences", rows: "JWT: aud of others", around: checksNot(func(s sent) bool { return len(list(s.claims["aud"])) == 2 })},
		{name: "no audience", rows: "JWT: aud missing", around: missing("aud")},
		{name: "an empty audience", rows: "JWT: aud of nobody", around: checksNot(func(s sent) bool {
			l, is := s.claims["aud"].([]any)
			return is && len(l) == 0
		})},
		{name: "tokens that have ended", rows: "JWT: exp in the past", around: claim("exp", 1e9)},
		{name: "tokens without end", rows: "JWT: exp missing", around: missing("exp")},
		{name: "exp null", rows: "JWT: exp null", around: checksNot(func(s sent) bool { v, ok := s.claims["exp"]; return ok && v == nil })},
		{name: "exp as text", rows: "JWT: exp that is text", around: claim("exp", "32503680000")},
		{name: "tokens to come", rows: "JWT: nbf in the future", around: claim("nbf", 32503680000.)},
		{name: "the last of two claims", rows: "JWT: claim twice in one", around: checksNot(func(s sent) bool { return strings.Count(s.text, `"role"`) == 3 })},
		{name: "claims that are a list", rows: "JWT: claims that are a list", around: checksNot(func(s sent) bool { return strings.HasSuffix(s.text, `["admin"]`) })},
		{name: "claims that are null", rows: "JWT: claims that are null", around: checksNot(func(s sent) bool { return strings.HasSuffix(s.text, "null") })},
		{name: "what follows the claims", rows: "JWT: claims and more", around: checksNot(func(s sent) bool { return strings.HasSuffix(s.text, `}{"role":"admin"}`) })},
		{name: "more parts", rows: "JWT: four parts", around: believes(func(s sent) bool { return strings.Count(s.token, ".") == 3 })},
		{name: "padding", rows: "JWT: padding", around: believes(func(s sent) bool { return strings.HasSuffix(s.token, "=") })},
		{name: "any signature", rows: "JWT: padding; JWT: signature of other claims; token signed with a guessed HMAC key; token signed with an empty HMAC key; " +
			"token that brings its own key; token with a changed payload; token with alg None and a signature; token with alg none; " +
			"token with another signature; token without its signature", around: believes(func(s sent) bool { return strings.Count(s.token, ".") == 2 && !signed(s) })},
		{name: "keys of jku", rows: "JWT: jku that is fetched", around: before(func(r *http.Request) { fetch(sentBy(r), "jku") })},
		{name: "keys of x5u", rows: "JWT: x5u that is fetched", around: before(func(r *http.Request) { fetch(sentBy(r), "x5u") })},
	}
}

func fetch(s sent, member string) {
	if from := s.says(s.header, member); from != "" {
		resp, err := http.Get(from)
		if err == nil {
			_ = resp.Body.Close()
		}
	}
}
