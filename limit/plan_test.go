package limit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/limit"
)

// documentOf is a contract with one GET operation per path and the budgets that
// it lists.
func documentOf(name, budgets string, paths map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "openapi: 3.1.0\ninfo: {title: T, version: \"1\"}\nx-gatehouse:\n  name: %s\n  budgets: {%s}\npaths:\n", name, budgets)
	for path, list := range paths {
		fmt.Fprintf(&b, "  %s:\n    post: {operationId: %s, x-gatehouse: {access: public, limit: [%s]}, responses: {\"200\": {description: ok}}}\n",
			path, strings.Trim(path, "/"), list)
	}
	return b.String()
}

func load(t testing.TB, documents ...string) *contract.Table {
	t.Helper()
	var apis []*contract.API
	for _, d := range documents {
		api, err := contract.Load(contract.File{Name: "t.yaml", Data: []byte(d)}, contract.Options{})
		if err != nil {
			t.Fatal(err)
		}
		apis = append(apis, api)
	}
	table, err := contract.NewTable(apis...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestABudgetBelongsToTheContractThatDefinesIt(t *testing.T) {
	one := documentOf("one", `own: "1/1m"`, map[string]string{"/one": "own", "/one-more": "own", "/one-guide": "guide"})
	two := documentOf("two", `own: "1/1m"`, map[string]string{"/two": "own", "/two-guide": "guide"})
	r := newRig(t, limit.Config{Table: load(t, one, two)})
	r.do("POST", "/one", alice)
	for path, want := range map[string]int{"/one-more": 429, "/two": 200} {
		if rec := r.do("POST", path, alice); rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
	r.do("POST", "/one-guide", alice)
	if got := field(r.do("POST", "/two-guide", alice), "RateLimit"); got != `"guide";r=98;t=900` {
		t.Errorf("a preset is one budget for all contracts: %s", got)
	}
}

func TestABudgetNamedTwiceCountsOnce(t *testing.T) {
	r := newRig(t, limit.Config{Table: load(t, documentOf("one", `own: "5/1m"`, map[string]string{"/one": "own, own"}))})
	if got := field(r.do("POST", "/one", alice), "RateLimit"); got != `"own";r=4;t=60` {
		t.Errorf("%s", got)
	}
}

func TestNineBudgetsOfOneStageAreTooMany(t *testing.T) {
	var budgets, names []string
	for i := range 9 {
		budgets = append(budgets, fmt.Sprintf(`b%d: "5/1m"`, i))
		names = append(names, fmt.Sprintf("b%d", i))
	}
	eight := load(t, documentOf("one", strings.Join(budgets, ", "), map[string]string{"/one": strings.Join(names[:8], ", ")}))
	if _, err := limit.New(limit.Config{Table: eight}); err != nil {
		t.Error(err)
	}
	nine := load(t, documentOf("one", strings.Join(budgets, ", "), map[string]string{"/one": strings.Join(names, ", ")}))
	if _, err := limit.New(limit.Config{Table: nine}); err == nil || !strings.Contains(err.Error(), "more than 8 budgets") {
		t.Errorf("nine: %v", err)
	}
}

func TestEveryFaultIsToldAtOnce(t *testing.T) {
	table := load(t, documentOf("one", "", map[string]string{"/one": "missing-a", "/two": "missing-b"}))
	_, err := limit.New(limit.Config{Table: table})
	if err == nil || !strings.Contains(err.Error(), "missing-a") || !strings.Contains(err.Error(), "missing-b") {
		t.Errorf("%v", err)
	}
}

func TestANameIsAStringOfAStructuredField(t *testing.T) {
	r := newRig(t, limit.Config{Unmatched: contract.Budget{Name: `a"b\c`, Requests: 5, Window: time.Minute}})
	rec := r.do("GET", "/nothing", alice)
	if got := field(rec, "RateLimit"); got != `"a\"b\\c";r=4;t=60` { // RFC 9651 §4.1.6
		t.Errorf("%s", got)
	}
	if got := field(rec, "RateLimit-Policy"); got != `"a\"b\\c";q=5;w=60` {
		t.Errorf("%s", got)
	}
}

func TestAccountAndAddressCountTogether(t *testing.T) {
	doc := documentOf("one", `both: "1/15m failures per account(email)+address"`, map[string]string{"/login": "both"})
	r := newRig(t, limit.Config{Stage: limit.AccountStage, Table: load(t, doc)})
	r.status = http.StatusUnauthorized
	r.do("POST", "/login", alice, `{"email":"a@example.com"}`)
	for _, row := range []struct {
		name, from, email string
		want              int
	}{
		{"the same account from the same address", alice, "a@example.com", 429},
		{"the account's owner from elsewhere is not locked out", bob, "a@example.com", 401},
		{"another account from the same address", alice, "b@example.com", 401},
	} {
		if rec := r.do("POST", "/login", row.from, `{"email":"`+row.email+`"}`); rec.Code != row.want {
			t.Errorf("%s: %d, want %d", row.name, rec.Code, row.want)
		}
	}
}

// TestRoomElsewhereIsNoRoom: in whatever order an operation lists its budgets.
func TestRoomElsewhereIsNoRoom(t *testing.T) {
	for _, list := range []string{"few, many", "many, few"} {
		r := newRig(t, limit.Config{Table: load(t, documentOf("one", `few: "1/1m", many: "9/1m"`, map[string]string{"/one": list}))})
		r.do("POST", "/one", alice)
		if rec := r.do("POST", "/one", alice); rec.Code != 429 {
			t.Errorf("%s: %d", list, rec.Code)
		}
	}
}

func TestAnAccountMayBeANumber(t *testing.T) {
	doc := documentOf("one", `guesses: "1/15m per account(id)"`, map[string]string{"/login": "guesses"})
	r := newRig(t, limit.Config{Stage: limit.AccountStage, Table: load(t, doc)})
	for id, want := range map[string]int{"1": 200, "10": 200, "11": 200, "1.5": 200} {
		if rec := r.do("POST", "/login", alice, `{"id":`+id+`}`); rec.Code != want {
			t.Errorf("account %s: %d", id, rec.Code)
		}
	}
	if rec := r.do("POST", "/login", alice, `{"id":1.0e1}`); rec.Code != 429 {
		t.Errorf("10 in other digits: %d", rec.Code)
	}
}

func TestTheAccountOfAForeignMux(t *testing.T) {
	doc := documentOf("one", `guesses: "1/15m per account(user)"`, map[string]string{"/login": "guesses"})
	wrap, err := limit.New(limit.Config{
		Stage: limit.AccountStage, Table: load(t, doc),
		Account: func(r *http.Request, member string) string { return r.FormValue(member) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, row := range []struct {
		user string
		want int
	}{{"ada", 200}, {"bob", 200}, {"ada", 429}} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("POST", "/login?user="+row.user, nil))
		if rec.Code != row.want {
			t.Errorf("%s: %d, want %d", row.user, rec.Code, row.want)
		}
	}
}

// TestStagesTogether runs two stages in one chain, as the gate does.
func TestStagesTogether(t *testing.T) {
	doc := documentOf("one", `all: "9/1m", mine: "5/1m per member"`, map[string]string{"/one": "all, mine"})
	table := load(t, doc)
	cfg := limit.Config{Table: table}
	byAddress, err := limit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Stage = limit.MemberStage
	byMember, err := limit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, h := range map[string]http.Handler{
		"address first": begin(byAddress(byMember(nothing))), "member first": begin(byMember(byAddress(nothing))),
	} {
		for range 2 { // the second call shows that the values of the first were not shared
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest("POST", "/one", nil))
			policy := field(rec, "RateLimit-Policy")
			if len(rec.Header().Values("RateLimit-Policy")) != 2 || !strings.Contains(policy, `"all";q=9;w=60`) || !strings.Contains(policy, `"mine";q=5;w=60`) {
				t.Errorf("%s: %s", name, policy)
			}
		}
	}
}

func TestAnOperationOfNoOtherStageIsCountedByUnmatched(t *testing.T) {
	r := newRig(t, limit.Config{Stage: limit.MemberStage})
	if got := r.do("GET", "/nothing", alice).Header().Get("RateLimit"); got != "" {
		t.Errorf("the stage of members counted an unknown path: %s", got)
	}
}

func TestAnOperationWithoutAListIsCountedByAddressAlone(t *testing.T) {
	doc := strings.Replace(documentOf("one", "", map[string]string{"/one": ""}), ", limit: []", "", 1)
	for stage, want := range map[limit.Stage]string{
		limit.AddressStage: `"unmatched";r=599;t=600`, limit.MemberStage: "", limit.AccountStage: "",
	} {
		r := newRig(t, limit.Config{Stage: stage, Table: load(t, doc)})
		if got := field(r.do("POST", "/one", alice), "RateLimit"); got != want {
			t.Errorf("stage %d: %q, want %q", stage, got, want)
		}
	}
}

func TestOnlyBudgetsOfFailuresGiveBack(t *testing.T) {
	for list, want := range map[string]string{
		"every, failed": `"every";r=3;t=60, "failed";r=5;t=60`, "failed, every": `"failed";r=5;t=60, "every";r=3;t=60`,
	} {
		r := newRig(t, limit.Config{Table: load(t, documentOf("one", `every: "5/1m", failed: "5/1m failures"`, map[string]string{"/one": list}))})
		r.do("POST", "/one", alice)
		if got := field(r.do("POST", "/one", alice), "RateLimit"); got != want {
			t.Errorf("%s", got)
		}
	}
}

// TestWhatAFullBudgetGaveBackIsNotGivenAgain: a call that one budget of failures
// refuses takes nothing of the other, also when report lets it through.
func TestWhatAFullBudgetGaveBackIsNotGivenAgain(t *testing.T) {
	table := load(t, documentOf("one", `few: "1/1m failures", many: "9/1m failures"`, map[string]string{"/one": "few, many"}))
	layer, err := limit.New(limit.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	status := http.StatusUnauthorized
	begin, err := call.New(call.Config{Table: table, Modes: call.Modes{"one": {"limit": call.Report}}})
	if err != nil {
		t.Fatal(err)
	}
	h := begin(layer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })))
	for range 3 {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("POST", "/one", nil))
		if got := field(rec, "RateLimit"); rec.Code != status || !strings.Contains(got, `"many";r=8;`) {
			t.Errorf("%d, RateLimit %s", rec.Code, got)
		}
		status = http.StatusOK
	}
}

func TestABudgetIsGivenBackBeforeTheAnswerLeaves(t *testing.T) {
	doc := documentOf("one", `failed: "1/1m failures"`, map[string]string{"/one": "failed"})
	wrap, err := limit.New(limit.Config{Table: load(t, doc)})
	if err != nil {
		t.Fatal(err)
	}
	again := 0
	var h http.Handler
	h = wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		if r.URL.RawQuery == "" { // the client has its answer and asks again while this handler still runs
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest("POST", "/one?again", nil))
			again = rec.Code
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/one", nil))
	if again != http.StatusOK {
		t.Errorf("the next call: %d", again)
	}
}
