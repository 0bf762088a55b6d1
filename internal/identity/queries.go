package identity

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

//go:embed schema
var schema embed.FS

// Schema is the migrations of this component.
func Schema() store.Schema { return store.Schema{Name: "identity", FS: schema, Dir: "schema"} }

// The doors are the statements that run before anybody is known, and with the
// rights of nobody. On PostgreSQL row-level security hides every row from a
// guest, so each is a narrow function that its migration defines; SQLite has no
// such thing and runs the body of the function as it is.

// loginDoor reads the member with an e-mail address, and whether the address
// hash is known to it.
func loginDoor(ctx context.Context, tx *store.Tx, email, address string) *sql.Row {
	if tx.Engine() == store.Postgres {
		return tx.QueryRow(ctx, `SELECT * FROM identity_login($1, $2)`, email, address)
	}
	return tx.QueryRow(ctx, `SELECT m.id, m.username, m.email, m.role, m.status, m.created_at, m.password_hash,
			EXISTS (SELECT 1 FROM identity_devices d WHERE d.member_id = m.id AND d.address_hash = $2)
		FROM members m WHERE m.email = $1`, email, address)
}

// cookieDoor reads the session of a cookie, with sessionColumns.
func cookieDoor(ctx context.Context, tx *store.Tx, hash string) *sql.Row {
	if tx.Engine() == store.Postgres {
		return tx.QueryRow(ctx, `SELECT * FROM identity_cookie($1)`, hash)
	}
	return tx.QueryRow(ctx, `SELECT `+sessionColumns+` FROM identity_sessions s JOIN members m ON m.id = s.member_id
		WHERE s.token_hash = $1`, hash)
}

// refreshDoor reads session id, member id and role of a refresh token.
func refreshDoor(ctx context.Context, tx *store.Tx, hash string) *sql.Row {
	if tx.Engine() == store.Postgres {
		return tx.QueryRow(ctx, `SELECT * FROM identity_refresh($1)`, hash)
	}
	return tx.QueryRow(ctx, `SELECT t.session_id, t.member_id, m.role
		FROM identity_refresh_tokens t JOIN members m ON m.id = t.member_id WHERE t.token_hash = $1`, hash)
}

// inviteDoor reads e-mail and role of an open invitation.
func inviteDoor(ctx context.Context, tx *store.Tx, hash string, now int64) *sql.Row {
	if tx.Engine() == store.Postgres {
		return tx.QueryRow(ctx, `SELECT * FROM identity_invite($1, $2)`, hash, now)
	}
	return tx.QueryRow(ctx, `SELECT email, role FROM identity_invites
		WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2`, hash, now)
}

// claimInviteDoor uses an open invitation up and gives its hash.
func claimInviteDoor(ctx context.Context, tx *store.Tx, hash string, now int64, member string) *sql.Row {
	if tx.Engine() == store.Postgres {
		return tx.QueryRow(ctx, `SELECT * FROM identity_claim_invite($1, $2, $3)`, hash, now, member)
	}
	return tx.QueryRow(ctx, `UPDATE identity_invites SET used_at = $2, used_by = $3
		WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING token_hash`, hash, now, member)
}

// setupDoor gives the hash of an open setup token.
func setupDoor(ctx context.Context, tx *store.Tx, hash string, now int64) *sql.Row {
	if tx.Engine() == store.Postgres {
		return tx.QueryRow(ctx, `SELECT * FROM identity_setup($1, $2)`, hash, now)
	}
	return tx.QueryRow(ctx, `SELECT token_hash FROM identity_setup_tokens
		WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2`, hash, now)
}

// adminsDoor counts the active admins.
func adminsDoor(ctx context.Context, tx *store.Tx) (n int64, err error) {
	if tx.Engine() == store.Postgres {
		err = tx.QueryRow(ctx, `SELECT identity_admins()`).Scan(&n)
	} else {
		err = tx.QueryRow(ctx, `SELECT count(*) FROM members WHERE role = 'admin' AND status = 'active'`).Scan(&n)
	}
	if err != nil {
		return 0, fmt.Errorf("counting admins: %w", err)
	}
	return n, nil
}

// bcryptDoor is the highest cost among imported hashes, 0 without any.
func bcryptDoor(ctx context.Context, tx *store.Tx) (cost int64, err error) {
	if tx.Engine() == store.Postgres {
		err = tx.QueryRow(ctx, `SELECT identity_bcrypt_cost()`).Scan(&cost)
	} else {
		err = tx.QueryRow(ctx, `SELECT COALESCE(max(CAST(substr(password_hash, 5, 2) AS INTEGER)), 0)
			FROM members WHERE password_hash LIKE '$2%'`).Scan(&cost)
	}
	if err != nil {
		return 0, fmt.Errorf("looking for imported hashes: %w", err)
	}
	return cost, nil
}

const (
	memberColumns = `m.id, m.username, m.email, m.role, m.status, m.created_at, m.last_login_at`

	sessionColumns = `s.id, s.member_id, s.kind, s.last_used_at, s.idle_until, s.expires_at, s.ended_at,
		m.username, m.email, m.role, m.status`

	// A bearer's session is read as the member that the token names, who sees
	// nothing but their own.
	sessionByID = `SELECT ` + sessionColumns + ` FROM identity_sessions s JOIN members m ON m.id = s.member_id
		WHERE s.id = $1 AND s.member_id = $2`

	insertMember = `INSERT INTO members (id, username, username_key, email, role, status, password_hash,
			password_changed_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8) ON CONFLICT DO NOTHING`

	insertSession = `INSERT INTO identity_sessions (id, member_id, kind, token_hash, created_at, last_used_at, idle_until, expires_at)
		VALUES ($1, $2, $3, $4, $5, $5, $6, $7)`

	insertRefresh = `INSERT INTO identity_refresh_tokens (token_hash, session_id, member_id, issued_at, expires_at)
		VALUES ($1, $2, $3, $4, $5)`

	endSession = `UPDATE identity_sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL`

	// endSessions ends all sessions of a member but one ("" for none to keep).
	endSessions = `UPDATE identity_sessions SET ended_at = $2 WHERE member_id = $1 AND id <> $3 AND ended_at IS NULL`

	touchSession = `UPDATE identity_sessions SET last_used_at = $2, idle_until = $3
		WHERE id = $1 AND ended_at IS NULL AND last_used_at < $2`

	seenDevice = `INSERT INTO identity_devices (member_id, address_hash, first_seen_at, last_seen_at)
		VALUES ($1, $2, $3, $3)
		ON CONFLICT (member_id, address_hash) DO UPDATE SET last_seen_at = excluded.last_seen_at`
)
