package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

const (
	cookieKind = "cookie"
	bearerKind = "bearer"
)

// session is a row of the sessions table with its member.
type session struct {
	id       string
	kind     string
	lastUsed int64
	idle     int64
	expires  int64
	ended    sql.NullInt64
	member   Member
}

func (s *session) scan(row *sql.Row) error {
	m := &s.member
	return row.Scan(&s.id, &m.ID, &s.kind, &s.lastUsed, &s.idle, &s.expires, &s.ended, &m.Username, &m.Email, &m.Role, &m.Status)
}

// alive returns nil when the session holds at now, else why it does not.
func (s *session) alive(now int64) error {
	switch {
	case s.ended.Valid:
		return fmt.Errorf("%w: its session was ended", authn.ErrRevoked)
	case s.member.Status != Active:
		return fmt.Errorf("%w: the member is suspended", authn.ErrRevoked)
	case now >= s.expires || now >= s.idle:
		return fmt.Errorf("%w: its session is over", authn.ErrExpired)
	}
	return nil
}

func (s *session) principal(method string, expires time.Time) *call.Principal {
	return &call.Principal{
		ID: s.member.ID, Role: string(s.member.Role), Email: s.member.Email, Username: s.member.Username,
		Session: s.id, Method: method, Expires: expires,
	}
}

// verifier makes an authn.Verifier of a function.
type verifier func(ctx context.Context, token string) (*call.Principal, error)

// Verify implements authn.Verifier.
func (f verifier) Verify(ctx context.Context, token string) (*call.Principal, error) {
	return f(ctx, token)
}

// Bearer verifies access tokens: signature, issuer, audience, type and times,
// and then whether the session still holds, on every call.
func (s *Service) Bearer() authn.Verifier { return s.jwt }

// Cookie verifies session cookies.
func (s *Service) Cookie() authn.Verifier { return verifier(s.cookiePrincipal) }

// bearerPrincipal asks whether the session of a verified token still holds.
func (s *Service) bearerPrincipal(ctx context.Context, c authn.Claims) (*call.Principal, error) {
	id, _ := c.Private.(string)
	found, err := s.session(ctx, id, s.byID(id, c.Subject))
	if err != nil {
		return nil, err
	}
	if found.kind != bearerKind || found.member.ID != c.Subject {
		return nil, fmt.Errorf("%w: its session is another's", authn.ErrInvalid)
	}
	if err := found.alive(s.now()); err != nil {
		return nil, err
	}
	return found.principal(bearerKind, c.Expires), nil
}

func (s *Service) cookiePrincipal(ctx context.Context, token string) (*call.Principal, error) {
	if !wellFormed(token) {
		return nil, fmt.Errorf("%w: not a session token", authn.ErrInvalid)
	}
	hash := digest(token)
	found, err := s.session(ctx, hash, func(ctx context.Context) (*session, error) {
		return s.readSession(ctx, guest(), func(tx *store.Tx) *sql.Row { return cookieDoor(ctx, tx, hash) })
	})
	if err != nil {
		return nil, err
	}
	now := s.now()
	if err := found.alive(now); err != nil {
		return nil, err
	}
	s.touch(ctx, hash, found, now)
	return found.principal(cookieKind, time.UnixMicro(found.expires)), nil
}

// touch moves the idle end of a cookie on, not more than twelve times in its
// idle life, so that reading a page does not write each time. When it cannot,
// the session ends a little early, which is no reason to refuse the call.
func (s *Service) touch(ctx context.Context, key string, found *session, now int64) {
	if now-found.lastUsed < s.cfg.IdleTTL.Microseconds()/12 {
		return
	}
	actor := store.Actor{ID: found.member.ID, Role: string(found.member.Role)}
	err := s.store.Write(ctx, actor, &store.Change{Isolation: store.ReadCommitted}, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, touchSession, found.id, now, now+s.cfg.IdleTTL.Microseconds())
		return err
	})
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "a session could not be kept awake", "session", found.id, "error", err)
		return
	}
	s.cache.drop(key)
}

func (s *Service) byID(id, member string) func(context.Context) (*session, error) {
	return func(ctx context.Context) (*session, error) {
		return s.readSession(ctx, store.Actor{ID: member, Role: string(Ordinary)}, func(tx *store.Tx) *sql.Row {
			return tx.QueryRow(ctx, sessionByID, id, member)
		})
	}
}

func (s *Service) readSession(ctx context.Context, a store.Actor, row func(*store.Tx) *sql.Row) (*session, error) {
	found := &session{}
	err := s.store.Read(ctx, a, func(tx *store.Tx) error { return found.scan(row(tx)) })
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: there is no such session", authn.ErrRevoked)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a session: %w", err)
	}
	return found, nil
}

// session returns what is remembered under key when nothing can have changed
// since, and otherwise reads. What is remembered as idle is read again, for
// staying awake is no change that is told about.
func (s *Service) session(ctx context.Context, key string, read func(context.Context) (*session, error)) (*session, error) {
	version, sure := s.store.Changes(ctx)
	if sure {
		if found := s.cache.get(key, version); found != nil && s.now() < found.idle {
			return found, nil
		}
	}
	turn := s.cache.turn()
	found, err := read(ctx)
	if err != nil {
		return nil, err
	}
	if sure {
		s.cache.put(key, found, version, turn)
	}
	return found, nil
}

// Alive tells whether p may go on: its proof has not expired, its session not
// ended, its member is active and has the same role. Long-lived connections ask
// it from time to time. A guest is always alive; when the store cannot say, p
// is not.
func (s *Service) Alive(ctx context.Context, p *call.Principal) bool {
	if p == nil {
		return true
	}
	if !p.Expires.IsZero() && !s.cfg.Now().Before(p.Expires) {
		return false
	}
	found, err := s.session(ctx, p.Session, s.byID(p.Session, p.ID))
	return err == nil && found.alive(s.now()) == nil && found.member.ID == p.ID && string(found.member.Role) == p.Role
}

// Logout ends the session of p; nothing of it is accepted afterwards, whether or
// not the caller waits for the answer.
func (s *Service) Logout(ctx context.Context, p *call.Principal, from Origin) error {
	ctx, done := decided(ctx)
	defer done()
	change := &store.Change{Action: "LOGOUT", Resource: "members/" + p.ID, RequestID: from.RequestID, Notify: true,
		Isolation: store.ReadCommitted}
	err := s.store.Write(ctx, actorOf(p), change, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, endSession, p.Session, s.now())
		return err
	})
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	s.revoked(Revocation{MemberID: p.ID, Session: p.Session})
	return nil
}

// LogoutAll ends every session of p's member.
func (s *Service) LogoutAll(ctx context.Context, p *call.Principal, from Origin) error {
	ctx, done := decided(ctx)
	defer done()
	change := &store.Change{Action: "LOGOUT_ALL", Resource: "members/" + p.ID, RequestID: from.RequestID, Notify: true}
	err := s.store.Write(ctx, actorOf(p), change, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, endSessions, p.ID, s.now(), "")
		change.Details = map[string]any{"sessions": n}
		return err
	})
	if err != nil {
		return fmt.Errorf("ending all sessions: %w", err)
	}
	s.revoked(Revocation{MemberID: p.ID})
	return nil
}

func actorOf(p *call.Principal) store.Actor { return store.Actor{ID: p.IDOf(), Role: p.RoleOf()} }
