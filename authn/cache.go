package authn

import (
	"crypto/sha256"
	"sync"
)

// verified is a token whose signature, type, issuer and audience held.
type verified struct {
	claims Claims
	key    Key
}

// cache remembers verified tokens, size at most. It has two halves: when the
// young one is full it becomes the old one, and what was old is forgotten. It
// holds fingerprints, so that a copy of the memory is no list of tokens.
type cache struct {
	mu         sync.RWMutex
	half       int
	young, old map[[sha256.Size]byte]verified
}

func newCache(size int) *cache {
	return &cache{half: max((size+1)/2, 0)}
}

func fingerprint(token string) [sha256.Size]byte {
	var usual [1 << 10]byte // on the stack: a conversion would allocate on every request
	if len(token) <= len(usual) {
		return sha256.Sum256(usual[:copy(usual[:], token)])
	}
	return sha256.Sum256([]byte(token))
}

func (c *cache) get(id [sha256.Size]byte) (verified, bool) {
	c.mu.RLock()
	var inOld bool
	v, ok := c.young[id]
	if !ok {
		v, inOld = c.old[id]
	}
	c.mu.RUnlock()
	if inOld {
		c.put(id, v)
	}
	return v, ok || inOld
}

func (c *cache) put(id [sha256.Size]byte, v verified) {
	if c.half == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.half || c.young == nil {
		c.old, c.young = c.young, make(map[[sha256.Size]byte]verified)
	}
	c.young[id] = v
}
