package contract

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// TestReadOnlyInUnions: a member that is read-only wherever a branch names it does
// not pass, and one that is write-only wherever it is named does not leave (OAS 3.1
// §4.8.24, readOnly and writeOnly).
func TestReadOnlyInUnions(t *testing.T) {
	const (
		cat   = `{"type":"object","properties":{"kind":{"const":"cat"},"id":{"type":"integer","ONLY":true}}}`
		dog   = `{"type":"object","properties":{"kind":{"const":"dog"},"id":{"type":"string","ONLY":true}}}`
		fish  = `{"type":"object","properties":{"kind":{"const":"fish"}}}`
		cow   = `{"type":"object","properties":{"kind":{"const":"cow"},"id":{"type":"integer"}}}`
		based = `{"allOf":[{"properties":{"id":{"ONLY":true}}},{"properties":{"kind":{"const":"cat"},"id":{"type":"integer"}}}]}`
	)
	for schema, oneWay := range map[string]bool{
		`{"oneOf":[` + cat + `,` + dog + `]}`:                                                                                  true,
		`{"anyOf":[` + cat + `,` + dog + `]}`:                                                                                  true,
		`{"oneOf":[` + cat + `,` + dog + `,{"type":"null"}]}`:                                                                  true,
		`{"oneOf":[` + cat + `,` + fish + `]}`:                                                                                 true,
		`{"oneOf":[` + based + `,` + dog + `]}`:                                                                                true,
		`{"oneOf":[{"anyOf":[` + cat + `,` + fish + `]},` + dog + `]}`:                                                         true,
		`{"allOf":[{"oneOf":[` + cat + `,` + dog + `]}],"properties":{"x":{}}}`:                                                true,
		`{"if":{"required":["kind"]},"then":` + cat + `,"else":` + dog + `}`:                                                   true,
		`{"if":{"required":["kind"]},"then":` + cat + `}`:                                                                      true,
		`{"dependentSchemas":{"id":` + cat + `}}`:                                                                              true,
		`{"properties":{"id":{"oneOf":[{"type":"integer","ONLY":true},{"type":"string","ONLY":true}]}}}`:                       true,
		`{"properties":{"id":{"oneOf":[{"type":"integer","ONLY":true},{"type":"null"}]}}}`:                                     true,
		`{"$defs":{"Id":{"ONLY":true}},"properties":{"id":{"allOf":[{"$ref":"#/$defs/Id"}]}}}`:                                 true,
		`{"$dynamicRef":"#t","$defs":{"T":{"$dynamicAnchor":"t","oneOf":[` + cat + `,` + dog + `]}}}`:                          true,
		`{"oneOf":[` + cat + `,` + cow + `]}`:                                                                                  false,
		`{"oneOf":[` + cat + `,` + dog + `],"properties":{"id":{}}}`:                                                           true,
		`{"oneOf":[` + cat + `,` + fish + `],"properties":{"id":{}}}`:                                                          false,
		`{"if":{"required":["kind"]},"else":` + cat + `}`:                                                                      true,
		`{"$dynamicAnchor":"a","$dynamicRef":"#a","properties":{"id":{"ONLY":true}}}`:                                          true,
		`{"anyOf":[{"$dynamicAnchor":"a","$dynamicRef":"#a","properties":{"id":{"ONLY":true}}},{}]}`:                           true,
		`{"properties":{"id":{"$dynamicAnchor":"a","$dynamicRef":"#a","oneOf":[{"ONLY":true},{"ONLY":true}]}}}`:                true,
		`{"properties":{"id":{"oneOf":[{"type":"integer","ONLY":true},{"type":"string"}]}}}`:                                   false,
		`{"if":{"properties":{"id":{"ONLY":true}}},"then":{"required":["kind"]}}`:                                              false,
		`{"$dynamicAnchor":"a","$dynamicRef":"#a","if":{"properties":{"id":{"ONLY":true}}},"then":{"required":["kind"]}}`:      false,
		`{"oneOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/A"}],"properties":{"id":{}},"$defs":{"A":` + cat + `}}`:               true,
		`{"properties":{"id":{"if":{"type":"integer"},"then":{"ONLY":true}}}}`:                                                 false,
		`{"if":{"required":["kind"]},"then":` + cat + `,"else":` + cow + `}`:                                                   false,
		`{"not":` + cat + `,"properties":{"id":{}}}`:                                                                           false,
		`{"oneOf":[{"properties":{"id":{"properties":{"id":{"ONLY":true}}}}},{"properties":{"id":{"properties":{"id":{}}}}}]}`: false,
	} {
		travelsOneWay(t, schema, oneWay)
	}
	for schema, oneWay := range map[string]bool{
		`{"oneOf":[{"properties":{"pet":` + cat + `}},{"properties":{"pet":` + dog + `}}]}`: true,
		`{"oneOf":[{"properties":{"pet":` + cat + `}},{"properties":{"pet":` + cow + `}}]}`: false,
		`{"allOf":[{"properties":{"pet":` + cat + `}},{"properties":{"pet":` + cow + `}}]}`: true,
	} {
		s := schemaFor(t, strings.ReplaceAll(schema, "ONLY", "readOnly"), request)
		if _, _, unknown := s.Prepare(value(t, `{"pet":{"id":1}}`), Reject); (brief(unknown) == "/pet/id readOnly: is set by the server and must not be sent") != oneWay {
			t.Errorf("%s, a member of a member: %s", schema, brief(unknown))
		}
	}
}

// travelsOneWay checks whether a schema keeps the member id, marked by ONLY, from
// being sent when it is read-only, and from being shown when it is write-only.
func travelsOneWay(t *testing.T, schema string, oneWay bool) {
	t.Helper()
	in := schemaFor(t, strings.ReplaceAll(schema, "ONLY", "readOnly"), request)
	v := value(t, `{"id":1}`)
	if _, _, unknown := in.Prepare(v, Reject); (brief(unknown) == "/id readOnly: is set by the server and must not be sent") != oneWay {
		t.Errorf("%s, sent: %s", schema, brief(unknown))
	}
	if stripped, _, _ := in.Prepare(v, Strip); (len(stripped.(map[string]any)) == 0) != oneWay {
		t.Errorf("%s, stripped: %v", schema, stripped)
	}
	out := schemaFor(t, strings.ReplaceAll(schema, "ONLY", "writeOnly"), answer)
	if _, _, unknown := out.Prepare(v, Reject); (brief(unknown) == "/id writeOnly: must not be shown") != oneWay {
		t.Errorf("%s, shown: %s", schema, brief(unknown))
	}
}

// TestReadOnlyWithoutAName: what patterns and additionalProperties say of the
// members that they are about counts as what properties say.
func TestReadOnlyWithoutAName(t *testing.T) {
	for schema, oneWay := range map[string]bool{
		`{"patternProperties":{"^id$":{"ONLY":true}},"properties":{"id":{}}}`:                                                                                          true,
		`{"patternProperties":{"^id$":{"ONLY":true}}}`:                                                                                                                 true,
		`{"patternProperties":{"^id$":{"ONLY":true},"^i":{}}}`:                                                                                                         true,
		`{"patternProperties":{"^id$":{},"^i":{},"^x":{}}}`:                                                                                                            false,
		`{"patternProperties":{"^x":{"ONLY":true}},"additionalProperties":{}}`:                                                                                         false,
		`{"patternProperties":{"^x":{}},"additionalProperties":{"ONLY":true}}`:                                                                                         true,
		`{"additionalProperties":{"ONLY":true}}`:                                                                                                                       true,
		`{"additionalProperties":{"ONLY":true},"properties":{"id":{}}}`:                                                                                                false,
		`{"allOf":[{"patternProperties":{"^i":{}}}],"unevaluatedProperties":{"ONLY":true}}`:                                                                            false,
		`{"patternProperties":{"^i":{}},"unevaluatedProperties":{"ONLY":true}}`:                                                                                        false,
		`{"allOf":[{"patternProperties":{"^x":{}}}],"unevaluatedProperties":{"ONLY":true}}`:                                                                            true,
		`{"unevaluatedProperties":{"ONLY":true}}`:                                                                                                                      true,
		`{"allOf":[{"additionalProperties":{"ONLY":true}},{"properties":{"id":{}}}]}`:                                                                                  true,
		`{"allOf":[{"additionalProperties":{"ONLY":true}},{"patternProperties":{"^id$":{}}}]}`:                                                                         true,
		`{"allOf":[{"additionalProperties":{"allOf":[{"ONLY":true}]}},{"additionalProperties":{}}]}`:                                                                   true,
		`{"oneOf":[{"patternProperties":{"^i":{"ONLY":true}}},{"patternProperties":{"^i":{"ONLY":true},"^x":{}}}]}`:                                                    true,
		`{"oneOf":[{"patternProperties":{"^i":{"ONLY":true}}},{"patternProperties":{"^i":{}}}]}`:                                                                       false,
		`{"oneOf":[{"additionalProperties":{"ONLY":true}},{"additionalProperties":{"ONLY":true}}]}`:                                                                    true,
		`{"oneOf":[{"additionalProperties":{"ONLY":true}},{"additionalProperties":{}}]}`:                                                                               false,
		`{"oneOf":[{"patternProperties":{"^i":{"ONLY":true}}},{"properties":{"x":{}}}]}`:                                                                               true,
		`{"oneOf":[{"patternProperties":{"^i":{"ONLY":true}}},{"patternProperties":{"^x":{}}}]}`:                                                                       true,
		`{"allOf":[{"properties":{"id":{}},"additionalProperties":{"ONLY":true}},{"properties":{"id":{"oneOf":[{"type":"integer","ONLY":true},{"type":"string"}]}}}]}`: false,
	} {
		travelsOneWay(t, schema, oneWay)
	}
}

// TestRequiredOfWhatDoesNotTravel: nobody is asked for a member that another
// schema beside it keeps for the server, or for a role; whoever else asks still
// does. What is never shown is not asked of an answer alike.
func TestRequiredOfWhatDoesNotTravel(t *testing.T) {
	const base = `"Base":{"type":"object","properties":{"id":{"readOnly":true},"rank":{"x-gatehouse":{"write_roles":["admin"]}},"name":{}}}`
	for schema, want := range map[string]string{
		`{"allOf":[{"$ref":"#/$defs/Base"},{"required":["id","rank","name"]}]`:                                                   "/name required: is required",
		`{"allOf":[{"required":["id"]}],"$ref":"#/$defs/Base","required":["name"]`:                                               "/name required: is required",
		`{"properties":{"id":{"allOf":[{"$ref":"#/$defs/Base/properties/id"}]}},"required":["id"]`:                               "",
		`{"oneOf":[{"$ref":"#/$defs/Base","required":["id","kind"],"properties":{"kind":{}}},{"type":"string"}]`:                 "/kind required: is required",
		`{"oneOf":[{"allOf":[{"$ref":"#/$defs/Base"},{"required":["id","name"]}]},{"type":"string"}]`:                            "/name required: is required",
		`{"$ref":"#/$defs/Base","oneOf":[{"required":["id"]},{"required":["name"]}]`:                                             "oneOf: fits none of the allowed forms",
		`{"$ref":"#/$defs/Base","unevaluatedProperties":false,"allOf":[{"required":["id"]}]`:                                     "",
		`{"properties":{"u":{"$ref":"#/$defs/Base"}},"allOf":[{"properties":{"u":{"required":["id"]}}}],"required":["u"]`:        "/u required: is required",
		`{"oneOf":[{"properties":{"id":{"readOnly":true}},"required":["id"]},{"properties":{"id":{}},"required":["id","name"]}]`: "",
		`{"patternProperties":{"^id$":{"readOnly":true}},"required":["id","ids"]`:                                                "/ids required: is required",
		`{"not":{"properties":{"id":{"readOnly":true}},"required":["id"]}`:                                                       "",
	} {
		schema += `,"$defs":{` + base + `}}`
		for way, text := range map[direction]string{request: schema, answer: strings.NewReplacer("readOnly", "writeOnly", "write_roles", "read_roles").Replace(schema)} {
			if got := brief(schemaFor(t, text, way).Validate(value(t, `{}`))); got != want {
				t.Errorf("%s: %s, want %s", text, got, want)
			}
		}
	}
	inner := schemaFor(t, `{"properties":{"u":{"$ref":"#/$defs/Base"}},"allOf":[{"properties":{"u":{"required":["id","x"]}}}],"$defs":{`+base+`}}`, request)
	if got := brief(inner.Validate(value(t, `{"u":{}}`))); got != "/u/x required: is required" {
		t.Errorf("in a member: %s", got)
	}
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		c := newCompiler("test", value(t, `{"Asks":{"required":["id"]},`+base+`,
			"a":{"allOf":[{"$ref":"#/Base"},{"$ref":"#/Asks"}]},"b":{"allOf":[{"properties":{"id":{}}},{"$ref":"#/Asks"}]}}`).(map[string]any), false)
		compiled := map[string]*Schema{}
		for _, name := range order {
			s, err := c.compile("/"+name, request)
			if err != nil {
				t.Fatal(err)
			}
			if compiled[name] = s; order[0] == "a" && name == "a" && s.Validate(value(t, `{}`)) != nil {
				t.Error("it is asked for where it does not travel")
			}
		}
		if got := brief(compiled["b"].Validate(value(t, `{}`))); got != "/id required: is required" {
			t.Errorf("%s, where it does travel: %q", order, got)
		}
	}
	c := newCompiler("test", value(t, `{"s":{"properties":{"u":{"required":["id"]}},"allOf":[{"properties":{"u":{"properties":{"id":{"readOnly":true}}}}}]},
		"b":{"content":{"multipart/form-data":{"schema":{"$ref":"#/s"}}}}}`).(map[string]any), false)
	if _, err := c.body("/b"); err != nil {
		t.Fatal(err)
	}
	if s, err := c.compile("/s", request); err != nil || s.Validate(value(t, `{"u":{}}`)) != nil {
		t.Errorf("a field of a form is a schema by itself, and asks for more: %v", err)
	}
	if s := schemaFor(t, `{"oneOf":[{"required":["id"]},{"required":["name"]}],"$ref":"#/$defs/Base","$defs":{`+base+`}}`, request); s.Validate(value(t, `{"name":"a"}`)) != nil {
		t.Error("a branch that asks for the id alone fits everything")
	}
}

// TestRolesOfOnePattern: they are for the members that the pattern names, and for
// no others.
func TestRolesOfOnePattern(t *testing.T) {
	const admins = `"x-gatehouse":{"write_roles":["admin"]}`
	for _, c := range []struct{ schema, body, refused string }{
		{`{"patternProperties":{"^a_":{` + admins + `}},"additionalProperties":{"type":"string"}}`, `{"b":"x"}`, ""},
		{`{"patternProperties":{"^a_":{` + admins + `}},"additionalProperties":{"type":"string"}}`, `{"a_":"x"}`, "/a_"},
		{`{"patternProperties":{"^a_":{}},"additionalProperties":{` + admins + `}}`, `{"a_":"x"}`, ""},
		{`{"patternProperties":{"^a_":{}},"additionalProperties":{` + admins + `}}`, `{"b":"x"}`, "/b"},
		{`{"patternProperties":{"^a":{}},"unevaluatedProperties":{` + admins + `}}`, `{"a":"x"}`, ""},
		{`{"allOf":[{"patternProperties":{"^a":{}}},{"unevaluatedProperties":{` + admins + `}}]}`, `{"a":"x"}`, "/a"},
		{`{"patternProperties":{"^a_":{` + admins + `},"^b_":{}}}`, `{"b_":"x"}`, ""},
		{`{"patternProperties":{"^a":{` + admins + `},"b$":{}}}`, `{"ab":"x"}`, "/ab"},
		{`{"allOf":[{"patternProperties":{"^a":{}}},{"additionalProperties":{` + admins + `}}]}`, `{"a":"x"}`, "/a"},
		{`{"allOf":[{"patternProperties":{"^a":{}}},{"patternProperties":{"b$":{}},"additionalProperties":{` + admins + `}}]}`, `{"ab":"x"}`, "/ab"},
	} {
		op := &Operation{Body: bodyOf(t, `{"application/json":{"schema":`+c.schema+`}}`, true)}
		want := ""
		if c.refused != "" {
			want = "FORBIDDEN " + c.refused + " write_role: may not be set with your role"
		}
		if _, err := op.Decode("guest", "application/json", []byte(c.body)); formRefusal(err) != want {
			t.Errorf("%s, %s: %s, want %s", c.schema, c.body, formRefusal(err), want)
		}
	}
}

// TestRolesOfAPlace: an item whose place in a list is some roles' is not taken from
// others and not shown to them; the items after it keep their places.
func TestRolesOfAPlace(t *testing.T) {
	const tuple = `{"type":"array","prefixItems":[{},{"properties":{"secret":{"writeOnly":true}},"x-gatehouse":{"write_roles":["admin"],"read_roles":["admin"]}},{}],"items":ITEMS}`
	const roled = `{"x-gatehouse":{"write_roles":["admin"],"read_roles":["admin"]}}`
	for _, c := range []struct{ items, list, refused, shown string }{
		{`false`, `["a",5,"c"]`, "FORBIDDEN /1 write_role: may not be set with your role", `["a",null,"c"]`},
		{`false`, `["a"]`, "", `["a"]`},
		{`false`, `["a",{"secret":1},"c"]`, "FORBIDDEN /1 write_role: may not be set with your role", `["a",null,"c"]`},
		{roled, `["a"]`, "", `["a"]`},
		{roled, `["a",1,"c",4,5]`, "FORBIDDEN write_role: may not be set with your role, /1 write_role: may not be set with your role", `["a",null,"c"]`},
		{`{}`, `["a",1,"c",4,5]`, "FORBIDDEN /1 write_role: may not be set with your role", `["a",null,"c",4,5]`},
	} {
		schema := strings.Replace(tuple, "ITEMS", c.items, 1)
		op := &Operation{Body: bodyOf(t, `{"application/json":{"schema":`+schema+`}}`, true)}
		if _, err := op.Decode("guest", "application/json", []byte(c.list)); formRefusal(err) != c.refused {
			t.Errorf("%s is taken: %s, want %s", c.list, formRefusal(err), c.refused)
		}
		if _, err := op.Decode("admin", "application/json", []byte(c.list)); err != nil && c.items != "false" {
			t.Errorf("%s of an admin: %s", c.list, refusal(err))
		}
		op.Responses = map[string]*Response{"200": {Content: map[string]*Schema{"application/json": schemaFor(t, schema, answer)}}}
		sent := value(t, c.list)
		guest := preparer{policy: Strip, way: answer, role: "guest"}
		if out, _ := guest.whole(op.Responses["200"].Content["application/json"].shape, sent); !reflect.DeepEqual(out, value(t, c.shown)) {
			t.Errorf("%s is shown as %v, want %s", c.list, out, c.shown)
		}
		out, err := op.FilterAnswer("guest", 200, "application/json", []byte(c.list))
		if string(out) != c.shown || err != nil {
			t.Errorf("%s is shown as %s %v, want %s", c.list, out, err, c.shown)
		}
		if left, _ := strictjson.Marshal(sent); string(left) != c.list {
			t.Errorf("the list itself became %s", left)
		}
		if out, err := op.FilterAnswer("admin", 200, "application/json", []byte(c.list)); string(out) != c.list || err != nil {
			t.Errorf("%s is shown to an admin as %s %v", c.list, out, err)
		}
	}
}

// TestSchemasThatCombineWithoutEnd: n schemas that refer to each other have two to
// the n ways to apply together. That is told, and does not take the time.
func TestSchemasThatCombineWithoutEnd(t *testing.T) {
	document := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"S0":{"properties":{"x":{"$ref":"#/S0"},"y":{"anyOf":[{"$ref":"#/S0"},{"$ref":"#/S1"}]}}}`)
		for i := 1; i < n; i++ {
			fmt.Fprintf(&b, `,"S%d":{"properties":{"x":{"$ref":"#/S%d"},"y":{"$ref":"#/S%d"}}}`, i, i+1, i+1)
		}
		fmt.Fprintf(&b, `,"S%d":{"properties":{"z":{}}}}`, n)
		return b.String()
	}
	two := compiler{ids: map[*node]int{{}: 0, {}: 1}, entries: maxEntries + 2*maxShare}
	if two.tangled() {
		t.Error("two schemas in as many places as two may stand in")
	}
	if two.entries++; !two.tangled() {
		t.Error("two schemas in more places")
	}
	one := newSchemaCompiler("test", contractLibrary, documentURL, value(t, `{"type":"string"}`))
	if _, err := one.compile("", request); err != nil || one.entries != 1 {
		t.Errorf("a schema alone stands in %d places: %v", one.entries, err)
	}
	compile := func(n int) error {
		_, err := newCompiler("test", value(t, document(n)).(map[string]any), false).compile("/S0", request)
		return err
	}
	if err := compile(8); err != nil {
		t.Errorf("few schemas: %v", err)
	}
	began := time.Now()
	if err := compile(40); err == nil || !strings.HasPrefix(err.Error(), "/S0: schemas that combine in too many ways: ") {
		t.Errorf("many schemas: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
