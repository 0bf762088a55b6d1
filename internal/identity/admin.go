package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// AddMember makes a member with a password. by is an admin or Operator. Faults,
// ErrTaken.
func (s *Service) AddMember(ctx context.Context, by store.Actor, n NewMember) (Member, error) {
	n = n.normal()
	if err := n.check(s.rules); err != nil {
		return Member{}, err
	}
	hash, err := s.hasher.hash(ctx, n.Password)
	if err != nil {
		return Member{}, fmt.Errorf("hashing a password: %w", err)
	}
	return s.add(ctx, by, n, hash, "MEMBER_ADDED")
}

// ImportMember makes a member with the password hash of another system: bcrypt
// ($2a$, $2b$ or $2y$, cost 4 to 14) or an Argon2id PHC string with the
// parameters of ours. A bcrypt hash compares the first 72 bytes of a password,
// and becomes Argon2id at the first login whose password is not longer.
// n.Password is not read. Faults, ErrTaken.
func (s *Service) ImportMember(ctx context.Context, by store.Actor, n NewMember, hash string) (Member, error) {
	n = n.normal()
	faults := append(n.checkNames(), s.hasher.checkImported(hash)...)
	if len(faults) > 0 {
		return Member{}, faults
	}
	m, err := s.add(ctx, by, n, hash, "MEMBER_IMPORTED")
	if err == nil && isBcrypt(hash) {
		s.hasher.sawBcrypt(bcryptCost(hash))
	}
	return m, err
}

func (s *Service) add(ctx context.Context, by store.Actor, n NewMember, hash, action string) (Member, error) {
	m, err := s.newMember(n)
	if err != nil {
		return Member{}, err
	}
	change := &store.Change{Action: action, Resource: "members/" + m.ID, Details: map[string]any{"role": string(m.Role)}}
	err = s.store.Write(ctx, by, change, func(tx *store.Tx) error { return insert(ctx, tx, m, hash) })
	if err != nil {
		return Member{}, fmt.Errorf("adding a member: %w", err)
	}
	return m, nil
}

// newMember gives a checked n an id.
func (s *Service) newMember(n NewMember) (Member, error) {
	id, err := s.newID()
	if err != nil {
		return Member{}, err
	}
	return Member{ID: id, Username: n.Username, Email: n.Email, Role: n.Role, Status: Active, Created: s.cfg.Now()}, nil
}

// insert writes m; of many with one address or name the first wins.
func insert(ctx context.Context, tx *store.Tx, m Member, hash string) error {
	n, err := tx.Exec(ctx, insertMember, m.ID, m.Username, usernameKey(m.Username), m.Email, string(m.Role), string(m.Status),
		hash, m.Created.UnixMicro())
	if err != nil {
		return fmt.Errorf("writing a member: %w", err)
	}
	if n == 0 {
		return ErrTaken
	}
	return nil
}

// ListMembers returns members in the order in which they came, limit at most
// (1 to 1000), those after the id after; "" begins.
func (s *Service) ListMembers(ctx context.Context, by store.Actor, after string, limit int) ([]Member, error) {
	var list []Member
	err := s.store.Read(ctx, by, func(tx *store.Tx) error {
		list = nil
		rows, err := tx.Query(ctx, `SELECT `+memberColumns+` FROM members m WHERE m.id > $1 ORDER BY m.id LIMIT $2`,
			after, min(max(limit, 1), 1000))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			m, err := scanMember(rows)
			if err != nil {
				return err
			}
			list = append(list, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("listing members: %w", err)
	}
	return list, nil
}

// FindMember returns the member with an id or an e-mail address, ErrNoMember
// when by may see none.
func (s *Service) FindMember(ctx context.Context, by store.Actor, who string) (Member, error) {
	var m Member
	err := s.store.Read(ctx, by, func(tx *store.Tx) error {
		var err error
		m, err = findMember(ctx, tx, who)
		return err
	})
	return m, err
}

func findMember(ctx context.Context, tx *store.Tx, who string) (Member, error) {
	m, err := scanMember(tx.QueryRow(ctx, `SELECT `+memberColumns+` FROM members m WHERE m.id = $1 OR m.email = $2`, who, normalEmail(who)))
	if errors.Is(err, sql.ErrNoRows) {
		return m, ErrNoMember
	}
	if err != nil {
		return m, fmt.Errorf("reading a member: %w", err)
	}
	return m, nil
}

func scanMember(row interface{ Scan(...any) error }) (Member, error) {
	var m Member
	var created int64
	var last sql.NullInt64
	err := row.Scan(&m.ID, &m.Username, &m.Email, &m.Role, &m.Status, &created, &last)
	m.Created = time.UnixMicro(created)
	if last.Valid {
		m.LastLogin = time.UnixMicro(last.Int64)
	}
	return m, err
}

// SetRole changes the role of a member, by id or e-mail. It holds from the next
// request on; sockets of the member are closed, so that they come back with the
// new rights. ErrNoMember, ErrLastAdmin, Faults.
func (s *Service) SetRole(ctx context.Context, by store.Actor, who string, role Role) (Member, error) {
	if !slices.Contains(Roles(), role) {
		return Member{}, Faults{{"role", "enum", "must be admin, manager, counsellor or member"}}
	}
	change := &store.Change{Action: "ROLE_CHANGED", Notify: true}
	return s.alter(ctx, by, who, change, func(tx *store.Tx, m *Member) error {
		change.Details = map[string]any{"from": string(m.Role), "to": string(role)}
		m.Role = role
		return nil
	})
}

// Suspend ends all sessions of a member, by id or e-mail, and lets them sign in
// no more. ErrNoMember, ErrLastAdmin.
func (s *Service) Suspend(ctx context.Context, by store.Actor, who string) (Member, error) {
	change := &store.Change{Action: "MEMBER_SUSPENDED", Notify: true}
	return s.alter(ctx, by, who, change, func(tx *store.Tx, m *Member) error {
		m.Status = Suspended
		n, err := tx.Exec(ctx, endSessions, m.ID, s.now(), "")
		change.Details = map[string]any{"sessions_ended": n}
		return err
	})
}

// Reinstate lets a suspended member sign in again. ErrNoMember.
func (s *Service) Reinstate(ctx context.Context, by store.Actor, who string) (Member, error) {
	change := &store.Change{Action: "MEMBER_REINSTATED", Notify: true}
	return s.alter(ctx, by, who, change, func(_ *store.Tx, m *Member) error {
		m.Status = Active
		return nil
	})
}

// alter changes role or status of a member and never takes the last admin away.
// The write is serializable: of two that each see the other's admin, one runs
// again and sees what the first did.
func (s *Service) alter(ctx context.Context, by store.Actor, who string, change *store.Change, f func(*store.Tx, *Member) error) (Member, error) {
	var m Member
	err := s.store.Write(ctx, by, change, func(tx *store.Tx) error {
		var err error
		if m, err = findMember(ctx, tx, who); err != nil {
			return err
		}
		change.Resource = "members/" + m.ID
		reigned := m.reigns()
		if err := f(tx, &m); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE members SET role = $2, status = $3, updated_at = $4 WHERE id = $1`,
			m.ID, string(m.Role), string(m.Status), s.now())
		if err != nil {
			return err
		}
		if reigned && !m.reigns() {
			return keepAdmin(ctx, tx)
		}
		return nil
	})
	if err != nil {
		return Member{}, fmt.Errorf("changing a member: %w", err)
	}
	s.revoked(Revocation{MemberID: m.ID})
	return m, nil
}

func (m Member) reigns() bool { return m.Role == Admin && m.Status == Active }

func keepAdmin(ctx context.Context, tx *store.Tx) error {
	n, err := adminsDoor(ctx, tx)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrLastAdmin
	}
	return nil
}
