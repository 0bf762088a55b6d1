package limit

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
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
	places int
	crowds [shardCount]crowd
}

// crowd is the principals of one shard that have calls running, and no others.
// In AddressStage all calls are those of one.
type crowd struct {
	mu      sync.Mutex
	running map[key]int
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
	f := &inFlight{layer: l, next: next, places: cmp.Or(c.Total, DefaultTotal)}
	switch {
	case c.InsecureUnlimited || l.cfg.Stage == AccountStage:
		return next
	case l.cfg.Stage == MemberStage:
		f.places = cmp.Or(c.PerPrincipal, DefaultPerPrincipal)
	}
	for i := range f.crowds {
		f.crowds[i].running = map[key]int{}
	}
	return f
}

// ServeHTTP is the way of a call through the stage.
func (f *inFlight) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := call.From(r.Context())
	op := c.Operation()
	if op != nil && op.Budgets != nil && len(op.Budgets) == 0 {
		f.next.ServeHTTP(w, r)
		return
	}
	k := f.keyOf(c)
	if !f.enter(k, f.places) {
		if call.Stopped(w, r, f.refusal(), f.roomier) {
			return
		}
		f.enter(k, math.MaxInt)
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
	return f.layer.member(c)
}

// enter takes a place when fewer than places are taken.
func (f *inFlight) enter(k key, places int) bool {
	crowd := &f.crowds[k.shard()]
	crowd.mu.Lock()
	defer crowd.mu.Unlock()
	if crowd.running[k] >= places {
		return false
	}
	crowd.running[k]++
	return true
}

func (f *inFlight) leave(k key) {
	crowd := &f.crowds[k.shard()]
	crowd.mu.Lock()
	defer crowd.mu.Unlock()
	if crowd.running[k]--; crowd.running[k] == 0 {
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
	return "gatehouse.yaml: concurrency: { " + name + ": " + strconv.Itoa(2*f.places) + " }"
}
