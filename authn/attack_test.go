package authn

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
)

// TestPresentationAttacks: credentials presented in ways that two readers could
// read differently, or that are no way at all. Attacks inside a token are in
// jwt_attack_test.go.
func TestPresentationAttacks(t *testing.T) {
	for _, row := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"two Authorization fields, the first good", request("GET", "/open", "Authorization", "Bearer live", "Authorization", "Bearer nobody"), 400},
		{"two Authorization fields, the last good", request("GET", "/open", "Authorization", "Bearer nobody", "Authorization", "Bearer live"), 400},
		{"two tokens in one field", request("GET", "/open", "Authorization", "Bearer live, Bearer nobody"), 401},
		{"Authorization empty", request("GET", "/open", "Authorization", ""), 401},
		{"Bearer without a token", request("GET", "/open", "Authorization", "Bearer"), 401},
		{"Bearer with a space for a token", request("GET", "/open", "Authorization", "Bearer "), 401},
		{"the token without a scheme", request("GET", "/open", "Authorization", "live"), 401},
		{"Basic", request("GET", "/open", "Authorization", "Basic bGl2ZTpsaXZl"), 401},
		{"Token", request("GET", "/open", "Authorization", "Token live"), 401},
		{"a scheme that begins alike", request("GET", "/open", "Authorization", "BearerX live"), 401},
		{"a tab behind the scheme", request("GET", "/open", "Authorization", "Bearer\tlive"), 401},
		{"a tab in front of the token", request("GET", "/open", "Authorization", "Bearer \tlive"), 401},
		{"a space inside the token", request("GET", "/open", "Authorization", "Bearer spa ce"), 401},
		{"a comma inside the token", request("GET", "/open", "Authorization", "Bearer co,mma"), 401},
		{"a byte beyond ASCII in the token", request("GET", "/open", "Authorization", "Bearer \u00e9"), 401},
		{"a token above 8 KiB that the verifier would take", request("GET", "/open", "Authorization", "Bearer "+strings.Repeat("a", MaxToken+1)), 401},
		{"the token in the query", request("GET", "/mine?access_token=live&token=live"), 401},
		{"the token in another field", request("GET", "/mine", "X-Access-Token", "live", "Proxy-Authorization", "Bearer live", "X-Authorization", "Bearer live"), 401},
		{"a principal by header", request("GET", "/mine", "X-User", "ada", "X-Forwarded-User", "ada", "X-Remote-User", "ada"), 401},
		{"the bearer's token as a cookie of another name", request("GET", "/mine", "Cookie", "gatehouse=live; __Secure-gatehouse=live"), 401},
		{"the cookie's name in another case", request("GET", "/mine", "Cookie", "__host-gatehouse=live"), 401},
		{"two session cookies (cookie tossing)", request("GET", "/mine", "Cookie", cookie+"live; "+cookie+"nobody"), 400},
		{"two session cookies in two fields", request("GET", "/mine", "Cookie", cookie+"nobody", "Cookie", cookie+"live"), 400},
		{"the session in the subprotocols of a socket", request("GET", "/socket", "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Protocol", "bearer, live"), 401},
		{"a path that is not in the contract", request("GET", "/secret"), 401},
		{"a method that is not in the contract", request("DELETE", "/open"), 401},
		{"another method by header", request("POST", "/mine", "X-HTTP-Method-Override", "GET"), 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := serve(t, row.r, nil)
			if w.Code != row.want {
				t.Errorf("%d; want %d\n%s", w.Code, row.want, w.Body)
			}
			challenge := w.Header().Get("WWW-Authenticate")
			if w.Code == 401 && !strings.HasPrefix(challenge, `Bearer realm="gatehouse"`) {
				t.Errorf("401 with the challenge %q", challenge)
			}
			if strings.Contains(w.Body.String(), "live") {
				t.Errorf("the refusal quotes the credential: %s", w.Body)
			}
		})
	}
}

// TestCrossSiteAttacks: another site makes a browser send its session cookie
// (CSRF; ASVS 3.5.1), or open a socket with it (cross-site WebSocket hijacking).
func TestCrossSiteAttacks(t *testing.T) {
	session := []string{"Cookie", cookie + "live"}
	bearer := []string{"Authorization", "Bearer live"}
	socket := []string{"Cookie", cookie + "live", "Upgrade", "websocket", "Connection", "Upgrade"}
	for _, row := range []struct {
		name, method, path string
		credential, header []string
		want               int
	}{
		{"form on another site", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"form on a sibling host", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "same-site", "Origin", "https://blog.example.org"}, 403},
		{"on a public operation too", "POST", "/open", session, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"with a dead cookie too", "POST", "/open", []string{"Cookie", cookie + "nobody"}, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"without an origin", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"from a sandboxed frame", "PUT", "/mine", session, []string{"Origin", "null"}, 403},
		{"old browser, another origin", "PUT", "/mine", session, []string{"Origin", "https://evil.example"}, 403},
		{"old browser, our host as a part of another", "PUT", "/mine", session, []string{"Origin", "https://notes.example.org.evil.example"}, 403},
		{"old browser, our host on another port", "PUT", "/mine", session, []string{"Origin", "https://notes.example.org:8443"}, 403},
		{"old browser, our host over plain HTTP", "PUT", "/mine", session, []string{"Origin", "http://notes.example.org"}, 403},
		{"an invented value", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "Same-Origin"}, 403},
		{"trusted name over plain HTTP", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://app.example.org"}, 403},
		{"trusted name on another port", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.org:444"}, 403},
		{"two origins, the first ours", "PUT", "/mine", session, []string{"Origin", "https://notes.example.org", "Origin", "https://evil.example"}, 403},
		{"two sites, the first ours", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, 403},
		{"socket from another site", "GET", "/socket", socket, []string{"Origin", "https://evil.example"}, 403},
		{"socket from a sandboxed frame", "GET", "/socket", socket, []string{"Origin", "null"}, 403},
		{"socket from another site, told by the browser", "GET", "/socket", socket, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"any upgrade", "GET", "/mine", []string{"Cookie", cookie + "live", "Upgrade", "h2c"}, []string{"Origin", "https://evil.example"}, 403},

		{"our own page", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://notes.example.org"}, 204},
		{"typed by the person", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "none"}, 204},
		{"old browser, our own page", "PUT", "/mine", session, []string{"Origin", "https://notes.example.org"}, 204},
		{"old browser, our own page, capitals", "PUT", "/mine", session, []string{"Origin", "https://NOTES.example.org"}, 204},
		{"a trusted origin", "PUT", "/mine", session, []string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.example.org"}, 204},
		{"old browser, a trusted origin", "PUT", "/mine", session, []string{"Origin", "https://app.example.org"}, 204},
		{"no browser", "PUT", "/mine", session, nil, 204},
		{"a link on another site", "GET", "/mine", session, []string{"Sec-Fetch-Site", "cross-site"}, 204},
		{"a bearer token, which no browser sends by itself", "PUT", "/mine", bearer, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 204},
		{"a bearer token beside the cookie", "PUT", "/mine", append(bearer, session...), []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 204},
		{"socket from our own page", "GET", "/socket", socket, []string{"Origin", "https://notes.example.org"}, 204},
		{"socket from a trusted origin", "GET", "/socket", socket, []string{"Origin", "https://app.example.org"}, 204},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := request(row.method, row.path, append(row.credential, row.header...)...)
			w := arrived(t, r)
			if w.Code != row.want {
				t.Errorf("%d; want %d\n%s", w.Code, row.want, w.Body)
			}
			if row.want == 403 && !strings.Contains(w.Body.String(), `"code":"CROSS_SITE"`) {
				t.Errorf("not refused as CROSS_SITE: %s", w.Body)
			}
		})
	}
}

// arrived serves r as a request that came encrypted, as tlsedge states it.
func arrived(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	facts, err := call.New(call.Config{})
	if err != nil {
		t.Fatal(err)
	}
	inner := handler(t, nil)
	w := httptest.NewRecorder()
	facts(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call.From(r.Context()).SetSecure()
		inner.ServeHTTP(w, r)
	})).ServeHTTP(w, r)
	return w
}

// TestOriginsCheckAtSignIn: a handler that sets a cookie asks before, or another
// site signs its visitors in as somebody else (login CSRF).
func TestOriginsCheckAtSignIn(t *testing.T) {
	o, err := NewOrigins([]string{"http://localhost:3000"})
	if err != nil {
		t.Fatal(err)
	}
	for origin, allowed := range map[string]bool{
		"https://evil.example": false, "null": false, "http://localhost:3001": false,
		"http://localhost:3000": true, "http://notes.example.org": true, "https://notes.example.org": true, "": true,
	} {
		r := request("POST", "/login")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if refusal := o.Check(r, false); (refusal == nil) != allowed {
			t.Errorf("Origin %q: %v; want allowed %v", origin, refusal, allowed)
		}
	}
	if refusal := (Origins{}).Check(request("POST", "/login", "Origin", "http://localhost:3000"), false); refusal == nil {
		t.Error("the zero Origins trusts another origin")
	}
}
