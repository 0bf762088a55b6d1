package contract

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// way compiles a schema for values that travel one way.
func schemaFor(tb testing.TB, text string, way direction) *Schema {
	tb.Helper()
	s, err := newSchemaCompiler("test", contractLibrary, documentURL, value(tb, text)).compile("", way)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return s
}

const prepared = `{
	"type":"object",
	"properties":{
		"name":{"type":"string","minLength":1,"x-gatehouse":{"trim":true}},
		"note":{"type":["string","null"],"x-gatehouse":{"trim":true,"empty":null}},
		"status":{"type":"string","default":"applied"},
		"count":{"type":"integer"},
		"price":{"type":"number"},
		"inner":{"$ref":"#/$defs/Inner"},
		"list":{"type":"array","items":{"$ref":"#/$defs/Inner"}},
		"maybe":{"anyOf":[{"$ref":"#/$defs/Inner"},{"type":"null"}]}
	},
	"$defs":{"Inner":{"type":"object","properties":{"text":{"type":"string","x-gatehouse":{"trim":true}},"n":{"type":"integer","default":7}}}}
}`

func TestPrepare(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		policy   Unknown
	}{
		"nothing to do":       {`{"name":"a","status":"x"}`, `{"name":"a","status":"x"}`, Reject},
		"trim":                {`{"name":" \t a b\n\u3000","status":"x"}`, `{"name":"a b","status":"x"}`, Reject},
		"blank, for Validate": {`{"name":"  ","status":"x"}`, `{"name":"","status":"x"}`, Reject},
		"trim, then empty":    {`{"note":"  ","status":"x"}`, `{"note":null,"status":"x"}`, Reject},
		"trim, not empty":     {`{"note":" a ","status":"x"}`, `{"note":"a","status":"x"}`, Reject},
		"a text stays":        {`{"note":"a","status":"x"}`, `{"note":"a","status":"x"}`, Reject},
		"only what is stated": {`{"name":" a ","status":" x "}`, `{"name":"a","status":" x "}`, Reject},
		"default":             {`{}`, `{"status":"applied"}`, Reject},
		"null is no absence":  {`{"status":null}`, `{"status":null}`, Reject},
		"integer plainly":     {`{"status":"x","count":2.0}`, `{"status":"x","count":2}`, Reject},
		"integer, scientific": {`{"status":"x","count":12e2}`, `{"status":"x","count":1200}`, Reject},
		"no integer":          {`{"status":"x","count":2.5}`, `{"status":"x","count":2.5}`, Reject},
		"not every number":    {`{"status":"x","count":2.0,"price":2.0,"other":"a"}`, `{"status":"x","count":2,"price":2.0,"other":"a"}`, Allow},
		"trim, no integer":    {`{"name":" a ","status":"x","count":2.5}`, `{"name":"a","status":"x","count":2.5}`, Reject},
		"through $ref":        {`{"status":"x","inner":{"text":" a "}}`, `{"status":"x","inner":{"text":"a","n":7}}`, Reject},
		"through items":       {`{"status":"x","list":[{"text":" a ","n":1},{"n":2}]}`, `{"status":"x","list":[{"text":"a","n":1},{"n":2}]}`, Reject},
		"through X or null":   {`{"status":"x","maybe":{"text":" a ","n":1}}`, `{"status":"x","maybe":{"text":"a","n":1}}`, Reject},
		"strip, deep down":    {`{"status":"x","__proto__":{"a":1},"inner":{"n":1,"isAdmin":true},"list":[{"n":1,"z":1}]}`, `{"status":"x","inner":{"n":1},"list":[{"n":1}]}`, Strip},
		"strip, then default": {`{"isAdmin":true}`, `{"status":"applied"}`, Strip},
		"allow":               {`{"status":"x","isAdmin":true}`, `{"status":"x","isAdmin":true}`, Allow},
		"report":              {`{"status":"x","isAdmin":true}`, `{"status":"x","isAdmin":true}`, Report},
	} {
		in := value(t, c.in)
		before := value(t, c.in)
		out, changed, _ := mustSchema(t, prepared).Prepare(in, c.policy)
		if want := value(t, c.want); !reflect.DeepEqual(out, want) {
			got, _ := strictjson.Marshal(out)
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if changed != (c.in != c.want) {
			t.Errorf("%s: changed is %v", name, changed)
		}
		if !reflect.DeepEqual(in, before) {
			t.Errorf("%s: the value itself was changed", name)
		}
	}
}

// TestPrepareInCompositions: what surely applies to a value is done to it, by
// whatever way the schema leads there; what may not apply is left alone.
func TestPrepareInCompositions(t *testing.T) {
	const trim, empty = `"x-gatehouse":{"trim":true}`, `"x-gatehouse":{"empty":null}`
	for name, c := range map[string]struct{ schema, in, want string }{
		"empty without trim":              {`{EMPTY}`, `""`, `null`},
		"empty leaves blanks":             {`{EMPTY}`, `" "`, `" "`},
		"neither stated":                  {`{"maxLength":5}`, `" a "`, `" a "`},
		"stated before allOf":             {`{EMPTY,"allOf":[{"maxLength":5}]}`, `""`, `null`},
		"an integer before allOf":         {`{"type":"integer","allOf":[{"minimum":0}]}`, `2.0`, `2`},
		"a number that may be null":       {`{"type":["number","null"]}`, `2.0`, `2.0`},
		"both parts of allOf":             {`{"allOf":[{TRIM},{EMPTY}]}`, `" "`, `null`},
		"one of two branches":             {`{"anyOf":[{"type":"string",TRIM,EMPTY},{"type":"integer"}]}`, `" a "`, `" a "`},
		"one of two, when empty":          {`{"oneOf":[{"type":"string",EMPTY},{"type":"integer"}]}`, `""`, `""`},
		"the branch beside null":          {`{"oneOf":[{"type":"null"},{"type":"string",TRIM}]}`, `" a "`, `"a"`},
		"the branch beside null, in one":  {`{"anyOf":[{"anyOf":[{"type":"null"},{TRIM}]},{"type":"integer"}]}`, `" a "`, `" a "`},
		"a branch that applies anyhow":    {`{"$defs":{"T":{TRIM}},"allOf":[{"anyOf":[{"$ref":"#/$defs/T"},{"type":"integer"}]},{"$ref":"#/$defs/T"}]}`, `" a "`, `"a"`},
		"in both branches, by reference":  {`{"$defs":{"T":{TRIM}},"anyOf":[{"$ref":"#/$defs/T"},{"allOf":[{"$ref":"#/$defs/T"}]}]}`, `" a "`, `" a "`},
		"under then":                      {`{"if":{"maxLength":1},"then":{TRIM},"else":{TRIM}}`, `" a "`, `" a "`},
		"through $dynamicRef":             {`{"$dynamicRef":"#t","$defs":{"T":{"$dynamicAnchor":"t",TRIM}}}`, `" a "`, `"a"`},
		"default when another is there":   {`{"dependentSchemas":{"a":{"properties":{"b":{"default":1}}}}}`, `{"a":1}`, `{"a":1}`},
		"default of a branch":             {`{"anyOf":[{"properties":{"b":{"default":1}}},{"type":"string"}]}`, `{}`, `{}`},
		"the outer default":               {`{"properties":{"b":{"default":1,"allOf":[{"default":2}]}}}`, `{}`, `{"b":1}`},
		"additional members":              {`{"additionalProperties":{TRIM}}`, `{"x":" a "}`, `{"x":"a"}`},
		"unevaluated members":             {`{"properties":{"a":{}},"unevaluatedProperties":{TRIM}}`, `{"x":" a "}`, `{"x":"a"}`},
		"members of one pattern":          {`{"patternProperties":{"^x":{TRIM}}}`, `{"x":" a "}`, `{"x":"a"}`},
		"members of one pattern of two":   {`{"patternProperties":{"^x":{TRIM},"^y":{}}}`, `{"x":" a ","y":" a "}`, `{"x":"a","y":" a "}`},
		"a member of two patterns":        {`{"patternProperties":{"^x":{TRIM},"y$":{}}}`, `{"x":" a ","xy":" a "}`, `{"x":"a","xy":" a "}`},
		"a member of no pattern":          {`{"patternProperties":{"^x":{EMPTY}},"additionalProperties":{TRIM}}`, `{"x":" ","y":" a "}`, `{"x":" ","y":"a"}`},
		"a name that fits a pattern":      {`{"properties":{"ab":{}},"patternProperties":{"^a":{TRIM}},"additionalProperties":{EMPTY}}`, `{"ab":" "}`, `{"ab":""}`},
		"a name that fits none":           {`{"properties":{"ab":{}},"patternProperties":{"^b":{TRIM}},"additionalProperties":{EMPTY}}`, `{"ab":""}`, `{"ab":""}`},
		"a name that is additional there": {`{"allOf":[{"properties":{"ab":{}}},{"additionalProperties":{TRIM}}]}`, `{"ab":" a "}`, `{"ab":"a"}`},
		"a name of a pattern there":       {`{"allOf":[{"properties":{"ab":{}}},{"patternProperties":{"^a":{TRIM}},"additionalProperties":{EMPTY}}]}`, `{"ab":" "}`, `{"ab":""}`},
		"items":                           {`{"items":{TRIM}}`, `[" a "," b "]`, `["a","b"]`},
		"unevaluated items":               {`{"unevaluatedItems":{TRIM}}`, `[" a "]`, `["a"]`},
		"the items before":                {`{"prefixItems":[{EMPTY}],"items":{TRIM}}`, `[" "," a "]`, `[" ","a"]`},
		"prefixes of two lengths":         {`{"allOf":[{"prefixItems":[{TRIM},{TRIM}]},{"prefixItems":[{EMPTY}],"items":{"type":"string"}},{"items":{EMPTY}}]}`, `[" "," "," "]`, `[null,null," "]`},
		"contained, for some item":        {`{"contains":{TRIM}}`, `[" a "]`, `[" a "]`},
	} {
		s := mustSchema(t, strings.NewReplacer("TRIM,EMPTY", `"x-gatehouse":{"trim":true,"empty":null}`, "TRIM", trim, "EMPTY", empty).Replace(c.schema))
		out, changed, unknown := s.Prepare(value(t, c.in), Allow)
		if !reflect.DeepEqual(out, value(t, c.want)) || changed != (c.in != c.want) || unknown != nil {
			t.Errorf("%s: %v %v %v, want %s", name, out, changed, unknown, c.want)
		}
	}
}

// TestTextsOfTwoSchemasOfAMember: the schema that stands first speaks, in each
// place anew.
func TestTextsOfTwoSchemasOfAMember(t *testing.T) {
	s := mustSchema(t, `{"properties":{"p":{"allOf":[{"$ref":"#/$defs/X"},{"$ref":"#/$defs/Y"}]},"q":{"allOf":[{"$ref":"#/$defs/Y"},{"$ref":"#/$defs/X"}]}},"$defs":{
		"X":{"properties":{"k":{"properties":{"a":{}},"x-gatehouse":{"texts":{"unknown_field":"not in X"}}}}},
		"Y":{"properties":{"k":{"properties":{"b":{}},"x-gatehouse":{"texts":{"unknown_field":"not in Y"}}}}}}}`)
	if _, _, unknown := s.Prepare(value(t, `{"p":{"k":{"a":1,"c":1}},"q":{"k":{"b":1,"c":1}}}`), Reject); brief(unknown) != "/p/k/c unknown_field: not in X\n/q/k/c unknown_field: not in Y" {
		t.Error(brief(unknown))
	}
}

func TestUnknownFields(t *testing.T) {
	for name, c := range map[string]struct{ schema, value, want string }{
		"named":                    {`{"properties":{"a":{}}}`, `{"a":1,"b":1}`, "/b unknown_field: is not a known field"},
		"__proto__":                {`{"properties":{"a":{}}}`, `{"__proto__":{"isAdmin":true}}`, "/__proto__ unknown_field: is not a known field"},
		"deep in an array":         {`{"properties":{"a":{"items":{"properties":{"x":{}}}}}}`, `{"a":[{"x":1},{"y":1}]}`, "/a/1/y unknown_field: is not a known field"},
		"not fit to be told":       {`{"properties":{"a":{}}}`, `{"my secret":1}`, "unknown_field: has an unknown field"},
		"free form":                {`{"type":"object"}`, `{"x":{"y":1}}`, ""},
		"properties that are none": {`{"type":"object","properties":{}}`, `{"x":{"y":1}}`, ""},
		"none, and closed":         {`{"properties":{},"additionalProperties":false}`, `{"x":1}`, "/x unknown_field: is not a known field"},
		"none, beside some":        {`{"properties":{},"allOf":[{"properties":{"a":{}}}]}`, `{"a":1,"x":1}`, "/x unknown_field: is not a known field"},
		"anything":                 {`{}`, `{"x":1}`, ""},
		"true":                     {`true`, `{"x":1}`, ""},
		"stated additional":        {`{"properties":{"a":{}},"additionalProperties":true}`, `{"x":1}`, ""},
		"additional by schema":     {`{"properties":{"a":{}},"additionalProperties":{"properties":{"b":{}}}}`, `{"x":{"b":1},"y":{"c":1}}`, "/y/c unknown_field: is not a known field"},
		"unevaluated, closed":      {`{"properties":{"a":{}},"unevaluatedProperties":false}`, `{"x":1}`, "/x unknown_field: is not a known field"},
		"open, then allOf":         {`{"additionalProperties":true,"allOf":[{"properties":{"a":{}}}]}`, `{"x":1}`, ""},
		"dependentSchemas":         {`{"properties":{"a":{}},"dependentSchemas":{"a":{"properties":{"b":{}}}}}`, `{"a":1,"b":1,"c":1}`, "/c unknown_field: is not a known field"},
		"under a pattern":          {`{"patternProperties":{"^x":{"properties":{"a":{}}}}}`, `{"x1":{"b":1}}`, "/x1/b unknown_field: is not a known field"},
		"items and contains":       {`{"items":{"properties":{"a":{}}},"contains":{"properties":{"b":{}}}}`, `[{"a":1,"b":1,"c":1}]`, "/0/c unknown_field: is not a known field"},
		"unevaluated stated":       {`{"properties":{"a":{}},"unevaluatedProperties":true}`, `{"x":1}`, ""},
		"pattern":                  {`{"patternProperties":{"^x-":{}}}`, `{"x-a":1,"y":1}`, "/y unknown_field: is not a known field"},
		"allOf is a union":         {`{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, `{"a":1,"b":1,"c":1}`, "/c unknown_field: is not a known field"},
		"oneOf is a union":         {`{"oneOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, `{"a":1,"b":1,"c":1}`, "/c unknown_field: is not a known field"},
		"unions go down":           {`{"allOf":[{"properties":{"a":{"properties":{"x":{}}}}},{"properties":{"a":{"properties":{"y":{}}}}}]}`, `{"a":{"x":1,"y":1,"z":1}}`, "/a/z unknown_field: is not a known field"},
		"if and then":              {`{"properties":{"a":{}},"if":{"properties":{"a":{"const":1}}},"then":{"properties":{"b":{}}}}`, `{"a":1,"b":1,"c":1}`, "/c unknown_field: is not a known field"},
		"a recursive schema":       {`{"properties":{"next":{"$ref":"#"},"v":{}}}`, `{"v":1,"next":{"v":1,"next":{"w":1}}}`, "/next/next/w unknown_field: is not a known field"},
		"closed in the schema":     {`{"properties":{"a":{}},"additionalProperties":false}`, `{"b":1}`, "/b unknown_field: is not a known field"},
		"closed, with nothing":     {`{"additionalProperties":false}`, `{"b":1}`, "/b unknown_field: is not a known field"},
		"a text of the contract":   {`{"properties":{"a":{}},"x-gatehouse":{"texts":{"unknown_field":"Leave it out"}}}`, `{"b":1}`, "/b unknown_field: Leave it out"},
		"prefixItems, then items":  {`{"prefixItems":[{"properties":{"a":{}}}],"items":{"properties":{"b":{}}}}`, `[{"a":1},{"b":1},{"a":1}]`, "/2/a unknown_field: is not a known field"},
	} {
		s := mustSchema(t, c.schema)
		v := value(t, c.value)
		for _, policy := range []Unknown{Reject, Report} {
			if _, _, unknown := s.Prepare(v, policy); brief(unknown) != c.want {
				t.Errorf("%s, %s:\ngot  %s\nwant %s", name, policy, brief(unknown), c.want)
			}
		}
		if _, changed, unknown := s.Prepare(v, Allow); changed || unknown != nil {
			t.Errorf("%s, allow: %v %v", name, changed, unknown)
		}
		if out, changed, unknown := s.Prepare(v, Strip); changed != (c.want != "") || unknown != nil {
			t.Errorf("%s, strip: %v %v", name, changed, unknown)
		} else if _, _, left := s.Prepare(out, Reject); left != nil {
			t.Errorf("%s, strip leaves %s", name, brief(left))
		}
	}
}

func TestReadOnlyAndWriteOnly(t *testing.T) {
	const object = `"type":"object","required":["id","name","password"],"properties":{
		"id":{"type":"integer","readOnly":true},"name":{"type":"string"},"password":{"type":"string","writeOnly":true}}`
	for name, account := range map[string]string{
		"plain":                           `{` + object + `}`,
		"closed by unevaluatedProperties": `{` + object + `,"unevaluatedProperties":false}`,
		"closed around a reference":       `{"$ref":"#/$defs/Account","unevaluatedProperties":false,"$defs":{"Account":{` + object + `}}}`,
		"closed around an alternative":    `{"anyOf":[{` + object + `},{"type":"null"}],"unevaluatedProperties":false}`,
		"reached by a dynamic reference":  `{"$dynamicRef":"#account","$defs":{"Account":{"$dynamicAnchor":"account",` + object + `}}}`,
	} {
		t.Run(name, func(t *testing.T) { readOnlyAndWriteOnly(t, account) })
	}
}

func readOnlyAndWriteOnly(t *testing.T, account string) {
	in := schemaFor(t, account, request)
	if f := in.Validate(value(t, `{"name":"a","password":"b"}`)); f != nil {
		t.Errorf("a client is asked for what the server writes: %s", brief(f))
	}
	if f := in.Validate(value(t, `{"name":"a"}`)); brief(f) != "/password required: is required" {
		t.Errorf("a request without what is never shown: %s", brief(f))
	}
	forged := value(t, `{"id":1,"name":"a","password":"b"}`)
	if out, changed, unknown := in.Prepare(forged, Allow); changed || unknown != nil {
		t.Errorf("allow leaves %v %v", out, unknown)
	}
	if _, _, unknown := in.Prepare(forged, Reject); brief(unknown) != "/id readOnly: is set by the server and must not be sent" {
		t.Errorf("a read-only member in a request: %s", brief(unknown))
	}
	if out, _, unknown := in.Prepare(forged, Strip); unknown != nil || !reflect.DeepEqual(out, value(t, `{"name":"a","password":"b"}`)) {
		t.Errorf("strip leaves %v %v", out, unknown)
	}
	out := schemaFor(t, account, answer)
	if f := out.checkWhole(value(t, `{"id":1,"name":"a"}`)); f != nil {
		t.Errorf("an answer needs the password: %s", brief(f))
	}
	if f := out.checkWhole(value(t, `{"id":1,"name":"a","password":"b"}`)); brief(f) != "/password writeOnly: must not be shown" {
		t.Errorf("the password is shown: %s", brief(f))
	}
	if f := out.checkWhole(value(t, `{"name":"a"}`)); brief(f) != "/id required: is required" {
		t.Errorf("an answer without its id: %s", brief(f))
	}
	if f := mustSchema(t, account).Validate(value(t, `{"name":"a"}`)); brief(f) != "/id required: is required\n/password required: is required" {
		t.Errorf("a schema by itself: %s", brief(f))
	}
	if v, changed, _ := schemaFor(t, prepared, answer).Prepare(value(t, `{}`), Reject); changed {
		t.Errorf("a default is put into an answer: %v", v)
	}
}

// TestIntegersCanBeRead: what passes as an integer is one to a reader of Go.
func TestIntegersCanBeRead(t *testing.T) {
	s := mustSchema(t, `{"type":"integer","format":"int64"}`)
	for _, text := range []string{`1`, `-0`, `0`, `1.0`, `-1.50e1`, `1e3`, `100e-2`, `9223372036854775807`, `-9223372036854775808.0`} {
		v, _, _ := s.Prepare(value(t, text), Reject)
		if f := s.Validate(v); f != nil {
			t.Errorf("%s: %s", text, brief(f))
			continue
		}
		b, err := strictjson.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		if err := strictjson.Unmarshal(b, &n); err != nil {
			t.Errorf("%s is handed on as %s: %v", text, b, err)
		}
	}
}

// TestReadOnlyInCompositions: a member is read-only when it surely is, and then
// also where its object knows all members.
func TestReadOnlyInCompositions(t *testing.T) {
	for schema, want := range map[string]string{
		`{"properties":{"id":{"allOf":[{"readOnly":true},{"type":"integer"}]}}}`:                        "/id readOnly: is set by the server and must not be sent",
		`{"properties":{"id":{"anyOf":[{"readOnly":true,"type":"integer"},{"type":"string"}]}}}`:        "",
		`{"properties":{"id":{"readOnly":true}},"additionalProperties":true}`:                           "/id readOnly: is set by the server and must not be sent",
		`{"properties":{"id":{"readOnly":true,"x-gatehouse":{"texts":{"readOnly":"Leave it to us"}}}}}`: "/id readOnly: Leave it to us",
	} {
		s := schemaFor(t, schema, request)
		if _, _, unknown := s.Prepare(value(t, `{"id":1}`), Reject); brief(unknown) != want {
			t.Errorf("%s: %s", schema, brief(unknown))
		}
		if out, _, _ := s.Prepare(value(t, `{"id":1}`), Strip); (len(out.(map[string]any)) == 0) != (want != "") {
			t.Errorf("%s, strip: %v", schema, out)
		}
	}
	for schema, shown := range map[string]bool{
		`{"properties":{"id":{"allOf":[{"writeOnly":true},{"type":"integer"}]}}}`:                 false,
		`{"properties":{"id":{"anyOf":[{"writeOnly":true,"type":"integer"},{"type":"string"}]}}}`: true,
	} {
		if f := schemaFor(t, schema, answer).checkWhole(value(t, `{"id":1}`)); (f == nil) != shown {
			t.Errorf("%s: %s", schema, brief(f))
		}
	}
}
