package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

func TestSchemaRollsBack(t *testing.T) { rollback(t) }

func TestLoginGivesTokensOrACookieNeverBoth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", Manager)
		bearer := w.login(t, "lydia", false)
		if bearer.Cookie != "" || bearer.AccessToken == "" || !wellFormed(bearer.RefreshToken) || bearer.ExpiresIn != 15*time.Minute {
			t.Errorf("a login without cookie gives %+v", bearer)
		}
		cookie := w.login(t, "lydia", true)
		if !wellFormed(cookie.Cookie) || cookie.AccessToken != "" || cookie.RefreshToken != "" {
			t.Errorf("a login with cookie gives %+v", cookie)
		}
		p, err := w.Bearer().Verify(t.Context(), bearer.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		if p.ID != m.ID || p.Role != "manager" || p.Email != "lydia@example.org" || p.Username != "lydia" ||
			p.Session != bearer.Session || p.Method != "bearer" || p.Scopes != nil {
			t.Errorf("the bearer is %+v", p)
		}
		if want := w.clock.now().Add(15 * time.Minute).Truncate(time.Second); !p.Expires.Equal(want) {
			t.Errorf("the bearer ends %v, not %v", p.Expires, want)
		}
		if p, err = w.Cookie().Verify(t.Context(), cookie.Cookie); err != nil || p.ID != m.ID || p.Method != "cookie" || p.Session != cookie.Session {
			t.Errorf("the cookie is %+v, %v", p, err)
		}
	})
}

func TestLetterCaseOfAnAddressDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		if _, err := w.Login(t.Context(), Credentials{Email: " LYDIA@Example.ORG ", Password: goodPassword}, from("192.0.2.1")); err != nil {
			t.Error(err)
		}
	})
}

func TestEachLoginIsANewSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		a, b := w.login(t, "lydia", true), w.login(t, "lydia", true)
		if a.Cookie == b.Cookie || a.Session == b.Session {
			t.Error("two logins share a session")
		}
	})
}

// Nothing that a client can see or time differs between the three.
func TestRefusedLoginsAreAlike(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		w.member(t, "suspended", Ordinary)
		if _, err := w.Suspend(t.Context(), Operator(), "suspended@example.org"); err != nil {
			t.Fatal(err)
		}
		hashes := 0
		w.hasher.derive = func(p, s []byte, a, b uint32, c uint8, d uint32) []byte {
			hashes++
			return argon2.IDKey(p, s, a, b, c, d)
		}
		audited := func() int {
			return len(column(t, w.store, store.Actor{ID: "a", Role: "admin"}, `SELECT id FROM audit_entries WHERE action = 'LOGIN_FAILED'`))
		}
		for _, c := range []Credentials{
			{Email: "nobody@example.org", Password: goodPassword},
			{Email: "lydia@example.org", Password: "wrong password"},
			{Email: "suspended@example.org", Password: goodPassword},
			{Email: "suspended@example.org", Password: "wrong password"},
			{Email: "", Password: ""},
		} {
			hashes = 0
			before := audited()
			_, err := w.Login(t.Context(), c, from("192.0.2.1"))
			if err == nil || err.Error() != ErrCredentials.Error() {
				t.Errorf("%s: the error is %v", c.Email, err)
			}
			if hashes != 1 {
				t.Errorf("%s: %d hashes were computed", c.Email, hashes)
			}
			if n := audited() - before; n != 1 {
				t.Errorf("%s: %d entries were written", c.Email, n)
			}
		}
	})
}

func TestImportedHashIsUpgradedByALogin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hash, err := bcrypt.GenerateFromPassword([]byte(goodPassword), 4)
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.ImportMember(t.Context(), Operator(), NewMember{Username: "lydia", Email: "lydia@example.org"}, string(hash))
		if err != nil {
			t.Fatal(err)
		}
		if w.hasher.cost.Load() != 4 {
			t.Error("nobody knows that imported hashes are about")
		}
		stored := func() string {
			return read[string](t, w.store, store.System(), `SELECT password_hash FROM members WHERE id = $1`, m.ID)
		}
		if _, err := w.Login(t.Context(), Credentials{Email: "lydia@example.org", Password: "wrong password"}, from("192.0.2.1")); !errors.Is(err, ErrCredentials) {
			t.Errorf("a wrong password gives %v", err)
		}
		if stored() != string(hash) {
			t.Error("a wrong password changed the hash")
		}
		hashes := 0
		w.hasher.derive = func(p, s []byte, a, b uint32, c uint8, d uint32) []byte {
			hashes++
			return argon2.IDKey(p, s, a, b, c, d)
		}
		w.login(t, "lydia", false)
		if !strings.HasPrefix(stored(), "$argon2id$") {
			t.Errorf("the hash is still %s", stored())
		}
		if hashes != 1 { // a second one would tell who does not see the answer
			t.Errorf("the right password computes %d hashes", hashes)
		}
		w.login(t, "lydia", false)
		if err := w.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.hasher.cost.Load() != 0 {
			t.Error("bcrypt is still paid for, and no imported hash is left")
		}
	})
}

func TestLongPasswordOfAnImportedHashIsNotCutForGood(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		long := strings.Repeat("0123456789", 8)
		hash, err := bcrypt.GenerateFromPassword([]byte(long[:72]), 4)
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.ImportMember(t.Context(), Operator(), NewMember{Username: "lydia", Email: "lydia@example.org"}, string(hash))
		if err != nil {
			t.Fatal(err)
		}
		for _, password := range []string{long[:76] + "typo", long} {
			if _, err := w.Login(t.Context(), Credentials{Email: "lydia@example.org", Password: password}, from("192.0.2.1")); err != nil {
				t.Errorf("the first 72 bytes are right: %v", err)
			}
		}
		if got := read[string](t, w.store, store.System(), `SELECT password_hash FROM members WHERE id = $1`, m.ID); got != string(hash) {
			t.Error("the hash was replaced by one of all 80 bytes")
		}
	})
}

func TestImportRefusesWhatIsNoHash(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, hash := range []string{"", "secret", "$2x$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
			"$2a$31$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"} {
			_, err := w.ImportMember(t.Context(), Operator(), NewMember{Username: "lydia", Email: "lydia@example.org"}, hash)
			if _, ok := errors.AsType[Faults](err); !ok {
				t.Errorf("%q gives %v", hash, err)
			}
		}
	})
}

// An Argon2id hash of other parameters would take its own time at every login.
func TestImportRefusesArgon2idOfOtherParameters(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for parameters, taken := range map[string]bool{"m=8,t=1,p=1": true, "m=16,t=1,p=1": false, "m=8,t=2,p=1": false, "m=8,t=1,p=2": false} {
			_, err := w.ImportMember(t.Context(), Operator(), NewMember{Username: "lydia", Email: "lydia@example.org"},
				"$argon2id$v=19$"+parameters+"$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
			if taken {
				if err != nil {
					t.Errorf("%s: %v", parameters, err)
				}
				continue
			}
			want := "passwordHash has the Argon2id parameters " + parameters + ", and only m=8,t=1,p=1 are taken: " +
				"the time of a login would tell whose hash it is; invite the member instead"
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, not %s", parameters, err, want)
			}
		}
	})
}

func TestAttackedAccountIsSlowedAndNeverLocked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		w.login(t, "lydia", false) // from 192.0.2.1
		for _, email := range []string{"lydia@example.org", "nobody@example.org"} {
			w.slept = nil
			for i := range 12 {
				_, err := w.Login(t.Context(), Credentials{Email: email, Password: "wrong password"}, from(fmt.Sprintf("198.51.100.%d", i)))
				if !errors.Is(err, ErrCredentials) {
					t.Fatal(err)
				}
			}
			if len(w.slept) != 2 || w.slept[0] != firstDelay {
				t.Errorf("%s: held up for %v", email, w.slept)
			}
		}
		reports := column(t, w.store, store.Actor{ID: "a", Role: "admin"}, `SELECT details FROM audit_entries WHERE action = 'LOGIN_FAILED' AND details LIKE '%attacked%'`)
		if len(reports) != 2 {
			t.Errorf("%d attacks are on record, of two", len(reports))
		}

		w.slept = nil
		w.login(t, "lydia", false)
		if len(w.slept) != 0 {
			t.Error("an address that has signed in before is held up")
		}
		if _, err := w.Login(t.Context(), Credentials{Email: "lydia@example.org", Password: goodPassword}, from("203.0.113.9")); err != nil {
			t.Errorf("the right password from a new address gives %v", err)
		}
		if len(w.slept) != 1 {
			t.Error("a new address is not held up")
		}
		w.clock.move(attackWindow)
		w.slept = nil
		if _, err := w.Login(t.Context(), Credentials{Email: "nobody@example.org", Password: goodPassword}, from("203.0.113.9")); !errors.Is(err, ErrCredentials) || len(w.slept) != 0 {
			t.Errorf("after the window: %v, held up for %v", err, w.slept)
		}
	})
}

func TestDelayIsBounded(t *testing.T) {
	c := &clock{at: time.Unix(0, 0)}
	a := newAttacks(c.now)
	account := [32]byte{1}
	for i := range 9 {
		a.failed(account, fmt.Sprint(i))
	}
	if d := a.delay(account); d != 0 {
		t.Errorf("nine failures are held up for %v", d)
	}
	for i := range 10_000 {
		a.failed(account, fmt.Sprint(i))
	}
	if d := a.delay(account); d != longestDelay {
		t.Errorf("held up for %v", d)
	}
	if n := len(a.seen[account].addresses); n > attackAddresses {
		t.Errorf("%d addresses are kept", n)
	}
	one := [32]byte{2}
	for range 100 {
		a.failed(one, "the same address")
	}
	if d := a.delay(one); d != 0 {
		t.Errorf("failures from one address, which the budget stops, are held up for %v", d)
	}
}

func TestFloodOfNamesDoesNotHideAnAttack(t *testing.T) {
	c := &clock{at: time.Unix(0, 0)}
	a := newAttacks(c.now)
	account := [32]byte{1}
	for i := range 50 {
		a.failed(account, fmt.Sprint(i))
	}
	for i := range 3 * attackAccounts {
		a.failed([32]byte{2, byte(i), byte(i >> 8), byte(i >> 16)}, "x")
	}
	if len(a.seen) > attackAccounts {
		t.Errorf("%d accounts are kept", len(a.seen))
	}
	if a.delay(account) == 0 {
		t.Error("the account under attack was forgotten")
	}
}

func TestWaitingForADelayIsBounded(t *testing.T) {
	a := newAttacks(time.Now)
	for range maxDelayed {
		if !a.enter() {
			t.Fatal("refused too early")
		}
	}
	if a.enter() {
		t.Error("there is no end to waiting")
	}
	a.leave()
	if !a.enter() {
		t.Error("a place that was left is not given again")
	}
}

func TestLoginGivesUpWithItsCaller(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.cfg.Sleep = func(ctx context.Context, _ time.Duration) error { return context.Canceled }
		for i := range 10 {
			w.attacks.failed(w.secrets.accountOf("lydia@example.org"), fmt.Sprint(i))
		}
		_, err := w.Login(t.Context(), Credentials{Email: "lydia@example.org", Password: goodPassword}, from("192.0.2.1"))
		if !errors.Is(err, context.Canceled) || w.attacks.delayed != 0 {
			t.Errorf("got %v; %d still wait", err, w.attacks.delayed)
		}
	})
}
