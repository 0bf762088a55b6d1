// Package headers sets the security headers of every answer and is the only
// judge of which other origins a browser may let read them (CORS).
//
// Stops: framing, sniffing, injected script in an answer shown as a page, leaks
// by referrer, downgrade to plain HTTP, reads by foreign origins.
// Source: OWASP API8:2023, OWASP HTTP Headers and REST Security cheat sheets,
// ASVS 5.0 3.4.1 to 3.4.8 and 3.5.2, RFC 6797, CSP Level 3, the Fetch standard.
// Place: before everything that refuses, a wrong host included, because a refusal
// and a preflight carry the headers too. That HSTS is told only over TLS is looked
// up when the header goes out, when tls has said how the request arrived.
// Zero Config: all headers, no other origin.
// Not covered: whether a cross-site request may act (authn checks the origin of
// calls that a cookie proves); the content of pages.
//
// # What it sets
//
// The last word is had when the header goes out: a handler or an upstream may
// set what it likes, the values below stand. Server, X-Powered-By and the CORS
// fields of a handler are taken away.
//
//	Content-Security-Policy            default-src 'none'; frame-ancestors 'none'
//	                                   (operations with page: true get PagePolicy)
//	X-Content-Type-Options             nosniff
//	X-Frame-Options                    DENY, for browsers older than frame-ancestors
//	X-XSS-Protection                   0, because the filter it turned on was itself a hole
//	Referrer-Policy                    no-referrer
//	Permissions-Policy                 no sensor, camera, microphone, payment, …
//	Cross-Origin-Opener-Policy         same-origin
//	Cross-Origin-Resource-Policy       same-origin: it governs loads without CORS; those with CORS are not touched
//	Origin-Agent-Cluster               ?1
//	X-DNS-Prefetch-Control             off
//	X-Download-Options                 noopen
//	X-Permitted-Cross-Domain-Policies  none
//	Cache-Control                      what the handler says, or the contract (cache), or no-store
//	Strict-Transport-Security          max-age=31536000; includeSubDomains, over TLS and not for loopback names
//
// # CORS
//
// Origins are compared to the letter. A request of an origin that is not in the
// list is answered as any other, without Access-Control-Allow-Origin: the browser
// keeps the answer from the page, and a client that is no browser is not touched.
// Vary: Origin stands on every answer.
//
// A preflight of a known origin for a path of the contract ends here with 204,
// uncounted; Access-Control-Allow-Methods are the methods of that path. For an
// unknown path it goes on and is answered 404, so that a preflight tells no more
// than a request would. A preflight of an unknown origin goes on as the plain
// OPTIONS request that it is.
package headers
