package limit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/limit"
)

// signIns sends n requests to /sign-in at one time, each judged after a second
// with the status of its number, and returns how many got which status.
func signIns(t *testing.T, n int, status func(i int) int) map[int]int {
	t.Helper()
	table := tableOf(t, document)
	begin, err := call.New(call.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := limit.New(limit.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	served, atOnce, most := 0, 0, 0
	h := begin(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		i := served
		served++
		atOnce++
		most = max(most, atOnce)
		mu.Unlock()
		time.Sleep(time.Second)
		mu.Lock()
		atOnce--
		mu.Unlock()
		w.WriteHeader(status(i))
	})))
	got := map[int]int{}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/sign-in", nil))
			mu.Lock()
			got[rec.Code]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if most > 3 {
		t.Errorf("%d guesses were judged at one time, the budget is 3", most)
	}
	return got
}

func TestManyWhoSignInAtOneTimeAreNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := signIns(t, 9, func(int) int { return 200 }); got[200] != 9 {
			t.Errorf("nine right passwords with a budget of three failures: %v", got)
		}
	})
}

func TestManyGuessesAtOneTimeAreNoMoreThanTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := signIns(t, 50, func(int) int { return 401 }); got[401] != 3 || got[429] != 47 {
			t.Errorf("fifty wrong passwords with a budget of three failures: %v", got)
		}
	})
}

func TestFailuresAmongManyAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := func(i int) int {
			if i%3 == 0 {
				return 401
			}
			return 200
		}
		got := signIns(t, 30, wrong)
		if got[401] != 3 || got[429] == 0 || got[200]+got[401]+got[429] != 30 {
			t.Errorf("every third password of thirty is wrong: %v", got)
		}
	})
}

func TestNobodyWaitsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := tableOf(t, document)
		wrap, err := limit.New(limit.Config{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		stuck := make(chan struct{})
		h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/sign-in", nil)) })
		}
		synctest.Wait()
		begin := time.Now()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/sign-in", nil))
		if waited := time.Since(begin); rec.Code != 429 || waited != 10*time.Second {
			t.Errorf("behind three that are stuck: %d after %v", rec.Code, waited)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		begin = time.Now()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/sign-in", nil).WithContext(gone))
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("a client that has gone waits %v", waited)
		}
		close(stuck)
		wg.Wait()
	})
}
