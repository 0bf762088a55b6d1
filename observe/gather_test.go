package observe

import (
	"bytes"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// gate is a writer that waits until it is opened.
type gate struct {
	writes
	begun chan struct{} // gets one for each Write
	open  chan struct{}
}

func newGate() *gate { return &gate{begun: make(chan struct{}, 1000), open: make(chan struct{})} }

func (g *gate) Write(p []byte) (int, error) {
	g.begun <- struct{}{}
	<-g.open
	return g.writes.Write(p)
}

func TestLinesOfCallsThatEndTogetherAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		g := newGather(out)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := g.leave([]byte("first\n")); err != nil {
				t.Error(err)
			}
		})
		<-out.begun
		const others = "bcdefg"
		for i := range others { // they do not wait for the disk
			if err := g.leave([]byte(others[i:i+1] + "\n")); err != nil {
				t.Error(err)
			}
		}
		close(out.open)
		wg.Wait()
		if got := out.String(); got != "first\nb\nc\nd\ne\nf\ng\n" || out.n != 2 {
			t.Errorf("%d writes of %q", out.n, got)
		}
		if err := g.leave([]byte("later\n")); err != nil || !strings.HasSuffix(out.String(), "g\nlater\n") {
			t.Errorf("%q, %v", out.String(), err)
		}
	})
}

// TestCallsGoFirstWhereTheyCameTogether: who could end is let to before another
// writes, if and only if the last that wrote had company.
func TestCallsGoFirstWhereTheyCameTogether(t *testing.T) {
	g := newGather(nil)
	var out *gate
	var wg sync.WaitGroup
	for range 2 {
		out = newGate()
		g.out = out
		wg.Go(func() { _ = g.leave([]byte("x")) })
		<-out.begun
		_ = g.leave([]byte("x"))
		close(out.open)
		if wg.Wait(); !g.company {
			t.Error("two calls came together, and neither had company")
		}
		for range 2 {
			if _ = g.leave([]byte("x")); g.company {
				t.Error("a call alone had company")
			}
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // who may go on goes on in the order of a queue, but for one in 61
	for _, company := range []bool{true, false} {
		before := out.n
		for range 100 {
			g.company = company
			for range 2 {
				wg.Go(func() { _ = g.leave([]byte("x")) })
			}
			wg.Wait()
		}
		if n := out.n - before; n > 150 == company {
			t.Errorf("with company %v, 200 calls were %d writes", company, n)
		}
	}
}

func TestLinesThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		g := newGather(out)
		line := bytes.Repeat([]byte{'x'}, maxGathered/2)
		var wg sync.WaitGroup
		wg.Go(func() { _ = g.leave(line) })
		<-out.begun
		done := make(chan struct{}, 8)
		for range 8 { // the lines of two wait, and so six callers wait
			wg.Go(func() {
				_ = g.leave(line)
				done <- struct{}{}
			})
		}
		synctest.Wait()
		if len(done) != 2 {
			t.Errorf("%d callers went on, not 2", len(done))
		}
		close(out.open)
		wg.Wait()
		if out.Len() != 9*len(line) {
			t.Errorf("%d bytes, not %d", out.Len(), 9*len(line))
		}
		if cap(g.spare) > 2*maxGathered {
			t.Errorf("%d bytes are kept", cap(g.spare))
		}
	})
}

// TestLinesThatJustFit: one byte below the bound there is room for one more line,
// a line of one byte is one, and no buffer of a long line is kept.
func TestLinesThatJustFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		g := newGather(out)
		var wg sync.WaitGroup
		wg.Go(func() { _ = g.leave([]byte("x")) })
		<-out.begun
		_ = g.leave(bytes.Repeat([]byte{'y'}, maxGathered-1))
		_ = g.leave(bytes.Repeat([]byte{'z'}, 2*maxGathered)) // the test would hang
		close(out.open)
		wg.Wait()
		if out.Len() != 3*maxGathered || out.n != 2 || cap(g.spare) > 2*maxGathered {
			t.Errorf("%d bytes in %d writes, %d are kept", out.Len(), out.n, cap(g.spare))
		}
		if _ = g.leave([]byte("short")); cap(g.spare) == 0 {
			t.Error("the room of a short line is not kept")
		}
	})
}

// TestOneWritesAtATime: a message does not write beside a record, nor a record
// beside a message.
func TestOneWritesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		g := newGather(out)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = g.Write([]byte("message\n")) })
		<-out.begun
		wg.Go(func() { _ = g.leave([]byte("record\n")) })
		wg.Go(func() { _, _ = g.Write([]byte("another\n")) })
		synctest.Wait()
		if len(out.begun) != 0 {
			t.Error("two write at one time")
		}
		close(out.open)
		wg.Wait()
		if out.Len() != len("message\nrecord\nanother\n") || !strings.HasPrefix(out.String(), "message\n") {
			t.Errorf("%q", out.String())
		}
	})
}

// TestMessageIsWrittenWhenItIsSaid: it may be the last one.
func TestMessageIsWrittenWhenItIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		h := NewJSON(out, slog.LevelInfo)
		var wg sync.WaitGroup
		wg.Go(func() { _ = log(h, &Record{Type: "RESPONSE"}) })
		<-out.begun
		said := make(chan struct{})
		wg.Go(func() {
			slog.New(h).Info("out of memory")
			close(said)
		})
		synctest.Wait()
		select {
		case <-said:
			t.Error("the message is not written, and its caller goes on")
		default:
		}
		close(out.open)
		<-said
		wg.Wait()
		if got := strings.Count(out.String(), "\n"); got != 2 || !strings.Contains(out.String(), "out of memory") {
			t.Errorf("%q", out.String())
		}
	})
}

// TestWhoWritesLearnsThatItWentWrong, the first time and for those it took
// along, and the next one writes again.
func TestWhoWritesLearnsThatItWentWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		out.err = errors.New("disk full")
		g := newGather(out)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := g.leave([]byte("a\n")); !errors.Is(err, out.err) {
				t.Errorf("got %v", err)
			}
		})
		<-out.begun
		if err := g.leave([]byte("b\n")); err != nil {
			t.Errorf("who did not write: %v", err)
		}
		close(out.open)
		wg.Wait()
		if n, err := g.Write([]byte("c\n")); n != 2 || !errors.Is(err, out.err) {
			t.Errorf("got %d, %v", n, err)
		}
		out.err = nil
		if err := g.leave([]byte("d\n")); err != nil || out.String() != "d\n" || out.n != 4 {
			t.Errorf("%d writes of %q, %v", out.n, out.String(), err)
		}
	})
}

func TestManyCallsLoseNoLine(t *testing.T) {
	var out bytes.Buffer
	h := NewJSON(&out, slog.LevelInfo)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 200 {
				if err := log(h, &Record{Type: "RESPONSE"}, &Record{Type: "AUDIT"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	pair := 0
	for line := range strings.Lines(out.String()) {
		if want := []string{`"msg":"RESPONSE"`, `"msg":"AUDIT"`}[pair%2]; !strings.Contains(line, want) || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("line %d is %q", pair, line)
		}
		pair++
	}
	if pair != 2*32*200 {
		t.Errorf("%d lines, not %d", pair, 2*32*200)
	}
}
