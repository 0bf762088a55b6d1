package scheduler

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/live"
)

// listener is one connection to the socket.
type listener struct {
	t      testing.TB
	ws     *websocket.Conn
	socket *contract.Socket
}

// serve puts the gate behind a real server.
func (g *gate) serve() *httptest.Server {
	server := httptest.NewServer(g.handler)
	g.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := g.hub.Shutdown(ctx); err != nil {
			g.t.Error(err)
		}
		server.Close()
	})
	return server
}

func (g *gate) listen(server *httptest.Server, path, as string) *listener {
	g.t.Helper()
	ws, resp, err := dial(server, path, as)
	if err != nil {
		g.t.Fatalf("opening %s as %q: %v", path, as, resp)
	}
	g.t.Cleanup(func() { _ = ws.CloseNow() })
	return &listener{g.t, ws, g.table.Match("GET", path, true).Operation.Socket}
}

func dial(server *httptest.Server, path, as string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	header := http.Header{}
	if as != "" {
		header.Set("Test-As", as)
	}
	return websocket.Dial(ctx, server.URL+path, &websocket.DialOptions{HTTPHeader: header})
}

// want reads one message; wantEach reads as many as are given, of different
// slots, which have no order between them.
func (l *listener) want(message string) { l.t.Helper(); l.wantEach(message) }

func (l *listener) wantEach(messages ...string) {
	l.t.Helper()
	left := slices.Clone(messages)
	for range messages {
		got := l.read()
		at := slices.Index(left, got)
		if at < 0 {
			l.t.Errorf("message\n%s, want\n%s", got, strings.Join(left, "\nor "))
			return
		}
		left = slices.Delete(left, at, at+1)
	}
}

// read reads one message, which must fit the contract.
func (l *listener) read() string {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, got, err := l.ws.Read(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	name := "pong"
	if strings.Contains(string(got), "SET_INTERVIEW") {
		name = "SET_INTERVIEW"
	}
	for _, f := range l.socket.CheckSend(name, got) {
		l.t.Errorf("%s is against the contract: %s %s", got, f.Pointer, f.Message)
	}
	return string(got)
}

func (l *listener) say(message string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		l.t.Fatal(err)
	}
}

func TestSocketOfTheOriginal(t *testing.T) {
	each(t, Config{Open: true}, func(g *gate) {
		server := g.serve()
		one, two := g.listen(server, "/", ""), g.listen(server, "/ws", "")
		one.say(`"ping"`)
		one.say(`{"type":"ping"}`)
		one.say("ping")
		one.want(`"pong"`)
		both := func(message string) {
			g.t.Helper()
			one.want(message)
			two.want(message)
		}
		g.want(204, "", g.do("", "PUT", "/api/appointments/2", `{"interview":{"student":" Lydia <b>","interviewer":1,"evil":true},"id":7}`))
		both(`{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Lydia <b>","interviewer":1}}`)
		g.want(204, "", g.do("", "DELETE", "/api/appointments/999", ""))  // tells nobody
		g.want(404, "", g.do("", "PUT", "/api/appointments/999", lydia))  // nor does this
		g.want(200, "", g.do("", "GET", "/api/debug/reset", ""))          // nor this
		g.want(204, "", g.do("", "DELETE", "/api/v1/appointments/1", "")) // this does
		both(`{"type":"SET_INTERVIEW","id":1,"interview":null}`)
		g.want(204, "", g.do("", "DELETE", "/api/appointments/1", "")) // and so does cancelling nothing, as it did
		both(`{"type":"SET_INTERVIEW","id":1,"interview":null}`)
		g.want(201, "", g.do("admin:ada", "POST", "/api/days", `{"name":"Sunday"}`)) // administration is not for this socket
		g.want(204, "", g.do("", "PUT", "/api/appointments/1", lydia))
		both(`{"type":"SET_INTERVIEW","id":1,"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`)
	})
}

func TestSocketHidesNames(t *testing.T) {
	g := sqlite(t, Config{})
	server := g.serve()
	if _, resp, err := dial(server, "/", ""); err == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("a guest: %v, want 401", resp)
	}
	ann, bob, cleo, mia := g.listen(server, "/", "member:ann"), g.listen(server, "/", "member:bob"), g.listen(server, "/", "counsellor:cleo"), g.listen(server, "/ws", "manager:mia")
	g.want(204, "", g.do("member:ann", "PUT", "/api/appointments/2", lydia))
	full := `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`
	ann.want(full)
	cleo.want(full)
	mia.want(full)
	bob.want(`{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Reserved","interviewer":1}}`)
}

// TestGuestHearsNothingWhenClosed opens the socket behind authz's back.
func TestGuestHearsNothingWhenClosed(t *testing.T) {
	g := sqlite(t, Config{})
	server := httptest.NewServer(g.app.Handlers()["socket"])
	defer server.Close()
	ws, _, err := dial(server, "/", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	g.want(204, "", g.do("member:ann", "PUT", "/api/appointments/2", lydia))
	l := &listener{t, ws, g.table.Match("GET", "/ws", true).Operation.Socket}
	l.say("ping")
	l.want(`"pong"`)
}

func TestErrorModeTellsNobody(t *testing.T) {
	g := sqlite(t, Config{Open: true, ErrorMode: true})
	l := g.listen(g.serve(), "/", "")
	g.want(500, `{}`, g.do("", "PUT", "/api/appointments/2", lydia))
	g.want(500, `{}`, g.do("", "DELETE", "/api/appointments/1", ""))
	l.say("ping")
	l.want(`"pong"`)
}

func TestRepeatedRequestTellsNobody(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	l := g.listen(g.serve(), "/", "")
	for range 3 {
		g.want(204, "", g.do("", "PUT", "/api/appointments/2", lydia, "Idempotency-Key", "k"))
	}
	l.want(`{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`)
	l.say("ping")
	l.want(`"pong"`)
}

// flushed hears when the answer is sent.
type flushed struct {
	*httptest.ResponseRecorder
	then func()
}

func (f flushed) Flush() { f.then() }

func TestAnswerComesBeforeTheMessage(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	l := g.listen(g.serve(), "/", "")
	r := httptest.NewRequest("PUT", "/api/appointments/2", strings.NewReader(lydia))
	r.Header.Set("Content-Type", "application/json")
	g.handler.ServeHTTP(flushed{httptest.NewRecorder(), func() {
		g.hub.Publish(live.Event{Topic: topic, View: func(*call.Principal) []byte { return []byte(`"pong"`) }})
	}}, r)
	l.want(`"pong"`)
	l.want(`{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`)
}

// TestMessageFollowsClientThatLeft books for a client that goes away while the
// pace is kept: what is committed is told.
func TestMessageFollowsClientThatLeft(t *testing.T) {
	g := sqlite(t, Config{Open: true, Pace: time.Hour})
	l := g.listen(g.serve(), "/", "")
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequest("PUT", "/api/appointments/2", strings.NewReader(lydia)).WithContext(ctx)
	r.Header.Set("Content-Type", "application/json")
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	for !strings.Contains(g.do("", "GET", "/api/appointments", "").body, "Lydia") {
		select {
		case <-done:
			t.Fatal("answered before the pace was over")
		default:
		}
	}
	cancel()
	<-done
	l.want(`{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Lydia Miller-Jones","interviewer":1}}`)
}

func TestPlainGetOfTheSocketPath(t *testing.T) {
	g := sqlite(t, Config{Open: true})
	a := g.do("", "GET", "/ws", "")
	if a.StatusCode != http.StatusUpgradeRequired && a.StatusCode != http.StatusNotFound {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}
