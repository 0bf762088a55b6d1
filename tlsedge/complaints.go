package tlsedge

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// How much of what net/http and the door have to say is told: whoever opens
// connections and does something wrong on each must not fill the log.
const (
	complaintPause = time.Minute // between two lines that differ in the port alone
	maxComplaints  = 256         // lines in that time
)

// complaints is a handler that tells the same of one address, or one IPv6 /64,
// at most once a minute, and with it how many more there were.
type complaints struct {
	slog.Handler
	now func() time.Time

	mu     sync.Mutex
	told   map[string]*complaint
	looked time.Time // when those that are over were last told of
}

// complaint is a line that was told, and those like it that were not.
type complaint struct {
	at     time.Time
	last   slog.Record
	untold int
}

func newComplaints(h slog.Handler, now func() time.Time) *complaints {
	return &complaints{Handler: h, now: now, told: map[string]*complaint{}}
}

// Handle tells of r, or counts it.
func (c *complaints) Handle(ctx context.Context, r slog.Record) error {
	var err error
	for _, line := range c.due(r) {
		err = errors.Join(err, c.Handler.Handle(ctx, line))
	}
	return err
}

// due is what is to be told now that r has come.
func (c *complaints) due(r slog.Record) []slog.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	lines := c.over(now)
	what := withoutPort(r.Message)
	if c.told[what] == nil && len(c.told) >= maxComplaints {
		what = "" // all that is beyond counts as one
	}
	if known := c.told[what]; known != nil {
		known.last = r
		known.untold++
		return lines
	}
	c.told[what] = &complaint{at: now, last: r}
	return append(lines, r)
}

// over forgets what was told long enough ago, and tells of what came meanwhile.
func (c *complaints) over(now time.Time) (lines []slog.Record) {
	if now.Sub(c.looked) < complaintPause {
		return nil
	}
	c.looked = now
	for what, t := range c.told {
		if now.Sub(t.at) < complaintPause {
			continue
		}
		delete(c.told, what)
		if t.untold == 0 {
			continue
		}
		line := t.last.Clone()
		if t.untold > 1 {
			line.AddAttrs(slog.Int("more", t.untold-1))
		}
		lines = append(lines, line)
	}
	return lines
}

// withoutPort is the first line of a text, with every "address:port" in it cut to
// who that is.
func withoutPort(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	words := strings.Split(text, " ")
	for i, w := range words {
		if peer, err := netip.ParseAddrPort(strings.TrimRight(w, ":,")); err == nil {
			words[i] = customer(peer.Addr().Unmap().WithZone("")).String()
		}
	}
	return strings.Join(words, " ")
}
