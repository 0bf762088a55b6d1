package identity

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func mustRefresh(t *testing.T, w *world, token string) Grant {
	t.Helper()
	g, err := w.Refresh(t.Context(), token, from("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRefreshRotates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		first := w.login(t, "lydia", false)
		w.clock.move(14 * time.Minute)
		second := mustRefresh(t, w, first.RefreshToken)
		if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken || second.Session != first.Session {
			t.Errorf("the second pair is %+v", second)
		}
		w.clock.move(2 * time.Minute)
		if _, err := w.Bearer().Verify(t.Context(), second.AccessToken); err != nil {
			t.Errorf("the new access token: %v", err)
		}
		mustRefresh(t, w, second.RefreshToken)
	})
}

func TestHonestRepeatGetsTheSameAnswer(t *testing.T) {
	storetest.Each(t, []store.Schema{Schema()}, func(t *testing.T, s *store.Store) {
		for _, algorithm := range []string{edDSA, es256, hs256} {
			w := newWorld(t, s, func(cfg *Config) {
				cfg.Algorithm = algorithm
				if algorithm == hs256 {
					cfg.SharedSecret = []byte("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
				}
			})
			w.member(t, algorithm, Ordinary)
			first := w.login(t, algorithm, false)
			a := mustRefresh(t, w, first.RefreshToken)
			w.clock.move(30 * time.Second)
			b := mustRefresh(t, w, first.RefreshToken)
			if a.AccessToken != b.AccessToken || a.RefreshToken != b.RefreshToken || a.ExpiresIn != b.ExpiresIn {
				t.Errorf("%s: the repeat gets another answer", algorithm)
			}
		}
	})
}

func TestReuseEndsTheFamily(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(t *testing.T, w *world, first Grant) (last Grant)
	}{
		{"after the successor was used", func(t *testing.T, w *world, first Grant) Grant {
			return mustRefresh(t, w, mustRefresh(t, w, first.RefreshToken).RefreshToken)
		}},
		{"after the time for a repeat", func(t *testing.T, w *world, first Grant) Grant {
			g := mustRefresh(t, w, first.RefreshToken)
			w.clock.move(31 * time.Second)
			return g
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.member(t, "lydia", Ordinary)
				other := w.login(t, "lydia", false)
				first := w.login(t, "lydia", false)
				last := row.do(t, w, first)
				if _, err := w.Bearer().Verify(t.Context(), last.AccessToken); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Refresh(t.Context(), first.RefreshToken, from("192.0.2.1")); !errors.Is(err, ErrRefresh) {
					t.Errorf("the second use gives %v", err)
				}
				if _, err := w.Bearer().Verify(t.Context(), last.AccessToken); err == nil {
					t.Error("the family goes on: its access token holds")
				}
				if _, err := w.Refresh(t.Context(), last.RefreshToken, from("192.0.2.1")); !errors.Is(err, ErrRefresh) {
					t.Errorf("the family goes on: its refresh token gives %v", err)
				}
				if _, err := w.Bearer().Verify(t.Context(), other.AccessToken); err != nil {
					t.Errorf("another family of the member: %v", err)
				}
				if r := w.ended(); len(r) != 1 || r[0] != (Revocation{MemberID: last.Member.ID, Session: last.Session}) {
					t.Errorf("sockets to close: %+v", r)
				}
				if n := len(column(t, w.store, store.Actor{ID: "a", Role: "admin"}, `SELECT id FROM audit_entries WHERE action = 'REFRESH_REUSED'`)); n != 1 {
					t.Errorf("%d entries about it", n)
				}
			})
		})
	}
}

func TestManyWithOneTokenGetOneSuccessor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		first := w.login(t, "lydia", false)
		const n = 32
		got := make([]Grant, n)
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { got[i], errs[i] = w.Refresh(t.Context(), first.RefreshToken, from("192.0.2.1")) })
		}
		wg.Wait()
		for i := range n {
			if errs[i] != nil || got[i].RefreshToken != got[0].RefreshToken || got[i].AccessToken != got[0].AccessToken {
				t.Fatalf("caller %d gets another answer, or %v", i, errs[i])
			}
		}
		mustRefresh(t, w, got[0].RefreshToken)
		tokens := read[int64](t, w.store, store.System(), `SELECT count(*) FROM identity_refresh_tokens WHERE session_id = $1`, first.Session)
		if tokens != 3 {
			t.Errorf("%d tokens in the family, not 3", tokens)
		}
	})
}

func TestRefreshEndsWithTheSession(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(t *testing.T, w *world, g Grant)
	}{
		{"logout", func(t *testing.T, w *world, g Grant) {
			p, err := w.Bearer().Verify(t.Context(), g.AccessToken)
			if err == nil {
				err = w.Logout(t.Context(), p, Origin{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		{"suspended", func(t *testing.T, w *world, g Grant) {
			if _, err := w.Suspend(t.Context(), Operator(), g.Member.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"seven days", func(_ *testing.T, w *world, _ Grant) { w.clock.move(7 * 24 * time.Hour) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.member(t, "lydia", Ordinary)
				g := w.login(t, "lydia", false)
				row.end(t, w, g)
				if _, err := w.Refresh(t.Context(), g.RefreshToken, from("192.0.2.1")); !errors.Is(err, ErrRefresh) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestFamilyEndsAfterThirtyDaysWhateverItDoes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		g := w.login(t, "lydia", false)
		for range 5 {
			w.clock.move(6*24*time.Hour - time.Minute)
			g = mustRefresh(t, w, g.RefreshToken)
		}
		w.clock.move(5 * time.Minute)
		if _, err := w.Refresh(t.Context(), g.RefreshToken, from("192.0.2.1")); !errors.Is(err, ErrRefresh) {
			t.Errorf("after thirty days: %v", err)
		}
		if _, err := w.Bearer().Verify(t.Context(), g.AccessToken); !errors.Is(err, authn.ErrExpired) {
			t.Errorf("its access token after thirty days: %v", err)
		}
	})
}

func TestLogoutDuringARefreshWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", Ordinary)
		g := w.login(t, "lydia", false)
		err := w.store.Write(t.Context(), store.Actor{ID: m.ID, Role: "member"}, nil, func(tx *store.Tx) error {
			read := &session{}
			if err := read.scan(tx.QueryRow(t.Context(), sessionByID, g.Session, m.ID)); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), endSession, g.Session, w.now()); err != nil {
				return err
			}
			_, _, err := w.advance(t.Context(), tx, g.RefreshToken, read, w.clock.now())
			return err
		})
		if !errors.Is(err, ErrRefresh) {
			t.Errorf("got %v", err)
		}
	})
}

func TestForeignRefreshTokens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		g, c := w.login(t, "lydia", false), w.login(t, "lydia", true)
		unknown, err := w.secrets.newToken()
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{"", unknown, g.AccessToken, c.Cookie, w.secrets.successorOf(g.RefreshToken), digest(g.RefreshToken)} {
			if _, err := w.Refresh(t.Context(), token, from("192.0.2.1")); !errors.Is(err, ErrRefresh) {
				t.Errorf("%q gives %v", token, err)
			}
		}
		if _, err := w.Bearer().Verify(t.Context(), g.AccessToken); err != nil {
			t.Errorf("the session was hurt: %v", err)
		}
	})
}

func TestTokensAtRestAreHashes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		g, c := w.login(t, "lydia", false), w.login(t, "lydia", true)
		next := mustRefresh(t, w, g.RefreshToken)
		invite, _, err := w.CreateInvite(t.Context(), Operator(), Invitation{})
		if err != nil {
			t.Fatal(err)
		}
		setup, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for _, q := range []string{
			`SELECT token_hash FROM identity_sessions`, `SELECT token_hash FROM identity_refresh_tokens`,
			`SELECT token_hash FROM identity_invites`, `SELECT token_hash FROM identity_setup_tokens`, `SELECT address_hash FROM identity_devices`,
			`SELECT sealed FROM identity_keys`, `SELECT details FROM audit_entries`, `SELECT resource FROM audit_entries`,
		} {
			reader := store.System()
			if strings.Contains(q, "audit_entries") {
				reader = store.Actor{ID: "a", Role: "admin"}
			}
			kept = append(kept, column(t, w.store, reader, q)...)
		}
		if len(kept) < 10 {
			t.Fatalf("only %d values", len(kept))
		}
		for _, secret := range []string{g.RefreshToken, next.RefreshToken, c.Cookie, invite, setup, "lydia@example.org", "192.0.2.1", goodPassword} {
			for _, v := range kept {
				if containsFold(v, secret) {
					t.Errorf("a secret stands in the database: %s", v)
				}
			}
		}
	})
}
