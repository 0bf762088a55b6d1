package observe

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// calm is how long no call is shed until shedding has ended.
const calm = 10 * time.Second

// shed tells whether a call was refused because too many ran at one time. That
// is the limit at work and no failure; one of the limit itself has a cause.
func shed(rec *Record) bool {
	return rec.Status == http.StatusServiceUnavailable && rec.Verdict == "limit" && rec.Cause == ""
}

// shedding tells of an overload twice, when it begins and when it has ended: a
// line of level ERROR for each call would be a flood of its own.
type shedding struct {
	count atomic.Int64 // changes under mu; in quiet times a call sees 0 and takes no lock

	mu          sync.Mutex
	first, last time.Time
}

// look takes one record and says what is to be told.
func (s *shedding) look(rec *Record, tell func(at time.Time, what string, more ...slog.Attr)) {
	is := shed(rec)
	if !is && s.count.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.count.Load()
	if count > 0 && rec.Time.Sub(s.last) >= calm {
		tell(rec.Time, "shedding calls has ended", slog.Int64("shed", count), slog.String("lasted", s.last.Sub(s.first).String()))
		count = 0
	}
	if is {
		if count == 0 {
			s.first = rec.Time
			tell(rec.Time, "shedding calls: more come at one time than may run", slog.String("rule", rec.Rule))
		}
		count++
		s.last = rec.Time
	}
	s.count.Store(count)
}

// tell writes what is no record of a call.
func (l *layer) tell(at time.Time, what string, more ...slog.Attr) {
	ctx := context.Background()
	if !l.cfg.Log.Enabled(ctx, slog.LevelWarn) {
		return
	}
	r := slog.NewRecord(at, slog.LevelWarn, what, 0)
	r.AddAttrs(more...)
	l.failed(l.cfg.Log.Handle(ctx, r), "message")
}
