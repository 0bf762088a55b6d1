package members_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// half is the app on a socket, for clients that send a request and close their
// half of the connection while it is served. What serves it waits until net/http
// has seen that, which ends the context of the request.
type half struct {
	*world
	address string
	asked   atomic.Pointer[http.Request] // the one that is being served
	reached chan struct{}                // the request has come to where its client leaves
	atDoor  bool                         // that is before the handler, and not while a password is hashed
}

func eachHalf(t *testing.T, f func(t *testing.T, h *half)) {
	t.Helper()
	storetest.Each(t, []store.Schema{identity.Schema()}, func(t *testing.T, s *store.Store) {
		h := &half{reached: make(chan struct{}, 1)}
		h.world = newWorld(t, s, func(cfg *identity.Config) { cfg.Random = h })
		h.arrived = func(r *http.Request) {
			if h.asked.Load() != nil && h.atDoor && !h.left(r.Context()) {
				t.Error("nobody noticed that the client has gone")
			}
		}
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			h.asked.Store(r)
			defer h.asked.Store(nil)
			h.ServeHTTP(rw, r)
		}))
		defer srv.Close()
		h.address = srv.Listener.Addr().String()
		f(t, h)
	})
}

// Read is where the service has its salts from: one is read for each password.
func (h *half) Read(p []byte) (int, error) {
	if r := h.asked.Load(); r != nil && !h.left(r.Context()) {
		return 0, context.DeadlineExceeded
	}
	return rand.Read(p)
}

// left has the client leave, and tells whether that was noticed.
func (h *half) left(ctx context.Context) bool {
	select {
	case h.reached <- struct{}{}:
	default: // it has left already
	}
	select {
	case <-ctx.Done():
		return true
	case <-time.After(10 * time.Second):
		return false
	}
}

// leave sends a request, closes its half of the connection when the request has
// come so far, and returns the status of the answer.
func (h *half) leave(t *testing.T, path, body string, headers ...string) int {
	t.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	select {
	case <-h.reached: // by another random number of the request before
	default:
	}
	if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	lines := append([]string{"POST " + path + " HTTP/1.1", "Host: localhost", fmt.Sprintf("Content-Length: %d", len(body))}, headers...)
	if _, err := conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() {
		a, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		_ = a.Body.Close()
		answered <- a.StatusCode
	}()
	select {
	case status := <-answered: // before it came so far
		return status
	case <-h.reached:
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	return <-answered
}

// audited counts the entries of an action with an outcome.
func (h *half) audited(t *testing.T, action, outcome string) (n int) {
	t.Helper()
	err := h.store.Read(t.Context(), store.Actor{ID: "a", Role: "admin"}, func(tx *store.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*) FROM audit_entries WHERE action = $1 AND outcome = $2`, action, outcome).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Whoever leaves is counted and recorded like those who stay.
func TestGuessingWithAHalfClosedConnection(t *testing.T) {
	change := `{"currentPassword":"wrong password","newPassword":"another long secret"}`
	for _, row := range []struct {
		name, path, body string
		atDoor           bool
		guesses, answer  int // as many as the budget has, each answered so
		action           string
	}{
		{"a password, while it is hashed", "/login", loginBody("lydia", "wrong password"), false, 5, 401, "LOGIN_FAILED"},
		{"an address, while nothing is hashed for it", "/login", loginBody("nobody", "wrong password"), false, 5, 401, "LOGIN_FAILED"},
		{"a password, before anybody looks at it", "/login", loginBody("lydia", password), true, 5, 503, ""},
		{"the current password, while it is hashed", "/password", change, false, 5, 403, "PASSWORD_CHANGED"},
		{"the current password, before anybody looks at it", "/password", strings.ReplaceAll(change, "wrong password", password), true, 5, 503, ""},
		{"the setup token", "/setup", `{"token":"` + strings.Repeat("x", 43) + `","username":"first","email":"first@example.org","password":"` + password + `"}`, true, 10, 503, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachHalf(t, func(t *testing.T, h *half) {
				h.member(t, "lydia", identity.Ordinary)
				mine, _ := h.signIn(t, "lydia")
				var headers []string
				if row.path == "/password" {
					headers = []string{mine}
				}
				h.atDoor = row.atDoor
				for i := range row.guesses {
					if got := h.leave(t, row.path, row.body, headers...); got != row.answer {
						t.Errorf("guess %d is answered %d, not %d", i+1, got, row.answer)
					}
				}
				if got := h.leave(t, row.path, row.body, headers...); got != 429 {
					t.Errorf("one more guess is answered %d", got)
				}
				if row.action != "" {
					if n := h.audited(t, row.action, "failure"); n != row.guesses {
						t.Errorf("%d of %d guesses are on record", n, row.guesses)
					}
				}
			})
		})
	}
}

func TestARightPasswordIsNotCountedWhoeverLeaves(t *testing.T) {
	eachHalf(t, func(t *testing.T, h *half) {
		h.member(t, "lydia", identity.Ordinary)
		former, _ := h.signIn(t, "lydia")
		if got := h.leave(t, "/login", loginBody("lydia", password), former); got != 200 {
			t.Errorf("a login is answered %d", got)
		}
		if a := h.get(t, "/profile", former); a.StatusCode != 401 {
			t.Errorf("the session it was sent with goes on: %d", a.StatusCode)
		}
		for range 6 {
			if got := h.leave(t, "/login", loginBody("lydia", password)); got != 200 {
				t.Errorf("a right password is answered %d", got)
			}
		}
		if n := h.audited(t, "LOGIN", "success"); n != 8 {
			t.Errorf("%d logins of 8 are on record", n)
		}
		mine, _ := h.signIn(t, "lydia")
		elsewhere := h.signInCookie(t, "lydia")
		if got := h.leave(t, "/password", `{"currentPassword":"`+password+`","newPassword":"another long secret"}`, mine); got != 204 {
			t.Errorf("a change of password is answered %d", got)
		}
		if a := h.get(t, "/profile", elsewhere); a.StatusCode != 401 {
			t.Errorf("after a new password the other session is answered %d", a.StatusCode)
		}
	})
}

func TestLeavingIsNoWayToStaySignedIn(t *testing.T) {
	for _, path := range []string{"/logout", "/logout/all"} {
		eachHalf(t, func(t *testing.T, h *half) {
			h.member(t, "lydia", identity.Ordinary)
			mine := h.signInCookie(t, "lydia")
			h.atDoor = true
			if got := h.leave(t, path, "", mine); got != 204 {
				t.Errorf("%s is answered %d", path, got)
			}
			if a := h.get(t, "/profile", mine); a.StatusCode != 401 {
				t.Errorf("after %s the session is answered %d", path, a.StatusCode)
			}
		})
	}
}
