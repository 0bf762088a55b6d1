package apps

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/internal/apps/members"
	"github.com/gatehouse-api/gatehouse/internal/apps/scheduler"
	"github.com/gatehouse-api/gatehouse/internal/apps/system"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
	"github.com/gatehouse-api/gatehouse/validate"
)

const password = "correct horse battery"

// TestAttacksOnTheApps runs the attack rows and the table of access against the
// three apps behind one gate, with members of each role.
func TestAttacksOnTheApps(t *testing.T) {
	storetest.Each(t, Schemas(), func(t *testing.T, s *store.Store) {
		h, target := allApps(t, s)
		gatetest.Run(t, h, target)
	})
}

func allApps(t *testing.T, s *store.Store) (http.Handler, gatetest.Target) {
	t.Helper()
	people, err := identity.New(identity.Config{
		Store: s, Key: []byte("a key for tests, 32 bytes or more"), Issuer: "https://gate.example", Audience: "gatehouse",
		SignUp: identity.SignUpOpen, Passwords: identity.PasswordConfig{Memory: 8, Time: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := people.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	hub, err := live.New(live.Config{})
	if err != nil {
		t.Fatal(err)
	}
	booking, err := scheduler.New(scheduler.Config{Store: s, Hub: hub, Seed: scheduler.SeedTest})
	if err != nil {
		t.Fatal(err)
	}
	if err := booking.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	apis := compiled(t, Options{Environment: "test"})
	dispatch, err := Dispatch(apis, Handlers{
		"system": system.New(system.Config{
			Ready: func(context.Context) error { return nil }, Document: func() []byte { return []byte(`{"openapi":"3.1.0"}`) },
		}).Handlers(),
		"members": members.New(people, members.Config{}).Handlers(), "scheduler": booking.Handlers(),
	})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := gatehouse.New(raised(gatehouse.Config{
		Contracts: apis,
		Authn:     authn.Config{Bearer: people.Bearer(), Cookie: people.Cookie()},
		Observe:   observe.Config{Log: slog.DiscardHandler},
		Validate:  validate.Config{Responses: validate.Enforce},
	}))
	if err != nil {
		t.Fatal(err)
	}
	tokens, cookies := credentials(t, people)
	h := gate.Wrap(dispatch)
	return h, gatetest.Target{
		Address: served(t, h),
		Table:   gate.Table(), Tokens: tokens, Cookies: cookies,
		Others: map[string]map[string]string{ // slot 1 is booked by a guest
			"bookInterview": {"path.id": "1"}, "cancelInterview": {"path.id": "1"},
		},
		Bodies: map[string]string{
			"login":          `{"email":"admin@example.org","password":"` + password + `"}`,
			"signUp":         `{"email":"new@example.org","username":"new","password":"` + password + `"}`,
			"changePassword": `{"currentPassword":"` + password + `","newPassword":"` + password + `"}`,
		},
		Leave: map[string]string{
			"access/setup":   "public, and the handler answers 403 to who has no setup link",
			"access/refresh": "public, and the handler answers 401 to a refresh token that is none",
		},
	}
}

// served runs a server as the program does, and returns its address.
func served(t *testing.T, h http.Handler) string {
	t.Helper()
	server, err := tlsedge.NewServer(tlsedge.ServerConfig{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tlsedge.Listen(t.Context(), "localhost:0", tlsedge.Caps{})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = tlsedge.Serve(server, listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// raised raises the budgets of the contracts: thousands of calls by four members
// are no attack here. That of unknown paths stays.
func raised(c gatehouse.Config) gatehouse.Config {
	c.Limit.Budgets = map[string]contract.Budget{}
	for _, api := range c.Contracts {
		for name, b := range api.Budgets {
			b.Requests = 1_000_000
			c.Limit.Budgets[name] = b
		}
	}
	return c
}

// credentials log in one member of each role, anew for each credential.
func credentials(t *testing.T, people *identity.Service) (tokens, cookies map[string]func() string) {
	t.Helper()
	tokens, cookies = map[string]func() string{}, map[string]func() string{}
	for _, role := range identity.Roles() {
		name := string(role)
		if _, err := people.AddMember(t.Context(), identity.Operator(), identity.NewMember{
			Username: name, Email: name + "@example.org", Password: password, Role: role,
		}); err != nil {
			t.Fatal(err)
		}
		login := func(cookie bool) identity.Grant {
			g, err := people.Login(t.Context(), identity.Credentials{Email: name + "@example.org", Password: password, Cookie: cookie},
				identity.Origin{Address: netip.MustParseAddr("127.0.0.1")})
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		tokens[name] = func() string { return login(false).AccessToken }
		cookies[name] = func() string { return identity.CookieName + "=" + login(true).Cookie }
	}
	return tokens, cookies
}
