package contract

import (
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/problem"
)

func overlayFile(name, text string) File { return File{Name: name, Data: []byte(text)} }

func TestOverlayPrecedence(t *testing.T) {
	doc := doc31(`  /a:
    get:
      operationId: a
      x-gatehouse: { access: { roles: [member] }, body: 1KB, audit: READ_A, texts: { NOT_FOUND: document, FORBIDDEN: document } }
  /b: { $ref: "#/components/pathItems/b" }
components:
  pathItems:
    b: { get: { operationId: b } }
x-gatehouse:
  errors: message
  limit: [base]
  budgets: { base: 10/1m, other: 20/1m }
  texts: { RATE_LIMITED: root }
`)
	first := overlayFile("first.yaml", `"*":
  errors: envelope
  budgets: { base: 11/1m }
GET /a: { access: { scopes: [a] }, body: 2KB, texts: { NOT_FOUND: first } }
GET /b: { access: public }
`)
	second := overlayFile("second.yaml", `GET /a: { body: 3KB, limit: [other, 5/1s per member] }
`)
	api := mustLoad(t, doc, Options{}, first, second)
	a, b := api.Operations[0], api.Operations[1]
	if a.Access.String() != "{ scopes: [a] }" || a.MaxBody != 3000 || a.Audit != "READ_A" || a.Errors != problem.Envelope {
		t.Errorf("got %+v", a)
	}
	for code, want := range map[string]string{"NOT_FOUND": "first", "FORBIDDEN": "document", "RATE_LIMITED": "root"} {
		if a.Texts[code] != want {
			t.Errorf("text of %s is %q, want %q", code, a.Texts[code], want)
		}
	}
	if got := strings.Join(a.Budgets, " "); got != "other d.a" || api.Budgets["d.a"].String() != "5/1s per member" {
		t.Errorf("budgets %q, %v", got, api.Budgets)
	}
	if api.Budgets["base"].Requests != 11 || api.Budgets["other"].Requests != 20 {
		t.Errorf("budgets %v", api.Budgets)
	}
	if b.ID != "b" || !b.Access.Public || strings.Join(b.Budgets, " ") != "base" {
		t.Errorf("got %+v", b)
	}
}

// TestRuleIsWhereItWasStatedLast looks for the place of the rule that counts, in
// a document and in two overlays of which one states another thing.
func TestRuleIsWhereItWasStatedLast(t *testing.T) {
	doc := doc31("  /a: { get: { operationId: a, x-gatehouse: { access: { roles: [member] } } } }\n")
	open := overlayFile("open.yaml", "# why\nGET /a: { access: public }\n")
	size := overlayFile("size.yaml", "GET /a: { body: 3KB }\n")
	for want, overlays := range map[string][]File{"d.yaml": nil, "open.yaml:2:11": {open, size}} {
		op := mustLoad(t, doc, Options{}, overlays...).Operations[0]
		if got := op.RuleAt.String(); !strings.HasPrefix(got, want) || op.Source.File != "d.yaml" {
			t.Errorf("the rule is at %s, not %s; the operation at %s", got, want, op.Source)
		}
	}
}

func TestOverlayWebSocket(t *testing.T) {
	doc := doc31("  /ws: { get: { operationId: ws } }\ncomponents: { schemas: { Ping: { const: ping } } }\n")
	api := mustLoad(t, doc, Options{}, overlayFile("o.yaml", `GET /ws:
  access: { roles: [member] }
  x-gatehouse-websocket: { receive: { ping: { $ref: "#/components/schemas/Ping" } } }
`))
	ws := api.Operations[0].Socket
	if ws == nil || len(ws.CheckReceive("ping", []byte("ping"))) != 0 || len(ws.CheckReceive("ping", []byte("pong"))) == 0 {
		t.Errorf("got %+v", ws)
	}
}

// TestOverlayPlaces shows that an issue of a statement stands where the
// statement does, not where the operation does.
func TestOverlayPlaces(t *testing.T) {
	doc := doc31("  /a: { get: { operationId: a, x-gatehouse: { access: { roles: [x] } } } }\n")
	_, err := Load(doc, Options{Roles: []string{"admin"}}, overlayFile("o.yaml", "GET /a:\n  access:\n    roles: [admn]\n"), overlayFile("p.yaml", "GET /a: { body: big }\n"))
	issues, _ := err.(Issues)
	var got []string
	for _, i := range issues {
		got = append(got, i.Position.String()+" "+i.Code)
	}
	if want := "o.yaml:3:13 GH-ACC-003, p.yaml:1:17 GH-CON-018"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestOverlayThatIsNone(t *testing.T) {
	doc := doc31("  /a: { get: { x-gatehouse: { access: public } } }\n")
	for _, text := range []string{"[]", "public", "\"*\": public", "GET /a: []", "GET: { access: public }", "GET /b: {}", "TRACE /a: { access: public }"} {
		_, err := Load(doc, Options{}, overlayFile("o.yaml", text))
		if issues, _ := err.(Issues); len(issues) != 1 || issues[0].Code != codeOverlay || issues[0].File != "o.yaml" {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if api := mustLoad(t, doc, Options{}, overlayFile("o.yaml", "GET   /a: { audit: A }")); api.Operations[0].Audit != "A" {
		t.Error("two blanks after the method are not read as one")
	}
}

func TestFaultsOfOverlays(t *testing.T) {
	const get = "  /a: { get: { operationId: a } }\nservers: [{ url: /v1 }, { url: /v2/ }]\n"
	holdFaults(t, Options{}, []faultRow{
		{"the base path", get, "^GET /v2/a: { access: public }\nGET /a: { access: public }\n",
			"^1 GH-CON-019 the document has no operation \"GET /v2/a\" | Write the path as the document does, without the base path: \"GET /a\""},
		{"a base path before another path", get, "^GET /v1/b: { access: public }\nGET /a: { access: public }\n",
			"^1 GH-CON-019 the document has no operation \"GET /v1/b\" | Did you mean \"GET /a\"?"},
		{"over what is no statement", pathA + "x-gatehouse: ^public\n", "\"*\": { cache: no-store }\n",
			"^1 GH-CON-016 x-gatehouse must be an object, and is text | Write it as / x-gatehouse: { access: public }"},
		{"objects over what is none, and the other way", pathA + "x-gatehouse: { budgets: ^[5], texts: { A: a } }\n", "\"*\": { budgets: { a: 1/1s }, texts: ^5 }\n",
			"^1 GH-CON-016 budgets is an object of budgets by name | Write it as / budgets: { writes: 100/15m writes per address }\n" +
				"^2 GH-CON-016 texts is an object of texts by code | Write it as / texts: { RATE_LIMITED: \"Too many attempts\" }"},
		{"budgets and texts where there are none", pathA + "x-gatehouse: { cache: no-store }\n", "\"*\": { budgets: { a: 1/1s }, texts: { A: a } }\n", ""},
		{"roles on a message", get, "GET /a:\n  access: public\n  x-gatehouse-websocket: { send: { a: { x-gatehouse: { ^read_roles: [admin] } } } }\n",
			"^1 GH-CON-016 read_roles has no effect in the WebSocket message \"a\" | Remove it and say under access who may call, or, where a body needs it, give the WebSocket message \"a\" a schema of its own."},
	})
}

// TestEveryFileIsRead: a broken overlay does not hide the faults of the
// document, nor the other way round.
func TestEveryFileIsRead(t *testing.T) {
	_, err := Load(doc31("  /a: { get: {} }\n"), Options{}, overlayFile("o.yaml", "a: [\n"), overlayFile("p.yaml", "\"*\": { x: 1 }\n"))
	issues, _ := err.(Issues)
	files := ""
	for _, i := range issues {
		files += i.File + " "
	}
	if files != "d.yaml o.yaml p.yaml " {
		t.Errorf("issues in %s: %v", files, err)
	}
	_, err = Load(overlayFile("d.yaml", "a: [\n"), Options{}, overlayFile("o.yaml", "b: [\n"))
	if issues, _ := err.(Issues); len(issues) != 2 {
		t.Errorf("got %v", err)
	}
}
