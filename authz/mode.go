package authz

import (
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// allow says what would let a request pass that the mode report let through: the
// operation's own rule, with the caller's role or scope added to the part that
// denied, or public for a guest.
func allow(c *call.Call, e *problem.Error) string {
	a, p := c.Operation().Access, c.Principal()
	scopes := strings.HasPrefix(e.Rule, "scopes ")
	switch {
	case p == nil || p.ID == "" || p.Role == "" && !scopes || scopes && len(p.Scopes) == 0:
		return c.Statement("access: public")
	case scopes:
		a.Scopes = p.Scopes[:1]
	case strings.HasPrefix(e.Rule, "roles "):
		a.Roles = append(slices.Clip(a.Roles), p.Role)
	default:
		a.OrRole = append(slices.Clip(a.OrRole), p.Role)
	}
	return c.Statement("access: { " + statement(a) + " }")
}

// statement writes an access rule as the contract states it.
func statement(a contract.Access) string {
	var parts []string
	add := func(name string, names []string) {
		if len(names) > 0 {
			parts = append(parts, name+": ["+strings.Join(names, ", ")+"]")
		}
	}
	add("roles", a.Roles)
	add("scopes", a.Scopes)
	if a.Own != "" {
		parts = append(parts, "own: "+a.Own)
	}
	add("or_roles", a.OrRole)
	return strings.Join(parts, ", ")
}
