package gatetest

import (
	"maps"
	"net/http"
	"slices"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// memberRows set each member that is left to some roles, as every role that may
// call: 403 for the others, and no 403 for them.
func memberRows(s *suite) []Attack {
	rows, _ := s.memberTries()
	return rows
}

// memberTries are the rows about members, and what they lack.
func (s *suite) memberTries() (rows []Attack, gaps []string) {
	for _, o := range s.deletingLast() {
		if o.op.Body == nil {
			continue
		}
		for _, place := range o.unguarded {
			gaps = append(gaps, o.op.ID+": a member that write_roles leaves to some, at "+place+" of the body's content; no body that sets it can be made")
		}
		for _, g := range o.guarded {
			body, err := s.documents[o.op.API].bodyWith(o, g)
			for _, role := range s.roles() {
				if s.cells[o.op][role] == authz.No {
					continue
				}
				may := slices.Contains(g.roles, role)
				if err != nil || !o.answers(role, body, may) {
					gaps = append(gaps, o.op.ID+": "+g.pointer()+", which write_roles leaves to some, set by "+role+"; no body that sets it can be made")
					continue
				}
				rows = append(rows, s.memberRow(o, g, role, body))
			}
		}
	}
	return rows, gaps
}

// answers tells whether the contract takes a body from a role, or refuses it for
// the role alone.
func (o *operation) answers(role string, body []byte, may bool) bool {
	refusal := o.refusal(role, body)
	if may {
		return refusal == nil
	}
	return refusal != nil && refusal.Status == http.StatusForbidden
}

func (s *suite) memberRow(o *operation, g guarded, role string, sent []byte) Attack {
	may := slices.Contains(g.roles, role)
	name := "member " + g.pointer() + " set by " + role + " (no)"
	if may {
		name = "member " + g.pointer() + " set by " + role + " (yes)"
	}
	return Attack{Name: name, Operation: o.op.ID, Try: func(h http.Handler) error {
		a, err := s.send(h, body(s.request(o, role), sent))
		if err != nil {
			return err
		}
		switch refused := a.status == http.StatusForbidden; {
		case a.status == http.StatusTooManyRequests:
			return a.wrong("a budget stands in the way: raise the budgets of the handler under test, or make tokens of other members")
		case a.status == http.StatusUnauthorized:
			return a.wrong("%s is not recognised", role)
		case may && refused && s.cells[o.op][role] != authz.Own:
			return a.wrong("%s may set %s", role, g.pointer())
		case !may && !refused:
			return a.wrong("want 403, for %s may not set %s", role, g.pointer())
		}
		return nil
	}}
}

// different is a value beside n others that fit the same schema, none of them
// alike: the value itself when nothing of it can be changed.
func (d *document) different(v any, schema any, n int) any {
	if n == 0 {
		return v
	}
	m := d.joined(schema, maxDepth)
	if list, _ := m["enum"].([]any); n < len(list) {
		return list[n]
	}
	switch v := v.(type) {
	case string:
		return differentText(v, m, n)
	case bool:
		return v != (n == 1)
	case map[string]any:
		properties, _ := m["properties"].(map[string]any)
		other := maps.Clone(v)
		for name := range v {
			other[name] = d.different(v[name], properties[name], n)
		}
		return other
	default:
		return differentNumber(v, m, n)
	}
}

// decoded is a body that was given as text; nil when it is no JSON.
func decoded(data []byte) any {
	v, err := strictjson.Decode(data)
	if err != nil {
		return nil
	}
	return v
}
