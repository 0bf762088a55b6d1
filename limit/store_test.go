package limit

import (
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

func (s *store) places() (all, taken int) {
	for i := range s.shards {
		all += len(s.shards[i].slots)
		for j := range s.shards[i].slots {
			if s.shards[i].slots[j].key != (key{}) {
				taken++
			}
		}
	}
	return all, taken
}

func TestMemoryIsBounded(t *testing.T) {
	for keys, want := range map[int]int{1: 512, 512: 512, 1 << 12: 1 << 12, 1<<12 - 1: 1 << 11} {
		c, err := NewCounter(contract.Budget{Name: "b", Requests: 5, Window: time.Hour}, keys, newClock().now)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1 << 15 {
			if d := c.Take(strconv.Itoa(i), 1); d.Remaining != 4 {
				t.Fatalf("a place was not empty for a new key: %+v", d)
			}
		}
		if all, taken := c.store.places(); all != want || taken != want {
			t.Errorf("%d of %d places taken for a bound of %d, want %d", taken, all, keys, want)
		}
	}
}

func TestTheTableGrowsAsItIsNeededAndForgetsNobody(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		c := counterOf(t, contract.Budget{Requests: 1, Window: time.Hour, Algorithm: a}, newClock().now)
		if all, _ := c.store.places(); all != 0 || c.store.maxSlots*shardCount != DefaultMaxKeys {
			t.Errorf("%d places before the first key, %d at most", all, c.store.maxSlots*shardCount)
		}
		c.Take("the first", 1)
		if all, _ := c.store.places(); all != ways {
			t.Errorf("%d places for one key", all)
		}
		const n = 20_000
		for i := range n {
			if !c.Take(strconv.Itoa(i), 1).OK {
				t.Fatalf("%s: key %d was refused its first call", a, i)
			}
		}
		for i := range n {
			if c.Take(strconv.Itoa(i), 1).OK {
				t.Fatalf("%s: key %d was forgotten", a, i)
			}
		}
		if all, taken := c.store.places(); taken != n+1 || all > 1<<18 {
			t.Errorf("%s: %d of %d places taken by %d keys", a, taken, all, n+1)
		}
	}
}

func TestExpiredPlacesAreUsedAgain(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		clk := newClock()
		c := counterOf(t, contract.Budget{Requests: 1, Window: time.Minute, Algorithm: a}, clk.now)
		for round := range 20 {
			for i := range 2000 {
				c.Take(strconv.Itoa(round)+"/"+strconv.Itoa(i), 1)
			}
			clk.advance(3 * time.Minute)
		}
		if all, _ := c.store.places(); all > 1<<14 {
			t.Errorf("%s: %d places for 2000 keys at a time", a, all)
		}
	}
}

func TestAFloodOfKeysDoesNotResetASpentCounter(t *testing.T) {
	for _, a := range []contract.Algorithm{contract.Fixed, contract.Sliding, contract.Bucket} {
		c, err := NewCounter(contract.Budget{Name: "b", Requests: 5, Window: time.Hour, Algorithm: a}, 1<<10, newClock().now)
		if err != nil {
			t.Fatal(err)
		}
		for c.Take("attacker", 1).OK {
		}
		for i := range 100_000 {
			c.Take("flood "+strconv.Itoa(i), 1)
		}
		if c.Take("attacker", 1).OK {
			t.Errorf("%s: the flood bought the attacker a new budget", a)
		}
	}
}

func TestKeysAreCountedApart(t *testing.T) {
	h := newHasher()
	v4, v4b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	seen := map[key]string{}
	for name, k := range map[string]key{
		"text": h.text("a"), "text b": h.text("b"), "empty": h.text(""), "v4": h.address(v4), "v4 b": h.address(v4b),
		"none": h.address(netip.Addr{}), "v6 zero": h.address(netip.MustParseAddr("2001:db8::")),
		"both": h.both("a", v4), "both b": h.both("b", v4), "both c": h.both("a", v4b),
	} {
		if other, taken := seen[k]; taken {
			t.Errorf("%s and %s are one key", name, other)
		}
		seen[k] = name
	}
}

func TestOneAddressIsOneKey(t *testing.T) {
	h := newHasher()
	for a, b := range map[string]string{"192.0.2.1": "::ffff:192.0.2.1", "2001:db8::1": "2001:db8::ffff:0:0:1"} {
		if h.address(netip.MustParseAddr(a)) != h.address(netip.MustParseAddr(b)) {
			t.Errorf("%s and %s are two keys", a, b)
		}
	}
	if h.address(netip.MustParseAddr("::ffff:192.0.2.1")) == h.address(netip.MustParseAddr("::ffff:192.0.2.2")) {
		t.Error("two IPv4 addresses are one key")
	}
}

func TestAmongEqualsTheOldestGoes(t *testing.T) {
	r := newRule(contract.Budget{Requests: 5, Window: time.Minute})
	set := []slot{{at: 300, used: 1}, {at: 200, used: 1}, {at: 100, used: 3}, {at: 250, used: 1}}
	for range set {
		if v := leastUsed(set, r, 50); v.at != 200 {
			t.Errorf("%+v is not the oldest of the least used of %+v", v, set)
		}
		set = append(set[1:], set[0]) // wherever it stands
	}
	sliding := newRule(contract.Budget{Requests: 9, Window: 10, Algorithm: contract.Sliding})
	fading, spent := slot{at: 100, used: 5}, slot{at: 110, used: 4} // half of the five is left at 115
	if v := leastUsed([]slot{spent, fading}, sliding, 115); v.before != 5 {
		t.Errorf("%+v is not the least used", v)
	}
}

// BenchmarkTenMillionKeys states what ten million distinct keys cost in memory:
// the bound of the table, whatever the number of keys.
func BenchmarkTenMillionKeys(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		c := counterOf(b, contract.Budget{Requests: 600, Window: 10 * time.Minute}, nil)
		var a [16]byte
		for i := range 10_000_000 {
			a[0], a[1], a[2], a[3], a[4], a[5] = 0x20, 1, byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
			c.take(c.hasher.address(netip.AddrFrom16(a)), 1)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
		runtime.KeepAlive(c)
	}
}
