package call

import (
	"net/http"
	"net/netip"
	"strings"
)

// peerOf is the address at the other end of the connection, without a zone and
// with IPv4 in its own form.
func peerOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return normal(ap.Addr())
}

func normal(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// passedOn tells whether a header has a field with which proxies pass requests on.
func passedOn(h http.Header) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if h[name] != nil {
			return true
		}
	}
	return false
}

// clientOf is the client behind a declared proxy: what X-Forwarded-For says, or
// Forwarded, or both when they agree. Where they disagree a proxy writes one of
// them and passes the other on as the client sent it, and nobody here knows
// which: then the client is the proxy itself.
func clientOf(r *http.Request, peer netip.Addr, proxies []netip.Prefix) (client netip.Addr, disagree bool) {
	listed, standard := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	switch {
	case len(standard) == 0:
		return forwardedFor(listed, peer, proxies), false
	case len(listed) == 0:
		return forwarded(standard, peer, proxies), false
	}
	client = forwardedFor(listed, peer, proxies)
	if client != forwarded(standard, peer, proxies) {
		return peer, true
	}
	return client, false
}

// forwardedFor walks X-Forwarded-For from the right past the declared proxies;
// the first address that is not one of them is the client. What stands left of
// it was written by the client and counts for nothing (RFC 7239 §8.1).
func forwardedFor(fields []string, peer netip.Addr, proxies []netip.Prefix) netip.Addr {
	client := peer
	for i := len(fields) - 1; i >= 0; i-- {
		for rest, more := fields[i], true; more; {
			var hop string
			rest, hop, more = cutLast(rest)
			a, ok := node(strings.Trim(hop, " \t"))
			if !ok {
				return client
			}
			if client = a; !contains(proxies, client) {
				return client
			}
		}
	}
	return client
}

func cutLast(list string) (rest, item string, more bool) {
	if at := strings.LastIndexByte(list, ','); at >= 0 {
		return list[:at], list[at+1:], true
	}
	return "", list, false
}

// node reads the address of a hop: IPv4 or IPv6, IPv6 also in brackets, with or
// without a port. "unknown" and identifiers that hide an address (RFC 7239 §6.2,
// §6.3) are no address.
func node(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return normal(a), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, port, closed := strings.Cut(inner, "]")
		a, err := netip.ParseAddr(inner)
		return normal(a), closed && err == nil && a.Is6() && isPort(port)
	}
	host, port, _ := strings.Cut(text, ":")
	a, err := netip.ParseAddr(host)
	return normal(a), err == nil && isPort(":"+port)
}

// isPort tells whether text is nothing, or a colon and a port or the name of
// one that is hidden.
func isPort(text string) bool {
	if text == "" {
		return true
	}
	if len(text) < 2 || text[0] != ':' {
		return false
	}
	port := text[1:]
	if port[0] == '_' {
		return len(port) > 1 && strings.IndexFunc(port, func(r rune) bool { return !hiding(r) }) < 0
	}
	return len(port) <= 5 && strings.IndexFunc(port, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

func hiding(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
