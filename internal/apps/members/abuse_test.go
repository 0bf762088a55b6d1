package members_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/apps/members"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestGuessingOneAccountFromOneAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		for i := range 5 {
			if a := w.post(t, "/login", loginBody("lydia", fmt.Sprintf("wrong %d", i))); a.StatusCode != 401 {
				t.Fatalf("guess %d is answered %d %s", i+1, a.StatusCode, a.text)
			}
		}
		for _, body := range []string{loginBody("lydia", password), loginBody("LYDIA", password), loginBody("nobody", "x")} {
			a := w.post(t, "/login", body)
			if strings.Contains(body, "nobody") {
				if a.StatusCode != 401 {
					t.Errorf("another account is answered %d", a.StatusCode)
				}
				continue
			}
			if !a.has(429, "RATE_LIMITED", "Too many login attempts! Try again after 15 minutes.") || a.Header.Get("Retry-After") != "900" {
				t.Errorf("after five failures: %d %s, Retry-After %s", a.StatusCode, a.text, a.Header.Get("Retry-After"))
			}
		}
		w.move(15 * time.Minute)
		w.signIn(t, "lydia")
	})
}

func TestGuessingManyAccountsFromOneAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		for i := range 20 {
			if a := w.post(t, "/login", loginBody(fmt.Sprintf("name%d", i), "Spring is here")); a.StatusCode != 401 {
				t.Fatalf("guess %d is answered %d", i+1, a.StatusCode)
			}
		}
		if a := w.post(t, "/login", loginBody("lydia", password)); a.StatusCode != 429 {
			t.Errorf("after twenty failures: %d", a.StatusCode)
		}
	})
}

func TestBurstOfGuessesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		var mu sync.Mutex
		var wg sync.WaitGroup
		looked := 0
		for i := range 40 {
			wg.Go(func() {
				a := w.post(t, "/login", loginBody("lydia", fmt.Sprintf("wrong %d", i)))
				mu.Lock()
				defer mu.Unlock()
				if a.StatusCode == 401 {
					looked++
				} else if a.StatusCode != 429 {
					t.Errorf("answered %d %s", a.StatusCode, a.text)
				}
			})
		}
		wg.Wait()
		if looked > 5 {
			t.Errorf("%d guesses were looked at", looked)
		}
	})
}

func TestRightLoginsAreNotCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		for range 30 {
			w.signIn(t, "lydia")
		}
	})
}

func TestRefusalsOfALoginAreAlike(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		w.member(t, "gone", identity.Ordinary)
		if _, err := w.Suspend(t.Context(), identity.Operator(), "gone@example.org"); err != nil {
			t.Fatal(err)
		}
		plain := func(a answer) string {
			id := a.str("request_id")
			headers := fmt.Sprint(a.StatusCode, a.Header.Get("Content-Type"), a.Header.Get("WWW-Authenticate"), a.Header.Get("Cache-Control"), len(a.Cookies()))
			return headers + strings.ReplaceAll(a.text, id, "")
		}
		want := plain(w.post(t, "/login", loginBody("nobody", password)))
		for name, body := range map[string]string{
			"a wrong password": loginBody("lydia", "wrong password"), "a suspended member": loginBody("gone", password),
			"with a cookie": `{"email":"nobody@example.org","password":"x","cookie":true}`, "no address at all": `{"email":"x","password":"x"}`,
		} {
			if got := plain(w.post(t, "/login", body)); got != want {
				t.Errorf("%s: %s, an unknown address: %s", name, got, want)
			}
		}
	})
}

func TestTokensAfterTheEnd(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(t *testing.T, w *world, authorization, cookie string)
	}{
		{"logged out", func(t *testing.T, w *world, a, c string) {
			for _, h := range []string{a, c} {
				if r := w.post(t, "/logout", "", h); r.StatusCode != 204 || r.text != "" {
					t.Errorf("logout answers %d %s", r.StatusCode, r.text)
				}
			}
		}},
		{"logged out everywhere", func(t *testing.T, w *world, a, _ string) {
			if r := w.post(t, "/logout/all", "", a); r.StatusCode != 204 {
				t.Errorf("logout answers %d %s", r.StatusCode, r.text)
			}
		}},
		{"suspended", func(t *testing.T, w *world, _, _ string) {
			if _, err := w.Suspend(t.Context(), identity.Operator(), "lydia@example.org"); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.member(t, "lydia", identity.Ordinary)
				authorization, refresh := w.signIn(t, "lydia")
				cookie := w.signInCookie(t, "lydia")
				for _, h := range []string{authorization, cookie} {
					if a := w.get(t, "/profile", h); a.StatusCode != 200 {
						t.Fatalf("before: %d", a.StatusCode)
					}
				}
				row.end(t, w, authorization, cookie)
				for _, h := range []string{authorization, cookie} {
					for _, path := range []string{"/profile", "/api/profile"} {
						if a := w.get(t, path, h); a.StatusCode != 401 {
							t.Errorf("%s with %.20s…: %d", path, h, a.StatusCode)
						}
					}
				}
				if a := w.post(t, "/refresh", `{"refreshToken":"`+refresh+`"}`); a.StatusCode != 401 {
					t.Errorf("refresh: %d", a.StatusCode)
				}
			})
		})
	}
}

func TestStolenRefreshToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		_, stolen := w.signIn(t, "lydia")
		owner := w.post(t, "/refresh", `{"refreshToken":"`+stolen+`"}`)
		w.move(time.Minute)
		if a := w.post(t, "/refresh", `{"refreshToken":"`+stolen+`"}`); a.StatusCode != 401 {
			t.Errorf("the thief is answered %d", a.StatusCode)
		}
		if a := w.get(t, "/profile", "Authorization: Bearer "+owner.str("token")); a.StatusCode != 401 {
			t.Errorf("the family goes on: %d", a.StatusCode)
		}
	})
}

func TestTokensInTheWrongPlace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		authorization, refresh := w.signIn(t, "lydia")
		cookie := w.signInCookie(t, "lydia")
		access := strings.TrimPrefix(authorization, "Authorization: Bearer ")
		value := strings.TrimPrefix(cookie, "Cookie: "+identity.CookieName+"=")
		for name, h := range map[string]string{
			"a refresh token as an access token": "Authorization: Bearer " + refresh,
			"a cookie as an access token":        "Authorization: Bearer " + value,
			"an access token as a cookie":        "Cookie: " + identity.CookieName + "=" + access,
			"a refresh token as a cookie":        "Cookie: " + identity.CookieName + "=" + refresh,
			"a cookie without its prefix":        "Cookie: gatehouse=" + value,
			"basic":                              "Authorization: Basic bHlkaWE6eA==",
		} {
			if a := w.get(t, "/profile", h); a.StatusCode != 401 {
				t.Errorf("%s: %d", name, a.StatusCode)
			}
		}
		if a := w.get(t, "/profile?access_token="+access); a.StatusCode == 200 {
			t.Error("a token in the query is taken")
		}
		for name, token := range map[string]string{"an access token": access, "a cookie": value} {
			if a := w.post(t, "/refresh", `{"refreshToken":"`+token+`"}`); a.StatusCode != 401 {
				t.Errorf("%s as a refresh token: %d", name, a.StatusCode)
			}
		}
	})
}

func TestSessionFixation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		const planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		a := w.post(t, "/login", `{"email":"lydia@example.org","password":"`+password+`","cookie":true}`, "Cookie: "+identity.CookieName+"="+planted)
		if a.StatusCode != 200 || a.Cookies()[len(a.Cookies())-1].Value == planted {
			t.Errorf("answered %d, cookies %v", a.StatusCode, a.Cookies())
		}
		if a := w.get(t, "/profile", "Cookie: "+identity.CookieName+"="+planted); a.StatusCode != 401 {
			t.Errorf("the planted cookie is answered %d", a.StatusCode)
		}
	})
}

func TestALoginEndsTheSessionItWasSentWith(t *testing.T) {
	for _, row := range []struct {
		name, as string
		bearer   bool // the former session is one of tokens
		cookie   bool // so is asked for
	}{
		{"a cookie for a cookie", "lydia", false, true},
		{"tokens for tokens", "lydia", true, false},
		{"tokens for a cookie", "lydia", false, false},
		{"another member in the same browser", "archie", false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.member(t, "lydia", identity.Ordinary)
				w.member(t, "archie", identity.Ordinary)
				former, elsewhere := w.signInCookie(t, "lydia"), w.signInCookie(t, "lydia")
				if row.bearer {
					former, _ = w.signIn(t, "lydia")
				}
				if a := w.post(t, "/login", loginBody(row.as, "wrong password"), former); a.StatusCode != 401 {
					t.Errorf("a wrong password is answered %d", a.StatusCode)
				}
				if a := w.get(t, "/profile", former); a.StatusCode != 200 {
					t.Errorf("a wrong password ended the session: %d", a.StatusCode)
				}
				body := fmt.Sprintf(`{"email":"%s@example.org","password":%q,"cookie":%t}`, row.as, password, row.cookie)
				a := w.post(t, "/login", body, former)
				if a.StatusCode != 200 {
					t.Fatalf("login answers %d %s", a.StatusCode, a.text)
				}
				if held := len(a.Cookies()) == 1 && a.Cookies()[0].MaxAge > 0; held != row.cookie {
					t.Errorf("the browser is given %v", a.Cookies())
				}
				if a := w.get(t, "/profile", former); a.StatusCode != 401 {
					t.Errorf("the former session is answered %d", a.StatusCode)
				}
				if a := w.get(t, "/profile", elsewhere); a.StatusCode != 200 {
					t.Errorf("a session in another browser is answered %d", a.StatusCode)
				}
			})
		})
	}
}

func TestAnotherSiteWithTheVisitorsBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		cookie := w.signInCookie(t, "lydia")
		body := `{"email":"lydia@example.org","password":"` + password + `","cookie":true}`
		for _, h := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example"} {
			if a := w.post(t, "/login", body, h); a.StatusCode != 403 || len(a.Cookies()) != 0 {
				t.Errorf("login with %s: %d", h, a.StatusCode)
			}
			if a := w.post(t, "/logout", "", cookie, h); a.StatusCode != 403 {
				t.Errorf("logout with %s: %d", h, a.StatusCode)
			}
		}
		if a := w.get(t, "/profile", cookie); a.StatusCode != 200 {
			t.Errorf("the session was hurt: %d", a.StatusCode)
		}
	})
}

func TestMoreThanTheContractSays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		mine, _ := w.signIn(t, "lydia")
		for name, q := range map[string]request{
			"a role at sign-up":       {path: "/signup", body: `{"username":"x y z","email":"x@example.org","password":"` + password + `","role":"admin"}`},
			"an id at sign-up":        {path: "/signup", body: `{"username":"x y z","email":"x@example.org","password":"` + password + `","id":"1"}`},
			"two addresses":           {path: "/login", body: `{"email":"nobody@example.org","email":"lydia@example.org","password":"` + password + `"}`},
			"an object for a string":  {path: "/login", body: `{"email":{"$gt":""},"password":{"$gt":""}}`},
			"U+0000":                  {path: "/login", body: `{"email":"lydia@example.org\u0000","password":"` + password + `"}`},
			"a body of 11 kilobytes":  {path: "/login", body: `{"email":"x","password":"` + strings.Repeat("x", 11_000) + `"}`},
			"a password of 200":       {path: "/login", body: `{"email":"x","password":"` + strings.Repeat("x", 200) + `"}`},
			"another member":          {path: "/password", body: `{"currentPassword":"x","newPassword":"another long secret","userId":"1"}`, headers: []string{mine}},
			"form":                    {path: "/login", body: "email=lydia", headers: []string{"Content-Type: application/x-www-form-urlencoded"}},
			"a name with a line end":  {path: "/signup", body: `{"username":"lydia\n2","email":"x@example.org","password":"` + password + `"}`},
			"a name that runs back":   {path: "/signup", body: `{"username":"lydia\u202e2","email":"x@example.org","password":"` + password + `"}`},
			"an address with a space": {path: "/signup", body: `{"username":"lydia2","email":"x y@example.org","password":"` + password + `"}`},
		} {
			q.method = "POST"
			a := w.send(t, q)
			if a.StatusCode < 400 || a.StatusCode > 415 {
				t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
			}
			if strings.Contains(a.text, password) || strings.Contains(a.text, "@example.org") {
				t.Errorf("%s: a value is told back: %s", name, a.text)
			}
		}
	})
}

// Where authn and authz only report, a guest reaches the handlers.
func TestGuestsWhomNobodyStopped(t *testing.T) {
	w := newWorld(t, storetest.Open(t, store.SQLite, []store.Schema{identity.Schema()}), nil)
	for id, h := range members.New(w.Service, members.Config{}).Handlers() {
		if !slices.Contains([]string{"logout", "logoutAll", "profile", "changePassword"}, id) {
			continue
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{"currentPassword":"x","newPassword":"another long secret"}`))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, call.Ensure(rec, r))
		if rec.Code != 401 || rec.Header().Get("WWW-Authenticate") != `Bearer realm="gatehouse"` {
			t.Errorf("%s: %d %s", id, rec.Code, rec.Body)
		}
	}
}

func TestSetupFromElsewhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _, err := w.CreateSetupToken(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		body := `{"token":"` + token + `","username":"first","email":"first@example.org","password":"` + password + `"}`
		for name, q := range map[string]request{
			"another machine":                 {from: "198.51.100.7"},
			"one that calls itself local":     {from: "198.51.100.7", headers: []string{"X-Forwarded-For: 127.0.0.1"}},
			"through a proxy nobody declared": {headers: []string{"X-Forwarded-For: 198.51.100.7"}},
			"through one that says Forwarded": {headers: []string{"Forwarded: for=198.51.100.7"}},
			"through one that says Via":       {headers: []string{"Via: 1.1 proxy"}},
			"through one that hides it":       {headers: []string{"Forwarded: for=_hidden"}},
			"through two that disagree":       {headers: []string{"Forwarded: for=198.51.100.7", "X-Forwarded-For: 203.0.113.5"}},
			"through one that says nothing":   {headers: []string{"X-Forwarded-For: "}},
		} {
			for _, method := range []string{"GET", "POST"} {
				q.method, q.path = method, "/setup"
				if method == "POST" {
					q.body = body
				}
				if a := w.send(t, q); a.StatusCode != 404 {
					t.Errorf("%s, %s: %d %s", name, method, a.StatusCode, a.text)
				}
			}
		}
		if a := w.post(t, "/setup", body); a.StatusCode != 201 {
			t.Errorf("from here: %d %s", a.StatusCode, a.text)
		}
	})
}

func TestSecretsStayOutOfTheRecord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", identity.Ordinary)
		authorization, refresh := w.signIn(t, "lydia")
		cookie := w.signInCookie(t, "lydia")
		w.get(t, "/profile", authorization)
		w.post(t, "/refresh", `{"refreshToken":"`+refresh+`"}`)
		w.post(t, "/login", loginBody("lydia", "wrong password"))
		w.post(t, "/logout", "", cookie)
		w.mu.Lock()
		log := w.log.String()
		w.mu.Unlock()
		if strings.Count(log, "\n") < 6 {
			t.Fatalf("the record is %s", log)
		}
		for _, secret := range []string{
			password, "wrong password", refresh, strings.TrimPrefix(authorization, "Authorization: Bearer "),
			strings.TrimPrefix(cookie, "Cookie: "+identity.CookieName+"="), "lydia@example.org",
		} {
			if strings.Contains(log, secret) {
				t.Errorf("the record holds %q", secret)
			}
		}
	})
}
