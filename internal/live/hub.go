package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Config of a Hub. Zero fields take the value named beside them.
type Config struct {
	MaxConns     int           // connections at one time; 1000
	PerAddress   int           // connections of one client address, IPv6 by /64; 64
	PerPrincipal int           // connections of one member; 32
	Queue        int           // messages that wait for one slow reader; 32
	MaxMessage   int64         // bytes of a message from a client; 64 KiB. A contract's smaller figure wins
	Messages     int           // messages and pings that one connection may send in Window, and not more bytes than so many of MaxMessage; 60. A contract's own rate wins
	Window       time.Duration // one minute
	PingEvery    time.Duration // between protocol pings; 30 s
	WriteTimeout time.Duration // for one message, and for the answer to a ping; 10 s
	Recheck      time.Duration // between two looks at whether each principal is still alive; 1 s

	// Origins are the pages of other hosts that may connect, as browsers write
	// them: "https://app.example". Pages of the same host always may.
	Origins []string
	// Alive tells whether a principal's session still holds. Nil trusts the
	// principal until it expires.
	Alive func(context.Context, *call.Principal) bool
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Subscriber is what one connection is for.
type Subscriber struct {
	// Topic names the events that it gets.
	Topic string
	// Receive is given each text message and returns what to answer, nil for
	// nothing. Nil ignores all messages.
	Receive func(message []byte) []byte
}

// Hub holds the open connections. Its methods may be called from any goroutine.
// It runs no goroutine while no connection is open.
type Hub struct {
	cfg     Config
	origins map[string]bool

	mu         sync.Mutex
	conns      map[*conn]struct{} // those that get events
	open       int                // those admitted and not yet closed for good
	addresses  map[netip.Prefix]int
	principals map[string]int
	lanes      map[string]*lane // by topic and key
	sweeping   bool
	stopping   bool
	idle       chan struct{} // closed when stopping and the last connection is gone
}

// New returns a hub. The error names the first setting that cannot be.
func New(cfg Config) (*Hub, error) {
	for _, n := range []int64{int64(cfg.MaxConns), int64(cfg.PerAddress), int64(cfg.PerPrincipal), int64(cfg.Queue), cfg.MaxMessage,
		int64(cfg.Messages), int64(cfg.Window), int64(cfg.PingEvery), int64(cfg.WriteTimeout), int64(cfg.Recheck)} {
		if n < 0 {
			return nil, errors.New("live: a negative limit")
		}
	}
	origins := map[string]bool{}
	for _, o := range cfg.Origins {
		origin, err := parseOrigin(o)
		if err != nil {
			return nil, fmt.Errorf("live: origin %q: %w", o, err)
		}
		origins[origin.String()] = true
	}
	return &Hub{
		cfg: cfg.withDefaults(), origins: origins, conns: map[*conn]struct{}{},
		addresses: map[netip.Prefix]int{}, principals: map[string]int{}, lanes: map[string]*lane{},
		idle: make(chan struct{}),
	}, nil
}

func (cfg Config) withDefaults() Config {
	orInt := func(p *int, n int) {
		if *p == 0 {
			*p = n
		}
	}
	orTime := func(p *time.Duration, d time.Duration) {
		if *p == 0 {
			*p = d
		}
	}
	orInt(&cfg.MaxConns, 1000)
	orInt(&cfg.PerAddress, 64)
	orInt(&cfg.PerPrincipal, 32)
	orInt(&cfg.Queue, 32)
	orInt(&cfg.Messages, 60)
	orTime(&cfg.Window, time.Minute)
	orTime(&cfg.PingEvery, 30*time.Second)
	orTime(&cfg.WriteTimeout, 10*time.Second)
	orTime(&cfg.Recheck, time.Second)
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = 64 << 10
	}
	if cfg.Alive == nil {
		cfg.Alive = func(context.Context, *call.Principal) bool { return true }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// Serve upgrades the request and serves the connection until it ends. It
// returns a *problem.Error while the request can still be refused: 426 and 400
// for a handshake that is none, 403 for a foreign origin, 429 and 503 when there
// are too many connections. The principal is that of c, for as long as the
// connection lives.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, c *call.Call, s Subscriber) error {
	if refusal := h.handshake(r, c); refusal != nil {
		return refusal
	}
	k := newConn(h, c, s)
	if refusal := h.admit(k); refusal != nil {
		return refusal
	}
	defer h.leave(k)
	ws, err := websocket.Accept(metered{w, k}, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // handshake compared the origin, more exactly than a pattern can
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { return k.countMessage() },
	})
	if err != nil {
		return fmt.Errorf("upgrading to a WebSocket: %w", err)
	}
	// The request's own context may end with a deadline that was meant for an
	// answer, so the connection does not hang on it.
	k.run(context.WithoutCancel(r.Context()), ws)
	c.Note("live", "closed", k.reason)
	return nil
}

// Len is how many connections are open.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// admit counts the connection and subscribes it. Events that come before the
// upgrade is answered wait in its queue, so a client that has seen the answer
// misses nothing.
func (h *Hub) admit(k *conn) *problem.Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopping:
		return problem.Unavailable(5*time.Second, errors.New("the hub is stopping")).From("live", "stopping")
	case h.open >= h.cfg.MaxConns:
		return problem.Unavailable(5*time.Second, errors.New("the hub is full")).From("live", "max_conns")
	case h.addresses[k.address] >= h.cfg.PerAddress:
		return tooMany(h.cfg.PerAddress).From("live", "per_address")
	case k.member() != "" && h.principals[k.member()] >= h.cfg.PerPrincipal:
		return tooMany(h.cfg.PerPrincipal).From("live", "per_principal")
	}
	h.open++
	h.addresses[k.address]++
	if k.member() != "" {
		h.principals[k.member()]++
	}
	h.conns[k] = struct{}{}
	if !h.sweeping {
		h.sweeping = true
		go h.sweep()
	}
	return nil
}

func tooMany(limit int) *problem.Error {
	return problem.RateLimited(problem.Retry{After: 5 * time.Second, Budget: "open sockets", Limit: limit}).
		Saying("You have %d open sockets, which is as many as are allowed; close one first", limit)
}

// leave gives back what admit counted, once the connection is closed for good.
func (h *Hub) leave(k *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, k)
	h.open--
	release(h.addresses, k.address)
	if k.member() != "" {
		release(h.principals, k.member())
	}
	if h.stopping && h.open == 0 {
		close(h.idle)
	}
}

func release[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// parseOrigin reads a serialized origin (RFC 6454 §6.2): scheme, host, perhaps
// a port, and nothing else. The default port is left out of the result.
func parseOrigin(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("it must begin with http:// or https://")
	}
	if u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Host, "*") {
		return nil, errors.New("it must be one scheme, host and port, without a path")
	}
	return &url.URL{Scheme: u.Scheme, Host: hostFor(u.Scheme, u.Host)}, nil
}

func hostFor(scheme, host string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}
