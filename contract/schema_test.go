package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// value decodes JSON for a test.
func value(tb testing.TB, text string) any {
	tb.Helper()
	v, err := strictjson.Decode([]byte(text))
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return v
}

// brief writes faults as "pointer code: message" lines.
func brief(fields []problem.Field) string {
	var lines []string
	for _, f := range fields {
		lines = append(lines, strings.TrimSpace(f.Pointer+" "+f.Code+": "+f.Message))
	}
	return strings.Join(lines, "\n")
}

// elsewise are the rows of checkFaults of which the library, which evaluates what
// states unevaluated…, tells more, less or elsewhere.
var elsewise = map[string]string{
	"repeated item":                  "uniqueItems: must not hold the same item twice",
	"repeated and of the wrong type": "uniqueItems: must not hold the same item twice\n/0 type: must be an integer\n/1 type: must be an integer",
	"too many items":                 "maxItems: must have at most 1 item\n/0 type: must be an integer\n/1 type: must be an integer",
	"too many fields, no other":      "maxProperties: must have at most 1 field\n/c required: is required",
	"too short, nothing else":        "format: must be an email address",
	"too long, nothing else":         "format: must be an email address",
	"pattern and format":             "format: must be an email address",
}

// checkFaults holds what is told of values against what should be: the lines that
// brief makes, by the walk and by the library.
func checkFaults(t *testing.T, rows map[string]struct{ schema, value, want string }) {
	t.Helper()
	for name, c := range rows {
		if got := brief(mustSchema(t, c.schema).Validate(value(t, c.value))); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
		want, differs := elsewise[name]
		if !differs {
			want = c.want
		}
		evaluated := c.schema
		if !strings.Contains(c.schema, "unevaluatedItems") {
			evaluated = strings.TrimSuffix(c.schema, "}") + `,"unevaluatedItems":true}`
		}
		if got := brief(mustSchema(t, evaluated).Validate(value(t, c.value))); got != want {
			t.Errorf("%s, by the library:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

func TestFaultsOfScalars(t *testing.T) {
	checkFaults(t, map[string]struct{ schema, value, want string }{
		"several types":           {`{"type":["string","null","integer"]}`, `true`, "type: must be a string, an integer or null"},
		"a fraction":              {`{"type":"integer"}`, `1.5`, "type: must be an integer"},
		"1.0 is an integer":       {`{"type":"integer"}`, `1.0`, ""},
		"1e2 is an integer":       {`{"type":"integer","maximum":100}`, `1e2`, ""},
		"exact beyond float64":    {`{"maximum":9007199254740992}`, `9007199254740993`, "maximum: must be at most 9007199254740992"},
		"exact below a bound":     {`{"minimum":1}`, `0.99999999999999999999`, "minimum: must be at least 1"},
		"exclusive bounds":        {`{"exclusiveMinimum":0,"exclusiveMaximum":1}`, `0`, "exclusiveMinimum: must be greater than 0"},
		"exclusive maximum":       {`{"exclusiveMaximum":1}`, `1.0`, "exclusiveMaximum: must be less than 1"},
		"multipleOf":              {`{"multipleOf":0.01}`, `1.005`, "multipleOf: must be a multiple of 0.01"},
		"multipleOf is exact":     {`{"multipleOf":0.01}`, `4.35`, ""},
		"length in characters":    {`{"maxLength":2}`, `"😀😀"`, ""},
		"too long":                {`{"maxLength":1}`, `"😀😀"`, "maxLength: must be at most 1 character"},
		"pattern":                 {`{"pattern":"^a+$"}`, `"b"`, "pattern: must match the pattern ^a+$"},
		"format":                  {`{"format":"date"}`, `"2026-02-30"`, "format: must be a date, such as 2026-05-01"},
		"int32":                   {`{"type":"integer","format":"int32"}`, `2147483648`, "format: must be an integer from -2147483648 to 2147483647"},
		"int64":                   {`{"type":"integer","format":"int64"}`, `9223372036854775808`, "format: must be an integer from -9223372036854775808 to 9223372036854775807"},
		"int64 as 1e19":           {`{"format":"int64"}`, `1e19`, "format: must be an integer from -9223372036854775808 to 9223372036854775807"},
		"int32 as 2.0":            {`{"format":"int32"}`, `2.0`, ""},
		"base64":                  {`{"format":"byte"}`, `"abc"`, "format: must be base64"},
		"const":                   {`{"const":"ping"}`, `"pong"`, "const: must be ping"},
		"const with blanks":       {`{"const":"a b"}`, `"pong"`, `const: must be "a b"`},
		"not":                     {`{"not":{"type":"string"}}`, `"x"`, "not: must not have this form"},
		"no character":            {`{"maxLength":0}`, `"a"`, "maxLength: must be at most 0 characters"},
		"too short, nothing else": {`{"minLength":1,"pattern":"^a","format":"email"}`, `""`, "minLength: must be at least 1 character"},
		"too long, nothing else":  {`{"maxLength":1,"pattern":"^a","format":"email"}`, `"bb"`, "maxLength: must be at most 1 character"},
		"pattern and format":      {`{"pattern":"^a","format":"email"}`, `"b"`, "format: must be an email address\npattern: must match the pattern ^a"},
	})
}

func TestFaultsOfMembersAndItems(t *testing.T) {
	checkFaults(t, map[string]struct{ schema, value, want string }{
		"a value that fits": {`{"type":"object","required":["a"]}`, `{"a":1}`, ``},
		"required points at the missing member": {
			`{"properties":{"interview":{"type":"object","required":["student","interviewer"]}},"required":["interview"]}`,
			`{"interview":{}}`,
			"/interview/interviewer required: is required\n/interview/student required: is required"},
		"all faults at once": {
			`{"properties":{"a":{"type":"string","minLength":1},"b":{"type":"integer"},"c":{"enum":["x","y"]}},"required":["d"]}`,
			`{"a":"","b":"1","c":"z"}`,
			"/a minLength: must be at least 1 character\n/b type: must be an integer\n/c enum: must be one of: x, y\n/d required: is required"},
		"items":                     {`{"items":{"type":"integer"}}`, `[1,"2",3,null]`, "/1 type: must be an integer\n/3 type: must be an integer"},
		"too many items":            {`{"maxItems":1,"items":{"type":"integer"}}`, `["a","b"]`, "maxItems: must have at most 1 item"},
		"repeated item":             {`{"uniqueItems":true}`, `[1,{"a":[1.0]},2,{"a":[1]}]`, "/3 uniqueItems: must not repeat an earlier item"},
		"too few fields":            {`{"minProperties":1}`, `{}`, "minProperties: must have at least 1 field"},
		"contains":                  {`{"contains":{"const":1},"maxContains":1}`, `[1,1]`, "maxContains: must have at most 1 item of the form that the contract names"},
		"closed object":             {`{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1,"isAdmin":true}`, "/isAdmin unknown_field: is not a known field"},
		"unevaluated member":        {`{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false}`, `{"a":1,"isAdmin":true}`, "/isAdmin unknown_field: is not a known field"},
		"member that is false":      {`{"properties":{"a":false}}`, `{"a":1}`, "/a not_allowed: must not be given"},
		"dependentRequired":         {`{"dependentRequired":{"card":["name"]}}`, `{"card":1}`, "/name dependentRequired: is required when card is given"},
		"propertyNames":             {`{"propertyNames":{"maxLength":3}}`, `{"long":1}`, "/long propertyNames: has a name that is not allowed here"},
		"if then else":              {`{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}`, `{"a":1}`, "/b required: is required"},
		"a name not fit to be told": {`{"properties":{"a/b":{"type":"string"}}}`, `{"a/b":1}`, "type: must be a string"},
		"after what the library told": {`{"properties":{"a":{"properties":{"x":{"type":"integer"}},"unevaluatedProperties":false},"b":{"type":"integer"}}}`, `{"a":{"x":""},"b":""}`,
			"/a/x type: must be an integer\n/b type: must be an integer"},
		"unevaluated item":            {`{"prefixItems":[{}],"unevaluatedItems":false}`, `[1,2]`, "/1 not_allowed: must not be given"},
		"items of a broken schema":    {`{"$ref":"#/$defs/A","unevaluatedItems":false,"$defs":{"A":{"prefixItems":[{"type":"integer"},{}]}}}`, `["a",1]`, "/0 type: must be an integer"},
		"a pattern of nothing else":   {`{"patternProperties":{"^x":{"type":"string"}}}`, `{"x":1,"y":1}`, "/x type: must be a string"},
		"additional members":          {`{"additionalProperties":{"type":"string"}}`, `{"x":1}`, "/x type: must be a string"},
		"closed, with nothing inside": {`{"additionalProperties":false}`, `{"x":1}`, "/x unknown_field: is not a known field"},
		"a name too long to be told":  {`{"additionalProperties":false}`, `{"` + strings.Repeat("x", 65) + `":1}`, "unknown_field: has an unknown field"},
		"the longest name told":       {`{"additionalProperties":false}`, `{"` + strings.Repeat("x", 64) + `":1}`, "/" + strings.Repeat("x", 64) + " unknown_field: is not a known field"},
		"a name never to be told":     {`{"propertyNames":{"maxLength":3}}`, `{"my secret":1}`, "propertyNames: has a field with a name that is not allowed here"},
		"no item":                     {`{"maxItems":0}`, `[1]`, "maxItems: must have at most 0 items"},
		"no field":                    {`{"maxProperties":0}`, `{"a":1}`, "maxProperties: must have at most 0 fields"},
		"too few items":               {`{"minItems":2}`, `[1]`, "minItems: must have at least 2 items"},
		"too many fields, no other":   {`{"maxProperties":1,"required":["c"]}`, `{"a":1,"b":1}`, "maxProperties: must have at most 1 field"},
		"repeated and of the wrong type": {`{"uniqueItems":true,"items":{"type":"integer"}}`, `["a","a"]`,
			"/0 type: must be an integer\n/1 type: must be an integer\n/1 uniqueItems: must not repeat an earlier item"},
		"nothing like it contained": {`{"contains":{"const":1}}`, `[2]`, "contains: must have at least 1 item of the form that the contract asks for"},
		"one like it contained":     {`{"contains":{"const":1}}`, `[2,1]`, ""},
		"two like it wanted":        {`{"contains":{"const":1},"minContains":2}`, `[2,1]`, "contains: must have at least 2 items of the form that the contract asks for"},
		"prefixItems":               {`{"prefixItems":[{"type":"integer"}],"items":{"type":"string"}}`, `["a",1]`, "/0 type: must be an integer\n/1 type: must be a string"},
		"dependentSchemas":          {`{"dependentSchemas":{"a":{"required":["b"]},"c":{"required":["d"]}}}`, `{"a":1}`, "/b required: is required"},
		"else":                      {`{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}`, `{}`, "/c required: is required"},
		"all of several": {`{"allOf":[{"required":["a"]},{"required":["b"]}],"anyOf":[{"required":["c"]}],"oneOf":[{"required":["d"]}],"not":{},"required":["e"]}`, `{}`,
			"not: must not have this form\n/a required: is required\n/b required: is required\n/c required: is required\n/d required: is required\n/e required: is required"},
		"a schema of another place": {`{"$ref":"#/$defs/A/unevaluatedProperties","unevaluatedItems":true,"$defs":{"A":{"unevaluatedProperties":false}}}`, `1`, "not_allowed: must not be given"},
	})
}

func TestBranchesAreCondensed(t *testing.T) {
	pets := `{"oneOf":[
		{"properties":{"kind":{"const":"cat"},"lives":{"type":"integer"}},"required":["kind","lives"]},
		{"properties":{"kind":{"const":"dog"},"name":{"type":"string"}},"required":["kind","name"]}]}`
	for name, c := range map[string]struct{ schema, value, want string }{
		"nullable object tells the object's faults": {
			`{"anyOf":[{"type":"object","required":["a"]},{"type":"null"}]}`, `{}`, "/a required: is required"},
		"nullable by reference": {
			`{"$defs":{"S":{"type":"string","maxLength":1}},"anyOf":[{"$ref":"#/$defs/S"},{"type":"null"}]}`, `"ab"`,
			"maxLength: must be at most 1 character"},
		"no branch has the type":         {`{"anyOf":[{"type":"string"},{"type":"null"}]}`, `1`, "type: must be a string or null"},
		"the branch that the tag names":  {pets, `{"kind":"dog"}`, "/name required: is required"},
		"no tag at all":                  {pets, `{}`, "oneOf: fits none of the allowed forms"},
		"two branches fit":               {`{"oneOf":[{"type":"integer"},{"minimum":0}]}`, `1`, "oneOf: fits more than one of the allowed forms and must fit exactly one"},
		"deep faults of the only branch": {`{"anyOf":[{"type":"null"},{"properties":{"a":{"items":{"type":"string"}}}}]}`, `{"a":[1]}`, "/a/0 type: must be a string"},
		"tagged by an enum":              {`{"anyOf":[{"properties":{"kind":{"enum":["cat"]}}},{"required":["name"]}]}`, `{"kind":"dog"}`, "/name required: is required"},
		"a constant further down":        {`{"anyOf":[{"properties":{"in":{"properties":{"kind":{"const":"cat"}}}}},{"required":["name"]}]}`, `{"in":{"kind":"dog"}}`, "anyOf: fits none of the allowed forms"},
		"none of the tags":               {`{"anyOf":[{"type":"string"},{"properties":{"kind":{"const":"cat"}}},{"properties":{"kind":{"const":"dog"}}}]}`, `{"kind":"cow"}`, "anyOf: fits none of the allowed forms"},
		"the tag of the only branch":     {`{"anyOf":[{"type":"null"},{"properties":{"kind":{"const":"cat"}}}]}`, `{"kind":"cow"}`, "/kind const: must be cat"},
		"types of branches in a branch":  {`{"anyOf":[{"anyOf":[{"type":"string"},{"type":"integer"}]},{"type":"null"}]}`, `{}`, "type: must be a string, an integer or null"},
		"a constant and a type":          {`{"anyOf":[{"const":1},{"type":"string"}]}`, `2`, "const: must be 1"},
		"in a member, and another fault": {`{"properties":{"a":{"oneOf":[{"type":"string"},{"type":"null"}]},"b":{"type":"null"}}}`, `{"a":1,"b":1}`, "/a type: must be a string or null\n/b type: must be null"},
	} {
		for _, schema := range []string{c.schema, strings.TrimSuffix(c.schema, "}") + `,"unevaluatedItems":true}`} {
			if got := brief(mustSchema(t, schema).Validate(value(t, c.value))); got != c.want {
				t.Errorf("%s, %s:\ngot  %s\nwant %s", name, schema, got, c.want)
			}
		}
	}
}

func TestContractsOwnTexts(t *testing.T) {
	const schema = `{
		"type":"object","minProperties":1,"required":["title"],"additionalProperties":false,
		"x-gatehouse":{"texts":{"minProperties":"At least one field must be provided for update","unknown_field":"No such field","type":"Send an object"}},
		"$defs":{"Short":{"type":"string","minLength":1,"maxLength":5,"x-gatehouse":{"texts":{"maxLength":"Too long","minLength":"Too short"}}}},
		"properties":{
			"title":{"$ref":"#/$defs/Short","x-gatehouse":{"texts":{"required":"Title is required"LONGER}}},
			"id":{"type":"string","format":"uuid","x-gatehouse":{"texts":{"format":"Invalid opportunity ID format","type":"Invalid opportunity ID format"}}},
			"note":{"anyOf":[{"type":"string","maxLength":2},{"type":"null"}],"x-gatehouse":{"texts":{"type":"Notes are text"SHORTER}}}
		}LIBRARY}`
	told := map[string]string{
		`[]`:                                    "type: Send an object",
		`{}`:                                    "minProperties: At least one field must be provided for update\n/title required: Title is required",
		`{"title":"abcdef"}`:                    "/title maxLength: Too long",
		`{"title":"a","note":1}`:                "/note type: Notes are text",
		`{"title":"a","note":"abc"}`:            "/note maxLength: must be at most 2 characters",
		`{"title":"a","id":"x","isAdmin":true}`: "/id format: Invalid opportunity ID format\n/isAdmin unknown_field: No such field",
		`{"title":"a","id":17}`:                 "/id type: Invalid opportunity ID format",
		`{"id":17,"title":null}`:                "/id type: Invalid opportunity ID format\n/title type: must be a string",
	}
	for _, library := range []string{"", `,"unevaluatedProperties":true`} {
		s := mustSchema(t, strings.NewReplacer("LONGER", "", "SHORTER", "", "LIBRARY", library).Replace(schema))
		for text, want := range told {
			if got := brief(s.Validate(value(t, text))); got != want {
				t.Errorf("%s%s:\ngot  %s\nwant %s", text, library, got, want)
			}
		}
	}
	// The property knows better than the schema it shares.
	s := mustSchema(t, strings.NewReplacer("LONGER", `,"minLength":"Title cannot be empty"`, "SHORTER", `,"maxLength":"Notes cannot exceed 2 characters"`, "LIBRARY", "").Replace(schema))
	if got := brief(s.Validate(value(t, `{"title":"","note":"abc"}`))); got != "/note maxLength: Notes cannot exceed 2 characters\n/title minLength: Title cannot be empty" {
		t.Errorf("the texts of the properties: %s", got)
	}
}

// TestPlaces holds how a fault says where it is: to people, and as RFC 6901 does.
func TestPlaces(t *testing.T) {
	s := mustSchema(t, `{"items":{"properties":{".a":{"items":{"type":"string"}},"my secret":{"type":"string"}}},"maxItems":2}`)
	for text, want := range map[string]problem.Field{
		`[{},{".a":["x",1]}]`: {Field: "1..a.1", Pointer: "/1/.a/1"},
		`[{"my secret":1}]`:   {Field: "0", Pointer: "/0"},
		`[1,2,3]`:             {},
	} {
		got := s.Validate(value(t, text))
		if len(got) != 1 || got[0].Field != want.Field || got[0].Pointer != want.Pointer {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// TestNothingSubmittedIsToldBack: whatever is wrong, no text of a refusal holds
// a value, nor the name of a member that is not a short plain word.
func TestNothingSubmittedIsToldBack(t *testing.T) {
	const secret = "hunter2"
	schemas := []string{
		`{"type":"integer"}`, `{"const":1}`, `{"enum":["a","b"]}`, `{"maxLength":1}`, `{"minLength":99}`, `{"pattern":"^x$"}`, `{"format":"email"}`,
		`{"anyOf":[{"type":"integer"},{"const":2}]}`, `{"oneOf":[{},{}]}`, `{"not":{}}`, `{"items":{"type":"integer"}}`,
		`{"additionalProperties":false}`, `{"additionalProperties":{"type":"integer"}}`, `{"propertyNames":{"maxLength":1}}`,
		`{"patternProperties":{"":{"type":"integer"}}}`, `{"unevaluatedProperties":false}`, `{"unevaluatedItems":false}`,
		`{"dependentRequired":{"a":["b"]}}`, `false`, `{"unevaluatedProperties":{"type":"integer"}}`,
	}
	values := []string{
		`"hunter2"`, `["hunter2"]`, `{"hunter2 is my password":"hunter2"}`, `{"a":{"hunter2 é":{"hunter2\n":"hunter2"}}}`,
		`{"` + strings.Repeat("x", 65) + `":"hunter2"}`, `{"":"hunter2"}`,
	}
	told := 0
	for _, text := range schemas {
		s := mustSchema(t, text)
		for _, v := range values {
			fields := s.Validate(value(t, v))
			_, _, unknown := s.Prepare(value(t, v), Reject)
			for _, f := range append(fields, unknown...) {
				told++
				if all := fmt.Sprint(f); strings.Contains(all, secret) || strings.Contains(all, "xxxxx") {
					t.Errorf("%s against %s tells %+v", v, text, f)
				}
			}
		}
	}
	if told < 50 {
		t.Errorf("only %d faults were looked at", told)
	}
}

// TestASchemaThatOnlyTheLibraryCanLeave: a dynamic reference that leads to itself
// is found when a value is checked, and nothing passes.
func TestASchemaThatOnlyTheLibraryCanLeave(t *testing.T) {
	s := mustSchema(t, `{"$dynamicAnchor":"a","$dynamicRef":"#a","anyOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}],"$defs":{"b":{"$dynamicRef":"#a"}}}`)
	if _, _, unknown := s.Prepare(value(t, `{"a":1}`), Reject); unknown != nil {
		t.Error(brief(unknown))
	}
	if got := brief(s.Validate(value(t, `{"a":1}`))); !strings.Contains(got, "invalid: does not fit the contract") {
		t.Error(got)
	}
}

func TestFaultsAreCapped(t *testing.T) {
	list := "[" + strings.Repeat("1,", 50_000) + "1]"
	for _, schema := range []string{
		`{"items":{"type":"string"}}`,
		`{"items":{"anyOf":[{"type":"string"},{"const":2}]}}`,
		`{"prefixItems":[{"type":"string"}],"items":false,"anyOf":[{"type":"null"},{"items":{"type":"string"}}]}`,
		`{"items":{"type":"string"},"anyOf":[{"type":"null"},{"items":{"const":2}}],"unevaluatedItems":false}`,
	} {
		if n := len(mustSchema(t, schema).Validate(value(t, list))); n != maxFaults {
			t.Errorf("%s: %d faults", schema, n)
		}
		w := walker{schema: mustSchema(t, schema), sink: &sink{}}
		if w.begin(value(t, list)); w.steps > 1000 {
			t.Errorf("%s: %d steps, for faults that are not told", schema, w.steps)
		}
	}
	object := map[string]any{}
	for i := range 1000 {
		object[fmt.Sprintf("k%d", i)] = true
	}
	s := mustSchema(t, `{"properties":{"a":{}}}`)
	if _, _, unknown := s.Prepare(object, Reject); len(unknown) != maxFaults {
		t.Errorf("%d unknown members told", len(unknown))
	}
}

// TestFaultsDoNotDependOnTheOrderOfAMap: of more faults than are told, and of two
// that say the same of the same, it is always the same ones.
func TestFaultsDoNotDependOnTheOrderOfAMap(t *testing.T) {
	many := map[string]any{"q": json.Number("1")}
	for i := range 2 * maxFaults {
		many[fmt.Sprintf("k%d", i)] = true
	}
	for schema, v := range map[string]any{
		`{"additionalProperties":{"type":"string"},"required":["z","a"]}`:                       many,
		`{"patternProperties":{"^a":{"maxLength":1},"a$":{"maxLength":2},"a":{"maxLength":3}}}`: value(t, `{"aa":"long"}`),
		`{"dependentRequired":{"a":["z"],"b":["z"],"c":["z"]}}`:                                 value(t, `{"a":1,"b":1,"c":1}`),
	} {
		want := mustSchema(t, schema).Validate(v)
		for range 20 {
			if got := mustSchema(t, schema).Validate(v); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %v, then %v", schema, want, got)
			}
		}
	}
}

// TestBranchesThatCallEachOther: two branches that each call the schema itself
// would take 2^depth steps, of a body of a few bytes; each part is asked once. To say
// what is wrong in each of them is given up in time.
func TestBranchesThatCallEachOther(t *testing.T) {
	const noForm = "anyOf: fits none of the allowed forms"
	branches := `{"anyOf":[{"allOf":[{"properties":{"a":{"$ref":"REF"}}},{"required":["b"]}]},{"allOf":[{"properties":{"a":{"$ref":"REF"}}},{"required":["c"]}]},{"const":2}]}`
	lists := `{"anyOf":[{"allOf":[{"items":{"$ref":"#"}},{"minItems":2}]},{"allOf":[{"items":{"$ref":"#"}},{"minItems":3}]},{"const":2}]}`
	filters := `{"anyOf":[{"$ref":"#/$defs/And"},{"$ref":"#/$defs/Or"},{"required":["field"]}],"$defs":{
		"And":{"required":["filters"],"properties":{"filters":{"items":{"$ref":"#"}}}},"Or":{"required":["filters"],"properties":{"filters":{"items":{"$ref":"#"}}}}}}`
	nested := func(open, inner, end string, depth int) string {
		return strings.Repeat(open, depth) + inner + strings.Repeat(end, depth)
	}
	for name, c := range map[string]struct{ schema, value, want string }{
		"members":          {strings.ReplaceAll(branches, "REF", "#"), nested(`{"a":`, "1", "}", 31), noForm},
		"members, fewer":   {strings.ReplaceAll(branches, "REF", "#"), nested(`{"a":`, "1", "}", 14), noForm},
		"members, in not":  {`{"not":` + strings.ReplaceAll(branches, "REF", "#/not") + `}`, nested(`{"a":`, "1", "}", 31), ""},
		"items":            {filters, nested(`{"filters":[`, `{"x":1}`, "]}", 15), noForm},
		"items that fit":   {filters, nested(`{"filters":[`, `{"field":1}`, "]}", 15), ""},
		"lists":            {strings.ReplaceAll(lists, "REF", "#"), nested("[", "", "]", 31), noForm},
		"two hundred such": {filters, `{"filters":[` + strings.Repeat(nested(`{"filters":[`, `{"x":1}`, "]}", 12)+",", 200) + `1]}`, noForm},
	} {
		s, v := mustSchema(t, c.schema), value(t, c.value)
		if got := brief(s.Validate(v)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		hasty := &walker{schema: s}
		if hasty.begin(v); hasty.steps > 100_000 {
			t.Errorf("%s: the answer takes %d steps", name, hasty.steps)
		}
		w := &walker{schema: s, sink: &sink{}, known: hasty.known}
		if w.begin(v); w.steps > 100_000 {
			t.Errorf("%s: to tell what is wrong takes %d steps", name, w.steps)
		}
	}
	few := &walker{schema: mustSchema(t, filters)}
	if !few.begin(value(t, `{"filters":[{"field":1},{"filters":[]}]}`)) || few.known != nil {
		t.Error("answers are kept where few are asked")
	}
	for items, want := range map[int]string{maxTelling - 2: fmt.Sprintf("/%d type: must be a string", maxTelling-3), maxTelling - 1: noForm, 2 * maxTelling: noForm} {
		s, list := mustSchema(t, `{"anyOf":[{"type":"null"},{"items":{"type":"string"}}]}`), value(t, `[`+strings.Repeat(`"x",`, items-1)+`1]`)
		if got := brief(s.Validate(list)); got != want {
			t.Errorf("%d items in a branch: %s, want %s", items, got, want)
		}
		w := walker{schema: s, sink: &sink{}}
		if w.begin(list); w.telling > maxTelling+1 {
			t.Errorf("%d steps to tell what is wrong with %d items", w.telling, items)
		}
	}
	wide := mustSchema(t, `{"items":{"anyOf":[{"required":["a"],"properties":{"b":{"items":{"type":"string"}}}},{"type":"null"}]}}`)
	faults := wide.Validate(value(t, `[{"b":[`+strings.Repeat(`"x",`, 30_000)+`1]},{"b":[1]}]`))
	if got := brief(faults); got != "/0 anyOf: fits none of the allowed forms\n/1 anyOf: fits none of the allowed forms" {
		t.Errorf("a long list in a branch: %s", got)
	}
}

// TestKeptAnswersAreThoseToTheQuestion: of many values in branches each is asked for
// itself, and what was not looked at, because the value was refused before, is not
// taken for refused when it is told why.
func TestKeptAnswersAreThoseToTheQuestion(t *testing.T) {
	many := func(item string) string { return "[" + strings.Repeat(item+",", 2*askedOften) }
	const listed = `"$defs":{"B":{"not":{"items":{"type":"string"}}}}`
	for schema, c := range map[string]struct{ value, want string }{
		`{"allOf":[{"anyOf":[{"allOf":[{"required":["c"]},{"properties":{"a":{"items":{"type":"string"}},"b":{"$ref":"#/$defs/B"}}}]},{"type":"null"}]},{"properties":{"b":{"$ref":"#/$defs/B"}}}],` + listed + `}`: {
			`{"a":` + many(`"x"`) + `"x"],"b":` + many(`"x"`) + `1]}`, "anyOf: fits none of the allowed forms"},
		`{"items":{"anyOf":[{"type":"integer"},{"type":"string"}]}}`:                              {many(`1,"x"`) + `1]`, ""},
		`{"items":{"anyOf":[{"maxItems":0},{"minItems":2},{"type":"string"}]}}`:                   {many(`[],[1,2],"x"`) + `[1]]`, fmt.Sprintf("/%d anyOf: fits none of the allowed forms", 6*askedOften)},
		`{"items":{"required":["a"],"anyOf":[{"properties":{"b":{"type":"null"}}},{"const":1}]}}`: {many(`{"a":1}`) + `{"b":null}]`, fmt.Sprintf("/%d/a required: is required", 2*askedOften)},
	} {
		if got := brief(mustSchema(t, schema).Validate(value(t, c.value))); got != c.want {
			t.Errorf("%s: %s, want %s", schema, got, c.want)
		}
	}
}

// TestStepsOfAList: the largest list that is checked, and what may be in
// it without costing anything.
func TestStepsOfAList(t *testing.T) {
	list := make([]any, maxSteps)
	for i := range list {
		list[i] = true
	}
	for name, c := range map[string]struct {
		schema string
		list   []any
		want   string
	}{
		"as many as there are steps": {`{"items":{"type":"boolean"}}`, list[1:], ""},
		"one more":                   {`{"items":{"type":"boolean"}}`, list, "complexity: is too intricate to be checked"},
		"items that may be anything": {`{"items":true}`, list, ""},
		"many, and too many items":   {`{"maxItems":5,"items":{"type":"boolean"}}`, list, "maxItems: must have at most 5 items"},
	} {
		if got := brief(mustSchema(t, c.schema).Validate(c.list)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	w := walker{schema: mustSchema(t, `{"items":{"type":"boolean"}}`), steps: maxSteps}
	if w.begin(list[:3]); w.steps != maxSteps+1 {
		t.Errorf("after the last step %d more are taken", w.steps-maxSteps)
	}
	if faults := mustSchema(t, `{"items":{"type":"string"}}`).Validate(list); len(faults) != maxFaults || faults[0].Code != "type" {
		t.Errorf("many wrong items: %d, %s", len(faults), brief(faults[:1]))
	}
}

func TestManyItemsAreComparedByHash(t *testing.T) {
	list := make([]any, 0, 20_001)
	for i := range 20_000 {
		list = append(list, json.Number(fmt.Sprintf("9007199254740993.%06d", i))) // one float64 for all of them
	}
	if i, found := repeated(list); found {
		t.Errorf("item %d counts as repeated", i)
	}
	if i, found := repeated(append(list, json.Number("9007199254740993.0199990"))); i != 20_000 || !found {
		t.Errorf("the repetition is found at %d", i)
	}
}
