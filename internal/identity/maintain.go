package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// deviceTTL is how long an address is known to an account after its last login.
const deviceTTL = 180 * 24 * time.Hour

// Maintain does what has to be done now and then: it makes the next signing key
// in time and deletes what has expired. The server calls it every few minutes.
func (s *Service) Maintain(ctx context.Context) error {
	if _, err := s.keys.signer(ctx); err != nil {
		return err
	}
	if err := s.learnBcrypt(ctx); err != nil {
		return err
	}
	now := s.cfg.Now()
	err := s.store.Write(ctx, store.System(), &store.Change{Isolation: store.ReadCommitted}, func(tx *store.Tx) error {
		for _, d := range []struct {
			statement string
			before    time.Time
		}{
			{`DELETE FROM identity_refresh_tokens WHERE expires_at < $1`, now},
			{`DELETE FROM identity_sessions WHERE expires_at < $1`, now},
			{`DELETE FROM identity_sessions WHERE ended_at < $1`, now.Add(-s.cfg.AccessTTL - keyLeeway)},
			{`DELETE FROM identity_devices WHERE last_seen_at < $1`, now.Add(-deviceTTL)},
			{`DELETE FROM identity_keys WHERE verifies_until < $1`, now},
			{`DELETE FROM identity_invites WHERE expires_at < $1`, now},
			{`DELETE FROM identity_setup_tokens WHERE expires_at < $1`, now},
		} {
			if _, err := tx.Exec(ctx, d.statement, d.before.UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting what has expired: %w", err)
	}
	return nil
}
