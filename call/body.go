package call

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/problem"
)

// pool caps the bytes of bodies that are held at one time.
type pool struct {
	free atomic.Int64
}

func newPool(size int64) *pool {
	p := &pool{}
	p.free.Store(size)
	return p
}

// buffer holds the body of one call.
type buffer struct {
	pool *pool
	held int64
	data []byte
	read bool
}

func (b *buffer) release() {
	b.pool.free.Add(b.held)
	b.held = 0
}

// Body reads the whole body once, limit bytes at most, and returns the same
// bytes each time. Refusals: 413 for a larger one, 400 for one that breaks off,
// 408 for one that is too slow, 503 when too many bodies are held already.
func (c *Call) Body(r *http.Request, limit int64) ([]byte, *problem.Error) {
	b := c.buffer
	if b.read {
		return b.data, nil
	}
	if r.ContentLength > limit {
		return nil, tooLarge()
	}
	reserve := min(limit, max(r.ContentLength, 0))
	if r.ContentLength < 0 {
		reserve = limit
	}
	if b.pool.free.Add(-reserve) < 0 {
		b.pool.free.Add(reserve)
		return nil, problem.Unavailable(time.Second, errors.New("all memory for bodies is in use")).From("call", "max_buffered")
	}
	b.held = reserve
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, problem.Malformed("The body ended before its stated length").Because(err)
	}
	if int64(len(data)) > limit {
		return nil, tooLarge()
	}
	b.data, b.read = data, true
	return data, nil
}

func tooLarge() *problem.Error {
	return problem.TooLarge("The body is larger than this operation allows").With("Connection", "close")
}
