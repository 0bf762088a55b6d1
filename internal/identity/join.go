package identity

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// Invitation is what an admin offers.
type Invitation struct {
	Email string // whom it is for; "" for whoever has it
	Role  Role   // "" is Ordinary
}

// CreateInvite returns the token of a new invitation and when it ends. The token
// is not kept and cannot be shown again. Faults, ErrSignUpClosed; ErrTaken for
// the address of a member, who could not join with it.
func (s *Service) CreateInvite(ctx context.Context, by store.Actor, i Invitation) (token string, expires time.Time, err error) {
	if s.cfg.SignUp == SignUpOff {
		return "", time.Time{}, ErrSignUpClosed
	}
	i.Email = normalEmail(i.Email)
	if i.Role == "" {
		i.Role = Ordinary
	}
	var faults Faults
	if i.Email != "" {
		faults = checkEmail(i.Email)
	}
	if !slices.Contains(Roles(), i.Role) {
		faults = append(faults, Fault{"role", "enum", "must be admin, manager, counsellor or member"})
	}
	if len(faults) > 0 {
		return "", time.Time{}, faults
	}
	if token, err = s.secrets.newToken(); err != nil {
		return "", time.Time{}, err
	}
	now := s.cfg.Now()
	expires = now.Add(s.cfg.InviteTTL)
	change := &store.Change{Action: "INVITE_CREATED", Resource: "invites", Details: map[string]any{"role": string(i.Role)}}
	err = s.store.Write(ctx, by, change, func(tx *store.Tx) error {
		if _, err := findMember(ctx, tx, i.Email); !errors.Is(err, ErrNoMember) {
			return cmp.Or(err, ErrTaken)
		}
		_, err := tx.Exec(ctx, `INSERT INTO identity_invites (token_hash, email, role, created_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, digest(token), i.Email, string(i.Role), by.ID, now.UnixMicro(), expires.UnixMicro())
		return err
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("inviting: %w", err)
	}
	return token, expires, nil
}

// SignUpMode tells who may become a member without an admin.
func (s *Service) SignUpMode() SignUpMode { return s.cfg.SignUp }

// SignUp makes a member of a guest. n.Role is not read: it is that of the
// invitation, or Ordinary. Faults, ErrSignUpClosed, ErrInvite, ErrTaken, ErrBusy.
func (s *Service) SignUp(ctx context.Context, n NewMember, invite string, from Origin) (Member, error) {
	if s.cfg.SignUp == SignUpOff {
		return Member{}, ErrSignUpClosed
	}
	n.Role = Ordinary
	n = n.normal()
	if invite != "" || s.cfg.SignUp == SignUpInvite {
		offered, err := s.invitation(ctx, invite)
		if err != nil {
			return Member{}, err
		}
		if offered.Email != "" && offered.Email != n.Email {
			return Member{}, ErrInvite
		}
		n.Role = offered.Role
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
	change := &store.Change{Action: "SIGN_UP", Resource: "members/" + m.ID, RequestID: from.RequestID,
		Details: map[string]any{"role": string(m.Role), "invited": invite != ""}}
	err = s.store.Write(ctx, store.Actor{ID: m.ID, Role: string(m.Role)}, change, func(tx *store.Tx) error {
		if err := s.claim(ctx, tx, invite, m.ID); err != nil {
			return err
		}
		return insert(ctx, tx, m, hash)
	})
	if err != nil {
		return Member{}, fmt.Errorf("signing up: %w", err)
	}
	return m, nil
}

func (s *Service) invitation(ctx context.Context, token string) (Invitation, error) {
	var i Invitation
	if !wellFormed(token) {
		return i, ErrInvite
	}
	err := s.store.Read(ctx, guest(), func(tx *store.Tx) error {
		return inviteDoor(ctx, tx, digest(token), s.now()).Scan(&i.Email, &i.Role)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return i, ErrInvite
	}
	if err != nil {
		return i, fmt.Errorf("reading an invitation: %w", err)
	}
	return i, nil
}

// claim uses an invitation up, in the transaction that makes the member.
func (s *Service) claim(ctx context.Context, tx *store.Tx, token, member string) error {
	if token == "" {
		return nil
	}
	var hash string
	err := claimInviteDoor(ctx, tx, digest(token), s.now(), member).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrInvite
	}
	if err != nil {
		return fmt.Errorf("using an invitation: %w", err)
	}
	return nil
}
