package call

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/problem"
)

// pool caps the bytes of bodies that are held at one time.
type pool struct {
	size int64
	free atomic.Int64
}

func newPool(size int64) *pool {
	p := &pool{size: size}
	p.free.Store(size)
	return p
}

// buffer holds the body of one call.
type buffer struct {
	pool *pool
	held int64
	data []byte
	err  *problem.Error // why reading broke off; what is left of the body is no body
	read bool
}

func (b *buffer) release() { b.pool.free.Add(b.held) }

// Body reads the whole body once, limit bytes at most, and returns the same
// bytes each time. Refusals: 413 for a larger one, 400 for one that breaks off,
// 408 for one that is too slow, 503 when too many bodies are held already.
func (c *Call) Body(r *http.Request, limit int64) ([]byte, *problem.Error) {
	b := c.buffer
	if b.read {
		return b.whole()
	}
	if r.ContentLength > limit {
		return nil, tooLarge()
	}
	reserve := r.ContentLength
	if reserve < 0 {
		reserve = limit
	}
	if b.pool.free.Add(-reserve) < 0 {
		b.pool.free.Add(reserve)
		return nil, problem.Unavailable(time.Second, errors.New("all memory for bodies is in use")).From("call", "max_buffered")
	}
	b.held, b.read = reserve, true
	b.data, b.err = readAll(r.Body, limit)
	return b.whole()
}

func (b *buffer) whole() ([]byte, *problem.Error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.data, nil
}

// MaxHeld is how many bytes of bodies may be held at one time by all calls.
func (c *Call) MaxHeld() int64 { return c.buffer.pool.size }

// Stream is the whole body from its beginning, also after Body has read it, or
// has refused it because it is too large.
func (c *Call) Stream(r *http.Request) io.ReadCloser {
	if len(c.buffer.data) == 0 {
		return r.Body
	}
	return stream{io.MultiReader(bytes.NewReader(c.buffer.data), r.Body), r.Body}
}

// stream is a body of which the beginning has been read.
type stream struct {
	io.Reader
	io.Closer
}

func readAll(body io.Reader, limit int64) ([]byte, *problem.Error) {
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, problem.New(http.StatusRequestTimeout, "BODY_TOO_SLOW", "Request Timeout",
			"The body did not arrive in time").With("Connection", "close").Because(err)
	case err != nil:
		return nil, problem.Malformed("The body ended before its stated length").Because(err)
	case int64(len(data)) > limit:
		return data, tooLarge()
	}
	return data, nil
}

func tooLarge() *problem.Error {
	return problem.TooLarge("The body is larger than this operation allows").With("Connection", "close")
}
