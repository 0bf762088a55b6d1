package contract

import (
	"fmt"
	"strings"
	"testing"
)

// faultRow is a document with its faults. A ^ in the document, or in the overlay
// over it, stands before each place at which one is told; the faults name them
// ^1, ^2 and so on, with the code, what is wrong and how to mend it.
type faultRow struct{ name, doc, over, want string }

// holdFaults loads each document, which is that of doc31 around some paths unless
// it begins otherwise.
func holdFaults(t *testing.T, opt Options, rows []faultRow) {
	t.Helper()
	for _, row := range rows {
		doc := doc31(row.doc)
		if !strings.HasPrefix(row.doc, " ") {
			doc.Data = []byte(row.doc)
		}
		files, marks := []File{doc, overlayFile("o.yaml", row.over)}, map[string]string{}
		for n := range files {
			var text strings.Builder
			for line, s := range strings.Split(string(files[n].Data), "\n") {
				for before, after, found := strings.Cut(s, "^"); found; before, after, found = strings.Cut(s, "^") {
					marks[Position{files[n].Name, line + 1, len(before) + 1}.String()] = fmt.Sprintf("^%d", len(marks)+1)
					s = before + after
				}
				text.WriteString(s + "\n")
			}
			files[n].Data = []byte(text.String())
		}
		if row.over == "" {
			files = files[:1]
		}
		_, err := Load(files[0], opt, files[1:]...)
		issues, _ := err.(Issues)
		var got []string
		for _, i := range issues {
			place := i.Position.String()
			if marks[place] != "" {
				place = marks[place]
			}
			got = append(got, strings.ReplaceAll(fmt.Sprintf("%s %s %s | %s", place, i.Code, i.What, i.Fix), "\n", " / "))
		}
		if got := strings.Join(got, "\n"); got != row.want || (err == nil) != (row.want == "") {
			t.Errorf("%s\ngot\n%s\nwant\n%s", row.name, got, row.want)
		}
	}
}

// publicAccess makes an operation whole, pathA is a path with one, and lostRef is
// how to mend a reference to nothing.
const (
	publicAccess = "x-gatehouse: { access: public }"
	pathA        = "  /a: { get: { " + publicAccess + " } }\n"
	lostRef      = "Correct the reference, or add what it names."
)

func TestFaultsOfTheFrame(t *testing.T) {
	const paths = "paths: { /a: { get: { " + publicAccess + " } } }\n"
	holdFaults(t, Options{}, []faultRow{
		{"a list", "^- openapi: 3.1.0\n", "", "^1 GH-CON-005 an OpenAPI document is an object, and this is a list | Begin the document with / openapi: 3.1.0"},
		{"no version", "^paths: {}\n", "", "^1 GH-CON-004 the document does not say which OpenAPI it is | Begin the document with / openapi: 3.1.0"},
		{"no info", "^openapi: 3.1.0\n" + paths, "", "^1 GH-CON-005 the document has no info with title and version | Add / info: { title: Notes, version: 1.0.0 }"},
		{"a title that is an object", "openapi: 3.1.0\ninfo:\n  title:\n    ^en: Notes\n  version: '1'\n" + paths, "",
			"^1 GH-CON-005 title must be text, and is an object | Write it in quotes."},
		{"a version that is none", "openapi: ^true\n", "", `^1 GH-CON-004 OpenAPI "true" is not one that Gatehouse reads | Write openapi: 3.0.3 or openapi: 3.1.0, all three numbers.`},
	})
}

func TestFaultsOfReferences(t *testing.T) {
	const b = "  /b: { get: { parameters: [{ name: n, in: query, schema: {} }], " + publicAccess + " } }\n"
	param := func(ref string) string {
		return "  /a: { get: { " + publicAccess + ", parameters: [{ $ref: " + ref + " }] } }\n" + b
	}
	nothing := func(ref string) string { return fmt.Sprintf("GH-CON-006 there is nothing at %q | %s", ref, lostRef) }
	holdFaults(t, Options{}, []faultRow{
		{"a path item that is text", "  /a: { $ref: ^'#/info/title' }\n" + b, "",
			`^1 GH-CON-005 pathItem must be an object, and at "#/info/title" is text | Correct the reference.`},
		{"a path item that is nowhere, and what stands beside", "  /a: { $ref: ^'#/components/pathItems/a', put: { operationId: ^5, " + publicAccess + " } }\n", "",
			"^1 " + nothing("#/components/pathItems/a") + "\n^2 GH-CON-005 operationId must be text that is not empty | Write a name of your own, or leave it out: one is then made of method and path."},
		{"a parameter that is a list", param("^'#/paths/~1b/get/parameters'"), "",
			`^1 GH-CON-005 parameter must be an object, and at "#/paths/~1b/get/parameters" is a list | Correct the reference.`},
		{"a parameter by its index", param("'#/paths/~1b/get/parameters/0'"), "", ""},
		{"with an escape", param("'#/paths/%7E1b/get/parameters/0'"), "", ""},
		{"an index that is too high", param("^'#/paths/~1b/get/parameters/1'"), "", "^1 " + nothing("#/paths/~1b/get/parameters/1")},
		{"an index with a zero before it", param("^'#/paths/~1b/get/parameters/00'"), "", "^1 " + nothing("#/paths/~1b/get/parameters/00")},
		{"an index below zero", param("^'#/paths/~1b/get/parameters/-1'"), "", "^1 " + nothing("#/paths/~1b/get/parameters/-1")},
		{"beyond a text", param("^'#/info/title/0'"), "", "^1 " + nothing("#/info/title/0")},
		{"one of many", pathA + b + "components: { parameters: { A: { $ref: '#/components/parameters/p19' }, B: { $ref: '#/components/parameters/p0' }, C: { $ref: ^'#/components/parameters/p20' }, " +
			listing(20, func(i int) string { return fmt.Sprintf("p%d: { name: n, in: query, schema: {} }", i) }) + " } }\n", "",
			"^1 GH-CON-006 there is nothing at \"#/components/parameters/p20\" | Did you mean \"#/components/parameters/p0\"?"},
		{"a broken escape", param("^'#/paths/%zz'"), "", "^1 " + nothing("#/paths/%zz")},
		{"a slash forgotten", param("^'#components/parameters/N~11'") + "components: { parameters: { N/1: { name: n, in: query, schema: {} } } }\n", "",
			`^1 GH-CON-006 there is nothing at "#components/parameters/N~11" | Did you mean "#/components/parameters/N~11"?`},
		{"a way into a circle", pathA + "components: { parameters: { a: { $ref: '#/components/parameters/b' }, b: { $ref: ^'#/components/parameters/c' }, c: { $ref: '#/components/parameters/b' } } }\n", "",
			"^1 GH-CON-008 /components/parameters/b refers to itself | Let one of them say what it is."},
		{"a media type", "  /a: { post: { " + publicAccess + ", requestBody: { content: { application/json: { ^$ref: '#/components/schemas/N' } } } } }\ncomponents: { schemas: { N: {} } }\n", "",
			"^1 GH-CON-005 $ref means nothing in mediaType | Write out what it refers to."},
		{"names that begin with x-", "  x-note: 5\n  /a: { get: { " + publicAccess + ", responses: { x-note: { $ref: '#/x' }, '200': { description: d, headers: { x-id: { $ref: ^'#/h' } } } } } }\n" +
			"webhooks: { ^x-hook: 5 }\ncomponents: { parameters: { x-p: { $ref: ^'#/p' } } }\n", "",
			"^1 " + nothing("#/h") + "\n^2 GH-CON-005 pathItem must be an object, and is a number | Write it as an object, or leave it out.\n^3 " + nothing("#/p")},
		{"what nothing uses", pathA + "components:\n  pathItems: { B: { parameters: [{ $ref: ^'#/p' }] } }\n  callbacks: { C: { x-note: 5, '{$request.body#/url}': { ^post: 5 } } }\n", "",
			"^1 " + nothing("#/p") + "\n^2 GH-CON-005 operation must be an object, and is a number | Write it as an object, or leave it out."},
		{"an $anchor", pathA + "components: { schemas: { A: { $anchor: n, type: string }, B: { $ref: '#n' } } }\n", "", ""},
		{"an $id, to which references are relative", pathA + "components: { schemas: { A: { $id: 'https://example.org/a', $defs: { n: {} }, $ref: '#/$defs/n' } } }\n", "", ""},
		{"an $id where there is no schema", "  /a: { get: { " + publicAccess + ", $id: a } }\ncomponents: { schemas: { A: { $ref: ^'#/$defs/n' } } }\n", "", "^1 " + nothing("#/$defs/n")},
		{"an $id that is a number", pathA + "components: { schemas: { A: { $id: 5, $ref: ^'#/$defs/n' } } }\n", "", "^1 " + nothing("#/$defs/n")},
	})
}

func TestFaultsOfShape(t *testing.T) {
	const inSchema = "Move it into the schema of the parameter, or remove it where it is there already."
	holdFaults(t, Options{}, []faultRow{
		{"a body of no media type is none", "  /a: { post: { " + publicAccess + ", requestBody: { content: {} } } }\n", "", ""},
		{"lists and maps of another type", "  /a: { get: { " + publicAccess + ", ^parameters: {}, ^responses: [], callbacks: { ^C: 5 } } }\n", "",
			"^1 GH-CON-005 parameters must be a list, and is an object | Write it as a list, or leave it out.\n" +
				"^2 GH-CON-005 responses must be an object, and is a list | Write it as an object, or leave it out.\n" +
				"^3 GH-CON-005 callback must be an object, and is a number | Write it as an object, or leave it out."},
		{"operations and paths that are empty", "  /a:\n    ^get:\n    put: { " + publicAccess + " }\n  ^/b:\n", "",
			"^1 GH-CON-005 operation must be an object, and is empty | Write it as an object, or leave it out.\n" +
				"^2 GH-CON-005 pathItem must be an object, and is empty | Write it as an object, or leave it out."},
		{"methods in capitals", pathA + "  /b: { ^GET: { " + publicAccess + " }, ^Put: {} }\n", "", "^1 GH-CON-005 unknown key \"GET\" | Did you mean \"get\"?\n^2 GH-CON-005 unknown key \"Put\" | Did you mean \"put\"?"},
		{"keys with two slips, and those of others", "  /a: { get: { " + publicAccess + ", ^respnces: {}, requestBodies: {}, x-tags: [], colour: red, ^x-gatehous: {} } }\n", "",
			"^1 GH-CON-005 unknown key \"respnces\" | Did you mean \"responses\"?\n^2 GH-CON-015 unknown key \"x-gatehous\" | Did you mean \"x-gatehouse\"?"},
		{"what Swagger 2.0 has in a parameter", "  /a: { get: { " + publicAccess + ", parameters: [{ name: n, in: query, ^type: integer, ^enum: [1], ^default: 1, title: t, x-y: 1, schema: {} }, { name: m, in: query, ^collectionFormat: csv, ^items: {}, schema: {} }] } }\n", "",
			"^1 GH-CON-005 type means nothing in a parameter itself | " + inSchema + "\n^2 GH-CON-005 enum means nothing in a parameter itself | " + inSchema + "\n^3 GH-CON-005 default means nothing in a parameter itself | " + inSchema +
				"\n^4 GH-CON-005 collectionFormat means nothing in a parameter itself | Say it with style and explode: multi is explode: true, csv is explode: false.\n^5 GH-CON-005 items means nothing in a parameter itself | " + inSchema},
		{"the same in a header of an answer, which is not checked", "  /a: { get: { " + publicAccess + ", responses: { '200': { description: a, headers: { X-N: { type: integer, format: int32, schema: {} } } } } } }\n", "", ""},
		{"keys of a header, misspelt", "  /a: { get: { " + publicAccess + ", responses: { '200': { description: a, headers: { X-N: { ^requird: true, schema: {} } } } } } }\n", "",
			"^1 GH-CON-005 unknown key \"requird\" | Did you mean \"required\"?"},
		{"a schema's key that is almost a method", "  /a: { get: { " + publicAccess + " }, ^not: {} }\n", "", "^1 GH-CON-005 unknown key \"not\" | Did you mean \"get\"?"},
		{"our key without its x-", "  /a: { get: { ^gatehouse: { access: admin }, " + publicAccess + " } }\n", "", "^1 GH-CON-015 unknown key \"gatehouse\" | Did you mean \"x-gatehouse\"?"},
		{"operationIds that are none", "  /a: { get: { operationId: ^'', " + publicAccess + " }, put: { operationId: ^[a], " + publicAccess + " } }\n", "",
			"^1 GH-CON-005 operationId must be text that is not empty | Write a name of your own, or leave it out: one is then made of method and path.\n" +
				"^2 GH-CON-005 operationId must be text that is not empty | Write a name of your own, or leave it out: one is then made of method and path."},
		{"an operationId three times, and in an extension", "  /a:\n    x-draft: { operationId: a }\n    get: { operationId: a, " + publicAccess + " }\n" +
			"    put: { operationId: ^a, " + publicAccess + " }\n    post: { operationId: ^a, " + publicAccess + " }\n", "",
			"^1 GH-CON-012 operationId \"a\" stands twice, first in line 6 | Give each operation its own.\n^2 GH-CON-012 operationId \"a\" stands twice, first in line 6 | Give each operation its own."},
		{"templates", "  ^/b//c: { get: { " + publicAccess + " } }\n  ^/b//d: {}\nservers: [{ url: /v1 }]\n", "",
			"^1 GH-CON-009 the path \"/b//c\" has an empty segment | Remove one slash.\n^2 GH-CON-009 the path \"/b//d\" has an empty segment | Remove one slash."},
		{"a path too long for its base path", "  ^" + strings.Repeat("/a", 31) + ": { get: { " + publicAccess + " } }\nservers: [{ url: /v1/a }, { url: /v1 }]\n", "",
			"^1 GH-CON-009 the path has more than 32 segments or 16 parameters under the base path /v1/a | Shorten one of them."},
		{"statuses", "  /a: { get: { " + publicAccess + ", responses: { 100: {}, 599: {}, 1XX: {}, 5XX: {}, default: {}, ^'099': {}, ^600: {}, ^20X: {}, ^2xx: {}, ^20: {}, ^2000: {} } } }\n", "",
			"^1 GH-CON-005 \"099\" is no status | Write \"200\", \"4XX\" or default.\n^2 GH-CON-005 \"600\" is no status | Write \"200\", \"4XX\" or default.\n" +
				"^3 GH-CON-005 \"20X\" is no status | Write \"200\", \"4XX\" or default.\n^4 GH-CON-005 \"2xx\" is no status | Write \"200\", \"4XX\" or default.\n" +
				"^5 GH-CON-005 \"20\" is no status | Write \"200\", \"4XX\" or default.\n^6 GH-CON-005 \"2000\" is no status | Write \"200\", \"4XX\" or default."},
		{"servers", pathA + "servers: [{ url: ^'/{v' }, { url: ^/a#b }, { url: ^'mailto:a@b' }, { url: ^'http://[::1' }, { url: ^'https://example.org/a//b' }, { url: ^./api }, { url: ^'/{v}/{w}', variables: { v: { default: [a] } } }]\n", "",
			"^1 GH-CON-014 a { without its } in the URL of a server | Write a variable as {version}.\n" +
				"^2 GH-CON-014 \"/a#b\" is not the URL of a server | Write a path, /api, or an absolute URL, https://api.example.org/v1, without query and fragment.\n" +
				"^3 GH-CON-014 \"mailto:a@b\" is not the URL of a server | Write a path, /api, or an absolute URL, https://api.example.org/v1, without query and fragment.\n" +
				"^4 GH-CON-014 \"http://[::1\" is not the URL of a server | Write a path, /api, or an absolute URL, https://api.example.org/v1, without query and fragment.\n" +
				"^5 GH-CON-014 no request can match the base path \"/a//b\" | Write it as plain segments: /api/v1\n" +
				"^6 GH-CON-014 the server \"./api\" is relative to wherever the document lies | Begin it with a slash: /api\n" +
				"^7 GH-CON-014 the variable \"v\" has no default | Add / variables: { v: { default: v1 } }"},
	})
}

func TestFaultsOfSchemas(t *testing.T) {
	const old = "openapi: 3.0.3\ninfo: { title: T, version: '1' }\npaths:\n  /a: { get: { " + publicAccess + ", parameters: [{ name: q, in: query, schema: { type: ^strin, nullable: true } }] } }\n"
	holdFaults(t, Options{}, []faultRow{
		{"one that was translated", old, "", "^1 GH-CON-020 not a valid JSON Schema | See the 2020-12 specification for this keyword."},
		{"of an answer", "  /a: { get: { " + publicAccess + ", responses: { 200: { description: d, content: { application/json: { schema: { type: ^strin } } } } } } }\n", "",
			"^1 GH-CON-020 not a valid JSON Schema | See the 2020-12 specification for this keyword."},
	})
	many := "{ properties: { " + listing(33, func(i int) string { return fmt.Sprintf("p%d: { minLength: -1 }", i) }) + " } }"
	_, err := Load(doc31("  /a: { post: { "+publicAccess+", requestBody: { content: { application/json: { schema: "+many+" } } } } }\n"), Options{})
	if issues, _ := err.(Issues); len(issues) != 32 {
		t.Errorf("%d faults of one schema are told at once, want 32: %v", len(issues), err)
	}
	for text, want := range map[string]string{"": "", "a": "A.", "no": "No.", "élan": "Élan.", "Done.": "Done.", "is it?": "Is it?", `"x" is`: `"x" is.`} {
		if got := sentence(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestFaultsOfParameters(t *testing.T) {
	get := func(path, params string) string {
		return "  " + path + ": { ^get: { " + publicAccess + ", parameters: [" + params + "] } }\n"
	}
	quiet := func(path, params string) string { return strings.Replace(get(path, params), "^", "", 1) }
	holdFaults(t, Options{}, []faultRow{
		{"without a name, twice, of Swagger 2.0, nowhere", quiet("/a", "^{ name: 5, in: query, schema: {} }, { name: q, in: query, schema: {} }, ^{ name: q, in: query, schema: {} }, ^{ name: q, in: query, schema: {} }, "+
			"{ name: b, in: ^body }, { name: n, in: ^[query] }, ^{ name: m }"), "",
			"^1 GH-CON-013 a parameter without a name | Add / name: id\n" +
				"^2 GH-CON-013 the query parameter \"q\" stands twice, first in line 4 | Remove one of them.\n" +
				"^3 GH-CON-013 the query parameter \"q\" stands twice, first in line 4 | Remove one of them.\n" +
				"^4 GH-CON-013 in: body is Swagger 2.0 | Describe the body under requestBody.\n" +
				"^5 GH-CON-013 the parameter \"n\" does not say where it stands | Known are: path, query, header, cookie\n" +
				"^6 GH-CON-013 the parameter \"m\" does not say where it stands | Add in: path, query, header or cookie."},
		{"one name in several places, in another case, and a header that is described elsewhere", quiet("/a", "{ name: q, in: query, schema: {} }, { name: Q, in: query, schema: {} }, { name: q, in: header, schema: {} }, "+
			"{ name: q, in: cookie, schema: {} }, { name: r, in: header, schema: {} }, { name: Accept, in: header }"), "", ""},
		{"a path parameter that is not required", quiet("/{a}/{b}", "^{ name: a, in: path, required: false, schema: {} }, ^{ name: b, in: path, required: 'true', schema: {} }"), "",
			"^1 GH-CON-011 the path parameter \"a\" is not required | Add / required: true\n^2 GH-CON-011 the path parameter \"b\" is not required | Add / required: true"},
		{"a path parameter of another name, and a query parameter of its name", get("/{noteId}", "{ name: noteId, in: query, schema: {} }, ^{ name: noteid, in: path, required: true, schema: {} }"), "",
			"^1 GH-CON-011 GET /{noteId} does not describe its path parameter \"noteId\" | Add to parameters / - { name: noteId, in: path, required: true, schema: { type: string, maxLength: 64 } }\n" +
				"^2 GH-CON-011 the path /{noteId} has no parameter \"noteid\" | Did you mean \"noteId\"?"},
	})
}

func TestFaultsOfStatements(t *testing.T) {
	get := func(statements string) string {
		return "  /a: { get: { x-gatehouse: { access: public, " + statements + " } } }\n"
	}
	holdFaults(t, Options{}, []faultRow{
		{"of another type", get("limit: [^5], body: ^true, cost: ^[1], audit: ^5, only: ^'', texts: { A: ^[], B: ^'' }, page: ^'true', unknown: ^5, encoding: ^br") +
			"x-gatehouse: { name: ^a/b, ^audit: A, budgets: ^[] }\n", "",
			"^1 GH-CON-017 a budget is text, and here stands a number | Write it as 100/15m per address.\n" +
				"^2 GH-CON-018 body is a size, and here stands a boolean | Write it as 100KB, 1MB, 64KiB or a number of bytes.\n" +
				"^3 GH-CON-016 cost is a whole number from 1 to 1000000 | Leave it out for 1.\n" +
				"^4 GH-CON-016 audit is the name of an action: capitals, digits and _, a capital first | Write it as UPDATE_INTERVIEW.\n" +
				"^5 GH-CON-016 here stands an empty text, not the name of an environment | Write it in quotes.\n" +
				"^6 GH-CON-016 the text for A is a list | Write it in quotes.\n" +
				"^7 GH-CON-016 the text for B is an empty text | Write it in quotes.\n" +
				"^8 GH-CON-016 page is true or false | Write page: true, or leave it out.\n" +
				"^9 GH-CON-016 unknown is reject, strip, allow, report | Write one of these words.\n" +
				"^10 GH-CON-016 encoding is gzip or deflate, not \"br\" | Write encoding: [gzip], or leave it out: bodies are then sent as they are.\n" +
				"^11 GH-CON-016 name is made of letters, digits, - _ and . | Write it as / name: scheduler\n" +
				"^12 GH-CON-015 unknown key \"audit\" | audit is stated for an operation.\n" +
				"^13 GH-CON-016 budgets is an object of budgets by name | Write it as / budgets: { writes: 100/15m writes per address }"},
		{"budgets of another type and name", pathA + "x-gatehouse: { budgets: { a: ^5, ^'': 1/1s, ^" + strings.Repeat("n", 65) + ": 1/1s, " + strings.Repeat("n", 64) + ": 1/1s, A.z-9_: 1/1s } }\n", "",
			"^1 GH-CON-017 a budget is text, and here stands a number | Write it as 100/15m per address.\n" +
				"^2 GH-CON-017 \"\" is no name for a budget | Use letters, digits, -, _ and ., 64 at most.\n" +
				"^3 GH-CON-017 \"" + strings.Repeat("n", 65) + "\" is no name for a budget | Use letters, digits, -, _ and ., 64 at most."},
		{"the least and the most", get("cost: 1, audit: A, cache: ' ~', body: 1") + "  /b: { get: { x-gatehouse: { access: public, cost: 1000000, audit: Z_09 } } }\n", "", ""},
		{"beyond", get("cost: ^1000001, audit: ^_A, cache: ^\"\\x7F\", body: ^0") +
			"  /b: { get: { x-gatehouse: { access: public, cost: ^'5', audit: ^A-B, cache: ^'' } } }\n  /c: { get: { x-gatehouse: { access: public, cost: ^1.5, cache: ^\"a\\x1Fb\" } } }\n", "",
			"^1 GH-CON-016 cost is a whole number from 1 to 1000000 | Leave it out for 1.\n" +
				"^2 GH-CON-016 audit is the name of an action: capitals, digits and _, a capital first | Write it as UPDATE_INTERVIEW.\n" +
				"^3 GH-CON-016 cache is the value of Cache-Control, in plain ASCII | Write it as \"no-store\" or \"public, max-age=300\".\n" +
				"^4 GH-CON-018 a body of 0 bytes is no body | An operation without requestBody takes none; leave this out.\n" +
				"^5 GH-CON-016 cost is a whole number from 1 to 1000000 | Leave it out for 1.\n" +
				"^6 GH-CON-016 audit is the name of an action: capitals, digits and _, a capital first | Write it as UPDATE_INTERVIEW.\n" +
				"^7 GH-CON-016 cache is the value of Cache-Control, in plain ASCII | Write it as \"no-store\" or \"public, max-age=300\".\n" +
				"^8 GH-CON-016 cost is a whole number from 1 to 1000000 | Leave it out for 1.\n" +
				"^9 GH-CON-016 cache is the value of Cache-Control, in plain ASCII | Write it as \"no-store\" or \"public, max-age=300\"."},
	})
}

func TestFaultsOfAccess(t *testing.T) {
	get := func(rule string) string {
		return "  /{id}: { post: { x-gatehouse: { access: " + rule + " }, parameters: [{ name: id, in: path, required: true, schema: {} }, { name: q, in: query, schema: {} }, { name: c, in: cookie, schema: {} }], " +
			"requestBody: { content: { application/json: { schema: {} } } } } }\n"
	}
	stands := "^1 GH-ACC-002 own says where the owner stands | Write own: row when the handler's query decides, or path.NAME, query.NAME or body.NAME."
	lacks := func(name string) string {
		return fmt.Sprintf("^1 GH-ACC-002 own names %q, and the operation has no such parameter | Known are: path.id, query.q, row", name)
	}
	var rows []faultRow
	for rule, want := range map[string]string{
		"{ own: row }": "", "{ own: path.id }": "", "{ own: query.q }": "", "{ own: body.owner }": "", "{ roles: admin }": "", "{ roles: [admin, member], scopes: a }": "",
		"{ own: ^path.number }":    lacks("path.number"),
		"{ own: ^query.number }":   lacks("query.number"),
		"{ own: ^query.id }":       "^1 GH-ACC-002 own names \"query.id\", and the operation has no such parameter | Did you mean \"query.q\"?",
		"{ own: ^path. }":          stands,
		"{ own: ^body. }":          stands,
		"{ own: ^cookie.c }":       stands,
		"{ own: ^5 }":              stands,
		"{ roles: [^5] }":          "^1 GH-CON-016 here stands a number, not the name of a role | Write it in quotes.",
		"{ roles: ^guest }":        "^1 GH-ACC-003 guest is whoever has no role | Write / access: public",
		"{ roles: [^amdin] }":      "^1 GH-ACC-003 unknown role \"amdin\" | Did you mean \"admin\"?",
		"{ scopes: ^[] }":          "^1 GH-ACC-002 scopes is empty | Name one at least, or leave it out.",
		"^[public]":                "^1 GH-ACC-002 access names nobody | Write access: public, or / access: { roles: [admin] }",
		"{ roles: ^a, ^role: [] }": "^1 GH-ACC-003 unknown role \"a\" | Known are: member, admin, guest\n^2 GH-CON-015 unknown key \"role\" | Did you mean \"roles\"?",
	} {
		rows = append(rows, faultRow{rule, get(rule), "", want})
	}
	holdFaults(t, Options{Roles: []string{"member", "admin", "guest"}}, rows)
	body := func(own, statements, content string) string {
		return "  /a: { post: { x-gatehouse: { access: { own: " + own + " }" + statements + " }, requestBody: { content: { application/json: {}" + content + " } } } }\n"
	}
	asForm := "own names \"body.owner\", and the body may be sent as %s | State no media type but JSON, or let the handler's query decide: own: row"
	packed := "^1 GH-ACC-002 own names \"body.owner\", and the body may be sent compressed | Write encoding: [], or let the handler's query decide: own: row"
	const form = ", application/x-www-form-urlencoded: {}"
	holdFaults(t, Options{}, []faultRow{
		{"an owner in a body of several kinds of JSON", body("body.owner", "", ", application/merge-patch+json: {}, 'Application/JSON; charset=utf-8': {}"), "", ""},
		{"an owner in a form", body("^body.owner", "", form), "", fmt.Sprintf("^1 GH-ACC-002 "+asForm, "application/x-www-form-urlencoded")},
		{"an owner in whatever is sent", body("^body.owner", "", ", application/*: {}, text/plain: {}"), "",
			fmt.Sprintf("^1 GH-ACC-002 "+asForm+"\n^1 GH-ACC-002 "+asForm, "application/*", "text/plain")},
		{"an owner in a form that stands elsewhere", "  /a: { post: { x-gatehouse: { access: { own: ^body.owner } }, requestBody: { $ref: '#/components/requestBodies/F' } } }\n" +
			"components: { requestBodies: { F: { content: { multipart/form-data: {} } } } }\n", "", fmt.Sprintf("^1 GH-ACC-002 "+asForm, "multipart/form-data")},
		{"an owner in a compressed body", body("^body.owner", ", encoding: [gzip]", ""), "", packed},
		{"an owner in a body that the document lets compress", body("^body.owner", "", "") + "x-gatehouse: { encoding: deflate }\n", "", packed},
		{"an owner in one that the operation does not let compress", body("body.owner", ", encoding: []", "") + "x-gatehouse: { encoding: deflate }\n", "", ""},
		{"an owner that an overlay states", body("row", "", form), "POST /a: { access: { own: ^body.owner } }\n", fmt.Sprintf("^1 GH-ACC-002 "+asForm, "application/x-www-form-urlencoded")},
		{"an owner elsewhere", body("row", ", encoding: [gzip]", form), "", ""},
	})
	holdFaults(t, Options{}, []faultRow{{"any role will do where none is known", get("{ own: row, or_roles: [a] }"), "", ""}})
}
