package gatetest_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/call"
)

func hosts() []negligence {
	named := func(which func(host string) bool) wrap {
		return before(func(r *http.Request) {
			if which(r.Host) {
				r.Host = "localhost"
			}
		})
	}
	return []negligence{
		{name: "nothing", rows: ""},
		{name: "any host", rows: "another host in X-Forwarded-Host; host that begins like ours; host that ends like ours; host that is not ours; host with a user before it; no host", gate: func(c *gatehouse.Config) { c.TLS.InsecureAnyHost = true }},
		{name: "hosts by their end", rows: "host that ends like ours", around: named(func(h string) bool { return strings.HasSuffix(h, "localhost") })},
		{name: "hosts by their beginning", rows: "host that begins like ours; host with a user before it", around: named(func(h string) bool { return strings.HasPrefix(h, "localhost") })},
		{name: "hosts up to the @", rows: "host with a user before it", around: named(func(h string) bool { return strings.HasPrefix(h, "localhost@") })},
		{name: "no host", rows: "no host", around: named(func(h string) bool { return h == "" })},
		{name: "forwarded hosts", rows: "another host in X-Forwarded-Host", around: before(func(r *http.Request) {
			if h := r.Header.Get("X-Forwarded-Host"); h == "localhost" {
				r.Host = h
			}
		})},
		{name: "plain HTTP", rows: "plain HTTP from elsewhere; plain HTTP that says it is from this machine; plain HTTP that says it was https", gate: func(c *gatehouse.Config) { c.TLS.InsecurePlain = true }},
		{name: "forwarded schemes", rows: "plain HTTP that says it was https", around: before(func(r *http.Request) {
			if r.Header.Get("X-Forwarded-Proto") == "https" {
				r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
			}
		})},
		{name: "forwarded addresses", rows: "scanning with another X-Forwarded-For each time", around: before(func(r *http.Request) {
			if a := r.Header.Get("X-Forwarded-For"); a != "" {
				r.RemoteAddr = net.JoinHostPort(a, "40000")
			}
		})},
		{name: "no budgets", rows: "scanning unknown paths without end; scanning with another X-Forwarded-For each time", gate: func(c *gatehouse.Config) { c.Limit.InsecureUnlimited = true }},
		{name: "no Retry-After", rows: "scanning unknown paths without end; scanning with another X-Forwarded-For each time", around: without("Retry-After")},
	}
}

func paths() []negligence {
	method := func(name string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Method == name }
	}
	return []negligence{
		{name: "dot segments are removed", rows: "path: dot segments", around: respelled(func(p string) string {
			if strings.Contains(p, "/..") {
				return path.Clean(p)
			}
			return p
		})},
		{name: "escaped dot segments are removed", rows: "path: escaped dot segments", around: respelled(func(p string) string {
			if strings.Contains(p, "%2e%2e") {
				return path.Clean(strings.ReplaceAll(p, "%2e", "."))
			}
			return p
		})},
		{name: "single dots are removed", rows: "path: single dot", around: respelled(func(p string) string { return strings.ReplaceAll(p, "/./", "/") })},
		{name: "slashes are merged", rows: "path: doubled slash", around: respelled(func(p string) string { return strings.ReplaceAll(p, "//", "/") })},
		{name: "a slash at the end is removed", rows: "path: slash behind", around: respelled(func(p string) string { return "/" + strings.TrimRight(p[1:], "/") })},
		{name: "an escaped slash at the end is removed", rows: "path: escaped slash behind", around: respelled(func(p string) string { return strings.TrimSuffix(p, "%2f") })},
		{name: "an escaped backslash is removed", rows: "path: escaped backslash behind", around: respelled(func(p string) string { return strings.TrimSuffix(p, "%5c") })},
		{name: "NUL at the end is removed", rows: "path: NUL behind", around: respelled(func(p string) string { return strings.TrimSuffix(p, "%00") })},
		{name: "paths end at NUL", rows: "path: NUL and an extension behind; path: NUL behind", around: cutAt("%00")},
		{name: "parameters of paths are cut off", rows: "path: path parameter", around: cutAt(";")},
		{name: "line breaks end a path", rows: "path: line break behind", around: cutAt("%0d%0a")},
		{name: "overlong characters are read", rows: "path: overlong slash", around: cutAt("%c0%af")},
		{name: "invalid characters are skipped", rows: "path: invalid UTF-8", around: cutAt("/%ff")},
		{name: "paths are unescaped twice", rows: "path: escaped twice", around: cutAt("%252f")},
		{name: "paths of any length", rows: "path without end", around: before(func(r *http.Request) {
			if len(r.RequestURI) > 1<<16 {
				r.URL.Path, r.URL.RawPath, r.RequestURI = "/a", "", "/a"
			}
		})},
		{name: "unknown paths", rows: "another path in X-Original-URL; path that no contract describes; refusal 404 in another shape; refusal that a cache may keep; " +
			"refusal that is no JSON; refusal without Content-Security-Policy; refusal without Referrer-Policy; " +
			"refusal without X-Content-Type-Options; refusal without X-Frame-Options; refusal without X-Request-Id; " +
			"scanning unknown paths without end; scanning with another X-Forwarded-For each time", around: instead(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/gatetest") }, 200, "")},
		{name: "rewritten paths", rows: "another path in X-Original-URL", around: before(func(r *http.Request) {
			if p := r.Header.Get("X-Original-Url"); p != "" {
				r.URL.Path, r.URL.RawPath, r.RequestURI = p, "", p
			}
		})},
		{name: "unknown methods", rows: "method that nobody knows; refusal 405 in another shape; refusal 405 without its header fields", around: instead(method("BREW"), 200, "")},
		{name: "TRACE", rows: "method TRACE", around: instead(method("TRACE"), 200, "TRACE / HTTP/1.1")},
		{name: "methods in lower case", rows: "method in lower case", around: before(func(r *http.Request) { r.Method = strings.ToUpper(r.Method) })},
		{name: "methods in a field", rows: "method that is none, and another in X-HTTP-Method-Override", around: before(func(r *http.Request) {
			if m := r.Header.Get("X-Http-Method-Override"); m != "" {
				r.Method = m
			}
		})},
		{name: "no Allow", rows: "method TRACE; method in lower case; method that is none, and another in X-HTTP-Method-Override; method that nobody knows", around: without("Allow")},
		{name: "parameters of paths that fit nothing", around: respelled(func(p string) string {
			return strings.Replace(p, url.PathEscape(canary), "0190b0c8-0000-7000-8000-000000000001", 1)
		}), rows: "parameter of the path that fits no schema"},
		{name: "parameters of queries that fit nothing", around: before(func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, url.QueryEscape(canary), "1", 1)
		}), rows: "parameter of the query that fits no schema"},
		{name: "parameters of fields that fit nothing", around: before(func(r *http.Request) {
			if r.Header.Get("X-Client") == canary {
				r.Header.Set("X-Client", "abc-1")
			}
		}), rows: "parameter of the header that fits no schema"},
		{name: "unknown query parameters", rows: "query parameter that the contract does not name", around: before(func(r *http.Request) {
			r.URL.RawQuery, _, _ = strings.Cut(r.URL.RawQuery, "gatetest_unknown=")
			r.URL.RawQuery = strings.TrimSuffix(r.URL.RawQuery, "&")
		})},
		{name: "broken queries", rows: "query with a broken escape", around: before(func(r *http.Request) {
			r.URL.RawQuery = strings.TrimSuffix(strings.TrimSuffix(r.URL.RawQuery, "a=%zz"), "&")
		})},
		{name: "the first of two parameters", rows: "query parameter sent twice", around: before(func(r *http.Request) {
			if first, again, twice := strings.Cut(r.URL.RawQuery, "&"); twice && first == again {
				r.URL.RawQuery = first
			}
		})},
	}
}

func tokens() []negligence {
	alg := func(name string) wrap { return believes(func(s sent) bool { return s.says(s.header, "alg") == name }) }
	return []negligence{
		{name: "guests", rows: "WebSocket with a token in the query; WebSocket without credentials; no credentials; no credentials, and HEAD in place of GET; refusal 401 in another shape; " +
			"refusal 401 without its header fields; role in a header; token in the query", around: trusts(func(r *http.Request, s sent) bool {
			return s.token == "" && r.Header.Get("Authorization") == "" && r.Header.Get("Cookie") == ""
		})},
		{name: "HEAD by guests", around: instead(func(r *http.Request) bool { return r.Method == http.MethodHead }, 200, ""), rows: "no credentials, and HEAD in place of GET"},
		{name: "tokens in queries", rows: "WebSocket with a token in the query; token in the query", around: trusts(func(r *http.Request, _ sent) bool { return strings.Contains(r.URL.RawQuery, "access_token=") })},
		{name: "tokens in cookies", rows: "token in a cookie", around: trusts(func(r *http.Request, _ sent) bool { return strings.Contains(r.Header.Get("Cookie"), "access_token=") })},
		{name: "roles in fields", rows: "role in a header", around: trusts(func(r *http.Request, _ sent) bool { return r.Header.Get("X-Role") != "" })},
		{name: "any scheme", rows: "another scheme", around: trusts(func(r *http.Request, _ sent) bool { return strings.HasPrefix(r.Header.Get("Authorization"), "Basic ") })},
		{name: "the first of two fields", rows: "two Authorization fields", around: trusts(func(r *http.Request, _ sent) bool { return len(r.Header["Authorization"]) == 2 })},
		{name: "the first of two tokens", rows: "two tokens in one field", around: trusts(func(_ *http.Request, s sent) bool { return strings.Contains(s.token, ", Bearer ") })},
		{name: "empty tokens", rows: "empty token", around: trusts(func(r *http.Request, s sent) bool { return r.Header.Get("Authorization") == "Bearer " })},
		{name: "short tokens", rows: "token that is none", around: trusts(func(_ *http.Request, s sent) bool { return s.token == "gatetest" })},
		{name: "large tokens", rows: "token larger than any", around: trusts(func(_ *http.Request, s sent) bool { return len(s.token) > 1<<16 })},
		{name: "alg none", rows: "token with alg none", around: alg("none")},
		{name: "alg None", rows: "token with alg None and a signature", around: alg("None")},
		{name: "tokens without a signature", rows: "token without its signature", around: believes(func(s sent) bool { return strings.HasSuffix(s.token, ".") && s.says(s.header, "alg") == "HS256" })},
		{name: "a signature of zeros", rows: "token with another signature", around: trusts(func(_ *http.Request, s sent) bool { return strings.HasSuffix(s.token, "."+strings.Repeat("A", 86)) })},
		{name: "changed claims", rows: "token with a changed payload", around: believes(func(s sent) bool { return s.claims["admin"] == true })},
		{name: "an empty key", rows: "token signed with an empty HMAC key", around: believes(func(s sent) bool { return s.says(s.header, "kid") == "../../dev/null" && signedWith(s, "") })},
		{name: "a weak key", rows: "token signed with a guessed HMAC key", around: believes(func(s sent) bool { return signedWith(s, "secret") })},
		{name: "the token's own key", rows: "token that brings its own key", around: believes(func(s sent) bool { return s.header["jwk"] != nil })},
		{name: "no challenge", broad: true, rows: "no credentials; another scheme; token that is none; JWT: exp in the past; JWT: iss of another", around: without("Www-Authenticate")},
		{name: "no ownership", rows: "object of somebody else; refusal 403 in another shape; refusal 403 without its header fields", gate: func(c *gatehouse.Config) { c.Modes = call.Modes{"books": {"authz": call.Report}} }},
	}
}

func bodies() []negligence {
	lenient := func(read []byte) []byte { // as encoding/json does it
		var v any
		if json.NewDecoder(bytes.NewReader(read)).Decode(&v) != nil {
			return read
		}
		again, _ := json.Marshal(v)
		return again
	}
	starts := func(with string) wrap { return takes(func(b string) bool { return strings.HasPrefix(b, with) }) }
	holds := func(what string) wrap { return takes(func(b string) bool { return strings.Contains(b, what) }) }
	only := func(which func(r *http.Request) bool, change func(r *http.Request)) wrap {
		return before(func(r *http.Request) {
			if which(r) {
				change(r)
			}
		})
	}
	mediaType := func(is ...string) wrap {
		return only(func(r *http.Request) bool {
			return strings.Join(r.Header["Content-Type"], "+") == strings.Join(is, "+") && r.Method == "POST" && r.URL.Path == "/books"
		},
			func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
	}
	encoding := func(is string) wrap {
		return only(func(r *http.Request) bool { return r.Header.Get("Content-Encoding") == is }, func(r *http.Request) { r.Header.Del("Content-Encoding") })
	}
	return []negligence{
		{name: "the last of two members", rows: "body: member sent twice", around: decodes(func(b []byte) []byte {
			if strings.Count(string(b), `"cover"`)+strings.Count(string(b), `"isbn"`) == 3 && json.Valid(b) {
				return lenient(b)
			}
			return b
		})},
		{name: "what follows a body", rows: "body: a second value behind", around: decodes(func(b []byte) []byte {
			if bytes.Contains(b, []byte("}{")) {
				return lenient(b)
			}
			return b
		})},
		{name: "text behind a body", rows: "body: text behind", around: decodes(func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("x")) })},
		{name: "bodies that are cut short", rows: "body: cut short", around: decodes(func(b []byte) []byte {
			if bytes.HasPrefix(b, []byte("{")) && !bytes.HasSuffix(bytes.TrimSpace(b), []byte("}")) && len(b) > 1 {
				return append(b, '}')
			}
			return b
		})},
		{name: "nesting", rows: "body: nested without end", around: starts("[[")},
		{name: "invalid UTF-8", rows: "body: invalid UTF-8", around: decodes(func(b []byte) []byte { return bytes.ToValidUTF8(b, nil) })},
		{name: "byte order marks", rows: "body: byte order mark", around: decodes(func(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) })},
		{name: "comments", rows: "body: comment", around: starts("/*")},
		{name: "NaN", rows: "body: no number that JSON knows", around: holds("NaN")},
		{name: "lone surrogates", rows: "body: lone surrogate", around: holds(`\ud800`)},
		{name: "single quotes", rows: "body: single quotes", around: starts("{'")},
		{name: "trailing commas", rows: "body: trailing comma", around: decodes(func(b []byte) []byte { return bytes.Replace(b, []byte(",}"), []byte("}"), 1) })},
		{name: "bodies of any size", rows: "body: larger than the limit; refusal 413 in another shape; refusal 413 without its header fields", around: decodes(bytes.TrimSpace)},
		{name: "no body", rows: "body: none", around: takes(func(b string) bool { return b == "" })},
		{name: "any text", rows: "body: text in place of an object", around: starts(`"`)},
		{name: "any list", rows: "body: array in place of an object", around: starts(`["`)},
		{name: "unknown members", rows: "body: member that the contract does not name", around: decodes(func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"gatetest_unknown":"gatetest-canary-7f3a",`), nil, 1)
		})},
		{name: "read-only members", around: decodes(func(b []byte) []byte { return bytes.Replace(b, []byte(`"stock":1,`), nil, 1) }), rows: "body: member that is read-only"},
		{name: "bombs", around: only(func(r *http.Request) bool { return r.Header.Get("Content-Encoding") == "gzip" }, inflate), rows: "compressed body that is a bomb"},
		{name: "prototypes", rows: "body: member __proto__", around: decodes(func(b []byte) []byte { return bytes.Replace(b, []byte(`"__proto__":{"admin":true},`), nil, 1) })},
		{name: "any media type", rows: "media type that nobody takes; refusal 415 in another shape; refusal 415 without its header fields", around: mediaType("application/x-gatetest")},
		{name: "media types of forms", rows: "media type that a form can send", around: mediaType("text/plain")},
		{name: "no media type", rows: "no media type", around: mediaType()},
		{name: "any charset", rows: "charset other than UTF-8", around: mediaType("application/json; charset=utf-7")},
		{name: "the first of two media types", rows: "two media types", around: mediaType("application/json", "text/plain")},
		{name: "stated compression", rows: "compressed body that is none", around: encoding("gzip")},
		{name: "any encoding", rows: "encoding that nobody knows", around: encoding("gatetest")},
		{name: "requests that fit are refused", rows: "request that fits the contract and is refused for its form", lax: "refuses all"},
	}
}

// canary is what gatetest sends where no text fits.
const canary = `gatetest-canary-7f3a'"<>`

// inflate takes a compressed body for what it holds.
func inflate(r *http.Request) {
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		r.Body = http.NoBody
		return
	}
	b, _ := io.ReadAll(z)
	b = bytes.TrimSpace(b)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	r.Header.Del("Content-Encoding")
}

// keep reads a body and puts it back.
func keep(r *http.Request) string {
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	return string(b)
}
