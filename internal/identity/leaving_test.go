package identity

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// leaver is a service whose caller goes away while a password is hashed, or when
// the clock is read the first time, which is in the middle of a refresh.
type leaver struct {
	*world
	hashing, reading context.CancelFunc
}

func eachLeaver(t *testing.T, f func(t *testing.T, w *leaver)) {
	t.Helper()
	storetest.Each(t, []store.Schema{Schema()}, func(t *testing.T, s *store.Store) {
		w := &leaver{}
		w.world = newWorld(t, s, func(cfg *Config) {
			now := cfg.Now
			cfg.Now = func() time.Time {
				if w.reading != nil {
					w.reading()
				}
				return now()
			}
		})
		w.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, n uint32) []byte {
			if w.hashing != nil {
				w.hashing()
			}
			return argon2.IDKey(password, salt, passes, memory, threads, n)
		}
		f(t, w)
	})
}

// scene is a service with lydia, who is signed in.
type scene struct {
	*leaver
	t *testing.T
	p *call.Principal
	g Grant
}

func (s scene) signIn(ctx context.Context, password string) error {
	_, err := s.Login(ctx, Credentials{Email: "lydia@example.org", Password: password}, from("192.0.2.1"))
	return err
}

func (s scene) changePassword(ctx context.Context, current string) error {
	return s.ChangePassword(ctx, s.p, current, "another long secret", from("192.0.2.1"))
}

func (s scene) refresh(ctx context.Context) error {
	_, err := s.Refresh(ctx, s.g.RefreshToken, from("192.0.2.1"))
	return err
}

// refreshAgain leaves in the second refresh, when the first was answered long ago.
func (s scene) refreshAgain(ctx context.Context) error {
	leave := s.reading
	s.reading = nil
	if err := s.refresh(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.clock.move(time.Minute)
	s.reading = leave
	return s.refresh(ctx)
}

func (s scene) signUp(ctx context.Context) error {
	_, err := s.SignUp(ctx, NewMember{Username: "archie", Email: "archie@example.org", Password: goodPassword}, "", from("192.0.2.1"))
	return err
}

func (s scene) setUp(ctx context.Context) error {
	token, _, err := s.CreateSetupToken(s.t.Context(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.RedeemSetup(ctx, token, NewMember{Username: "first", Email: "first@example.org", Password: goodPassword}, from("192.0.2.1"))
	return err
}

// What was decided is done and recorded, whether or not somebody waits for it.
func TestADecisionOutlivesItsCaller(t *testing.T) {
	hashing := func(w *leaver, leave context.CancelFunc) { w.hashing = leave }
	reading := func(w *leaver, leave context.CancelFunc) { w.reading = leave }
	before := func(_ *leaver, leave context.CancelFunc) { leave() }
	for _, row := range []struct {
		name            string
		leaves          func(w *leaver, leave context.CancelFunc)
		act             func(ctx context.Context, s scene) error
		want            error
		action, outcome string
	}{
		{"a wrong password", hashing, func(ctx context.Context, s scene) error { return s.signIn(ctx, "wrong password") }, ErrCredentials, "LOGIN_FAILED", "failure"},
		{"a right password", hashing, func(ctx context.Context, s scene) error { return s.signIn(ctx, goodPassword) }, nil, "LOGIN", "success"},
		{"a wrong current password", hashing, func(ctx context.Context, s scene) error { return s.changePassword(ctx, "wrong password") }, ErrCredentials, "PASSWORD_CHANGED", "failure"},
		{"a new password", hashing, func(ctx context.Context, s scene) error { return s.changePassword(ctx, goodPassword) }, nil, "PASSWORD_CHANGED", "success"},
		{"a refresh", reading, func(ctx context.Context, s scene) error { return s.refresh(ctx) }, nil, "", ""},
		{"a refresh token that was used", reading, func(ctx context.Context, s scene) error { return s.refreshAgain(ctx) }, ErrRefresh, "REFRESH_REUSED", "failure"},
		{"a logout", before, func(ctx context.Context, s scene) error { return s.Logout(ctx, s.p, from("192.0.2.1")) }, nil, "LOGOUT", "success"},
		{"a logout everywhere", before, func(ctx context.Context, s scene) error { return s.LogoutAll(ctx, s.p, from("192.0.2.1")) }, nil, "LOGOUT_ALL", "success"},
		{"a sign-up", hashing, func(ctx context.Context, s scene) error { return s.signUp(ctx) }, nil, "SIGN_UP", "success"},
		{"a setup", hashing, func(ctx context.Context, s scene) error { return s.setUp(ctx) }, nil, "SETUP", "success"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachLeaver(t, func(t *testing.T, w *leaver) {
				m := w.member(t, "lydia", Ordinary)
				s := scene{leaver: w, t: t, g: w.login(t, "lydia", false)}
				s.p = &call.Principal{ID: m.ID, Role: string(m.Role), Session: s.g.Session}
				audited := func() int {
					return len(column(t, w.store, store.Actor{ID: "a", Role: "admin"},
						`SELECT id FROM audit_entries WHERE action = $1 AND outcome = $2`, row.action, row.outcome))
				}
				recorded := audited()
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				row.leaves(w, leave)
				if err := row.act(ctx, s); !errors.Is(err, row.want) {
					t.Errorf("the error is %v, not %v", err, row.want)
				}
				if row.action != "" && audited() != recorded+1 {
					t.Errorf("%s is not on record", row.action)
				}
			})
		})
	}
}

// What follows a verdict has an end all the same.
func TestADecisionIsBounded(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	ctx, done := decided(gone)
	defer done()
	end, bounded := ctx.Deadline()
	if ctx.Err() != nil || !bounded || time.Until(end) > time.Minute {
		t.Errorf("the context of a decision: %v, ends %v", ctx.Err(), end)
	}
}
