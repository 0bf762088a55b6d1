package contract

import (
	"strings"
	"testing"
)

// roled is a document whose note has a member that admins set and one that
// admins and managers see.
const roled = `  /notes:
    post:
      operationId: postNote
      x-gatehouse: { access: public UNKNOWN }
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/Note" } } } }
      responses:
        "200": { description: a note, content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Note" } } }, text/csv: {} } }
        "204": { description: nothing }
components:
  schemas:
    Note:
      type: object
      required: [title, rank, salary]
      properties:
        title: { type: string }
        rank: { type: integer, x-gatehouse: { write_roles: [admin] } }
        salary: { type: integer, x-gatehouse: { write_roles: [admin, manager], read_roles: [admin, manager] } }
        secret: { type: string, writeOnly: true }
        parts: { type: array, items: { type: string, x-gatehouse: { write_roles: [admin], read_roles: [admin] } } }
        labels: { type: object, additionalProperties: { type: string, x-gatehouse: { write_roles: [admin], read_roles: [admin] } } }
        inner: { $ref: "#/components/schemas/Note" }
`

func roledOperation(t *testing.T, unknown string) *Operation {
	t.Helper()
	api, err := Load(doc31(strings.Replace(roled, " UNKNOWN", unknown, 1)), Options{Roles: []string{"admin", "manager", "member"}})
	if err != nil {
		t.Fatal(err)
	}
	return api.Operations[0]
}

func TestWriteRoles(t *testing.T) {
	for _, policy := range []string{"reject", "strip", "report", "allow"} {
		op := roledOperation(t, ", unknown: "+policy)
		for _, c := range []struct{ role, body, refused string }{
			{"admin", `{"title":"a","rank":1,"salary":1,"inner":{"title":"b","rank":1}}`, ""},
			{"manager", `{"title":"a","salary":1}`, ""},
			{"member", `{"title":"a"}`, ""},
			{"member", `{"title":1,"rank":1,"salary":1}`, "FORBIDDEN /rank write_role: may not be set with your role, /salary write_role: may not be set with your role"},
			{"manager", `{"title":"a","inner":{"title":"a","rank":1}}`, "FORBIDDEN /inner/rank write_role: may not be set with your role"},
			{"guest", `{"title":"a","salary":null}`, "FORBIDDEN /salary write_role: may not be set with your role"},
			{"member", `{"title":"a","parts":["x"]}`, "FORBIDDEN /parts write_role: may not be set with your role"},
			{"member", `{"title":"a","parts":[]}`, ""},
			{"member", `{"title":"a","labels":{"x":"y"}}`, "FORBIDDEN /labels/x write_role: may not be set with your role"},
			{"admin", `{"title":"a","parts":["x"],"labels":{"x":"y"}}`, ""},
		} {
			if _, err := op.Decode(c.role, "application/json", []byte(c.body)); formRefusal(err) != c.refused {
				t.Errorf("%s, %s %s: %s, want %s", policy, c.role, c.body, formRefusal(err), c.refused)
			} else if err != nil && err.Status != 403 {
				t.Errorf("%s %s: %d", c.role, c.body, err.Status)
			}
		}
		if _, _, err := op.DecodeBody("application/json", []byte(`{"title":"a","rank":1}`)); err == nil || err.Status != 403 {
			t.Errorf("without a role: %v", err)
		}
	}
}

func TestReadRoles(t *testing.T) {
	const sent = `[{"title":"a","rank":1,"salary":9,"more":true,"secret":"s","parts":["x"],"labels":{"x":"y"},"inner":{"rank":2,"salary":9,"title":"b"}}]`
	plain, strip := roledOperation(t, ""), roledOperation(t, ", answers: strip")
	if !plain.Filters() || !strip.Filters() || (&Operation{}).Filters() {
		t.Error("which operations filter is wrong")
	}
	for _, c := range []struct {
		op        *Operation
		role, out string
	}{
		{plain, "admin", sent},
		{plain, "manager", `[{"inner":{"rank":2,"salary":9,"title":"b"},"labels":{},"more":true,"parts":[],"rank":1,"salary":9,"secret":"s","title":"a"}]`},
		{plain, "member", `[{"inner":{"rank":2,"title":"b"},"labels":{},"more":true,"parts":[],"rank":1,"secret":"s","title":"a"}]`},
		{strip, "admin", `[{"inner":{"rank":2,"salary":9,"title":"b"},"labels":{"x":"y"},"parts":["x"],"rank":1,"salary":9,"title":"a"}]`},
		{strip, "guest", `[{"inner":{"rank":2,"title":"b"},"labels":{},"parts":[],"rank":1,"title":"a"}]`},
	} {
		out, err := c.op.FilterAnswer(c.role, 200, "application/json; charset=utf-8", []byte(sent))
		if err != nil || string(out) != c.out {
			t.Errorf("%s: %s %v\nwant %s", c.role, out, err, c.out)
		}
		if faults := c.op.CheckResponse(200, "application/json", out); c.op == strip && faults != nil {
			t.Errorf("%s: what is left breaks the contract: %s", c.role, brief(faults))
		}
	}
	pay := schemaFor(t, `{"properties":{"pay":{"properties":{"secret":{"writeOnly":true}},"x-gatehouse":{"read_roles":["admin"]}}}}`, answer)
	guest := preparer{policy: Strip, way: answer, role: "guest"}
	if out, _ := guest.whole(pay.shape, value(t, `{"pay":{"secret":1,"sum":2}}`)); len(out.(map[string]any)) != 0 {
		t.Errorf("a member that is hidden and has a hidden member: %v", out)
	}
	for name, c := range map[string]struct {
		status          int
		mediaType, body string
		passes          bool
	}{
		"no body":               {204, "", "", true},
		"a type without schema": {200, "text/csv", "a,b", true},
		"another type":          {200, "text/plain", sent, false},
		"another status":        {202, "application/json", sent, false},
		"no type":               {200, "", sent, false},
		"two documents":         {200, "application/json", sent + sent, false},
	} {
		if _, err := plain.FilterAnswer("member", c.status, c.mediaType, []byte(c.body)); (err == nil) != c.passes {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOnlyAHiddenMember: it is gone also when nothing else changes, and when what
// it holds would have been written anew.
func TestOnlyAHiddenMember(t *testing.T) {
	op := roledOperation(t, "")
	for sent, want := range map[string]string{
		`[{"title":"a","rank":1,"salary":9}]`:   `[{"rank":1,"title":"a"}]`,
		`[{"title":"a","rank":1,"salary":9.0}]`: `[{"rank":1,"title":"a"}]`,
		`[ {"title":"a","rank":1} ]`:            `[ {"title":"a","rank":1} ]`,
	} {
		if out, err := op.FilterAnswer("member", 200, "application/json", []byte(sent)); string(out) != want || err != nil {
			t.Errorf("%s is shown as %s %v", sent, out, err)
		}
	}
	s := op.Body.Content["application/json"].Schema
	v := value(t, `{"title":"a","rank":1,"salary":1}`)
	if out, changed, _ := s.Prepare(v, Reject); changed {
		t.Errorf("without a role %v is left", out)
	}
}

// TestRolesOnTheWhole: a body or an answer that is some roles' as a whole, and two
// statements on one member, of which both must hold.
func TestRolesOnTheWhole(t *testing.T) {
	api, err := Load(doc31(`  /a:
    post:
      x-gatehouse: { access: public }
      requestBody: { content: { application/json: { schema: { type: [string, array], items: { x-gatehouse: { write_roles: [guest] } }, x-gatehouse: { write_roles: [admin, guest] } } } } }
      responses: { "200": { description: a, content: { application/json: { schema: { items: { type: string }, x-gatehouse: { read_roles: [admin] } } } } } }
  /b:
    post:
      x-gatehouse: { access: public }
      requestBody:
        content:
          application/json:
            schema:
              allOf:
                - properties: { x: { x-gatehouse: { write_roles: [admin, member] } } }
                - properties: { x: { x-gatehouse: { write_roles: [manager, admin] } }, y: { x-gatehouse: { write_roles: [member] } } }
      responses: { "200": { description: a, content: { application/json: { schema: { type: string } } } } }
`), Options{Roles: []string{"admin", "manager", "member"}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := api.Operations[0], api.Operations[1]
	for _, c := range []struct {
		op                  *Operation
		role, body, refused string
	}{
		{a, "admin", `"x"`, ""},
		{a, "member", `"x"`, "FORBIDDEN write_role: may not be set with your role"},
		{a, "admin", `["x"]`, "FORBIDDEN write_role: may not be set with your role"},
		{a, "guest", `["x"]`, ""},
		{b, "admin", `{"x":1}`, ""},
		{b, "member", `{"x":1}`, "FORBIDDEN /x write_role: may not be set with your role"},
		{b, "manager", `{"x":1}`, "FORBIDDEN /x write_role: may not be set with your role"},
		{b, "member", `{"y":1}`, ""},
	} {
		if _, err := c.op.Decode(c.role, "application/json", []byte(c.body)); formRefusal(err) != c.refused {
			t.Errorf("%s sends %s: %q, want %q", c.role, c.body, formRefusal(err), c.refused)
		}
	}
	for role, want := range map[string]string{"admin": ` "x"`, "member": `null`} {
		if out, err := a.FilterAnswer(role, 200, "application/json", []byte(` "x"`)); string(out) != want || err != nil {
			t.Errorf("%s is shown %s %v", role, out, err)
		}
	}
	if !a.Filters() || b.Filters() {
		t.Error("which operations filter is wrong")
	}
}

func TestRolesThatNobodyHas(t *testing.T) {
	for _, statement := range []string{"write_roles: [amdin]", "read_roles: []", "read_roles: admin", "write_roles: [1]", `read_roles: ["*"]`} {
		doc := doc31(strings.Replace(strings.Replace(roled, " UNKNOWN", "", 1), "write_roles: [admin] }", statement+" }", 1))
		if _, err := Load(doc, Options{Roles: []string{"admin", "manager", "member"}}); err == nil || !strings.Contains(err.Error(), "role") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	c := newCompiler("test", value(t, `{"x":{"x-gatehouse":{"write_roles":["admin","guest"]}},"y":{"x-gatehouse":{"read_roles":["amdin"]}}}`).(map[string]any), false)
	c.roles = []string{"admin"}
	if _, err := c.compile("/x", request); err != nil {
		t.Errorf("guest is whoever has no role: %v", err)
	}
	if _, err := c.compile("/y", request); err == nil || !strings.HasPrefix(err.Error(), `/y/x-gatehouse/read_roles: unknown role "amdin": nobody can have it; `) {
		t.Errorf("a role that is misspelt: %v", err)
	}
}

func TestStatementsOnBodiesAndAnswers(t *testing.T) {
	api, err := Load(doc31("  /a: { post: { x-gatehouse: { access: public, encoding: [gzip, deflate], answers: strip } } }\n"), Options{})
	if err != nil || len(api.Operations[0].Encodings) != 2 || !api.Operations[0].Strip {
		t.Errorf("%v", err)
	}
	for _, statement := range []string{"encoding: br", "encoding: [gzip, br]", "answers: remove"} {
		if _, err := Load(doc31("  /a: { post: { x-gatehouse: { access: public, "+statement+" } } }\n"), Options{}); err == nil {
			t.Errorf("%s is taken", statement)
		}
	}
}
