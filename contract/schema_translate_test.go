package contract

import (
	"reflect"
	"testing"
)

// compile30 compiles components/schemas/S of a 3.0 document.
func compile30(t *testing.T, schemas string) *Schema {
	t.Helper()
	doc := value(t, `{"openapi":"3.0.3","components":{"schemas":`+schemas+`}}`).(map[string]any)
	before := copyTree(doc)
	s, err := newCompiler("test", doc, true).compile("/components/schemas/S", anyWay)
	if err != nil {
		t.Fatalf("%s: %v", schemas, err)
	}
	if !reflect.DeepEqual(doc, before) {
		t.Errorf("%s: the document itself was changed", schemas)
	}
	return s
}

func TestTranslation30(t *testing.T) {
	for name, c := range map[string]struct {
		schemas string
		yes, no []string
	}{
		"nullable":                 {`{"S":{"type":"string","nullable":true}}`, []string{`null`, `"a"`}, []string{`1`}},
		"not nullable":             {`{"S":{"type":"string","nullable":false}}`, []string{`"a"`}, []string{`null`}},
		"nullable without a type":  {`{"S":{"nullable":true,"allOf":[{"$ref":"#/components/schemas/T"}]},"T":{"type":"string"}}`, []string{`"a"`}, []string{`null`}},
		"nullable, enum with null": {`{"S":{"type":"string","nullable":true,"enum":["a",null]}}`, []string{`null`, `"a"`}, []string{`"b"`}},
		"nullable, enum without":   {`{"S":{"type":"string","nullable":true,"enum":["a"]}}`, []string{`"a"`}, []string{`null`}},
		"$ref has no siblings":     {`{"S":{"$ref":"#/components/schemas/T","maxLength":1,"nullable":true},"T":{"type":"string"}}`, []string{`"long"`}, []string{`null`}},
		"exclusiveMinimum":         {`{"S":{"type":"integer","minimum":1,"exclusiveMinimum":true}}`, []string{`2`}, []string{`1`}},
		"exclusiveMinimum false":   {`{"S":{"type":"integer","minimum":1,"exclusiveMinimum":false}}`, []string{`1`}, []string{`0`}},
		"exclusiveMaximum":         {`{"S":{"type":"integer","maximum":3,"exclusiveMaximum":true}}`, []string{`2`}, []string{`3`}},
		"exclusive without limit":  {`{"S":{"type":"integer","exclusiveMaximum":true}}`, []string{`3`}, nil},
		"example":                  {`{"S":{"type":"string","example":5}}`, []string{`"a"`}, []string{`5`}},
		"byte":                     {`{"S":{"type":"string","format":"byte"}}`, []string{`"aGk="`}, []string{`"%"`}},
		"binary":                   {`{"S":{"type":"string","format":"binary"}}`, []string{`"%"`}, []string{`1`}},
		"discriminator":            {`{"S":{"oneOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/B"}],"discriminator":{"propertyName":"k"}},"A":{"required":["a"]},"B":{"required":["b"]}}`, []string{`{"a":1}`}, []string{`{}`, `{"a":1,"b":1}`}},
		"within items":             {`{"S":{"type":"array","items":{"type":"string","nullable":true}}}`, []string{`[null]`}, []string{`[1]`}},
		"within properties":        {`{"S":{"properties":{"nullable":{"type":"string","nullable":true}}}}`, []string{`{"nullable":null}`}, []string{`{"nullable":1}`}},
		"within additional":        {`{"S":{"additionalProperties":{"type":"string","nullable":true}}}`, []string{`{"a":null}`}, []string{`{"a":1}`}},
		"within anyOf":             {`{"S":{"anyOf":[{"type":"string","nullable":true}]}}`, []string{`null`}, []string{`1`}},
		"an enum of booleans":      {`{"S":{"enum":[{"nullable":true}]}}`, []string{`{"nullable":true}`}, []string{`{}`}},
		"a default stays":          {`{"S":{"type":"object","default":{"nullable":true}}}`, []string{`{}`}, nil},
		"keywords of 2020-12":      {`{"S":{"$id":"http://a/b","$schema":"http://json-schema.org/draft-04/schema#","const":"ping"}}`, []string{`"ping"`}, []string{`"pong"`}},
		"a target outside of it":   {`{"S":{"$ref":"#/x-defs/T"}},"x":{}},"x-defs":{"T":{"type":"string","nullable":true}},"y":{"z":{}`, []string{`null`}, []string{`1`}},
		"a schema calling itself":  {`{"S":{"type":"object","nullable":true,"properties":{"next":{"$ref":"#/components/schemas/S"}}}}`, []string{`{"next":{"next":null}}`}, []string{`{"next":1}`}},
	} {
		s := compile30(t, c.schemas)
		for _, v := range c.yes {
			if f := s.Validate(value(t, v)); f != nil {
				t.Errorf("%s: %s is refused: %s", name, v, brief(f))
			}
		}
		for _, v := range c.no {
			if f := s.Validate(value(t, v)); f == nil {
				t.Errorf("%s: %s passes", name, v)
			}
		}
	}
}

// TestNewKeywordsStayIn31: what is translated in 3.0 is left as it is in 3.1.
func TestNewKeywordsStayIn31(t *testing.T) {
	doc := value(t, `{"openapi":"3.1.0","components":{"schemas":{"S":{"$ref":"#/components/schemas/T","maxLength":1},"T":{"type":["string","null"],"nullable":true}}}}`)
	s, err := newCompiler("test", doc.(map[string]any), false).compile("/components/schemas/S", anyWay)
	if err != nil {
		t.Fatal(err)
	}
	if f := s.Validate(value(t, `"long"`)); brief(f) != "maxLength: must be at most 1 character" {
		t.Errorf("a sibling of $ref: %q", brief(f))
	}
	if f := s.Validate(nil); f != nil {
		t.Errorf("null: %s", brief(f))
	}
}

// TestStatementsBesideARef30: x-gatehouse is no keyword, and counts beside $ref.
func TestStatementsBesideARef30(t *testing.T) {
	s := compile30(t, `{"S":{"$ref":"#/components/schemas/T","x-gatehouse":{"trim":true}},"T":{"type":"string"}}`)
	if v, _, _ := s.Prepare(" a ", Reject); v != "a" {
		t.Errorf("%q", v)
	}
}
