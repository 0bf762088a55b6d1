package call

import (
	"slices"
	"time"
)

// Guest is the role of a caller without credentials.
const Guest = "guest"

// Principal is who calls, as authn proved it. A nil *Principal is a guest.
type Principal struct {
	ID       string    // stable id of the member, key or service
	Role     string    // the member's role: "admin", "manager", "counsellor", "member"
	Scopes   []string  // what a key or token is limited to; nil is everything the role may
	Email    string    // for the answers that show it; never recorded
	Username string    // for the answers that show it; never recorded
	Session  string    // id of the session or token family; revoking it ends the principal
	APIKey   string    // id of the API key that the call came with, never the key itself; "" when it came with none
	Method   string    // how it was proved: "bearer", "cookie"
	Expires  time.Time // when the proof ends; zero when it does not
}

// RoleOf returns the principal's role, Guest for nil.
func (p *Principal) RoleOf() string {
	if p == nil || p.Role == "" {
		return Guest
	}
	return p.Role
}

// IDOf returns the principal's id, "" for a guest.
func (p *Principal) IDOf() string {
	if p == nil {
		return ""
	}
	return p.ID
}

// Is tells whether the principal has one of the roles.
func (p *Principal) Is(roles ...string) bool { return slices.Contains(roles, p.RoleOf()) }
