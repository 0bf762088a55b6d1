package call

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How often hints are given: whoever sends forwarded headers from many networks
// must not fill the log with them.
const (
	hintPause    = time.Minute
	hintNetworks = 64
)

// hints remembers which networks have been told of.
type hints struct {
	tell func(peer netip.Prefix)

	mu   sync.Mutex
	seen map[netip.Prefix]bool
	last time.Time
}

func newHints(tell func(netip.Prefix)) *hints {
	if tell == nil {
		return nil
	}
	return &hints{tell: tell, seen: map[netip.Prefix]bool{}}
}

// look tells of a peer that is no declared proxy and forwards all the same:
// each network once, at most one in hintPause and hintNetworks in all.
func (h *hints) look(r *http.Request, peer netip.Addr, now time.Time) {
	if h == nil || !peer.IsValid() || !claims(r.Header) {
		return
	}
	if h.first(networkOf(peer), now) {
		h.tell(netip.PrefixFrom(peer, peer.BitLen()))
	}
}

func (h *hints) first(network netip.Prefix, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[network] || len(h.seen) >= hintNetworks || now.Sub(h.last) < hintPause {
		return false
	}
	h.seen[network], h.last = true, now
	return true
}

// claims tells whether a header has a field with which proxies forward.
func claims(h http.Header) bool {
	return h["X-Forwarded-For"] != nil || h["Forwarded"] != nil || h["X-Forwarded-Proto"] != nil
}

// networkOf is the /24 of an IPv4 address, the /64 of an IPv6 one.
func networkOf(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil { // only for an invalid address, which look has sent away
		return netip.Prefix{}
	}
	return p
}
