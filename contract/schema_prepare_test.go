package contract

import (
	"reflect"
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
		"default":             {`{}`, `{"status":"applied"}`, Reject},
		"null is no absence":  {`{"status":null}`, `{"status":null}`, Reject},
		"integer plainly":     {`{"status":"x","count":2.0}`, `{"status":"x","count":2}`, Reject},
		"integer, scientific": {`{"status":"x","count":12e2}`, `{"status":"x","count":1200}`, Reject},
		"no integer":          {`{"status":"x","count":2.5}`, `{"status":"x","count":2.5}`, Reject},
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

func TestUnknownFields(t *testing.T) {
	for name, c := range map[string]struct{ schema, value, want string }{
		"named":                   {`{"properties":{"a":{}}}`, `{"a":1,"b":1}`, "/b unknown_field: is not a known field"},
		"__proto__":               {`{"properties":{"a":{}}}`, `{"__proto__":{"isAdmin":true}}`, "/__proto__ unknown_field: is not a known field"},
		"deep in an array":        {`{"properties":{"a":{"items":{"properties":{"x":{}}}}}}`, `{"a":[{"x":1},{"y":1}]}`, "/a/1/y unknown_field: is not a known field"},
		"not fit to be told":      {`{"properties":{"a":{}}}`, `{"my secret":1}`, "unknown_field: has an unknown field"},
		"free form":               {`{"type":"object"}`, `{"x":{"y":1}}`, ""},
		"anything":                {`{}`, `{"x":1}`, ""},
		"true":                    {`true`, `{"x":1}`, ""},
		"stated additional":       {`{"properties":{"a":{}},"additionalProperties":true}`, `{"x":1}`, ""},
		"additional by schema":    {`{"properties":{"a":{}},"additionalProperties":{"properties":{"b":{}}}}`, `{"x":{"b":1},"y":{"c":1}}`, "/y/c unknown_field: is not a known field"},
		"unevaluated stated":      {`{"properties":{"a":{}},"unevaluatedProperties":true}`, `{"x":1}`, ""},
		"pattern":                 {`{"patternProperties":{"^x-":{}}}`, `{"x-a":1,"y":1}`, "/y unknown_field: is not a known field"},
		"allOf is a union":        {`{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, `{"a":1,"b":1,"c":1}`, "/c unknown_field: is not a known field"},
		"oneOf is a union":        {`{"oneOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}`, `{"a":1,"b":1,"c":1}`, "/c unknown_field: is not a known field"},
		"unions go down":          {`{"allOf":[{"properties":{"a":{"properties":{"x":{}}}}},{"properties":{"a":{"properties":{"y":{}}}}}]}`, `{"a":{"x":1,"y":1,"z":1}}`, "/a/z unknown_field: is not a known field"},
		"if and then":             {`{"properties":{"a":{}},"if":{"properties":{"a":{"const":1}}},"then":{"properties":{"b":{}}}}`, `{"a":1,"b":1,"c":1}`, "/c unknown_field: is not a known field"},
		"a recursive schema":      {`{"properties":{"next":{"$ref":"#"},"v":{}}}`, `{"v":1,"next":{"v":1,"next":{"w":1}}}`, "/next/next/w unknown_field: is not a known field"},
		"closed in the schema":    {`{"properties":{"a":{}},"additionalProperties":false}`, `{"b":1}`, "/b unknown_field: is not a known field"},
		"closed, with nothing":    {`{"additionalProperties":false}`, `{"b":1}`, "/b unknown_field: is not a known field"},
		"a text of the contract":  {`{"properties":{"a":{}},"x-gatehouse":{"texts":{"unknown_field":"Leave it out"}}}`, `{"b":1}`, "/b unknown_field: Leave it out"},
		"prefixItems, then items": {`{"prefixItems":[{"properties":{"a":{}}}],"items":{"properties":{"b":{}}}}`, `[{"a":1},{"b":1},{"a":1}]`, "/2/a unknown_field: is not a known field"},
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
	forged := value(t, `{"id":1,"name":"a","password":"b"}`)
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
