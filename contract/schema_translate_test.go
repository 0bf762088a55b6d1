package contract

import (
	"encoding/json"
	"reflect"
	"strings"
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
		"anchors of 2020-12":       {`{"S":{"$anchor":"x","type":"string"},"T":{"$anchor":"x"},"U":{"$dynamicAnchor":"x"}}`, []string{`"a"`}, []string{`1`}},
		"references of 2020-12":    {`{"S":{"$dynamicRef":"#nowhere","$recursiveRef":"nowhere","$recursiveAnchor":1,"$vocabulary":1,"type":"string"}}`, []string{`"a"`}, []string{`1`}},
		"a limit as in 2020-12":    {`{"S":{"exclusiveMinimum":5}}`, []string{`6`}, []string{`5`}},
		"not":                      {`{"S":{"not":{"type":"string","nullable":true}}}`, []string{`1`}, []string{`null`}},
		"a list at the target":     {`{"S":{"$ref":"#/x-defs/0/1"}},"x":{}},"x-defs":[["",{"type":"string","nullable":true}]],"y":{"z":{}`, []string{`null`}, []string{`1`}},
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

// TestTranslationTouchesSchemasAlone: wherever the document has one, and nothing
// that only looks like one.
func TestTranslationTouchesSchemasAlone(t *testing.T) {
	const old, translated = `{"type":"string","nullable":true}`, `{"type":["string","null"],"nullable":true}`
	for place, schema := range map[string]bool{
		`{"components":{"schemas":{"A":HERE}}}`:                                                                           true,
		`{"components":{"schemas":{"A":{"properties":{"x":{"items":HERE}}}}}}`:                                            true,
		`{"components":{"schemas":{"A":{"enum":[HERE]}}}}`:                                                                false,
		`{"components":{"schemas":{"A":{"default":HERE,"example":HERE}}}}`:                                                false,
		`{"components":{"parameters":{"P":{"schema":HERE}}}}`:                                                             true,
		`{"components":{"parameters":{"schema":{"schema":HERE}}}}`:                                                        true,
		`{"components":{"parameters":{"example":{"content":{"application/json":{"schema":HERE}}}}}}`:                      true,
		`{"components":{"requestBodies":{"example":{"content":{"x/y":{"schema":HERE}}}}}}`:                                true,
		`{"components":{"responses":{"examples":{"headers":{"schema":{"schema":HERE}}}}}}`:                                true,
		`{"components":{"callbacks":{"schema":{"{$url}":{"post":{"requestBody":{"content":{"x/y":{"schema":HERE}}}}}}}}}`: true,
		`{"components":{"examples":{"a":{"schema":HERE}}}}`:                                                               false,
		`{"components":{"parameters":{"P":{"example":{"schema":HERE}}}}}`:                                                 false,
		`{"components":{"parameters":{"P":{"$ref":"#/x-parameters/P"}}},"x-parameters":{"P":{"schema":HERE}}}`:            true,
		`{"components":{"parameters":{"P":{"$ref":"#/components/parameters/P"}},"schemas":{"A":HERE}}}`:                   true,
		`{"components":{"x-schemas":{"A":HERE}}}`:                                                                         false,
		`{"paths":{"/a":{"get":{"parameters":[{},{"schema":HERE}]}}}}`:                                                    true,
		`{"paths":{"/a~/b":{"post":{"requestBody":{"content":{"application/json":{"schema":HERE}}}}}}}`:                   true,
		`{"paths":{"/a":{"get":{"x-gatehouse-websocket":{"receive":{"ping":HERE}}}}}}`:                                    true,
		`{"paths":{"/a":{"get":{"x-gatehouse-websocket":{"send":{"pong":HERE}}}}}}`:                                       true,
		`{"paths":{"/a":{"get":{"x-gatehouse-websocket":{"other":{"pong":HERE}}}}}}`:                                      false,
		`{"paths":{"/a":{"get":{"x-other":{"receive":{"ping":HERE},"send":{"pong":HERE}}}}}}`:                             false,
		`{"paths":{"/a":{"get":{"example":{"schema":HERE}}}}}`:                                                            false,
		`{"paths":{"/a":{"get":{"examples":{"one":{"value":{"schema":HERE}}}}}}}`:                                         false,
		`{"x-gatehouse":{"schema":HERE}}`:                                                                                 false,
		`{"components":{"schemas":{"A":{"$ref":"#A"}}},"A":HERE,"type":"string","nullable":true}`:                         false,
	} {
		want := old
		if schema {
			want = translated
		}
		doc := value(t, strings.ReplaceAll(place, "HERE", old)).(map[string]any)
		if got := translate30(doc); !reflect.DeepEqual(got, value(t, strings.ReplaceAll(place, "HERE", want))) {
			t.Errorf("%s: %v", place, got)
		}
	}
}

// TestBinaryOf30IsAFile: in a form of parts; a text of another format is none (OAS
// 3.0.3, Considerations for File Uploads).
func TestBinaryOf30IsAFile(t *testing.T) {
	doc := value(t, `{"components":{"requestBodies":{"B":{"content":{"multipart/form-data":{"schema":{"type":"object","properties":{
		"a":{"type":"string","format":"binary"},"b":{"type":"string","format":"byte"}}}}}}}}}`)
	body, err := newCompiler("test", doc.(map[string]any), true).body("/components/requestBodies/B")
	if err != nil {
		t.Fatal(err)
	}
	form := body.Content["multipart/form-data"]
	if !form.Part("a").File || form.Part("b").File {
		t.Errorf("a is %+v, b is %+v", form.Part("a"), form.Part("b"))
	}
}

// TestTranslatedLimitsAreToldOnce: the limit that became an exclusive one is gone.
func TestTranslatedLimitsAreToldOnce(t *testing.T) {
	s := compile30(t, `{"S":{"minimum":1,"exclusiveMinimum":true,"maximum":9,"exclusiveMaximum":false}}`)
	if got := brief(s.Validate(value(t, `0`))); got != "exclusiveMinimum: must be greater than 1" {
		t.Error(got)
	}
	if got := brief(s.Validate(value(t, `10`))); got != "maximum: must be at most 9" {
		t.Error(got)
	}
}

func TestLookUp(t *testing.T) {
	doc := value(t, `{"a":[{"b":1},{"b/~":2}],"":3}`)
	for pointer, want := range map[string]any{
		"": doc, "/a/0/b": json.Number("1"), "/a/1/b~1~0": json.Number("2"), "/": json.Number("3"),
		"/a/2": nil, "/a/-1": nil, "/a/x": nil, "/a/": nil, "/b": nil, "/a/0/b/c": nil, "a": nil, "\x00": nil,
	} {
		if got := lookUp(doc, pointer); !reflect.DeepEqual(got, want) {
			t.Errorf("%q leads to %v", pointer, got)
		}
	}
}
