// Package tlsedge is where connections arrive: TLS, host names, time and
// connection limits.
//
// Stops: reading and changing requests on their way; old protocol versions and
// ciphers without forward secrecy; a name that is not ours in Host (DNS
// rebinding, cache poisoning, links to a stranger's host); clients that open
// connections and send slowly or nothing.
// Source: RFC 9325, RFC 9110 §7.4 and §15.5.20, OWASP API4:2023 and API8:2023,
// ASVS 5.0 4.1.2, 4.1.3, 12.1.1, 12.1.2, 12.2.1.
// Place: before all that acts in the name of a host, and inside observe, which
// records what is refused here. The limits of NewServer and Listen work before
// any handler does.
// Zero Config: only the loopback names are answered, and plain HTTP only from
// this machine. A server without certificates listens on the loopback only.
// Not covered: floods below TCP; Strict-Transport-Security (headers); whether
// the client is who it says (authn).
//
// Three parts work together, and each alone:
//
//	New        the layer: Host, "did this arrive encrypted?", redirect
//	NewServer  an *http.Server with the timeouts and the TLS policy
//	Listen     a listener that caps connections, in all and per address
//
// ReadProxyHeaders goes around Listen where a proxy in front speaks the PROXY
// protocol.
//
// Some requests are answered by net/http itself, before any handler, without
// our headers and in plain text: a request line or header that cannot be parsed
// (400), a header above the limit (431), an unknown transfer coding (501), no
// Host or two of them in HTTP/1.1 (400), an expectation other than 100-continue
// (417), another version of HTTP (505), plain HTTP on a TLS port (400). What it forgives, and a reader on the
// connection will have to refuse, is: folded header lines, a bare LF as line
// end, and Transfer-Encoding beside Content-Length, of which it takes the former
// alone.
package tlsedge
