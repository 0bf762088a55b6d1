package system

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/validate"
)

// byRole takes the name of a role for a token.
type byRole struct{}

func (byRole) Verify(_ context.Context, token string) (*call.Principal, error) {
	if token != "admin" && token != "member" {
		return nil, authn.ErrInvalid
	}
	return &call.Principal{ID: token, Role: token}, nil
}

var errDown = errors.New("dial tcp 10.1.2.3:5432: connection refused")

// behindTheGate is the app as it is served, its answers checked.
func behindTheGate(t *testing.T, ready error) http.Handler { return behindTheGateWith(t, ready, nil) }

func behindTheGateWith(t *testing.T, ready error, failures *Failures) http.Handler {
	t.Helper()
	api, err := contract.Load(Contract(), contract.Options{Roles: []string{"member", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := gatehouse.New(gatehouse.Config{
		Contracts: []*contract.API{api},
		Authn:     authn.Config{Bearer: byRole{}},
		Observe:   observe.Config{Log: slog.DiscardHandler},
		Validate:  validate.Config{Responses: validate.Enforce},
	})
	if err != nil {
		t.Fatal(err)
	}
	started := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	app := New(Config{
		Version: "1.2.3", Commit: "c0ffee", Started: started, Now: func() time.Time { return started.Add(90 * time.Second) },
		Ready: func(context.Context) error { return ready }, Document: func() []byte { return []byte(`{"openapi":"3.1.0"}`) },
		Failures: failures,
	})
	handlers := app.Handlers()
	if len(handlers) != len(api.Operations) {
		t.Fatalf("%d handlers for %d operations", len(handlers), len(api.Operations))
	}
	return gate.Wrap(call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		handlers[c.Operation().ID].ServeHTTP(w, r)
		return nil
	}))
}

func ask(h http.Handler, method, target, token, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+target, nil)
	r.RemoteAddr = "127.0.0.1:40000"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAbuse(t *testing.T) {
	well, down := behindTheGate(t, nil), behindTheGate(t, errDown)
	for _, tt := range []struct {
		name, method, target, token string
		handler                     http.Handler
		want                        int
		not                         string // what the answer must not hold
	}{
		{"a guest looks for figures of the process", "GET", "/health", "", well, 200, "memory"},
		{"a guest looks for the commit", "GET", "/health", "", well, 200, "c0ffee"},
		{"a member looks for figures of the process", "GET", "/health", "member", well, 200, "memory"},
		{"a forged token on a public route", "GET", "/health", "root", well, 401, "uptime"},
		{"a query that nobody described", "GET", "/health?verbose=1", "", well, 400, "uptime"},
		{"the address of the database in a refusal", "GET", "/readyz", "", down, 503, "10.1.2.3"},
		{"a write to the root", "POST", "/", "", well, 405, "ok"},
		{"a stylesheet one folder up", "GET", "/../gatehouse.css", "", well, 400, "body"},
		{"livez tells nothing of the database", "GET", "/livez", "", down, 200, "down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(tt.handler, tt.method, tt.target, tt.token, "application/json")
			if w.Code != tt.want || strings.Contains(w.Body.String(), tt.not) {
				t.Errorf("%d, want %d without %q: %s", w.Code, tt.want, tt.not, w.Body)
			}
		})
	}
	if w := ask(down, "GET", "/readyz", "", "*/*"); w.Header().Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

func TestAnswers(t *testing.T) {
	h := behindTheGate(t, nil)
	var admin health
	if err := json.Unmarshal(ask(h, "GET", "/health", "admin", "*/*").Body.Bytes(), &admin); err != nil {
		t.Fatal(err)
	}
	if admin.Status != "ok" || admin.Uptime != 90 || admin.Timestamp != "2026-11-21T09:01:30.000Z" || admin.Version != "1.2.3" ||
		admin.Commit != "c0ffee" || admin.Memory == nil || admin.Memory.Heap == 0 {
		t.Errorf("an admin's health: %+v", admin)
	}
	for accept, want := range map[string]string{"text/html": "text/html; charset=utf-8", "*/*": "application/json; charset=utf-8"} {
		w := ask(h, "GET", "/", "", accept)
		if w.Code != 200 || w.Header().Get("Content-Type") != want || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept") {
			t.Errorf("GET / for %s: %d %v", accept, w.Code, w.Header())
		}
	}
	if w := ask(h, "GET", "/", "", "text/html"); !strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src 'self'") {
		t.Error("the page has not the policy of pages")
	}
	for target, want := range map[string]string{"/readyz": `{"ready":true}`, "/livez": `{"alive":true}`, "/openapi.json": `{"openapi":"3.1.0"}`} {
		if w := ask(h, "GET", target, "", "*/*"); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	if w := ask(h, "HEAD", "/health", "", "*/*"); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
}
