package identity

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// Credentials are what a member signs in with.
type Credentials struct {
	Email    string
	Password string
	Cookie   bool // a session cookie instead of bearer tokens; never both
}

// Grant is what a login or a refresh gives: either Cookie, or AccessToken and
// RefreshToken.
type Grant struct {
	Member        Member
	Session       string // id of the session, as Principal.Session
	AccessToken   string
	RefreshToken  string
	ExpiresIn     time.Duration // life of the access token from its issue
	Cookie        string        // value of the cookie CookieName
	CookieExpires time.Time     // when the cookie ends in any case
}

// found is what a login reads before anybody is known.
type found struct {
	member Member
	hash   string
	known  bool // the address has signed in to this account before
}

// Login proves who calls by a password. ErrCredentials is for an unknown
// address, a wrong password and a suspended member alike, in text and in time;
// ErrBusy and store.ErrUnavailable are for later.
func (s *Service) Login(ctx context.Context, c Credentials, from Origin) (Grant, error) {
	email := normalEmail(c.Email)
	address := s.secrets.addressOf(from.Address)
	f, err := s.lookUp(ctx, email, address)
	if err != nil {
		return Grant{}, err
	}
	account := s.secrets.accountOf(email)
	if err := s.slowDown(ctx, account, f.known); err != nil {
		return Grant{}, err
	}
	v, err := s.hasher.verify(ctx, f.hash, c.Password)
	if err != nil {
		return Grant{}, fmt.Errorf("verifying a password: %w", err)
	}
	ctx, done := decided(ctx)
	defer done()
	if !v.ok || f.member.Status != Active {
		return Grant{}, s.refuse(ctx, account, address, f, from)
	}
	return s.begin(ctx, f, cmp.Or(v.fresh, f.hash), address, c.Cookie, from)
}

// lookUp never fails for an unknown address: what it returns then has no hash.
func (s *Service) lookUp(ctx context.Context, email, address string) (found, error) {
	var f found
	err := s.store.Read(ctx, guest(), func(tx *store.Tx) error {
		f = found{}
		m := &f.member
		var created int64
		err := loginDoor(ctx, tx, email, address).
			Scan(&m.ID, &m.Username, &m.Email, &m.Role, &m.Status, &created, &f.hash, &f.known)
		m.Created = time.UnixMicro(created)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return found{}, nil
	}
	if err != nil {
		return found{}, fmt.Errorf("looking a member up: %w", err)
	}
	return f, nil
}

// slowDown holds up a login to an account that many addresses try, unless this
// address is known to it.
func (s *Service) slowDown(ctx context.Context, account [32]byte, known bool) error {
	d := s.attacks.delay(account)
	if d == 0 || known {
		return nil
	}
	if !s.attacks.enter() {
		return ErrBusy
	}
	defer s.attacks.leave()
	return s.cfg.Sleep(ctx, d)
}

// refuse counts and records a failed login.
func (s *Service) refuse(ctx context.Context, account [32]byte, address string, f found, from Origin) error {
	change := &store.Change{Action: "LOGIN_FAILED", Outcome: "failure", RequestID: from.RequestID,
		Isolation: store.ReadCommitted, Resource: "members"}
	if f.member.ID != "" {
		change.Resource = "members/" + f.member.ID
	}
	attacked := s.attacks.failed(account, address)
	if attacked {
		change.Details = map[string]any{"attacked": true}
		s.cfg.Log.WarnContext(ctx, "an account is tried from many addresses; logins to it from new ones are slowed",
			"resource", change.Resource, "request_id", from.RequestID)
	}
	err := s.store.Write(ctx, guest(), change, nil)
	if err != nil {
		return fmt.Errorf("recording a failed login: %w", err)
	}
	return ErrCredentials
}

// begin starts a session for a member who has proved a password. The token is
// always a new one: nothing that the browser had before becomes a login.
func (s *Service) begin(ctx context.Context, f found, hash, address string, cookie bool, from Origin) (Grant, error) {
	token, err := s.secrets.newToken()
	if err != nil {
		return Grant{}, err
	}
	id, err := s.newID()
	if err != nil {
		return Grant{}, err
	}
	now := s.cfg.Now()
	g := Grant{Member: f.member, Session: id}
	g.Member.LastLogin = now
	kind := bearerKind
	if cookie {
		kind, g.Cookie, g.CookieExpires = cookieKind, token, now.Add(s.cfg.SessionTTL)
	} else {
		g.RefreshToken, g.ExpiresIn = token, s.cfg.AccessTTL
		if g.AccessToken, err = s.accessToken(ctx, f.member, id, token, now); err != nil {
			return Grant{}, err
		}
	}
	change := &store.Change{Action: "LOGIN", Resource: "members/" + f.member.ID, RequestID: from.RequestID,
		Isolation: store.ReadCommitted, Details: map[string]any{"method": kind, "new_address": !f.known}}
	actor := store.Actor{ID: f.member.ID, Role: string(f.member.Role)}
	err = s.store.Write(ctx, actor, change, func(tx *store.Tx) error {
		if err := s.confirm(ctx, tx, f, hash, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, seenDevice, f.member.ID, address, now.UnixMicro()); err != nil {
			return fmt.Errorf("recording a device: %w", err)
		}
		return s.insertSession(ctx, tx, g, now)
	})
	if err != nil {
		return Grant{}, err
	}
	return g, nil
}

// confirm makes sure that the member is still as the password was checked
// against: a suspension or a new password in between wins.
func (s *Service) confirm(ctx context.Context, tx *store.Tx, f found, hash string, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE members SET last_login_at = $2, password_hash = $3
		WHERE id = $1 AND status = 'active' AND role = $4 AND password_hash = $5`,
		f.member.ID, now.UnixMicro(), hash, string(f.member.Role), f.hash)
	if err != nil {
		return fmt.Errorf("recording a login: %w", err)
	}
	if n == 0 {
		return ErrCredentials
	}
	return nil
}

func (s *Service) insertSession(ctx context.Context, tx *store.Tx, g Grant, now time.Time) error {
	kind, hash := bearerKind, any(nil)
	idle, expires := now.Add(s.cfg.RefreshTTL), now.Add(s.cfg.FamilyTTL)
	if g.Cookie != "" {
		kind, hash = cookieKind, digest(g.Cookie)
		idle, expires = now.Add(s.cfg.IdleTTL), g.CookieExpires
	}
	_, err := tx.Exec(ctx, insertSession, g.Session, g.Member.ID, kind, hash, now.UnixMicro(), idle.UnixMicro(), expires.UnixMicro())
	if err != nil {
		return fmt.Errorf("recording a session: %w", err)
	}
	if g.Cookie != "" {
		return nil
	}
	_, err = tx.Exec(ctx, insertRefresh, digest(g.RefreshToken), g.Session, g.Member.ID, now.UnixMicro(), idle.UnixMicro())
	if err != nil {
		return fmt.Errorf("recording a refresh token: %w", err)
	}
	return nil
}
