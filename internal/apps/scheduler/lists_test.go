package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// counted is a list whose read returns how often it was read.
func counted(read func(ctx context.Context, n int64) ([]byte, error)) (*memo, *atomic.Int64) {
	var n atomic.Int64
	l := &memo{tables: &tables{}, now: time.Now}
	l.read = func(ctx context.Context) ([]byte, error) { return read(ctx, n.Add(1)) }
	return l, &n
}

func numbered(_ context.Context, n int64) ([]byte, error) { return fmt.Append(nil, n), nil }

func got(t *testing.T, l *memo, want string) {
	t.Helper()
	b, err := l.get(t.Context())
	if err != nil || string(b) != want {
		t.Errorf("%q, %v, want %q", b, err, want)
	}
}

func TestListIsReadAgainAfterAWriteAndAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := counted(numbered)
		got(t, l, "1")
		got(t, l, "1")
		l.tables.writes.Add(1)
		got(t, l, "2")
		time.Sleep(listFor - time.Millisecond)
		got(t, l, "2")
		time.Sleep(time.Millisecond)
		got(t, l, "3")
	})
}

func TestListReadBeforeAWriteIsNotKept(t *testing.T) {
	var l *memo
	l, _ = counted(func(_ context.Context, n int64) ([]byte, error) {
		if n == 1 {
			l.tables.writes.Add(1) // a write is acknowledged while the list is read
		}
		return fmt.Append(nil, n), nil
	})
	got(t, l, "1")
	got(t, l, "2")
	got(t, l, "2")
}

func TestCallersOfOneListShareARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, n := counted(func(_ context.Context, n int64) ([]byte, error) {
			time.Sleep(time.Millisecond)
			return fmt.Append(nil, n), nil
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { got(t, l, "1") })
		}
		synctest.Wait()
		l.tables.writes.Add(1)
		wg.Go(func() { got(t, l, "2") }) // the read on its way began before the write
		wg.Wait()
		if n.Load() != 2 {
			t.Errorf("%d reads, want 2", n.Load())
		}
	})
}

func TestAReadThatFailsIsNotKeptNorShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := counted(func(ctx context.Context, n int64) ([]byte, error) {
			if n == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return fmt.Append(nil, n), nil
		})
		first, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := l.get(first); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that went away: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { got(t, l, "2") })
		synctest.Wait()
		cancel()
		wg.Wait()
		got(t, l, "3")
	})
}

// TestAWriteIsSeenByTheNextRead books and cancels on real engines: whoever has
// the answer to a booking reads lists that hold it.
func TestAWriteIsSeenByTheNextRead(t *testing.T) {
	storetest.Each(t, []store.Schema{Schema()}, func(t *testing.T, st *store.Store) {
		tb := &tables{Store: st}
		l := &memo{tables: tb, now: time.Now, read: func(ctx context.Context) (b []byte, err error) {
			err = st.Read(ctx, store.System(), func(tx *store.Tx) error {
				var n int
				err := tx.QueryRow(ctx, `SELECT count(*) FROM days`).Scan(&n)
				b = fmt.Append(nil, n)
				return err
			})
			return b, err
		}}
		var readers sync.WaitGroup
		stop := make(chan struct{})
		for range 4 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = l.get(t.Context())
					}
				}
			})
		}
		for i := 1; i <= 100; i++ {
			if err := tb.Write(t.Context(), store.System(), nil, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO days (id, name) VALUES ($1, 'Day')`, i)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			got(t, l, fmt.Sprint(i))
		}
		close(stop)
		readers.Wait()
	})
}
