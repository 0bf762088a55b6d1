package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const booking = `{"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`

func TestSocketAsTheSeedsClientsUseIt(t *testing.T) {
	p := demo(t, "--seed", "test")
	for _, path := range []string{"/", "/ws"} {
		c := dialSocket(t, p, path, "http://localhost:8000")
		for _, silent := range []string{`"ping"`, `{"type":"ping"}`, `{"type":"SET_INTERVIEW","id":1,"interview":null}`} {
			send(t, c, silent)
		}
		send(t, c, "ping")
		if got := receive(t, c); got != `"pong"` {
			t.Errorf("%s: ping was answered with %s, want \"pong\"; the frames before it get no answer", path, got)
		}
		a := p.do(request{method: http.MethodPut, path: "/api/appointments/2",
			body: `{"interview":{"student":"Lydia Miller-Jones","interviewer":1,"admin":true},"x":1}`})
		if a.status != http.StatusNoContent || a.body != "" {
			t.Errorf("PUT: %d %q", a.status, a.body)
		}
		if got := receive(t, c); got != `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Lydia Miller-Jones","interviewer":1}}` {
			t.Errorf("after PUT: %s", got)
		}
		if a := p.do(request{method: http.MethodDelete, path: "/api/v1/appointments/2"}); a.status != http.StatusNoContent {
			t.Errorf("DELETE: %d %s", a.status, a.body)
		}
		if got := receive(t, c); got != `{"type":"SET_INTERVIEW","id":2,"interview":null}` {
			t.Errorf("after DELETE: %s", got)
		}
	}
}

// TestEveryWriteIsTold books one slot from many clients at one time: a second
// socket hears of each booking, and last of the one that stayed.
func TestEveryWriteIsTold(t *testing.T) {
	const writers = 24 // fewer than the messages that wait for a slow reader
	p := demo(t, "--seed", "test")
	c := dialSocket(t, p, "/", "")
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			a, err := p.try(request{method: http.MethodPut, path: "/api/appointments/3",
				body: fmt.Sprintf(`{"interview":{"student":"Student %d","interviewer":1}}`, i)})
			if err != nil || a.status != http.StatusNoContent {
				t.Errorf("booking: %v %d", err, a.status)
			}
		})
	}
	wg.Wait()
	heard := map[string]bool{}
	last := ""
	for range writers {
		last = receive(t, c)
		heard[last] = true
	}
	if len(heard) != writers {
		t.Errorf("%d bookings were told, want %d", len(heard), writers)
	}
	var event struct{ Interview json.RawMessage }
	if err := json.Unmarshal([]byte(last), &event); err != nil {
		t.Fatal(err)
	}
	if stays := p.do(request{path: "/api/appointments"}).body; !strings.Contains(stays, string(event.Interview)) {
		t.Errorf("the last that was told is %s, what stayed is %s", event.Interview, stays)
	}
}

func TestSocketRefuses(t *testing.T) {
	p := demo(t, "--seed", "test")
	t.Run("a page of another site", func(t *testing.T) {
		_, res, err := tryDial(p, "/", http.Header{"Origin": {"https://evil.example"}})
		if err == nil || res == nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("dialled: %v %v", res, err)
		}
	})
	for _, tt := range []struct {
		name  string
		frame []byte
		kind  websocket.MessageType
		want  websocket.StatusCode
	}{
		{"text that is not UTF-8", []byte{'h', 0xff, 0xfe}, websocket.MessageText, websocket.StatusInvalidFramePayloadData},
		{"a message that is too big", []byte(strings.Repeat("x", 65<<10)), websocket.MessageText, websocket.StatusMessageTooBig},
		{"a binary frame", []byte{1, 2, 3}, websocket.MessageBinary, websocket.StatusUnsupportedData},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dialSocket(t, p, "/", "")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := c.Write(ctx, tt.kind, tt.frame); err != nil {
				t.Fatal(err)
			}
			if got := closedWith(t, c); got != tt.want {
				t.Errorf("closed with %d, want %d", got, tt.want)
			}
		})
	}
}

func TestClosedSchedulerAsksWhoCalls(t *testing.T) {
	p := demo(t, "--seed", "test", "--closed")
	if _, res, err := tryDial(p, "/", nil); err == nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a guest dialled: %v %v", res, err)
	}
	anna, bert := p.token("member", 0), p.token("member", 1)
	boss := p.token("manager", 0)
	own, other, manager := dialAs(t, p, anna), dialAs(t, p, bert), dialAs(t, p, boss)
	if a := p.do(request{method: http.MethodPut, path: "/api/appointments/2", token: anna, body: booking}); a.status != http.StatusNoContent {
		t.Fatalf("booking: %d %s", a.status, a.body)
	}
	named := `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`
	reserved := `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Reserved","interviewer":1}}`
	for name, tt := range map[string]struct {
		conn *websocket.Conn
		want string
	}{"the member who booked": {own, named}, "another member": {other, reserved}, "a manager": {manager, named}} {
		if got := receive(t, tt.conn); got != tt.want {
			t.Errorf("%s sees %s, want %s", name, got, tt.want)
		}
	}
	if a := p.do(request{method: http.MethodPut, path: "/api/appointments/2", token: bert, body: booking}); a.status != http.StatusForbidden {
		t.Errorf("another's booking was changed: %d %s", a.status, a.body)
	}
	if a := p.do(request{method: http.MethodPost, path: "/logout", token: anna}); a.status != http.StatusNoContent {
		t.Fatalf("logout: %d %s", a.status, a.body)
	}
	if got := closedWith(t, own); got != websocket.StatusPolicyViolation {
		t.Errorf("after logout the socket closed with %d, want 1008", got)
	}
	if a := p.do(request{path: "/api/appointments", token: anna}); a.status != http.StatusUnauthorized {
		t.Errorf("a logged-out token was answered %d", a.status)
	}
}

func TestShutdownSaysGoingAway(t *testing.T) {
	p := demo(t, "--seed", "test")
	c := dialSocket(t, p, "/", "")
	ended := make(chan error, 1)
	go func() { ended <- p.stop(syscall.SIGTERM) }()
	if got := closedWith(t, c); got != websocket.StatusGoingAway {
		t.Errorf("closed with %d, want 1001", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("the program ended with %v\n%s", err, p.log.String())
	}
}

func tryDial(p *program, path string, h http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	c, res, err := websocket.Dial(ctx, strings.Replace(p.url, "http", "ws", 1)+path, &websocket.DialOptions{HTTPHeader: h})
	if err == nil {
		c.SetReadLimit(1 << 20)
	}
	return c, res, err
}

func dialSocket(t *testing.T, p *program, path, origin string) *websocket.Conn {
	t.Helper()
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	c, _, err := tryDial(p, path, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func dialAs(t *testing.T, p *program, token string) *websocket.Conn {
	t.Helper()
	c, _, err := tryDial(p, "/", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func send(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, b, err := c.Read(ctx)
	if err != nil {
		t.Fatalf("reading the socket: %v", err)
	}
	return string(b)
}

func closedWith(t *testing.T, c *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}
