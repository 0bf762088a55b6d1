package limit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/limit"
)

const crowdDocument = `
openapi: 3.1.0
info: {title: Crowd, version: "1"}
x-gatehouse:
  name: crowd
  budgets: { many: "1000000/1m per address" }
  limit: [many]
paths:
  /things:
    get: {operationId: list, x-gatehouse: {access: public}, responses: {"200": {description: ok}}}
  /health:
    get: {operationId: health, x-gatehouse: {access: public, limit: []}, responses: {"200": {description: ok}}}
  /:
    get:
      operationId: socket
      x-gatehouse: {access: public}
      x-gatehouse-websocket: {max_message: 1KiB, receive: {ping: {const: ping}}, send: {pong: {const: pong}}}
      responses: {"101": {description: ok}}
`

// crowdRig is a stage with a handler that stays until it is told to go. It lives
// in a bubble, where those who neither stay nor go are a deadlock.
type crowdRig struct {
	handler http.Handler
	served  atomic.Int64
	leave   chan struct{}
	pardons atomic.Int64
	allow   atomic.Value
}

func newCrowd(t testing.TB, cfg limit.Config, modes call.Modes) *crowdRig {
	t.Helper()
	r := &crowdRig{leave: make(chan struct{})}
	bare := strings.Replace(documentOf("bare", "", map[string]string{"/bare": ""}), ", limit: []", "", 1)
	cfg.Table = load(t, crowdDocument, strings.Replace(bare, "post:", "get:", 1))
	wrap, err := limit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: cfg.Table, Modes: modes})
	if err != nil {
		t.Fatal(err)
	}
	inner := wrap(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, p := range call.From(req.Context()).Pardons() {
			r.pardons.Add(1)
			r.allow.Store(p.Allow)
		}
		if status := req.Header.Get("Test-Status"); status == "101" {
			w.WriteHeader(http.StatusSwitchingProtocols)
		}
		r.served.Add(1)
		<-r.leave
		if req.Header.Get("Test-Panic") != "" {
			panic(http.ErrAbortHandler)
		}
	}))
	r.handler = begin(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if id := req.Header.Get("Test-Member"); id != "" {
			call.From(req.Context()).SetPrincipal(&call.Principal{ID: id, Role: "member"})
		}
		inner.ServeHTTP(w, req)
	}))
	return r
}

type visitor struct{ path, from, member, fault, status string }

func (r *crowdRig) call(v visitor) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), "GET", v.path, nil)
	req.RemoteAddr = v.from
	for name, value := range map[string]string{"Test-Member": v.member, "Test-Panic": v.fault, "Test-Status": v.status} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if v.status != "" {
		req.Header.Set("Upgrade", "websocket")
	}
	rec := httptest.NewRecorder()
	defer func() { _ = recover() }()
	r.handler.ServeHTTP(rec, req)
	return rec
}

// fill sends n calls, one after another, that all must reach the handler.
func (r *crowdRig) fill(t testing.TB, n int, who func(i int) visitor) (done func()) {
	t.Helper()
	before := r.served.Load()
	for i := range n {
		go r.call(who(i))
		synctest.Wait()
	}
	if served := r.served.Load() - before; served != int64(n) {
		t.Fatalf("%d of %d reached the handler", served, n)
	}
	return func() {
		close(r.leave)
		synctest.Wait()
		r.leave = make(chan struct{})
	}
}

// more is one call more while the others stay: it is refused at once, or it
// stays until done.
func (r *crowdRig) more(v visitor, done func()) (rec *httptest.ResponseRecorder, stayed bool) {
	go func() { rec = r.call(v) }()
	synctest.Wait()
	stayed = rec == nil
	done()
	return rec, stayed
}

func same(v visitor) func(int) visitor { return func(int) visitor { return v } }

func few() limit.Concurrency { return limit.Concurrency{Total: 5, PerPrincipal: 3} }

// TestConcurrencyAttacks fills a stage and states what one more call is told.
func TestConcurrencyAttacks(t *testing.T) {
	guest, ada := visitor{path: "/things", from: alice}, visitor{path: "/things", from: alice, member: "ada"}
	with := func(v visitor, change func(*visitor)) visitor { change(&v); return v }
	for _, row := range []struct {
		name   string
		stage  limit.Stage
		before int
		who    func(i int) visitor
		more   visitor
		status int
	}{
		{"a flood from one address", limit.AddressStage, 5, same(guest), guest, 503},
		{"a flood from many addresses", limit.AddressStage, 5, func(i int) visitor {
			return visitor{path: "/things", from: fmt.Sprintf("192.0.2.%d:1", i+1)}
		}, visitor{path: "/things", from: "198.51.100.1:1"}, 503},
		{"unknown paths take places too", limit.AddressStage, 5, same(with(guest, func(v *visitor) { v.path = "/wp-admin" })), guest, 503},
		{"an operation without a list of budgets", limit.AddressStage, 5, same(guest), with(guest, func(v *visitor) { v.path = "/bare" }), 503},
		{"health under a flood", limit.AddressStage, 5, same(guest), with(guest, func(v *visitor) { v.path = "/health" }), 200},
		{"health takes no place", limit.AddressStage, 20, same(with(guest, func(v *visitor) { v.path = "/health" })), guest, 200},
		{"the last place", limit.AddressStage, 4, same(guest), guest, 200},
		{"the total is not a member's affair", limit.MemberStage, 8, func(i int) visitor {
			return with(ada, func(v *visitor) { v.member = fmt.Sprint("member", i) })
		}, ada, 200},
		{"one member", limit.MemberStage, 3, same(ada), ada, 429},
		{"one member from another address", limit.MemberStage, 3, same(ada), with(ada, func(v *visitor) { v.from = bob }), 429},
		{"another member at the same address", limit.MemberStage, 3, same(ada), with(ada, func(v *visitor) { v.member = "bob" }), 200},
		{"a guest at a member's address", limit.MemberStage, 3, same(ada), guest, 200},
		{"a guest", limit.MemberStage, 3, same(guest), guest, 429},
		{"another guest", limit.MemberStage, 3, same(guest), with(guest, func(v *visitor) { v.from = bob }), 200},
		{"guests of one /64", limit.MemberStage, 3, func(i int) visitor {
			return visitor{path: "/things", from: fmt.Sprintf("[2001:db8::%x]:1", i+1)}
		}, visitor{path: "/things", from: "[2001:db8::ffff]:1"}, 429},
		{"a guest of another /64", limit.MemberStage, 3, func(i int) visitor {
			return visitor{path: "/things", from: fmt.Sprintf("[2001:db8::%x]:1", i+1)}
		}, visitor{path: "/things", from: "[2001:db8:0:1::1]:1"}, 200},
		{"a member's health", limit.MemberStage, 3, same(ada), with(ada, func(v *visitor) { v.path = "/health" }), 200},
		{"sockets that are open take no place", limit.MemberStage, 9, same(with(ada, func(v *visitor) { v.path, v.status = "/", "101" })), ada, 200},
		{"sockets that are open take no place of all", limit.AddressStage, 9, same(with(guest, func(v *visitor) { v.path, v.status = "/", "101" })), guest, 200},
		{"upgrades that are not answered take places", limit.MemberStage, 3, same(with(ada, func(v *visitor) { v.path, v.status = "/", "none" })), ada, 429},
		{"the stage of accounts counts none", limit.AccountStage, 20, same(guest), guest, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newCrowd(t, limit.Config{Stage: row.stage, Concurrency: few()}, nil)
				rec, stayed := r.more(row.more, r.fill(t, row.before, row.who))
				if allowed := row.status == 200; rec.Code != row.status || stayed != allowed {
					t.Errorf("%d, stayed %v, want %d", rec.Code, stayed, row.status)
				}
				if served := int(r.served.Load()) - row.before; served != map[int]int{200: 1}[row.status] {
					t.Errorf("one more was served %d times", served)
				}
				if want := map[int]string{200: "", 429: "1", 503: "1"}[row.status]; rec.Header().Get("Retry-After") != want {
					t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
				}
				code := map[int]string{429: `"code":"TOO_MANY_AT_ONCE"`, 503: `"code":"SERVICE_UNAVAILABLE"`}[row.status]
				if !strings.Contains(rec.Body.String(), code) {
					t.Errorf("body %s", rec.Body)
				}
			})
		})
	}
}

// TestPlacesComeBack: after answers, panics and refusals every place is free, and
// no more than those.
func TestPlacesComeBack(t *testing.T) {
	guest := visitor{path: "/things", from: alice}
	for _, stage := range []limit.Stage{limit.AddressStage, limit.MemberStage} {
		for name, v := range map[string]visitor{
			"an answer":                {path: "/things", from: alice},
			"a panic":                  {path: "/things", from: alice, fault: "yes"},
			"a socket":                 {path: "/", from: alice, status: "101"},
			"a panic of a socket":      {path: "/", from: alice, status: "101", fault: "yes"},
			"an upgrade that panicked": {path: "/", from: alice, status: "none", fault: "yes"},
		} {
			synctest.Test(t, func(t *testing.T) {
				r := newCrowd(t, limit.Config{Stage: stage, Concurrency: limit.Concurrency{Total: 3, PerPrincipal: 3}}, nil)
				done := r.fill(t, 3, same(v))
				if v.status == "101" { // no place is taken, and it is not given back again at the end
					done = r.fill(t, 3, same(guest))
				}
				for range 10 {
					if rec := r.call(guest); rec.Code < 400 {
						t.Errorf("stage %d, %s: one more is answered %d", stage, name, rec.Code)
					}
				}
				done()
				if rec, stayed := r.more(guest, r.fill(t, 3, same(guest))); stayed {
					t.Errorf("stage %d, %s: a place was given back twice: %d", stage, name, rec.Code)
				}
			})
		}
	}
}

func TestConcurrencyInReportAndOff(t *testing.T) {
	guest := visitor{path: "/things", from: alice}
	for _, row := range []struct {
		stage     limit.Stage
		let       int64 // of nine
		line      string
		mode      call.Mode
		unlimited bool
	}{
		{stage: limit.AddressStage, mode: call.Report, let: 4, line: "gatehouse.yaml: concurrency: { total: 10 }"},
		{stage: limit.MemberStage, mode: call.Report, let: 6, line: "gatehouse.yaml: concurrency: { per_principal: 6 }"},
		{stage: limit.AddressStage, mode: call.Off},
		{stage: limit.MemberStage, mode: call.Off},
		{stage: limit.AddressStage, unlimited: true},
		{stage: limit.MemberStage, unlimited: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			places := few()
			places.InsecureUnlimited = row.unlimited
			r := newCrowd(t, limit.Config{Stage: row.stage, Concurrency: places}, call.Modes{"crowd": {"limit": row.mode}})
			for range 2 { // those let through were counted, in and out
				r.pardons.Store(0)
				r.fill(t, 9, same(guest))()
				if line, _ := r.allow.Load().(string); r.pardons.Load() != row.let || line != row.line {
					t.Errorf("%+v: %d pardons with %q", row, r.pardons.Load(), line)
				}
			}
		})
	}
}

func TestConcurrencyDefaults(t *testing.T) {
	guest := visitor{path: "/things", from: alice}
	for stage, most := range map[limit.Stage]int{limit.AddressStage: 1024, limit.MemberStage: 64} {
		synctest.Test(t, func(t *testing.T) {
			r := newCrowd(t, limit.Config{Stage: stage}, nil)
			if rec, stayed := r.more(guest, r.fill(t, most, same(guest))); stayed {
				t.Errorf("stage %d: call %d is answered %d", stage, most+1, rec.Code)
			}
		})
	}
	for _, c := range []limit.Concurrency{{Total: -1}, {PerPrincipal: -1}} {
		if _, err := limit.New(limit.Config{Concurrency: c}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// TestConcurrencyProperty: with many clients at a time, never more than the
// places are inside, of each principal as in all, and none is lost at the end.
func TestConcurrencyProperty(t *testing.T) {
	const members, places = 5, 4
	for stage, most := range map[limit.Stage]int64{limit.AddressStage: places, limit.MemberStage: places} {
		var inside, worst [members]atomic.Int64
		wrap, err := limit.New(limit.Config{Stage: stage, Table: tableOf(t, crowdDocument), Concurrency: limit.Concurrency{Total: places, PerPrincipal: places}})
		if err != nil {
			t.Fatal(err)
		}
		key := func(r *http.Request) int {
			if stage == limit.AddressStage {
				return 0
			}
			return int(r.Header.Get("Test-Member")[0] - '0')
		}
		h := wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			k := key(r)
			n := inside[k].Add(1)
			defer inside[k].Add(-1)
			for w := worst[k].Load(); n > w && !worst[k].CompareAndSwap(w, n); w = worst[k].Load() {
			}
			if rand.IntN(4) == 0 {
				panic(http.ErrAbortHandler)
			}
		}))
		send := func(member int) (status int) {
			req := httptest.NewRequest("GET", "/things", nil)
			rec := httptest.NewRecorder()
			req = call.Ensure(rec, req)
			req.Header.Set("Test-Member", fmt.Sprint(member))
			call.From(req.Context()).SetPrincipal(&call.Principal{ID: fmt.Sprint("member", member)})
			defer func() { _ = recover() }()
			h.ServeHTTP(rec, req)
			return rec.Code
		}
		var all sync.WaitGroup
		for g := range 32 {
			all.Go(func() {
				for range 300 {
					send(g % members)
				}
			})
		}
		all.Wait()
		for k := range worst {
			if worst[k].Load() > most {
				t.Errorf("stage %d: %d were inside at one time", stage, worst[k].Load())
			}
			for range 3 * places {
				if status := send(k); status == 429 || status == 503 {
					t.Fatalf("stage %d: a place of member %d is lost", stage, k)
				}
			}
		}
	}
}

// crowdOnly is a stage that has nothing to count but the calls that run.
func crowdOnly(t testing.TB, stage limit.Stage, c limit.Concurrency) (h http.Handler, rec *httptest.ResponseRecorder, req *http.Request) {
	t.Helper()
	wrap, err := limit.New(limit.Config{
		Stage: stage, Table: tableOf(t, crowdDocument), Concurrency: c,
		Budgets: map[string]contract.Budget{"many": {Requests: 1, Window: time.Minute, Key: contract.ByAccount, Account: "x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rec = httptest.NewRecorder()
	return wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), rec, call.Ensure(rec, httptest.NewRequest("GET", "/things", nil))
}

func TestConcurrencyAllocatesNothing(t *testing.T) {
	for _, stage := range []limit.Stage{limit.AddressStage, limit.MemberStage} {
		h, rec, req := crowdOnly(t, stage, limit.Concurrency{})
		if n := testing.AllocsPerRun(1000, func() { h.ServeHTTP(rec, req) }); n != 0 {
			t.Errorf("stage %d: %v allocations", stage, n)
		}
	}
}

func BenchmarkConcurrency(b *testing.B) {
	for name, stage := range map[string]limit.Stage{"total": limit.AddressStage, "principal": limit.MemberStage} {
		for state, c := range map[string]limit.Concurrency{"on": {}, "off": {InsecureUnlimited: true}} {
			b.Run(name+"/"+state, func(b *testing.B) {
				h, rec, req := crowdOnly(b, stage, c)
				b.ReportAllocs()
				for b.Loop() {
					h.ServeHTTP(rec, req)
				}
			})
		}
	}
}
