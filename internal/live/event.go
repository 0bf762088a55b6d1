package live

import (
	"github.com/gatehouse-api/gatehouse/call"
)

// Event is something that subscribers of a topic are told.
type Event struct {
	Topic string
	// Key names the thing that changed, and Version counts its changes: an event
	// with a smaller version than one that was sent for the same key is dropped,
	// so that no connection sees an older state after a newer one. Version 0 is
	// always sent.
	Key     string
	Version int64
	// View is the message as a principal may see it, nil when it may not see it
	// at all. It is called once for each connection and must not block.
	View func(*call.Principal) []byte
}

// Publish sends an event to the connections of its topic. Call it when the
// change is committed. It does not wait for any reader.
func (h *Hub) Publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping || !h.inOrder(e) {
		return
	}
	for k := range h.conns {
		if k.topic != e.Topic || k.ended() {
			continue
		}
		if message := e.View(k.principal); message != nil {
			k.send(message)
		}
	}
}

func (h *Hub) inOrder(e Event) bool {
	if e.Version == 0 {
		return true
	}
	key := e.Topic + "\x00" + e.Key
	if e.Version < h.versions[key] {
		return false
	}
	h.versions[key] = e.Version
	return true
}

func (h *Hub) unsubscribe(k *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, k)
}
