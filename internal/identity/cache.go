package identity

import "sync"

// sessionCache remembers sessions between calls. What it has is believed only
// while the store says that nothing was committed since it was read, and a
// revocation of this process takes it out before it is acknowledged. It has two
// halves: when the young one is full it becomes the old one, and what was old is
// forgotten.
type sessionCache struct {
	half int

	mu         sync.Mutex
	young, old map[string]cached
	turns      uint64 // moves with each revocation
}

type cached struct {
	session *session
	version uint64 // of the store, taken before the session was read
}

func newSessionCache(size int) *sessionCache {
	return &sessionCache{half: max(size, 0) / 2, young: map[string]cached{}}
}

func (c *sessionCache) get(key string, version uint64) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.young[key]
	if !ok {
		e, ok = c.old[key]
	}
	if !ok || e.version != version {
		return nil
	}
	return e.session
}

// turn is to be taken before a session is read: one that was revoked in between
// is then not put.
func (c *sessionCache) turn() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.turns
}

func (c *sessionCache) put(key string, s *session, version, turn uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.half == 0 || c.turns != turn {
		return
	}
	if len(c.young) >= c.half {
		c.old, c.young = c.young, map[string]cached{}
	}
	c.young[key] = cached{s, version}
}

// drop forgets one entry.
func (c *sessionCache) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turns++
	delete(c.young, key)
	delete(c.old, key)
}

// forget forgets all entries of a member.
func (c *sessionCache) forget(member string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turns++
	for _, half := range []map[string]cached{c.young, c.old} {
		for key, e := range half {
			if e.session.member.ID == member {
				delete(half, key)
			}
		}
	}
}
