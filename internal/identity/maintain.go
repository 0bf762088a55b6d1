package identity

import (
	"context"
	"errors"
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
		return sweep(ctx, tx, now, s.cfg.AccessTTL)
	})
	if err != nil {
		return fmt.Errorf("deleting what has expired: %w", err)
	}
	return nil
}

// sweep keeps an ended session as long as a token of it would verify, so that
// the refusal can say why.
func sweep(ctx context.Context, tx *store.Tx, now time.Time, accessTTL time.Duration) error {
	at := now.UnixMicro()
	forgotten, settled := now.Add(-deviceTTL).UnixMicro(), now.Add(-accessTTL-keyLeeway).UnixMicro()
	var errs [7]error
	_, errs[0] = tx.Exec(ctx, `DELETE FROM identity_refresh_tokens WHERE expires_at < $1`, at)
	_, errs[1] = tx.Exec(ctx, `DELETE FROM identity_sessions WHERE expires_at < $1`, at)
	_, errs[2] = tx.Exec(ctx, `DELETE FROM identity_sessions WHERE ended_at < $1`, settled)
	_, errs[3] = tx.Exec(ctx, `DELETE FROM identity_devices WHERE last_seen_at < $1`, forgotten)
	_, errs[4] = tx.Exec(ctx, `DELETE FROM identity_keys WHERE verifies_until < $1`, at)
	_, errs[5] = tx.Exec(ctx, `DELETE FROM identity_invites WHERE expires_at < $1`, at)
	_, errs[6] = tx.Exec(ctx, `DELETE FROM identity_setup_tokens WHERE expires_at < $1`, at)
	return errors.Join(errs[:]...)
}
