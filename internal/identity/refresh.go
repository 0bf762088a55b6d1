package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// family is what a refresh token belongs to.
type family struct {
	session string
	member  string
	role    string
}

// turn is how far a refresh token has come.
type turn struct {
	used      sql.NullInt64
	expires   int64
	successor sql.NullInt64 // when the successor was used
	followed  bool          // there is a successor
}

// Refresh exchanges a refresh token for a new pair. The token can be used once;
// a client that did not get the answer may repeat it for Config.Grace, as long
// as nobody has used the successor, and gets the same answer. Any other second
// use means that two hold the token, and ends the family (RFC 9700 §4.14.2).
// ErrRefresh is for all that is not valid.
func (s *Service) Refresh(ctx context.Context, token string, from Origin) (Grant, error) {
	if !wellFormed(token) {
		return Grant{}, ErrRefresh
	}
	f, err := s.familyOf(ctx, token)
	if err != nil {
		return Grant{}, err
	}
	ctx, done := decided(ctx)
	defer done()
	var g Grant
	var issued time.Time
	var reused bool
	change := &store.Change{Resource: "members/" + f.member, RequestID: from.RequestID, Isolation: store.ReadCommitted}
	err = s.store.Write(ctx, store.Actor{ID: f.member, Role: f.role}, change, func(tx *store.Tx) error {
		found := &session{}
		err := found.scan(tx.QueryRow(ctx, sessionByID, f.session, f.member))
		if err != nil {
			return fmt.Errorf("reading a family: %w", err)
		}
		now := s.cfg.Now()
		if found.alive(now.UnixMicro()) != nil {
			return ErrRefresh
		}
		issued, reused, err = s.advance(ctx, tx, token, found, now)
		if reused {
			change.Action, change.Outcome, change.Notify = "REFRESH_REUSED", "failure", true
		}
		g.Member, g.Session = found.member, found.id
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Grant{}, ErrRefresh
	case err != nil:
		return Grant{}, err
	case reused:
		s.cfg.Log.WarnContext(ctx, "a refresh token was used twice; its family is ended", "member", f.member, "request_id", from.RequestID)
		s.revoked(Revocation{MemberID: f.member, Session: f.session})
		return Grant{}, ErrRefresh
	}
	g.RefreshToken, g.ExpiresIn = s.secrets.successorOf(token), s.cfg.AccessTTL
	g.AccessToken, err = s.accessToken(ctx, g.Member, g.Session, g.RefreshToken, issued)
	return g, err
}

func (s *Service) familyOf(ctx context.Context, token string) (family, error) {
	var f family
	err := s.store.Read(ctx, guest(), func(tx *store.Tx) error {
		return refreshDoor(ctx, tx, digest(token)).Scan(&f.session, &f.member, &f.role)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return f, ErrRefresh
	}
	if err != nil {
		return f, fmt.Errorf("looking a refresh token up: %w", err)
	}
	return f, nil
}

// advance uses token, and returns when its successor was issued. reused tells
// that the family was ended instead. Of many callers with one token the first
// UPDATE wins; the others see what it did.
func (s *Service) advance(ctx context.Context, tx *store.Tx, token string, in *session, now time.Time) (issued time.Time, reused bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE identity_refresh_tokens SET used_at = $2
		WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2`, digest(token), now.UnixMicro())
	if err != nil {
		return now, false, fmt.Errorf("using a refresh token: %w", err)
	}
	if n == 1 {
		return now, false, s.follow(ctx, tx, token, in, now)
	}
	t, err := s.turnOf(ctx, tx, token)
	if err != nil {
		return now, false, err
	}
	if !t.used.Valid { // expired, never used
		return now, false, ErrRefresh
	}
	first := time.UnixMicro(t.used.Int64)
	if t.followed && !t.successor.Valid && now.Sub(first) <= s.cfg.Grace {
		return first, false, nil
	}
	if _, err := tx.Exec(ctx, endSession, in.id, now.UnixMicro()); err != nil {
		return now, false, fmt.Errorf("ending a family: %w", err)
	}
	return now, true, nil
}

// follow writes the successor of token and keeps the family awake as long.
func (s *Service) follow(ctx context.Context, tx *store.Tx, token string, in *session, now time.Time) error {
	until := now.Add(s.cfg.RefreshTTL).UnixMicro()
	n, err := tx.Exec(ctx, `UPDATE identity_sessions SET last_used_at = $2, idle_until = $3 WHERE id = $1 AND ended_at IS NULL`,
		in.id, now.UnixMicro(), until)
	if err != nil {
		return fmt.Errorf("keeping a family awake: %w", err)
	}
	if n == 0 { // ended since it was read
		return ErrRefresh
	}
	_, err = tx.Exec(ctx, insertRefresh, digest(s.secrets.successorOf(token)), in.id, in.member.ID, now.UnixMicro(), until)
	if err != nil {
		return fmt.Errorf("recording a refresh token: %w", err)
	}
	return nil
}

func (s *Service) turnOf(ctx context.Context, tx *store.Tx, token string) (turn, error) {
	var t turn
	err := tx.QueryRow(ctx, `SELECT used_at, expires_at FROM identity_refresh_tokens WHERE token_hash = $1`, digest(token)).
		Scan(&t.used, &t.expires)
	if err != nil {
		return t, fmt.Errorf("reading a refresh token: %w", err)
	}
	err = tx.QueryRow(ctx, `SELECT used_at FROM identity_refresh_tokens WHERE token_hash = $1`, digest(s.secrets.successorOf(token))).
		Scan(&t.successor)
	if errors.Is(err, sql.ErrNoRows) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("reading the successor of a refresh token: %w", err)
	}
	t.followed = true
	return t, nil
}
