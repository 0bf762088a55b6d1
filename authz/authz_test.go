package authz

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

const document = `
openapi: 3.1.0
info: {title: Notes, version: "1"}
x-gatehouse: {name: notes, body: 1KB, limit: ["100/15m per address"]}
paths:
  /open:
    get: {operationId: open, x-gatehouse: {access: public}, responses: {"204": {description: ok}}}
  /staff:
    get: {operationId: staff, x-gatehouse: {access: {roles: [manager, admin]}, audit: READ_STAFF}, responses: {"204": {description: ok}}}
  /report:
    get: {operationId: report, x-gatehouse: {access: {scopes: [reports.read, reports.all]}}, responses: {"204": {description: ok}}}
  /members/{member}/mail:
    get:
      operationId: mail
      x-gatehouse: {access: {own: path.member, or_roles: [admin]}, unknown: allow}
      parameters: [{name: member, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ok}}
  /teams/{team}/of/{member}:
    get:
      operationId: team
      x-gatehouse: {access: {own: path.member}}
      parameters:
        - {name: team, in: path, required: true, schema: {type: string}}
        - {name: member, in: path, required: true, schema: {type: string}}
      responses: {"204": {description: ok}}
  /files/{name}.{member}:
    get:
      operationId: file
      x-gatehouse: {access: {own: path.member}}
      parameters:
        - {name: name, in: path, required: true, schema: {type: string}}
        - {name: member, in: path, required: true, schema: {type: string}}
      responses: {"204": {description: ok}}
  /search:
    get:
      operationId: search
      x-gatehouse: {access: {own: query.user}}
      parameters: [{name: user, in: query, schema: {type: string}}]
      responses: {"204": {description: ok}}
  /notes:
    post:
      operationId: write
      x-gatehouse: {access: {own: body.owner, or_roles: [admin]}}
      requestBody: {content: {application/json: {schema: {type: object, properties: {owner: {type: string}}}}}}
      responses: {"204": {description: ok}}
    get: {operationId: list, x-gatehouse: {access: {own: row}}, responses: {"204": {description: ok}}}
`

func table(t testing.TB) *contract.Table {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(document)},
		contract.Options{Roles: []string{"member", "manager", "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	tab, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// serve sends r as p through the layer alone, to a handler that answers 204 and
// reads the body, which the layer must leave readable.
func serve(t testing.TB, r *http.Request, p *call.Principal) *httptest.ResponseRecorder {
	t.Helper()
	layer, err := New(Config{Table: table(t)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r = call.Ensure(w, r)
	c := call.From(r.Context())
	c.SetPrincipal(p)
	layer(call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		if _, refusal := c.Body(r, 1000); refusal != nil {
			return refusal
		}
		return call.NoContent(w, r)
	})).ServeHTTP(w, r)
	if refused := c.Refusal(); refused != nil && w.Code != 413 && (refused.Layer != "authz" || refused.Rule == "") {
		t.Errorf("the record knows layer %q, rule %q", refused.Layer, refused.Rule)
	}
	return w
}

func TestRefusals(t *testing.T) {
	for _, row := range []struct {
		name, target string
		p            *call.Principal
		want         int
		challenge    string
	}{
		{"guest, public", "/open", nil, 204, ""},
		{"guest, roles", "/staff", nil, 401, `Bearer realm="gatehouse"`},
		{"guest, own", "/notes", nil, 401, `Bearer realm="gatehouse"`},
		{"member, another's role", "/staff", member("member"), 403, ""},
		{"manager, own role", "/staff", member("manager"), 204, ""},
		{"key without the scopes", "/report", member("member", "reports.read"), 403,
			`Bearer realm="gatehouse", error="insufficient_scope", scope="reports.read reports.all"`},
		{"key with the scopes", "/report", member("member", "reports.read", "reports.all"), 204, ""},
		{"member, row", "/notes", member("member"), 204, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := serve(t, httptest.NewRequest("GET", row.target, nil), row.p)
			if w.Code != row.want || w.Header().Get("WWW-Authenticate") != row.challenge {
				t.Errorf("%d %q; want %d %q", w.Code, w.Header().Get("WWW-Authenticate"), row.want, row.challenge)
			}
			if strings.Contains(w.Body.String(), "manager") {
				t.Errorf("the refusal tells the rule: %s", w.Body)
			}
		})
	}
}

func TestZeroConfigAllowsNothing(t *testing.T) {
	layer, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	layer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })).
		ServeHTTP(w, httptest.NewRequest("GET", "/open", nil))
	if w.Code != 403 {
		t.Errorf("%d; want 403", w.Code)
	}
}

func TestRealm(t *testing.T) {
	for _, realm := range []string{"a\" evil=\"b", `a\`, "a\nb", "caf\u00e9"} {
		if _, err := New(Config{Realm: realm}); err == nil {
			t.Errorf("realm %q is accepted", realm)
		}
	}
}

func TestNamelessSourceOwnsNothing(t *testing.T) {
	if v, ok := pathValue("/members", []string{"ada"}, ""); ok {
		t.Errorf("found %q", v)
	}
}

func TestAccessTable(t *testing.T) {
	roles := []string{"guest", "member", "manager", "admin"}
	want := map[string][]Cell{
		"open":   {Public, Public, Public, Public},
		"staff":  {No, No, Yes, Yes},
		"report": {No, Yes, Yes, Yes},
		"mail":   {No, Own, Own, Yes},
		"team":   {No, Own, Own, Own},
		"file":   {No, Own, Own, Own},
		"search": {No, Own, Own, Own},
		"write":  {No, Own, Own, Yes},
		"list":   {No, Own, Own, Own},
	}
	rows := Access(table(t), roles)
	if len(rows) != len(want) {
		t.Errorf("%d rows; want %d", len(rows), len(want))
	}
	for _, row := range rows {
		var got []Cell
		for i, r := range row.Roles {
			if r.Role != roles[i] {
				t.Errorf("%s: role %d is %s; want %s", row.Operation, i, r.Role, roles[i])
			}
			got = append(got, r.May)
		}
		if !reflect.DeepEqual(got, want[row.Operation]) {
			t.Errorf("%s: %v; want %v", row.Operation, got, want[row.Operation])
		}
		if row.API != "notes" || row.MaxBody != 1000 || len(row.Limits) != 1 || row.Path == "" || row.Method == "" {
			t.Errorf("%+v", row)
		}
	}
}

func TestRowInWords(t *testing.T) {
	for _, row := range Access(table(t), []string{"member"}) {
		switch row.Operation {
		case "open":
			if row.Rule != "public" {
				t.Errorf("%+v", row)
			}
		case "staff":
			if row.Rule != "roles [manager admin]" || row.Audit != "READ_STAFF" {
				t.Errorf("%+v", row)
			}
		case "list":
			if !strings.Contains(row.Why, "the handler's query decides") || !strings.Contains(row.Why, "notes.yaml:") {
				t.Errorf("why: %s", row.Why)
			}
		}
		b, err := json.Marshal(row)
		if err != nil || !strings.Contains(string(b), `"roles":[{"role":"member","may":`) {
			t.Errorf("as JSON: %s, %v", b, err)
		}
	}
}

func TestWhyWithoutADocument(t *testing.T) {
	if got := Why(operation(contract.Access{Public: true}), "member"); got != "GET /x/{id} as member: yes: everybody may, signed in or not" {
		t.Error(got)
	}
}

func TestWhy(t *testing.T) {
	ops := map[string]*contract.Operation{}
	for _, op := range table(t).APIs()[0].Operations {
		ops[op.ID] = op
	}
	for _, row := range []struct{ op, role, want string }{
		{"open", "guest", "GET /open as guest: yes: everybody may, signed in or not"},
		{"staff", "guest", "GET /staff as guest: no: a guest may call only what is public (roles [manager admin])"},
		{"staff", "member", "GET /staff as member: no: the role is another (roles [manager admin])"},
		{"staff", "admin", "GET /staff as admin: yes: roles [manager admin]"},
		{"mail", "member", "GET /members/{member}/mail as member: own objects only: own path.member or roles [admin]; path.member must be the caller's id"},
		{"mail", "admin", "GET /members/{member}/mail as admin: yes: own path.member or roles [admin]"},
	} {
		if got := Why(ops[row.op], row.role); !strings.HasPrefix(got, row.want+" (notes.yaml:") {
			t.Errorf("%s\nwant %s (notes.yaml:…)", got, row.want)
		}
	}
}
