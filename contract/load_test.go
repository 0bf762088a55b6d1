package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

func corpus(t testing.TB, name string) File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/load", name))
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: name, Data: data}
}

// inventory writes one line for each operation.
func inventory(api *API) string {
	var b strings.Builder
	for _, op := range api.Operations {
		fmt.Fprintf(&b, "%s %s %s access=%s budgets=%v", op.Method, op.Path, op.ID, op.Access, op.Budgets)
		for _, p := range op.Params {
			fmt.Fprintf(&b, " %s.%s", p.In, p.Name)
		}
		if op.Body != nil {
			b.WriteString(" body")
		}
		if op.Socket != nil {
			b.WriteString(" socket")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func mustLoad(t testing.TB, doc File, opt Options, overlays ...File) *API {
	t.Helper()
	api, err := Load(doc, opt, overlays...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestFastAPI(t *testing.T) {
	api := mustLoad(t, corpus(t, "fastapi.json"), Options{Environment: "production", Roles: []string{"member", "manager", "admin"}}, corpus(t, "fastapi.overlay.yaml"))
	want := `GET /v2/items/ read_items_items__get access={ roles: [member, manager, admin] } budgets=[items.default] query.skip query.q header.User-Agent
POST /v2/items/ create_item_items__post access={ own: body.owner, or_roles: [admin] } budgets=[items.create_item_items__post items.create_item_items__post.2] body
GET /v2/items/{item_id} get_items_item_id access={ own: path.item_id, or_roles: [admin] } budgets=[items.default] path.item_id
POST /v2/token login_token_post access=public budgets=[items.login_token_post] body
`
	if got := inventory(api); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if api.Name != "items" || api.Title != "Items" || api.Version != "0.1.0" || api.OpenAPI != "3.1.0" {
		t.Errorf("got %s %s %s %s", api.Name, api.Title, api.Version, api.OpenAPI)
	}
	login := api.Operations[3]
	if login.Unknown != Report || !slices.Equal(login.Sensitive, []string{"password"}) || login.MaxBody != 1_000_000 || login.Errors != problem.RFC9457 || login.Cost != 1 {
		t.Errorf("got %+v", login)
	}
	if login.Texts["RATE_LIMITED"] != "Slow down" || login.Texts["INVALID_CREDENTIALS"] != "Wrong name or password" {
		t.Errorf("texts %v", login.Texts)
	}
	if b := api.Budgets["items.login_token_post"]; b != (Budget{"items.login_token_post", 5, 15 * time.Minute, ByAccountAndAddress, false, true, "username", Fixed}) {
		t.Errorf("budget %+v", b)
	}
	if create := api.Operations[1]; create.MaxBody != 64<<10 || create.Source != (Position{"fastapi.json", 21, 7}) || create.Summary != "Create Item" || !slices.Equal(create.Tags, []string{"items"}) {
		t.Errorf("got %+v", create)
	}
	// What the framework wrote says nothing of access: without the overlay it is refused, each operation.
	_, err := Load(corpus(t, "fastapi.json"), Options{})
	if issues, _ := err.(Issues); len(issues) != 4 || issues[0].Code != "GH-ACC-001" {
		t.Errorf("without the overlay: %v", err)
	}
}

func TestExpress(t *testing.T) {
	want := `GET /api/orders get_orders access={ roles: [member, admin] } budgets=[orders] query.page
GET /v1/api/orders get_orders access={ roles: [member, admin] } budgets=[orders] query.page
POST /api/orders post_orders access={ roles: [member] } budgets=[orders] query.page body
POST /v1/api/orders post_orders access={ roles: [member] } budgets=[orders] query.page body
GET /api/orders/{orderId} get_orders_orderId access={ own: path.orderId, or_roles: [admin] } budgets=[orders] path.orderId
GET /v1/api/orders/{orderId} get_orders_orderId access={ own: path.orderId, or_roles: [admin] } budgets=[orders] path.orderId
DELETE /api/orders/{orderId} delete_orders_orderId access={ roles: [admin] } budgets=[] path.orderId
DELETE /v1/api/orders/{orderId} delete_orders_orderId access={ roles: [admin] } budgets=[] path.orderId
GET /api/orders/{orderId}/invoice.{format} get_orders_orderId_invoice_format access={ scopes: [invoices:read] } budgets=[orders] path.orderId path.format
GET /v1/api/orders/{orderId}/invoice.{format} get_orders_orderId_invoice_format access={ scopes: [invoices:read] } budgets=[orders] path.orderId path.format
`
	production := mustLoad(t, corpus(t, "express.yaml"), Options{Environment: "production"})
	if got := inventory(production); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	reset := "GET /debug/reset get_debug_reset access=public budgets=[orders]\n"
	if got := inventory(mustLoad(t, corpus(t, "express.yaml"), Options{Environment: "test"})); got != want+reset {
		t.Errorf("in test: got\n%swant\n%s", got, want+reset)
	}
	ops := production.Operations
	if ops[6].Budgets == nil {
		t.Error("an empty list of budgets reads like none stated")
	}
	if create := ops[2]; create.Audit != "CREATE_ORDER" || create.Cost != 5 || create.MaxBody != 100_000 || create.Errors != problem.Message {
		t.Errorf("got %+v", create)
	}
	if one := ops[4]; one.Cache != "private, max-age=60" || !ops[8].Page {
		t.Errorf("cache %q, page %v", one.Cache, ops[8].Page)
	}
	if codes := ops[2].Responses; len(codes) != 2 || codes["201"] == nil || codes["default"] == nil {
		t.Errorf("responses %v", codes)
	}
}

func TestReferences(t *testing.T) {
	api := mustLoad(t, corpus(t, "refs.yaml"), Options{})
	want := `GET /notes listNotes access=public budgets=[] query.limit
POST /notes addNote access={ roles: [member] } budgets=[] body
GET /notes/{id} getNote access={ own: row } budgets=[] path.id
GET /old/{id} oldNote access=public budgets=[] path.id
GET /feed feed access={ roles: [member] } budgets=[] socket
`
	if got := inventory(api); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if api.Operations[0].Budgets != nil {
		t.Error("where nothing is stated, the list of budgets is not nil")
	}
	if ws := api.Operations[4].Socket; ws.MaxMessage != 4096 || ws.Receive["ping"] == nil || ws.Send["note"] == nil {
		t.Errorf("socket %+v", ws)
	}
	if faults := api.Operations[4].Socket.CheckSend("note", []byte(`{"text":"a","replies":[{"text":1}]}`)); len(faults) == 0 {
		t.Error("a reference within a reference is not enforced")
	}
}

func TestDocument(t *testing.T) {
	decode := func(api *API) map[string]any {
		v, err := strictjson.Decode(api.Document)
		if err != nil {
			t.Fatal(err)
		}
		return v.(map[string]any)["paths"].(map[string]any)
	}
	paths := decode(mustLoad(t, corpus(t, "express.yaml"), Options{Environment: "production"}))
	if _, there := paths["/debug/reset"]; there {
		t.Error("an operation that does not exist here is in the document")
	}
	if get := paths["/orders"].(map[string]any)["get"].(map[string]any); get["operationId"] != "get_orders" {
		t.Errorf("the made operationId is not in the document: %v", get["operationId"])
	}
	mixed := doc31("  x-note: kept\n  /a: { get: { " + publicAccess + " }, put: { x-gatehouse: { access: public, only: test } } }\n  /b: { put: { x-gatehouse: { access: public, only: test } } }\n")
	want := map[string]any{"x-note": "kept", "/a": map[string]any{"get": map[string]any{"operationId": "get_a", "x-gatehouse": map[string]any{"access": "public"}}}}
	if paths := decode(mustLoad(t, mixed, Options{})); !reflect.DeepEqual(paths, want) {
		t.Errorf("the document has %v, want %v", paths, want)
	}
	paths = decode(mustLoad(t, corpus(t, "express.yaml"), Options{Environment: "development"}))
	if _, there := paths["/debug/reset"]; !there {
		t.Error("an operation of this environment is not in the document")
	}
	paths = decode(mustLoad(t, corpus(t, "fastapi.json"), Options{}, corpus(t, "fastapi.overlay.yaml")))
	x, _ := paths["/token"].(map[string]any)["post"].(map[string]any)["x-gatehouse"].(map[string]any)
	if x["access"] != "public" {
		t.Errorf("the overlay's statements are not in the document: %v", x)
	}
}

// TestBesideAReference: what stands in a path item beside its $ref counts too.
func TestBesideAReference(t *testing.T) {
	api := mustLoad(t, doc31("  /a: { put: { "+publicAccess+" }, $ref: '#/components/pathItems/A' }\ncomponents: { pathItems: { A: { get: { "+publicAccess+" } } } }\n"), Options{})
	if got := inventory(api); got != "GET /a get_a access=public budgets=[]\nPUT /a put_a access=public budgets=[]\n" {
		t.Error(got)
	}
}

// TestDocumentIsTheSameContract holds the served document against the one it is made
// of: loaded anew it is the same contract.
func TestDocumentIsTheSameContract(t *testing.T) {
	for _, name := range []string{"express.yaml", "refs.yaml"} {
		first := mustLoad(t, corpus(t, name), Options{Environment: "test"})
		again := mustLoad(t, File{Name: name, Data: first.Document}, Options{Environment: "test"})
		a, b := strings.Split(inventory(first), "\n"), strings.Split(inventory(again), "\n")
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s: got\n%swant\n%s", name, inventory(again), inventory(first))
		}
	}
}

func TestMatchAcrossContracts(t *testing.T) {
	tab, err := NewTable(mustLoad(t, corpus(t, "express.yaml"), Options{}), mustLoad(t, corpus(t, "refs.yaml"), Options{}))
	if err != nil {
		t.Fatal(err)
	}
	m := tab.Match("GET", "/v1/api/orders/7/invoice.pdf", false)
	if m.Operation == nil || m.Operation.ID != "get_orders_orderId_invoice_format" || !slices.Equal(m.Values, []string{"7", "pdf"}) {
		t.Errorf("got %s %q", outcome(m), m.Values)
	}
}

// doc31 is a document around some paths, for tests of one thing.
func doc31(paths string) File {
	return File{Name: "d.yaml", Data: []byte("openapi: 3.1.0\ninfo: { title: T, version: \"1\" }\npaths:\n" + paths)}
}

func TestServers(t *testing.T) {
	for _, row := range []struct{ name, root, path, op, want string }{
		{"none is the root", "", "", "", "/a"},
		{"an empty list is the root", "[]", "", "", "/a"},
		{"a path", "[{url: /api}]", "", "", "/api/a"},
		{"a slash at the end", "[{url: /api/}]", "", "", "/api/a"},
		{"an absolute URL counts by its path", "[{url: 'https://example.org/v1'}]", "", "", "/v1/a"},
		{"an absolute URL without a path", "[{url: 'https://example.org'}]", "", "", "/a"},
		{"a host alone", "[{url: '//example.org/x'}]", "", "", "/x/a"},
		{"several, each once", "[{url: /api}, {url: /api/v1}, {url: 'https://example.org/api'}]", "", "", "/api/a /api/v1/a"},
		{"variables by their defaults", "[{url: '/{v}/{w}', variables: {v: {default: v2}, w: {default: 3}}}]", "", "", "/v2/3/a"},
		{"the path's win over the document's", "[{url: /api}]", "[{url: /}]", "", "/a"},
		{"the operation's win over the path's", "[{url: /api}]", "[{url: /}]", "[{url: /op}]", "/op/a"},
		{"escapes are decoded once", "[{url: '/caf%C3%A9'}]", "", "", "/caf%C3%A9/a"},
	} {
		t.Run(row.name, func(t *testing.T) {
			servers := func(indent, list string) string {
				if list == "" {
					return ""
				}
				return indent + "servers: " + list + "\n"
			}
			f := doc31("  /a:\n" + servers("    ", row.path) + "    get:\n" + servers("      ", row.op) + "      x-gatehouse: { access: public }\n")
			f.Data = append(f.Data, servers("", row.root)...)
			api := mustLoad(t, f, Options{})
			var got []string
			for _, op := range api.Operations {
				got = append(got, op.Path)
			}
			if strings.Join(got, " ") != row.want {
				t.Errorf("mounted at %v, want %s", got, row.want)
			}
		})
	}
}

func TestParameterOrder(t *testing.T) {
	f := doc31(`  /{b}/x/{a}:
    parameters:
      - { name: a, in: path, required: true, schema: { type: integer } }
      - { name: X-Key, in: header, schema: { type: string } }
      - { name: Accept, in: header, schema: { type: string } }
      - { name: q, in: query, schema: { type: integer } }
      - { name: accept, in: query, schema: { type: integer } }
    get:
      parameters:
        - { name: x-key, in: header, required: true, schema: { type: string } }
        - { name: q, in: cookie, schema: { type: string } }
        - { name: b, in: path, required: true, schema: { type: string } }
      x-gatehouse: { access: public }
`)
	want := "GET /{b}/x/{a} get_b_x_a access=public budgets=[] path.b path.a query.q query.accept header.X-Key cookie.q\n"
	api := mustLoad(t, f, Options{})
	if got := inventory(api); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if key := api.Operations[0].Params[4]; !key.Required {
		t.Error("the operation's parameter does not override that of the path")
	}
}

func TestMadeOperationIDs(t *testing.T) {
	f := doc31(`  /a-b: { get: { x-gatehouse: { access: public } } }
  /a/b: { get: { x-gatehouse: { access: public } } }
  /a_b: { get: { operationId: get_a_b, x-gatehouse: { access: public } } }
  /: { get: { x-gatehouse: { access: public } } }
`)
	var got []string
	for _, op := range mustLoad(t, f, Options{}).Operations {
		got = append(got, op.ID)
	}
	if want := []string{"get_a_b_2", "get_a_b_3", "get_a_b", "get"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOnly(t *testing.T) {
	f := doc31("  /a: { get: { x-gatehouse: { access: public, only: [demo, test] } } }\n  /b: { get: { x-gatehouse: { access: public } } }\n")
	for environment, want := range map[string]int{"demo": 2, "test": 2, "production": 1, "": 1, "Demo": 1} {
		if got := len(mustLoad(t, f, Options{Environment: environment}).Operations); got != want {
			t.Errorf("in %q: %d operations, want %d", environment, got, want)
		}
	}
	broken := doc31("  /a: { get: { x-gatehouse: { only: test } } }\n")
	if _, err := Load(broken, Options{Environment: "production"}); err == nil {
		t.Error("what does not exist here is not checked")
	}
}

func TestNameOfFile(t *testing.T) {
	for file, want := range map[string]string{
		"scheduler.yaml": "scheduler", "a/b/orders.openapi.json": "orders", `c:\\x\\y.yaml`: "y", "my api.yaml": "my-api", "": "api", ".yaml": "api", "\u00e9.yaml": "-",
	} {
		if got := nameOfFile(file); got != want {
			t.Errorf("%q gives %q, want %q", file, got, want)
		}
	}
}
