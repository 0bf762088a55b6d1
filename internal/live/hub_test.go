package live_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/live"
)

// site is a hub behind a real server. The test says who connects with the
// header Test-Member.
type site struct {
	t      *testing.T
	hub    *live.Hub
	url    string
	client *http.Client
}

func open(t *testing.T, cfg live.Config) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return openOn(t, cfg, l, http.DefaultClient)
}

// openInBubble is open without the kernel, whose time is not that of
// testing/synctest.
func openInBubble(t *testing.T, cfg live.Config) *site {
	t.Helper()
	l := pipes{make(chan net.Conn), make(chan struct{}), new(sync.Once)}
	return openOn(t, cfg, l, &http.Client{Transport: &http.Transport{DialContext: l.dial}})
}

// pipes is a listener that is dialed in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  *sync.Once
}

func (l pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l pipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

func openOn(t *testing.T, cfg live.Config, l net.Listener, client *http.Client) *site {
	t.Helper()
	hub, err := live.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := call.New(call.Config{})
	if err != nil {
		t.Fatal(err)
	}
	serve := call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		if id := r.Header.Get("Test-Member"); id != "" {
			p := &call.Principal{ID: id, Role: "member", Session: "session-of-" + id}
			if r.Header.Get("Test-Expired") != "" {
				p.Expires = time.Now().Add(-time.Second)
			}
			c.SetPrincipal(p)
		}
		return hub.Serve(w, r, c, live.Subscriber{Topic: "news", Receive: func(m []byte) []byte {
			switch string(m) {
			case "ping":
				return []byte(`"pong"`)
			case "much":
				return make([]byte, 256<<10)
			}
			return nil
		}})
	})
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: facts(serve)}}
	server.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := hub.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return &site{t, hub, server.URL, client}
}

func (s *site) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	s.t.Cleanup(cancel)
	return ctx
}

// dial connects; header are pairs of name and value.
func (s *site) dial(header ...string) *websocket.Conn {
	s.t.Helper()
	ws, resp, err := s.try(nil, header...)
	if err != nil {
		s.t.Fatalf("dial: %v (%v)", err, resp)
	}
	s.t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

func (s *site) try(opts *websocket.DialOptions, header ...string) (*websocket.Conn, *http.Response, error) {
	if opts == nil {
		opts = &websocket.DialOptions{}
	}
	opts.HTTPHeader = http.Header{}
	for i := 0; i < len(header); i += 2 {
		opts.HTTPHeader.Add(header[i], header[i+1])
	}
	opts.HTTPClient = s.client
	return websocket.Dial(s.context(), s.url, opts)
}

func (s *site) read(ws *websocket.Conn) string {
	s.t.Helper()
	kind, message, err := ws.Read(s.context())
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	if kind != websocket.MessageText {
		s.t.Fatalf("kind %v, want text", kind)
	}
	return string(message)
}

func (s *site) send(ws *websocket.Conn, message string) {
	s.t.Helper()
	if err := ws.Write(s.context(), websocket.MessageText, []byte(message)); err != nil {
		s.t.Fatal(err)
	}
}

// wantClose reads until the connection ends and checks the code.
func (s *site) wantClose(ws *websocket.Conn, code websocket.StatusCode) {
	s.t.Helper()
	for {
		_, _, err := ws.Read(s.context())
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != code {
			s.t.Fatalf("closed with %v (%v), want %v", got, err, code)
		}
		return
	}
}

func (s *site) wantLen(n int) {
	s.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for ctx := s.context(); s.hub.Len() != n; {
		select {
		case <-look.C:
		case <-ctx.Done():
			s.t.Fatalf("%d connections, want %d", s.hub.Len(), n)
		}
	}
}

func say(text string) live.Event {
	return live.Event{Topic: "news", View: func(*call.Principal) []byte { return []byte(text) }}
}

func TestPing(t *testing.T) {
	s := open(t, live.Config{})
	ws := s.dial()
	s.send(ws, `"ping"`)
	s.send(ws, `{"type":"ping"}`)
	s.send(ws, "ping ")
	s.send(ws, "ping")
	if got := s.read(ws); got != `"pong"` {
		t.Fatalf("answer %q, want \"pong\" with its quotes", got)
	}
	s.hub.Publish(say("last"))
	if got := s.read(ws); got != "last" {
		t.Fatalf("got %q: only the bare word ping is answered, once", got)
	}
}

func TestEventIsSeenAsItsPrincipalMay(t *testing.T) {
	s := open(t, live.Config{})
	guest, ann, bob := s.dial(), s.dial("Test-Member", "ann"), s.dial("Test-Member", "bob")
	s.hub.Publish(live.Event{Topic: "other", View: say("no").View})
	s.hub.Publish(live.Event{Topic: "news", View: func(p *call.Principal) []byte {
		switch p.IDOf() {
		case "ann":
			return []byte("for ann")
		case "bob":
			return []byte("for bob")
		}
		return nil
	}})
	s.hub.Publish(say("for all"))
	for _, c := range []struct {
		ws   *websocket.Conn
		want []string
	}{{guest, []string{"for all"}}, {ann, []string{"for ann", "for all"}}, {bob, []string{"for bob", "for all"}}} {
		for _, want := range c.want {
			if got := s.read(c.ws); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
}

// TestVersionsArriveInTheirOrder publishes versions at certain milliseconds, in
// a time of its own, and looks at when they arrive.
func TestVersionsArriveInTheirOrder(t *testing.T) {
	const anew = 1 << 32
	type told struct{ at, version int64 }
	for name, c := range map[string]struct{ publish, want []told }{
		"as they come":                    {[]told{{0, 3}, {0, 4}, {20, 5}}, []told{{10, 3}, {10, 4}, {20, 5}}},
		"the other way round":             {[]told{{0, 7}, {0, 6}, {5, 5}, {20, 8}}, []told{{10, 5}, {10, 6}, {10, 7}, {20, 8}}},
		"one that comes twice":            {[]told{{0, 3}, {0, 3}, {20, 4}, {20, 4}}, []told{{10, 3}, {10, 3}, {20, 4}, {20, 4}}},
		"one that comes too late":         {[]told{{0, 3}, {20, 5}, {125, 4}, {126, 6}}, []told{{10, 3}, {120, 5}, {126, 6}}},
		"one that is never told":          {[]told{{0, 3}, {20, 5}, {30, 6}}, []told{{10, 3}, {120, 5}, {120, 6}}},
		"two that are never told":         {[]told{{0, 3}, {20, 5}, {70, 7}}, []told{{10, 3}, {120, 5}, {220, 7}}},
		"a hole that fills in time":       {[]told{{0, 3}, {20, 6}, {30, 5}, {119, 4}, {119, 7}}, []told{{10, 3}, {119, 4}, {119, 5}, {119, 6}, {119, 7}}},
		"a hole behind the first":         {[]told{{0, 3}, {1, 4}, {2, 6}, {109, 5}}, []told{{10, 3}, {10, 4}, {109, 5}, {109, 6}}},
		"a second hole, another wait":     {[]told{{0, 3}, {20, 5}, {30, 4}, {40, 7}, {139, 6}}, []told{{10, 3}, {30, 4}, {30, 5}, {139, 6}, {139, 7}}},
		"a hole after one that filled":    {[]told{{0, 3}, {20, 5}, {30, 4}, {40, 7}}, []told{{10, 3}, {30, 4}, {30, 5}, {140, 7}}},
		"the first are many":              {[]told{{0, 1001}, {1, 1000}}, []told{{10, 1000}, {10, 1001}}},
		"made anew":                       {[]told{{0, 3}, {20, anew}, {20, anew + 1}}, []told{{10, 3}, {20, anew}, {20, anew + 1}}},
		"made anew at once":               {[]told{{0, 3}, {0, anew}}, []told{{10, 3}, {10, anew}}},
		"made anew while one waits":       {[]told{{0, 3}, {20, 5}, {30, anew}}, []told{{10, 3}, {120, 5}, {120, anew}}},
		"the farthest that is waited for": {[]told{{0, 3}, {20, 3 + 256}, {40, 3 + 257}}, []told{{10, 3}, {120, 259}, {120, 260}}},
		"one farther":                     {[]told{{0, 3}, {20, 3 + 257}}, []told{{10, 3}, {20, 260}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openInBubble(t, live.Config{})
				ws := s.dial()
				begin := time.Now()
				var published sync.WaitGroup
				published.Go(func() {
					for _, e := range c.publish {
						time.Sleep(time.Duration(e.at)*time.Millisecond - time.Since(begin))
						s.hub.Publish(versioned("1", e.version))
					}
				})
				defer published.Wait()
				for _, e := range c.want {
					got := fmt.Sprint(s.read(ws), " at ", time.Since(begin))
					if want := fmt.Sprintf("1 version %d at %dms", e.version, e.at); got != want {
						t.Fatalf("got %q, want %q", got, want)
					}
				}
			})
		})
	}
}

// TestNobodyIsToldInOrder: what came while nobody was there is known to have been.
func TestNobodyIsToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openInBubble(t, live.Config{})
		gone := s.dial()
		s.hub.Publish(versioned("1", 3)) // waits, and nobody is there when it has waited
		if err := gone.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Fatal(err)
		}
		s.wantLen(0)
		for _, version := range []int64{5, 4} {
			s.hub.Publish(versioned("1", version))
		}
		ws := s.dial()
		time.Sleep(time.Second)
		begin := time.Now()
		s.hub.Publish(versioned("1", 6))
		if got := s.read(ws); got != "1 version 6" || time.Since(begin) != 0 {
			t.Errorf("got %q after %s", got, time.Since(begin))
		}
	})
}

func TestAVersionThatComesTooLateIsDropped(t *testing.T) {
	s := open(t, live.Config{})
	ws := s.dial()
	for _, version := range []int64{3, 5} {
		s.hub.Publish(versioned("1", version))
		if got, want := s.read(ws), fmt.Sprint("1 version ", version); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	s.hub.Publish(versioned("1", 4))
	s.hub.Publish(versioned("2", 4))
	if got := s.read(ws); got != "2 version 4" {
		t.Fatalf("got %q, want the other key's", got)
	}
	s.hub.Publish(versioned("1", 6))
	if got := s.read(ws); got != "1 version 6" {
		t.Fatalf("got %q, want what follows", got)
	}
}

// TestManyWritersLoseNoEvent publishes from many goroutines, each after its
// version was given to it, as writers of one slot do.
func TestManyWritersLoseNoEvent(t *testing.T) {
	const writers, each = 16, 20
	synctest.Test(t, func(t *testing.T) { // where no writer is overtaken by the clock
		s := openInBubble(t, live.Config{Queue: writers * each})
		ws := s.dial()
		var last atomic.Int64
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					s.hub.Publish(versioned("1", last.Add(1)))
				}
			})
		}
		wg.Wait()
		for version := 1; version <= writers*each; version++ {
			if got, want := s.read(ws), fmt.Sprint("1 version ", version); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

func versioned(key string, version int64) live.Event {
	e := say(fmt.Sprintf("%s version %d", key, version))
	e.Key, e.Version = key, version
	return e
}

func TestNothingIsMissedAfterTheUpgrade(t *testing.T) {
	s := open(t, live.Config{})
	for range 100 {
		ws := s.dial()
		s.hub.Publish(say("at once"))
		if got := s.read(ws); got != "at once" {
			t.Fatalf("got %q", got)
		}
		_ = ws.CloseNow()
	}
}

func TestCloseCodes(t *testing.T) {
	s := open(t, live.Config{MaxMessage: 1024, Messages: 5})
	for name, c := range map[string]struct {
		kind    websocket.MessageType
		message []byte
		times   int
		want    websocket.StatusCode
	}{
		"binary message":        {websocket.MessageBinary, []byte("ping"), 1, 1003},
		"text that is no UTF-8": {websocket.MessageText, []byte{'a', 0xc3, 0x28}, 1, 1007},
		"message too big":       {websocket.MessageText, make([]byte, 1025), 1, 1009},
		"far too big":           {websocket.MessageText, make([]byte, 4<<20), 1, 1009},
		"too many messages":     {websocket.MessageText, []byte("ping"), 6, 1008},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site{t, s.hub, s.url, s.client}
			ws := s.dial()
			for range c.times {
				if err := ws.Write(s.context(), c.kind, c.message); err != nil {
					break // the server has closed already
				}
			}
			s.wantClose(ws, c.want)
		})
	}
	s.wantLen(0)
}

func TestLargestMessageIsRead(t *testing.T) {
	s := open(t, live.Config{MaxMessage: 1024})
	ws := s.dial()
	s.send(ws, strings.Repeat("a", 1024))
	s.send(ws, "ping")
	if got := s.read(ws); got != `"pong"` {
		t.Fatalf("got %q", got)
	}
}

func TestRateCountsProtocolPings(t *testing.T) {
	s := open(t, live.Config{Messages: 5})
	ws := s.dial()
	ctx := ws.CloseRead(s.context())
	answered := 0
	for answered < 10 && ws.Ping(ctx) == nil {
		answered++
	}
	if answered != 5 {
		t.Errorf("%d pings were answered, want 5", answered)
	}
	s.wantLen(0)
}

func TestSessionEnds(t *testing.T) {
	var alive atomic.Bool
	alive.Store(true)
	s := open(t, live.Config{Recheck: 5 * time.Millisecond, Alive: func(_ context.Context, p *call.Principal) bool {
		return p.ID != "dave" || alive.Load()
	}})
	guest, ann, bob, dave := s.dial(), s.dial("Test-Member", "ann"), s.dial("Test-Member", "bob"), s.dial("Test-Member", "dave")
	s.wantClose(s.dial("Test-Member", "carol", "Test-Expired", "1"), websocket.StatusPolicyViolation)
	if n := s.hub.RevokeSession("session-of-ann"); n != 1 {
		t.Errorf("RevokeSession ended %d connections, want 1", n)
	}
	s.wantClose(ann, websocket.StatusPolicyViolation)
	if n := s.hub.RevokeMember("bob"); n != 1 {
		t.Errorf("RevokeMember ended %d connections, want 1", n)
	}
	s.wantClose(bob, websocket.StatusPolicyViolation)
	alive.Store(false)
	s.wantClose(dave, websocket.StatusPolicyViolation)
	if n := s.hub.RevokeMember("") + s.hub.RevokeSession(""); n != 0 {
		t.Errorf("the empty id ended %d connections, want none", n)
	}
	s.hub.Publish(say("still here"))
	if got := s.read(guest); got != "still here" {
		t.Errorf("got %q", got)
	}
}

func TestRevokedConnectionGetsNoEvent(t *testing.T) {
	s := open(t, live.Config{})
	ws := s.dial("Test-Member", "ann")
	s.hub.RevokeMember("ann")
	s.hub.Publish(say("secret"))
	_, message, err := ws.Read(s.context())
	if err == nil {
		t.Fatalf("read %q after the session ended", message)
	}
}

func TestShutdown(t *testing.T) {
	s := open(t, live.Config{})
	var conns []*websocket.Conn
	for range 20 {
		conns = append(conns, s.dial())
	}
	done := make(chan error, 1)
	go func() { done <- s.hub.Shutdown(s.context()) }()
	for _, ws := range conns {
		s.wantClose(ws, websocket.StatusGoingAway)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, resp, err := s.try(nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("dial after shutdown: %v, want 503 with Retry-After", resp)
	}
	s.hub.Publish(say("to nobody"))
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	s := open(t, live.Config{})
	_ = s.dial() // never reads, so never answers the close
	ctx, cancel := context.WithCancel(s.context())
	cancel()
	if err := s.hub.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown = %v, want the error of its context", err)
	}
}

func TestProtocolPings(t *testing.T) {
	s := open(t, live.Config{PingEvery: time.Millisecond, Recheck: time.Millisecond, WriteTimeout: 50 * time.Millisecond})
	pinged := make(chan struct{}, 100)
	answering := func(answer bool) *websocket.Conn {
		ws, _, err := s.try(&websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
			select {
			case pinged <- struct{}{}:
			default:
			}
			return answer
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		return ws
	}
	answering(true).CloseRead(s.context())
	for range 2 {
		select {
		case <-pinged:
		case <-s.context().Done():
			t.Fatal("no ping came")
		}
	}
	s.wantClose(answering(false), websocket.StatusPolicyViolation)
	s.wantLen(1) // the one that answers
}

func TestChurn(t *testing.T) {
	s := open(t, live.Config{PerAddress: 4})
	for i := range 200 {
		ws, resp, err := s.try(nil)
		if err != nil {
			t.Fatalf("connection %d: %v %v", i, err, resp)
		}
		if err := ws.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Fatal(err)
		}
		s.wantLen(0) // the client sees the end a little earlier than its place is free
	}
}

func TestNewRefuses(t *testing.T) {
	for name, cfg := range map[string]live.Config{
		"wildcard":        {Origins: []string{"*"}},
		"wildcard host":   {Origins: []string{"https://*.example.com"}},
		"null":            {Origins: []string{"null"}},
		"a path":          {Origins: []string{"https://example.com/"}},
		"no scheme":       {Origins: []string{"example.com"}},
		"negative limit":  {MaxConns: -1},
		"negative period": {PingEvery: -1},
	} {
		if _, err := live.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	hub, _ := live.New(live.Config{})
	facts, _ := call.New(call.Config{})
	server := httptest.NewServer(facts(call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		return hub.Serve(w, r, c, live.Subscriber{Topic: "news"})
	})))
	defer server.Close()
	got := make(chan struct{}, 64)
	for range 50 {
		ws, _, err := websocket.Dial(b.Context(), server.URL, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = ws.CloseNow() }()
		go func() {
			for {
				if _, _, err := ws.Read(context.Background()); err != nil {
					return
				}
				got <- struct{}{}
			}
		}()
	}
	e := say(fmt.Sprintf(`{"type":"SET_INTERVIEW","id":2,"interview":{"student":%q,"interviewer":1}}`, "Lydia Miller-Jones"))
	b.ReportAllocs()
	for b.Loop() {
		e.Key, e.Version = "2", e.Version+1
		hub.Publish(e)
		for range 50 {
			<-got
		}
	}
}
