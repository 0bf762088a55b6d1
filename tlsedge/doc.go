// Package tlsedge is where connections arrive: TLS, host names, time and
// connection limits.
//
// Stops: reading and changing requests on their way; old protocol versions and
// ciphers without forward secrecy; a name that is not ours in Host (DNS
// rebinding, cache poisoning, links to a stranger's host); clients that open
// connections and send slowly or nothing.
// Source: RFC 9325, RFC 9110 §7.4 and §15.5.20, OWASP API4:2023 and API8:2023,
// ASVS 5.0 4.1.2, 4.1.3, 4.2.1, 12.1.1, 12.1.2, 12.2.1.
// Place: before all that acts in the name of a host, and inside observe, which
// records what is refused here. The limits of NewServer and Listen work before
// any handler does.
// Zero Config: only the loopback names are answered, and plain HTTP only from
// this machine. A server without certificates listens on the loopback only.
// Not covered: floods below TCP; Strict-Transport-Security (headers); whether
// the client is who it says (authn).
//
// Four parts work together, and each alone:
//
//	New          the layer: Host, "did this arrive encrypted?", redirect
//	NewRedirect  what a plain listener serves beside the encrypted one
//	NewServer    an *http.Server with the timeouts and the TLS policy
//	Listen       a listener that caps connections, in all and per address
//
// Serve joins the two last, and reads HTTP/1.x strictly (RFC 9112) on the
// connection, because net/http forgives what another reader in front of it may
// understand differently: folded lines, LF alone, empty lines behind a POST,
// Transfer-Encoding beside Content-Length or in HTTP/1.0, the same
// Content-Length twice, a target for another host than Host, chunk extensions
// of any length, trailers. Such a request is answered 400 in its turn, the
// connection ends, nothing behind is served, and the server's log and
// ServerConfig.Refused are told why. A fault inside a chunked body fails the
// read of the handler that has the request. Not scanned are HTTP/2, whose frames
// net/http reads strictly, and a connection that a handler has taken over. Of
// HTTP/2 the frames are followed, so that each, and each header, has its time.
//
// A handler whose HTTP/1.x client has gone learns it, by the end of its request's
// context, when it has worked for 100 ms or later.
//
// As many requests of HTTP/2 as Listen takes connections may run, or have
// answers that their clients do not read, in all and per address; those above
// are reset, and ServerConfig.Refused is told.
//
// Some requests pass the reader and are answered by net/http itself, before any
// handler, without our headers and in plain text: no Host in HTTP/1.1, a Host
// that can be none, a target that is no URL (400); a request line and header
// above the limit (431); an expectation other than 100-continue (417); HTTP of
// another major version (505). The reader's own refusal has the same form. Plain
// HTTP on a TLS port is answered 400 in HTTP/1.1. In HTTP/2 net/http answers
// fields of the connection (Connection, Keep-Alive, Proxy-Connection,
// Transfer-Encoding, Upgrade, TE other than trailers) with 400, and resets
// streams of requests that are malformed.
package tlsedge
