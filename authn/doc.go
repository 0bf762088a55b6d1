// Package authn finds out who calls: from a bearer token or a session cookie.
//
// Stops: calls without credentials where the contract asks for them; forged,
// foreign, expired and revoked tokens; a refresh or identity token presented as
// an access token; requests that another site makes with a browser's cookie.
// Source: RFC 6750, RFC 7519, RFC 8725, RFC 9068, RFC 6265bis §4.1.3.2,
// OWASP API2:2023, ASVS 5.0 3.5.1, 7.4.1, 9.1.1 to 9.2.3.
// Place: after route, because the operation says whether credentials are
// needed, and after the address budget, because checking a signature costs CPU;
// before the member budget and authz, which ask who calls.
// Zero Config: no credential is accepted by anybody, so only public operations
// answer. Without a contract every request needs credentials.
// Not covered: what the caller may do (authz); making tokens, and the paths that
// sign people in (they should ask Origins.Check before setting a cookie);
// guessing passwords (limit).
//
// The rules of an answer, from first to last:
//
//	two Authorization fields                         400, error="invalid_request"
//	a scheme that is not Bearer                      401, bare challenge
//	a bearer token that does not hold                401, error="invalid_token"; on public operations too
//	one that has ended                               the same, "The token has expired"
//	the verifier cannot tell (its store is down)     503: a good token is not called a bad one
//	a cookie on an unsafe method from another site   403 CROSS_SITE; WebSocket upgrades too
//	a cookie that does not hold                      cleared; its holder is a guest
//	a guest on an operation that is not public       401, bare challenge
//
// A request with both a bearer token and a cookie is the bearer's: the cookie is
// not read. A token in the query or in a form body is not a credential.
//
// JWT reads JSON Web Tokens. Their signatures are checked by golang-jwt; reading
// the token and judging its claims is done here, because that library lets the
// last of two equal members win and leaves algorithm, type, issuer, audience and
// critical headers to its caller. Here the key says which algorithm it is for,
// and the token's own word must only agree. Keys that come as JSON Web Keys or as
// a set of them are read by the package jwk below this one, which holds each to
// the use, the operations and the algorithm that it states.
package authn
