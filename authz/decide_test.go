package authz

import (
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

func operation(a contract.Access) *contract.Operation {
	return &contract.Operation{ID: "op", Method: "GET", Path: "/x/{id}", Access: a}
}

func member(role string, scopes ...string) *call.Principal {
	p := &call.Principal{ID: "ada", Role: role}
	if len(scopes) > 0 {
		p.Scopes = scopes
	}
	return p
}

// TestMatrix is every kind of rule against every kind of caller. The cells are
// 0 for allowed, else the status. The columns: guest, member, manager, admin,
// a member limited to scope read, one limited to nothing.
func TestMatrix(t *testing.T) {
	callers := []*call.Principal{
		nil, member("member"), member("manager"), member("admin"), member("member", "read"),
		{ID: "ada", Role: "member", Scopes: []string{}},
	}
	yours := func(string) (string, bool) { return "ada", true }
	anothers := func(string) (string, bool) { return "eve", true }
	unsaid := func(string) (string, bool) { return "ada", false }
	for _, row := range []struct {
		name string
		rule contract.Access
		own  Lookup
		want [6]int
	}{
		{"public", contract.Access{Public: true}, nil, [6]int{0, 0, 0, 0, 0, 0}},
		{"no rule", contract.Access{}, nil, [6]int{401, 403, 403, 403, 403, 403}},
		{"one role", contract.Access{Roles: []string{"admin"}}, nil, [6]int{401, 403, 403, 0, 403, 403}},
		{"two roles", contract.Access{Roles: []string{"manager", "admin"}}, nil, [6]int{401, 403, 0, 0, 403, 403}},
		{"a role, by a limited credential", contract.Access{Roles: []string{"member"}}, nil, [6]int{401, 0, 403, 403, 403, 403}},
		{"scope", contract.Access{Scopes: []string{"read"}}, nil, [6]int{401, 0, 0, 0, 0, 403}},
		{"two scopes", contract.Access{Scopes: []string{"read", "write"}}, nil, [6]int{401, 0, 0, 0, 403, 403}},
		{"role and scope", contract.Access{Roles: []string{"member"}, Scopes: []string{"read"}}, nil, [6]int{401, 0, 403, 403, 0, 403}},
		{"own, yours", contract.Access{Own: "path.id"}, yours, [6]int{401, 0, 0, 0, 403, 403}},
		{"own, another's", contract.Access{Own: "path.id"}, anothers, [6]int{401, 404, 404, 404, 403, 403}},
		{"own, not stated in the request", contract.Access{Own: "path.id"}, unsaid, [6]int{401, 404, 404, 404, 403, 403}},
		{"own, nobody to ask", contract.Access{Own: "path.id"}, nil, [6]int{401, 404, 404, 404, 403, 403}},
		{"own or role, another's", contract.Access{Own: "path.id", OrRole: []string{"admin"}}, anothers, [6]int{401, 404, 404, 0, 403, 403}},
		{"own and scope, yours", contract.Access{Own: "path.id", Scopes: []string{"read"}}, yours, [6]int{401, 0, 0, 0, 0, 403}},
		{"own and role, yours", contract.Access{Own: "path.id", Roles: []string{"member"}}, yours, [6]int{401, 0, 403, 403, 403, 403}},
		{"row", contract.Access{Own: "row"}, anothers, [6]int{401, 0, 0, 0, 403, 403}},
		{"or_roles without own is no rule", contract.Access{OrRole: []string{"admin"}}, nil, [6]int{401, 403, 403, 403, 403, 403}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for i, p := range callers {
				d := Decide(operation(row.rule), p, row.own)
				if d.Status != row.want[i] || d.Allowed != (row.want[i] == 0) {
					t.Errorf("caller %d: allowed %v, status %d; want %d", i, d.Allowed, d.Status, row.want[i])
				}
				if d.Rule == "" || !d.Allowed && d.Why == "" {
					t.Errorf("caller %d: %+v names no rule", i, d)
				}
			}
		})
	}
}

func TestDecisionNamesItsRule(t *testing.T) {
	for _, row := range []struct {
		rule contract.Access
		p    *call.Principal
		want string
	}{
		{contract.Access{Roles: []string{"manager", "admin"}}, member("member"), "roles [manager admin]"},
		{contract.Access{Scopes: []string{"read", "write"}}, member("member", "read"), "scopes [read write]"},
		{contract.Access{Own: "path.id", OrRole: []string{"admin"}}, member("member"), "own path.id"},
		{contract.Access{Own: "path.id", OrRole: []string{"admin"}}, nil, "own path.id or roles [admin]"},
		{contract.Access{Roles: []string{"a"}, Scopes: []string{"s"}}, nil, "roles [a] and scopes [s]"},
		{contract.Access{}, member("member"), "no rule"},
		{contract.Access{}, nil, "no rule"},
		{contract.Access{Public: true}, nil, "public"},
		{contract.Access{Own: "row"}, member("member"), "own"},
		{contract.Access{Roles: []string{"member"}}, member("member"), "roles"},
		{contract.Access{Scopes: []string{"x"}}, member("member"), "scopes"},
	} {
		if d := Decide(operation(row.rule), row.p, nil); d.Rule != row.want {
			t.Errorf("rule %q; want %q", d.Rule, row.want)
		}
	}
}

func TestLookupIsAskedForTheSourceAlone(t *testing.T) {
	asked := ""
	own := func(source string) (string, bool) { asked += source; return "ada", true }
	Decide(operation(contract.Access{Own: "body.owner"}), member("member"), own)
	Decide(operation(contract.Access{Own: "row"}), member("member"), own)
	Decide(operation(contract.Access{Own: "query.user", OrRole: []string{"admin"}}), member("admin"), own)
	Decide(operation(contract.Access{Public: true}), nil, own)
	if asked != "body.owner" {
		t.Errorf("asked for %q; want body.owner once", asked)
	}
}

func TestAllowAllocatesNothing(t *testing.T) {
	roles := operation(contract.Access{Roles: []string{"manager", "member"}, Scopes: []string{"read"}})
	own := operation(contract.Access{Own: "path.id"})
	p := member("member", "read", "write")
	owner := member("member")
	if n := testing.AllocsPerRun(100, func() {
		id := "ada"
		if !Decide(roles, p, nil).Allowed || !Decide(own, owner, func(string) (string, bool) { return id, true }).Allowed {
			t.Error("denied")
		}
	}); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	op := operation(contract.Access{Roles: []string{"counsellor", "manager", "admin"}})
	p := member("admin")
	b.ReportAllocs()
	for b.Loop() {
		if !Decide(op, p, nil).Allowed {
			b.Fatal("denied")
		}
	}
}
