package contract

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// multipartOf compiles an operation that takes multipart/form-data.
func multipartOf(tb testing.TB, schema, encoding string, u Unknown) (*Operation, *Media) {
	tb.Helper()
	text := `{"content":{"multipart/form-data":{"schema":` + schema + `,"encoding":` + encoding + `}}}`
	b, err := newCompiler("test", map[string]any{"b": value(tb, text)}, false).body("/b")
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return &Operation{Body: b, Unknown: u}, b.Content["multipart/form-data"]
}

// sentForm reads fields written as "name=text", with _ for a blank, or
// "name@file:type:size".
func sentForm(lines ...string) (sent []FormValue) {
	for _, line := range lines {
		name, file, isFile := strings.Cut(line, "@")
		if !isFile {
			name, text, _ := strings.Cut(line, "=")
			sent = append(sent, FormValue{Name: name, Text: strings.ReplaceAll(text, "_", " ")})
			continue
		}
		f := &FormFile{}
		parts := strings.Split(file, ":")
		f.Name, f.Type = parts[0], parts[1]
		_, _ = fmt.Sscan(parts[2], &f.Size)
		sent = append(sent, FormValue{Name: name, File: f})
	}
	return sent
}

// formLines writes fields as sentForm reads them, a file without type and size.
func formLines(values []FormValue) string {
	var lines []string
	for _, v := range values {
		if v.File != nil {
			lines = append(lines, v.Name+"@"+v.File.Name)
			continue
		}
		lines = append(lines, v.Name+"="+v.Text)
	}
	return strings.Join(lines, " ")
}

// TestFilesThatNoMemberNames: additionalProperties speaks of every file of such
// a field, not of the first alone.
func TestFilesThatNoMemberNames(t *testing.T) {
	for _, c := range []struct{ schema, sent, json, refused string }{
		{`{"type":"string","format":"binary","maxLength":3}`, "x@a:image/png:3", `{"x":"a"}`, ""},
		{`{"type":"string","format":"binary","maxLength":3}`, "x@a:image/png:4", "", "VALIDATION_ERROR /x maxLength: must be at most 3 bytes"},
		{`{"type":"string","format":"binary","maxLength":3}`, "x@a:image/png:3 x@b:image/png:9", "", "VALIDATION_ERROR /x maxLength: must be at most 3 bytes, /x type: must be a string"},
		{`{"type":"array","items":{"type":"string","format":"binary","maxLength":3}}`, "x@a:image/png:3", `{"x":["a"]}`, ""},
		{`{"type":"array","items":{"type":"string","format":"binary","maxLength":3}}`, "x@a:image/png:3 x@b:image/png:9", "", "VALIDATION_ERROR /x maxLength: must be at most 3 bytes"},
		{`{"type":"string","contentMediaType":"image/png"}`, "x@a:text/html:3", "", "VALIDATION_ERROR /x content_type: must be a file of type image/png"},
		{`{"type":"string","contentMediaType":"image/png"}`, "<script>@a:text/html:3", "", "VALIDATION_ERROR content_type: must be a file of type image/png"},
		{`true`, "x@a:image/png:3 x@b:image/png:9", `{"x":["a","b"]}`, ""},
		{`false`, "x@a:image/png:3 x@b:image/png:9", "", "VALIDATION_ERROR /x unknown_field: is not a known field"},
	} {
		op, m := multipartOf(t, `{"type":"object","additionalProperties":`+c.schema+`}`, "{}", Reject)
		f, err := op.DecodeForm("member", m, sentForm(strings.Fields(c.sent)...), nil)
		if string(f.Value) != c.json || formRefusal(err) != c.refused {
			t.Errorf("%s: %s: %s %s, want %s %s", c.schema, c.sent, f.Value, formRefusal(err), c.json, c.refused)
		}
	}
}

func TestAListOfAForm(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"array"}`: `{"a":["1","x"]}`,
		`{"type":"array","items":{"type":["integer","string"]}}`: `{"a":[1,"x"]}`,
	} {
		op, m := multipartOf(t, `{"type":"object","properties":{"a":`+schema+`}}`, "{}", Reject)
		if f, err := op.DecodeForm("member", m, sentForm("a=1", "a=x"), nil); string(f.Value) != want || err != nil {
			t.Errorf("%s: %s %v, want %s", schema, f.Value, err, want)
		}
	}
}

// TestWhatIsAFile: OAS 3.1 §4.8.15 and §4.8.14.4, format binary as in OAS 3.0.
func TestWhatIsAFile(t *testing.T) {
	for name, c := range map[string]struct {
		schema, encoding string
		want             Part
	}{
		"text":                    {`{"type":"string","maxLength":5}`, ``, Part{Max: -1}},
		"format":                  {`{"type":"string","format":"binary"}`, ``, Part{File: true, Max: -1}},
		"sizes":                   {`{"type":"string","format":"binary","minLength":2,"maxLength":9}`, ``, Part{File: true, Min: 2, Max: 9}},
		"an empty one":            {`{"type":"string","format":"binary","maxLength":0}`, ``, Part{File: true}},
		"of any bytes":            {`{"type":"string","contentMediaType":"application/octet-stream"}`, ``, Part{File: true, Max: -1}},
		"of any bytes, each":      {`{"type":"array","items":{"type":"string","contentMediaType":"application/octet-stream"}}`, ``, Part{File: true, Max: -1}},
		"contentMediaType":        {`{"type":"string","contentMediaType":"Image/PNG"}`, ``, Part{File: true, Types: []string{"image/png"}, Max: -1}},
		"encoded text":            {`{"type":"string","contentMediaType":"image/png","contentEncoding":"base64"}`, ``, Part{Max: -1}},
		"a list":                  {`{"type":"array","items":{"type":"string","format":"binary","maxLength":9}}`, ``, Part{File: true, Max: 9}},
		"by reference":            {`{"allOf":[{"type":"string","format":"binary"},{"maxLength":9,"minLength":2}]}`, ``, Part{File: true, Min: 2, Max: 9}},
		"the strictest size":      {`{"format":"binary","minLength":1,"maxLength":7,"allOf":[{"maxLength":9,"minLength":3},{"maxLength":8},{"minLength":2}]}`, ``, Part{File: true, Min: 3, Max: 7}},
		"none is the strictest":   {`{"format":"binary","maxLength":9,"allOf":[{"maxLength":0},{"maxLength":8}]}`, ``, Part{File: true}},
		"encoding":                {`{"type":"string","format":"binary"}`, `"contentType":"image/png, , Image/*;q=1"`, Part{File: true, Types: []string{"image/png", "image/*"}, Max: -1}},
		"encoding over schema":    {`{"type":"string","contentMediaType":"image/png"}`, `"contentType":"image/gif"`, Part{File: true, Types: []string{"image/gif"}, Max: -1}},
		"encoding without a type": {`{"type":"string","contentMediaType":"image/png"}`, `"headers":{}`, Part{File: true, Types: []string{"image/png"}, Max: -1}},
		"a file of JSON":          {`{"type":"string","format":"binary"}`, `"contentType":"application/json"`, Part{File: true, Types: []string{"application/json"}, Max: -1}},
		"no file by its schema":   {`{}`, `"contentType":"image/png"`, Part{File: true, Types: []string{"image/png"}, Max: -1}},
		"no file, but no type":    {`{}`, `"headers":{}`, Part{Max: -1}},
		"text by encoding":        {`{}`, `"contentType":"text/plain"`, Part{Types: []string{"text/plain"}, Max: -1}},
		"text among others":       {`{}`, `"contentType":"image/png, text/csv"`, Part{Types: []string{"text/csv"}, Max: -1}},
		"JSON by encoding":        {`{}`, `"contentType":"application/vnd.x+json"`, Part{Types: []string{"application/vnd.x+json"}, Max: -1}},
		"a style goes before":     {`{}`, `"style":"form","contentType":"image/png"`, Part{Max: -1}},
		"the style of every file": {`{"type":"string","format":"binary"}`, `"style":"form","contentType":"image/png"`, Part{File: true, Types: []string{"image/png"}, Max: -1}},
	} {
		_, m := multipartOf(t, `{"type":"object","properties":{"a":`+c.schema+`}}`, `{"a":{`+c.encoding+`}}`, Reject)
		if got := m.Part("a"); !reflect.DeepEqual(got, c.want) || !m.Names("a") {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if got := m.Part("b"); !reflect.DeepEqual(got, Part{Max: -1}) || m.Names("b") {
			t.Errorf("%s: another field: %+v", name, got)
		}
	}
	form := urlEncodedOf(t, `{"type":"object","properties":{"a":{"type":"string","format":"binary"}}}`, "", Reject).Body.Content[urlEncoded]
	if got := form.Part("a"); !reflect.DeepEqual(got, Part{Max: -1}) {
		t.Errorf("without parts: %+v", got)
	}
	if got := (&Media{}).Part("a"); !reflect.DeepEqual(got, Part{Max: -1}) {
		t.Errorf("without a schema: %+v", got)
	}
}

// TestTypesOfTexts: a text may come as what the contract says of it, and as plain
// text or JSON anyway.
func TestTypesOfTexts(t *testing.T) {
	const always = " text/plain application/json"
	for types, want := range map[string]string{"": always, "text/csv": always + " text/csv", "text/*": always + " text/csv text/html"} {
		var got []string
		for _, name := range []string{"", "text/plain", "application/json", "text/csv", "text/html", "image/png"} {
			if (Part{Types: mediaTypes(types)}).Takes(name) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q takes %q, want %q", types, got, want)
		}
	}
}

// TestTypesOfTextsTravelOn: a form that is written anew states of each text what
// was sent with it, of a list the first that was.
func TestTypesOfTextsTravelOn(t *testing.T) {
	op, m := multipartOf(t, `{"type":"object","properties":{"a":{"type":"string"},"l":{"type":"array"},"z":{"default":"7"},"f":{"format":"binary"}}}`, "{}", Reject)
	sent := []FormValue{
		{Name: "a", Text: "x", Type: "text/csv"}, {Name: "f", File: &FormFile{Name: "n", Type: "image/png"}},
		{Name: "l", Text: "1"}, {Name: "l", Text: "2", Type: "text/html"}, {Name: "l", Text: "3", Type: "text/csv"},
	}
	f, err := op.DecodeForm("member", m, sent, nil)
	var got []string
	for _, v := range f.Values {
		got = append(got, v.Name+":"+v.Type)
	}
	if want := "a:text/csv f: l:text/html l:text/html l:text/html z:"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("%q %s, want %s", got, formRefusal(err), want)
	}
}

func TestTypesOfFiles(t *testing.T) {
	for types, want := range map[string]string{
		"":                     "image/png text/html",
		"image/png":            "image/png",
		"text/html, image/png": "image/png text/html",
		"image/*":              "image/png",
		"*/*":                  "image/png text/html",
		"image/gif":            "",
	} {
		var got []string
		for _, name := range []string{"image/png", "text/html"} {
			if (Part{Types: mediaTypes(types)}).Accepts(name) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q accepts %q, want %q", types, got, want)
		}
	}
}

// TestFormsWithFilesWrittenAnew: what was trimmed or filled in travels on beside
// the files (RFC 7578), and a schema that speaks of the whole sees them by name.
func TestFormsWithFilesWrittenAnew(t *testing.T) {
	const title = `"title":{"type":"string","x-gatehouse":{"trim":true}}`
	const file = `{"type":"string","format":"binary","maxLength":9,"minLength":2}`
	for name, c := range map[string]struct{ schema, encoding, sent, values, json, refused string }{
		"as it was":           {`"properties":{` + title + `,"f":` + file + `}`, "{}", "title=a f@n:t/t:9", "title=a f@n", `{"f":"n","title":"a"}`, ""},
		"trimmed":             {`"properties":{` + title + `,"f":` + file + `}`, "{}", "f@n:t/t:2 title=_a", "f@n title=a", `{"f":"n","title":"a"}`, ""},
		"a list":              {`"properties":{` + title + `,"f":{"type":"array","items":` + file + `},"l":{"type":"array"}}`, "{}", "l=1 f@n:t/t:2 title=_a l=2 f@m:t/t:3", "f@n f@m l=1 l=2 title=a", `{"f":["n","m"],"l":["1","2"],"title":"a"}`, ""},
		"a list as JSON":      {`"properties":{` + title + `,"l":{}}`, `{"l":{"contentType":"application/json"}}`, "l=[1,true] title=_a", "l=[1,true] title=a", `{"l":[1,true],"title":"a"}`, ""},
		"values":              {`"properties":{` + title + `,"b":{"type":"boolean"},"n":{"type":["number","null"],"x-gatehouse":{"empty":null}},"o":{"type":"object"}}`, "{}", "n= o={\"x\":1.0} b=true title=_a", `b=true n= o={"x":1.0} title=a`, `{"b":true,"n":null,"o":{"x":1.0},"title":"a"}`, ""},
		"unevaluated":         {`"properties":{"f":` + file + `},"unevaluatedProperties":{"type":"array"}`, "{}", "f@n:t/t:2 g@m:t/t:2 g@k:t/t:2", "f@n g@m g@k", `{"f":"n","g":["m","k"]}`, ""},
		"a long name":         {`"properties":{"f":` + file + `},"unevaluatedProperties":false`, "{}", "f@a-name-of-more-than-nine:t/t:2", "f@a-name-of-more-than-nine", `{"f":"a-name-of-more-than-nine"}`, ""},
		"too large as well":   {`"properties":{"f":` + file + `},"unevaluatedProperties":false`, "{}", "f@n:t/t:10", "", "", "VALIDATION_ERROR /f maxLength: must be at most 9 bytes"},
		"unevaluated, a list": {`"properties":{"f":{"type":"array","items":` + file + `}},"unevaluatedProperties":false`, "{}", "f@name:t/t:2", "f@name", `{"f":["name"]}`, ""},
		"not unevaluated":     {`"properties":{"f":` + file + `},"unevaluatedProperties":false`, "{}", "f@n:t/t:2 g@m:t/t:2", "", "", "VALIDATION_ERROR /g unknown_field: is not a known field"},
		"too small":           {`"properties":{"f":` + file + `}`, "{}", "f@n:t/t:1", "", "", "VALIDATION_ERROR /f minLength: must be at least 2 bytes"},
		"too large":           {`"properties":{"f":` + file + `}`, "{}", "f@n:t/t:10", "", "", "VALIDATION_ERROR /f maxLength: must be at most 9 bytes"},
		"not empty":           {`"properties":{"f":{"type":"string","format":"binary","maxLength":0}}`, "{}", "f@n:t/t:1", "", "", "VALIDATION_ERROR /f maxLength: must be at most 0 bytes"},
		"empty":               {`"properties":{"f":{"type":"string","format":"binary","maxLength":0}}`, "{}", "f@n:t/t:0", "f@n", `{"f":"n"}`, ""},
		"a file too many":     {`"properties":{"f":` + file + `}`, "{}", "f@n:t/t:2 f@n:t/t:2", "", "", "VALIDATION_ERROR /f repeated: must be given once"},
		"none":                {`"properties":{"f":` + file + `}`, "{}", "", "", "{}", ""},
		"unreadable name":     {`"properties":{"f":` + file + `}`, "{}", "f@\xff:t/t:2", "f@\xff", "", "INTERNAL_ERROR "},
	} {
		op, m := multipartOf(t, `{"type":"object",`+c.schema+`}`, c.encoding, Reject)
		f, err := op.DecodeForm("member", m, sentForm(strings.Fields(c.sent)...), nil)
		if formLines(f.Values) != c.values || string(f.Value) != c.json || formRefusal(err) != c.refused {
			t.Errorf("%s: %s %s %s", name, formLines(f.Values), f.Value, formRefusal(err))
		}
	}
}
