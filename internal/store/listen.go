package store

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is where a Write with Change.Notify tells the other processes.
const channel = "gatehouse_changes"

// listener hears of the changes that other processes tell. It connects at the
// first question, with a connection of its own, and again when that is lost.
type listener struct {
	cc   *pgx.ConnConfig
	log  *slog.Logger
	rand io.Reader

	number atomic.Uint64
	live   atomic.Bool
	begin  sync.Once
	cancel context.CancelFunc
	ctx    context.Context
	ended  chan struct{}
}

// quiet is how long the listener believes a connection that says nothing.
const quiet = 2 * time.Second

func newListener(cc *pgx.ConnConfig, cfg Config) *listener {
	l := &listener{cc: cc.Copy(), log: cfg.Log, rand: cfg.Rand, ended: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// version returns the number, and false while the listener cannot be trusted.
func (l *listener) version(context.Context) (uint64, bool) {
	l.begin.Do(func() { go l.loop() })
	live := l.live.Load() // before the number: it moves when the connection is new
	return l.number.Load(), live
}

// told counts a change of this process, which does not wait for its own echo.
func (l *listener) told() { l.number.Add(1) }

func (l *listener) loop() {
	defer close(l.ended)
	for attempt := 0; l.ctx.Err() == nil; attempt++ {
		heard, err := l.listen()
		if l.ctx.Err() != nil {
			return
		}
		if heard {
			attempt = 0
		}
		l.log.LogAttrs(l.ctx, slog.LevelWarn, "not hearing of changes by other processes; asking the database instead",
			slog.String("reason", reason(err)))
		_ = pause(l.ctx, jitter(l.rand, backoff(attempt))) // its end is seen at the top
	}
}

// listen hears until the connection is lost; heard tells that there was one.
func (l *listener) listen() (heard bool, err error) {
	conn, err := pgx.ConnectConfig(l.ctx, l.cc)
	if err != nil {
		return false, err
	}
	defer func() {
		l.live.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // it may be lost already
	}()
	if _, err := conn.Exec(l.ctx, "listen "+channel); err != nil {
		return false, err
	}
	l.number.Add(1) // whatever was told meanwhile was missed
	l.live.Store(true)
	for {
		ctx, cancel := context.WithTimeout(l.ctx, quiet)
		_, err := conn.WaitForNotification(ctx)
		cancel()
		if err == nil {
			l.number.Add(1)
			continue
		}
		if l.ctx.Err() != nil || conn.IsClosed() {
			return true, err
		}
		ctx, cancel = context.WithTimeout(l.ctx, quiet)
		err = conn.Ping(ctx)
		cancel()
		if err != nil {
			return true, err
		}
	}
}

func (l *listener) close() error {
	l.cancel()
	started := true
	l.begin.Do(func() { started = false })
	if started {
		<-l.ended
	}
	return nil
}
