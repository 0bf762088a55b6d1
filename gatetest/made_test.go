package gatetest_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
)

// sentTo are the requests that fit a table, by operation, as text tells them.
func sentTo(t *testing.T, g gatetest.Target, text func(r *http.Request) string) map[string]string {
	t.Helper()
	rows, err := g.Answers()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, row := range rows {
		if strings.HasPrefix(row.Name, "request that fits") {
			_ = row.Try(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen[row.Operation] = text(r) }))
		}
	}
	return seen
}

// TestParametersAreMadeInTheirStyle: the texts are those of OAS 3.1 §4.8.12.2 and RFC
// 6570, escaped as RFC 3986 asks.
func TestParametersAreMadeInTheirStyle(t *testing.T) {
	const (
		ints  = "schema: { type: array, minItems: 2, items: { type: integer, minimum: 3 } }"
		thing = "schema: { type: object, required: [a, b], properties: { a: { type: string, example: x }, b: { type: integer } } }"
		lists = "schema: { type: object, required: [l], properties: { l: { type: array, minItems: 2, items: { type: integer } } } }"
	)
	document := "openapi: 3.1.0\ninfo: { title: T, version: '1' }\npaths:\n"
	want := map[string]string{}
	for i, c := range []struct{ in, style, schema, want string }{
		{"query", "", ints, "/0?p=3&p=3"},
		{"query", "explode: false,", ints, "/0?p=3,3"},
		{"query", "style: pipeDelimited, explode: false,", ints, "/0?p=3%7C3"},
		{"query", "style: spaceDelimited, explode: false,", ints, "/0?p=3%203"},
		{"query", "", thing, "/0?a=x&b=1"},
		{"query", "explode: false,", thing, "/0?p=a,x,b,1"},
		{"query", "style: deepObject,", thing, "/0?p%5Ba%5D=x&p%5Bb%5D=1"},
		{"query", "style: deepObject,", lists, "/0?p%5Bl%5D=1&p%5Bl%5D=1"},
		{"query", "", "schema: { type: object, minProperties: 1, additionalProperties: false, properties: { q: { type: boolean } } }", "/0?q=true"},
		{"query", "", "content: { application/json: { schema: { type: object, required: [a], properties: { a: { type: integer } } } } }", "/0?p=%7B%22a%22%3A1%7D"},
		{"query", "", "content: { application/json: { example: [1, 2] , schema: {} } }", "/0?p=%5B1%2C2%5D"},
		{"path", "", ints, "/0/3,3"},
		{"path", "explode: true,", thing, "/0/a=x,b=1"},
		{"path", "style: label,", "schema: { type: string, example: a b }", "/0/.a%20b"},
		{"path", "style: label, explode: true,", ints, "/0/.3.3"},
		{"path", "style: label,", thing, "/0/.a,x,b,1"},
		{"path", "style: matrix,", "schema: { type: integer }", "/0/;p=1"},
		{"path", "style: matrix,", ints, "/0/;p=3,3"},
		{"path", "style: matrix, explode: true,", ints, "/0/;p=3;p=3"},
		{"path", "style: matrix, explode: true,", thing, "/0/;a=x;b=1"},
		{"path", "style: matrix,", thing, "/0/;p=a,x,b,1"},
		{"header", "", ints, "/0 3,3"},
		{"header", "explode: true,", thing, "/0 a=x,b=1"},
		{"cookie", "", ints, "/0 p=3; p=3"},
		{"cookie", "explode: false,", thing, "/0 p=a,x,b,1"},
	} {
		path := fmt.Sprint("/o", i)
		if c.in == "path" {
			path += "/{p}"
		}
		id := fmt.Sprint(c.in, " ", c.style, " ", c.schema)
		document += fmt.Sprintf("  %s: { get: { operationId: '%s', x-gatehouse: { access: public }, parameters: [{ name: p, in: %s, required: true, %s %s }] } }\n", path, id, c.in, c.style, c.schema)
		want[id] = strings.Replace(c.want, "/0", fmt.Sprint("/o", i), 1)
	}
	got := sentTo(t, gatetest.Target{Table: gatetest.Compile(t, document)}, func(r *http.Request) string {
		return strings.TrimSpace(r.RequestURI + " " + r.Header.Get("P") + r.Header.Get("Cookie"))
	})
	for id, text := range want {
		if got[id] != text {
			t.Errorf("%s: %q, want %q", id, got[id], text)
		}
	}
}

// TestParametersThatAreGiven: the delimiters of a path stay, and a query may be given
// whole.
func TestParametersThatAreGiven(t *testing.T) {
	table := gatetest.Compile(t, `
openapi: 3.1.0
info: { title: Given, version: "1" }
paths:
  /deep: { get: { operationId: deep, x-gatehouse: { access: public }, parameters: [{ name: f, in: query, required: true, style: deepObject, schema: { type: object, required: [a], properties: { a: { type: string } } } }] } }
  /again: { get: { operationId: again, x-gatehouse: { access: public }, parameters: [{ name: f, in: query, required: true, style: deepObject, schema: { type: object, required: [a], properties: { a: { type: string } } } }] } }
  /m/{id}: { get: { operationId: matrix, x-gatehouse: { access: public }, parameters: [{ name: id, in: path, required: true, style: matrix, schema: { type: array, items: { type: string } } }] } }
`)
	got := sentTo(t, gatetest.Target{Table: table, Params: map[string]map[string]string{"deep": {"query": "f[a]=%C3%A4"}, "again": {"query.f": "f[a]=1"}, "matrix": {"path.id": ";id=a b,c"}}}, func(r *http.Request) string { return r.RequestURI })
	if want := map[string]string{"deep": "/deep?f[a]=%C3%A4", "again": "/again?f[a]=1", "matrix": "/m/;id=a%20b,c"}; !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestBodiesAreMadeForEveryClient: without what only the server or another role
// writes, lists of different items, and forms in the styles of their fields.
func TestBodiesAreMadeForEveryClient(t *testing.T) {
	document := "openapi: 3.1.0\ninfo: { title: T, version: '1' }\npaths:\n"
	want := map[string]string{}
	for i, c := range []struct{ media, schema, want string }{
		{"application/json", "type: object, required: [a, id], properties: { a: { type: string }, id: { type: integer, readOnly: true } }", `{"a":"gatetest"}`},
		{"application/json", "type: object, required: [a, s], properties: { a: { type: string }, s: { type: integer, x-gatehouse: { write_roles: [admin] } } }", `{"a":"gatetest"}`},
		{"application/json", "type: object, minProperties: 1, properties: { a: { type: integer, readOnly: true }, b: { type: integer } }", `{"b":1}`},
		{"application/json", "type: array, minItems: 3, uniqueItems: true, items: { type: string }", `["gatetest","gatetest1","gatetest2"]`},
		{"application/json", "type: array, minItems: 2, uniqueItems: true, items: { type: string, maxLength: 3 }", `["gat","ga1"]`},
		{"application/json", "type: array, minItems: 2, uniqueItems: true, items: { type: string, pattern: '^[a-z]+$' }", `["a","aa"]`},
		{"application/json", "type: array, minItems: 2, uniqueItems: true, items: { type: string, format: uuid }", `["0190b0c8-0000-7000-8000-000000000001","0190b0c8-0000-7000-8000-000000000002"]`},
		{"application/json", "type: array, minItems: 3, uniqueItems: true, items: { type: number, multipleOf: 0.5, minimum: 2 }", `[2,2.5,3]`},
		{"application/json", "type: array, minItems: 2, uniqueItems: true, items: { enum: [x, y] }", `["x","y"]`},
		{"application/json", "type: array, minItems: 2, uniqueItems: true, items: { type: boolean }", `[true,false]`},
		{"application/json", "type: array, minItems: 2, uniqueItems: true, items: { type: object, required: [n], properties: { n: { type: integer } } }", `[{"n":1},{"n":2}]`},
		{"application/x-www-form-urlencoded", "type: object, properties: { id: { type: integer, readOnly: true }, a: { type: string }, b: { type: string } }", `a=gatetest`},
		{"application/x-www-form-urlencoded", "type: object, minProperties: 2, properties: { a: { type: string }, b: { type: string }, c: { type: string } }", `a=gatetest&b=gatetest`},
		{"application/x-www-form-urlencoded", "type: object, required: [a], properties: { a: { type: array, minItems: 2, items: { type: integer } } }", `a=1&a=1`},
		{"application/x-www-form-urlencoded", "type: object, required: [a], properties: { a: { type: object, required: [b], properties: { b: { type: integer } } } }", `a=%7B%22b%22%3A1%7D`},
		{"multipart/form-data", "type: object, required: [a], properties: { a: { type: array, minItems: 2, items: { type: integer } } }", `a=1 a=1`},
		{"multipart/form-data", "type: object, required: [a], properties: { a: { type: object, required: [b], properties: { b: { type: integer } } } }", `a={"b":1}`},
	} {
		id := fmt.Sprint(c.media, " ", c.schema)
		document += fmt.Sprintf("  /o%d: { post: { operationId: %q, x-gatehouse: { access: public }, requestBody: { required: true, content: { %s: { schema: { %s } } } } } }\n", i, id, c.media, c.schema)
		want[id] = c.want
	}
	got := sentTo(t, gatetest.Target{Table: gatetest.Compile(t, document)}, func(r *http.Request) string {
		if err := r.ParseMultipartForm(1 << 20); err == nil && r.MultipartForm != nil {
			var fields []string
			for _, name := range slices.Sorted(maps.Keys(r.MultipartForm.Value)) {
				for _, v := range r.MultipartForm.Value[name] {
					fields = append(fields, name+"="+v)
				}
			}
			return strings.Join(fields, " ")
		}
		if len(r.PostForm) > 0 {
			return r.PostForm.Encode()
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		return string(data)
	})
	for id, text := range want {
		if got[id] != text {
			t.Errorf("%s: %s, want %s", id, got[id], text)
		}
	}
}

// TestMembersForRolesAreTried: with the gate each row passes; where validation is off
// those about members of other roles fail, and no other.
func TestMembersForRolesAreTried(t *testing.T) {
	open := newGate(t, func(c *gatehouse.Config) { c.Modes = call.Modes{"books": {"validate": call.Off}} })
	shut := newGate(t, nil)
	rows, err := target(shut).Access()
	if err != nil {
		t.Fatal(err)
	}
	var members, failed []string
	for _, row := range rows {
		if row.Group == "members" {
			members = append(members, row.Name)
		}
		if err := row.Try(shut.Wrap(bookshop{})); err != nil {
			t.Errorf("%s/%s: %v", row.Name, row.Operation, err)
		}
		if row.Try(open.Wrap(bookshop{})) != nil {
			failed = append(failed, row.Name)
		}
	}
	if want := []string{"member /margin set by editor (no)", "member /place/shelf set by editor (yes)"}; !slices.Equal(members, want) || !slices.Equal(failed, want[:1]) {
		t.Errorf("rows %q, fail %q", members, failed)
	}
}

// TestMembersForRolesAreFound: wherever a member stands that is left to some, a row sets
// it, and the contract refuses that for nothing but the role.
func TestMembersForRolesAreFound(t *testing.T) {
	const left = "{ type: integer, x-gatehouse: { write_roles: [admin] } }"
	document := `
openapi: 3.1.0
info: { title: T, version: '1' }
components: { schemas: { Node: { type: object, properties: { cost: ` + left + `, under: { type: array, items: { $ref: '#/components/schemas/Node' } } } },
  Chain: { type: object, properties: { cost: ` + left + `, next: { oneOf: [{ type: 'null' }, { $ref: '#/components/schemas/Chain' }] } } },
  Tree: { type: object, properties: { cost: ` + left + `, kid: { $ref: '#/components/schemas/Tree' } }, anyOf: [{ minProperties: 0 }, { maxProperties: 9 }] },
  Cost: ` + left + ` } }
paths:
`
	want := map[string]string{}
	for i, c := range []struct{ media, schema, want string }{
		{"application/json", "type: object, properties: { a/b: LEFT }", `/a~1b {"a/b":1}`},
		{"application/json", "type: array, items: { type: object, properties: { a: LEFT } }", `/0/a [{"a":1}]`},
		{"application/json", "type: array, minItems: 2, items: { type: object, required: [n], properties: { n: { type: integer }, a: LEFT } }", `/0/a [{"a":1,"n":1},{"n":1}]`},
		{"application/json", "type: object, properties: { l: { type: array, items: LEFT } }", `/l/0 {"l":[1]}`},
		{"application/json", "type: array, items: { type: array, items: LEFT }", `/0/0 [[1]]`},
		{"application/json", "oneOf: [{ type: string }, { type: object, properties: { a: LEFT } }]", `/a {"a":1}`},
		{"application/json", "type: object, required: [k], oneOf: [{ properties: { k: { const: x } } }, { properties: { k: { const: y }, a: LEFT } }]", `/a {"a":1,"k":"y"}`},
		{"application/json", "type: object, properties: { o: { anyOf: [{ type: 'null' }, { oneOf: [{ type: string }, { type: object, properties: { a: LEFT } }] }] } }", `/o/a {"o":{"a":1}}`},
		{"application/json", "type: object, properties: { a: LEFT }, oneOf: [{ required: [b], properties: { b: { type: integer } } }, { required: [c], properties: { c: { type: integer } } }]", `/a {"a":1,"b":1}`},
		{"application/json", "type: object, additionalProperties: LEFT", `/gatetest {"gatetest":1}`},
		{"application/json", "type: object, patternProperties: { '^x-[0-9]+$': LEFT }", `/x-1 {"x-1":1}`},
		{"application/json", "$ref: '#/components/schemas/Node'", `/cost {"cost":1}`},
		{"application/json", "type: object, properties: { tree: { allOf: [{ $ref: '#/components/schemas/Node' }] } }", `/tree/cost {"tree":{"cost":1}}`},
		{"application/json", "type: object, properties: { link: { oneOf: [{ type: 'null' }, { $ref: '#/components/schemas/Chain' }] } }", `/link/cost {"link":{"cost":1}}`},
		{"application/json", strings.Repeat("type: object, properties: { o: { ", 7) + "type: object, properties: { a: LEFT " + strings.Repeat("} }", 7) + "}",
			"/o/o/o/o/o/o/o/a " + strings.Repeat(`{"o":`, 7) + `{"a":1` + strings.Repeat("}", 8)},
		{"application/json", "$ref: '#/components/schemas/Tree'", `/cost {"cost":1}`},
		{"application/json", "type: object, properties: { a: { $ref: '#/components/schemas/Cost' }, b: { $ref: '#/components/schemas/Cost' } }", `/a {"a":1} /b {"b":1}`},
		{"application/json", "type: object, required: [b], properties: { o: { type: object, properties: { a: LEFT } } }, oneOf: [{ properties: { b: { const: 1 } } }, { properties: { b: { const: 2 } } }]", `/o/a {"b":1,"o":{"a":1}}`},
		{"application/json", "type: array, minItems: 1, items: { type: object, properties: { a: LEFT, b: LEFT } }", `/0/a [{"a":1}] /0/b [{"b":1}]`},
		{"application/json", "type: object, required: [k], oneOf: [{ properties: { k: { const: x }, a: LEFT } }, { properties: { k: { const: y }, a: LEFT } }]", `/a {"a":1,"k":"x"} /a {"a":1,"k":"y"}`},
		{"application/json", "type: object, required: [b, c], oneOf: [{ properties: { b: { const: 1 } } }, { properties: { b: { const: 2 } } }], anyOf: [{ properties: { c: { const: 3 } } }, { properties: { c: { const: 4 }, a: LEFT } }]", `/a {"a":1,"b":1,"c":4}`},
		{"application/x-www-form-urlencoded", "type: object, required: [b], properties: { a: LEFT, b: { type: string } }", `/a a=1&b=gatetest`},
		{"application/x-www-form-urlencoded", "type: object, required: [b], properties: { l: { type: array, items: LEFT }, b: { type: string } }", `/l/0 b=gatetest&l=1`},
	} {
		id := fmt.Sprint(i, " ", c.schema)
		document += fmt.Sprintf("  /o%d: { post: { operationId: %q, x-gatehouse: { access: { roles: [clerk, admin] } }, requestBody: { required: true, content: { %s: { schema: { %s } } } } } }\n",
			i, id, c.media, strings.ReplaceAll(c.schema, "LEFT", left))
		want[id] = c.want
	}
	document += "  /given: { post: { operationId: given, x-gatehouse: { access: { roles: [clerk] } }, requestBody: { required: true, content: { application/json: { schema: { properties: { n: { type: integer }, a: " + left + " } } } } } } }\n"
	want["given"] = `/a {"a":1,"n":7}`
	g := gatetest.Target{Table: gatetest.Compile(t, document), Tokens: map[string]func() string{"clerk": token("clerk"), "admin": token("admin")}, Bodies: map[string]string{"given": `{"n":7}`}}
	rows, err := g.Access()
	gaps, err2 := g.Gaps()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, gap := range gaps {
		if strings.Contains(gap, "write_roles") || strings.Contains(gap, "no request") {
			t.Error(gap)
		}
	}
	got := map[string]map[string]bool{}
	for _, row := range rows {
		name, found := strings.CutPrefix(row.Name, "member ")
		if !found {
			continue
		}
		name, _, _ = strings.Cut(name, " set by ")
		_ = row.Try(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if got[row.Operation] == nil {
				got[row.Operation] = map[string]bool{}
			}
			got[row.Operation][name+" "+string(data)] = true
		}))
	}
	for id, text := range want {
		if all := strings.Join(slices.Sorted(maps.Keys(got[id])), " "); all != text {
			t.Errorf("%s: %s, want %s", id, all, text)
		}
	}
}
