package identity

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// What changes anything is on record with who did it, to whom, and how it ended.
func TestEveryChangeIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		lydia, err := w.SignUp(ctx, NewMember{Username: "lydia", Email: "lydia@example.org", Password: goodPassword}, "", from("192.0.2.1"))
		must(err)
		_, _ = w.Login(ctx, Credentials{Email: "lydia@example.org", Password: "wrong password"}, from("192.0.2.1"))
		_, _ = w.Login(ctx, Credentials{Email: "nobody@example.org", Password: "wrong password"}, from("192.0.2.1"))
		g := w.login(t, "lydia", false)
		p, err := w.Bearer().Verify(ctx, g.AccessToken)
		must(err)
		_ = w.ChangePassword(ctx, p, "wrong password", "another long secret", from("192.0.2.1"))
		must(w.ChangePassword(ctx, p, goodPassword, "another long secret", from("192.0.2.1")))
		next := mustRefresh(t, w, g.RefreshToken)
		mustRefresh(t, w, next.RefreshToken)
		_, _ = w.Refresh(ctx, g.RefreshToken, from("192.0.2.1"))
		must(w.Logout(ctx, p, from("192.0.2.1")))
		must(w.LogoutAll(ctx, p, from("192.0.2.1")))
		_, _, err = w.CreateInvite(ctx, Operator(), Invitation{})
		must(err)
		_, err = w.SetRole(ctx, Operator(), lydia.ID, Manager)
		must(err)
		_, err = w.ResetPassword(ctx, Operator(), lydia.ID, "one more long secret")
		must(err)
		_, err = w.Suspend(ctx, Operator(), lydia.ID)
		must(err)
		_, err = w.Reinstate(ctx, Operator(), lydia.ID)
		must(err)

		who := "members/" + lydia.ID
		want := []string{
			"system|SIGNING_KEY_MADE|success|",
			lydia.ID + " member|SIGN_UP|" + who + "|success|request-1",
			" guest|LOGIN_FAILED|" + who + "|failure|request-1",
			" guest|LOGIN_FAILED|members|failure|request-1",
			lydia.ID + " member|LOGIN|" + who + "|success|request-1",
			lydia.ID + " member|PASSWORD_CHANGED|" + who + "|failure|request-1",
			lydia.ID + " member|PASSWORD_CHANGED|" + who + "|success|request-1",
			lydia.ID + " member|REFRESH_REUSED|" + who + "|failure|request-1",
			lydia.ID + " member|LOGOUT|" + who + "|success|request-1",
			lydia.ID + " member|LOGOUT_ALL|" + who + "|success|request-1",
			"operator system|INVITE_CREATED|invites|success|",
			"operator system|ROLE_CHANGED|" + who + "|success|",
			"operator system|PASSWORD_RESET|" + who + "|success|",
			"operator system|MEMBER_SUSPENDED|" + who + "|success|",
			"operator system|MEMBER_REINSTATED|" + who + "|success|",
		}
		got := column(t, w.store, store.Actor{ID: "a", Role: "admin"},
			`SELECT actor || ' ' || role || '|' || action || '|' || resource || '|' || outcome || '|' || request_id FROM audit_entries ORDER BY id`)
		if len(got) != len(want) || !slices.Equal(got[1:], want[1:]) {
			t.Errorf("on record:\n%v\nnot\n%v", got, want)
		}
	})
}

func TestMaintainForgetsWhatHasExpired(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		mustRefresh(t, w, w.login(t, "lydia", false).RefreshToken)
		w.login(t, "lydia", true)
		ended := w.login(t, "lydia", false)
		p, err := w.Bearer().Verify(t.Context(), ended.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Logout(t.Context(), p, Origin{}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.CreateInvite(t.Context(), Operator(), Invitation{}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.CreateSetupToken(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		rows := func(table string) int {
			return len(column(t, w.store, store.System(), `SELECT 'row' FROM `+table))
		}
		for _, step := range []struct {
			after                                               time.Duration
			sessions, refresh, devices, invites, setup, members int
		}{
			{0, 3, 3, 1, 1, 1, 1},
			{20 * time.Minute, 2, 2, 1, 1, 0, 1},     // the session that was ended, the setup token
			{24 * time.Hour, 1, 2, 1, 0, 0, 1},       // the cookie, the invitation
			{7 * 24 * time.Hour, 1, 0, 1, 0, 0, 1},   // the refresh tokens
			{30 * 24 * time.Hour, 0, 0, 1, 0, 0, 1},  // the family
			{181 * 24 * time.Hour, 0, 0, 0, 0, 0, 1}, // the address
		} {
			w.clock.move(step.after)
			if err := w.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := []int{rows("identity_sessions"), rows("identity_refresh_tokens"), rows("identity_devices"),
				rows("identity_invites"), rows("identity_setup_tokens"), rows("members")}
			if want := []int{step.sessions, step.refresh, step.devices, step.invites, step.setup, step.members}; !slices.Equal(got, want) {
				t.Errorf("after another %v: %v rows, not %v", step.after, got, want)
			}
		}
	})
}
