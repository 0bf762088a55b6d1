package limit

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// How many calls run at one time unless Concurrency says otherwise.
const (
	DefaultTotal        = 1024
	DefaultPerPrincipal = 64
)

// Concurrency is how many calls run at one time. What is above it is refused at
// once and never waits: a queue would only make every answer late (CWE-770).
// Operations whose list of budgets is empty are neither counted nor refused, so
// that a health check tells of the load and not of the limit; a WebSocket is
// counted until it has answered 101.
type Concurrency struct {
	Total        int // in all, counted in AddressStage; above it 503; DefaultTotal when 0
	PerPrincipal int // of one member, or of the guests of one address (IPv6: /64), in MemberStage; above it 429; DefaultPerPrincipal when 0

	InsecureUnlimited bool // any number runs at one time
}

// retryAfter is what a shed call is told: a place is free as soon as any call ends.
const retryAfter = time.Second

// inFlight counts the calls of one stage that run.
type inFlight struct {
	layer  *layer
	next   http.Handler
	places int64
	total  atomic.Int64
	crowds [shardCount]crowd
}

// crowd is the principals of one shard that have calls running, and no others.
type crowd struct {
	mu      sync.Mutex
	running map[key]int64
	_       [128 - 16]byte
}

func (c Concurrency) check() error {
	if c.Total < 0 || c.PerPrincipal < 0 {
		return errors.New("limit: Concurrency is negative; InsecureUnlimited turns it off")
	}
	return nil
}

// around counts the calls to next as far as the stage does.
func (c Concurrency) around(l *layer, next http.Handler) http.Handler {
	places, usual := c.Total, DefaultTotal
	switch {
	case c.InsecureUnlimited || l.cfg.Stage == AccountStage:
		return next
	case l.cfg.Stage == MemberStage:
		places, usual = c.PerPrincipal, DefaultPerPrincipal
	}
	if places == 0 {
		places = usual
	}
	return &inFlight{layer: l, next: next, places: int64(places)}
}

// ServeHTTP is the way of a call through the stage.
func (f *inFlight) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	alone := call.From(r.Context()) == nil
	r = call.Ensure(w, r)
	c := call.From(r.Context())
	if alone {
		w = c.ResponseWriter()
	}
	c.Resolve(f.layer.cfg.Table, r)
	op := c.Operation()
	if op != nil && op.Budgets != nil && len(op.Budgets) == 0 || c.Mode("limit") == call.Off {
		f.next.ServeHTTP(w, r)
		return
	}
	k := f.keyOf(c)
	if !f.enter(k, f.places) {
		if call.Stopped(w, r, f.refusal(), f.roomier) {
			return
		}
		f.enter(k, 1<<62)
	}
	if op != nil && op.Socket != nil {
		f.upgrade(w, r, c, k)
		return
	}
	defer f.leave(k)
	f.next.ServeHTTP(w, r)
}

// upgrade serves what becomes a WebSocket: from 101 on it has limits of its own,
// and may stay for days.
func (f *inFlight) upgrade(w http.ResponseWriter, r *http.Request, c *call.Call, k key) {
	leave := sync.OnceFunc(func() { f.leave(k) })
	defer leave()
	c.Before(func(status int) {
		if status == http.StatusSwitchingProtocols {
			leave()
		}
	})
	f.next.ServeHTTP(w, r)
}

func (f *inFlight) keyOf(c *call.Call) key {
	if f.layer.cfg.Stage != MemberStage {
		return key{}
	}
	if id := c.Principal().IDOf(); id != "" {
		return f.layer.hasher.text(id)
	}
	return f.layer.hasher.address(c.Client())
}

// enter takes a place when fewer than places are taken.
func (f *inFlight) enter(k key, places int64) bool {
	if f.layer.cfg.Stage != MemberStage {
		for {
			n := f.total.Load()
			if n >= places {
				return false
			}
			if f.total.CompareAndSwap(n, n+1) {
				return true
			}
		}
	}
	crowd := &f.crowds[k.hi>>58]
	crowd.mu.Lock()
	defer crowd.mu.Unlock()
	if crowd.running == nil {
		crowd.running = map[key]int64{}
	}
	n := crowd.running[k]
	if n >= places {
		return false
	}
	crowd.running[k] = n + 1
	return true
}

func (f *inFlight) leave(k key) {
	if f.layer.cfg.Stage != MemberStage {
		f.total.Add(-1)
		return
	}
	crowd := &f.crowds[k.hi>>58]
	crowd.mu.Lock()
	defer crowd.mu.Unlock()
	if n := crowd.running[k]; n > 1 {
		crowd.running[k] = n - 1
	} else {
		delete(crowd.running, k)
	}
}

// refusal has a code of its own: the text that a contract gives a spent budget
// would tell of a window that is not there.
func (f *inFlight) refusal() *problem.Error {
	if f.layer.cfg.Stage != MemberStage {
		return problem.Unavailable(retryAfter, nil).From("limit", "concurrency")
	}
	e := problem.New(http.StatusTooManyRequests, "TOO_MANY_AT_ONCE", "Too Many Requests",
		"Too many of your requests run at one time; wait for one to end")
	e.Retry = &problem.Retry{After: retryAfter}
	return e.From("limit", "concurrency per principal")
}

// roomier is the line of the settings that would allow one call more.
func (f *inFlight) roomier(*call.Call, *problem.Error) string {
	name := "total"
	if f.layer.cfg.Stage == MemberStage {
		name = "per_principal"
	}
	return "gatehouse.yaml: concurrency: { " + name + ": " + strconv.FormatInt(2*f.places, 10) + " }"
}
