package store

import (
	"context"
	"errors"
)

// Roles is what the app's database role may do, for the server to refuse or
// warn. On SQLite, which has no roles, all is false.
type Roles struct {
	App       string // the role of Config.URL
	Owner     string // the role of Config.OwnerURL; "" when it is not set
	Same      bool   // both URLs name one role
	Owns      bool   // App owns a table, directly or through a role it is in
	Superuser bool
	BypassRLS bool
}

// CheckRoles asks the database what the app's role may do.
func (s *Store) CheckRoles(ctx context.Context) (Roles, error) {
	return Roles{}, errors.ErrUnsupported
}
