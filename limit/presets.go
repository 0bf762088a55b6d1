package limit

import (
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

// UnmatchedName is the budget that unknown paths and operations without a list
// of budgets count against.
const UnmatchedName = "unmatched"

// Presets returns the shipped budgets by name, all of them fixed windows: those
// of the built-in apps (2000 requests and 1500 writes per 15 minutes, 600 and 300
// per 10), those of the API security guide (100 per 15 minutes, 30 per minute),
// those of signing in, which count failures (5 per 15 minutes for an account from
// one address, 20 for an address), and our own (600 per 10 minutes).
func Presets() map[string]contract.Budget {
	presets := map[string]contract.Budget{}
	add := func(name string, n int, window time.Duration, change func(*contract.Budget)) {
		b := contract.Budget{
			Name: name, Requests: n, Window: window, Key: contract.ByAddress, Algorithm: contract.Fixed,
		}
		if change != nil {
			change(&b)
		}
		presets[name] = b
	}
	writes := func(b *contract.Budget) { b.Writes = true }
	failures := func(b *contract.Budget) { b.Failures = true }
	failuresOfAccount := func(b *contract.Budget) {
		b.Failures, b.Key, b.Account = true, contract.ByAccountAndAddress, "email"
	}
	add("scheduler", 2000, 15*time.Minute, nil)
	add("scheduler-writes", 1500, 15*time.Minute, writes)
	add("opportunities", 2000, 15*time.Minute, nil)
	add("opportunities-writes", 1500, 15*time.Minute, writes)
	add("counselling", 600, 10*time.Minute, nil)
	add("counselling-writes", 300, 10*time.Minute, writes)
	add("guide", 100, 15*time.Minute, nil)
	add("guide-minute", 30, time.Minute, nil)
	add("sign-in", 5, 15*time.Minute, failuresOfAccount)
	add("sign-in-address", 20, 15*time.Minute, failures)
	add("gatehouse", 600, 10*time.Minute, nil)
	add(UnmatchedName, 600, 10*time.Minute, nil)
	return presets
}
