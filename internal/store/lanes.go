package store

import (
	"context"
	"fmt"
	"time"
)

// lanes lets writes run side by side, or one of them alone.
type lanes struct {
	tokens chan struct{} // one per write that runs
	alone  chan struct{} // held by the one that gathers all tokens
}

func newLanes(n int) lanes {
	return lanes{tokens: make(chan struct{}, n), alone: make(chan struct{}, 1)}
}

// enter waits for a token, or for all of them; leave gives them back.
func (l lanes) enter(ctx context.Context, alone bool, patience time.Duration) (leave func(), err error) {
	if !alone {
		if err := await(ctx, patience, l.tokens, struct{}{}); err != nil {
			return nil, err
		}
		return func() { <-l.tokens }, nil
	}
	if err := await(ctx, patience, l.alone, struct{}{}); err != nil {
		return nil, err
	}
	taken := 0
	leave = func() {
		for range taken {
			<-l.tokens
		}
		<-l.alone
	}
	for taken < cap(l.tokens) {
		if err := await(ctx, patience, l.tokens, struct{}{}); err != nil {
			leave()
			return nil, fmt.Errorf("after a conflict with another write: %w", err)
		}
		taken++
	}
	return leave, nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
