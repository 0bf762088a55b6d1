package contract

import (
	"fmt"
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

// sentForm reads fields written as "name=text", or "name@file:type:size".
func sentForm(lines ...string) (sent []FormValue) {
	for _, line := range lines {
		name, file, isFile := strings.Cut(line, "@")
		if !isFile {
			name, text, _ := strings.Cut(line, "=")
			sent = append(sent, FormValue{Name: name, Text: text})
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
