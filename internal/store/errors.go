package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-api/gatehouse/problem"
)

// ErrUnavailable means that the database cannot answer just now: not reachable,
// overloaded, full. Nothing was written, unless the connection was lost while
// the commit was on its way; an idempotency key makes it safe to try again.
var ErrUnavailable = errors.New("database unavailable")

// ErrIdempotencyMismatch means that the key was used for another request.
var ErrIdempotencyMismatch = errors.New("idempotency key used for another request")

// ErrNewerSchema means that a newer program migrated the database.
var ErrNewerSchema = errors.New("database schema is newer than this program")

// ErrPendingSchema means that migrations have to run first.
var ErrPendingSchema = errors.New("database schema is older than this program")

// ErrLocked means that another process serves the SQLite file.
var ErrLocked = errors.New("database file is in use")

var errClosed = fmt.Errorf("%w: the store is closed", ErrUnavailable)

// retryAfter is what a client is told to wait: longer than a restart of the
// process, shorter than a person's patience.
const retryAfter = 5 * time.Second

// Problem turns an error of a transaction into the refusal for the client: a
// *problem.Error as it is, ErrUnavailable and a time that ran out as 503 with
// Retry-After, ErrIdempotencyMismatch as 422, anything else as 500. nil is nil.
func Problem(err error) *problem.Error {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*problem.Error](err); ok {
		return p
	}
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.Unavailable(retryAfter, err)
	case errors.Is(err, ErrIdempotencyMismatch):
		return problem.New(422, "IDEMPOTENCY_KEY_REUSED", "Idempotency Key Reused",
			"This Idempotency-Key was used for another request; send a new key").Because(err)
	}
	return problem.Internal(err)
}

// Duplicate tells whether a statement went wrong because its row exists
// already (a primary key or unique constraint).
func Duplicate(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
			return true
		}
	}
	return false
}

// Dangling tells whether a statement went wrong because a row refers to one
// that is not there, or is still referred to (a foreign key).
func Dangling(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23503"
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
	}
	return false
}

// kind is what to do about an error.
type kind int

const (
	other       kind = iota // f's own, or a statement that is wrong
	conflict                // another write was first: run again
	lost                    // the connection is gone: run again on another
	unavailable             // come back later
)

func kindOf(err error) kind {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresKind(e)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteKind(e)
	}
	if errors.Is(err, ErrUnavailable) {
		return unavailable
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return other
	}
	_, network := errors.AsType[net.Error](err)
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if network || connecting || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return lost
	}
	return other
}

// postgresKind reads the SQLSTATE (PostgreSQL manual, appendix A).
func postgresKind(e *pgconn.PgError) kind {
	switch e.Code {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return conflict
	case "0A000": // a cached plan that a migration has outdated
		if e.Routine == "RevalidateCachedQuery" {
			return conflict
		}
		return other
	case "57P01", "57P02", "57P03", "25P03", "57P05": // server or session was ended
		return lost
	case "57014", "55P03", "25006", "58030": // statement or lock timeout, read-only standby, I/O
		return unavailable
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "08": // connection exception
		return lost
	case "53": // disk full, out of memory, too many connections
		return unavailable
	}
	return other
}

func sqliteKind(e *sqlite.Error) kind {
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL:
		return unavailable
	}
	return other
}

// settled is the error for the caller of Read and Write: f's own as it is, and
// ErrUnavailable with a reason that holds no credentials for the rest.
func settled(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	switch kindOf(err) {
	case other:
		return err
	case conflict:
		return fmt.Errorf("%w: too many writes to the same rows (%s)", ErrUnavailable, reason(err))
	}
	if ctx.Err() != nil { // pgx closes the connection of a caller who has gone
		return ctx.Err()
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, reason(err))
}

// refusal says why waiting for the database would be in vain, "" when it may help.
func refusal(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		if strings.HasPrefix(e.Code, "28") || e.Code == "3D000" { // not let in, no such database
			return reason(err)
		}
		return ""
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the server's certificate does not verify: " + e.Err.Error()
	}
	if strings.Contains(err.Error(), "server refused TLS connection") {
		return "the server does not speak TLS (sslmode=disable in the URL accepts that)"
	}
	return ""
}

// reason says why in words that are safe for a log: never the text of a
// connection error, which repeats what was dialled.
func reason(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Message + " (SQLSTATE " + e.Code + ")"
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return "looking up the host: " + e.Err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return strings.TrimSpace(e.Op + ": " + e.Err.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "the connection was lost"
}
