package gatetest_test

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-api/gatehouse"
)

// eachRefusal are the rows that look at the fields of refusals.
const eachRefusal = "refusal 400 without its header fields; refusal 401 without its header fields; refusal 403 without its header fields; " +
	"refusal 405 without its header fields; refusal 413 without its header fields; refusal 415 without its header fields"

func pages() []negligence {
	return []negligence{
		{name: "any origin reads", rows: "CORS preflight: foreign origin; CORS preflight: origin in upper case; CORS preflight: origin null; " +
			"CORS preflight: origin that begins like ours; CORS preflight: origin that ends like ours; CORS: foreign origin; " +
			"CORS: origin in upper case; CORS: origin null; CORS: origin that begins like ours; CORS: origin that ends like ours; " +
			"echo of the field Origin", around: grants(func(string) bool { return true })},
		{name: "every page reads", rows: "CORS preflight: foreign origin; CORS preflight: origin in upper case; CORS preflight: origin null; " +
			"CORS preflight: origin that begins like ours; CORS preflight: origin that ends like ours; CORS: foreign origin; " +
			"CORS: origin in upper case; CORS: origin null; CORS: origin that begins like ours; CORS: origin that ends like ours", gate: func(c *gatehouse.Config) { c.Headers.CORS.Origins = nil; c.Headers.CORS.InsecureAnyOrigin = true }},
		{name: "null reads", rows: "CORS preflight: origin null; CORS: origin null", around: grants(func(o string) bool { return o == "null" })},
		{name: "origins by their beginning read", rows: "CORS preflight: origin that begins like ours; CORS: origin that begins like ours", around: grants(func(o string) bool { return strings.HasPrefix(o, "https://app.example") })},
		{name: "origins by their end read", rows: "CORS preflight: origin that ends like ours; CORS: origin that ends like ours", around: grants(func(o string) bool { return strings.HasSuffix(o, "app.example") })},
		{name: "origins in any case read", rows: "CORS preflight: origin in upper case; CORS: origin in upper case", around: grants(func(o string) bool { return o == "HTTPS://APP.EXAMPLE" })},
		{name: "cookies from anywhere", rows: "CSRF: Origin null; CSRF: Origin of another site; CSRF: Origin that begins like ours; CSRF: Origin that ends like ours; " +
			"CSRF: Origin with another port; CSRF: Sec-Fetch-Site cross-site; CSRF: Sec-Fetch-Site cross-site and an Origin like ours; " +
			"CSRF: Sec-Fetch-Site same-site, from a sibling host; CSRF: neither Origin nor Sec-Fetch-Site", around: ofOurSite(func(string, string) bool { return true })},
		{name: "Sec-Fetch-Site is not read", rows: "CSRF: Sec-Fetch-Site cross-site; CSRF: Sec-Fetch-Site same-site, from a sibling host", around: ofOurSite(func(site, origin string) bool { return site != "" && origin == "" })},
		{name: "sibling hosts", rows: "CSRF: Sec-Fetch-Site same-site, from a sibling host", around: ofOurSite(func(site, origin string) bool { return site == "same-site" })},
		{name: "Origin before Sec-Fetch-Site", rows: "CSRF: Sec-Fetch-Site cross-site and an Origin like ours", around: ofOurSite(func(_, origin string) bool { return origin == "http://localhost" })},
		{name: "Origin is not read", rows: "CSRF: Origin null; CSRF: Origin of another site; CSRF: Origin that begins like ours; CSRF: Origin that ends like ours; " +
			"CSRF: Origin with another port", around: ofOurSite(func(site, origin string) bool { return site == "" && origin != "" })},
		{name: "Origin null", rows: "CSRF: Origin null", around: ofOurSite(func(_, origin string) bool { return origin == "null" })},
		{name: "Origin by its beginning", rows: "CSRF: Origin that begins like ours", around: ofOurSite(func(_, origin string) bool { return strings.HasPrefix(origin, "http://localhost.") })},
		{name: "Origin by its end", rows: "CSRF: Origin that ends like ours", around: ofOurSite(func(_, origin string) bool { return strings.HasSuffix(origin, "-localhost") })},
		{name: "Origin without its port", rows: "CSRF: Origin with another port", around: ofOurSite(func(_, origin string) bool {
			u, err := url.Parse(origin)
			return err == nil && u.Port() != "" && u.Hostname() == "localhost"
		})},
		{name: "no Origin and no Sec-Fetch-Site", rows: "CSRF: neither Origin nor Sec-Fetch-Site", around: ofOurSite(func(site, origin string) bool { return site == "" && origin == "" })},
		{name: "no nosniff", rows: "answer without X-Content-Type-Options; refusal without X-Content-Type-Options; success without its header fields; " + eachRefusal, around: without("X-Content-Type-Options")},
		{name: "no CSP", rows: "answer without Content-Security-Policy; refusal without Content-Security-Policy; success without its header fields; " + eachRefusal, around: without("Content-Security-Policy")},
		{name: "no frame options", rows: "answer without X-Frame-Options; refusal without X-Frame-Options; success without its header fields; " + eachRefusal, around: without("X-Frame-Options")},
		{name: "no referrer policy", rows: "answer without Referrer-Policy; refusal without Referrer-Policy; success without its header fields; " + eachRefusal, around: without("Referrer-Policy")},
		{name: "no request id", rows: "answer without X-Request-Id; refusal without X-Request-Id; success without its header fields; " + eachRefusal, around: without("X-Request-Id")},
		{name: "no Cache-Control", rows: "refusal that a cache may keep; success that shared caches may keep; " + eachRefusal, around: without("Cache-Control")},
		{name: "a server that tells its name", rows: "answer that names the program", around: after(func(_ *http.Request, _ int, h http.Header) { h.Set("Server", "careless/1.0") })},
	}
}

func refusals() []negligence {
	asText := func(status int) wrap {
		return func(next http.Handler) http.Handler {
			return after(func(_ *http.Request, s int, h http.Header) {
				if s == status {
					h.Set("Content-Type", "text/plain")
				}
			})(next)
		}
	}
	framed := func(status int) wrap {
		return after(func(_ *http.Request, s int, h http.Header) {
			if s == status {
				h.Del("X-Frame-Options")
			}
		})
	}
	header := func(name string) func(*http.Request) string {
		return func(r *http.Request) string { return onlyCanary(r.Header.Get(name)) }
	}
	return []negligence{
		{name: "400 as text", rows: "refusal 400 in another shape", around: asText(400)},
		{name: "400 that may be framed", rows: "refusal 400 without its header fields", around: framed(400)},
		{name: "401 as text", rows: "refusal 401 in another shape", around: asText(401)},
		{name: "401 that may be framed", rows: "answer without X-Frame-Options; refusal 401 without its header fields", around: framed(401)},
		{name: "403 as text", rows: "refusal 403 in another shape", around: asText(403)},
		{name: "403 that may be framed", rows: "refusal 403 without its header fields", around: framed(403)},
		{name: "404 as text", rows: "refusal 404 in another shape; refusal that is no JSON", around: asText(404)},
		{name: "405 as text", rows: "refusal 405 in another shape", around: asText(405)},
		{name: "405 that may be framed", rows: "refusal 405 without its header fields", around: framed(405)},
		{name: "413 as text", rows: "refusal 413 in another shape", around: asText(413)},
		{name: "413 that may be framed", rows: "refusal 413 without its header fields", around: framed(413)},
		{name: "415 as text", rows: "refusal 415 in another shape", around: asText(415)},
		{name: "415 that may be framed", rows: "refusal 415 without its header fields", around: framed(415)},
		{name: "answers with the User-Agent", rows: "echo of the field User-Agent", around: repeats(header("User-Agent"))},
		{name: "answers with the Referer", rows: "echo of the field Referer", around: repeats(header("Referer"))},
		{name: "answers with the Cookie", rows: "echo of the field Cookie", around: repeats(header("Cookie"))},
		{name: "answers with the Accept", rows: "echo of the field Accept", around: repeats(header("Accept"))},
		{name: "answers with the X-Forwarded-Host", rows: "echo of the field X-Forwarded-Host", around: repeats(header("X-Forwarded-Host"))},
		{name: "answers with the X-Request-Id", rows: "echo of the field X-Request-Id", around: repeats(header("X-Request-Id"))},
		{name: "answers with the Origin", rows: "echo of the field Origin", around: after(func(r *http.Request, _ int, h http.Header) {
			if o := onlyCanary(r.Header.Get("Origin")); o != "" {
				h.Set("X-Origin", o)
			}
		})},
		{name: "answers with the token", rows: "echo of a token", around: repeats(func(r *http.Request) string { return onlyCanary(sentBy(r).token) })},
		{name: "answers with the media type", rows: "echo of a media type", around: repeats(func(r *http.Request) string { return onlyCanary(r.Header.Get("Content-Type")) })},
		{name: "answers with the path", rows: "echo of a path; query parameter that the contract does not name; parameter of the path that fits no schema; parameter of the query that fits no schema", around: repeats(func(r *http.Request) string { return onlyCanary(r.RequestURI) })},
		{name: "answers with the body", rows: "body: array in place of an object; body: member that the contract does not name; body: text in place of an object; echo of a value", around: repeats(func(r *http.Request) string { return onlyCanary(keep(r)) })},
	}
}

func onlyCanary(text string) string {
	if strings.Contains(text, "gatetest-canary") {
		return text
	}
	return ""
}

func sockets() []negligence {
	opens := func(lax, rows string) negligence {
		return negligence{name: "a socket that opens: " + lax, lax: lax, rows: rows}
	}
	goesOn := func(lax, rows string) negligence {
		return negligence{name: "a socket that goes on: " + lax, lax: lax, rows: rows, waits: true}
	}
	return []negligence{
		opens("origin", "WebSocket of a foreign origin; WebSocket of an origin that begins like ours; WebSocket of an origin that ends like ours; "+
			"WebSocket of an origin with another port; WebSocket of no origin in the field; WebSocket of origin null"),
		opens("origin: null", "WebSocket of origin null"),
		opens("origin: port", "WebSocket of an origin with another port"),
		opens("origin: empty", "WebSocket of no origin in the field"),
		opens("version", "WebSocket of an old version"),
		opens("no key", "WebSocket without a key"),
		opens("short key", "WebSocket with a short key"),
		opens("two keys", "WebSocket with two keys"),
		opens("HTTP/1.0", "WebSocket over HTTP/1.0"),
		goesOn("mask", "frame without a mask"),
		goesOn("reserved bit", "frame with a reserved bit"),
		goesOn("opcode", "frame with an opcode that nobody knows"),
		goesOn("control in pieces", "control frame in pieces"),
		goesOn("control too long", "control frame that is too long"),
		goesOn("continuation", "continuation of nothing"),
		goesOn("message inside", "message inside of a message"),
		goesOn("binary", "binary message"),
		goesOn("size", "message larger than the limit"),
		goesOn("size in pieces", "message larger than the limit in pieces"),
		goesOn("rate", "more messages than the rate"),
		goesOn("UTF-8", "text that is not UTF-8"),
		goesOn("negative", "length that is negative"),
		{name: "a socket that repeats", rows: "message that is no JSON; message that the contract does not name", lax: "repeats"},
		{name: "a socket that says what no contract states", rows: "message that is no JSON; message that the contract does not name", lax: "says what no contract states"},
		{name: "a socket that hangs", rows: "message that is no JSON; message that the contract does not name", lax: "ping", waits: true},
		{name: "a socket that is none", broad: true, rows: "binary message; frame without a mask; message that is no JSON; more messages than the rate", lax: "accept"},
		{name: "sockets by POST", rows: "WebSocket by POST", around: before(func(r *http.Request) {
			if r.Header.Get("Upgrade") != "" && r.Method == http.MethodPost {
				r.Method = http.MethodGet
			}
		})},
	}
}

func answersOf() []negligence {
	return []negligence{
		{name: "answers that break", rows: "answer to admin that the contract does not state", lax: "breaks"},
		{name: "answers that show more", rows: "answer to admin that the contract does not state; answer to editor that the contract does not state; " +
			"answer to guest that the contract does not state; answer to reader that the contract does not state", lax: "shows more"},
		{name: "answers with what others may read", rows: "answer to editor that the contract does not state; answer to guest that the contract does not state; " +
			"answer to reader that the contract does not state", around: rewritten(`{"books":[{"name":"Momo"}]}`, `{"books":[{"cost":7,"name":"Momo"}]}`)},
		{name: "answers that tell of the inside", rows: "success that tells of the inside", lax: "tells of the inside"},
		{name: "answers that caches keep", rows: "success that shared caches may keep", lax: "lets caches keep"},
		{name: "cookies for scripts", rows: "cookie that others can have", lax: "cookie for scripts"},
		{name: "cookies for other sites", rows: "cookie that others can have", lax: "cookie for other sites"},
	}
}
