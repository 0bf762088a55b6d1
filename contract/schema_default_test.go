package contract

import "testing"

// TestDefaultsThatDoNotFit: they are filled in where something is left out, so one
// that its schema refuses is a fault of the contract, told with its place.
func TestDefaultsThatDoNotFit(t *testing.T) {
	param := func(schema string) string {
		return "  /a: { get: { " + publicAccess + ", parameters: [{ name: n, in: query, schema: " + schema + " }] } }\n"
	}
	body := func(schema string) string {
		return "  /a: { post: { " + publicAccess + ", requestBody: { content: { application/json: { schema: " + schema + " } } } } }\n"
	}
	const told = " GH-CON-020 a default that its schema refuses | Correct the default, or remove it."
	holdFaults(t, Options{}, []faultRow{
		{"of a parameter", param("{ type: integer, default: ^ten }"), "", "^1" + told},
		{"of a parameter, elsewhere", param("{ allOf: [{ type: integer, default: ^11 }, { maximum: 10 }] }"), "", "^1" + told},
		{"of a parameter, by reference", param(`{ $ref: "#/components/schemas/O", default: ^up }`) + "components: { schemas: { O: { enum: [asc, desc] } } }\n", "", "^1" + told},
		{"of a parameter, in a member", param("{ type: object, properties: { a: { type: integer } }, default: ^{ a: x } }"), "", "^1" + told},
		{"of a parameter, fitting", param("{ type: integer, default: 10 }"), "", ""},
		{"of a member", body("{ properties: { n: { type: integer, default: ^x }, m: { type: string, default: ^1 } } }"), "", "^1" + told + "\n^2" + told},
		{"of a member, in another schema", body("{ allOf: [{ properties: { n: { default: ^5 } } }, { properties: { n: { maximum: 3 } } }] }"), "", "^1" + told},
		{"of a member that may be null", body("{ properties: { n: { anyOf: [{ type: object, properties: { a: { type: integer, default: ^null } } }, { type: 'null' }] } } }"), "", "^1" + told},
		{"of a member of an item", body("{ items: { properties: { n: { type: integer, default: ^x } } } }"), "", "^1" + told},
		{"of a member, fitting", body("{ properties: { n: { type: [integer, 'null'], default: null }, m: { type: object, required: [id], properties: { id: { readOnly: true } }, default: {} } } }"), "", ""},
		{"of a member, in a branch that may not apply", body("{ properties: { n: { default: 5 } }, anyOf: [{ properties: { n: { maximum: 3 } } }, { required: [m] }] }"), "", ""},
		{"of a branch, where it is not filled in", body("{ oneOf: [{ properties: { n: { type: integer, default: x } } }, { type: string }] }"), "", ""},
		{"of an answer, where it is not filled in",
			"  /a: { get: { " + publicAccess + ", responses: { '200': { description: a, content: { application/json: { schema: { properties: { n: { type: integer, default: x } } } } } } } } }\n", "", ""},
	})
	for schema, why := range map[string]string{
		`{"properties":{"n":{"type":"integer","default":"x"}}}`:                                            "it must be an integer; it is filled in where a request leaves it out",
		`{"properties":{"n":{"properties":{"a":{"type":"integer"}},"default":{"a":"x"},"type":"object"}}}`: "a in it must be an integer; it is filled in where a request leaves it out",
	} {
		_, err := newSchemaCompiler("test", contractLibrary, documentURL, value(t, schema)).compile("", request)
		if e, ok := err.(*compileError); !ok || e.pointer != "/properties/n/default" || e.why != why {
			t.Errorf("%s: %v, want %s", schema, err, why)
		}
	}
}
