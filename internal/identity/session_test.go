package identity

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func rollback(t *testing.T) { storetest.Rollback(t, []store.Schema{Schema()}) }

// principals signs lydia in both ways and proves that both hold.
func principals(t *testing.T, w *world) (verify map[string]func() error, bearer, cookie *call.Principal) {
	t.Helper()
	b, c := w.login(t, "lydia", false), w.login(t, "lydia", true)
	verify = map[string]func() error{
		"bearer": func() error { _, err := w.Bearer().Verify(t.Context(), b.AccessToken); return err },
		"cookie": func() error { _, err := w.Cookie().Verify(t.Context(), c.Cookie); return err },
	}
	var err error
	if bearer, err = w.Bearer().Verify(t.Context(), b.AccessToken); err != nil {
		t.Fatal(err)
	}
	if cookie, err = w.Cookie().Verify(t.Context(), c.Cookie); err != nil {
		t.Fatal(err)
	}
	for range 3 { // from memory as well
		for name, f := range verify {
			if err := f(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	return verify, bearer, cookie
}

func TestEndedSessionsAreRefusedOnTheNextCall(t *testing.T) {
	for _, row := range []struct {
		name           string
		end            func(w *world, bearer, cookie *call.Principal) error
		bearer, cookie error // what each is refused with; nil goes on
	}{
		{"logout of the bearer", func(w *world, b, _ *call.Principal) error { return w.Logout(context.Background(), b, Origin{}) }, authn.ErrRevoked, nil},
		{"logout of the cookie", func(w *world, _, c *call.Principal) error { return w.Logout(context.Background(), c, Origin{}) }, nil, authn.ErrRevoked},
		{"logout everywhere", func(w *world, b, _ *call.Principal) error { return w.LogoutAll(context.Background(), b, Origin{}) }, authn.ErrRevoked, authn.ErrRevoked},
		{"suspended", func(w *world, b, _ *call.Principal) error {
			_, err := w.Suspend(context.Background(), Operator(), b.ID)
			return err
		}, authn.ErrRevoked, authn.ErrRevoked},
		{"a new password keeps the session that set it", func(w *world, b, _ *call.Principal) error {
			return w.ChangePassword(context.Background(), b, goodPassword, "another long secret", Origin{})
		}, nil, authn.ErrRevoked},
		{"a password that the operator sets", func(w *world, b, _ *call.Principal) error {
			_, err := w.ResetPassword(context.Background(), Operator(), b.ID, "another long secret")
			return err
		}, authn.ErrRevoked, authn.ErrRevoked},
		{"fourteen minutes end neither", func(w *world, _, _ *call.Principal) error { w.clock.move(14 * time.Minute); return nil }, nil, nil},
		{"an access token ends by itself", func(w *world, _, _ *call.Principal) error { w.clock.move(15 * time.Minute); return nil }, authn.ErrExpired, nil},
		{"an idle hour ends a cookie", func(w *world, _, _ *call.Principal) error { w.clock.move(time.Hour); return nil }, authn.ErrExpired, authn.ErrExpired},
	} {
		t.Run(row.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.member(t, "lydia", Ordinary)
				verify, bearer, cookie := principals(t, w)
				if err := row.end(w, bearer, cookie); err != nil {
					t.Fatal(err)
				}
				for name, want := range map[string]error{"bearer": row.bearer, "cookie": row.cookie} {
					if got := verify[name](); !errors.Is(got, want) {
						t.Errorf("the %s gets %v, not %v", name, got, want)
					}
				}
				for p, want := range map[*call.Principal]error{bearer: row.bearer, cookie: row.cookie} {
					if alive := w.Alive(t.Context(), p); alive != (want == nil) {
						t.Errorf("the socket of the %s: alive is %v", p.Method, alive)
					}
				}
			})
		})
	}
}

// Another server, or the command line, is another process with a store of its own.
func TestWhatAnotherProcessEndsIsRefused(t *testing.T) {
	for _, row := range []struct {
		name   string
		end    func(ctx context.Context, other *world, bearer *call.Principal) error
		cookie bool // whether the cookie ends as well
	}{
		{"suspended", func(ctx context.Context, o *world, p *call.Principal) error {
			_, err := o.Suspend(ctx, Operator(), p.ID)
			return err
		}, true},
		{"logged out", func(ctx context.Context, o *world, p *call.Principal) error { return o.Logout(ctx, p, Origin{}) }, false},
		{"logged out everywhere", func(ctx context.Context, o *world, p *call.Principal) error { return o.LogoutAll(ctx, p, Origin{}) }, true},
		{"a new password, set with a third session", func(ctx context.Context, o *world, p *call.Principal) error {
			third := *p
			third.Session = "third"
			return o.ChangePassword(ctx, &third, goodPassword, "another long secret", Origin{})
		}, true},
		{"a password that the operator sets", func(ctx context.Context, o *world, p *call.Principal) error {
			_, err := o.ResetPassword(ctx, Operator(), p.ID, "another long secret")
			return err
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, engine := range store.Engines() {
				t.Run(string(engine), func(t *testing.T) {
					server, other := twoProcesses(t, engine)
					server.member(t, "lydia", Ordinary)
					verify, bearer, cookie := principals(t, server)
					if err := row.end(t.Context(), other, bearer); err != nil {
						t.Fatal(err)
					}
					eventually(t, func() bool { return verify["bearer"]() != nil && (verify["cookie"]() != nil) == row.cookie })
					if server.Alive(t.Context(), bearer) || server.Alive(t.Context(), cookie) == row.cookie {
						t.Error("a socket is alive that should not be, or the other way round")
					}
				})
			}
		})
	}
}

func TestRoleThatAnotherProcessGivesHolds(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			server, other := twoProcesses(t, engine)
			server.member(t, "lydia", Manager)
			_, bearer, _ := principals(t, server)
			if _, err := other.SetRole(t.Context(), Operator(), bearer.ID, Ordinary); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { return !server.Alive(t.Context(), bearer) })
		})
	}
}

func TestReuseThatAnotherProcessSeesEndsTheFamily(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			server, other := twoProcesses(t, engine)
			server.member(t, "lydia", Ordinary)
			g := server.login(t, "lydia", false)
			mustRefresh(t, server, mustRefresh(t, server, g.RefreshToken).RefreshToken)
			verify := func() error { _, err := server.Bearer().Verify(t.Context(), g.AccessToken); return err }
			if err := verify(); err != nil {
				t.Fatal(err)
			}
			if _, err := other.Refresh(t.Context(), g.RefreshToken, from("192.0.2.1")); !errors.Is(err, ErrRefresh) {
				t.Fatal(err)
			}
			eventually(t, func() bool { return verify() != nil })
		})
	}
}

// eventually waits for what PostgreSQL tells the other process: a notification
// travels.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("the other process has not heard of it")
		case <-time.After(time.Millisecond):
		}
	}
}

func twoProcesses(t *testing.T, engine store.Engine) (server, other *world) {
	t.Helper()
	cfg := store.Config{Engine: engine, Path: t.TempDir() + "/gatehouse.db"}
	if engine == store.Postgres {
		cfg = storetest.Postgres(t).Config()
	}
	m, err := store.OpenMigrator(t.Context(), cfg, Schema())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	open := func() *world {
		s, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return newWorld(t, s, nil)
	}
	return open(), open()
}

func TestCookieStaysAwakeWhileUsedAndEndsAfterADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		g := w.login(t, "lydia", true)
		for i := range 28 {
			w.clock.move(50 * time.Minute)
			_, err := w.Cookie().Verify(t.Context(), g.Cookie)
			if err != nil {
				t.Fatalf("after %d times 50 minutes: %v", i+1, err)
			}
		}
		w.clock.move(40 * time.Minute)
		if _, err := w.Cookie().Verify(t.Context(), g.Cookie); !errors.Is(err, authn.ErrExpired) {
			t.Errorf("after a day: %v", err)
		}
	})
}

// Staying awake is no change that one process tells another about.
func TestSessionKeptAwakeElsewhereGoesOnHere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		elsewhere := newWorld(t, w.store, nil)
		w.member(t, "lydia", Ordinary)
		g := w.login(t, "lydia", true)
		verify := func(w *world) {
			t.Helper()
			if _, err := w.Cookie().Verify(t.Context(), g.Cookie); err != nil {
				t.Error(err)
			}
		}
		verify(w)
		elsewhere.clock.move(40 * time.Minute)
		verify(elsewhere)
		w.clock.move(80 * time.Minute)
		verify(w)
	})
}

func TestRoleHoldsFromTheNextCall(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Manager)
		g := w.login(t, "lydia", false)
		before, err := w.Bearer().Verify(t.Context(), g.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.SetRole(t.Context(), Operator(), "lydia@example.org", Ordinary); err != nil {
			t.Fatal(err)
		}
		p, err := w.Bearer().Verify(t.Context(), g.AccessToken)
		if err != nil || p.Role != "member" {
			t.Errorf("the principal is %+v, %v", p, err)
		}
		if w.Alive(t.Context(), before) {
			t.Error("a socket goes on with the old role")
		}
		if !slices.ContainsFunc(w.ended(), func(r Revocation) bool { return r.Ends(before) }) {
			t.Error("nobody closes the socket")
		}
	})
}

func TestWhatIsNoSessionIsInvalid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		g := w.login(t, "lydia", false)
		stranger, err := w.secrets.newToken()
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{"", "x", stranger, g.RefreshToken, g.AccessToken, digest(g.RefreshToken)} {
			if _, err := w.Cookie().Verify(t.Context(), token); !errors.Is(err, authn.ErrInvalid) && !errors.Is(err, authn.ErrRevoked) {
				t.Errorf("as a cookie %q gives %v", token, err)
			}
		}
		c := w.login(t, "lydia", true)
		for _, token := range []string{"", g.RefreshToken, c.Cookie, c.Session} {
			if _, err := w.Bearer().Verify(t.Context(), token); !errors.Is(err, authn.ErrInvalid) {
				t.Errorf("as a bearer %q gives %v", token, err)
			}
		}
	})
}

func TestTokenOfACookieSessionIsNoBearer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", Ordinary)
		c := w.login(t, "lydia", true)
		token, err := w.accessToken(t.Context(), m, c.Session, "x", w.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Bearer().Verify(t.Context(), token); !errors.Is(err, authn.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		other := w.member(t, "archie", Ordinary)
		g := w.login(t, "lydia", false)
		if token, err = w.accessToken(t.Context(), other, g.Session, "x", w.clock.now()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Bearer().Verify(t.Context(), token); err == nil {
			t.Error("a token with the session of another is let in")
		}
	})
}

func TestTokenWithoutASessionIsInvalid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", Ordinary)
		for _, row := range []struct{ member, session string }{{m.ID, ""}, {"", "session"}} {
			token, err := w.accessToken(t.Context(), Member{ID: row.member}, row.session, "x", w.clock.now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Bearer().Verify(t.Context(), token); !errors.Is(err, authn.ErrInvalid) {
				t.Errorf("sub %q, sid %q: %v", row.member, row.session, err)
			}
		}
	})
}

func TestGuestsAreAlive(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if !w.Alive(t.Context(), nil) {
			t.Error("a guest's socket is closed")
		}
	})
}

func TestStoreThatDoesNotAnswerIsNoBadCredential(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		verify, bearer, _ := principals(t, w)
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		for name, f := range verify {
			if err := f(); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, authn.ErrInvalid) || errors.Is(err, authn.ErrRevoked) {
				t.Errorf("the %s gets %v", name, err)
			}
		}
		if w.Alive(t.Context(), bearer) {
			t.Error("a socket goes on while nobody can tell")
		}
	})
}

func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		_, p, _ := principals(t, w)
		if err := w.ChangePassword(t.Context(), p, "wrong password", "another long secret", Origin{}); !errors.Is(err, ErrCredentials) {
			t.Errorf("a wrong password gives %v", err)
		}
		err := w.ChangePassword(t.Context(), p, goodPassword, "password", Origin{})
		if f, ok := errors.AsType[Faults](err); !ok || f[0].Field != "newPassword" {
			t.Errorf("a common password gives %v", err)
		}
		if err := w.ChangePassword(t.Context(), p, goodPassword, "another long secret", Origin{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Login(t.Context(), Credentials{Email: p.Email, Password: goodPassword}, from("192.0.2.1")); !errors.Is(err, ErrCredentials) {
			t.Errorf("the old password gives %v", err)
		}
		if _, err := w.Login(t.Context(), Credentials{Email: p.Email, Password: "another long secret"}, from("192.0.2.1")); err != nil {
			t.Errorf("the new password gives %v", err)
		}
	})
}

func TestResetPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", Ordinary)
		w.member(t, "archie", Ordinary)
		lost, other := w.login(t, "lydia", false), w.login(t, "archie", false)
		for next, code := range map[string]string{"short": "minLength", "lydia@example.org": "common", "gatehouse-2026": "common"} {
			_, err := w.ResetPassword(t.Context(), Operator(), m.Email, next)
			if f, ok := errors.AsType[Faults](err); !ok || f[0].Field != "password" || f[0].Code != code {
				t.Errorf("%q gives %v", next, err)
			}
		}
		if _, err := w.ResetPassword(t.Context(), Operator(), "nobody@example.org", "another long secret"); !errors.Is(err, ErrNoMember) {
			t.Errorf("an unknown member gives %v", err)
		}
		if got, err := w.ResetPassword(t.Context(), Operator(), "Lydia@example.org", "another long secret"); err != nil || got.ID != m.ID {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := w.Refresh(t.Context(), lost.RefreshToken, from("192.0.2.1")); !errors.Is(err, ErrRefresh) {
			t.Errorf("a refresh token from before gives %v", err)
		}
		mustRefresh(t, w, other.RefreshToken)
		for next, want := range map[string]error{goodPassword: ErrCredentials, "another long secret": nil} {
			if _, err := w.Login(t.Context(), Credentials{Email: m.Email, Password: next}, from("192.0.2.1")); !errors.Is(err, want) {
				t.Errorf("signing in with %q gives %v, not %v", next, err, want)
			}
		}
	})
}

func TestResetLetsNoSuspendedMemberIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", Ordinary)
		if _, err := w.Suspend(t.Context(), Operator(), m.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := w.ResetPassword(t.Context(), Operator(), m.ID, "another long secret"); err != nil || got.Status != Suspended {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := w.Login(t.Context(), Credentials{Email: m.Email, Password: "another long secret"}, from("192.0.2.1")); !errors.Is(err, ErrCredentials) {
			t.Errorf("signing in gives %v", err)
		}
	})
}

func TestLoginDuringASuspensionLoses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		w.hasher.compare = nil
		derive := w.hasher.derive
		var once sync.Once
		w.hasher.derive = func(p, s []byte, a, b uint32, c uint8, d uint32) []byte {
			once.Do(func() {
				if _, err := w.Suspend(t.Context(), Operator(), "lydia@example.org"); err != nil {
					t.Error(err)
				}
			})
			return derive(p, s, a, b, c, d)
		}
		_, err := w.Login(t.Context(), Credentials{Email: "lydia@example.org", Password: goodPassword}, from("192.0.2.1"))
		if !errors.Is(err, ErrCredentials) {
			t.Errorf("got %v", err)
		}
	})
}

func TestRevocationDuringAReadIsNotForgotten(t *testing.T) {
	c := newSessionCache(8)
	turn := c.turn()
	c.forget("lydia") // between the read and put
	c.put("key", &session{member: Member{ID: "lydia"}}, 1, turn)
	if c.get("key", 1) != nil {
		t.Error("what was read before the revocation is remembered")
	}
}

func TestRevocationTakesTheMemberOutOfMemory(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, id := range []string{"lydia", "archie"} {
			w.cache.put(id, &session{member: Member{ID: id}}, 1, w.cache.turn())
		}
		w.Service.revoked(Revocation{MemberID: "lydia"})
		if w.cache.get("lydia", 1) != nil || w.cache.get("archie", 1) == nil {
			t.Error("the member is remembered, or another is forgotten")
		}
	})
}

func TestCacheIsBoundedAndBelievesOneVersion(t *testing.T) {
	c := newSessionCache(8)
	for i := range 100 {
		c.put(string(rune('a'+i)), &session{}, 1, c.turn())
	}
	if n := len(c.young) + len(c.old); n > 8 {
		t.Errorf("%d sessions are kept", n)
	}
	c.put("key", &session{}, 1, c.turn())
	if c.get("key", 1) == nil || c.get("key", 2) != nil {
		t.Error("what was read before a change is believed after it")
	}
	none := newSessionCache(-1)
	none.put("key", &session{}, 1, none.turn())
	if none.get("key", 1) != nil {
		t.Error("a cache of no size remembers")
	}
}
