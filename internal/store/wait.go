package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// await sends v, and gives up when ctx is over or the pool's patience is.
func await[T any](ctx context.Context, patience time.Duration, queue chan<- T, v T) error {
	select {
	case queue <- v:
		return nil
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case queue <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%w: no turn within %s", ErrUnavailable, patience)
	}
}

// waitFor tries until it works, the answer is not ErrUnavailable, or the time
// of Config.Wait is over.
func (c Config) waitFor(ctx context.Context, what string, try func(context.Context) error) error {
	over := time.NewTimer(max(c.Wait, 0))
	defer over.Stop()
	last := fmt.Errorf("%w: the first attempt had not ended", ErrUnavailable)
	for attempt := 0; ; attempt++ {
		err := try(ctx)
		if err != nil && ctx.Err() != nil {
			return stopped(what, last) // err says no more than that we stopped
		}
		if err == nil || !errors.Is(err, ErrUnavailable) || c.Wait < 0 {
			return err
		}
		pause := jitter(c.Rand, backoff(attempt))
		c.Log.LogAttrs(ctx, slog.LevelWarn, "waiting for the database",
			slog.String("database", what), slog.String("reason", err.Error()), slog.String("again_in", pause.Round(time.Millisecond).String()))
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-over.C:
			again.Stop()
			return fmt.Errorf("waited %s for %s: %w", c.Wait, what, err)
		case <-ctx.Done():
			again.Stop()
			return stopped(what, err)
		}
		last = err
	}
}

// stopped tells what was waited for when the context ended, and why.
func stopped(what string, last error) error {
	return fmt.Errorf("stopped while waiting for %s: %w", what, last)
}

// backoff doubles from 100 ms to 5 s.
func backoff(attempt int) time.Duration {
	return min(100*time.Millisecond<<min(attempt, 10), 5*time.Second)
}

// jitter is between half of d and d, so that those who wait together do not
// come back together.
func jitter(r io.Reader, d time.Duration) time.Duration {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:]); err != nil || d < 2 {
		return d
	}
	half := uint64(d) / 2
	return time.Duration(half + binary.LittleEndian.Uint64(b[:])%half)
}
