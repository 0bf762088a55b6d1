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
func (n negligence) handler(t *testing.T, gate *gatehouse.Gate) http.Handler {
	t.Helper()
	if n.gate != nil {
		gate = newGate(t, n.gate)
	}
	h := careful(gate.Wrap(bookshop{n.lax}))
	if n.around != nil {
		h = n.around(h)
	}
	return h
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
func failing(h http.Handler, rows []gatetest.Attack, expected string) []string {
	var failed []string
	tried := map[string]bool{}
	for _, row := range rows {
		if slices.Contains(failed, row.Name) || tried[row.Name] && !among(expected, row.Name) {
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

func among(names, name string) bool { return slices.Contains(strings.Split(names, "; "), name) }

func contains(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// TestEachRowBites takes away one safeguard at a time. The rows about it must
// fail and all others pass, and every row must be about one.
func TestEachRowBites(t *testing.T) {
	gate, hastyGate := newGate(t, nil), newGate(t, nil)
	g := target(gate)
	g.NeedOrigin, g.Scan = true, 100
	rows := rowsOf(t, g)
	g.Patience = time.Second
	hasty := rowsOf(t, g)
	var mu sync.Mutex
	bitten := map[string]bool{}
	t.Run("without", func(t *testing.T) {
		for _, n := range slices.Concat(hosts(), paths(), tokens(), jwts(), bodies(), pages(), refusals(), sockets(), answersOf()) {
			t.Run(n.name, func(t *testing.T) {
				t.Parallel()
				var failed []string
				if n.waits { // those that must fail wait for nothing, others have the time they need
					waiting := func(row gatetest.Attack) bool { return among(n.rows, row.Name) }
					failed = append(failing(n.handler(t, gate), slices.DeleteFunc(slices.Clone(rows), waiting), ""),
						failing(n.handler(t, hastyGate), slices.DeleteFunc(slices.Clone(hasty), func(row gatetest.Attack) bool { return !waiting(row) }), n.rows)...)
					slices.Sort(failed)
				} else {
					failed = failing(n.handler(t, gate), rows, n.rows)
				}
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
	for _, row := range rows {
		if !bitten[row.Name] {
			t.Errorf("%s: no negligence shows that it bites", row.Name)
			bitten[row.Name] = true
		}
	}
}
