package members

import (
	"testing"

	"github.com/gatehouse-api/gatehouse/contract"
)

func TestEveryOperationHasAHandler(t *testing.T) {
	api, err := contract.Load(Contract(), contract.Options{Roles: []string{"admin", "manager", "counsellor", "member"}})
	if err != nil {
		t.Fatal(err)
	}
	handlers := New(nil, Config{}).Handlers()
	seen := map[string]bool{}
	for _, op := range api.Operations {
		seen[op.ID] = true
		if handlers[op.ID] == nil {
			t.Errorf("%s %s: no handler for %s", op.Method, op.Path, op.ID)
		}
	}
	for id := range handlers {
		if !seen[id] {
			t.Errorf("no operation for handler %s", id)
		}
	}
	paths := map[string]bool{}
	for _, op := range api.Operations {
		paths[op.Method+" "+op.Path] = true
	}
	for _, want := range []string{
		"POST /login", "POST /refresh", "POST /logout", "POST /logout/all", "POST /signup", "GET /profile", "GET /api/profile",
		"POST /password", "GET /.well-known/jwks.json", "GET /setup", "POST /setup", "GET /setup.js",
	} {
		if !paths[want] {
			t.Errorf("%s is not in the contract", want)
		}
	}
	if len(paths) != 12 {
		t.Errorf("%d operations", len(paths))
	}
}
