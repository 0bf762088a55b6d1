package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

const (
	setupTTL      = 15 * time.Minute
	minSetupToken = 32 // characters of a setup token that the operator chose
)

// NeedsSetup tells whether there is no active admin yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	var n int64
	err := s.store.Read(ctx, guest(), func(tx *store.Tx) error {
		var err error
		n, err = adminsDoor(ctx, tx)
		return err
	})
	return err == nil && n == 0, err
}

// CheckSetupToken tells whether CreateSetupToken takes a token, as far as the
// token itself says.
func CheckSetupToken(given string) error {
	if given != "" && len(given) < minSetupToken {
		return fmt.Errorf("the setup token has %d characters; %d random ones are the least", len(given), minSetupToken)
	}
	return nil
}

// CreateSetupToken returns a token with which the first admin is made: for one
// use, within 15 minutes. given is a token of the operator's own, 32 characters
// at least, or "". ErrSetupDone when there is an admin.
func (s *Service) CreateSetupToken(ctx context.Context, given string) (token string, expires time.Time, err error) {
	token = given
	if token == "" {
		if token, err = s.secrets.newToken(); err != nil {
			return "", time.Time{}, err
		}
	}
	if err := CheckSetupToken(token); err != nil {
		return "", time.Time{}, err
	}
	now := s.cfg.Now()
	expires = now.Add(setupTTL)
	change := &store.Change{Action: "SETUP_TOKEN_MADE", Resource: "setup"}
	err = s.store.Write(ctx, store.System(), change, func(tx *store.Tx) error {
		n, err := adminsDoor(ctx, tx)
		if err != nil {
			return err
		}
		if n > 0 {
			return ErrSetupDone
		}
		_, err = tx.Exec(ctx, `INSERT INTO identity_setup_tokens (token_hash, created_at, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (token_hash) DO UPDATE SET expires_at = excluded.expires_at WHERE identity_setup_tokens.used_at IS NULL`,
			digest(token), now.UnixMicro(), expires.UnixMicro())
		return err
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("making a setup token: %w", err)
	}
	return token, expires, nil
}

// RedeemSetup makes the first admin. n.Role is not read. Faults, ErrSetupToken,
// ErrSetupDone, ErrTaken, ErrBusy.
func (s *Service) RedeemSetup(ctx context.Context, token string, n NewMember, from Origin) (Member, error) {
	n.Role = Admin
	n = n.normal()
	if err := s.openSetup(ctx, token); err != nil {
		return Member{}, err
	}
	if err := n.check(s.rules); err != nil {
		return Member{}, err
	}
	hash, err := s.hasher.hash(ctx, n.Password)
	if err != nil {
		return Member{}, fmt.Errorf("hashing a password: %w", err)
	}
	m, err := s.newMember(n)
	if err != nil {
		return Member{}, err
	}
	ctx, done := decided(ctx)
	defer done()
	change := &store.Change{Action: "SETUP", Resource: "members/" + m.ID, RequestID: from.RequestID}
	err = s.store.Write(ctx, store.Actor{ID: m.ID, Role: string(Admin)}, change, func(tx *store.Tx) error {
		if err := s.useSetup(ctx, tx, token); err != nil {
			return err
		}
		return insert(ctx, tx, m, hash)
	})
	if err != nil {
		return Member{}, fmt.Errorf("setting up: %w", err)
	}
	return m, nil
}

// openSetup refuses a token that is no good before a password is hashed for it.
func (s *Service) openSetup(ctx context.Context, token string) error {
	err := s.store.Read(ctx, guest(), func(tx *store.Tx) error {
		var hash string
		return setupDoor(ctx, tx, digest(token), s.now()).Scan(&hash)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ErrSetupToken
	}
	if err != nil {
		return fmt.Errorf("reading a setup token: %w", err)
	}
	return nil
}

func (s *Service) useSetup(ctx context.Context, tx *store.Tx, token string) error {
	admins, err := adminsDoor(ctx, tx)
	if err != nil {
		return err
	}
	if admins > 0 {
		return ErrSetupDone
	}
	n, err := tx.Exec(ctx, `UPDATE identity_setup_tokens SET used_at = $2
		WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2`, digest(token), s.now())
	if err != nil {
		return fmt.Errorf("using a setup token: %w", err)
	}
	if n == 0 {
		return ErrSetupToken
	}
	return nil
}
