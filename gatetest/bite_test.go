package gatetest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/gatetest"
)

// negligence is the right handler with one safeguard taken away, and the rows
// that must notice. All others must not.
type negligence struct {
	name   string
	gate   func(*gatehouse.Config)
	around wrap
	lax    string
	rows   string // names, with "; " between
	broad  bool   // rows are some of those that must notice, of dozens
	waits  bool   // the row fails by waiting for an end that does not come
}

// handler is the right handler but for the negligence.
func (n negligence) handler(t *testing.T) (http.Handler, gatetest.Target) {
	t.Helper()
	gate := newGate(t, n.gate)
	h := careful(gate.Wrap(bookshop{n.lax}))
	if n.around != nil {
		h = n.around(h)
	}
	g := target(newGate(t, nil))
	g.NeedOrigin, g.Scan = true, 100
	if n.waits {
		g.Patience = time.Second // each row that fails waits so long
	}
	return h, g
}

// careful is what the gate leaves to who wants more: cookies that no program
// sends by itself.
func careful(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		unsafe := r.Method != http.MethodGet || r.Header.Get("Upgrade") != ""
		if _, err := r.Cookie(authn.DefaultCookie); err == nil && unsafe && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// rowsOf are the rows of Attacks and Answers; those of Access have a test of
// their own.
func rowsOf(t *testing.T, g gatetest.Target) []gatetest.Attack {
	t.Helper()
	attacks, err := g.Attacks()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := g.Answers()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(attacks, answers)
}

// failing are the names of the rows that fail against h, sorted. Rows that are
// expected to fail are tried with each operation, others with one operation,
// for time's sake.
func failing(t *testing.T, h http.Handler, g gatetest.Target, expected string) []string {
	t.Helper()
	var failed []string
	tried := map[string]bool{}
	for _, row := range rowsOf(t, g) {
		if slices.Contains(failed, row.Name) || tried[row.Name] && !contains(strings.Split(expected, "; "), []string{row.Name}) {
			continue
		}
		if row.Try(h) != nil {
			failed = append(failed, row.Name)
		}
		tried[row.Name] = true
	}
	slices.Sort(failed)
	return failed
}

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// TestEachRowBites takes away one safeguard at a time. The rows about it must
// fail and all others pass, and every row must be about one.
func TestEachRowBites(t *testing.T) {
	var mu sync.Mutex
	bitten := map[string]bool{}
	t.Run("without", func(t *testing.T) {
		for _, n := range slices.Concat(hosts(), paths(), tokens(), jwts(), bodies(), pages(), refusals(), sockets(), answersOf()) {
			t.Run(n.name, func(t *testing.T) {
				t.Parallel()
				h, g := n.handler(t)
				failed := failing(t, h, g, n.rows)
				want := strings.Split(n.rows, "; ")
				slices.Sort(want)
				if n.rows == "" {
					want = nil
				}
				if !slices.Equal(failed, want) && (!n.broad || !contains(failed, want)) {
					t.Errorf("fail:\n%s\nwant:\n%s", strings.Join(failed, "; "), n.rows)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, name := range failed {
					bitten[name] = true
				}
			})
		}
	})
	_, g := negligence{}.handler(t)
	for _, row := range rowsOf(t, g) {
		if !bitten[row.Name] {
			t.Errorf("%s: no negligence shows that it bites", row.Name)
			bitten[row.Name] = true
		}
	}
}
