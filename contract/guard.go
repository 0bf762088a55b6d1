package contract

import "slices"

// guard notes the members of a body that are left to some roles.
func (m *Media) guard(s *Schema) {
	if s == nil {
		return
	}
	for _, n := range s.root.under() {
		if n.writeRoles != nil {
			m.guards = append(m.guards, n.writeRoles)
		}
	}
}

// Guards tells whether a member of the body is left to other roles than this
// one, in any of its media types: a body that cannot be read might set it.
func (o *Operation) Guards(role string) bool {
	if o.Body == nil {
		return false
	}
	for _, m := range o.Body.Content {
		for _, roles := range m.guards {
			if !slices.Contains(roles, role) {
				return true
			}
		}
	}
	return false
}
