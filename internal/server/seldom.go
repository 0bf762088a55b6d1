package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// tellEvery is how often the log tells of what may come in floods.
const tellEvery = time.Minute

// seldom lets one of many be told in tellEvery, with how many there were.
type seldom struct {
	mu   sync.Mutex
	last time.Time
	many int
}

// tell calls f with how many came since the last time, or counts one more.
func (s *seldom) tell(now time.Time, f func(many int)) {
	s.mu.Lock()
	s.many++
	due := s.last.IsZero() || now.Sub(s.last) >= tellEvery
	many := s.many
	if due {
		s.last, s.many = now, 0
	}
	s.mu.Unlock()
	if due {
		f(many)
	}
}

// watched is a handler that has somebody told of what it could not write; slog.Logger
// tells nobody.
type watched struct {
	slog.Handler
	failed func(error)
}

// Handle writes one record.
func (h watched) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if err != nil {
		h.failed(err)
	}
	return err
}

// WithAttrs keeps watching.
func (h watched) WithAttrs(list []slog.Attr) slog.Handler {
	return watched{h.Handler.WithAttrs(list), h.failed}
}

// WithGroup keeps watching.
func (h watched) WithGroup(name string) slog.Handler {
	return watched{h.Handler.WithGroup(name), h.failed}
}
