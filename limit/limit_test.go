package limit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/limit"
)

const document = `
openapi: 3.1.0
info: {title: Things, version: "1"}
x-gatehouse:
  name: things
  budgets:
    reads: "3/1m per address"
    writes: "2/15m writes per address"
    member: "2/1m per member"
    key: "2/1m per api-key"
    guesses: "2/15m failures per account(user.email)"
    guesses-address: "3/15m failures per address"
    sliding: "2/10s per address sliding"
    bucket: "5/10s per address bucket"
  limit: [reads, writes]
paths:
  /things:
    get: {operationId: list, x-gatehouse: {access: public}, responses: {"200": {description: ok}}}
    post: {operationId: add, x-gatehouse: {access: public}, responses: {"200": {description: ok}}}
  /mine:
    get: {operationId: mine, x-gatehouse: {access: public, limit: [member]}, responses: {"200": {description: ok}}}
  /keyed:
    get: {operationId: keyed, x-gatehouse: {access: public, limit: [key]}, responses: {"200": {description: ok}}}
  /health:
    get: {operationId: health, x-gatehouse: {access: public, limit: []}, responses: {"200": {description: ok}}}
  /dear:
    get: {operationId: dear, x-gatehouse: {access: public, limit: [reads], cost: 2}, responses: {"200": {description: ok}}}
  /sliding:
    get: {operationId: sliding, x-gatehouse: {access: public, limit: [sliding]}, responses: {"200": {description: ok}}}
  /bucket:
    get: {operationId: bucket, x-gatehouse: {access: public, limit: [bucket]}, responses: {"200": {description: ok}}}
  /login:
    post: {operationId: login, x-gatehouse: {access: public, limit: [guesses]}, responses: {"200": {description: ok}}}
  /sign-in:
    post: {operationId: signIn, x-gatehouse: {access: public, limit: [guesses-address]}, responses: {"200": {description: ok}}}
`

type clock struct{ at time.Time }

func newClock() *clock { return &clock{time.Date(2026, 2, 23, 10, 15, 30, 0, time.UTC)} }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

func tableOf(t testing.TB, doc string) *contract.Table {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "things.yaml", Data: []byte(doc)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// rig is a stage of the layer behind call, with a handler that answers status.
type rig struct {
	handler http.Handler
	clock   *clock
	status  int
	member  string
	apiKey  string
	served  int
}

func newRig(t testing.TB, cfg limit.Config) *rig {
	t.Helper()
	r := &rig{clock: newClock(), status: http.StatusOK}
	cfg.Now = r.clock.now
	if cfg.Table == nil {
		cfg.Table = tableOf(t, document)
	}
	wrap, err := limit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: cfg.Table, Now: r.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	inner := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.served++
		w.WriteHeader(r.status)
	}))
	r.handler = begin(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := call.From(req.Context())
		if r.member != "" {
			c.SetPrincipal(&call.Principal{ID: r.member, Role: "member", APIKey: r.apiKey})
		}
		if body := req.Header.Get("Test-Body"); body != "" {
			c.SetInput(nil, []byte(body), true)
		}
		inner.ServeHTTP(w, req)
	}))
	return r
}

func (r *rig) do(method, target, from string, body ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), method, target, nil)
	req.RemoteAddr = from
	if len(body) > 0 {
		req.Header.Set("Test-Body", body[0])
	}
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, req)
	return rec
}

const alice, bob = "192.0.2.1:1000", "192.0.2.2:2000"

func field(rec *httptest.ResponseRecorder, name string) string {
	return strings.Join(rec.Header().Values(name), ", ")
}

func TestEveryAnswerStatesItsBudgets(t *testing.T) {
	r := newRig(t, limit.Config{})
	rec := r.do("POST", "/things", alice)
	if got, want := field(rec, "RateLimit-Policy"), `"reads";q=3;w=60, "writes";q=2;w=900`; got != want {
		t.Errorf("RateLimit-Policy: %s\nwant %s", got, want)
	}
	if got, want := field(rec, "RateLimit"), `"reads";r=2;t=60, "writes";r=1;t=900`; got != want {
		t.Errorf("RateLimit: %s\nwant %s", got, want)
	}
	r.clock.advance(1500 * time.Millisecond)
	rec = r.do("GET", "/things", alice)
	if got, want := field(rec, "RateLimit"), `"reads";r=1;t=59`; got != want {
		t.Errorf("a read after 1.5 s: RateLimit: %s\nwant %s", got, want)
	}
}

func TestARefusalSaysWhenToComeBack(t *testing.T) {
	r := newRig(t, limit.Config{})
	for range 3 {
		r.do("GET", "/things", alice)
	}
	r.clock.advance(12*time.Second + 300*time.Millisecond)
	rec := r.do("GET", "/things", alice)
	if rec.Code != http.StatusTooManyRequests {
		t.Fatalf("status %d", rec.Code)
	}
	if got := rec.Header().Get("Retry-After"); got != "48" {
		t.Errorf("Retry-After: %s, want 47.7 s rounded up", got)
	}
	if got := field(rec, "RateLimit"); got != `"reads";r=0;t=48` {
		t.Errorf("RateLimit: %s", got)
	}
	var body struct {
		Code              string
		RetryAfter        time.Time `json:"retryAfter"`
		RetryAfterSeconds int       `json:"retryAfterSeconds"`
		Limit             int
		Window            string
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if body.Code != "RATE_LIMITED" || body.Limit != 3 || body.Window != "1 minute" || body.RetryAfterSeconds != 48 ||
		!body.RetryAfter.Equal(r.clock.at.Add(47700*time.Millisecond)) {
		t.Errorf("body %+v", body)
	}
	if r.served != 3 {
		t.Errorf("the handler ran %d times", r.served)
	}
	r.clock.advance(48 * time.Second)
	if rec := r.do("GET", "/things", alice); rec.Code != http.StatusOK {
		t.Errorf("after the stated time: %d", rec.Code)
	}
}

func TestSeveralBudgetsLongestWaitAndNothingTaken(t *testing.T) {
	r := newRig(t, limit.Config{})
	r.do("POST", "/things", alice)
	r.do("POST", "/things", alice)
	rec := r.do("POST", "/things", alice)
	if rec.Code != 429 || rec.Header().Get("Retry-After") != "900" || field(rec, "RateLimit") != `"reads";r=1;t=60, "writes";r=0;t=900` {
		t.Fatalf("the third write: %d, Retry-After %s, RateLimit %s", rec.Code, rec.Header().Get("Retry-After"), field(rec, "RateLimit"))
	}
	if rec := r.do("GET", "/things", alice); rec.Code != 200 || field(rec, "RateLimit") != `"reads";r=0;t=60` {
		t.Errorf("the refused write was counted as a read: %d %s", rec.Code, field(rec, "RateLimit"))
	}
	if rec := r.do("POST", "/things", alice); rec.Header().Get("Retry-After") != "900" {
		t.Errorf("both budgets spent: Retry-After %s, want the longer", rec.Header().Get("Retry-After"))
	}
}

func TestHealthIsNotCounted(t *testing.T) {
	r := newRig(t, limit.Config{})
	for range 20 {
		if rec := r.do("GET", "/health", alice); rec.Code != 200 || rec.Header().Get("RateLimit") != "" {
			t.Fatalf("%d %s", rec.Code, rec.Header().Get("RateLimit"))
		}
	}
}

func TestEveryStageCountsItsOwnKeys(t *testing.T) {
	r := newRig(t, limit.Config{Stage: limit.MemberStage})
	r.member = "m1"
	r.do("GET", "/mine", alice)
	r.do("GET", "/mine", bob)
	if rec := r.do("GET", "/mine", alice); rec.Code != 429 {
		t.Errorf("a member from two addresses: %d", rec.Code)
	}
	r.member = "m2"
	if rec := r.do("GET", "/mine", alice); rec.Code != 200 {
		t.Errorf("another member from the same address: %d", rec.Code)
	}
	if rec := r.do("GET", "/things", alice); rec.Header().Get("RateLimit") != "" {
		t.Errorf("a budget per address counted by the stage of members: %s", rec.Header().Get("RateLimit"))
	}
}

// TestAPIKeysAreCountedApart: a key is one customer, whoever holds it and from
// wherever, and who comes without one is counted all the same.
func TestAPIKeysAreCountedApart(t *testing.T) {
	r := newRig(t, limit.Config{Stage: limit.MemberStage})
	for _, step := range []struct {
		name, member, apiKey, from string
		want                       int
	}{
		{"a key", "ada", "k1", alice, 200},
		{"the key from another address", "ada", "k1", bob, 200},
		{"the key once more", "ada", "k1", alice, 429},
		{"the key in the hands of another", "bob", "k1", bob, 429},
		{"another key of the same member", "ada", "k2", alice, 200},
		{"the member without a key", "ada", "", alice, 200},
		{"the member without a key, elsewhere", "ada", "", bob, 200},
		{"the member without a key once more", "ada", "", alice, 429},
		{"a key that has the id of the member", "eve", "ada", alice, 200},
		{"a member that has the id of the key", "k1", "", alice, 200},
		{"a guest", "", "", alice, 200},
		{"a guest again", "", "", alice, 200},
		{"a guest once more", "", "", alice, 429},
		{"a guest elsewhere", "", "", bob, 200},
	} {
		r.member, r.apiKey = step.member, step.apiKey
		if rec := r.do("GET", "/keyed", step.from); rec.Code != step.want {
			t.Errorf("%s: %d, want %d", step.name, rec.Code, step.want)
		}
	}
	if rec := newRig(t, limit.Config{}).do("GET", "/keyed", alice); rec.Header().Get("RateLimit") != "" {
		t.Errorf("a budget per API key counted before the key is known: %s", rec.Header().Get("RateLimit"))
	}
}

func TestCostCountsMoreThanOnce(t *testing.T) {
	r := newRig(t, limit.Config{})
	if rec := r.do("GET", "/dear", alice); field(rec, "RateLimit") != `"reads";r=1;t=60` {
		t.Errorf("RateLimit: %s", field(rec, "RateLimit"))
	}
	if rec := r.do("GET", "/dear", alice); rec.Code != 429 {
		t.Errorf("a call of cost 2 with 1 left: %d", rec.Code)
	}
	if rec := r.do("GET", "/things", alice); rec.Code != 200 {
		t.Errorf("a call of cost 1 with 1 left: %d", rec.Code)
	}
}

func TestFailuresAreGivenBackUnlessTheyFailed(t *testing.T) {
	for status, counted := range map[int]bool{
		200: false, 201: false, 204: false, 302: false, 429: false, 500: false, 503: false, 409: false,
		400: true, 401: true, 403: true, 404: true, 422: true,
	} {
		r := newRig(t, limit.Config{})
		r.status = status
		first := r.do("POST", "/sign-in", alice)
		want := `"guesses-address";r=3;t=900`
		if counted {
			want = `"guesses-address";r=2;t=900`
		}
		if got := field(first, "RateLimit"); got != want {
			t.Errorf("answered %d: RateLimit %s, want %s", status, got, want)
		}
	}
}

func TestTheAccountStandsInTheValidatedBody(t *testing.T) {
	r := newRig(t, limit.Config{Stage: limit.AccountStage})
	r.status = http.StatusUnauthorized
	a, b := `{"user":{"email":"a@example.com"}}`, `{"user":{"email":"b@example.com"}}`
	r.do("POST", "/login", alice, a)
	r.do("POST", "/login", bob, a)
	if rec := r.do("POST", "/login", alice, a); rec.Code != 429 {
		t.Errorf("third guess at one account: %d", rec.Code)
	}
	if rec := r.do("POST", "/login", alice, b); rec.Code != 401 {
		t.Errorf("first guess at another: %d", rec.Code)
	}
}

func TestAlgorithmsOfTheContract(t *testing.T) {
	r := newRig(t, limit.Config{})
	r.do("GET", "/sliding", alice)
	r.do("GET", "/sliding", alice)
	if rec := r.do("GET", "/sliding", alice); rec.Code != 429 || rec.Header().Get("Retry-After") != "15" || field(rec, "RateLimit") != `"sliding";r=0;t=15` {
		t.Errorf("sliding: %d, Retry-After %s; half of 2 calls has faded after 10+5 s", rec.Code, rec.Header().Get("Retry-After"))
	}
	for range 5 {
		r.do("GET", "/bucket", alice)
	}
	if rec := r.do("GET", "/bucket", alice); rec.Code != 429 || rec.Header().Get("Retry-After") != "2" {
		t.Errorf("bucket: %d, Retry-After %s", rec.Code, rec.Header().Get("Retry-After"))
	}
}

func TestConfigWinsOverTheContract(t *testing.T) {
	r := newRig(t, limit.Config{Budgets: map[string]contract.Budget{"reads": {Requests: 9, Window: time.Minute}}})
	if rec := r.do("GET", "/things", alice); field(rec, "RateLimit-Policy") != `"reads";q=9;w=60` {
		t.Errorf("RateLimit-Policy: %s", field(rec, "RateLimit-Policy"))
	}
}

// TestXRateLimitTellsOfTheScarcest: of all stages, and of several the first.
func TestXRateLimitTellsOfTheScarcest(t *testing.T) {
	for _, row := range []struct {
		budgets  string
		fraction time.Duration // of the second at which the call comes
		want     string        // limit, remaining, and the second in which all of it is there again
	}{
		{`one: "5/1m", two: "9/2m"`, 0, "5 4 1771841790"},
		{`one: "5/1m", two: "9/2m"`, 500 * time.Microsecond, "5 4 1771841791"},
		{`one: "9/1m", two: "5/2m"`, 0, "5 4 1771841850"},
		{`one: "5/1m", two: "5/2m"`, 0, "5 4 1771841790"},
		{`one: "9/1m", two: "5/2m per member"`, 0, "5 4 1771841850"},
		{`one: "5/1m", two: "9/2m per member"`, 0, "5 4 1771841790"},
		{`one: "5/1m", two: "5/2m per member"`, 0, "5 4 1771841790"},
	} {
		clk := newClock() // 1771841730 s
		clk.advance(row.fraction)
		cfg := limit.Config{XRateLimit: true, Now: clk.now, Table: load(t, documentOf("one", row.budgets, map[string]string{"/one": "one, two"}))}
		byAddress, err := limit.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Stage = limit.MemberStage
		byMember, err := limit.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		req := call.Ensure(rec, httptest.NewRequest("POST", "/one", nil))
		byAddress(byMember(http.NotFoundHandler())).ServeHTTP(rec, req)
		h := rec.Header()
		if got := h.Get("X-RateLimit-Limit") + " " + h.Get("X-RateLimit-Remaining") + " " + h.Get("X-RateLimit-Reset"); got != row.want {
			t.Errorf("%s after %v: %s, want %s", row.budgets, row.fraction, got, row.want)
		}
	}
}

func TestInsecureUnlimitedCountsNothing(t *testing.T) {
	r := newRig(t, limit.Config{InsecureUnlimited: true})
	for range 50 {
		if rec := r.do("GET", "/things", alice); rec.Code != 200 || rec.Header().Get("RateLimit") != "" {
			t.Fatalf("%d", rec.Code)
		}
	}
}

func TestConfigurationIsCheckedAtOnce(t *testing.T) {
	table := tableOf(t, document)
	for name, cfg := range map[string]limit.Config{
		"an unknown stage":       {Stage: 7},
		"a budget of nothing":    {Table: table, Budgets: map[string]contract.Budget{"reads": {Requests: 0, Window: time.Minute}}},
		"a cost above the limit": {Table: table, Budgets: map[string]contract.Budget{"reads": {Requests: 1, Window: time.Minute}, "writes": {Requests: 1, Window: time.Minute}}},
		"negative keys":          {MaxKeys: -1},
		"unmatched per member":   {Unmatched: contract.Budget{Requests: 1, Window: time.Minute, Key: contract.ByMember}},
		"unmatched for failures": {Unmatched: contract.Budget{Requests: 1, Window: time.Minute, Failures: true}},
		"unmatched of nothing":   {Unmatched: contract.Budget{Requests: -1, Window: time.Minute}},
		"unmatched for writes":   {Unmatched: contract.Budget{Requests: 1, Window: time.Minute, Writes: true}},
	} {
		_, err := limit.New(cfg)
		if name == "a cost above the limit" {
			if err == nil || !strings.Contains(err.Error(), "GET /dear") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPresetsAreTheSeedsNumbers(t *testing.T) {
	for name, want := range map[string]string{ // decisions 6 and 15
		"scheduler": "2000 15m0s", "scheduler-writes": "1500 15m0s writes",
		"opportunities": "2000 15m0s", "opportunities-writes": "1500 15m0s writes",
		"counselling": "600 10m0s", "counselling-writes": "300 10m0s writes",
		"guide": "100 15m0s", "guide-minute": "30 1m0s",
		"sign-in": "5 15m0s failures account+address", "sign-in-address": "20 15m0s failures",
		"gatehouse": "600 10m0s", "unmatched": "600 10m0s",
	} {
		b, ok := limit.Presets()[name]
		words := []string{}
		if b.Writes {
			words = append(words, "writes")
		}
		if b.Failures {
			words = append(words, "failures")
		}
		if b.Key != contract.ByAddress {
			words = append(words, string(b.Key))
		}
		got := strings.TrimSpace(jsonNumber(b.Requests) + " " + b.Window.String() + " " + strings.Join(words, " "))
		if !ok || got != want || b.Algorithm != contract.Fixed || b.Name != name {
			t.Errorf("%s: %s (%s), want %s as a fixed window", name, got, b.Algorithm, want)
		}
		if _, err := limit.NewCounter(b, 0, nil); err != nil {
			t.Error(err)
		}
	}
	if n := len(slices.Collect(func(yield func(string) bool) {
		for name := range limit.Presets() {
			yield(name)
		}
	})); n != 12 {
		t.Errorf("%d presets, 12 of them checked", n)
	}
}

func jsonNumber(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func BenchmarkLayer(b *testing.B) {
	wrap, err := limit.New(limit.Config{Unmatched: contract.Budget{Requests: 1e9, Window: time.Hour}})
	if err != nil {
		b.Fatal(err)
	}
	begin, err := call.New(call.Config{NewID: func() string { return "id" }})
	if err != nil {
		b.Fatal(err)
	}
	bare := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	req := httptest.NewRequest("GET", "/", nil)
	for name, h := range map[string]http.Handler{"bare": begin(bare), "limit": begin(wrap(bare))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := httptest.NewRecorder()
			for b.Loop() {
				clear(w.Header())
				h.ServeHTTP(w, req)
			}
		})
	}
}
