package store

import (
	"context"
	"fmt"
)

// Roles is what the app's database role may do, for the server to refuse or
// warn: row-level security binds neither owners (unless forced), superusers
// nor BYPASSRLS. On SQLite, which has no roles, all of it is false.
type Roles struct {
	App       string // the role of Config.URL
	Owner     string // the role of Config.OwnerURL; "" when that is not set
	Same      bool   // both are one role, or there is no OwnerURL
	Owns      bool   // App, or a role it is in, owns a table
	Superuser bool   // App, or a role it is in
	BypassRLS bool   // App, or a role it is in
	GrantedTo string // the role that the migrations gave the rights on the tables, when App has none of them
}

// Safe tells whether row-level security binds the app's role.
func (r Roles) Safe() bool { return !r.Same && !r.Owns && !r.Superuser && !r.BypassRLS }

// CheckRoles asks the database what the app's role may do.
func (s *Store) CheckRoles(ctx context.Context) (Roles, error) {
	if s.cfg.Engine != Postgres {
		return Roles{}, nil
	}
	const q = `SELECT current_user,
		coalesce(bool_or(r.rolsuper), false),
		coalesce(bool_or(r.rolbypassrls), false),
		EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
			AND n.nspname NOT LIKE 'pg_toast%' AND pg_has_role(current_user, c.relowner, 'MEMBER')),
		coalesce((SELECT pg_get_userbyid(a.grantee) FROM pg_class c, aclexplode(c.relacl) a
			WHERE c.oid = to_regclass('counters') AND a.privilege_type = 'UPDATE' AND a.grantee <> c.relowner
			AND NOT has_table_privilege(c.oid, 'UPDATE') LIMIT 1), '')
		FROM pg_roles r WHERE pg_has_role(current_user, r.oid, 'MEMBER')`
	var r Roles
	err := s.Read(ctx, System(), func(tx *Tx) error {
		return tx.QueryRow(ctx, q).Scan(&r.App, &r.Superuser, &r.BypassRLS, &r.Owns, &r.GrantedTo)
	})
	if err != nil {
		return Roles{}, fmt.Errorf("asking what the database role may do: %w", err)
	}
	if s.cfg.OwnerURL != "" {
		owner, err := ParseURL(s.cfg.OwnerURL)
		if err != nil {
			return Roles{}, err
		}
		r.Owner = owner.User
	}
	r.Same = r.Owner == "" || r.Owner == r.App
	return r, nil
}
