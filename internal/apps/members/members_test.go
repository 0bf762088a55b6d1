package members_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestLoginAnswersAsItIsWritten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", identity.Manager)
		a := w.post(t, "/login", loginBody("lydia", password))
		want := fmt.Sprintf(`{"message":"Login successful!","token":%q,"refreshToken":%q,"expiresIn":900,`+
			`"member":{"id":%q,"username":"lydia","email":"lydia@example.org","role":"manager"}}`, a.str("token"), a.str("refreshToken"), m.ID)
		if a.StatusCode != 200 || a.text != want {
			t.Errorf("login answers %d %s, not %s", a.StatusCode, a.text, want)
		}
		if len(a.Cookies()) != 0 {
			t.Error("a login with tokens sets a cookie")
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Error("the answer may be stored")
		}
		a = w.get(t, "/profile", "Authorization: Bearer "+a.str("token"))
		want = fmt.Sprintf(`{"message":"Welcome!","userId":%q,"email":"lydia@example.org","username":"lydia","role":"manager"}`, m.ID)
		if a.StatusCode != 200 || a.text != want {
			t.Errorf("profile answers %d %s, not %s", a.StatusCode, a.text, want)
		}
	})
}

func TestLoginWithCookie(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member(t, "lydia", identity.Ordinary)
		a := w.post(t, "/login", `{"email":"lydia@example.org","password":"`+password+`","cookie":true}`)
		want := fmt.Sprintf(`{"message":"Login successful!","member":{"id":%q,"username":"lydia","email":"lydia@example.org","role":"member"}}`, m.ID)
		if a.StatusCode != 200 || a.text != want {
			t.Fatalf("login answers %d %s, not %s", a.StatusCode, a.text, want)
		}
		c := a.Cookies()[0]
		if c.Name != "__Host-gatehouse" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 24*60*60 {
			t.Errorf("the cookie is %s", a.Header.Get("Set-Cookie"))
		}
		if a := w.get(t, "/api/profile", "Cookie: "+c.Name+"="+c.Value); a.StatusCode != 200 || a.str("userId") != m.ID {
			t.Errorf("profile answers %d %s", a.StatusCode, a.text)
		}
	})
}

func TestRefreshAnswersAPair(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		_, refresh := w.signIn(t, "lydia")
		a := w.post(t, "/refresh", `{"refreshToken":"`+refresh+`"}`)
		want := fmt.Sprintf(`{"token":%q,"refreshToken":%q,"expiresIn":900}`, a.str("token"), a.str("refreshToken"))
		if a.StatusCode != 200 || a.text != want {
			t.Errorf("refresh answers %d %s, not %s", a.StatusCode, a.text, want)
		}
		again := w.post(t, "/refresh", `{"refreshToken":"`+refresh+`"}`)
		if again.text != a.text {
			t.Error("an honest repeat gets another answer")
		}
		if a := w.get(t, "/profile", "Authorization: Bearer "+a.str("token")); a.StatusCode != 200 {
			t.Errorf("the new token is answered %d", a.StatusCode)
		}
	})
}

func TestLogoutTakesTheCookieAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		cookie, other := w.signInCookie(t, "lydia"), w.signInCookie(t, "lydia")
		a := w.post(t, "/logout", "", cookie)
		if a.StatusCode != 204 || len(a.Cookies()) != 1 || a.Cookies()[0].MaxAge >= 0 || a.Cookies()[0].Value != "" {
			t.Errorf("logout answers %d, cookies %v", a.StatusCode, a.Cookies())
		}
		if a := w.get(t, "/profile", cookie); a.StatusCode != 401 {
			t.Errorf("the dead cookie is answered %d", a.StatusCode)
		}
		if a := w.post(t, "/logout", "{}", other); a.StatusCode != 204 {
			t.Errorf("logout with a body answers %d %s", a.StatusCode, a.text)
		}
	})
}

// Clear Site Data §3.1 wants the types between quotes. "cookies" would take those
// of every host of the domain.
func TestLogoutClearsTheBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		for _, path := range []string{"/logout", "/logout/all"} {
			refused := w.post(t, path, "", w.signInCookie(t, "lydia"), "Sec-Fetch-Site: cross-site")
			a := w.post(t, path, "", w.signInCookie(t, "lydia"))
			if got := a.Header.Get("Clear-Site-Data"); a.StatusCode != 204 || got != `"cache", "storage"` {
				t.Errorf("%s answers %d, Clear-Site-Data %s", path, a.StatusCode, got)
			}
			if refused.StatusCode != 403 || refused.Header.Get("Clear-Site-Data") != "" {
				t.Errorf("%s of another site is answered %d and clears", path, refused.StatusCode)
			}
		}
	})
}

func TestTextsOfTheGuide(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		if a := w.get(t, "/profile"); !a.has(401, "UNAUTHORIZED", "No token provided!") || a.Header.Get("WWW-Authenticate") != `Bearer realm="gatehouse"` {
			t.Errorf("without a token: %d %s", a.StatusCode, a.text)
		}
		if a := w.get(t, "/profile", "Authorization: Bearer nonsense"); !a.has(401, "INVALID_TOKEN", "Invalid or expired token!") ||
			!strings.Contains(a.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("with a bad one: %d %s", a.StatusCode, a.text)
		}
		if a := w.post(t, "/login", loginBody("lydia", "wrong password")); !a.has(401, "INVALID_CREDENTIALS", "Invalid credentials") ||
			a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("a wrong password: %d %s", a.StatusCode, a.text)
		}
		if a := w.post(t, "/refresh", `{"refreshToken":"nonsense"}`); !a.has(401, "INVALID_REFRESH_TOKEN", "Invalid or expired token!") {
			t.Errorf("a bad refresh token: %d %s", a.StatusCode, a.text)
		}
	})
}

func TestSignUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const body = `{"username":" Lydia ","email":" Lydia@Example.org ","password":"` + password + `"}`
		a := w.post(t, "/signup", body)
		m, _ := a.json["member"].(map[string]any)
		if a.StatusCode != 201 || m["username"] != "Lydia" || m["email"] != "lydia@example.org" || m["role"] != "member" {
			t.Errorf("sign-up answers %d %s", a.StatusCode, a.text)
		}
		if a := w.post(t, "/signup", body); !a.has(409, "MEMBER_EXISTS", "Conflict") {
			t.Errorf("a second time: %d %s", a.StatusCode, a.text)
		}
		if a := w.post(t, "/signup", `{"username":"other","email":"other@example.org","password":"password123"}`); a.StatusCode != 400 ||
			!strings.Contains(a.text, `"field":"password"`) || strings.Contains(a.text, "password123") {
			t.Errorf("a common password: %d %s", a.StatusCode, a.text)
		}
		w.signIn(t, "lydia")
	})
}

// A password is not trimmed, folded, normalised or cut on its way to the hash
// (ASVS 5.0 6.2.8), though the fields beside it are.
func TestPasswordsAreTakenAsTheyAre(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		long := " Crêpe " + strings.Repeat("long ", 20) + "end "
		if a := w.post(t, "/signup", `{"username":"lydia","email":"lydia@example.org","password":"`+long+`"}`); a.StatusCode != 201 {
			t.Fatalf("sign-up answers %d %s", a.StatusCode, a.text)
		}
		for name, other := range map[string]string{
			"without the blanks at its ends": strings.TrimSpace(long), "in small letters": strings.ToLower(long),
			"with the accent apart": strings.Replace(long, "ê", "e\u0302", 1), "its first 72 bytes": long[:72],
		} {
			if a := w.post(t, "/login", loginBody("lydia", other)); a.StatusCode != 401 {
				t.Errorf("%s: %d", name, a.StatusCode)
			}
		}
		if a := w.post(t, "/login", loginBody("lydia", long)); a.StatusCode != 200 {
			t.Errorf("as it is: %d %s", a.StatusCode, a.text)
		}
	})
}

func TestSignUpByInvitation(t *testing.T) {
	s := storetest.Open(t, store.SQLite, []store.Schema{identity.Schema()})
	w := newWorld(t, s, func(cfg *identity.Config) { cfg.SignUp = identity.SignUpInvite })
	if a := w.post(t, "/signup", `{"username":"lydia","email":"lydia@example.org","password":"`+password+`"}`); !a.has(403, "INVITATION_NEEDED", "Forbidden") {
		t.Errorf("without: %d %s", a.StatusCode, a.text)
	}
	token, _, err := w.CreateInvite(t.Context(), identity.Operator(), identity.Invitation{Role: identity.Counsellor})
	if err != nil {
		t.Fatal(err)
	}
	a := w.post(t, "/signup", `{"username":"lydia","email":"lydia@example.org","password":"`+password+`","invite":"`+token+`"}`)
	if m, _ := a.json["member"].(map[string]any); a.StatusCode != 201 || m["role"] != "counsellor" {
		t.Errorf("with: %d %s", a.StatusCode, a.text)
	}
	w = newWorld(t, s, func(cfg *identity.Config) { cfg.SignUp = identity.SignUpOff })
	if a := w.post(t, "/signup", `{"username":"archie","email":"archie@example.org","password":"`+password+`"}`); !a.has(403, "SIGN_UP_CLOSED", "Forbidden") {
		t.Errorf("off: %d %s", a.StatusCode, a.text)
	}
}

func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		mine, _ := w.signIn(t, "lydia")
		other := w.signInCookie(t, "lydia")
		if a := w.post(t, "/password", `{"currentPassword":"wrong password","newPassword":"another long secret"}`, mine); !a.has(403, "INVALID_CREDENTIALS", "Invalid credentials") {
			t.Errorf("a wrong password: %d %s", a.StatusCode, a.text)
		}
		if a := w.post(t, "/password", `{"currentPassword":"`+password+`","newPassword":"another long secret"}`, mine); a.StatusCode != 204 {
			t.Errorf("the right one: %d %s", a.StatusCode, a.text)
		}
		if a := w.get(t, "/profile", mine); a.StatusCode != 200 {
			t.Errorf("this session is answered %d", a.StatusCode)
		}
		if a := w.get(t, "/profile", other); a.StatusCode != 401 {
			t.Errorf("the other session is answered %d", a.StatusCode)
		}
	})
}

func TestKeysArePublished(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.get(t, "/.well-known/jwks.json")
		keys, _ := a.json["keys"].([]any)
		if a.StatusCode != 200 || len(keys) != 1 || a.Header.Get("Cache-Control") != "public, max-age=300" || strings.Contains(a.text, `"d"`) {
			t.Errorf("the keys are answered %d %s %v", a.StatusCode, a.text, a.Header)
		}
	})
}

func TestSetupInABrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		page := w.get(t, "/setup", "Accept: text/html")
		csp := page.Header.Get("Content-Security-Policy")
		if page.StatusCode != 200 || !strings.Contains(page.text, `<form id="setup" method="post" action="/setup">`) {
			t.Errorf("the page is answered %d %s", page.StatusCode, page.text)
		}
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("the policy of the page lacks %s: %s", want, csp)
			}
		}
		if bad := regexp.MustCompile(`(?i)\s(style|on[a-z]+)=|<script>|https?://`).FindString(page.text); bad != "" {
			t.Errorf("the page has %q", bad)
		}
		// What a password manager looks for (HTML, autofill: new-password).
		if !strings.Contains(page.text, `<input name="password" type="password" autocomplete="new-password" minlength="8" maxlength="128" required>`) {
			t.Error("the password is shown while it is typed, or managers do not know the field")
		}
		script := w.get(t, "/setup.js")
		if script.StatusCode != 200 || !strings.HasPrefix(script.Header.Get("Content-Type"), "text/javascript") || strings.Contains(script.text, "innerHTML") {
			t.Errorf("the script is answered %d %v", script.StatusCode, script.Header)
		}

		form := url.Values{"token": {token}, "username": {"first"}, "email": {"first@example.org"}, "password": {password}}
		const kind = "Content-Type: application/x-www-form-urlencoded"
		wrong := w.post(t, "/setup", strings.Replace(form.Encode(), "token=", "token=x", 1), kind)
		if wrong.StatusCode != 403 {
			t.Errorf("a wrong token is answered %d %s", wrong.StatusCode, wrong.text)
		}
		broken := w.post(t, "/setup", "token=%GE"+token, kind)
		if w.mu.Lock(); broken.StatusCode != 400 || strings.Contains(w.log.String(), "%GE") {
			t.Errorf("a broken form is answered %d, and the log quotes it:\n%s", broken.StatusCode, w.log.String())
		}
		w.mu.Unlock()
		done := w.post(t, "/setup", form.Encode(), kind)
		if done.StatusCode != 201 || !strings.Contains(done.text, "Gatehouse is set up") {
			t.Errorf("the form is answered %d %s", done.StatusCode, done.text)
		}
		w.signIn(t, "first")
		if page := w.get(t, "/setup"); page.StatusCode != 200 || strings.Contains(page.text, "<form") {
			t.Errorf("the page is answered %d %s", page.StatusCode, page.text)
		}
	})
}

func TestSetupFromAProgram(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		body := `{"token":"` + token + `","username":"first","email":"first@example.org","password":"` + password + `"}`
		a := w.post(t, "/setup", body)
		if m, _ := a.json["member"].(map[string]any); a.StatusCode != 201 || m["role"] != "admin" {
			t.Errorf("answered %d %s", a.StatusCode, a.text)
		}
		if a := w.post(t, "/setup", body); a.StatusCode != 403 && a.StatusCode != 409 {
			t.Errorf("a second time: %d %s", a.StatusCode, a.text)
		}
	})
}
