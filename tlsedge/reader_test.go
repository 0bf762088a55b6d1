package tlsedge

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// echo takes the connection over and sends back what it reads, as a WebSocket
// handler would: bytes that are no HTTP.
func echo(t *testing.T, read chan<- error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		frame := make([]byte, 5)
		if _, err = io.ReadFull(buffered, frame); err == nil {
			_, _ = conn.Write(frame)
			_, err = buffered.ReadByte()
		}
		read <- err
	})
}

const upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

func TestTakenOverConnectionIsNotScanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan error, 1)
		client, _, log := startLogged(t, echo(t, done))
		say(client, upgrade)
		from := bufio.NewReader(client)
		if answer, err := http.ReadResponse(from, nil); err != nil || answer.StatusCode != 101 {
			t.Fatalf("%v, %v; want 101", answer, err)
		}
		const frame = "\x81\x00\n\r\x00"
		say(client, frame)
		back := make([]byte, len(frame))
		if _, err := io.ReadFull(from, back); err != nil || string(back) != frame {
			t.Errorf("%q, %v; want the frame back", back, err)
		}
		client.Close()
		if err := <-done; err != io.EOF || log.Len() > 0 {
			t.Errorf("%v, %s; want the client's end", err, log)
		}
	})
}

// TestUpgradeIsNoWayRoundTheReader: a request that only speaks of an upgrade is
// followed by requests that are scanned, and a client that sends frames before
// the 101 is cut off rather than half understood.
func TestUpgradeIsNoWayRoundTheReader(t *testing.T) {
	t.Run("the handler does not take over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, _, _ := startLogged(t, nothing())
			go say(client, upgrade+"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n")
			answers, err := io.ReadAll(client)
			if err != nil || !strings.HasPrefix(string(answers), "HTTP/1.1 200") || !strings.Contains(string(answers), "HTTP/1.1 400") {
				t.Errorf("%q, %v; want 200, then 400", answers, err)
			}
		})
	})
	t.Run("frames before the 101", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			done := make(chan error, 1)
			client, _, log := startLogged(t, echo(t, done))
			go say(client, upgrade+"\x81\x00\n\r\x00 and more")
			_, _ = io.Copy(io.Discard, client)
			if err := <-done; !errors.Is(err, errFraming) || !strings.Contains(log.String(), "no method") {
				t.Errorf("read %v, log %s; want an error", err, log)
			}
		})
	})
}

// TestA101ThatNobodyAskedForIsNoWayRoundTheReader: nor one that a handler writes
// and then forgets to take over.
func TestA101ThatNobodyAskedForIsNoWayRoundTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer, err := New(Config{InsecurePlain: true})
		if err != nil {
			t.Fatal(err)
		}
		client, _, log := startLogged(t, layer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) })))
		say(client, another)
		if answer, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v, %v; want 101", answer, err)
		}
		go say(client, chunks+"0\r\nX: a trailer, which net/http takes\r\n\r\n"+another)
		_, _ = io.Copy(io.Discard, client)
		if !strings.Contains(log.String(), "a trailer") {
			t.Errorf("log: %s", log)
		}
	})
}

// passed reads all that r passes on, in pieces of a size.
func passed(t *testing.T, r io.Reader, size int) (string, error) {
	t.Helper()
	var all []byte
	for {
		p := make([]byte, size)
		n, err := r.Read(p)
		if all = append(all, p[:n]...); err != nil {
			return string(all), err
		}
		if n == 0 {
			t.Fatal("neither bytes nor an error")
		}
	}
}

// TestWhatTheReaderPassesOn: the bytes before a fault and none behind it, then
// what net/http refuses; behind the header an error instead.
func TestWhatTheReaderPassesOn(t *testing.T) {
	for _, row := range []struct {
		name, raw, good, behind string
		end                     error
	}{
		{"no fault", another, another, "", io.EOF},
		{"at the first byte", "\x16\x03", "", refusedLine, io.EOF},
		{"at the second", "G\x00", "G", refusedLine, io.EOF},
		{"at the end of a header", begin + "\rX", begin + "\r", refusedLine, io.EOF},
		{"at the first byte of a chunk", chunks + "X", chunks, "", errFraming},
		{"behind a body", begin + "Content-Length: 1\r\n\r\nx\r\n", begin + "Content-Length: 1\r\n\r\nx", refusedLine, io.EOF},
	} {
		for _, size := range []int{1, 7, 4096} {
			client, server := net.Pipe()
			go func() { say(client, row.raw); client.Close() }()
			told := 0
			r := &reader{Conn: server, now: time.Now, report: func(net.Addr, string) { told++ }}
			got, err := passed(t, r, size)
			if got != row.good+row.behind || !errors.Is(err, row.end) {
				t.Errorf("%s, by %d: %q, %v", row.name, size, got, err)
			}
			if faults := map[bool]int{true: 1}[row.raw != row.good]; told != faults {
				t.Errorf("%s, by %d: told %d times", row.name, size, told)
			}
			server.Close()
			client.Close()
		}
	}
}

// half is a connection that can end its side alone.
type half struct {
	watched
	ended      *int
	err, onEnd error // of Close and of CloseWrite
}

func (h half) CloseWrite() error { *h.ended++; return h.onEnd }
func (h half) Close() error      { return errors.Join(h.watched.Close(), h.err) }

// TestARefusedClientHasAMomentToRead: half a second, or a MiB of what it still
// sends; whoever was not refused has none.
func TestARefusedClientHasAMomentToRead(t *testing.T) {
	const most = 1 << 20
	for _, row := range []struct {
		name  string
		says  string
		onEnd error
		then  func(t *testing.T, client net.Conn)
		after time.Duration
	}{
		{"is silent", "\x16", nil, func(*testing.T, net.Conn) {}, 500 * time.Millisecond},
		{"sends on", "\x16", nil, func(t *testing.T, client net.Conn) {
			if n, _ := client.Write(make([]byte, most+10)); n != most {
				t.Errorf("%d bytes were read; want %d", n, most)
			}
		}, 0},
		{"ends", "\x16", nil, func(_ *testing.T, client net.Conn) { <-time.After(100 * time.Millisecond); client.Close() }, 100 * time.Millisecond},
		{"cannot be told", "\x16", errors.ErrUnsupported, func(*testing.T, net.Conn) {}, 0},
		{"was not refused", "G", nil, func(*testing.T, net.Conn) {}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			ended := 0
			conn := half{watched{server, make(chan time.Time, 1)}, &ended, nil, row.onEnd}
			r := &reader{Conn: conn, now: time.Now, report: func(net.Addr, string) {}}
			go say(client, row.says)
			_, _ = r.Read(make([]byte, 8))
			start := time.Now()
			if err := r.Close(); err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			go row.then(t, client)
			if took := (<-conn.closed).Sub(start); took != row.after || ended != len(row.says)-strings.Count(row.says, "G") {
				t.Errorf("%s: closed after %v, want %v; ended %d times", row.name, took, row.after, ended)
			}
			synctest.Wait()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		ended := 0
		conn := half{watched{server, make(chan time.Time, 1)}, &ended, errClose, nil}
		r := &reader{Conn: conn, now: time.Now, report: func(net.Addr, string) {}}
		go say(client, "\x16")
		_, _ = r.Read(make([]byte, 8))
		start := time.Now()
		if first, second := r.Close(), r.Close(); first != nil || !errors.Is(second, errClose) {
			t.Errorf("closed twice: %v, %v", first, second)
		}
		if took := (<-conn.closed).Sub(start); took != 0 {
			t.Errorf("who closes twice means it: %v", took)
		}
	})
}

// TestExpectContinueAndLargeBodies: the body is asked for, and arrives whole.
func TestExpectContinueAndLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 << 20
		client, _, log := startLogged(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if n != size || err != nil {
				t.Errorf("%d bytes, %v; want %d", n, err, size)
			}
		}))
		from := bufio.NewReader(client)
		for range 2 { // the connection is kept
			say(client, begin+"Content-Length: 8388608\r\nExpect: 100-continue\r\n\r\n")
			if line, err := from.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
				t.Fatalf("%q, %v; want 100", line, err)
			}
			if _, err := from.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			go client.Write(make([]byte, size))
			if answer, err := http.ReadResponse(from, nil); err != nil || answer.StatusCode != 200 {
				t.Fatalf("%v, %v; want 200", answer, err)
			}
		}
		if log.Len() > 0 {
			t.Error(log)
		}
	})
}

// startEncrypted serves TLS on a real port and returns its address and log.
func startEncrypted(t *testing.T, h http.Handler) (string, *lockedLog) {
	t.Helper()
	log := new(lockedLog)
	return start(t, ServerConfig{
		Handler: h, Certificates: []KeyPair{writePair(t, certificate{names: []string{"localhost"}})}, Log: slog.NewTextHandler(log, nil),
	}), log
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestReaderAboveTLS: HTTP/1.x is scanned behind the encryption as well, the
// refusal can be read though more was sent than anybody reads, and the handler
// knows that the connection was encrypted.
func TestReaderAboveTLS(t *testing.T) {
	addr, log := startEncrypted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.TLS.Version != tls.VersionTLS13 || r.ProtoMajor != 1 {
			t.Errorf("TLS is %v, %s", r.TLS, r.Proto)
		}
	}))
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go say(conn, another+"GET / HTTP/1.1\r\nHost : localhost\r\nX: "+strings.Repeat("x", 200_000))
	from := bufio.NewReader(conn)
	for _, want := range []int{200, 400} {
		answer, err := http.ReadResponse(from, nil)
		if err != nil || answer.StatusCode != want {
			t.Fatalf("%v, %v; want %d", answer, err, want)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	if !strings.Contains(log.String(), "a space before the colon") {
		t.Errorf("log: %s", log)
	}
}

// TestRefusalCanBeRead: on a plain connection too.
func TestRefusalCanBeRead(t *testing.T) {
	addr := start(t, ServerConfig{Handler: nothing()})
	for range 20 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		say(conn, "GET / HTTP/1.1\r\nHost : localhost\r\nX: "+strings.Repeat("x", 20_000))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != 400 {
			t.Errorf("%v, %v; want 400", answer, err)
		}
		conn.Close()
	}
}

func TestPlainHTTPOnATLSPort(t *testing.T) {
	addr, _ := startEncrypted(t, nothing())
	answer, err := http.Get("http://" + addr + "/")
	if err != nil || answer.StatusCode != 400 {
		t.Fatalf("%v, %v; want 400", answer, err)
	}
	answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a browser may take the answer for something else: %v", answer.Header)
	}
}

// TestHandshakesDoNotWaitForEachOther: clients that are silent hold up nobody,
// and a server that stops waits for none of them.
func TestHandshakesDoNotWaitForEachOther(t *testing.T) {
	addr, _ := startEncrypted(t, nothing())
	for range 20 {
		silent, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // less than a handshake may take
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestServeWantsItsOwnServer(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*http.Server)
		ours   bool
	}{
		"of NewServer":               {func(*http.Server) {}, true},
		"with the shortest time":     {func(s *http.Server) { s.ReadHeaderTimeout = 1 }, true},
		"blind to those taken over":  {func(s *http.Server) { s.ConnState = nil }, false},
		"without a log":              {func(s *http.Server) { s.ErrorLog = nil }, false},
		"that waits for ever":        {func(s *http.Server) { s.ReadHeaderTimeout = 0 }, false},
		"that waits less than never": {func(s *http.Server) { s.ReadHeaderTimeout = -1 }, false},
	} {
		srv, err := NewServer(ServerConfig{Handler: nothing()})
		if err != nil {
			t.Fatal(err)
		}
		row.change(srv)
		if err := Serve(srv, broken{}); err == nil || errors.Is(err, errAccept) != row.ours {
			t.Errorf("a server %s: %v", name, err)
		}
	}
}

// TestTakingOverWithoutServe: with net/http's own Serve nothing is scanned, and
// nothing breaks.
func TestTakingOverWithoutServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan error, 1)
		srv, err := NewServer(ServerConfig{Handler: echo(t, done)})
		if err != nil {
			t.Fatal(err)
		}
		client, server := net.Pipe()
		l := pipe{make(chan net.Conn, 1), make(chan struct{})}
		l.conn <- server
		go srv.Serve(l)
		go io.Copy(io.Discard, client)
		say(client, upgrade+"12345")
		client.Close()
		if err := <-done; err != io.EOF {
			t.Error(err)
		}
		srv.Close()
	})
	layer, err := New(Config{InsecurePlain: true})
	if err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost/", nil)
	r.Header.Set("Upgrade", "echo")
	layer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) })).ServeHTTP(w, r)
	if w.Code != http.StatusSwitchingProtocols {
		t.Errorf("%d", w.Code)
	}
}

// TestRefusalsAreTold counts one for each connection that is refused, plain or
// over TLS, and none for the others.
func TestRefusalsAreTold(t *testing.T) {
	const fault = "a space before the colon"
	type refusal struct {
		peer  netip.Addr
		fault string
	}
	pair := writePair(t, certificate{names: []string{"localhost"}})
	for name, certificates := range map[string][]KeyPair{"plain": nil, "TLS": {pair}} {
		told := make(chan refusal, 10)
		addr := start(t, ServerConfig{
			Handler: nothing(), Certificates: certificates, Log: slog.DiscardHandler,
			Refused: func(peer netip.Addr, fault string) { told <- refusal{peer, fault} },
		})
		dial := func() (net.Conn, error) { return net.Dial("tcp", addr) }
		if certificates != nil {
			dial = func() (net.Conn, error) {
				return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
			}
		}
		for _, raw := range []string{"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"} {
			conn, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			say(conn, raw)
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
		if got := <-told; got.fault != fault || got.peer != netip.MustParseAddr("127.0.0.1") || len(told) > 0 {
			t.Errorf("%s: told of %v, and of %d more", name, got, len(told))
		}
	}
}
