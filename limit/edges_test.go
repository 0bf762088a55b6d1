package limit

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

// TestBudgetsAtTheirLimits: what the messages of checked state, to the unit.
func TestBudgetsAtTheirLimits(t *testing.T) {
	const year = 366 * 24 * time.Hour
	for name, c := range map[string]struct {
		requests int
		window   time.Duration
		ok       bool
	}{
		"the most requests":       {math.MaxInt32, time.Minute, true},
		"one more":                {math.MaxInt32 + 1, time.Minute, false},
		"the shortest window":     {1, time.Second, true},
		"none":                    {1, 0, false},
		"a negative one":          {1, -time.Second, false},
		"the longest window":      {1, year, true},
		"a second more":           {1, year + time.Second, false},
		"not whole seconds":       {1, 1500 * time.Millisecond, false},
		"a whole number of years": {1, 10 * year, false},
	} {
		if _, err := checked(contract.Budget{Name: "b", Requests: c.requests, Window: c.window}); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNamesByTheirBytes: a String of RFC 9651 3.3.3 has the bytes 0x20 to 0x7e.
func TestNamesByTheirBytes(t *testing.T) {
	for b := range 256 {
		if name := string([]byte{'a', byte(b)}); nameable(name) != (b >= 0x20 && b <= 0x7e) {
			t.Errorf("%q: %v", name, nameable(name))
		}
	}
	for n, ok := range map[int]bool{0: false, 1: true, 256: true, 257: false} {
		if nameable(strings.Repeat("x", n)) != ok {
			t.Errorf("a name of %d bytes: %v", n, !ok)
		}
	}
}

func TestSecondsAreRoundedUp(t *testing.T) {
	for ns, want := range map[int64]int64{0: 0, 1: 1, 999_999_999: 1, 1_000_000_000: 1, 1_000_000_001: 2, 2_000_000_000_000_000_000: 2_000_000_000} {
		if got := seconds(ns); got != want {
			t.Errorf("%d ns: %d s, want %d", ns, got, want)
		}
	}
}

// TestStagesThatDoNotExist: one below the first and one above the last.
func TestStagesThatDoNotExist(t *testing.T) {
	for stage, ok := range map[Stage]bool{AddressStage - 1: false, AddressStage: true, AccountStage: true, AccountStage + 1: false} {
		if _, err := New(Config{Stage: stage}); (err == nil) != ok {
			t.Errorf("stage %d: %v", stage, err)
		}
	}
}

// TestTheRefusalIsTheLongestWait: in whatever order the budgets stand, and never
// of a budget that has room.
func TestTheRefusalIsTheLongestWait(t *testing.T) {
	short, long, room := Decision{Retry: time.Second}, Decision{Retry: time.Hour}, Decision{OK: true, Retry: 2 * time.Hour}
	equal := Decision{Retry: time.Hour, Remaining: 1}
	for name, order := range map[string][]Decision{
		"the long one first": {long, short}, "the long one last": {short, long}, "in the middle": {room, short, long, short}, "alone": {room, long}, "before room": {long, room}, "the first of two": {long, equal},
	} {
		a := attempt{plan: &plan{}}
		for i, d := range order {
			budget := contract.Budget{Name: "short", Requests: 1, Window: time.Minute}
			if d == long {
				budget.Name = "long"
			}
			a.plan.counters = append(a.plan.counters, &Counter{budget: budget})
			a.decisions[i] = d
		}
		if got := a.refusal().Retry; got.Budget != "long" || got.After != time.Hour {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
