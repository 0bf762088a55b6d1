package members_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/apps/members"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/validate"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const password = "correct horse battery"

// world is the app behind the whole gate, on a database of its own. Every answer
// is checked against the contract.
type world struct {
	http.Handler
	*identity.Service
	store *store.Store

	mu  sync.Mutex
	now time.Time
	log strings.Builder

	arrived func(r *http.Request) // called before a handler, when set
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, []store.Schema{identity.Schema()}, func(t *testing.T, s *store.Store) { f(t, newWorld(t, s, nil)) })
}

func newWorld(t *testing.T, s *store.Store, change func(*identity.Config)) *world {
	t.Helper()
	w := &world{store: s, now: time.Now().Truncate(time.Second)}
	cfg := identity.Config{
		Store: s, Key: []byte("a key for tests, 32 bytes or more"), Issuer: "https://gate.example", Audience: "gatehouse",
		SignUp: identity.SignUpOpen, Passwords: identity.PasswordConfig{Memory: 8, Time: 1}, Now: w.clock,
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if w.Service, err = identity.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	api, err := contract.Load(members.Contract(), contract.Options{Roles: []string{"admin", "manager", "counsellor", "member"}})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := gatehouse.New(gatehouse.Config{
		Contracts: []*contract.API{api}, Now: w.clock,
		Observe:  observe.Config{Log: slog.NewJSONHandler(w, nil)},
		Authn:    authn.Config{Bearer: w.Bearer(), Cookie: w.Cookie(), CookieName: identity.CookieName},
		Validate: validate.Config{Responses: validate.Enforce},
	})
	if err != nil {
		t.Fatal(err)
	}
	handlers := members.New(w.Service, members.Config{}).Handlers()
	w.Handler = gate.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.arrived != nil {
			w.arrived(r)
		}
		handlers[call.From(r.Context()).Operation().ID].ServeHTTP(rw, r)
	}))
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) move(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Write is where the records go.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// answer is what came back.
type answer struct {
	*http.Response
	text string
	json map[string]any
}

// has tells whether the answer is a refusal with a status, a code and a title.
func (a answer) has(status int, code, title string) bool {
	return a.StatusCode == status && a.json["code"] == code && a.json["error"] == title && a.json["title"] == title
}

func (a answer) str(key string) string { s, _ := a.json[key].(string); return s }

// request is one call; headers are written "Name: value".
type request struct {
	method, path, body string
	headers            []string
	from               string // address; 127.0.0.1 when empty
	plain              bool   // over plain HTTP, which is for this machine alone
}

func (w *world) send(t *testing.T, q request) answer {
	t.Helper()
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	r.Host = "localhost:8001"
	r.RemoteAddr = "127.0.0.1:40000"
	if q.from != "" {
		r.RemoteAddr = q.from + ":40000"
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if !q.plain {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	for _, h := range q.headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	a := answer{Response: rec.Result()}
	data, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.text = string(data)
	if strings.Contains(a.Header.Get("Content-Type"), "json") {
		v, err := strictjson.Decode(data)
		if err != nil {
			t.Fatalf("%s %s answers no JSON: %v", q.method, q.path, err)
		}
		a.json, _ = v.(map[string]any)
	}
	return a
}

func (w *world) post(t *testing.T, path, body string, headers ...string) answer {
	t.Helper()
	return w.send(t, request{method: "POST", path: path, body: body, headers: headers})
}

func (w *world) get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	return w.send(t, request{method: "GET", path: path, headers: headers})
}

func (w *world) member(t *testing.T, name string, role identity.Role) identity.Member {
	t.Helper()
	m, err := w.AddMember(t.Context(), identity.Operator(), identity.NewMember{
		Username: name, Email: name + "@example.org", Password: password, Role: role,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func loginBody(name, password string) string {
	return `{"email":"` + name + `@example.org","password":"` + password + `"}`
}

// signIn returns the Authorization field of a fresh login and its refresh token.
func (w *world) signIn(t *testing.T, name string) (authorization, refresh string) {
	t.Helper()
	a := w.post(t, "/login", loginBody(name, password))
	if a.StatusCode != 200 {
		t.Fatalf("login answers %d %s", a.StatusCode, a.text)
	}
	return "Authorization: Bearer " + a.str("token"), a.str("refreshToken")
}

// signInCookie returns the Cookie field of a fresh login.
func (w *world) signInCookie(t *testing.T, name string) string {
	t.Helper()
	a := w.post(t, "/login", `{"email":"`+name+`@example.org","password":"`+password+`","cookie":true}`)
	if a.StatusCode != 200 || len(a.Cookies()) != 1 {
		t.Fatalf("login answers %d %s", a.StatusCode, a.text)
	}
	return "Cookie: " + identity.CookieName + "=" + a.Cookies()[0].Value
}
