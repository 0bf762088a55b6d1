package gatehouse

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

const keyed = `
openapi: 3.1.0
info: { title: Notes, version: "1" }
x-gatehouse: { name: notes, budgets: { plan: 2/1m per api-key } }
paths:
  /notes:
    get: { operationId: list, x-gatehouse: { access: { roles: [member] }, limit: [plan] }, responses: { "200": { description: Notes } } }
`

// apiKeys is a verifier of API keys, as a program brings its own: by key, the id
// of the key and of who holds it.
type apiKeys map[string][2]string

func (k apiKeys) Verify(_ context.Context, token string) (*call.Principal, error) {
	found, ok := k[token]
	if !ok {
		return nil, authn.ErrInvalid
	}
	return &call.Principal{ID: found[1], Role: "member", APIKey: found[0], Method: "key"}, nil
}

// TestBudgetsPerAPIKey: two keys of one member have a budget each, one key has
// the same from everywhere, and the contract says how much it is.
func TestBudgetsPerAPIKey(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(keyed)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gate, err := New(Config{
		Contracts: []*contract.API{api},
		Authn:     authn.Config{Bearer: apiKeys{"gh_one": {"k1", "ada"}, "gh_two": {"k2", "ada"}, "session": {"", "ada"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	served := gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for i, step := range []struct {
		token string
		want  int
		left  string
	}{
		{"gh_one", 200, `"plan";r=1;t=60`}, {"gh_one", 200, `"plan";r=0;t=60`}, {"gh_one", 429, `"plan";r=0;t=60`},
		{"gh_two", 200, `"plan";r=1;t=60`}, {"session", 200, `"plan";r=1;t=60`}, {"unknown", 401, ""},
	} {
		r := request("GET", "http://localhost/notes", nil)
		r.Header.Set("Authorization", "Bearer "+step.token)
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		if got := w.Header().Get("RateLimit"); w.Code != step.want || got != step.left {
			t.Errorf("call %d, %s: %d with RateLimit %s, want %d with %s", i, step.token, w.Code, got, step.want, step.left)
		}
	}
}
