package call

import (
	"errors"
	"time"

	"github.com/gatehouse-api/gatehouse/problem"
)

// Reserve counts n more bytes of this call against the memory for bodies, until
// the call ends, for a body that Body does not read. It refuses with 503 when
// too much is held already.
func (c *Call) Reserve(n int64) *problem.Error {
	b := c.buffer
	if b.pool.free.Add(-n) < 0 {
		b.pool.free.Add(n)
		return problem.Unavailable(time.Second, errors.New("all memory for bodies is in use")).From("call", "max_buffered")
	}
	b.held += n
	return nil
}
