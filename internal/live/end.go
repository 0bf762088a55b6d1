package live

import (
	"context"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-api/gatehouse/call"
)

// RevokeSession ends the connections that were opened in a session, with 1008,
// and returns how many there were.
func (h *Hub) RevokeSession(session string) int {
	return h.revoke(func(p *call.Principal) bool { return session != "" && p.Session == session })
}

// RevokeMember ends the connections of a member, with 1008, and returns how
// many there were.
func (h *Hub) RevokeMember(id string) int {
	return h.revoke(func(p *call.Principal) bool { return id != "" && p.ID == id })
}

func (h *Hub) revoke(which func(*call.Principal) bool) int {
	n := 0
	for _, k := range h.list() {
		if k.principal != nil && which(k.principal) {
			k.end(websocket.StatusPolicyViolation, "the session has ended")
			n++
		}
	}
	return n
}

// Shutdown refuses new connections with 503, closes the open ones with 1001 and
// waits until all are closed. When ctx ends first it returns its error, and the
// connections that are left end by themselves within seconds.
func (h *Hub) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	if !h.stopping {
		h.stopping = true
		if h.open == 0 {
			close(h.idle)
		}
	}
	h.mu.Unlock()
	for _, k := range h.list() {
		k.end(websocket.StatusGoingAway, "the server is stopping")
	}
	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing %d sockets: %w", h.Len(), ctx.Err())
	}
}

func (h *Hub) list() []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*conn, 0, len(h.conns))
	for k := range h.conns {
		list = append(list, k)
	}
	return list
}

// sweep looks after the open connections until there are none.
func (h *Hub) sweep() {
	tick := time.NewTicker(h.cfg.Recheck)
	defer tick.Stop()
	for {
		select {
		case <-h.idle:
			return
		case <-tick.C:
		}
		conns := h.list()
		h.sweepClocks(conns)
		h.sweepPrincipals(conns)
		if h.sweptAll() {
			return
		}
	}
}

func (h *Hub) sweptAll() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sweeping = h.open > 0
	return !h.sweeping
}

// sweepClocks ends what has expired or hangs, and pings what is due.
func (h *Hub) sweepClocks(conns []*conn) {
	now := h.cfg.Now()
	for _, k := range conns {
		p, since := k.principal, k.writing.Load()
		switch {
		case p != nil && !p.Expires.IsZero() && !now.Before(p.Expires):
			k.end(websocket.StatusPolicyViolation, "the session has expired")
		case since != 0 && now.Sub(time.Unix(0, since)) > h.cfg.WriteTimeout:
			k.end(websocket.StatusTryAgainLater, "the reader is too slow")
		case now.Sub(k.pinged) >= h.cfg.PingEvery:
			k.pinged = now
			go k.ping(h.cfg.WriteTimeout)
		}
	}
}

// sweepPrincipals asks once for each session whether it still holds.
func (h *Hub) sweepPrincipals(conns []*conn) {
	type proof struct{ session, id, role string }
	alive := map[proof]bool{}
	ctx, cancel := context.WithTimeout(context.Background(), max(h.cfg.Recheck, time.Second))
	defer cancel()
	for _, k := range conns {
		p := k.principal
		if p == nil {
			continue
		}
		key := proof{p.Session, p.ID, p.Role}
		holds, asked := alive[key]
		if !asked {
			holds = h.cfg.Alive(ctx, p)
			alive[key] = holds
		}
		if !holds {
			k.end(websocket.StatusPolicyViolation, "the session has ended")
		}
	}
}
