package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/problem"
)

// paramOf compiles a parameter object given as text.
func paramOf(tb testing.TB, text string) *Param {
	tb.Helper()
	p, err := newCompiler("test", map[string]any{"p": value(tb, text)}, false).param("/p")
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return p
}

// query runs an operation with query parameters.
func runQuery(tb testing.TB, op *Operation, raw string) (map[string]any, []problem.Field) {
	tb.Helper()
	return op.DecodeParams(&http.Request{Method: "GET", URL: &url.URL{Path: "/", RawQuery: raw}, Header: http.Header{}}, nil)
}

func TestScalarParameters(t *testing.T) {
	for name, c := range map[string]struct {
		schema string
		yes    map[string]any
		no     map[string]string // text → fault
	}{
		"integer": {`{"type":"integer"}`,
			map[string]any{"0": json.Number("0"), "-12": json.Number("-12"), "9223372036854775807": json.Number("9223372036854775807")},
			map[string]string{
				"1e3": "type: must be an integer", "1.0": "type: must be an integer", "%2B1": "type: must be an integer", "01": "type: must be an integer",
				"+1": "type: must be an integer", "1+": "type: must be an integer", "": "type: must be an integer", "0x1": "type: must be an integer",
				"--1": "type: must be an integer", "%D9%A1": "type: must be an integer", "1%0A": "type: must be an integer", "true": "type: must be an integer",
				"9223372036854775808": "format: must be an integer from -9223372036854775808 to 9223372036854775807",
			}},
		"integer in a range": {`{"type":"integer","minimum":1,"maximum":100}`, map[string]any{"100": json.Number("100")},
			map[string]string{"0": "minimum: must be at least 1", "101": "maximum: must be at most 100"}},
		"int32":  {`{"type":"integer","format":"int32"}`, nil, map[string]string{"2147483648": "format: must be an integer from -2147483648 to 2147483647"}},
		"number": {`{"type":"number"}`, map[string]any{"1.5": json.Number("1.5"), "1e3": json.Number("1e3")}, map[string]string{"1e999": "type: must be a number", ".5": "type: must be a number", "NaN": "type: must be a number", "Infinity": "type: must be a number"}},
		"boolean": {`{"type":"boolean"}`, map[string]any{"true": true, "false": false},
			map[string]string{"True": "type: must be true or false", "1": "type: must be true or false", "": "type: must be true or false"}},
		"string":          {`{"type":"string","minLength":1}`, map[string]any{"12": "12", "a+b": "a b", "%2B": "+", "true": "true"}, map[string]string{"": "minLength: must be at least 1 character", "a%00b": "nul: must not contain the character U+0000"}},
		"no type":         {`{}`, map[string]any{"12": "12"}, nil},
		"trimmed":         {`{"type":"string","x-gatehouse":{"trim":true}}`, map[string]any{"+a+": "a"}, nil},
		"uuid":            {`{"type":"string","format":"uuid","x-gatehouse":{"texts":{"format":"Invalid opportunity ID format"}}}`, nil, map[string]string{"x": "format: Invalid opportunity ID format"}},
		"own text":        {`{"type":"integer","x-gatehouse":{"texts":{"type":"The id is a number"}}}`, nil, map[string]string{"x": "type: The id is a number"}},
		"enum of numbers": {`{"enum":[1,2]}`, map[string]any{"1": json.Number("1")}, map[string]string{"3": "enum: must be one of: 1, 2", "x": "type: must be a number"}},
		"either": {`{"anyOf":[{"type":"integer","maximum":9},{"type":"string","pattern":"^[0-9a-z]+$"}]}`,
			map[string]any{"5": json.Number("5"), "10": "10", "x": "x"}, nil},
		"nullable by reference": {`{"allOf":[{"type":["integer","null"]}]}`, map[string]any{"5": json.Number("5")}, map[string]string{"null": "type: must be an integer"}},
		"by reference":          {`{"$ref":"#/p/x"},"x":{"type":"integer"}`, map[string]any{"5": json.Number("5")}, map[string]string{"x": "type: must be an integer"}},
		"one branch":            {`{"anyOf":[{"type":"integer"}]}`, map[string]any{"5": json.Number("5")}, map[string]string{"x": "type: must be an integer"}},
		"const":                 {`{"const":5}`, map[string]any{"5": json.Number("5")}, map[string]string{"6": "const: must be 5", "x": "type: must be a number"}},
		"nullable integer":      {`{"type":["integer","null"]}`, map[string]any{"5": json.Number("5")}, map[string]string{"true": "type: must be an integer", "1.5": "type: must be an integer", "9223372036854775808": "format: must be an integer from -9223372036854775808 to 9223372036854775807"}},
		"nullable boolean":      {`{"type":["boolean","null"]}`, map[string]any{"true": true}, map[string]string{"x": "type: must be true or false", "9223372036854775808": "type: must be true or false"}},
		"nullable text":         {`{"type":["string","null"]}`, map[string]any{"true": "true", "1": "1", "null": "null"}, nil},
		"nullable number":       {`{"type":["number","null"]}`, map[string]any{"1.5": json.Number("1.5"), "9223372036854775808": json.Number("9223372036854775808")}, map[string]string{"true": "type: must be a number"}},
		"boolean or number":     {`{"type":["boolean","number"]}`, map[string]any{"true": true, "false": false, "1": json.Number("1")}, map[string]string{"x": "type: must be a number or true or false"}},
		"true":                  {`{"type":"boolean"}`, map[string]any{"true": true}, map[string]string{"9223372036854775808": "type: must be true or false"}},
		"true alone":            {`{"const":true}`, map[string]any{"true": true}, map[string]string{"false": "const: must be true", "x": "type: must be true or false"}},
		"null, true or five":    {`{"type":["null","boolean","integer"],"enum":[null,true,5]}`, map[string]any{"true": true, "5": json.Number("5")}, map[string]string{"false": "enum: must be one of: null, true, 5", "6": "enum: must be one of: null, true, 5", "x": "type: must be an integer or true or false"}},
		"null or a text":        {`{"type":["null","integer"]}`, nil, map[string]string{"": "type: must be an integer"}},
		"boolean or text":       {`{"type":["boolean","string"]}`, map[string]any{"true": true, "false": false, "1": "1"}, nil},
		"true or text":          {`{"anyOf":[{"const":true},{"type":"string"}]}`, map[string]any{"true": true, "false": "false", "1": "1"}, nil},
		"integer of a format":   {`{"type":"integer","format":"int32"}`, nil, map[string]string{"9223372036854775808": "format: must be an integer from -2147483648 to 2147483647"}},
		"integer of digits": {`{"type":"integer"}`, nil, map[string]string{
			strings.Repeat("1", 299): "format: must be an integer from -9223372036854775808 to 9223372036854775807", strings.Repeat("1", 300): "type: must be an integer"}},
		"number of blanks": {`{"type":"number"}`, map[string]any{strings.Repeat("1", 300): json.Number(strings.Repeat("1", 300))}, map[string]string{"%201": "type: must be a number", "1+": "type: must be a number", "": "type: must be a number", "-": "type: must be a number"}},
	} {
		p := paramOf(t, `{"name":"q","in":"query","schema":`+c.schema+`}`)
		op := &Operation{Params: []*Param{p}}
		for text, want := range c.yes {
			got, faults := runQuery(t, op, "q="+text)
			if faults != nil || !reflect.DeepEqual(got["query.q"], want) {
				t.Errorf("%s: %q gives %#v %s, want %#v", name, text, got["query.q"], brief(faults), want)
			}
		}
		for text, want := range c.no {
			if _, faults := runQuery(t, op, "q="+text); brief(faults) != "#/query/q "+want {
				t.Errorf("%s: %q gives %s, want %s", name, text, brief(faults), want)
			}
		}
	}
}

func TestStyles(t *testing.T) {
	ints := []any{json.Number("1"), json.Number("2")}
	object := map[string]any{"a": json.Number("1"), "b": "x,y"}
	const array = `"schema":{"type":"array","items":{"type":"integer"}}`
	const pageable = `{"type":"object","properties":{"page":{"type":"integer","minimum":0},"sort":{"type":"array","items":{"type":"string"}}}}`
	const thing = `"schema":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}}}`
	for name, c := range map[string]struct {
		param string
		query string
		path  string
		want  any
	}{
		"form, exploded":                 {`"in":"query",` + array, "p=1&p=2", "", ints},
		"form, not exploded":             {`"in":"query","explode":false,` + array, "p=1,2", "", ints},
		"form, an encoded comma":         {`"in":"query","explode":false,"schema":{"type":"array","items":{"type":"string"}}`, "p=a%2Cb,c", "", []any{"a,b", "c"}},
		"form, none":                     {`"in":"query","explode":false,` + array, "p=", "", []any{}},
		"pipes":                          {`"in":"query","style":"pipeDelimited","explode":false,` + array, "p=1%7C2", "", ints},
		"spaces":                         {`"in":"query","style":"spaceDelimited","explode":false,` + array, "p=1%202", "", ints},
		"spaces as plus":                 {`"in":"query","style":"spaceDelimited","explode":false,` + array, "p=1+2", "", ints},
		"deepObject":                     {`"in":"query","style":"deepObject",` + thing, "p%5Ba%5D=1&p[b]=x%2Cy", "", object},
		"form object":                    {`"in":"query","explode":false,` + thing, "p=a,1,b,x%2Cy", "", object},
		"form object, exploded":          {`"in":"query",` + thing, "a=1&b=x,y", "", object},
		"path, simple":                   {`"in":"path",` + array, "", "1,2", ints},
		"path, simple object":            {`"in":"path","schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", "a,1", map[string]any{"a": json.Number("1")}},
		"path, exploded object":          {`"in":"path","explode":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", "a=1", map[string]any{"a": json.Number("1")}},
		"path, label":                    {`"in":"path","style":"label","explode":true,` + array, "", ".1.2", ints},
		"path, label of one value":       {`"in":"path","style":"label","schema":{"type":"integer"}`, "", ".1", json.Number("1")},
		"path, matrix":                   {`"in":"path","style":"matrix",` + array, "", ";p=1,2", ints},
		"path, exploded matrix":          {`"in":"path","style":"matrix","explode":true,` + array, "", ";p=1;p=2", ints},
		"path, matrix of one value":      {`"in":"path","style":"matrix","schema":{"type":"integer"}`, "", ";p=1", json.Number("1")},
		"path, matrix object":            {`"in":"path","style":"matrix","schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", ";p=a,1", map[string]any{"a": json.Number("1")}},
		"path, exploded matrix object":   {`"in":"path","style":"matrix","explode":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", ";a=1", map[string]any{"a": json.Number("1")}},
		"path, matrix of an empty text":  {`"in":"path","style":"matrix","schema":{"type":"string"}`, "", ";p", ""},
		"path, label object":             {`"in":"path","style":"label","explode":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", ".a=1", map[string]any{"a": json.Number("1")}},
		"path, label of a list":          {`"in":"path","style":"label",` + array, "", ".1,2", ints},
		"pipes, an object":               {`"in":"query","style":"pipeDelimited",` + thing, "p=a|1|b|x%2Cy", "", object},
		"spaces, an object":              {`"in":"query","style":"spaceDelimited",` + thing, "p=a%201%20b%20x%2Cy", "", object},
		"reserved as they are":           {`"in":"query","allowReserved":true,"schema":{"type":"string"}`, "p=a+b/c?d;e:@[f]!$'()*,=", "", "a+b/c?d;e:@[f]!$'()*,="},
		"reserved, and encoded":          {`"in":"query","allowReserved":true,"schema":{"type":"string"}`, "p=a%2Bb%26c", "", "a+b&c"},
		"empty, where that is allowed":   {`"in":"query","allowEmptyValue":true,"schema":{"type":"integer"}`, "p", "", nil},
		"empty, where null may stand":    {`"in":"query","allowEmptyValue":true,"schema":{"type":["integer","null"]}`, "p=", "", nil},
		"empty text, where allowed":      {`"in":"query","allowEmptyValue":true,"schema":{"type":"string","minLength":3}`, "p=", "", ""},
		"content: JSON":                  {`"in":"query","content":{"application/json":{"schema":{"type":"object","properties":{"a":{"type":"integer"}}}}}`, "p=%7B%22a%22:1%7D", "", map[string]any{"a": json.Number("1")}},
		"an array of one, not repeated":  {`"in":"query",` + array, "p=1", "", []any{json.Number("1")}},
		"deepObject is exploded":         {`"in":"query","style":"deepObject","explode":false,` + thing, "p[a]=1", "", map[string]any{"a": json.Number("1")}},
		"spaces, one word":               {`"in":"query","style":"spaceDelimited","explode":false,"schema":{"type":"array","items":{"type":"string"}}`, "p=a", "", []any{"a"}},
		"reserved, a semicolon first":    {`"in":"query","allowReserved":true,"schema":{"type":"string"}`, "p=;", "", ";"},
		"JSON in a path":                 {`"in":"path","content":{"application/json":{"schema":{"type":["array","object"]}}}`, "", "[1,2]", ints},
		"a schema of itself":             {`"in":"query","style":"deepObject","schema":{"$ref":"#/p/x"},"x":{"type":"object","properties":{"a":{"type":"integer"},"b":{"$ref":"#/p/x"}}}`, "p[a]=1", "", map[string]any{"a": json.Number("1")}},
		"the first items":                {`"in":"query","schema":{"type":"array","items":{"type":"integer"},"allOf":[{"items":{}}]}`, "p=1&p=2", "", ints},
		"the first other members":        {`"in":"query","style":"deepObject","schema":{"type":"object","additionalProperties":{"type":"integer"},"allOf":[{"additionalProperties":{}}]}`, "p[x]=1", "", map[string]any{"x": json.Number("1")}},
		"a list for a member":            {`"in":"query","schema":` + pageable, "page=0&sort=name,asc&sort=id", "", map[string]any{"page": json.Number("0"), "sort": []any{"name,asc", "id"}}},
		"a list for a member, once":      {`"in":"query","schema":` + pageable, "sort=id", "", map[string]any{"sort": []any{"id"}}},
		"a list in deepObject":           {`"in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}}`, "p[a]=1&p[a]=2", "", map[string]any{"a": ints}},
		"a list or a text in one text":   {`"in":"query","explode":false,"schema":{"type":"object","properties":{"l":{"type":["array","string"]}}}`, "p=l,1", "", map[string]any{"l": "1"}},
		"the first items of a member":    {`"in":"query","schema":{"type":"object","properties":{"l":{"type":"array","items":{"type":"integer"},"allOf":[{"items":{}}]}}}`, "l=1&l=2", "", map[string]any{"l": ints}},
		"a map":                          {`"in":"query","schema":{"type":"object","additionalProperties":{"type":"integer"}}`, "x=1&%C3%A4=2", "", map[string]any{"x": json.Number("1"), "ä": json.Number("2")}},
		"a map beside names":             {`"in":"query","schema":{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"array","items":{"type":"integer"}}}`, "a=1&l=1&l=2", "", map[string]any{"a": json.Number("1"), "l": ints}},
		"a map of patterns":              {`"in":"query","schema":{"type":"object","patternProperties":{"^x-":{"type":"string"}}}`, "x-a=1", "", map[string]any{"x-a": "1"}},
		"any object":                     {`"in":"query","schema":{"type":"object"}`, "x=1", "", map[string]any{"x": "1"}},
		"a default":                      {`"in":"query","schema":{"type":"integer","default":5}`, "", "", json.Number("5")},
		"a default by reference":         {`"in":"query","schema":{"allOf":[{"type":"integer","default":5},{"default":6}]}`, "", "", json.Number("5")},
		"no default by a branch":         {`"in":"query","schema":{"anyOf":[{"type":"integer","default":5},{"type":"string"}]}`, "", "", nil},
		"an object of any other members": {`"in":"query","style":"deepObject","schema":{"type":"object","additionalProperties":{"type":"integer"}}`, "p[x]=1", "", map[string]any{"x": json.Number("1")}},
	} {
		p := paramOf(t, `{"name":"p",`+c.param+`}`)
		r := &http.Request{Method: "GET", URL: &url.URL{Path: "/", RawQuery: c.query}, Header: http.Header{}}
		got, faults := (&Operation{Params: []*Param{p}}).DecodeParams(r, []string{c.path})
		if faults != nil || !reflect.DeepEqual(got[p.In+".p"], c.want) {
			t.Errorf("%s: %#v %s, want %#v", name, got, brief(faults), c.want)
		}
	}
}

func TestHeadersAndCookies(t *testing.T) {
	op := &Operation{Params: []*Param{
		paramOf(t, `{"name":"x-ids","in":"header","explode":true,"schema":{"type":"array","items":{"type":"integer"}}}`),
		paramOf(t, `{"name":"if-match","in":"header","schema":{"type":"string"}}`),
		paramOf(t, `{"name":"theme","in":"cookie","required":true,"schema":{"enum":["light","dark"]}}`),
	}}
	send := func(lines ...string) (map[string]any, []problem.Field) {
		r := httptest.NewRequest("GET", "/", nil)
		for _, l := range lines {
			name, v, _ := strings.Cut(l, ": ")
			r.Header.Add(name, v)
		}
		return op.DecodeParams(r, nil)
	}
	got, faults := send("X-Ids: 1, 2", "X-Ids: 3", `If-Match: "7"`, "Cookie: theme=dark")
	want := map[string]any{"header.X-Ids": []any{json.Number("1"), json.Number("2"), json.Number("3")}, "header.If-Match": `"7"`, "cookie.theme": "dark"}
	if faults != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v %s", got, brief(faults))
	}
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"a missing cookie":   {nil, "#/cookie/theme required: is required"},
		"a cookie twice":     {[]string{"Cookie: theme=dark; theme=light"}, "#/cookie/theme repeated: must be given once"},
		"a header twice":     {[]string{"Cookie: theme=dark", "If-Match: a", "If-Match: b"}, "#/header/If-Match repeated: must be given once"},
		"an item of no type": {[]string{"Cookie: theme=dark", "X-Ids: 1,x"}, "#/header/X-Ids/1 type: must be an integer"},
		"no UTF-8":           {[]string{"Cookie: theme=dark", "If-Match: \xff"}, "#/header/If-Match encoding: must be UTF-8"},
	} {
		if _, faults := send(c.lines...); brief(faults) != c.want {
			t.Errorf("%s: %s, want %s", name, brief(faults), c.want)
		}
	}
}

func TestPathParameters(t *testing.T) {
	op := &Operation{Params: []*Param{
		paramOf(t, `{"name":"id","in":"path","schema":{"type":"integer"}}`),
		paramOf(t, `{"name":"part","in":"path","schema":{"type":"string","maxLength":3}}`),
	}}
	r := httptest.NewRequest("GET", "/", nil)
	got, faults := op.DecodeParams(r, []string{"7", "abc"})
	if faults != nil || got["path.id"] != json.Number("7") || got["path.part"] != "abc" {
		t.Errorf("%v %s", got, brief(faults))
	}
	_, faults = op.DecodeParams(r, []string{"abc", "abcd"})
	if want := "#/path/id type: must be an integer\n#/path/part maxLength: must be at most 3 characters"; brief(faults) != want {
		t.Errorf("got %s", brief(faults))
	}
	if faults[0].Field != "id" {
		t.Errorf("field %q", faults[0].Field)
	}
}

func TestQueryAttacks(t *testing.T) {
	op := func(policy Unknown) *Operation {
		return &Operation{Unknown: policy, Params: []*Param{
			paramOf(t, `{"name":"limit","in":"query","schema":{"type":"integer","maximum":100,"default":20}}`),
			paramOf(t, `{"name":"filter","in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer"}}}}`),
		}}
	}
	for name, c := range map[string]struct{ query, want string }{
		"a repeated parameter":            {"limit=1&limit=1000", "#/query/limit repeated: must be given once"},
		"a repeated one in disguise":      {"limit=1&l%69mit=1000", "#/query/limit repeated: must be given once"},
		"an unknown parameter":            {"isAdmin=true", "#/query/isAdmin unknown_field: is not a known parameter"},
		"the brackets of PHP":             {"limit[]=1", "#/query unknown_field: has an unknown parameter"},
		"another case":                    {"LIMIT=1", "#/query/LIMIT unknown_field: is not a known parameter"},
		"a name that is a script":         {"%3Cscript%3E=1", "#/query unknown_field: has an unknown parameter"},
		"a semicolon":                     {"limit=1;limit=2", "#/query separator: a semicolon in the query must be written %3B"},
		"broken percent-encoding":         {"limit=%zz", "#/query/limit encoding: the query must be percent-encoded UTF-8"},
		"broken encoding of a name":       {"%zz=1", "#/query encoding: the query must be percent-encoded UTF-8"},
		"no UTF-8":                        {"limit=%ff", "#/query/limit encoding: the query must be percent-encoded UTF-8"},
		"overlong UTF-8":                  {"%c0%af=1", "#/query encoding: the query must be percent-encoded UTF-8"},
		"a megabyte":                      {"limit=" + strings.Repeat("1", 1<<20), "#/query/limit limit: must be at most 8192 bytes"},
		"a thousand digits":               {"limit=" + strings.Repeat("1", 1000), "#/query/limit type: must be an integer"},
		"257 parameters":                  {strings.Repeat("a=1&", 257), "#/query limit: the query must have at most 256 parameters"},
		"a member twice":                  {"filter[a]=1&filter[a]=2", "#/query/filter repeated: must give each member once"},
		"an unknown member":               {"filter[b]=1", "#/query/filter/b unknown_field: is not a known field"},
		"a member of no type":             {"filter[a]=x", "#/query/filter/a type: must be an integer"},
		"an unclosed bracket":             {"filter[a=1", "#/query unknown_field: has an unknown parameter"},
		"a parameter without a value":     {"limit", "#/query/limit type: must be an integer"},
		"several faults, all of them":     {"limit=1000&x=1&filter[a]=y", "#/query/filter/a type: must be an integer\n#/query/limit maximum: must be at most 100\n#/query/x unknown_field: is not a known parameter"},
		"empty pairs are no parameters":   {"&&limit=5&", ""},
		"an absent parameter has default": {"", ""},
	} {
		got, faults := runQuery(t, op(Reject), c.query)
		if brief(faults) != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, brief(faults), c.want)
		}
		if faults == nil && got["query.limit"] == nil || faults != nil && got != nil {
			t.Errorf("%s: %v beside %v", name, got, faults)
		}
	}
	for policy, refused := range map[Unknown]bool{Reject: true, "": true, Strip: false, Allow: false, Report: false} {
		if _, faults := runQuery(t, op(policy), "isAdmin=true"); (faults != nil) != refused {
			t.Errorf("%q: %s", policy, brief(faults))
		}
	}
	r := httptest.NewRequest("GET", "/?limit=%35&isAdmin=1&a%20b=1&filter[a]=1", nil)
	if got := op(Report).UndeclaredQuery(r); !reflect.DeepEqual(got, []string{"?", "isAdmin"}) {
		t.Errorf("undeclared: %q", got)
	}
	if got := op(Strip).StripQuery(r); got != "limit=%35&filter[a]=1" {
		t.Errorf("stripped: %q", got)
	}
}

// TestParametersThatCanBeWritten: what a schema says of other types, and of members
// that nobody must send, is no fault of a parameter.
func TestParametersThatCanBeWritten(t *testing.T) {
	for name, text := range map[string]string{
		"items of what is no list":        `{"name":"a","in":"query","schema":{"type":"string","items":{"type":"object"}}}`,
		"a list of booleans":              `{"name":"a","in":"query","schema":{"type":"array","items":{"type":"boolean"}}}`,
		"other members that are objects":  `{"name":"a","in":"query","style":"deepObject","schema":{"type":"object","properties":{"s":{"type":"string"}},"additionalProperties":{"type":"object"}}}`,
		"a member that must be a list":    `{"name":"a","in":"query","schema":{"type":"object","required":["l"],"properties":{"l":{"type":"array","items":{"type":"integer"}}}}}`,
		"a cookie that must be a list":    `{"name":"a","in":"cookie","schema":{"type":"object","required":["l"],"properties":{"l":{"type":"array","items":{"type":"integer"}}}}}`,
		"a required name of no schema":    `{"name":"a","in":"query","style":"deepObject","schema":{"type":"object","required":["b"]}}`,
		"any members in one cookie":       `{"name":"a","in":"cookie","explode":false,"schema":{"type":"object"}}`,
		"a member that must be a boolean": `{"name":"a","in":"header","schema":{"type":"object","required":["b"],"properties":{"b":{"type":"boolean"}}}}`,
	} {
		if _, err := newCompiler("test", map[string]any{"p": value(t, text)}, false).param("/p"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParameterFaultsOfTheDocument(t *testing.T) {
	for name, c := range map[string]struct{ param, pointer string }{
		"no schema":             {`{"name":"a","in":"query"}`, "/p"},
		"schema and content":    {`{"name":"a","in":"query","schema":{},"content":{"application/json":{}}}`, "/p"},
		"content of two types":  {`{"name":"a","in":"query","content":{"application/json":{},"text/plain":{}}}`, "/p"},
		"content that is XML":   {`{"name":"a","in":"query","content":{"application/xml":{"schema":{}}}}`, "/p/content"},
		"a style for others":    {`{"name":"a","in":"path","style":"form","schema":{}}`, "/p/style"},
		"an array or an object": {`{"name":"a","in":"query","schema":{"type":["array","object"]}}`, "/p/schema"},
		"anything but null":     {`{"name":"a","in":"query","schema":{"type":["boolean","number","string","array","object"]}}`, "/p/schema"},
		"spaces in a text":      {`{"name":"a","in":"query","style":"spaceDelimited","schema":{"type":"string"}}`, "/p/style"},
		"pipes in a text":       {`{"name":"a","in":"query","style":"pipeDelimited","schema":{"type":"string"}}`, "/p/style"},
		"deep, and no object":   {`{"name":"a","in":"query","style":"deepObject","schema":{"type":"string"}}`, "/p/style"},
		"an array of arrays":    {`{"name":"a","in":"query","schema":{"type":"array","items":{"type":"array"}}}`, "/p/schema"},
		"an array of nulls":     {`{"name":"a","in":"query","schema":{"type":"array","items":{"type":"null"}}}`, "/p/schema"},
		"an array of objects":   {`{"name":"a","in":"query","schema":{"type":"array","items":{"type":"object"}}}`, "/p/schema"},
		"an object in deep":     {`{"name":"a","in":"query","style":"deepObject","schema":{"type":"object","required":["o"],"properties":{"o":{"type":"object"}}}}`, "/p/schema"},
		"objects of any name":   {`{"name":"a","in":"query","schema":{"type":"object","additionalProperties":{"type":"object"}}}`, "/p/schema"},
		"a list of lists":       {`{"name":"a","in":"query","schema":{"type":"object","required":["l"],"properties":{"l":{"type":"array","items":{"type":"array"}}}}}`, "/p/schema"},
		"a list in one text":    {`{"name":"a","in":"query","explode":false,"schema":{"type":"object","required":["l"],"properties":{"l":{"type":"array"}}}}`, "/p/schema"},
		"a list in a header":    {`{"name":"a","in":"header","explode":true,"schema":{"type":"object","required":["l"],"properties":{"l":{"type":"array"}}}}`, "/p/schema"},
		"cookies of any name":   {`{"name":"a","in":"cookie","schema":{"type":"object"}}`, "/p/schema"},
		"a broken schema":       {`{"name":"a","in":"query","schema":{"type":"int"}}`, "/p/schema/type"},
	} {
		_, err := newCompiler("test", map[string]any{"p": value(t, c.param)}, false).param("/p")
		if e, ok := err.(*compileError); !ok || e.pointer != c.pointer {
			t.Errorf("%s: %v", name, err)
		}
	}
	for style, why := range map[string]string{
		`"style":"deepObject"`: "an object within an object has no style, so that none could ever be sent",
		`"explode":false`:      "only an exploded object of a query or a form has members that are more than a text",
	} {
		text := `{"name":"a","in":"query",` + style + `,"schema":{"type":"object","required":["o"],"properties":{"o":{"type":"object"}}}}`
		if _, err := newCompiler("test", map[string]any{"p": value(t, text)}, false).param("/p"); err == nil || err.(*compileError).why != why {
			t.Errorf("%s: %v", style, err)
		}
	}
}

// FuzzParam: whatever the request says, decoding ends without a panic; what it
// gives fits the schema, and what it refuses has a reason that tells no value.
func FuzzParam(f *testing.F) {
	for _, seed := range []string{"n=1", "n=1e3&s=a%00b", "l=1,2&l=3", "d[a]=1&d[b]=2", "o=a,1", "s=%ff", "n=%zz", "a=1;b", "n=9223372036854775808", "j=%7B%22a%22%3A1%7D", "&&=&", "p=1|2%7c3", "b=true&b=false", "e[l]=1&e[l]=x", "m1=1&m1=2&m2=3"} {
		f.Add(seed, "7", "x=1")
	}
	op := &Operation{Params: []*Param{
		paramOf(f, `{"name":"id","in":"path","schema":{"type":"integer","minimum":0}}`),
		paramOf(f, `{"name":"n","in":"query","schema":{"type":"integer"}}`),
		paramOf(f, `{"name":"s","in":"query","schema":{"type":"string","maxLength":20,"x-gatehouse":{"trim":true}}}`),
		paramOf(f, `{"name":"b","in":"query","schema":{"type":"boolean"}}`),
		paramOf(f, `{"name":"l","in":"query","schema":{"type":"array","maxItems":4,"items":{"type":"integer"}}}`),
		paramOf(f, `{"name":"p","in":"query","style":"pipeDelimited","explode":false,"schema":{"type":"array","items":{"type":"number"}}}`),
		paramOf(f, `{"name":"d","in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer"}}}}`),
		paramOf(f, `{"name":"o","in":"query","explode":false,"schema":{"type":"object","additionalProperties":{"type":"string"}}}`),
		paramOf(f, `{"name":"j","in":"query","content":{"application/json":{"schema":{"type":"object"}}}}`),
		paramOf(f, `{"name":"x-h","in":"header","schema":{"type":"array","items":{"type":"string"}}}`),
		paramOf(f, `{"name":"c","in":"cookie","schema":{"type":"integer"}}`),
		paramOf(f, `{"name":"e","in":"query","style":"deepObject","schema":{"type":"object","properties":{"l":{"type":"array","items":{"type":"integer"}}}}}`),
		paramOf(f, `{"name":"m","in":"query","schema":{"type":"object","patternProperties":{"^m":{"type":"array","items":{"type":"integer"}}}}}`),
	}}
	f.Fuzz(func(t *testing.T, query, path, header string) {
		r := &http.Request{Method: "GET", URL: &url.URL{RawQuery: query}, Header: http.Header{"X-H": {header}, "Cookie": {"c=" + header}}}
		got, faults := op.DecodeParams(r, []string{path})
		if (got == nil) == (faults == nil) {
			t.Fatalf("%q: %v and %v", query, got, faults)
		}
		for _, p := range op.Params {
			if v, there := got[p.key]; there && p.Schema.Validate(v) != nil {
				t.Fatalf("%q: %s = %#v does not fit", query, p.key, v)
			}
		}
		for _, f := range faults {
			if f.Code == "" || f.Message == "" || !strings.HasPrefix(f.Pointer, "#/") {
				t.Fatalf("%q: %+v", query, f)
			}
		}
		_, _ = op.StripQuery(r), op.UndeclaredQuery(r)
	})
}

func BenchmarkDecodeParams(b *testing.B) {
	op := &Operation{Params: []*Param{
		paramOf(b, `{"name":"id","in":"path","schema":{"type":"integer"}}`),
		paramOf(b, `{"name":"limit","in":"query","schema":{"type":"integer","maximum":100,"default":20}}`),
	}}
	r := httptest.NewRequest("GET", "/appointments/7?limit=50", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, faults := op.DecodeParams(r, []string{"7"}); faults != nil {
			b.Fatal(faults)
		}
	}
}

func TestTextsOutsideOfTheirStyle(t *testing.T) {
	const array = `"schema":{"type":"array","items":{"type":"integer"}}`
	const scalar = `"schema":{"type":"integer"}`
	for name, c := range map[string]struct{ param, query, path, want string }{
		"a label without its dot":         {`"in":"path","style":"label",` + scalar, "", "1", "#/path/p style: must be written in the style label"},
		"a list of labels without a dot":  {`"in":"path","style":"label",` + array, "", "1,2", "#/path/p style: must be written in the style label"},
		"a matrix without its name":       {`"in":"path","style":"matrix",` + scalar, "", "1", "#/path/p style: must be written in the style matrix"},
		"a matrix of another name":        {`"in":"path","style":"matrix",` + array, "", ";q=1,2", "#/path/p style: must be written in the style matrix"},
		"an exploded matrix, one renamed": {`"in":"path","style":"matrix","explode":true,` + array, "", ";p=1;q=2", "#/path/p style: must be written in the style matrix"},
		"a member without a value":        {`"in":"path","explode":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", "a", "#/path/p style: must be written in the style simple"},
		"a bare semicolon":                {`"in":"query","schema":{"type":"string"}`, "p=a;b=c", "", "#/query separator: a semicolon in the query must be written %3B"},
		"a semicolon beside reserved":     {`"in":"query","allowReserved":true,"schema":{"type":"string"}`, "p=a;b&x=c;d", "", "#/query separator: a semicolon in the query must be written %3B"},
		"empty, in a path":                {`"in":"path","allowEmptyValue":true,` + scalar, "", "", "#/path/p type: must be an integer"},
		"allowEmptyValue, not empty":      {`"in":"query","allowEmptyValue":true,` + scalar, "p=x", "", "#/query/p type: must be an integer"},
		"allowEmptyValue, empty twice":    {`"in":"query","allowEmptyValue":true,"schema":{"type":"array","minItems":3}`, "p=&p=", "", "#/query/p minItems: must have at least 3 items"},
		"a semicolon first":               {`"in":"query","schema":{"type":"string"}`, ";p=a", "", "#/query separator: a semicolon in the query must be written %3B"},
		"a semicolon for a cookie":        {`"in":"cookie","allowReserved":true,"schema":{"type":"string"}`, "p=a;b", "", "#/query separator: a semicolon in the query must be written %3B"},
		"a list that is no matrix":        {`"in":"path","style":"matrix",` + array, "", "1,2", "#/path/p style: must be written in the style matrix"},
		"names without values":            {`"in":"query","explode":false,"schema":{"type":"object","properties":{"a":{}}}`, "p=a,1,a", "", "#/query/p type: must be names and values by turns"},
		"a member twice, no type besides": {`"in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "p[a]=1&p[a]=x", "", "#/query/p repeated: must give each member once"},
		"a member too large":              {`"in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "p[a]=9223372036854775808", "", "#/query/p/a format: must be an integer from -9223372036854775808 to 9223372036854775807"},
		"a member that is not told":       {`"in":"query","style":"deepObject","schema":{"type":"object","additionalProperties":{"type":"integer"}}`, "p[%3Cb%3E]=9223372036854775808", "", "#/query/p format: must be an integer from -9223372036854775808 to 9223372036854775807"},
		"what the server sets":            {`"in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer","readOnly":true}}}`, "p[a]=1", "", "#/query/p/a readOnly: is set by the server and must not be sent"},
		"an item of a member":             {`"in":"query","schema":{"type":"object","properties":{"l":{"type":"array","items":{"type":"integer"}}}}`, "l=1&l=x", "", "#/query/p/l/1 type: must be an integer"},
		"too few items of a member":       {`"in":"query","schema":{"type":"object","properties":{"l":{"type":"array","minItems":2,"items":{"type":"integer"}}}}`, "l=1", "", "#/query/p/l minItems: must have at least 2 items"},
		"a member of a map":               {`"in":"query","schema":{"type":"object","additionalProperties":{"type":"integer"}}`, "a=x", "", "#/query/p/a type: must be an integer"},
		"a member of a map, twice":        {`"in":"query","schema":{"type":"object","additionalProperties":{"type":"integer"}}`, "a=1&a=2", "", "#/query/p repeated: must give each member once"},
		"what no pattern knows":           {`"in":"query","schema":{"type":"object","patternProperties":{"^x-":{"type":"string"}}}`, "y=1", "", "#/query/y unknown_field: is not a known parameter"},
		"a required map":                  {`"in":"query","required":true,"schema":{"type":"object"}`, "", "", "#/query/p required: is required"},
		"no object at all":                {`"in":"query","required":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", "", "#/query/p required: is required"},
		"no deepObject at all":            {`"in":"query","required":true,"style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", "", "#/query/p required: is required"},
		"no cookies at all":               {`"in":"cookie","required":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "", "", "#/cookie/p required: is required"},
		"the longest text":                {`"in":"query","schema":{"type":"string"}`, "p=" + strings.Repeat("a", 8192), "", ""},
		"and a byte":                      {`"in":"query","schema":{"type":"string"}`, "p=" + strings.Repeat("a", 8193), "", "#/query/p limit: must be at most 8192 bytes"},
		"bytes that are no UTF-8":         {`"in":"query","schema":{"type":"string"}`, "p=\xff", "", "#/query/p encoding: the query must be percent-encoded UTF-8"},
		"as many parameters as may be":    {`"in":"query","schema":{"type":"array"}`, strings.Repeat("p=1&", 256), "", ""},
		"empty, where that is not":        {`"in":"query",` + scalar, "p=", "", "#/query/p type: must be an integer"},
	} {
		op := &Operation{Params: []*Param{paramOf(t, `{"name":"p",`+c.param+`}`)}}
		_, faults := op.DecodeParams(&http.Request{Method: "GET", URL: &url.URL{Path: "/", RawQuery: c.query}}, []string{c.path})
		if brief(faults) != c.want {
			t.Errorf("%s: %s, want %s", name, brief(faults), c.want)
		}
	}
}

func TestCookieStyles(t *testing.T) {
	ints := []any{json.Number("1"), json.Number("2")}
	for name, c := range map[string]struct {
		param  string
		cookie string
		want   any
	}{
		"one":                      {`"schema":{"type":"string"}`, "p=a%2Cb+c", "a,b+c"},
		"a list, not exploded":     {`"explode":false,"schema":{"type":"array","items":{"type":"integer"}}`, "p=1,2", ints},
		"a list, exploded":         {`"schema":{"type":"array","items":{"type":"integer"}}`, "p=1; p=2", ints},
		"an object, not exploded":  {`"explode":false,"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "p=a,1", map[string]any{"a": json.Number("1")}},
		"a list for a member":      {`"schema":{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}}`, "a=1; a=2", map[string]any{"a": ints}},
		"an object, its own names": {`"schema":{"type":"object","properties":{"a":{"type":"integer"}}}`, "a=1; x=2", map[string]any{"a": json.Number("1")}},
	} {
		op := &Operation{Params: []*Param{paramOf(t, `{"name":"p","in":"cookie",`+c.param+`}`)}}
		r := &http.Request{Method: "GET", URL: &url.URL{Path: "/"}, Header: http.Header{"Cookie": {c.cookie}}}
		got, faults := op.DecodeParams(r, nil)
		if faults != nil || !reflect.DeepEqual(got["cookie.p"], c.want) {
			t.Errorf("%s: %#v %s", name, got["cookie.p"], brief(faults))
		}
	}
}

// TestPathStylesOnTheTable: what a style needs of the path gets through the
// table, and a comma that was escaped is no delimiter.
func TestPathStylesOnTheTable(t *testing.T) {
	api, err := Load(doc31(`  /m/{p}: { get: { x-gatehouse: { access: public }, parameters: [{ name: p, in: path, required: true, style: matrix, schema: { type: array, items: { type: string } } }] } }
  /s/{p}: { get: { x-gatehouse: { access: public }, parameters: [{ name: p, in: path, required: true, schema: { type: array, items: { type: string } } }] } }
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]any{
		"/m/;p=a,b%2Cc": {"a", "b,c"}, "/m/;p=": {}, "/s/a%2Cb,c+d": {"a,b", "c+d"}, "/s/a;b": nil, "/m;x/;p=a": nil, "/x/;p=a": nil,
	} {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		m := table.Match("GET", u.EscapedPath(), false)
		if want == nil {
			if m.Operation != nil || m.Miss.Status != 400 {
				t.Errorf("%s: %+v", path, m)
			}
			continue
		}
		if m.Operation == nil {
			t.Errorf("%s: %v", path, m.Miss)
			continue
		}
		got, faults := m.Operation.DecodeParams(&http.Request{Method: "GET", URL: u}, m.Values)
		if list, _ := got["path.p"].([]any); faults != nil || len(list) != len(want) || len(list) > 0 && !reflect.DeepEqual(list, want) {
			t.Errorf("%s: %#v %s, want %#v", path, got["path.p"], brief(faults), want)
		}
	}
}

// TestAMapTakesWhatIsLeft: springdoc describes a Map<String, String> so. What other
// parameters take is theirs, wherever they stand; two maps are refused.
func TestAMapTakesWhatIsLeft(t *testing.T) {
	const free = `{ name: %s, in: query, schema: { type: object, additionalProperties: { type: string } } }`
	load := func(params string) (*API, error) {
		return Load(doc31("  /s: { get: { x-gatehouse: { access: public }, parameters: ["+params+"], responses: { \"200\": { description: OK } } } }\n"), Options{})
	}
	api, err := load(fmt.Sprintf(free, "all") + ", { name: a, in: query, schema: { type: integer } }, { name: d, in: query, style: deepObject, schema: { type: object, properties: { x: { type: integer } } } }")
	if err != nil {
		t.Fatal(err)
	}
	op := api.Operations[0]
	if got := inventory(api); got != "GET /s get_s access=public budgets=[] query.a query.d query.all\n" {
		t.Error(got)
	}
	got, faults := runQuery(t, op, "b=1&a=2&d[x]=3&c=4")
	want := map[string]any{"query.all": map[string]any{"b": "1", "c": "4"}, "query.a": json.Number("2"), "query.d": map[string]any{"x": json.Number("3")}}
	if faults != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v %s", got, brief(faults))
	}
	r := &http.Request{Method: "GET", URL: &url.URL{Path: "/s", RawQuery: "b=1&a=2"}}
	if names, sound := op.UndeclaredQuery(r), op.SoundParams(r, nil); names != nil || op.StripQuery(r) != "b=1&a=2" || !reflect.DeepEqual(sound["query.all"], map[string]any{"b": "1"}) {
		t.Errorf("%q, %q, %v", names, op.StripQuery(r), sound)
	}
	for name, params := range map[string]string{
		"maps in one text":        `{ name: a, in: query, explode: false, schema: { type: object } }, { name: b, in: query, explode: false, schema: { type: object } }`,
		"maps in cookies":         `{ name: a, in: cookie, schema: { properties: { x: {} }, type: object } }, { name: b, in: cookie, schema: { properties: { y: {} }, type: object, additionalProperties: true } }, { name: c, in: cookie, schema: { properties: { z: {} }, type: object, additionalProperties: true } }`,
		"objects of stated names": `{ name: a, in: query, schema: { type: object, properties: { x: {} } } }, { name: b, in: query, schema: { type: object, properties: { y: {} } } }`,
		"maps in deepObject":      `{ name: a, in: query, style: deepObject, schema: { type: object } }, { name: b, in: query, style: deepObject, schema: { type: object } }`,
	} {
		if _, err := load(params); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = load("{ name: two, in: header, schema: {} }, { name: a, in: query, schema: {} },\n" + fmt.Sprintf(free, "one") + ",\n" + fmt.Sprintf(free, "two"))
	if issues, _ := err.(Issues); len(issues) != 1 || issues[0].Line != 6 || !strings.Contains(issues[0].What, `"two" takes every name, and so does "one"`) {
		t.Errorf("two maps: %v", err)
	}
}

// TestAMatrixHasASegmentOfItsOwn: beside a literal its semicolon would be refused in
// the path, and an escaped one taken for it; a label has a dot, which may stand
// anywhere.
func TestAMatrixHasASegmentOfItsOwn(t *testing.T) {
	load := func(path, style string) error {
		const param = ", in: path, required: true, schema: { type: string } }"
		params := "{ name: a, style: " + style + param
		if strings.Contains(path, "{b}") {
			params += ", { name: b" + param
		}
		_, err := Load(doc31("  "+path+": { get: { x-gatehouse: { access: public }, parameters: ["+params+"] } }\n"), Options{})
		return err
	}
	for _, path := range []string{"/v{a}", "/{a}.json", "/x/{a}:run", "/{b}/v{a}"} {
		if err := load(path, "matrix"); err == nil || !strings.Contains(err.Error(), "shares its segment") {
			t.Errorf("%s: %v", path, err)
		}
		if err := load(path, "label"); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := load("/v/{a}", "matrix"); err != nil {
		t.Error(err)
	}
}
