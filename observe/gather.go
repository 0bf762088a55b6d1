package observe

import (
	"io"
	"runtime"
	"sync"
)

// maxGathered is how many bytes of lines may wait for a slow disk; who comes
// then waits with them.
const maxGathered = 256 << 10

// gather writes the lines of calls that end at the same time in one Write. Who
// finds nobody writing writes, and takes along the lines of those who come
// meanwhile. No line waits for others to come; where calls came together last
// time, those that could end at once go first.
type gather struct {
	out io.Writer

	mu      sync.Mutex
	changed *sync.Cond // writing, or waiting
	writing bool
	calls   int    // that have left since somebody writes
	company bool   // there were several when somebody wrote last
	waiting []byte // lines that are in nobody's hands yet
	spare   []byte // the room of the lines written last
}

func newGather(out io.Writer) *gather {
	g := &gather{out: out}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// Write returns when p is written: what is no record of a call may be the last
// thing that the program says.
func (g *gather) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.writing {
		g.changed.Wait()
	}
	g.writing = true
	g.waiting = append(g.waiting, p...)
	return len(p), g.write()
}

// leave returns when the lines are written, or when somebody is at it who will
// write them too. The error is of what the caller itself has written.
func (g *gather) leave(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.waiting) >= maxGathered { // then somebody writes
		g.changed.Wait()
	}
	g.waiting = append(g.waiting, lines...)
	g.calls++
	if g.writing {
		return nil
	}
	g.writing = true
	if g.company { // alone it would only wake an idle thread
		g.mu.Unlock()
		runtime.Gosched() // those who are about to end come along
		g.mu.Lock()
	}
	return g.write()
}

// write writes until nothing waits. The caller holds mu and has set writing.
func (g *gather) write() (first error) {
	for len(g.waiting) > 0 {
		lines := g.waiting
		g.waiting, g.spare = g.spare[:0], nil
		g.changed.Broadcast()
		g.mu.Unlock()
		_, err := g.out.Write(lines)
		g.mu.Lock()
		if first == nil {
			first = err
		}
		if cap(lines) <= 2*maxGathered {
			g.spare = lines
		}
	}
	g.writing = false
	g.company, g.calls = g.calls > 1, 0
	g.changed.Broadcast()
	return first
}
