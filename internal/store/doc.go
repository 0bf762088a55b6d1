// Package store is the database: a SQLite file in the process, or PostgreSQL,
// with one set of SQL for both.
//
// Stops: SQL injection (arguments are always bound by the server), lost
// updates, a change without its audit entry, a repeated request that is done
// twice, rows of one member seen by another, credentials in logs, two servers
// on one file.   Source: OWASP API1:2023 and API8:2023, ASVS 5.0 1.2.4, 8.2,
// 15.4, 16.2, CWE-89, CWE-362.
//
// # What it guarantees
//
//   - Write returns nil only for what is durable. SQLite commits with
//     synchronous=FULL; writes that wait together share one commit, and each
//     has a savepoint of its own. A context that ends after the commit began
//     does not change the answer.
//   - Writes are serializable: as if they ran one after the other, on both
//     engines. On PostgreSQL f may therefore run again; it must do nothing but
//     work on its transaction. Change.Isolation relaxes this for a write whose
//     every decision is made inside one statement.
//   - Read sees one state, at least as new as every write that was acknowledged
//     before it began.
//   - The change, its audit entry and its idempotency record are committed
//     together or not at all. Of two requests with one key the second waits for
//     the first and gets its answer. A failed write does not use up its key.
//   - On PostgreSQL the actor is set for the transaction alone, and row-level
//     security binds the app's role, which owns nothing. Where a row is private
//     its table says so in schema/postgres, and queries say it again.
//   - When the database is away, full or overloaded the error is ErrUnavailable,
//     nothing was written, and the next call tries again by itself. One case
//     stays open: a connection lost while the commit was on its way.
//   - No error and no log entry of this package holds a password.
//
// # SQL for both engines
//
// Placeholders are $1, $2; ids are TEXT or BIGINT given explicitly
// (Tx.NextID); times are BIGINT microseconds; JSON is TEXT; bytes are BYTEA; upserts
// are ON CONFLICT ... DO UPDATE ... RETURNING. Rows are closed before the next
// statement, and a statement that went wrong ends its transaction: PostgreSQL
// demands both, so SQLite is held to it too. An empty BYTEA may come back as a
// nil slice: where it matters, ask for IS NULL.
//
// # The zero Config
//
// It opens nothing: the location is required. Everything else has the strict
// or the seeds' default: 10 connections, none kept idle, 30 s to get one, 10 s
// until an idle one is closed; TLS with a verified server for every PostgreSQL
// that is not on this machine.
//
// # Not covered
//
// Encryption at rest is for the components that need it. A SQLite file is
// served by one process (Config.Exclusive); others may open it beside that for
// short commands. PostgreSQL is to be reached directly, not through a pooler
// that changes the connection between transactions: the listener of Changes
// and prepared statements need one that stays. While a network swallows
// packets, Changes believes its connection for up to 4 s.
package store
