package contract

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/problem"
)

const formSchema = `{"type":"object","required":["title"],"properties":{
	"title":{"type":"string","minLength":1,"maxLength":20,"x-gatehouse":{"trim":true}},
	"stars":{"type":"integer","minimum":1,"default":3},
	"tags":{"type":"array","items":{"type":"string"},"maxItems":3},
	"address":{"type":"object","properties":{"city":{"type":"string"},"zip":{"type":"integer"}}},
	"born":{"type":["integer","null"],"x-gatehouse":{"empty":null}},
	"photo":{"type":"string","format":"binary","minLength":2,"maxLength":10},
	"scans":{"type":"array","maxItems":2,"items":{"type":"string","contentMediaType":"image/png"}},
	"id":{"type":"integer","readOnly":true},
	"rank":{"type":"integer","x-gatehouse":{"write_roles":["admin"]}}}}`

// formOf compiles an operation that takes a form.
func formOf(tb testing.TB, mediaType, encoding string, u Unknown) *Operation {
	tb.Helper()
	text := `{"required":true,"content":{"` + mediaType + `":{"schema":` + formSchema + `,"encoding":` + encoding + `}}}`
	b, err := newCompiler("test", map[string]any{"b": value(tb, text)}, false).body("/b")
	if err != nil {
		tb.Fatal(err)
	}
	return &Operation{Body: b, Unknown: u}
}

const urlEncoded = "application/x-www-form-urlencoded"

func formRefusal(err *problem.Error) string {
	if err == nil {
		return ""
	}
	return err.Code + " " + strings.ReplaceAll(strings.TrimSpace(brief(err.Fields)), "\n", ", ")
}

func TestURLEncodedForms(t *testing.T) {
	strict := formOf(t, urlEncoded, "{}", Reject)
	styled := formOf(t, urlEncoded, `{"tags":{"style":"pipeDelimited"},"address":{"style":"deepObject"}}`, Reject)
	spread := formOf(t, urlEncoded, `{"tags":{"explode":false},"address":{"style":"form"}}`, Reject)
	for name, c := range map[string]struct {
		op               *Operation
		data, body, json string
		refused          string
	}{
		"the same bytes":         {strict, "title=a+b&stars=2", "title=a+b&stars=2", `{"stars":2,"title":"a b"}`, ""},
		"trimmed, and a default": {strict, "title=+a+", "stars=3&title=a", `{"stars":3,"title":"a"}`, ""},
		"a list":                 {strict, "title=a&stars=1&tags=x&tags=y%2Cz", "title=a&stars=1&tags=x&tags=y%2Cz", `{"stars":1,"tags":["x","y,z"],"title":"a"}`, ""},
		"an object is JSON":      {strict, "title=a&stars=1&address=%7B%22zip%22%3A8001%7D", "title=a&stars=1&address=%7B%22zip%22%3A8001%7D", `{"address":{"zip":8001},"stars":1,"title":"a"}`, ""},
		"written anew":           {strict, "title=a&tags=x&tags=y&address=%7B%22zip%22%3A8001%7D", "address=%7B%22zip%22%3A8001%7D&stars=3&tags=x&tags=y&title=a", `{"address":{"zip":8001},"stars":3,"tags":["x","y"],"title":"a"}`, ""},
		"empty means null":       {strict, "title=a&stars=1&born=", "title=a&stars=1&born=", `{"born":null,"stars":1,"title":"a"}`, ""},
		"pipes and deepObject":   {styled, "title=a&tags=x%7Cy&address[zip]=1", "address%5Bzip%5D=1&stars=3&tags=x%7Cy&title=a", `{"address":{"zip":1},"stars":3,"tags":["x","y"],"title":"a"}`, ""},
		"commas and members":     {spread, "title=a&tags=x,y%2Cz&city=b", "city=b&stars=3&tags=x,y%2Cz&title=a", `{"address":{"city":"b"},"stars":3,"tags":["x","y,z"],"title":"a"}`, ""},
		"stripped":               {formOf(t, urlEncoded, "{}", Strip), "title=a&stars=1&isAdmin=1&id=7", "stars=1&title=a", `{"stars":1,"title":"a"}`, ""},

		"all faults":              {strict, "stars=x&tags=1&tags=2&tags=3&tags=4&isAdmin=1&id=1", "", "", "VALIDATION_ERROR /id readOnly: is set by the server and must not be sent, /isAdmin unknown_field: is not a known field, /stars type: must be an integer, /tags maxItems: must have at most 3 items, /title required: is required"},
		"a required one, broken":  {strict, "title=%00", "", "", "VALIDATION_ERROR /title nul: must not contain the character U+0000"},
		"given twice":             {strict, "title=a&title=b", "", "", "VALIDATION_ERROR /title repeated: must be given once"},
		"an unknown one twice":    {strict, "title=a&x=1&x=2", "", "", "VALIDATION_ERROR /x repeated: must be given once, /x unknown_field: is not a known field"},
		"a name that is a script": {strict, "title=a&%3Cscript%3E=1", "", "", "VALIDATION_ERROR unknown_field: has an unknown field"},
		"broken escapes":          {strict, "title=%zz", "", "", "VALIDATION_ERROR /title encoding: must be percent-encoded UTF-8"},
		"bytes that are no UTF-8": {strict, "title=%ff", "", "", "VALIDATION_ERROR /title encoding: must be percent-encoded UTF-8"},
		"a bare semicolon":        {strict, "title=a;isAdmin=1", "", "", "VALIDATION_ERROR separator: a semicolon in the form must be written %3B"},
		"too many fields":         {strict, "title=a" + strings.Repeat("&tags=a", 256), "", "", "VALIDATION_ERROR limit: the form must have at most 256 parameters"},
		"a list by PHP's name":    {strict, "title=a&tags[]=x", "", "", "VALIDATION_ERROR unknown_field: has an unknown field"},
		"what another role sets":  {strict, "title=a&rank=1", "", "", "FORBIDDEN /rank write_role: may not be set with your role"},
		"empty":                   {strict, "", "", "", "VALIDATION_ERROR required: a body is required"},
	} {
		d, err := c.op.Decode("member", urlEncoded, []byte(c.data))
		if string(d.Body) != c.body || string(d.Value) != c.json || formRefusal(err) != c.refused {
			t.Errorf("%s:\ngot  %s | %s | %s\nwant %s | %s | %s", name, d.Body, d.Value, formRefusal(err), c.body, c.json, c.refused)
		}
	}
}

func TestMultipartForms(t *testing.T) {
	op := formOf(t, "multipart/form-data", `{"photo":{"contentType":"image/png, image/jpeg"},"address":{"contentType":"application/json"}}`, Reject)
	m := op.Body.Content["multipart/form-data"]
	if p := m.Part("photo"); !p.File || p.Max != 10 || p.Min != 2 || len(p.Types) != 2 || m.Part("title").File || !m.Part("scans").File || m.Part("nobody").File {
		t.Fatalf("%+v", p)
	}
	file := func(name, field, mediaType string, size int64) FormValue {
		return FormValue{Name: field, File: &FormFile{Name: name, Type: mediaType, Size: size}}
	}
	text := func(name, text string) FormValue { return FormValue{Name: name, Text: text} }
	for name, c := range map[string]struct {
		sent    []FormValue
		values  int
		json    string
		refused string
	}{
		"texts and a file": {[]FormValue{text("title", " a,b "), file("a.png", "photo", "image/png", 5), text("address", `{"zip":1}`)}, 4,
			`{"address":{"zip":1},"photo":"a.png","stars":3,"title":"a,b"}`, ""},
		"several files":           {[]FormValue{text("title", "a"), text("stars", "1"), file("1", "scans", "image/png", 1), file("2", "scans", "image/png", 1)}, 4, `{"scans":["1","2"],"stars":1,"title":"a"}`, ""},
		"too many files":          {[]FormValue{text("title", "a"), file("1", "scans", "image/png", 1), file("2", "scans", "image/png", 1), file("3", "scans", "image/png", 1)}, 0, "", "VALIDATION_ERROR /scans maxItems: must have at most 2 items"},
		"a large file":            {[]FormValue{text("title", "a"), file("a", "photo", "image/png", 11)}, 0, "", "VALIDATION_ERROR /photo maxLength: must be at most 10 bytes"},
		"a small file":            {[]FormValue{text("title", "a"), file("a", "photo", "image/png", 1)}, 0, "", "VALIDATION_ERROR /photo minLength: must be at least 2 bytes"},
		"another type":            {[]FormValue{text("title", "a"), file("a", "photo", "text/html", 5)}, 0, "", "VALIDATION_ERROR /photo content_type: must be a file of type image/png or image/jpeg"},
		"another type of content": {[]FormValue{text("title", "a"), file("a", "scans", "image/svg+xml", 5)}, 0, "", "VALIDATION_ERROR /scans content_type: must be a file of type image/png"},
		"a file for a text":       {[]FormValue{file("a", "title", "text/plain", 5)}, 0, "", "VALIDATION_ERROR /title type: must be a text, not a file"},
		"a text for a file":       {[]FormValue{text("title", "a"), text("photo", "x")}, 0, "", "VALIDATION_ERROR /photo type: must be a file"},
		"one file twice":          {[]FormValue{text("title", "a"), file("a", "photo", "image/png", 5), file("a", "photo", "image/png", 5)}, 0, "", "VALIDATION_ERROR /photo repeated: must be given once"},
		"a file nobody asked for": {[]FormValue{text("title", "a"), file("a.php", "shell", "image/png", 5)}, 0, "", "VALIDATION_ERROR /shell unknown_field: is not a known field"},
	} {
		f, err := op.DecodeForm("member", m, c.sent, nil)
		if len(f.Values) != c.values || string(f.Value) != c.json || formRefusal(err) != c.refused {
			t.Errorf("%s: %+v %s %s", name, f.Values, f.Value, formRefusal(err))
		}
	}
}

func TestFormsThatCannotBeRead(t *testing.T) {
	for _, text := range []string{
		`{"content":{"multipart/form-data":{"schema":{"type":"array","items":{"type":"string"}}}}}`,
		`{"content":{"multipart/form-data":{"schema":{"type":["array","null"]}}}}`,
		`{"content":{"multipart/form-data":{"schema":{"type":"object","properties":{"a":{"type":"string"}}},"encoding":{"b":{"contentType":"image/png"}}}}}`,
		`{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"a":{"type":"string"}}},"encoding":{"a":{"style":"matrix"}}}}}`,
		`{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"a":{"type":["array","object"]}}},"encoding":{"a":{"explode":true}}}}}`,
		`{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"a":{"type":"object"},"b":{"type":"object"}}},"encoding":{"a":{"explode":true},"b":{"style":"form"}}}}}`,
		`{"content":{"multipart/form-data":{"schema":{"type":"object","properties":{"a":{"type":"string"}}},"encoding":{"a":{"style":"pipeDelimited"}}}}}`,
		`{"content":{"multipart/form-data":{"schema":{"type":"object","properties":{"a":{"type":"array","items":{"format":"binary"}}}},"encoding":{"a":{"explode":false}}}}}`,
		`{"content":{"multipart/form-data":{"schema":{"type":"object","properties":{"a":{"format":"binary"}}},"encoding":{"a":{"style":"deepObject"}}}}}`,
		`{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"a":{"type":"string"}}},"encoding":{"a":{"style":"deepObject"}}}}}`,
		`{"content":{"multipart/*":{"schema":{"type":"object","properties":{"a":{"type":"string"}}},"encoding":{"b":{"contentType":"image/png"}}}}}`,
	} {
		if _, err := newCompiler("test", map[string]any{"b": value(t, text)}, false).body("/b"); err == nil {
			t.Errorf("%s compiles", text)
		}
	}
	for _, text := range []string{
		`{"content":{"multipart/form-data":{"schema":{"type":"object","properties":{"a":{"type":"array","items":{"format":"binary"}}}},"encoding":{"a":{"explode":true}}}}}`,
		`{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"a":{"type":"object"},"b":{"type":"object"}}},"encoding":{"a":{"explode":true},"b":{"style":"deepObject"}}}}}`,
	} {
		if _, err := newCompiler("test", map[string]any{"b": value(t, text)}, false).body("/b"); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestFormsOfOpenAPI30: format binary means a file, style and explode speak of
// url-encoded forms alone (OAS 3.0.3, Encoding Object).
func TestFormsOfOpenAPI30(t *testing.T) {
	const fields = `type: object, properties: { f: { type: string, format: binary }, l: { type: array, items: { type: string } } }`
	api := mustLoad(t, File{Name: "forms.yaml", Data: []byte(`
openapi: 3.0.3
info: { title: Forms, version: "1" }
x-gatehouse: { name: forms }
paths:
  /a:
    post:
      x-gatehouse: { access: public }
      requestBody:
        content:
          multipart/form-data: { schema: { ` + fields + ` }, encoding: { f: { style: deepObject } } }
          application/x-www-form-urlencoded: { schema: { ` + fields + ` }, encoding: { l: { style: pipeDelimited } } }
      responses: { "204": { description: done } }
`)}, Options{})
	op := api.Operations[0]
	if m := op.Body.Content[multipartForm]; !m.Part("f").File || m.Part("l").File {
		t.Errorf("a binary field is no file, or a list of texts is: %+v %+v", m.Part("f"), m.Part("l"))
	}
	if d, err := op.Decode("guest", urlEncoded, []byte("l=a|b")); string(d.Value) != `{"l":["a","b"]}` {
		t.Errorf("%s %s", d.Value, formRefusal(err))
	}
}

// TestDecodeTakesNoFormForBytes: what DecodeForm was to read part by part does not
// pass unread.
func TestDecodeTakesNoFormForBytes(t *testing.T) {
	op := formOf(t, "multipart/form-data", "{}", Reject)
	d, err := op.Decode("member", "multipart/form-data; boundary=b", []byte("--b--"))
	if err == nil || err.Status != 500 || d.Body != nil || d.Value != nil {
		t.Errorf("%q %v", d.Body, err)
	}
}

// FuzzURLEncodedForm: what passes is read the same way once more, and standard
// readers find no field that was not validated.
func FuzzURLEncodedForm(f *testing.F) {
	for _, s := range []string{"title=a&stars=2", "title=+a+&tags=x&tags=y", "address=%7B%22zip%22%3A1%7D&title=a", "title=a&born=", "title=%00", "a;b", "title=%ff", "=&&title", "title=a&id=1&x=2"} {
		f.Add(s)
	}
	strip := formOf(f, urlEncoded, "{}", Strip)
	styled := formOf(f, urlEncoded, `{"tags":{"style":"pipeDelimited"},"address":{"style":"deepObject"}}`, Strip)
	f.Fuzz(func(t *testing.T, data string) {
		for _, op := range []*Operation{strip, styled} {
			d, err := op.Decode("member", urlEncoded, []byte(data))
			if err != nil || d.Body == nil {
				continue
			}
			again, err := op.Decode("member", urlEncoded, d.Body)
			if err != nil || string(again.Value) != string(d.Value) || string(again.Body) != string(d.Body) {
				t.Fatalf("%q gives %q, and that %q %v", data, d.Body, again.Body, err)
			}
			read, failure := url.ParseQuery(string(d.Body))
			if failure != nil || read.Has("id") || read.Has("rank") || read.Get("title") == "" {
				t.Fatalf("%q gives %q: %v", data, d.Body, failure)
			}
		}
	})
}
