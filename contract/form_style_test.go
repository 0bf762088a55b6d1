package contract

import (
	"strings"
	"testing"
)

// urlEncodedOf compiles an operation that takes a url-encoded form.
func urlEncodedOf(tb testing.TB, schema, encoding string, u Unknown) *Operation {
	tb.Helper()
	return &Operation{Body: bodyOf(tb, `{"`+urlEncoded+`":{"schema":`+schema+`,"encoding":{`+encoding+`}}}`, false), Unknown: u}
}

// TestStylesOfFormFields: how a field is written hangs on its encoding (OAS 3.1
// §4.8.15), and what was changed is written in the same way. The member z is a
// default, so that every body is written anew.
func TestStylesOfFormFields(t *testing.T) {
	const ints = `{"type":"array","items":{"type":"integer"}}`
	const points = `{"type":"array","items":{"type":"object","properties":{"x":{"type":"integer"}}}}`
	const point = `{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"string"}}}`
	for name, c := range map[string]struct{ schema, encoding, sent, json, body string }{
		"text":                  {`{"type":"string"}`, ``, "a=x+%26", `"x &"`, "a=x+%26"},
		"a number":              {`{"type":"number"}`, ``, "a=1.50", `1.50`, "a=1.50"},
		"true":                  {`{"type":"boolean"}`, ``, "a=true", `true`, "a=true"},
		"empty for null":        {`{"type":["integer","null"],"x-gatehouse":{"empty":null}}`, ``, "a=", `null`, "a="},
		"not empty":             {`{"type":["integer","null"],"x-gatehouse":{"empty":null}}`, ``, "a=5", `5`, "a=5"},
		"empty in a list":       {`{"type":["array","null"],"items":{"type":"string"},"x-gatehouse":{"empty":null}}`, ``, "a=&a=x", `["","x"]`, "a=&a=x"},
		"any type":              {`{}`, ``, "a=1", `"1"`, "a=1"},
		"repeated":              {ints, ``, "a=1&a=2", `[1,2]`, "a=1&a=2"},
		"explode: true":         {ints, `"a":{"explode":true}`, "a=1&a=2", `[1,2]`, "a=1&a=2"},
		"explode: false":        {ints, `"a":{"explode":false}`, "a=1,2", `[1,2]`, "a=1,2"},
		"a list of none":        {ints, `"a":{"explode":false}`, "a=", `[]`, "a="},
		"a list of no stated":   {`{"type":"array"}`, `"a":{"explode":false}`, "a=1,%2C", `["1",","]`, "a=1,%2C"},
		"spaces":                {ints, `"a":{"style":"spaceDelimited"}`, "a=1+2", `[1,2]`, "a=1%202"},
		"pipes":                 {ints, `"a":{"style":"pipeDelimited"}`, "a=1|2", `[1,2]`, "a=1%7C2"},
		"pipes, exploded":       {ints, `"a":{"style":"pipeDelimited","explode":true}`, "a=1&a=2", `[1,2]`, "a=1&a=2"},
		"an object":             {point, ``, "a=%7B%22x%22:1%7D", `{"x":1}`, "a=%7B%22x%22%3A1%7D"},
		"form":                  {point, `"a":{"style":"form"}`, "x=1&y=%26", `{"x":1,"y":"&"}`, "x=1&y=%26"},
		"form, not exploded":    {point, `"a":{"explode":false}`, "a=x,1,y,%2C", `{"x":1,"y":","}`, "a=x,1,y,%2C"},
		"deepObject":            {point, `"a":{"style":"deepObject"}`, "a[x]=1", `{"x":1}`, "a%5Bx%5D=1"},
		"deepObject is always":  {point, `"a":{"style":"deepObject","explode":false}`, "a[x]=1", `{"x":1}`, "a%5Bx%5D=1"},
		"objects":               {points, ``, "a=%7B%22x%22:1%7D&a=%7B%7D", `[{"x":1},{}]`, "a=%7B%22x%22%3A1%7D&a=%7B%7D"},
		"a number as JSON":      {`{"type":"integer"}`, `"a":{"contentType":"application/json"}`, "a=1e1", `10`, "a=10"},
		"JSON, of several":      {`{}`, `"a":{"contentType":"text/plain, application/json"}`, "a=%5B1%5D", `[1]`, "a=%5B1%5D"},
		"JSON for each item":    {`{"type":"array"}`, `"a":{"contentType":"application/json"}`, "a=1&a=%5B%5D", `[1,[]]`, "a=1&a=%5B%5D"},
		"a list within JSON":    {`{}`, `"a":{"contentType":"application/json"}`, "a=%5B1,2%5D", `[1,2]`, "a=%5B1%2C2%5D"},
		"style goes before":     {ints, `"a":{"contentType":"application/json","explode":true}`, "a=1&a=2", `[1,2]`, "a=1&a=2"},
		"style over an object":  {point, `"a":{"contentType":"application/json","style":"deepObject"}`, "a[x]=1", `{"x":1}`, "a%5Bx%5D=1"},
		"a type of text":        {`{"type":"integer"}`, `"a":{"contentType":"text/plain"}`, "a=1", `1`, "a=1"},
		"a type of files":       {`{"type":"integer"}`, `"a":{"contentType":"image/png"}`, "a=1", `1`, "a=1"},
		"binary is text":        {`{"type":"string","format":"binary"}`, ``, "a=x", `"x"`, "a=x"},
		"lists of lists":        {`{"type":"array","items":{"type":"array","items":{"type":"integer"}}}`, ``, "a=%5B1%5D&a=%5B%5D", `[[1],[]]`, "a=%5B1%5D&a=%5B%5D"},
		"a list for a member":   {`{"type":"object","properties":{"x":` + ints + `}}`, `"a":{"style":"deepObject"}`, "a[x]=1&a[x]=2", `{"x":[1,2]}`, "a%5Bx%5D=1&a%5Bx%5D=2"},
		"a map":                 {`{"type":"object","additionalProperties":{"type":"integer"}}`, `"a":{"style":"form"}`, "q=1", `{"q":1}`, "q=1"},
		"nothing stated of it":  {ints, `"a":{}`, "a=1", `[1]`, "a=1"},
		"a text larger than 8K": {`{"type":"string"}`, ``, "a=" + strings.Repeat("x", maxParam+1), `"` + strings.Repeat("x", maxParam+1) + `"`, "a=" + strings.Repeat("x", maxParam+1)},
	} {
		op := urlEncodedOf(t, `{"type":"object","properties":{"a":`+c.schema+`,"z":{"type":"integer","default":7}}}`, c.encoding, Reject)
		d, err := op.Decode("member", urlEncoded, []byte(c.sent))
		if err != nil || string(d.Value) != `{"a":`+c.json+`,"z":7}` || string(d.Body) != c.body+"&z=7" {
			t.Errorf("%s: %.100s %.100s %s", name, d.Value, d.Body, formRefusal(err))
		}
	}
}

// TestAMapOfAFormTakesWhatIsLeft: a field whose members may have any name leaves
// to the others what is theirs, wherever their names come.
func TestAMapOfAFormTakesWhatIsLeft(t *testing.T) {
	op := urlEncodedOf(t, `{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}},"b":{"type":"string"}}}`, `"a":{"style":"form"}`, Reject)
	if d, err := op.Decode("member", urlEncoded, []byte("q=1&b=2")); string(d.Value) != `{"a":{"q":"1"},"b":"2"}` || err != nil {
		t.Errorf("%s %s", d.Value, formRefusal(err))
	}
}

// TestFieldsOfFormsThatDoNotFit: each fault where it stands, and what could not
// be read is not called missing besides.
func TestFieldsOfFormsThatDoNotFit(t *testing.T) {
	const required = `"required":["a"],"properties":{"a":`
	for name, c := range map[string]struct{ rest, encoding, sent, refused string }{
		"no JSON":                 {required + `{"type":"object"}}`, ``, "a=%7B", "/a json: must be JSON: not well-formed JSON at byte 1"},
		"an item of no JSON":      {required + `{"type":"array","items":{"type":"object"}}}`, ``, "a=%7B%7D&a=%7B", "/a/1 json: must be JSON: not well-formed JSON at byte 1"},
		"an item of a list":       {required + `{"type":"array","items":{"type":"integer"}}}`, ``, "a=1&a=x", "/a/1 type: must be an integer"},
		"empty":                   {required + `{"type":"string","minLength":1}}`, ``, "a=", "/a minLength: must be at least 1 character"},
		"missing":                 {required + `{"type":"string"}}`, ``, "", "/a required: is required"},
		"missing beside":          {`"required":["a","b"],"properties":{"a":{"type":"integer"},"b":{"type":"integer"}}`, ``, "a=x", "/a type: must be an integer, /b required: is required"},
		"too few fields":          {`"minProperties":2,"properties":{"a":{"type":"integer"}}`, ``, "a=x", "minProperties: must have at least 2 fields, /a type: must be an integer"},
		"names without values":    {required + `{"type":"object","properties":{"x":{}}}}`, `"a":{"explode":false}`, "a=x,1,x", "/a type: must be names and values by turns"},
		"an unknown field":        {`"properties":{"a":{}}`, ``, "b=1", "/b unknown_field: is not a known field"},
		"a name that is not told": {`"additionalProperties":{"type":"integer"}`, ``, "%3Cb%3E=1&%3Cb%3E=2", "repeated: must be given once, type: must be an integer"},
		"a name of another field": {`"additionalProperties":{"type":"integer"}`, ``, "b=x", "/b type: must be an integer"},
		"the first of allOf":      {`"additionalProperties":{"type":"integer"},"allOf":[{"additionalProperties":{"type":["integer","string"]}}]`, ``, "b=x", "/b type: must be an integer"},
	} {
		op := urlEncodedOf(t, `{"type":"object",`+c.rest+`}`, c.encoding, Reject)
		if _, err := op.Decode("member", urlEncoded, []byte(c.sent+"&")); formRefusal(err) != "VALIDATION_ERROR "+c.refused {
			t.Errorf("%s: %s", name, formRefusal(err))
		}
	}
}

// TestAFieldOfJSONStandsOnce: where an object or an array may stand the text is
// JSON, and a second one would travel on unread.
func TestAFieldOfJSONStandsOnce(t *testing.T) {
	const schema = `{"type":"object","properties":{"a":{"anyOf":[{"type":"object","additionalProperties":false,"properties":{"n":{"type":"integer"}}},{"type":"array","items":{"type":"integer"}}]}}}`
	const want = "VALIDATION_ERROR /a repeated: must be given once"
	good, evil := `{"n":1}`, `{"admin":true}`
	encoded := urlEncodedOf(t, schema, "", Reject)
	if d, err := encoded.Decode("member", urlEncoded, []byte("a="+good+"&a="+evil)); formRefusal(err) != want {
		t.Errorf("url-encoded: %s %s", d.Body, formRefusal(err))
	}
	op, m := multipartOf(t, schema, "{}", Reject)
	if f, err := op.DecodeForm("member", m, sentForm("a="+good, "a="+evil), nil); formRefusal(err) != want {
		t.Errorf("multipart: %+v %s", f.Values, formRefusal(err))
	}
	for text, json := range map[string]string{good: `{"a":{"n":1}}`, "[1,2]": `{"a":[1,2]}`} {
		if d, err := encoded.Decode("member", urlEncoded, []byte("a="+text)); string(d.Value) != json || err != nil {
			t.Errorf("%s: %s %s", text, d.Value, formRefusal(err))
		}
	}
}

// TestFieldsThatNoMemberNames: under allow they pass, and are written anew as
// additionalProperties describes them.
func TestFieldsThatNoMemberNames(t *testing.T) {
	for name, c := range map[string]struct{ additional, sent, json, body string }{
		"any":                  {`true`, "b=1&%3Cb%3E=x", `{"<b>":"x","b":"1","z":7}`, "%3Cb%3E=x&b=1&z=7"},
		"integer":              {`{"type":"integer"}`, "b=1", `{"b":1,"z":7}`, "b=1&z=7"},
		"lists":                {`{"type":"array","items":{"type":"integer"}}`, "b=1&b=2", `{"b":[1,2],"z":7}`, "b=1&b=2&z=7"},
		"the first of several": {`{"type":"array","items":{"type":"integer"}},"allOf":[{"additionalProperties":{}}]`, "b=1&b=2", `{"b":[1,2],"z":7}`, "b=1&b=2&z=7"},
		"objects":              {`{"type":"object"}`, "b=%7B%7D", `{"b":{},"z":7}`, "b=%7B%7D&z=7"},
	} {
		op := urlEncodedOf(t, `{"type":"object","properties":{"z":{"default":7}},"additionalProperties":`+c.additional+`}`, "", Reject)
		d, err := op.Decode("member", urlEncoded, []byte(c.sent))
		if err != nil || string(d.Value) != c.json || string(d.Body) != c.body {
			t.Errorf("%s: %s %s %s", name, d.Value, d.Body, formRefusal(err))
		}
	}
}

// TestStylesOfParts: OAS 3.1 applies style and explode to multipart/form-data, whose
// texts are not percent-encoded; OAS 3.0 says that they are ignored there (Encoding
// Object). What was changed is written in the same way.
func TestStylesOfParts(t *testing.T) {
	const ints = `{"type":"array","items":{"type":"integer"}}`
	const point = `{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"string"}}}`
	for name, c := range map[string]struct{ schema, encoding, sent, json, values string }{
		"pipes":                {ints, `"style":"pipeDelimited","explode":false`, "a=1|2", `[1,2]`, "a=1|2"},
		"spaces":               {ints, `"style":"spaceDelimited"`, "a=1_2", `[1,2]`, "a=1_2"},
		"commas that are none": {`{"type":"array"}`, `"explode":true`, "a=1,2 a=3", `["1,2","3"]`, "a=1,2 a=3"},
		"a comma in a text":    {`{"type":"string"}`, `"explode":false`, "a=1,2", `"1,2"`, "a=1,2"},
		"a comma in pipes":     {`{"type":"array"}`, `"style":"pipeDelimited"`, "a=1,2|3", `["1,2","3"]`, "a=1,2|3"},
		"commas":               {ints, `"explode":false`, "a=1,2", `[1,2]`, "a=1,2"},
		"repeated":             {ints, `"explode":true`, "a=1 a=2", `[1,2]`, "a=1 a=2"},
		"deepObject":           {point, `"style":"deepObject"`, "a[x]=1 a[y]=%2C", `{"x":1,"y":"%2C"}`, "a[x]=1 a[y]=%2C"},
		"members":              {point, `"style":"form"`, "x=1 y=b", `{"x":1,"y":"b"}`, "x=1 y=b"},
		"names and values":     {point, `"explode":false`, "a=x,1,y,b", `{"x":1,"y":"b"}`, "a=x,1,y,b"},
		"not the JSON of it":   {point, `"style":"deepObject","contentType":"application/json"`, "a[x]=1", `{"x":1}`, "a[x]=1"},
	} {
		op, m := multipartOf(t, `{"type":"object","properties":{"a":`+c.schema+`,"z":{"type":"integer","default":7}}}`, `{"a":{`+c.encoding+`}}`, Reject)
		f, err := op.DecodeForm("member", m, sentForm(strings.Fields(c.sent)...), nil)
		if want := `{"a":` + c.json + `,"z":7}`; err != nil || string(f.Value) != want || strings.ReplaceAll(strings.ReplaceAll(formLines(f.Values), " ", "_"), "_z=7", "") != strings.ReplaceAll(c.values, " ", "_") {
			t.Errorf("%s: %s %s %s", name, f.Value, formLines(f.Values), formRefusal(err))
		}
	}
	text := `{"content":{"multipart/form-data":{"schema":{"type":"object","properties":{"a":` + ints + `}},"encoding":{"a":{"style":"pipeDelimited"}}}}}`
	b, err := newCompiler("test", map[string]any{"b": value(t, text)}, true).body("/b")
	if err != nil {
		t.Fatal(err)
	}
	f, refused := (&Operation{Body: b}).DecodeForm("member", b.Content["multipart/form-data"], sentForm("a=1", "a=2"), nil)
	if string(f.Value) != `{"a":[1,2]}` || refused != nil {
		t.Errorf("OAS 3.0: %s %s", f.Value, formRefusal(refused))
	}
}
