package identity

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

func TestOneOfManySignUpsWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const n = 16
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				email := "lydia@example.org"
				if i%2 == 0 {
					email = "Lydia@EXAMPLE.org"
				}
				_, errs[i] = w.SignUp(t.Context(), NewMember{Username: fmt.Sprintf("lydia %d", i), Email: email, Password: goodPassword}, "", from("192.0.2.1"))
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, ErrTaken) {
				t.Errorf("a loser gets %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d sign-ups of one address went through", won)
		}
	})
}

func TestUsernamesDifferByMoreThanLetterCase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		_, err := w.SignUp(t.Context(), NewMember{Username: "LYDIA", Email: "other@example.org", Password: goodPassword}, "", from("192.0.2.1"))
		if !errors.Is(err, ErrTaken) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSignUpMakesOrdinaryMembers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m, err := w.SignUp(t.Context(), NewMember{Username: "lydia", Email: "lydia@example.org", Password: goodPassword, Role: Admin}, "", from("192.0.2.1"))
		if err != nil || m.Role != Ordinary || m.Status != Active {
			t.Errorf("the member is %+v, %v", m, err)
		}
		w.login(t, "lydia", false)
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.cfg.SignUp = SignUpInvite
		invite := func(i Invitation) string {
			t.Helper()
			token, expires, err := w.CreateInvite(t.Context(), Operator(), i)
			if err != nil || !expires.Equal(w.clock.now().Add(24*time.Hour)) {
				t.Fatalf("until %v, %v", expires, err)
			}
			return token
		}
		join := func(name, token string) (Member, error) {
			return w.SignUp(t.Context(), NewMember{Username: name, Email: name + "@example.org", Password: goodPassword}, token, from("192.0.2.1"))
		}
		if _, err := join("nobody", ""); !errors.Is(err, ErrInvite) {
			t.Errorf("without an invitation: %v", err)
		}
		unknown, _ := w.secrets.newToken()
		if _, err := join("nobody", unknown); !errors.Is(err, ErrInvite) {
			t.Errorf("with a made-up one: %v", err)
		}
		token := invite(Invitation{Email: "Lydia@example.org", Role: Counsellor})
		if _, err := join("other", token); !errors.Is(err, ErrInvite) {
			t.Errorf("with that of another: %v", err)
		}
		if m, err := join("lydia", token); err != nil || m.Role != Counsellor {
			t.Errorf("with the own one: %+v, %v", m, err)
		}
		if _, err := join("lydia2", token); !errors.Is(err, ErrInvite) {
			t.Errorf("a second time: %v", err)
		}
		if _, _, err := w.CreateInvite(t.Context(), Operator(), Invitation{Email: "LYDIA@example.org"}); !errors.Is(err, ErrTaken) {
			t.Errorf("an invitation for a member: %v", err)
		}
		token = invite(Invitation{})
		if _, err := join("lydia", token); !errors.Is(err, ErrTaken) {
			t.Errorf("with a taken address: %v", err)
		}
		if _, err := join("archie", token); err != nil {
			t.Errorf("a sign-up that went wrong used the invitation up: %v", err)
		}
		token = invite(Invitation{})
		w.clock.move(24 * time.Hour)
		if _, err := join("late", token); !errors.Is(err, ErrInvite) {
			t.Errorf("after a day: %v", err)
		}
	})
}

func TestOneInvitationMakesOneMember(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _, err := w.CreateInvite(t.Context(), Operator(), Invitation{Role: Admin})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 8 {
			wg.Go(func() {
				name := fmt.Sprintf("lydia%d", i)
				_, err := w.SignUp(t.Context(), NewMember{Username: name, Email: name + "@example.org", Password: goodPassword}, token, from("192.0.2.1"))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, ErrInvite) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d members of one invitation", won)
		}
	})
}

func TestSignUpOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _, err := w.CreateInvite(t.Context(), Operator(), Invitation{})
		if err != nil {
			t.Fatal(err)
		}
		w.cfg.SignUp = SignUpOff
		if _, err := w.SignUp(t.Context(), NewMember{Username: "lydia", Email: "lydia@example.org", Password: goodPassword}, token, from("192.0.2.1")); !errors.Is(err, ErrSignUpClosed) {
			t.Errorf("sign-up gives %v", err)
		}
		if _, _, err := w.CreateInvite(t.Context(), Operator(), Invitation{}); !errors.Is(err, ErrSignUpClosed) {
			t.Errorf("an invitation gives %v", err)
		}
	})
}

func TestLastAdminStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.member(t, "first", Admin)
		if _, err := w.SetRole(t.Context(), Operator(), a.ID, Manager); !errors.Is(err, ErrLastAdmin) {
			t.Errorf("a new role gives %v", err)
		}
		if _, err := w.Suspend(t.Context(), Operator(), a.ID); !errors.Is(err, ErrLastAdmin) {
			t.Errorf("a suspension gives %v", err)
		}
		if m, err := w.FindMember(t.Context(), Operator(), a.ID); err != nil || m.Role != Admin || m.Status != Active {
			t.Errorf("the admin is %+v, %v", m, err)
		}
		w.login(t, "first", false)
		b := w.member(t, "second", Admin)
		if _, err := w.Suspend(t.Context(), Operator(), a.ID); err != nil {
			t.Errorf("one of two: %v", err)
		}
		if _, err := w.SetRole(t.Context(), Operator(), b.ID, Ordinary); !errors.Is(err, ErrLastAdmin) {
			t.Errorf("the other admin is suspended, and a new role gives %v", err)
		}
		if _, err := w.Reinstate(t.Context(), Operator(), a.ID); err != nil {
			t.Error(err)
		}
		if _, err := w.SetRole(t.Context(), Operator(), b.ID, Ordinary); err != nil {
			t.Error(err)
		}
	})
}

func TestTwoAdminsCannotRemoveEachOtherAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for round := range 10 {
			a, b := w.member(t, fmt.Sprintf("first%d", round), Admin), w.member(t, fmt.Sprintf("second%d", round), Admin)
			var met sync.WaitGroup // both have begun before either goes on
			if w.store.Engine() == store.Postgres {
				met.Add(2)
			}
			var wg sync.WaitGroup
			for _, who := range []string{a.ID, b.ID} {
				var once sync.Once // a transaction that runs again finds nobody to meet
				wg.Go(func() {
					_, err := w.alter(t.Context(), Operator(), who, &store.Change{}, func(_ *store.Tx, m *Member) error {
						once.Do(func() {
							if w.store.Engine() == store.Postgres {
								met.Done()
								met.Wait()
							}
						})
						m.Role = Ordinary
						return nil
					})
					if err != nil && !errors.Is(err, ErrLastAdmin) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := read[int64](t, w.store, store.System(), `SELECT count(*) FROM members WHERE role = 'admin'`); n != 1 {
				t.Fatalf("%d admins are left", n)
			}
			if _, err := w.SetRole(t.Context(), Operator(), a.ID, Admin); err != nil {
				t.Fatal(err)
			}
			if _, err := w.SetRole(t.Context(), Operator(), b.ID, Ordinary); err != nil {
				t.Fatal(err)
			}
			if err := w.store.Write(t.Context(), store.System(), nil, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `DELETE FROM members`)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAdministrationSaysWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.Suspend(t.Context(), Operator(), "nobody@example.org"); !errors.Is(err, ErrNoMember) {
			t.Errorf("an unknown member gives %v", err)
		}
		_, err := w.AddMember(t.Context(), Operator(), NewMember{Username: "x", Email: "y", Password: "z", Role: "king"})
		f, _ := errors.AsType[Faults](err)
		if len(f) != 4 || f[0].Field != "username" || f[1].Field != "email" || f[2].Field != "role" || f[3].Field != "password" {
			t.Errorf("the faults are %v", f)
		}
		if strings.Contains(err.Error(), "king") {
			t.Error("a value is told back")
		}
	})
}

func TestListMembersPages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 5 {
			w.member(t, fmt.Sprintf("member%d", i), Ordinary)
		}
		var names []string
		after := ""
		for {
			page, err := w.ListMembers(t.Context(), Operator(), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				names = append(names, m.Username)
			}
			after = page[len(page)-1].ID
		}
		if got := strings.Join(names, " "); got != "member0 member1 member2 member3 member4" {
			t.Errorf("listed %s", got)
		}
	})
}

func TestSetup(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		needs := func(want bool) {
			t.Helper()
			if got, err := w.NeedsSetup(t.Context()); err != nil || got != want {
				t.Errorf("needs setup: %v, %v", got, err)
			}
		}
		needs(true)
		admin := NewMember{Username: "first", Email: "first@example.org", Password: goodPassword}
		if _, err := w.RedeemSetup(t.Context(), "made up", admin, from("127.0.0.1")); !errors.Is(err, ErrSetupToken) {
			t.Errorf("a made-up token gives %v", err)
		}
		old, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		w.clock.move(15 * time.Minute)
		if _, err := w.RedeemSetup(t.Context(), old, admin, from("127.0.0.1")); !errors.Is(err, ErrSetupToken) {
			t.Errorf("after 15 minutes: %v", err)
		}
		if _, _, err := w.CreateSetupToken(t.Context(), "short"); err == nil {
			t.Error("a short token of the operator is taken")
		}
		token, _, err := w.CreateSetupToken(t.Context(), "0123456789abcdef0123456789abcdef")
		if err != nil {
			t.Fatal(err)
		}
		weak := admin
		weak.Password = "password"
		if _, err := w.RedeemSetup(t.Context(), token, weak, from("127.0.0.1")); err == nil {
			t.Error("the first admin has a common password")
		}
		m, err := w.RedeemSetup(t.Context(), token, admin, from("127.0.0.1"))
		if err != nil || m.Role != Admin {
			t.Fatalf("the admin is %+v, %v", m, err)
		}
		needs(false)
		w.login(t, "first", false)
		if _, _, err := w.CreateSetupToken(t.Context(), ""); !errors.Is(err, ErrSetupDone) {
			t.Errorf("another token gives %v", err)
		}
	})
}

func TestSetupTokenUsedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		derive := w.hasher.derive
		w.hasher.derive = func(p, s []byte, a, b uint32, c uint8, d uint32) []byte {
			err := w.store.Write(t.Context(), store.System(), nil, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `UPDATE identity_setup_tokens SET used_at = 1`)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			return derive(p, s, a, b, c, d)
		}
		_, err = w.RedeemSetup(t.Context(), token, NewMember{Username: "first", Email: "first@example.org", Password: goodPassword}, from("127.0.0.1"))
		if !errors.Is(err, ErrSetupToken) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSetupTokenWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		one, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		two, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 16 {
			wg.Go(func() {
				name := fmt.Sprintf("admin%d", i)
				_, err := w.RedeemSetup(t.Context(), []string{one, two}[i%2], NewMember{Username: name, Email: name + "@example.org", Password: goodPassword}, from("127.0.0.1"))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, ErrSetupToken) && !errors.Is(err, ErrSetupDone) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d first admins", won)
		}
	})
}
