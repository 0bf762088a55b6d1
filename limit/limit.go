package limit

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Stage is one of the three places where calls are counted.
type Stage int

// The stages, in the order of the chain.
const (
	AddressStage Stage = iota // before routing and authn: budgets per address
	MemberStage               // after authn: budgets per member and per API key
	AccountStage              // after validate: budgets per account, and per account and address
)

// Config of one stage of the layer.
type Config struct {
	Stage     Stage
	Table     *contract.Table            // the operations; nil: every call counts against Unmatched in the stage AddressStage
	Budgets   map[string]contract.Budget // definitions by name; they win over those of the contracts and over Presets
	Unmatched contract.Budget            // what calls of no operation count against; 600 per 10 minutes per address when zero
	MaxKeys   int                        // keys that each budget holds; DefaultMaxKeys when 0
	Now       func() time.Time           // the clock; time.Now when nil

	// Account names the account of a call, for use without the validate layer;
	// member is the budget's Account. When nil it is that member of the
	// validated body, in which "user.email" is a member of a member.
	Account func(r *http.Request, member string) string

	// XRateLimit adds X-RateLimit-Limit, X-RateLimit-Remaining and
	// X-RateLimit-Reset (Unix seconds) of the budget of which least is left.
	XRateLimit bool

	Concurrency Concurrency // calls that run at one time

	// InsecureUnlimited turns the stage off: no call is counted or refused.
	InsecureUnlimited bool
}

// New returns the layer. It fails when an operation names a budget that nobody
// defines, or one that cannot be counted; all such faults are told at once.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	if cfg.Stage < AddressStage || cfg.Stage > AccountStage {
		return nil, fmt.Errorf("limit: there is no stage %d", cfg.Stage)
	}
	if cfg.InsecureUnlimited {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	l, err := newLayer(cfg)
	if err = errors.Join(err, cfg.Concurrency.check()); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		stage := cfg.Concurrency.around(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, next) }))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.enter(w, r, stage, next) })
	}, nil
}

type layer struct {
	cfg     Config
	hasher  hasher
	plans   map[*contract.Operation]*plan // under nil is that of what no operation answers
	pending *pending
}

func newLayer(cfg Config) (*layer, error) {
	presets := Presets()
	if cfg.Unmatched == (contract.Budget{}) {
		cfg.Unmatched = presets[UnmatchedName]
	}
	if cfg.Unmatched.Name == "" {
		cfg.Unmatched.Name = UnmatchedName
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	u, err := checked(cfg.Unmatched)
	if err = errors.Join(err, checkKeys(cfg.MaxKeys)); err != nil {
		return nil, err
	}
	if u.Key != contract.ByAddress || u.Failures || u.Writes {
		return nil, errors.New("limit: Unmatched must count every call per address")
	}
	p := &planner{cfg: cfg, hasher: newHasher(), presets: presets, counters: map[string]*Counter{}}
	l := &layer{cfg: cfg, hasher: p.hasher, pending: newPending()}
	l.plans, err = p.plans(cfg.Table)
	return l, err
}

// enter serves with a Call, also alone; next is what serves when the layer is off.
func (l *layer) enter(w http.ResponseWriter, r *http.Request, stage, next http.Handler) {
	alone := call.From(r.Context()) == nil
	r = call.Ensure(w, r)
	c := call.From(r.Context())
	if alone {
		w = c.ResponseWriter()
	}
	c.Resolve(l.cfg.Table, r)
	if c.Mode("limit") == call.Off {
		stage = next
	}
	stage.ServeHTTP(w, r)
}

func (l *layer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	c := call.From(r.Context())
	p := l.planOf(c)
	if p == nil {
		next.ServeHTTP(w, r)
		return
	}
	a := attempt{plan: p}
	taken := l.takeInTurn(&a, c, r)
	l.announce(w.Header(), &a)
	if !taken && !malformed(c) && call.Stopped(w, r, a.refusal(), l.larger) {
		return
	}
	if p.failures && taken {
		l.pending.hold(&a)
		settle := l.settler(a, r, w.Header())
		c.Before(settle)
		defer func() {
			status, _ := c.Answer()
			settle(status)
		}()
	}
	next.ServeHTTP(w, r)
}

func (l *layer) planOf(c *call.Call) *plan {
	if p, known := l.plans[c.Operation()]; known {
		return p
	}
	return l.plans[nil] // of a table that is not ours
}

// malformed tells that route will answer 400 whatever the budget says.
func malformed(c *call.Call) bool {
	miss := c.Match().Miss
	return miss != nil && miss.Status == http.StatusBadRequest
}

// attempt is one call at the counters of its plan.
type attempt struct {
	plan      *plan
	keys      [maxBudgets]key
	decisions [maxBudgets]Decision
}

// takeInTurn takes, and where a budget of failures is full of calls that are not
// judged yet, waits for them: the right passwords of many people who sign in at
// one time are no failures.
func (l *layer) takeInTurn(a *attempt, c *call.Call, r *http.Request) bool {
	if !a.plan.failures {
		return l.take(a, c, r)
	}
	var until <-chan time.Time
	for {
		seen := l.pending.seen()
		if l.take(a, c, r) {
			return true
		}
		if until == nil {
			until = time.After(waitFor)
		}
		if !l.pending.wait(r.Context(), a, seen, until) {
			return false
		}
	}
}

// take counts the call against every budget of its plan, or against none.
func (l *layer) take(a *attempt, c *call.Call, r *http.Request) bool {
	ok := true
	for i, counter := range a.plan.counters {
		a.keys[i] = l.keyOf(counter.budget, c, r)
		a.decisions[i] = counter.take(a.keys[i], a.plan.cost)
		ok = ok && a.decisions[i].OK
	}
	if ok {
		return true
	}
	for i, counter := range a.plan.counters {
		if a.decisions[i].OK {
			counter.refund(a.keys[i], a.decisions[i])
			a.decisions[i].Remaining += int(a.plan.cost)
		}
	}
	return false
}

func (l *layer) keyOf(b contract.Budget, c *call.Call, r *http.Request) key {
	switch b.Key {
	case contract.ByAPIKey:
		if p := c.Principal(); p != nil && p.APIKey != "" {
			return l.hasher.apiKey(p.APIKey)
		}
		return l.member(c)
	case contract.ByMember:
		return l.member(c)
	case contract.ByAccount:
		return l.hasher.text(l.account(b.Account, c, r))
	case contract.ByAccountAndAddress:
		return l.hasher.both(l.account(b.Account, c, r), c.Client())
	default:
		return l.hasher.address(c.Client())
	}
}

// member is the key of who calls: the member, or the address of a guest.
func (l *layer) member(c *call.Call) key {
	if id := c.Principal().IDOf(); id != "" {
		return l.hasher.text(id)
	}
	return l.hasher.address(c.Client())
}

func (l *layer) account(member string, c *call.Call, r *http.Request) string {
	name := ""
	if l.cfg.Account != nil {
		name = l.cfg.Account(r, member)
	} else {
		name = memberOf(c, member)
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// memberOf reads a member of the validated body. Where there is none, all such
// calls are one account, which is the strict reading.
func memberOf(c *call.Call, path string) string {
	var body any
	if err := c.Bind(&body); err != nil {
		return ""
	}
	for name := range strings.SplitSeq(path, ".") {
		object, ok := body.(map[string]any)
		if !ok {
			return ""
		}
		body = object[name]
	}
	switch v := body.(type) {
	case string:
		return v
	case float64:
		return fmt.Sprint(v)
	default:
		return ""
	}
}

// refusal is the 429 of the budget with the longest wait.
func (a *attempt) refusal() *problem.Error {
	var b contract.Budget
	var wait time.Duration
	for i, counter := range a.plan.counters {
		if d := &a.decisions[i]; !d.OK && d.Retry > wait {
			b, wait = counter.budget, d.Retry
		}
	}
	return problem.RateLimited(problem.Retry{After: wait, Budget: b.Name, Limit: b.Requests, Window: b.Window}).
		From("limit", b.Name)
}

// settler gives back to the budgets of failures what no failure used, once, as
// soon as the status is known: before the answer leaves, so that a client that
// asks again at once finds its budget.
func (l *layer) settler(a attempt, r *http.Request, h http.Header) func(status int) {
	c, settled := call.From(r.Context()), false
	return func(status int) {
		if settled {
			return
		}
		settled = true
		defer l.pending.judge(&a)
		if failure(status) || left(r, status) {
			return
		}
		for i, counter := range a.plan.counters {
			if counter.budget.Failures {
				counter.refund(a.keys[i], a.decisions[i])
				a.decisions[i].Remaining += int(a.plan.cost)
			}
		}
		if sent, _ := c.Answer(); sent == status {
			l.revise(h, &a)
		}
	}
}

// failure tells whether a budget of failures counts an answer.
func failure(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusNotFound, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// left tells whether the client went away before it had a success. What it asked
// for may have broken off after the verdict and before the answer to it, so
// leaving gives no place back.
func left(r *http.Request, status int) bool {
	return r.Context().Err() != nil && (status == 0 || status >= http.StatusBadRequest)
}

func stageOf(k contract.BudgetKey) Stage {
	switch k {
	case contract.ByAddress:
		return AddressStage
	case contract.ByMember, contract.ByAPIKey:
		return MemberStage
	case contract.ByAccount, contract.ByAccountAndAddress:
		return AccountStage
	}
	return -1
}
