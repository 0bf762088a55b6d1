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

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ schema, value, want string }{
		"a value that fits": {`{"type":"object","required":["a"]}`, `{"a":1}`, ``},
		"required points at the missing member": {
			`{"properties":{"interview":{"type":"object","required":["student","interviewer"]}},"required":["interview"]}`,
			`{"interview":{}}`,
			"/interview/interviewer required: is required\n/interview/student required: is required"},
		"all faults at once": {
			`{"properties":{"a":{"type":"string","minLength":1},"b":{"type":"integer"},"c":{"enum":["x","y"]}},"required":["d"]}`,
			`{"a":"","b":"1","c":"z"}`,
			"/a minLength: must be at least 1 character\n/b type: must be an integer\n/c enum: must be one of: x, y\n/d required: is required"},
		"several types":             {`{"type":["string","null","integer"]}`, `true`, "type: must be a string, an integer or null"},
		"a fraction":                {`{"type":"integer"}`, `1.5`, "type: must be an integer"},
		"1.0 is an integer":         {`{"type":"integer"}`, `1.0`, ""},
		"1e2 is an integer":         {`{"type":"integer","maximum":100}`, `1e2`, ""},
		"exact beyond float64":      {`{"maximum":9007199254740992}`, `9007199254740993`, "maximum: must be at most 9007199254740992"},
		"exact below a bound":       {`{"minimum":1}`, `0.99999999999999999999`, "minimum: must be at least 1"},
		"exclusive bounds":          {`{"exclusiveMinimum":0,"exclusiveMaximum":1}`, `0`, "exclusiveMinimum: must be greater than 0"},
		"exclusive maximum":         {`{"exclusiveMaximum":1}`, `1.0`, "exclusiveMaximum: must be less than 1"},
		"multipleOf":                {`{"multipleOf":0.01}`, `1.005`, "multipleOf: must be a multiple of 0.01"},
		"multipleOf is exact":       {`{"multipleOf":0.01}`, `4.35`, ""},
		"length in characters":      {`{"maxLength":2}`, `"😀😀"`, ""},
		"too long":                  {`{"maxLength":1}`, `"😀😀"`, "maxLength: must be at most 1 character"},
		"pattern":                   {`{"pattern":"^a+$"}`, `"b"`, "pattern: must match the pattern ^a+$"},
		"format":                    {`{"format":"date"}`, `"2026-02-30"`, "format: must be a date, such as 2026-05-01"},
		"int32":                     {`{"type":"integer","format":"int32"}`, `2147483648`, "format: must be an integer from -2147483648 to 2147483647"},
		"int64":                     {`{"type":"integer","format":"int64"}`, `9223372036854775808`, "format: must be an integer from -9223372036854775808 to 9223372036854775807"},
		"int64 as 1e19":             {`{"format":"int64"}`, `1e19`, "format: must be an integer from -9223372036854775808 to 9223372036854775807"},
		"int32 as 2.0":              {`{"format":"int32"}`, `2.0`, ""},
		"base64":                    {`{"format":"byte"}`, `"abc"`, "format: must be base64"},
		"const":                     {`{"const":"ping"}`, `"pong"`, "const: must be ping"},
		"const with blanks":         {`{"const":"a b"}`, `"pong"`, `const: must be "a b"`},
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
		"not":                       {`{"not":{"type":"string"}}`, `"x"`, "not: must not have this form"},
		"a name not fit to be told": {`{"properties":{"a/b":{"type":"string"}}}`, `{"a/b":1}`, "type: must be a string"},
	} {
		if got := brief(mustSchema(t, c.schema).Validate(value(t, c.value))); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
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
		"no branch has the type":          {`{"anyOf":[{"type":"string"},{"type":"null"}]}`, `1`, "type: must be a string or null"},
		"the branch that the tag names":   {pets, `{"kind":"dog"}`, "/name required: is required"},
		"no tag at all":                   {pets, `{}`, "oneOf: fits none of the allowed forms"},
		"two branches fit":                {`{"oneOf":[{"type":"integer"},{"minimum":0}]}`, `1`, "oneOf: fits more than one of the allowed forms and must fit exactly one"},
		"deep faults of the only branch":  {`{"anyOf":[{"type":"null"},{"properties":{"a":{"items":{"type":"string"}}}}]}`, `{"a":[1]}`, "/a/0 type: must be a string"},
		"under unevaluated, the same":     {`{"anyOf":[{"type":"object","required":["a"]},{"type":"null"}],"unevaluatedProperties":false}`, `{}`, "/a required: is required"},
		"under unevaluated, no type fits": {`{"anyOf":[{"type":"string"},{"type":"null"}],"unevaluatedItems":false}`, `1`, "type: must be a string or null"},
	} {
		if got := brief(mustSchema(t, c.schema).Validate(value(t, c.value))); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestContractsOwnTexts(t *testing.T) {
	s := mustSchema(t, `{
		"type":"object","minProperties":1,"required":["title"],"additionalProperties":false,
		"x-gatehouse":{"texts":{"minProperties":"At least one field must be provided for update","unknown_field":"No such field"}},
		"$defs":{"Short":{"type":"string","minLength":1,"maxLength":5,"x-gatehouse":{"texts":{"maxLength":"Too long","minLength":"Too short"}}}},
		"properties":{
			"title":{"$ref":"#/$defs/Short","x-gatehouse":{"texts":{"required":"Title is required","minLength":"Title is required and cannot be empty"}}},
			"id":{"type":"string","format":"uuid","x-gatehouse":{"texts":{"format":"Invalid opportunity ID format","type":"Invalid opportunity ID format"}}},
			"note":{"anyOf":[{"type":"string","maxLength":2},{"type":"null"}],"x-gatehouse":{"texts":{"maxLength":"Notes cannot exceed 2 characters"}}}
		}}`)
	for text, want := range map[string]string{
		`{}`:                                    "minProperties: At least one field must be provided for update\n/title required: Title is required",
		`{"title":""}`:                          "/title minLength: Title is required and cannot be empty",
		`{"title":"abcdef","note":"abc"}`:       "/note maxLength: Notes cannot exceed 2 characters\n/title maxLength: Too long",
		`{"title":"a","id":"x","isAdmin":true}`: "/id format: Invalid opportunity ID format\n/isAdmin unknown_field: No such field",
		`{"title":"a","id":17}`:                 "/id type: Invalid opportunity ID format",
		`{"title":null}`:                        "/title type: must be a string",
	} {
		if got := brief(s.Validate(value(t, text))); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
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

func TestFaultsAreCapped(t *testing.T) {
	list := "[" + strings.Repeat("1,", 50_000) + "1]"
	for _, schema := range []string{
		`{"items":{"type":"string"}}`,
		`{"items":{"anyOf":[{"type":"string"},{"const":2}]}}`,
	} {
		if n := len(mustSchema(t, schema).Validate(value(t, list))); n != maxFaults {
			t.Errorf("%s: %d faults", schema, n)
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

func TestFaultsDoNotDependOnTheOrderOfAMap(t *testing.T) {
	s := mustSchema(t, `{"additionalProperties":{"type":"string"},"required":["z","a"]}`)
	v := value(t, `{"q":1,"w":2,"e":3,"r":4,"t":5,"y":6}`)
	want := s.Validate(v)
	for range 50 {
		if got := s.Validate(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, then %v", want, got)
		}
	}
}

// TestIntricateSchemaIsCutShort: two branches that each call the schema itself
// take 2^depth steps; the check ends, and refuses.
func TestIntricateSchemaIsCutShort(t *testing.T) {
	text := `1`
	for range 31 {
		text = `{"a":` + text + `}`
	}
	branches := `{"anyOf":[{"allOf":[{"properties":{"a":{"$ref":"REF"}}},{"required":["b"]}]},{"allOf":[{"properties":{"a":{"$ref":"REF"}}},{"required":["c"]}]},{"const":2}]}`
	for schema, ref := range map[string]string{branches: "#", `{"not":` + branches + `}`: "#/not"} {
		s := mustSchema(t, strings.ReplaceAll(schema, "REF", ref))
		if got := brief(s.Validate(value(t, text))); got != "complexity: is too intricate to be checked" {
			t.Errorf("%s: %s", schema, got)
		}
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

func TestCompileSchemaRefuses(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"itself":                {`{"$ref":"#"}`, "refers to itself"},
		"itself through allOf":  {`{"$defs":{"A":{"allOf":[{"$ref":"#/$defs/B"}]},"B":{"anyOf":[{"$ref":"#/$defs/A"}]}},"$ref":"#/$defs/A"}`, "refers to itself"},
		"another document":      {`{"$ref":"https://example.org/x.json"}`, "out of the document"},
		"a file":                {`{"$ref":"file:///etc/passwd"}`, "out of the document"},
		"nowhere":               {`{"$ref":"#/$defs/Nope"}`, "leads nowhere"},
		"no anchor":             {`{"$ref":"#nope"}`, "leads nowhere"},
		"lookahead":             {`{"pattern":"(?=a)"}`, "pattern that cannot be used"},
		"a type that is none":   {`{"properties":{"a":{"type":"strnig"}}}`, "/properties/a/type"},
		"a negative length":     {`{"minLength":-1}`, "/minLength"},
		"a statement misspelt":  {`{"x-gatehouse":{"trimm":true}}`, "/x-gatehouse/trimm"},
		"trim that is no bool":  {`{"x-gatehouse":{"trim":"yes"}}`, "/x-gatehouse/trim"},
		"empty that is no null": {`{"x-gatehouse":{"empty":""}}`, "/x-gatehouse/empty"},
		"a text for no keyword": {`{"x-gatehouse":{"texts":{"maxlength":"x"}}}`, "/x-gatehouse/texts"},
		"a statement of text":   {`{"x-gatehouse":"trim"}`, "/x-gatehouse"},
	} {
		_, err := CompileSchema(value(t, c.schema))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if e, ok := err.(*compileError); err != nil && (!ok || e.what == "" || e.why == "" || e.fix == "") {
			t.Errorf("%s: %#v does not say what, why and the fix", name, err)
		}
	}
}

func TestPatternsMeanWhatTheyMeanInECMA262(t *testing.T) {
	for pattern, c := range map[string]struct {
		yes, no []string
	}{
		`^\u00e9$`:     {[]string{"é"}, []string{"e"}},
		`^\u{1F600}$`:  {[]string{"😀"}, []string{"x"}},
		`^\cJ$`:        {[]string{"\n"}, []string{"J"}},
		`^\s$`:         {[]string{" ", "\u00a0", "\u2028", "\ufeff"}, []string{"x"}},
		`^[\sx]$`:      {[]string{" ", "x", "\u3000"}, []string{"y"}},
		`^\S$`:         {[]string{"x"}, []string{"\u00a0", " "}},
		`^\d$`:         {[]string{"1"}, []string{"\u0661"}},
		`^a\/b$`:       {[]string{"a/b"}, nil},
		`^[]$`:         {nil, []string{"", "]"}},
		`^[^]$`:        {[]string{"\n", "x"}, []string{""}},
		`^a$`:          {[]string{"a"}, []string{"a\n", "b\na"}},
		`^\p{Letter}$`: {[]string{"é"}, []string{"1"}},
	} {
		re, err := compilePattern(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for _, s := range c.yes {
			if !re.MatchString(s) {
				t.Errorf("%s does not match %q", pattern, s)
			}
		}
		for _, s := range c.no {
			if re.MatchString(s) {
				t.Errorf("%s matches %q", pattern, s)
			}
		}
	}
}
