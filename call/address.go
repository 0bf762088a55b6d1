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

// forwardedFor walks X-Forwarded-For from the right past the declared proxies;
// the first address that is not one of them is the client. What stands left of
// it was written by the client and counts for nothing (RFC 7239 §8.1).
func forwardedFor(r *http.Request, peer netip.Addr, proxies []netip.Prefix) netip.Addr {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client := peer
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return client
		}
		client = normal(a)
		if !contains(proxies, client) {
			return client
		}
	}
	return client
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
