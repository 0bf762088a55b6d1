package identity

import (
	"context"
	"fmt"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// ChangePassword sets a new password for p, who proves the current one, and ends
// the other sessions of p. ErrCredentials when the current one is wrong; Faults
// in "newPassword".
func (s *Service) ChangePassword(ctx context.Context, p *call.Principal, current, next string, from Origin) error {
	if f := s.rules.check("newPassword", next, p.Email, p.Username); f != nil {
		return f
	}
	old, err := s.hashOf(ctx, p)
	if err != nil {
		return err
	}
	v, err := s.hasher.verify(ctx, old, current)
	if err != nil {
		return fmt.Errorf("verifying a password: %w", err)
	}
	ctx, done := decided(ctx)
	defer done()
	if !v.ok {
		change := &store.Change{Action: "PASSWORD_CHANGED", Outcome: "failure", Resource: "members/" + p.ID,
			RequestID: from.RequestID, Isolation: store.ReadCommitted}
		if err := s.store.Write(ctx, actorOf(p), change, nil); err != nil {
			return fmt.Errorf("recording a refused password: %w", err)
		}
		return ErrCredentials
	}
	fresh, err := s.hasher.hash(ctx, next)
	if err != nil {
		return fmt.Errorf("hashing a password: %w", err)
	}
	if err := s.setPassword(ctx, p, old, fresh, from); err != nil {
		return err
	}
	s.revoked(Revocation{MemberID: p.ID, Keep: p.Session})
	return nil
}

func (s *Service) hashOf(ctx context.Context, p *call.Principal) (string, error) {
	var hash string
	err := s.store.Read(ctx, actorOf(p), func(tx *store.Tx) error {
		return tx.QueryRow(ctx, `SELECT password_hash FROM members WHERE id = $1`, p.ID).Scan(&hash)
	})
	if err != nil {
		return "", fmt.Errorf("reading a member: %w", err)
	}
	return hash, nil
}

func (s *Service) setPassword(ctx context.Context, p *call.Principal, old, fresh string, from Origin) error {
	change := &store.Change{Action: "PASSWORD_CHANGED", Resource: "members/" + p.ID, RequestID: from.RequestID, Notify: true}
	err := s.store.Write(ctx, actorOf(p), change, func(tx *store.Tx) error {
		now := s.now()
		n, err := tx.Exec(ctx, `UPDATE members SET password_hash = $2, password_changed_at = $3, updated_at = $3
			WHERE id = $1 AND password_hash = $4`, p.ID, fresh, now, old)
		if err != nil {
			return err
		}
		if n == 0 { // changed meanwhile by another
			return ErrCredentials
		}
		ended, err := tx.Exec(ctx, endSessions, p.ID, now, p.Session)
		change.Details = map[string]any{"sessions_ended": ended}
		return err
	})
	if err != nil {
		return fmt.Errorf("changing a password: %w", err)
	}
	return nil
}

// ResetPassword sets a new password for a member, by id or e-mail, who has lost
// the old one, and ends all of their sessions. by is Operator: who asks for it is
// for people to prove. A suspended member stays suspended. ErrNoMember; Faults
// in "password".
func (s *Service) ResetPassword(ctx context.Context, by store.Actor, who, next string) (Member, error) {
	m, err := s.FindMember(ctx, by, who)
	if err != nil {
		return Member{}, err
	}
	if f := s.rules.check("password", next, m.Email, m.Username); f != nil {
		return Member{}, f
	}
	fresh, err := s.hasher.hash(ctx, next)
	if err != nil {
		return Member{}, fmt.Errorf("hashing a password: %w", err)
	}
	change := &store.Change{Action: "PASSWORD_RESET", Resource: "members/" + m.ID, Notify: true}
	err = s.store.Write(ctx, by, change, func(tx *store.Tx) error {
		now := s.now()
		n, err := tx.Exec(ctx, `UPDATE members SET password_hash = $2, password_changed_at = $3, updated_at = $3 WHERE id = $1`,
			m.ID, fresh, now)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNoMember
		}
		ended, err := tx.Exec(ctx, endSessions, m.ID, now, "")
		change.Details = map[string]any{"sessions_ended": ended}
		return err
	})
	if err != nil {
		return Member{}, fmt.Errorf("resetting a password: %w", err)
	}
	s.revoked(Revocation{MemberID: m.ID})
	return m, nil
}
