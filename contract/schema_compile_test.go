package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompileSchemaRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(file, []byte(`{"type":"string"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const loops = ": a schema that refers to itself: it comes back"
	for name, c := range map[string]struct{ schema, want string }{
		"itself":                  {`{"$ref":"#"}`, loops},
		"itself through allOf":    {`{"$defs":{"A":{"allOf":[{"$ref":"#/$defs/B"}]},"B":{"anyOf":[{"$ref":"#/$defs/A"}]}},"$ref":"#/$defs/A"}`, "/$defs/A" + loops},
		"itself through not":      {`{"not":{"$ref":"#"}}`, loops},
		"itself, when it has a":   {`{"dependentSchemas":{"a":{"$ref":"#"}}}`, loops},
		"itself, one level down":  {`{"properties":{"a":{"oneOf":[{"$ref":"#/properties/a"}]}}}`, "/properties/a" + loops},
		"itself, beside dynamics": {`{"properties":{"a":{"$ref":"#/properties/a"},"b":{"$dynamicRef":"#"}},"required":["a"]}`, "/properties/a" + loops},
		"another document":        {`{"$ref":"https://example.org/x.json"}`, ": a $ref out of the document: https://example.org/x.json is not read: a contract"},
		"a file":                  {`{"$ref":"file://` + file + `"}`, ": a $ref out of the document: file://" + file + " is not read: a contract"},
		"nowhere":                 {`{"$ref":"#/$defs/Nope"}`, ": a $ref that leads nowhere: there is nothing at #/$defs/Nope; correct"},
		"no anchor":               {`{"$ref":"#nope"}`, ": a $ref that leads nowhere: no $anchor has the name in #nope; correct"},
		"one anchor twice":        {`{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}`, ": a schema that cannot be compiled: "},
		"lookahead":               {`{"pattern":"(?=a)"}`, "/pattern: a pattern that cannot be used: RE2 does not know it: invalid or unsupported Perl syntax; write"},
		"lookahead in a name":     {`{"patternProperties":{"(?=a)":true}}`, ": a pattern that cannot be used: RE2 does not know it: invalid or unsupported Perl syntax; write"},
		"lookahead, in draft 4":   {`{"$schema":"http://json-schema.org/draft-04/schema#","patternProperties":{"(?=a)":{}}}`, "/patternProperties: a pattern that cannot be used: "},
		"no URI":                  {`{"$defs":{"a":{"$ref":"http://["}}}`, "/$defs/a/$ref: not a valid JSON Schema: must be a URL or a path; see"},
		"a type that is none":     {`{"properties":{"a":{"type":"strnig"}}}`, "/properties/a/type: not a valid JSON Schema: must be one of: array, boolean, integer, null, number, object, string; see"},
		"a type that is a number": {`{"properties":{"a/b~c":{"minLength":"1"}}}`, "/properties/a~1b~0c/minLength: not a valid JSON Schema: must be an integer; see"},
		"a negative length":       {`{"minLength":-1}`, "/minLength: not a valid JSON Schema: must be at least 0; see"},
		"the deepest of two":      {`{"$comment":1,"items":{"items":{"minLength":-1}},"title":1}`, "/items/items/minLength: "},
		"a statement misspelt":    {`{"x-gatehouse":{"trimm":true}}`, "/x-gatehouse/trimm: a statement that cannot be read"},
		"trim that is no bool":    {`{"x-gatehouse":{"trim":"yes"}}`, "/x-gatehouse/trim: "},
		"empty that is no null":   {`{"x-gatehouse":{"empty":""}}`, "/x-gatehouse/empty: "},
		"texts that are a list":   {`{"x-gatehouse":{"texts":["x"]}}`, "/x-gatehouse/texts: "},
		"a text for no keyword":   {`{"x-gatehouse":{"texts":{"maxlength":"x"}}}`, "/x-gatehouse/texts: "},
		"a text that is none":     {`{"x-gatehouse":{"texts":{"maxLength":1}}}`, "/x-gatehouse/texts: "},
		"a statement of text":     {`{"x-gatehouse":"trim"}`, "/x-gatehouse: a statement that cannot be read"},
		"a role without a name":   {`{"x-gatehouse":{"write_roles":["admin",""]}}`, "/x-gatehouse/write_roles: a role that is no name: "},
		"a role that is a number": {`{"x-gatehouse":{"write_roles":[1]}}`, "/x-gatehouse/write_roles: a role that is no name: "},
		"any role":                {`{"x-gatehouse":{"read_roles":["*"]}}`, "/x-gatehouse/read_roles: a role that is no name: "},
		"no list of roles":        {`{"x-gatehouse":{"read_roles":"admin"}}`, "/x-gatehouse/read_roles: roles that cannot be read: "},
		"the first of two":        {`{"x-gatehouse":{"b":1,"a/b":1}}`, "/x-gatehouse/a~1b: "},
	} {
		_, err := CompileSchema(value(t, c.schema))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if e, ok := err.(*compileError); err != nil && (!ok || e.what == "" || e.why == "" || e.fix == "") {
			t.Errorf("%s: %#v does not say what, why and the fix", name, err)
		}
	}
	if _, err := newSchemaCompiler("x.yaml", contractLibrary, "https://json-schema.org/draft/2020-12/schema", true).compile("", anyWay); err == nil || !strings.Contains(err.Error(), "registering the document x.yaml: ") {
		t.Errorf("a document in the place of the meta-schema: %v", err)
	}
}

// TestStatementsAreReadEverywhere: one that cannot be read is refused wherever a
// schema may stand, for a safeguard that is misspelt is none.
func TestStatementsAreReadEverywhere(t *testing.T) {
	for _, place := range []string{
		`{"properties":{"a":BAD}}`, `{"patternProperties":{"a":BAD}}`, `{"additionalProperties":BAD}`, `{"propertyNames":BAD}`,
		`{"unevaluatedProperties":BAD}`, `{"dependentSchemas":{"a":BAD}}`, `{"items":BAD}`, `{"prefixItems":[BAD]}`, `{"contains":BAD}`,
		`{"unevaluatedItems":BAD}`, `{"allOf":[BAD]}`, `{"anyOf":[{},BAD]}`, `{"oneOf":[BAD]}`, `{"not":BAD}`, `{"if":BAD}`,
		`{"if":{},"then":BAD}`, `{"if":{},"else":BAD}`, `{"$ref":"#/$defs/a","$defs":{"a":BAD}}`, `{"$dynamicRef":"#/$defs/a","$defs":{"a":BAD}}`,
		`{"$schema":"https://json-schema.org/draft/2019-09/schema","properties":{"a":{"$recursiveRef":"#"}},"allOf":[BAD]}`,
	} {
		for bad, refused := range map[string]bool{`{"x-gatehouse":{"trimm":true}}`: true, `{"x-gatehouse":{"trim":true}}`: false} {
			if _, err := CompileSchema(value(t, strings.ReplaceAll(place, "BAD", bad))); (err != nil) != refused {
				t.Errorf("%s in %s: %v", bad, place, err)
			}
		}
	}
}

// TestSchemasOfOneDocument: each is judged by itself, and a fault that two share
// is told of both.
func TestSchemasOfOneDocument(t *testing.T) {
	c := newCompiler("test", value(t, `{"x-gatehouse":{"name":"orders"},"s":{
		"bad":{"x-gatehouse":{"trimm":true}},"worse":{"items":{"$ref":"#/s/bad"}},"good":{"type":"string"},
		"a%20b":{"const":1},"a b":{"const":2},"diamond":{"allOf":[{"$ref":"#/s/good"},{"$ref":"#/s/good"}]},
		"meta":{"$ref":"https://json-schema.org/draft/2020-12/schema"}}}`).(map[string]any), false)
	for _, want := range []struct {
		name, fits string // "" where the schema is refused
	}{
		{"bad", ""}, {"worse", ""}, {"good", `"x"`}, {"bad", ""}, {"worse", ""}, {"a%20b", `1`}, {"a b", `2`}, {"diamond", `"x"`}, {"meta", `{"minLength":1}`}, {"none", ""},
	} {
		s, err := c.compile("/s/"+want.name, request)
		if (err == nil) != (want.fits != "") {
			t.Errorf("%s: %v", want.name, err)
		} else if err == nil && s.Validate(value(t, want.fits)) != nil {
			t.Errorf("%s does not fit %s", want.fits, want.name)
		}
	}
}

// TestOtherDraftsInOneSchema: a part in another draft means what that draft says.
func TestOtherDraftsInOneSchema(t *testing.T) {
	list := mustSchema(t, `{"$schema":"https://json-schema.org/draft/2019-09/schema","items":[{"type":"integer"}],"additionalItems":false}`)
	if list.Validate(value(t, `[1]`)) != nil || list.Validate(value(t, `["a"]`)) == nil || list.Validate(value(t, `[1,2]`)) == nil {
		t.Error("items as a list")
	}
	tree := mustSchema(t, `{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"properties":{"v":{"type":"integer"},"next":{"$recursiveRef":"#"}}}`)
	if got := brief(tree.Validate(value(t, `{"next":{"next":{"v":"a"}}}`))); got != "/next/next/v type: must be an integer" {
		t.Errorf("$recursiveRef: %s", got)
	}
	if _, _, unknown := tree.Prepare(value(t, `{"next":{"next":{"w":1}}}`), Reject); brief(unknown) != "/next/next/w unknown_field: is not a known field" {
		t.Errorf("known through $recursiveRef: %s", brief(unknown))
	}
}
