package authn

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestRecognisedTokenStillEnds(t *testing.T) {
	clock := now
	j := newJWT(t, func(cfg *JWTConfig) { cfg.Now = func() time.Time { return clock } })
	token := newIssuer().good(t, "EdDSA")
	if _, err := j.Parse(token); err != nil {
		t.Fatal(err)
	}
	clock = now.Add(15 * time.Minute)
	if _, err := j.Parse(token); !errors.Is(err, ErrExpired) {
		t.Errorf("after its time: %v; want ErrExpired", err)
	}
}

func TestRecognisedTokenEndsWithItsKey(t *testing.T) {
	i := newIssuer()
	keys := i.keys(t)
	j := newJWT(t, func(cfg *JWTConfig) {
		cfg.Keys = func(kid string) (Key, error) { return FixedKeys(keys)(kid) }
	})
	token := i.good(t, "HS256")
	if _, err := j.Parse(token); err != nil {
		t.Fatal(err)
	}
	another, err := NewKey("HS256", []byte("another secret of thirty-two bytes"))
	if err != nil {
		t.Fatal(err)
	}
	keys["HS256"] = another
	if _, err := j.Parse(token); !errors.Is(err, ErrInvalid) {
		t.Errorf("after its key was replaced: %v; want ErrInvalid", err)
	}
	delete(keys, "HS256")
	if _, err := j.Parse(token); !errors.Is(err, ErrInvalid) {
		t.Errorf("after its key was withdrawn: %v; want ErrInvalid", err)
	}
}

func TestKeyMadeAnewForEachTokenStillVerifies(t *testing.T) {
	i := newIssuer()
	j := newJWT(t, func(cfg *JWTConfig) {
		cfg.Keys = func(kid string) (Key, error) { return i.keys(t)[kid], nil }
	})
	for range 2 {
		if _, err := j.Parse(i.good(t, "HS256")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefusedTokenIsNotRemembered(t *testing.T) {
	j := newJWT(t, nil)
	token := newIssuer().sign(t, "ES256", goodHeader("EdDSA"), goodClaims())
	for range 2 {
		if _, err := j.Parse(token); !errors.Is(err, ErrInvalid) {
			t.Fatalf("Parse: %v; want ErrInvalid", err)
		}
	}
	if _, known := j.cache.get(fingerprint(token)); known {
		t.Error("a refused token is remembered")
	}
}

func TestCacheIsBounded(t *testing.T) {
	for _, row := range []struct{ size, most int }{{-1, 0}, {1, 2}, {100, 100}} {
		c := newCache(row.size)
		for i := range 10_000 {
			c.put(fingerprint(strconv.Itoa(i)), verified{})
		}
		if held := len(c.young) + len(c.old); held > row.most {
			t.Errorf("size %d: %d tokens are held", row.size, held)
		}
	}
}

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache(100)
	used := fingerprint("used")
	c.put(used, verified{})
	for i := range 10_000 {
		c.put(fingerprint(strconv.Itoa(i)), verified{})
		if _, ok := c.get(used); !ok {
			t.Fatalf("forgotten after %d others", i)
		}
	}
	if _, ok := c.get(fingerprint("0")); ok {
		t.Error("what nobody uses is still held")
	}
}

func TestLongTokensAreToldApart(t *testing.T) {
	long := strings.Repeat("a", 1<<10)
	if fingerprint(long+"b") == fingerprint(long+"c") || fingerprint(long) == fingerprint(long[1:]) {
		t.Error("two tokens have one fingerprint")
	}
}

func TestRecognisingAllocatesNothing(t *testing.T) {
	j := newJWT(t, nil)
	token := newIssuer().good(t, "EdDSA")
	if n := testing.AllocsPerRun(100, func() {
		if _, err := j.Parse(token); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}
