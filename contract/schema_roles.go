package contract

import (
	"fmt"
	"slices"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
	"github.com/gatehouse-api/gatehouse/problem"
)

// codeWriteRole is the code of a member that the caller's role may not send.
const codeWriteRole = "write_role"

const textWriteRole = "may not be set with your role"

// anyRole prepares a value without asking who sends or reads it.
const anyRole = "*"

// memberRoles reads write_roles or read_roles of a schema.
func (c *compiler) memberRoles(pointer string, v any) ([]string, error) {
	list, _ := v.([]any)
	if len(list) == 0 {
		return nil, &compileError{pointer, "roles that cannot be read", "a list of one role at least is needed",
			"write it as [admin, manager], or use readOnly or writeOnly for nobody"}
	}
	var roles []string
	for _, item := range list {
		role, _ := item.(string)
		switch {
		case role == "" || role == anyRole:
			return nil, &compileError{pointer, "a role that is no name", "roles are plain words", "write it as [admin, manager]"}
		case len(c.roles) > 0 && role != "guest" && !slices.Contains(c.roles, role):
			return nil, &compileError{pointer, fmt.Sprintf("unknown role %q", clip(role)), "nobody can have it", nearest.DidYouMean(role, c.roles)}
		}
		roles = append(roles, role)
	}
	return roles, nil
}

// inBoth are the roles that two statements on one value leave; nil is no
// statement.
func inBoth(a, b []string) []string {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	both := []string{}
	for _, role := range a {
		if slices.Contains(b, role) {
			both = append(both, role)
		}
	}
	return both
}

// allowed tells whether a value of this shape may come this way for the role.
func (p *preparer) allowed(s *shape) bool {
	if p.role == anyRole || s == nil {
		return true
	}
	roles := s.writeRoles
	if p.way == answer {
		roles = s.readRoles
	}
	return roles == nil || slices.Contains(roles, p.role)
}

// hidden tells whether a member of this shape is not the role's to send or to see.
func (p *preparer) hidden(inner *shape, name string) bool {
	if p.allowed(inner) {
		return false
	}
	if p.way == request {
		p.deny(name)
	}
	return true
}

// deny notes a member, "" for the value at the current place itself.
func (p *preparer) deny(name string) {
	p.denied.tell(append(p.path, step{name: name}), broken(codeWriteRole, textWriteRole))
}

// refusal is the 403 for members that the role may not send, nil without any.
func (p *preparer) refusal() *problem.Error {
	if len(p.denied.faults) == 0 {
		return nil
	}
	e := problem.Forbidden("The request sets a field that your role may not set")
	e.Fields = p.denied.fields()
	return e
}
