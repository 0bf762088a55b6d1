package server

import (
	"runtime/debug"
	"testing"
)

func TestCollectorIsTunedUnlessTheOperatorHas(t *testing.T) {
	before := debug.SetGCPercent(goGrowth)
	defer debug.SetGCPercent(before)
	for _, c := range []struct{ was, is int }{{goGrowth, heapGrowth}, {50, 50}, {800, 800}, {-1, -1}} {
		debug.SetGCPercent(c.was)
		TuneCollector()
		if got := debug.SetGCPercent(goGrowth); got != c.is {
			t.Errorf("%d became %d, not %d", c.was, got, c.is)
		}
	}
}
