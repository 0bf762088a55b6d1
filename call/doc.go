// Package call holds the facts of one request: its id, the client's address,
// the operation of the contract, the principal, the validated input, the answer.
//
// Stops: facts passed on by rewriting headers or RemoteAddr, request ids and
// client addresses that a client can forge, targets that two readers take for
// two paths.   Source: RFC 9110 §3.7, RFC 7239 §8.1, RFC 3986 §2, OWASP API8:2023,
// ASVS 5.0 16.2.1.
// Place: first, because every other layer reads what it finds out.
// Zero Config: no proxy is trusted, every request gets an id of its own, nothing
// matches any operation.
// Not covered: whether the operation may be called; that is authn and authz.
//
// # The client's address
//
// It is the peer's, unless the peer is a declared proxy. Then X-Forwarded-For and
// Forwarded (RFC 7239) are walked from the right past the declared proxies; the
// first address that is not one of them is the client. The walk ends, and the hop
// before it is the client, at what is no address: "unknown", an identifier that
// hides one ("_gazonk"), an element that is not well-formed. Forwarded is read
// strictly: IPv6 and ports stand in quotes, IPv6 in brackets.
//
// When a request has both fields and they lead to different clients, neither
// counts: the client is the peer, and the record has the note
// "call.forwarded=disagrees". A proxy that sets one of them has passed the other on
// from outside, and must remove it (docs/how-to/tls-and-proxies.md).
//
// IPv4 in IPv6 form becomes IPv4, and zones are cut.
//
// # The path
//
// A path is matched as it was sent, in the one normal form that contract describes.
// What should have been percent-encoded and was not is refused with 400, in the
// query too where it is beyond ASCII.
//
// A path and query of more than MaxURL bytes match nothing: 414 (RFC 9110
// §15.5.15), told like 404 where the route is decided. The limit is here and not
// in limit, because this is where the path is read first, and because it has no
// mode: a layer in report would let through what nobody has looked at. A server
// with a smaller limit for the whole header answers 431 before any of it.
//
// # Modes
//
// A layer that says no asks Stopped, which refuses unless Config.Modes says that
// this layer reports for the API that is called. Then the refusal becomes a
// Pardon, with what would allow the request, and the layer goes on. What no
// contract describes passes in no mode.
//
// Each fact is set once, by the layer that proved it. A layer that is used
// without this one makes a Call of its own with Ensure.
package call
