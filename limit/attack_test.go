package limit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
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

// TestAttacks sends each attack's calls and states how many of them are served.
func TestAttacks(t *testing.T) {
	three := limit.Config{Unmatched: contract.Budget{Requests: 3, Window: time.Minute}}
	for _, a := range []struct {
		name   string
		cfg    limit.Config
		calls  int
		send   func(r *rig, i int) *httptest.ResponseRecorder
		served int
	}{
		{"a scanner of unknown paths", three, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do("GET", fmt.Sprintf("/wp-admin/%d", i), alice)
		}, 3},
		{"a scanner of methods", three, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do(fmt.Sprintf("METHOD%d", i), "/health", alice)
		}, 3},
		{"another port of the same address", limit.Config{}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do("GET", "/things", fmt.Sprintf("192.0.2.1:%d", 1000+i))
		}, 3},
		{"rotating addresses inside one IPv6 /64", limit.Config{}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do("GET", "/things", fmt.Sprintf("[2001:db8:1:2::%x]:1", i+1))
		}, 3},
		{"different IPv6 /64 are different customers", limit.Config{}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do("GET", "/things", fmt.Sprintf("[2001:db8:1:%x::1]:1", i+1))
		}, 20},
		{"IPv4 written as IPv6", limit.Config{}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do("GET", "/things", []string{"192.0.2.1:1", "[::ffff:192.0.2.1]:1"}[i%2])
		}, 3},
		{"loopback is no exception", limit.Config{}, 20, func(r *rig, _ int) *httptest.ResponseRecorder {
			return r.do("GET", "/things", "127.0.0.1:1")
		}, 3},
		{"HEAD in place of GET", limit.Config{}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do([]string{"GET", "HEAD"}[i%2], "/things", alice)
		}, 3},
		{"another query each time", limit.Config{}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			return r.do("GET", fmt.Sprintf("/things?cachebuster=%d", i), alice)
		}, 3},
		{"guests spread over a budget per member", limit.Config{Stage: limit.MemberStage}, 20, func(r *rig, _ int) *httptest.ResponseRecorder {
			return r.do("GET", "/mine", alice)
		}, 2},
		{"the API key left out every other call", limit.Config{Stage: limit.MemberStage}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			r.member, r.apiKey = "ada", []string{"", "k1"}[i%2]
			return r.do("GET", "/keyed", alice)
		}, 4},
		{"one API key handed round", limit.Config{Stage: limit.MemberStage}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			r.member, r.apiKey = fmt.Sprintf("m%d", i), "k1"
			return r.do("GET", "/keyed", fmt.Sprintf("192.0.2.%d:1", i))
		}, 2},
		{"the same account in other letters", limit.Config{Stage: limit.AccountStage}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			r.status = http.StatusUnauthorized
			name := []string{"a@example.com", "A@Example.com", " a@example.com", "A@EXAMPLE.COM\\t"}[i%4]
			return r.do("POST", "/login", alice, `{"user":{"email":"`+name+`"}}`)
		}, 2},
		{"guesses without an account, or with one of another kind", limit.Config{Stage: limit.AccountStage}, 20, func(r *rig, i int) *httptest.ResponseRecorder {
			r.status = http.StatusUnauthorized
			body := []string{`{}`, `{"user":7}`, `{"user":{"email":null}}`, `{"user":{"email":["a"]}}`, `[]`}[i%5]
			return r.do("POST", "/login", alice, body)
		}, 2},
		{"right answers do not lock an account", limit.Config{Stage: limit.AccountStage}, 20, func(r *rig, _ int) *httptest.ResponseRecorder {
			return r.do("POST", "/login", alice, `{"user":{"email":"a@example.com"}}`)
		}, 20},
	} {
		t.Run(a.name, func(t *testing.T) {
			r := newRig(t, a.cfg)
			served := 0
			for i := range a.calls {
				if a.send(r, i).Code != http.StatusTooManyRequests {
					served++
				}
			}
			if served != a.served {
				t.Errorf("%d of %d served, want %d", served, a.calls, a.served)
			}
		})
	}
}

func TestForgedForwardedForBuysNothing(t *testing.T) {
	r := newRig(t, limit.Config{})
	served := 0
	for i := range 20 {
		req := httptest.NewRequest("GET", "/things", nil)
		req.RemoteAddr = alice
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
		req.Header.Set("Forwarded", fmt.Sprintf("for=198.51.100.%d", i))
		req.Header.Set("X-Real-Ip", fmt.Sprintf("198.51.100.%d", i))
		rec := httptest.NewRecorder()
		r.handler.ServeHTTP(rec, req)
		if rec.Code == http.StatusOK {
			served++
		}
	}
	if served != 3 {
		t.Errorf("%d served", served)
	}
}

func TestABurstOfGuessesCannotExceedTheBudget(t *testing.T) {
	synctest.Test(t, burstOfGuesses)
}

// burstOfGuesses holds every guess back until all others were told to wait.
func burstOfGuesses(t *testing.T) {
	table := tableOf(t, document)
	wrap, err := limit.New(limit.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	gate, arrived := make(chan struct{}), atomic.Int64{}
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		<-gate // every guess is under way before any is answered
		w.WriteHeader(http.StatusUnauthorized)
	}))
	var wg sync.WaitGroup
	var refused atomic.Int64
	for range 50 {
		wg.Go(func() {
			req := httptest.NewRequest("POST", "/sign-in", nil)
			req.RemoteAddr = alice
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			if rec.Code == http.StatusTooManyRequests && refused.Add(1) == 47 {
				close(gate)
			}
		})
	}
	wg.Wait()
	if arrived.Load() != 3 {
		t.Errorf("%d guesses reached the handler of a budget of 3", arrived.Load())
	}
}

func TestAPanicIsNoFailureAndKeepsNothing(t *testing.T) {
	r := newRig(t, limit.Config{})
	r.status = -1 // WriteHeader panics
	func() {
		defer func() { _ = recover() }()
		r.do("POST", "/sign-in", alice)
	}()
	r.status = http.StatusUnauthorized
	if rec := r.do("POST", "/sign-in", alice); field(rec, "RateLimit") != `"guesses-address";r=2;t=900` {
		t.Errorf("RateLimit: %s", field(rec, "RateLimit"))
	}
}

// TestLeavingGivesNoPlaceBack: who leaves before the answer has not succeeded, and
// three guesses are all that the budget has.
func TestLeavingGivesNoPlaceBack(t *testing.T) {
	for _, row := range []struct {
		name   string
		leaves bool
		answer func(w http.ResponseWriter)
		served int
	}{
		{"the record broke off", true, func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, 3},
		{"something broke off", true, func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, 3},
		{"what was asked broke off", true, func(w http.ResponseWriter) { w.WriteHeader(http.StatusConflict) }, 3},
		{"after what is neither success nor error", true, func(w http.ResponseWriter) { w.WriteHeader(399) }, 20},
		{"the handler says nothing to nobody", true, func(http.ResponseWriter) {}, 3},
		{"the handler gives up", true, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 3},
		{"after a success", true, func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }, 20},
		{"after a success with another page", true, func(w http.ResponseWriter) { w.WriteHeader(http.StatusSeeOther) }, 20},
		{"and who stays is not to blame", false, func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, 20},
	} {
		t.Run(row.name, func(t *testing.T) {
			wrap, err := limit.New(limit.Config{Table: tableOf(t, document)})
			if err != nil {
				t.Fatal(err)
			}
			served := 0
			for range 20 {
				ctx, leave := context.WithCancel(t.Context())
				h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					served++
					if row.leaves {
						leave()
					}
					row.answer(w)
				}))
				func() {
					defer func() { _ = recover() }()
					h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/sign-in", nil))
				}()
				leave()
			}
			if served != row.served {
				t.Errorf("%d of 20 served, want %d", served, row.served)
			}
		})
	}
}

func TestARefusedRefundIsNotABonus(t *testing.T) {
	r := newRig(t, limit.Config{})
	for range 2 {
		r.status = http.StatusUnauthorized
		r.do("POST", "/sign-in", alice)
	}
	for range 50 {
		r.status = http.StatusOK
		r.do("POST", "/sign-in", alice)
	}
	r.status = http.StatusUnauthorized
	if rec := r.do("POST", "/sign-in", alice); rec.Code != 401 || field(rec, "RateLimit") != `"guesses-address";r=0;t=900` {
		t.Errorf("%d %s", rec.Code, field(rec, "RateLimit"))
	}
	if rec := r.do("POST", "/sign-in", alice); rec.Code != 429 {
		t.Errorf("fourth failure: %d", rec.Code)
	}
}

func TestAMalformedPathIsCountedAndLeftToRoute(t *testing.T) {
	r := newRig(t, limit.Config{Unmatched: contract.Budget{Requests: 2, Window: time.Minute}})
	for i := range 5 {
		if rec := r.do("GET", "/things/%2e%2e/x", alice); rec.Code == http.StatusTooManyRequests {
			t.Errorf("malformed path %d: 429; decisions say 400 comes first", i)
		}
	}
	if rec := r.do("GET", "/nothing", alice); rec.Code != http.StatusTooManyRequests {
		t.Errorf("the malformed paths were not counted: %d", rec.Code)
	}
}

func TestTheRecordNamesTheBudget(t *testing.T) {
	wrap, err := limit.New(limit.Config{Unmatched: contract.Budget{Name: "strangers", Requests: 1, Window: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	h := wrap(http.NotFoundHandler())
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	rec, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	req = call.Ensure(rec, req)
	h.ServeHTTP(rec, req)
	e := call.From(req.Context()).Refusal()
	if e == nil || e.Layer != "limit" || e.Rule != "strangers" || e.Retry.Budget != "strangers" {
		t.Errorf("%+v", e)
	}
}

func TestZeroConfigLimits(t *testing.T) {
	wrap, err := limit.New(limit.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	refused := 0
	for range 605 {
		req := httptest.NewRequest("GET", "/anything", nil)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d of 605 refused; the zero Config serves 600 per 10 minutes", refused)
	}
}

func TestUnknownBudgetIsAnErrorWithNames(t *testing.T) {
	api := &contract.API{Name: "things", Budgets: map[string]contract.Budget{"sliding": {Requests: 1, Window: time.Minute}}}
	api.Operations = []*contract.Operation{{API: api, Method: "GET", Path: "/sliding", Budgets: []string{"slding"}}}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	_, err = limit.New(limit.Config{Table: table, Budgets: map[string]contract.Budget{"extra": {Requests: 1, Window: time.Minute}}})
	if err == nil {
		t.Fatal("accepted")
	}
	_, list, ok := strings.Cut(err.Error(), `GET /sliding: no budget is called "slding"; there are `)
	if names := strings.Split(list, ", "); !ok || !slices.IsSorted(names) || !slices.Contains(names, "sliding") ||
		!slices.Contains(names, "extra") || !slices.Contains(names, "guide") {
		t.Errorf("%v", err)
	}
}

func TestAnOperationWithoutAListIsNotUnlimited(t *testing.T) {
	api := &contract.API{Name: "things"}
	op := &contract.Operation{API: api, Method: "GET", Path: "/things"}
	api.Operations = []*contract.Operation{op}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, limit.Config{Table: table, Unmatched: contract.Budget{Requests: 1, Window: time.Hour}})
	for _, want := range []int{200, 429} {
		if rec := r.do("GET", "/things", alice); rec.Code != want {
			t.Errorf("%d, want %d", rec.Code, want)
		}
	}
	op.Cost = 2
	if _, err := limit.New(limit.Config{Table: table, Unmatched: contract.Budget{Requests: 1, Window: time.Hour}}); err == nil {
		t.Error("an operation without a list of budgets counts against nothing")
	}
}
