package call

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-api/gatehouse/contract"
)

// Config of the layer.
type Config struct {
	Table       *contract.Table  // the operations; nil matches none
	Proxies     []netip.Prefix   // peers whose X-Forwarded-For, Forwarded and X-Request-Id count; none by default
	MaxBuffered int64            // bytes of bodies held at one time by all requests together; 64 MiB when 0
	MaxURL      int              // longest path and query, in bytes; above it 414; 8 KiB when 0
	Now         func() time.Time // the clock; time.Now when nil
	NewID       func() string    // makes request ids; UUIDv7 when nil
	Modes       Modes            // layers that do not enforce, by API; every one enforces when nil

	// OnUndeclared is told of a peer that sends X-Forwarded-For, X-Forwarded-Proto
	// or Forwarded and is not in Proxies: either a proxy that somebody forgot to
	// declare, and then this is what to add, or a client that pretends to be one.
	// Each /24 or /64 is told once, at most one a minute. It must not block; nil is
	// nobody.
	OnUndeclared func(peer netip.Prefix)

	hints *hints
}

// New returns the layer: it begins the Call, resolves the operation, and
// answers X-Request-Id.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	if cfg.MaxBuffered < 0 {
		return nil, errors.New("call: MaxBuffered is negative")
	}
	if cfg.MaxURL < 0 {
		return nil, errors.New("call: MaxURL is negative")
	}
	if err := cfg.Modes.check(cfg.Table); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Modes = cfg.Modes.joined(cfg.Table)
	pool := newPool(cfg.MaxBuffered)
	cfg.hints = newHints(cfg.OnUndeclared)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := begin(w, r, cfg, pool)
			w.Header().Set("X-Request-Id", c.id)
			defer c.buffer.release()
			next.ServeHTTP(&c.writer, r.WithContext(c))
		})
	}, nil
}

// Ensure returns r with a Call in its context: r itself when it has one, else
// one with a Call of the zero Config. Layers that are used alone call it.
func Ensure(w http.ResponseWriter, r *http.Request) *http.Request {
	if From(r.Context()) != nil {
		return r
	}
	cfg := Config{}.withDefaults()
	return r.WithContext(begin(w, r, cfg, newPool(cfg.MaxBuffered)))
}

// Resolve matches the request in t when no layer before has; a layer that is
// used alone and needs the operation calls it.
func (c *Call) Resolve(t *contract.Table, r *http.Request) {
	if c.match.Operation == nil && c.match.Miss == nil && t != nil {
		c.match = match(t, r, c.maxURL)
	}
}

// ResponseWriter is the writer of this call, for a handler that was given
// another.
func (c *Call) ResponseWriter() *Writer { return &c.writer }

func (cfg Config) withDefaults() Config {
	if cfg.MaxBuffered == 0 {
		cfg.MaxBuffered = 64 << 20
	}
	if cfg.MaxURL == 0 {
		cfg.MaxURL = defaultMaxURL
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewID == nil {
		cfg.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	return cfg
}

func begin(w http.ResponseWriter, r *http.Request, cfg Config, p *pool) *Call {
	c := &Call{Context: r.Context(), start: cfg.Now(), now: cfg.Now, maxURL: cfg.MaxURL}
	c.writer.ResponseWriter = w
	c.buffer = &buffer{pool: p}
	peer := peerOf(r)
	trusted := contains(cfg.Proxies, peer)
	c.client, c.local = peer, peer.IsLoopback() && !passedOn(r.Header)
	if trusted {
		c.forward(r, cfg.Proxies)
	} else {
		cfg.hints.look(r, peer, c.start)
	}
	c.id = idOf(r, trusted, cfg.NewID)
	if cfg.Table != nil {
		c.match = match(cfg.Table, r, cfg.MaxURL)
	}
	c.modes = cfg.Modes.of(c.match.Operation)
	return c
}

func (c *Call) forward(r *http.Request, proxies []netip.Prefix) {
	var disagree bool
	if c.client, disagree = clientOf(r, c.client, proxies); disagree {
		c.Note("call", "forwarded", "disagrees")
	}
}

// idOf takes the X-Request-Id of a declared proxy when it is well-formed, and
// otherwise makes one: an id of a stranger could be a log line or a header. Of
// two the proxy has added its own to that of its client.
func idOf(r *http.Request, trusted bool, newID func() string) string {
	if ids := r.Header["X-Request-Id"]; trusted && len(ids) == 1 && wellFormedID(ids[0]) {
		return ids[0]
	}
	return newID()
}

func wellFormedID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, b := range []byte(id) {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && b != '-' && b != '_' && b != '.' {
			return false
		}
	}
	return true
}

func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
