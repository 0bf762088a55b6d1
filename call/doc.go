// Package call holds the facts of one request: its id, the client's address,
// the operation of the contract, the principal, the validated input, the answer.
//
// Stops: facts passed on by rewriting headers or RemoteAddr, request ids and
// client addresses that a client can forge.   Source: RFC 9110 §3.7, RFC 7239 §8.1,
// OWASP API8:2023, ASVS 5.0 16.2.1.
// Place: first, because every other layer reads what it finds out.
// Zero Config: no proxy is trusted, every request gets an id of its own, nothing
// matches any operation.
// Not covered: whether the operation may be called; that is authn and authz.
//
// Each fact is set once, by the layer that proved it. A layer that is used
// without this one makes a Call of its own with Ensure.
package call
