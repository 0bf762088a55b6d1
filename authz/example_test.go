package authz_test

import (
	"fmt"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// One question, without HTTP: may Ada read what is Eve's?
func ExampleDecide() {
	op := &contract.Operation{
		ID: "readMail", Method: "GET", Path: "/members/{member}/mail",
		Access: contract.Access{Own: "path.member", OrRole: []string{"admin"}},
	}
	eves := func(string) (string, bool) { return "eve", true }
	for _, p := range []*call.Principal{
		nil,
		{ID: "ada", Role: "member"},
		{ID: "eve", Role: "member"},
		{ID: "bob", Role: "admin"},
	} {
		d := authz.Decide(op, p, eves)
		fmt.Println(p.IDOf(), p.RoleOf(), d.Allowed, d.Status, d.Rule)
	}
	// Output:
	// guest false 401 own path.member or roles [admin]
	// ada member false 404 own path.member
	// eve member true 0 own
	// bob admin true 0 own
}
