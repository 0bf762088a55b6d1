package authz

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// TestDecideAttacks: callers and rules that a slip would let pass.
func TestDecideAttacks(t *testing.T) {
	guests := contract.Access{Roles: []string{"guest", ""}}
	for _, row := range []struct {
		name string
		op   *contract.Operation
		p    *call.Principal
		own  Lookup
		want int
	}{
		{"no operation", nil, member("admin"), nil, 403},
		{"a rule for the role guest is not public", operation(guests), nil, nil, 401},
		{"a principal without a role is in no role, not even guest", operation(guests), &call.Principal{ID: "ada"}, nil, 403},
		{"a principal without an id is a guest", operation(contract.Access{Roles: []string{"admin"}}), &call.Principal{Role: "admin"}, nil, 401},
		{"a principal without an id owns nothing", operation(contract.Access{Own: "path.id"}), &call.Principal{Role: "member"}, func(string) (string, bool) { return "", true }, 401},
		{"role in another case", operation(contract.Access{Roles: []string{"admin"}}), member("Admin"), nil, 403},
		{"role with a space", operation(contract.Access{Roles: []string{"admin"}}), member("admin "), nil, 403},
		{"two roles in one", operation(contract.Access{Roles: []string{"admin"}}), member("member,admin"), nil, 403},
		{"scope that begins alike", operation(contract.Access{Scopes: []string{"read:all"}}), member("member", "read"), nil, 403},
		{"wildcard scope", operation(contract.Access{Scopes: []string{"read"}}), member("member", "*"), nil, 403},
		{"admin by a credential limited to reading", operation(contract.Access{Roles: []string{"admin"}}), member("admin", "read"), nil, 403},
		{"source of ownership of a kind that is not there", operation(contract.Access{Own: "header.x-user"}), member("member"), nil, 404},
		{"owner in another case", operation(contract.Access{Own: "path.id"}), member("member"), func(string) (string, bool) { return "ADA", true }, 404},
		{"owner with a NUL behind", operation(contract.Access{Own: "path.id"}), member("member"), func(string) (string, bool) { return "ada\x00", true }, 404},
	} {
		t.Run(row.name, func(t *testing.T) {
			if d := Decide(row.op, row.p, row.own); d.Allowed || d.Status != row.want {
				t.Errorf("allowed %v, status %d; want %d", d.Allowed, d.Status, row.want)
			}
		})
	}
}

// TestOwnershipAttacks: requests of ada for what is eve's, through the layer.
// Each row states its operation in the contract below.
func TestOwnershipAttacks(t *testing.T) {
	for _, row := range []struct {
		name, method, target, body string
		want                       int
	}{
		{"path: yours", "GET", "/members/ada/mail", "", 204},
		{"path: another's (BOLA)", "GET", "/members/eve/mail", "", 404},
		{"path: yours, escaped", "GET", "/members/%61da/mail", "", 204},
		{"path: another case", "GET", "/members/ADA/mail", "", 404},
		{"path: the second parameter counts, yours", "GET", "/teams/eve/of/ada", "", 204},
		{"path: the second parameter counts, another's", "GET", "/teams/ada/of/eve", "", 404},
		{"path: two parameters in one segment, yours", "GET", "/files/eve.ada", "", 204},
		{"path: two parameters in one segment, another's", "GET", "/files/ada.eve", "", 404},
		{"path: an admin reads another's", "GET", "/members/eve/mail?as=admin", "", 204},
		{"query: yours", "GET", "/search?user=ada", "", 204},
		{"query: another's", "GET", "/search?user=eve", "", 404},
		{"query: both, yours first (parameter pollution)", "GET", "/search?user=ada&user=eve", "", 404},
		{"query: both, yours last", "GET", "/search?user=eve&user=ada", "", 404},
		{"query: both, one escaped", "GET", "/search?user=ada&us%65r=eve", "", 404},
		{"query: none", "GET", "/search", "", 404},
		{"query: empty", "GET", "/search?user=", "", 404},
		{"query: as an array", "GET", "/search?user[]=ada", "", 404},
		{"query: in another case", "GET", "/search?User=ada", "", 404},
		{"query: behind a semicolon", "GET", "/search?user=ada;user=eve", "", 404},
		{"query: broken escape", "GET", "/search?user=ada&x=%zz", "", 404},
		{"body: yours", "POST", "/notes", `{"owner":"ada"}`, 204},
		{"body: another's", "POST", "/notes", `{"owner":"eve"}`, 404},
		{"body: both (duplicate member)", "POST", "/notes", `{"owner":"ada","owner":"eve"}`, 400},
		{"body: both, one escaped", "POST", "/notes", `{"owner":"ada","own\u0065r":"eve"}`, 400},
		{"body: yours, deeper", "POST", "/notes", `{"x":{"owner":"ada"}}`, 404},
		{"body: a list with yours", "POST", "/notes", `{"owner":["ada","eve"]}`, 404},
		{"body: an array of bodies", "POST", "/notes", `[{"owner":"ada"}]`, 404},
		{"body: null", "POST", "/notes", `{"owner":null}`, 404},
		{"body: in another case", "POST", "/notes", `{"Owner":"ada"}`, 404},
		{"body: two values", "POST", "/notes", `{"owner":"ada"}{"owner":"eve"}`, 400},
		{"body: not JSON", "POST", "/notes", `owner=ada`, 400},
		{"body: none", "POST", "/notes", ``, 400},
		{"body: above the limit", "POST", "/notes", `{"owner":"ada","x":"` + strings.Repeat("x", 2000) + `"}`, 413},
		{"body: an admin writes another's", "POST", "/notes?as=admin", `{"owner":"eve"}`, 204},
		{"an operation nobody described", "GET", "/secret", "", 403},
		{"a method nobody described", "DELETE", "/notes", "", 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			role := "member"
			if strings.Contains(row.target, "as=admin") {
				role = "admin"
			}
			r := httptest.NewRequest(row.method, row.target, strings.NewReader(row.body))
			if row.method == "POST" {
				r.Header.Set("Content-Type", "application/json")
			}
			w := serve(t, r, member(role))
			if w.Code != row.want {
				t.Errorf("%d; want %d\n%s", w.Code, row.want, w.Body)
			}
			if row.want == 404 && !strings.Contains(w.Body.String(), "There is nothing at this path") {
				t.Errorf("another's object and none do not look the same: %s", w.Body)
			}
		})
	}
}

// TestABodyThatIsTwoThings: what is JSON for us must be JSON for the handler too,
// also where the rule was put there behind the loader's back.
func TestABodyThatIsTwoThings(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(`
openapi: 3.1.0
info: {title: Notes, version: "1"}
paths:
  /notes:
    post:
      x-gatehouse: {access: {own: row}}
      requestBody: {content: {application/json: {}, application/note+json: {}, ` + form + `: {}, multipart/form-data: {}, text/*: {}}}
      responses: {"204": {description: ok}}
    delete:
      x-gatehouse: {access: {own: row}}
      responses: {"204": {description: ok}}
`)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range api.Operations {
		op.Access.Own = "body.owner"
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	layer, err := New(Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	mine, both := `{"owner":"ada"}`, `{"owner":"ada","x":"&owner=eve&text="}`
	for _, row := range []struct {
		name, body string
		header     []string
		want       int
	}{
		{"JSON", mine, []string{"Content-Type: application/json"}, 204},
		{"nothing, where an owner is asked for", "", nil, 400},
		{"a body of unknown length", mine + " ", []string{"Content-Type: " + form, "Content-Length: -1"}, 415},
		{"one byte", "1", []string{"Content-Type: " + form}, 415},
		{"JSON of its own kind", mine, []string{"Content-Type: application/note+json; charset=UTF-8"}, 204},
		{"a form that is JSON as well", both, []string{"Content-Type: " + form}, 415},
		{"an honest form", "owner=ada", []string{"Content-Type: " + form}, 415},
		{"multipart that is JSON as well", both, []string{"Content-Type: multipart/form-data; boundary=x"}, 415},
		{"a type that a range lets through", both, []string{"Content-Type: text/plain"}, 415},
		{"no type at all", mine, nil, 415},
		{"a type that is not listed", mine, []string{"Content-Type: application/other+json"}, 415},
		{"JSON and a form, stated in turn", both, []string{"Content-Type: application/json", "Content-Type: " + form}, 400},
		{"JSON where no body is described", mine, []string{"Content-Type: application/json"}, 404},
		{"JSON in UTF-16", mine, []string{"Content-Type: application/json; charset=utf-16"}, 415},
		{"JSON that calls itself gzip", mine, []string{"Content-Type: application/json", "Content-Encoding: gzip"}, 415},
		{"JSON under a coding behind another", mine, []string{"Content-Type: application/json", "Content-Encoding: identity", "Content-Encoding: br"}, 415},
	} {
		t.Run(row.name, func(t *testing.T) {
			method := "POST"
			if row.want == 404 {
				method = "DELETE"
			}
			r := httptest.NewRequest(method, "/notes", strings.NewReader(row.body))
			for _, h := range row.header {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Add(name, value)
			}
			if r.Header.Get("Content-Length") != "" {
				r.ContentLength = -1
			}
			w := httptest.NewRecorder()
			r = call.Ensure(w, r)
			call.From(r.Context()).SetPrincipal(member("member"))
			layer(call.Handler(func(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
				return call.NoContent(w, r)
			})).ServeHTTP(w, r)
			if w.Code != row.want {
				t.Errorf("%d; want %d\n%s", w.Code, row.want, w.Body)
			}
		})
	}
}
