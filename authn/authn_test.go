package authn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

const document = `
openapi: 3.1.0
info: {title: Notes, version: "1"}
x-gatehouse: {name: notes, limit: ["100/15m per address"]}
paths:
  /open:
    get: {operationId: readOpen, x-gatehouse: {access: public}, responses: {"204": {description: ok}}}
    post: {operationId: writeOpen, x-gatehouse: {access: public}, responses: {"204": {description: ok}}}
  /mine:
    get: {operationId: readMine, x-gatehouse: {access: {roles: [member]}}, responses: {"204": {description: ok}}}
    put: {operationId: writeMine, x-gatehouse: {access: {roles: [member]}}, responses: {"204": {description: ok}}}
  /socket:
    get:
      operationId: socket
      x-gatehouse: {access: {roles: [member]}}
      x-gatehouse-websocket: {max_message: 1KiB, rate: 60/1m, receive: {ping: {const: ping}}, send: {pong: {const: pong}}}
      responses: {"101": {description: socket}}
`

func table(t testing.TB) *contract.Table {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(document)}, contract.Options{Roles: []string{"member"}})
	if err != nil {
		t.Fatal(err)
	}
	tab, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// book is a verifier that knows a few credentials by name.
type book map[string]error

// Verify implements Verifier.
func (b book) Verify(_ context.Context, token string) (*call.Principal, error) {
	err, known := b[token]
	if !known {
		return nil, fmt.Errorf("%w: not in the book", ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up a credential: %w", err)
	}
	return &call.Principal{ID: "ada", Role: "member"}, nil
}

func credentials() book {
	return book{
		"live": nil, "ended": ErrExpired, "revoked": ErrRevoked, "broken": errors.New("the store is down"),
		strings.Repeat("a", MaxToken): nil, strings.Repeat("a", MaxToken+1): nil, "": nil, "spa ce": nil, "co,mma": nil, "\u00e9": nil,
	}
}

// serve sends r through the layer alone.
func serve(t testing.TB, r *http.Request, change func(*Config)) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler(t, change).ServeHTTP(w, r)
	return w
}

// handler is the layer around a handler that answers 204 with the caller in
// X-Caller: "ada by bearer" or "guest".
func handler(t testing.TB, change func(*Config)) http.Handler {
	t.Helper()
	cfg := Config{Bearer: credentials(), Cookie: credentials(), Table: table(t), TrustedOrigins: []string{"https://app.example.org"}}
	if change != nil {
		change(&cfg)
	}
	layer, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return layer(call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		who := "guest"
		if p := c.Principal(); p != nil {
			who = p.ID + " by " + p.Method
		}
		w.Header().Set("X-Caller", who)
		return call.NoContent(w, r)
	}))
}

func request(method, path string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "https://notes.example.org"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

const cookie = DefaultCookie + "="

func TestCredentials(t *testing.T) {
	const bare = `Bearer realm="gatehouse"`
	const invalid = bare + `, error="invalid_token", error_description="The token is not valid"`
	for _, row := range []struct {
		name      string
		r         *http.Request
		want      int
		caller    string
		challenge string
	}{
		{"none, public", request("GET", "/open"), 204, "guest", ""},
		{"none, not public", request("GET", "/mine"), 401, "", bare},
		{"bearer", request("GET", "/mine", "Authorization", "Bearer live"), 204, "ada by bearer", ""},
		{"bearer on a public operation", request("GET", "/open", "Authorization", "Bearer live"), 204, "ada by bearer", ""},
		{"scheme in another case", request("GET", "/mine", "Authorization", "bEaReR live"), 204, "ada by bearer", ""},
		{"two spaces behind the scheme (RFC 9110 §11.4: 1*SP)", request("GET", "/mine", "Authorization", "Bearer  live"), 204, "ada by bearer", ""},
		{"a token of 8 KiB", request("GET", "/mine", "Authorization", "Bearer "+strings.Repeat("a", MaxToken)), 204, "ada by bearer", ""},
		{"invalid bearer", request("GET", "/mine", "Authorization", "Bearer nobody"), 401, "", invalid},
		{"invalid bearer on a public operation", request("GET", "/open", "Authorization", "Bearer nobody"), 401, "", invalid},
		{"expired bearer", request("GET", "/open", "Authorization", "Bearer ended"), 401, "", bare + `, error="invalid_token", error_description="The token has expired"`},
		{"revoked bearer", request("GET", "/open", "Authorization", "Bearer revoked"), 401, "", bare + `, error="invalid_token", error_description="The token was revoked"`},
		{"cookie", request("GET", "/mine", "Cookie", cookie+"live"), 204, "ada by cookie", ""},
		{"cookie on a public operation", request("GET", "/open", "Cookie", cookie+"live"), 204, "ada by cookie", ""},
		{"cookie among others", request("GET", "/mine", "Cookie", "a=b; "+cookie+"live; c=d"), 204, "ada by cookie", ""},
		{"other cookies", request("GET", "/mine", "Cookie", "session=live"), 401, "", bare},
		{"empty cookie", request("GET", "/mine", "Cookie", cookie), 401, "", bare},
		{"both: the bearer counts", request("GET", "/mine", "Authorization", "Bearer live", "Cookie", cookie+"nobody"), 204, "ada by bearer", ""},
		{"both, bearer invalid", request("GET", "/mine", "Authorization", "Bearer nobody", "Cookie", cookie+"live"), 401, "", invalid},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := serve(t, row.r, nil)
			if w.Code != row.want || w.Header().Get("X-Caller") != row.caller {
				t.Errorf("%d, %q; want %d, %q", w.Code, w.Header().Get("X-Caller"), row.want, row.caller)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != row.challenge {
				t.Errorf("WWW-Authenticate: %s\nwant %s", got, row.challenge)
			}
			if w.Header().Get("Set-Cookie") != "" {
				t.Errorf("Set-Cookie: %s", w.Header().Get("Set-Cookie"))
			}
		})
	}
}

func TestDeadCookieIsClearedAndItsHolderAGuest(t *testing.T) {
	const gone = DefaultCookie + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	for _, session := range []string{"nobody", "ended", "revoked", strings.Repeat("a", MaxToken+1)} {
		for path, want := range map[string]int{"/open": 204, "/mine": 401} {
			w := serve(t, request("GET", path, "Cookie", cookie+session), nil)
			if w.Code != want || w.Header().Get("Set-Cookie") != gone {
				t.Errorf("%.8s on %s: %d, Set-Cookie %q; want %d, %q", session, path, w.Code, w.Header().Get("Set-Cookie"), want, gone)
			}
			if want == 204 && w.Header().Get("X-Caller") != "guest" {
				t.Errorf("%.8s: caller %s; want guest", session, w.Header().Get("X-Caller"))
			}
		}
	}
}

// TestTheRecordTellsOfAClearedCookie: whatever it was that ended it.
func TestTheRecordTellsOfAClearedCookie(t *testing.T) {
	for session, want := range map[string]string{
		"nobody": "[{authn cookie cleared}]", "ended": "[{authn cookie cleared}]", strings.Repeat("a", MaxToken+1): "[{authn cookie cleared}]", "live": "[]",
	} {
		layer, err := New(Config{Cookie: credentials(), Table: table(t)})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		layer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = fmt.Sprint(call.From(r.Context()).Notes())
		})).ServeHTTP(httptest.NewRecorder(), request("GET", "/open", "Cookie", cookie+session))
		if got != want {
			t.Errorf("%.8s: %s, want %s", session, got, want)
		}
	}
}

// TestSignInReplacesADeadCookie: one answer does not set and remove a cookie.
func TestSignInReplacesADeadCookie(t *testing.T) {
	layer, err := New(Config{Cookie: credentials(), Table: table(t)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, SessionCookie("", "fresh", time.Hour))
		w.WriteHeader(http.StatusNoContent)
	})).ServeHTTP(w, request("POST", "/open", "Cookie", cookie+"nobody"))
	set := w.Header()["Set-Cookie"]
	if len(set) != 1 || set[0] != DefaultCookie+"=fresh; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("Set-Cookie: %q", set)
	}
}

func TestVerifierThatCannotTellIsNot401(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"bearer":                       request("GET", "/mine", "Authorization", "Bearer broken"),
		"bearer on a public operation": request("GET", "/open", "Authorization", "Bearer broken"),
		"cookie":                       request("GET", "/mine", "Cookie", cookie+"broken"),
	} {
		w := serve(t, r, nil)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, Retry-After %q, Set-Cookie %q; want 503 and the cookie kept", name, w.Code, w.Header().Get("Retry-After"), w.Header().Get("Set-Cookie"))
		}
		if strings.Contains(w.Body.String(), "store") {
			t.Errorf("%s: the cause leaves: %s", name, w.Body)
		}
	}
}

func TestVerifierThatFindsNobody(t *testing.T) {
	nobody := func(c *Config) { c.Bearer, c.Cookie = none{}, none{} }
	if w := serve(t, request("GET", "/open", "Authorization", "Bearer live"), nobody); w.Code != 401 {
		t.Errorf("bearer: %d; want 401", w.Code)
	}
	if w := serve(t, request("GET", "/mine", "Cookie", cookie+"live"), nobody); w.Code != 401 {
		t.Errorf("cookie: %d; want 401", w.Code)
	}
}

type none struct{}

// Verify implements Verifier and finds neither a principal nor an error.
func (none) Verify(context.Context, string) (*call.Principal, error) { return nil, nil }

func TestZeroConfig(t *testing.T) {
	nothing := func(c *Config) { *c = Config{} }
	for name, row := range map[string]struct {
		r    *http.Request
		want int
	}{
		"no contract: every request needs credentials": {request("GET", "/open"), 401},
		"no bearer verifier":                           {request("GET", "/open", "Authorization", "Bearer live"), 401},
		"no cookie verifier":                           {request("GET", "/open", "Cookie", cookie+"live"), 401},
	} {
		if w := serve(t, row.r, nothing); w.Code != row.want {
			t.Errorf("%s: %d; want %d", name, w.Code, row.want)
		}
	}
	noCookies := func(c *Config) { c.Cookie = nil }
	if w := serve(t, request("GET", "/open", "Cookie", cookie+"live"), noCookies); w.Code != 204 || w.Header().Get("X-Caller") != "guest" {
		t.Errorf("a cookie that nobody verifies: %d %s; want 204 guest", w.Code, w.Header().Get("X-Caller"))
	}
}

func TestSharedPrincipalIsNotChanged(t *testing.T) {
	shared := &call.Principal{ID: "ada", Role: "member"}
	w := serve(t, request("GET", "/mine", "Cookie", cookie+"live"), func(c *Config) { c.Cookie = always{shared} })
	if w.Header().Get("X-Caller") != "ada by cookie" || shared.Method != "" {
		t.Errorf("caller %s, shared method %q", w.Header().Get("X-Caller"), shared.Method)
	}
}

type always struct{ p *call.Principal }

// Verify implements Verifier with one principal for everybody.
func (a always) Verify(context.Context, string) (*call.Principal, error) { return a.p, nil }

func TestRealmAndCookieName(t *testing.T) {
	w := serve(t, request("GET", "/mine"), func(c *Config) { c.Realm = "notes" })
	if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="notes"` {
		t.Errorf("WWW-Authenticate: %s", got)
	}
	named := func(c *Config) { c.CookieName = "__Host-notes" }
	if w := serve(t, request("GET", "/mine", "Cookie", "__Host-notes=live"), named); w.Code != 204 {
		t.Errorf("cookie of our name: %d; want 204", w.Code)
	}
	if w := serve(t, request("GET", "/mine", "Cookie", cookie+"live"), named); w.Code != 401 {
		t.Errorf("cookie of the default name: %d; want 401", w.Code)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"a cookie name without __Host-":   {CookieName: "session"},
		"a cookie name that is no token":  {CookieName: "__Host-a b"},
		"a realm that ends its quotes":    {Realm: `a", error="x`},
		"a realm with a line end":         {Realm: "a\r\nSet-Cookie: x=y"},
		"a realm beyond ASCII":            {Realm: "caf\u00e9"},
		"a realm with a backslash":        {Realm: `a\`},
		"a trusted origin with a path":    {TrustedOrigins: []string{"https://app.example.org/"}},
		"a trusted origin without scheme": {TrustedOrigins: []string{"app.example.org"}},
		"a trusted origin null":           {TrustedOrigins: []string{"null"}},
		"a trusted origin without host":   {TrustedOrigins: []string{"https://"}},
		"a trusted wildcard":              {TrustedOrigins: []string{"https://*.example.org"}},
		"a trusted file":                  {TrustedOrigins: []string{"file://"}},
		"a trusted origin with a user":    {TrustedOrigins: []string{"https://a@example.org"}},
		"a trusted origin that is no URL": {TrustedOrigins: []string{"https://%zz"}},
		"a trusted origin in capitals":    {TrustedOrigins: []string{"HTTPS://APP.example.org"}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Config{CookieName: "session", InsecureCookieName: true}); err != nil {
		t.Errorf("a plain cookie name on request: %v", err)
	}
}

func TestSessionCookie(t *testing.T) {
	for want, c := range map[string]*http.Cookie{
		"__Host-gatehouse=v; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax": SessionCookie("", "v", 15*time.Minute),
		"__Host-x=v; Path=/; Max-Age=1; HttpOnly; Secure; SameSite=Lax":           SessionCookie("__Host-x", "v", 1999*time.Millisecond),
		"__Host-gatehouse=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax":    SessionCookie("", "v", 0),
	} {
		if got := c.String(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
