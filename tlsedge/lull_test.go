package tlsedge

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// none is no deadline.
const none = time.Duration(-1)

// deadlines is a connection that notes which deadlines it is given, as times
// from the start.
type deadlines struct {
	net.Conn
	start time.Time
	mu    sync.Mutex
	set   []time.Duration
	err   error
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.set = append(d.set, none); !t.IsZero() {
		d.set[len(d.set)-1] = t.Sub(d.start)
	}
	if d.err != nil {
		return d.err
	}
	return d.Conn.SetReadDeadline(t)
}

// lulled makes a connection whose client says "xy" at a time from the start, and
// calls f with it and with a way to state such times.
func lulled(t *testing.T, says time.Duration, f func(t *testing.T, l *lull, beneath *deadlines, after func(time.Duration) time.Time)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		start := time.Now()
		defer time.AfterFunc(says, func() { say(client, "xy") }).Stop()
		beneath := &deadlines{Conn: server, start: start}
		l := newLull(beneath)
		f(t, l, beneath, func(d time.Duration) time.Time {
			if d == none {
				return time.Time{}
			}
			return start.Add(d)
		})
		client.Close()
		l.Close()
	})
}

// TestAClientIsLookedForAfterAMoment: the read by which net/http learns that the
// client has gone has one byte and no deadline. It begins a moment later, or not
// at all, and no other read waits.
func TestAClientIsLookedForAfterAMoment(t *testing.T) {
	const second, early, late = time.Second, patience / 2, 2 * patience
	past := []time.Duration{-second}
	for _, row := range []struct {
		name   string
		size   int
		before time.Duration // the deadline, if not 0
		change time.Duration // when what follows is set, never when 0
		set    time.Duration // the deadline then
		says   time.Duration // when the client says something
		end    time.Duration // when the read is over
		err    error
		given  []time.Duration // deadlines to the connection
	}{
		{"the client says something later", 1, 0, 0, 0, second, second, nil, nil},
		{"the client has said something", 1, 0, 0, 0, 0, patience, nil, nil},
		{"it is said again that there is no deadline", 1, 0, early, none, 0, patience, nil, []time.Duration{none}},
		{"the handler is done before", 1, 0, early, -second, 0, early, os.ErrDeadlineExceeded, past},
		{"the handler is done after", 1, 0, late, -second, second, late, os.ErrDeadlineExceeded, past},
		{"a deadline is set before", 1, 0, early, 2 * early, second, 2 * early, os.ErrDeadlineExceeded, []time.Duration{2 * early}},
		{"a deadline is set after", 1, 0, late, 2 * late, second, 2 * late, os.ErrDeadlineExceeded, []time.Duration{2 * late}},
		{"a read with a deadline", 1, second, 0, 0, early, early, nil, []time.Duration{second}},
		{"a longer read", 2, 0, 0, 0, early, early, nil, nil},
	} {
		lulled(t, row.says, func(t *testing.T, l *lull, beneath *deadlines, after func(time.Duration) time.Time) {
			if row.before != 0 {
				_ = l.SetReadDeadline(after(row.before))
			}
			if row.change != 0 {
				time.AfterFunc(row.change, func() { _ = l.SetReadDeadline(after(row.set)) })
			}
			n, err := l.Read(make([]byte, row.size))
			if took := time.Since(after(0)); took != row.end || !errors.Is(err, row.err) || n != map[bool]int{true: row.size}[err == nil] {
				t.Errorf("%s: %d bytes, %v after %v; want %v after %v", row.name, n, err, took, row.err, row.end)
			}
			if !slices.Equal(beneath.set, row.given) {
				t.Errorf("%s: deadlines %v, want %v", row.name, beneath.set, row.given)
			}
		})
	}
	lulled(t, 2*second, func(t *testing.T, l *lull, _ *deadlines, after func(time.Duration) time.Time) {
		for round := range time.Duration(3) {
			time.AfterFunc(early, func() { _ = l.SetReadDeadline(after(0)) })
			_, err := l.Read(make([]byte, 1))
			if took := time.Since(after(round * early)); took != early || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("broken off again: %v after %v", err, took)
			}
			_ = l.SetReadDeadline(time.Time{})
		}
		_, err := l.Read(make([]byte, 1))
		if took := time.Since(after(3 * early)); took != 2*second-3*early || err != nil {
			t.Errorf("and then not broken off: %v after %v", err, took)
		}
	})
	lulled(t, 2*second, func(t *testing.T, l *lull, _ *deadlines, after func(time.Duration) time.Time) {
		time.AfterFunc(early, func() { _ = l.Close() })
		_, err := l.Read(make([]byte, 1))
		if took := time.Since(after(0)); took != early || err == nil {
			t.Errorf("closed meanwhile: %v after %v", err, took)
		}
	})
}

// TestDeadlinesAreSetForWhoReads: the last of them, before a read or during it.
func TestDeadlinesAreSetForWhoReads(t *testing.T) {
	const second = time.Second
	read := func(l *lull) error { _, err := l.Read(make([]byte, 2)); return err }
	lulled(t, 2*second, func(t *testing.T, l *lull, beneath *deadlines, after func(time.Duration) time.Time) {
		set := func(list ...time.Duration) {
			t.Helper()
			for _, d := range list {
				if err := l.SetReadDeadline(after(d * second)); err != nil {
					t.Errorf("a deadline that nobody needs yet: %v", err)
				}
			}
		}
		set(5, 1, 4)
		if err := read(l); err != nil {
			t.Errorf("within the deadline: %v", err)
		}
		set(5, 3)
		if !slices.Equal(beneath.set, []time.Duration{4 * second}) {
			t.Errorf("deadlines %v; want the one of the first read", beneath.set)
		}
		for range 2 {
			if err := read(l); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("beyond the deadline: %v", err)
			}
		}
		if !slices.Equal(beneath.set, []time.Duration{4 * second, 3 * second}) {
			t.Errorf("deadlines %v; want one more", beneath.set)
		}
	})
	lulled(t, 2*second, func(t *testing.T, l *lull, _ *deadlines, after func(time.Duration) time.Time) {
		ends := make(chan error)
		for range 2 {
			go func() { ends <- read(l) }()
		}
		if err := <-ends; err != nil { // of the other is still to be thought
			t.Errorf("the first of two reads: %v", err)
		}
		if err := l.SetDeadline(after(3 * second)); err != nil {
			t.Errorf("a deadline during a read: %v", err)
		}
		if err := <-ends; !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Equal(after(3*second)) {
			t.Errorf("a deadline set during a read: %v after %v", err, time.Since(after(0)))
		}
		if _, err := l.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("writing after the deadline of both: %v", err)
		}
		_ = l.Close()
		if err := l.SetDeadline(after(0)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a deadline for a closed connection: %v", err)
		}
	})
	failing := errors.New("it cannot be set")
	lulled(t, 2*second, func(t *testing.T, l *lull, beneath *deadlines, after func(time.Duration) time.Time) {
		beneath.err = failing
		_ = l.SetReadDeadline(after(second))
		if err := read(l); err != failing {
			t.Errorf("read in spite of it: %v", err)
		}
		done := make(chan error)
		go func() { done <- read(l) }()
		synctest.Wait()
		if err := l.SetDeadline(after(second)); err != failing {
			t.Errorf("set during a read: %v", err)
		}
		<-done
	})
}

// TestAHandlerLearnsThatItsClientHasGone: after a moment, however the connection
// is encrypted; and a request that follows is answered in its turn.
func TestAHandlerLearnsThatItsClientHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan time.Time, 2)
		client, _, _ := startLogged(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(3 * patience):
			}
			gone <- time.Now()
		}))
		from := bufio.NewReader(client)
		start := time.Now()
		say(client, another+another)
		for range 2 {
			if answer, err := http.ReadResponse(from, nil); err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v; want 200", answer, err)
			}
		}
		if took := time.Since(start); took != 6*patience {
			t.Errorf("two requests at once took %v", took)
		}
		<-gone
		<-gone
		say(client, another)
		synctest.Wait()
		start = time.Now()
		client.Close()
		if took := (<-gone).Sub(start); took != patience {
			t.Errorf("the handler learnt it after %v, want %v", took, patience)
		}
	})
}

// TestAHandlerReadsItsConnectionByBytes: one that has taken a connection over
// waits for nothing but the client.
func TestAHandlerReadsItsConnectionByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const said = "byte by byte"
		done := make(chan time.Duration, 1)
		client, _, _ := startLogged(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			start, got := time.Now(), ""
			for one := make([]byte, 1); len(got) < len(said); got += string(one) {
				if _, err := conn.Read(one); err != nil {
					t.Error(err)
					break
				}
			}
			if got != said {
				t.Errorf("%q was read, want %q", got, said)
			}
			done <- time.Since(start)
		}))
		say(client, upgrade)
		if answer, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil || answer.StatusCode != 101 {
			t.Fatalf("%v, %v; want 101", answer, err)
		}
		say(client, said)
		if took := <-done; took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}
