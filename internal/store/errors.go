package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-api/gatehouse/problem"
)

// ErrUnavailable means that the database cannot answer just now: not reachable,
// overloaded, full. Nothing was written, unless the connection was lost while
// the commit was on its way; an idempotency key tells.
var ErrUnavailable = errors.New("database unavailable")

// ErrIdempotencyMismatch means that the key was used for another request.
var ErrIdempotencyMismatch = errors.New("idempotency key used for another request")

// ErrNewerSchema means that the database was migrated by a newer program.
var ErrNewerSchema = errors.New("database schema is newer than this program")

// ErrPendingSchema means that migrations have to run first.
var ErrPendingSchema = errors.New("database schema is older than this program")

// ErrLocked means that another process serves the SQLite file.
var ErrLocked = errors.New("database file is in use")

var (
	errClosed  = fmt.Errorf("%w: the store is closed", ErrUnavailable)
	errControl = errors.New("a transaction is begun and ended by Read and Write alone")
)

// Problem turns an error of a transaction into the refusal for the client: a
// *problem.Error as it is, ErrUnavailable as 503 with Retry-After,
// ErrIdempotencyMismatch as 422, everything else as 500. nil gives nil.
func Problem(err error) *problem.Error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p
	}
	switch {
	case errors.Is(err, ErrUnavailable):
		return problem.Unavailable(retryAfter, err)
	case errors.Is(err, ErrIdempotencyMismatch):
		return problem.New(422, "IDEMPOTENCY_KEY_REUSED", "Idempotency Key Reused",
			"This Idempotency-Key was used for another request; send a new key").Because(err)
	}
	return problem.Internal(err)
}

const retryAfter = 5 * time.Second
