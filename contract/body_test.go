package contract

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// bodyOf compiles a request body with the media types of content.
func bodyOf(tb testing.TB, content string, required bool) *Body {
	tb.Helper()
	doc := map[string]any{"b": map[string]any{"required": required, "content": value(tb, content)}}
	b, err := newCompiler("test", doc, false).body("/b")
	if err != nil {
		tb.Fatalf("%s: %v", content, err)
	}
	return b
}

const booking = `{
	"application/json": {"schema": {"type":"object","required":["interview"],"properties":{"interview":{"type":"object","required":["student","interviewer"],"properties":{
		"student":{"type":"string","minLength":1,"maxLength":255,"x-gatehouse":{"trim":true}},"interviewer":{"type":"integer"}}},
		"rate":{"type":["integer","number"]}}}},
	"application/merge-patch+json": {"schema": {"type":"object"}},
	"text/csv": {"schema": {"type":"string"}},
	"image/*": {}
}`

const good = `{"interview":{"student":"Archie Cohen","interviewer":1}}`

// refusal writes a refusal as "status code pointer: message".
func refusal(e *problem.Error) string {
	if e == nil {
		return ""
	}
	if len(e.Fields) > 0 {
		return http.StatusText(e.Status) + "\n" + brief(e.Fields)
	}
	return http.StatusText(e.Status) + "\n" + e.Detail
}

func TestDecodeBody(t *testing.T) {
	const json = "application/json"
	for name, c := range map[string]struct {
		contentType, data string
		policy            Unknown
		body, refused     string
	}{
		"as it was sent, to the byte":  {json, " " + good + "\n", Reject, " " + good + "\n", ""},
		"with a charset":               {"application/json; charset=UTF-8", good, Reject, good, ""},
		"in capitals":                  {"Application/JSON", good, Reject, good, ""},
		"with another parameter":       {`application/json; profile="x"`, good, Reject, good, ""},
		"trimmed, so written anew":     {json, `{"interview":{"student":" A ","interviewer":1}}`, Reject, `{"interview":{"interviewer":1,"student":"A"}}`, ""},
		"stripped":                     {json, `{"id":7,"interview":{"student":"A","interviewer":1,"x":1}}`, Strip, `{"interview":{"interviewer":1,"student":"A"}}`, ""},
		"trimmed beside a fraction":    {json, `{"interview":{"student":" A","interviewer":1},"rate":0.5}`, Reject, `{"interview":{"interviewer":1,"student":"A"},"rate":0.5}`, ""},
		"big numbers survive":          {json, `{"interview":{"student":" A","interviewer":12345678901234567890123}}`, Reject, `{"interview":{"interviewer":12345678901234567890123,"student":"A"}}`, ""},
		"a +json type that is listed":  {"application/merge-patch+json", `{"a":1}`, Reject, `{"a":1}`, ""},
		"not JSON, passed as it is":    {"text/csv", "a,b\xff", Reject, "a,b\xff", ""},
		"a range of types":             {"image/png", "\x89PNG", Reject, "\x89PNG", ""},
		"empty, though required":       {json, "", Reject, "", "Bad Request\nrequired: a body is required"},
		"blank, though required":       {json, " \n", Reject, "", "Bad Request\nrequired: a body is required"},
		"no Content-Type":              {"", good, Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"a +json type that is not":     {"application/vnd.api+json", good, Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"a form":                       {"application/x-www-form-urlencoded", "a=1", Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"the range itself":             {"image/*", "x", Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"charset trick, UTF-7":         {"application/json; charset=utf-7", good, Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"charset trick, EBCDIC":        {"application/json; charset=ibm500", good, Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"two charsets":                 {"application/json; charset=utf-8; charset=utf-7", good, Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"two types in one":             {"application/json, text/plain", good, Reject, "", "Unsupported Media Type\nSend the body as application/json, application/merge-patch+json, image/*, text/csv"},
		"byte order mark":              {json, "\xef\xbb\xbf" + good, Reject, "", "Bad Request\nThe body begins with a byte order mark; send UTF-8 without one"},
		"duplicate key":                {json, `{"interview":{"student":"A","interviewer":1},"interview":null}`, Reject, "", "Bad Request\nThe body is not strict JSON: a member name stands twice in one object"},
		"second document":              {json, good + good, Reject, "", "Bad Request\nThe body is not strict JSON: more than one JSON value"},
		"depth 33":                     {json, strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), Reject, "", "Bad Request\nThe body is not strict JSON: nested deeper than 32 levels"},
		"1e999":                        {json, `{"a":1e999}`, Reject, "", "Bad Request\nThe body is not strict JSON: a number too large or too small to compute with"},
		"NUL in a value":               {json, `{"interview":{"student":"A\u0000","interviewer":1}}`, Reject, "", "Bad Request\n/interview/student nul: must not contain the character U+0000"},
		"NUL in a key":                 {json, `{"interview":{"student":"A","interviewer":1,"\u0000":1}}`, Strip, "", "Bad Request\n/interview nul: must not contain the character U+0000"},
		"NUL in what is stripped":      {json, `{"x":{"y":["\u0000"]},"interview":{"student":"A","interviewer":1}}`, Strip, "", "Bad Request\n/x/y/0 nul: must not contain the character U+0000"},
		"NUL beside other faults":      {json, `{"interview":{"student":"A\u0000","interviewer":"1"},"x":1}`, Reject, "", "Bad Request\n/interview/interviewer type: must be an integer\n/interview/student nul: must not contain the character U+0000\n/x unknown_field: is not a known field"},
		"a backslash before u0000":     {json, `{"interview":{"student":"A\\u0000","interviewer":1}}`, Reject, `{"interview":{"student":"A\\u0000","interviewer":1}}`, ""},
		"mass assignment":              {json, `{"interview":{"student":"A","interviewer":1,"role":"admin"},"isAdmin":true}`, Reject, "", "Bad Request\n/interview/role unknown_field: is not a known field\n/isAdmin unknown_field: is not a known field"},
		"unknown beside other faults":  {json, `{"interview":{"student":"","interviewer":"1","role":"admin"}}`, Reject, "", "Bad Request\n/interview/interviewer type: must be an integer\n/interview/role unknown_field: is not a known field\n/interview/student minLength: must be at least 1 character"},
		"no policy is reject":          {json, `{"x":1,"interview":{"student":"A","interviewer":1}}`, "", "", "Bad Request\n/x unknown_field: is not a known field"},
		"allowed":                      {json, `{"x":1,"interview":{"student":"A","interviewer":1}}`, Allow, `{"x":1,"interview":{"student":"A","interviewer":1}}`, ""},
		"null for the whole":           {json, `null`, Reject, "", "Bad Request\ntype: must be an object"},
		"an array for the whole":       {json, `[]`, Reject, "", "Bad Request\ntype: must be an object"},
		"blank after trimming":         {json, `{"interview":{"student":"   ","interviewer":1}}`, Reject, "", "Bad Request\n/interview/student minLength: must be at least 1 character"},
		"1.0 for an integer":           {json, `{"interview":{"student":"A","interviewer":1.0}}`, Reject, `{"interview":{"interviewer":1,"student":"A"}}`, ""},
		"a member in another case":     {json, `{"Interview":{"student":"A","interviewer":1}}`, Reject, "", "Bad Request\n/Interview unknown_field: is not a known field\n/interview required: is required"},
		"invalid UTF-8":                {json, "{\"interview\":{\"student\":\"\xff\",\"interviewer\":1}}", Reject, "", "Bad Request\nThe body is not strict JSON: not well-formed JSON at byte 25"},
		"lone surrogate":               {json, `{"interview":{"student":"\ud800","interviewer":1}}`, Reject, "", "Bad Request\nThe body is not strict JSON: not well-formed JSON at byte 25"},
		"a string of 256 four-bytes":   {json, `{"interview":{"student":"` + strings.Repeat("😀", 256) + `","interviewer":1}}`, Reject, "", "Bad Request\n/interview/student maxLength: must be at most 255 characters"},
		"a string of 255 is not a few": {json, `{"interview":{"student":"` + strings.Repeat("😀", 255) + `","interviewer":1}}`, Reject, `{"interview":{"student":"` + strings.Repeat("😀", 255) + `","interviewer":1}}`, ""},
	} {
		op := &Operation{Unknown: c.policy, Body: bodyOf(t, booking, true)}
		body, unknown, err := op.DecodeBody(c.contentType, []byte(c.data))
		if string(body) != c.body || refusal(err) != c.refused || unknown != nil {
			t.Errorf("%s:\ngot  %q %s %v\nwant %q %s", name, body, refusal(err), unknown, c.body, c.refused)
		}
		if err != nil && err.Status == http.StatusUnsupportedMediaType && !strings.HasPrefix(err.Header.Get("Accept"), "application/json") {
			t.Errorf("%s: Accept is %q", name, err.Header.Get("Accept"))
		}
	}
}

func TestReportedFieldsPass(t *testing.T) {
	op := &Operation{Unknown: Report, Body: bodyOf(t, booking, true)}
	const data = `{"x":1,"interview":{"student":"A","interviewer":1,"y":1}}`
	body, unknown, err := op.DecodeBody("application/json", []byte(data))
	if err != nil || string(body) != data || brief(unknown) != "/interview/y unknown_field: is not a known field\n/x unknown_field: is not a known field" {
		t.Errorf("%q %v %s", body, err, brief(unknown))
	}
}

func TestBodiesThatNeedNotBe(t *testing.T) {
	optional := &Operation{Body: bodyOf(t, booking, false)}
	if body, _, err := optional.DecodeBody("", nil); body != nil || err != nil {
		t.Errorf("an optional body: %q %v", body, err)
	}
	if body, _, err := (&Operation{}).DecodeBody("application/json", []byte(`{"a":`)); body != nil || err != nil {
		t.Errorf("a body that the contract does not describe: %q %v", body, err)
	}
	anything := &Operation{Body: bodyOf(t, `{"application/json":{}}`, true)}
	if body, _, err := anything.DecodeBody("application/json", []byte(`{"a":1}`)); string(body) != `{"a":1}` || err != nil {
		t.Errorf("a body without a schema: %q %v", body, err)
	}
	if _, _, err := anything.DecodeBody("application/json", []byte(`{"a":1,"a":2}`)); err == nil {
		t.Error("a body without a schema need not be strict JSON")
	}
	if b, err := newCompiler("t", map[string]any{"b": value(t, `{"content":{}}`)}, false).body("/b"); b != nil || err != nil {
		t.Errorf("a body of no media type: %v %v", b, err)
	}
	for _, text := range []string{`{}`, `{"required":true,"content":{}}`, `{"content":{"application/json":{"schema":{"type":"int"}}}}`} {
		if _, err := newCompiler("t", map[string]any{"b": value(t, text)}, false).body("/b"); err == nil {
			t.Errorf("%s compiles", text)
		}
	}
}

// FuzzBody: what passes is strict JSON that fits, and passes again unchanged;
// the walk says what the library says; a refusal has a reason.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{good, opportunityBody, `{"interview":{"student":" A ","interviewer":1.0}}`, `{"a":"\u0000"}`, `{"__proto__":{}}`, `[]`, `null`, `{"a":1,"a":2}`, `1e999`, "\xef\xbb\xbf{}", `{"title":"","link":"javascript:alert(1)","tags":["a","a"]}`, `{"hours":1e1,"deadline":"x","notes":" "}`} {
		for policy := range 4 {
			f.Add([]byte(seed), policy)
		}
	}
	either := value(f, opportunity).(map[string]any)
	either["anyOf"] = value(f, `[{"$ref":"#/$defs/New"},{"type":"object","required":["interview"],"properties":{
		"interview":{"properties":{"student":{"type":"string","minLength":1,"x-gatehouse":{"trim":true}},"interviewer":{"type":"integer"}}}}}]`)
	delete(either, "$ref")
	schema, err := CompileSchema(either)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, policy int) {
		op := &Operation{
			Unknown: []Unknown{Reject, Strip, Allow, Report}[policy&3],
			Body:    &Body{Required: true, Content: map[string]*Media{"application/json": {Type: "application/json", JSON: true, Schema: schema}}},
		}
		body, _, err := op.DecodeBody("application/json", data)
		if v, broken := strictjson.Decode(data); broken == nil {
			if (schema.root.lib.Validate(v) == nil) != (schema.Validate(v) == nil) {
				t.Fatalf("%s: the library says otherwise", data)
			}
		}
		if err != nil {
			if err.Status != http.StatusBadRequest || len(err.Fields) == 0 && err.Detail == "" {
				t.Fatalf("%s: %+v", data, err)
			}
			return
		}
		v, broken := strictjson.Decode(body)
		if broken != nil || schema.Validate(v) != nil {
			t.Fatalf("%s is handed on as %s", data, body)
		}
		again, _, err := op.DecodeBody("application/json", body)
		if err != nil || string(again) != string(body) {
			t.Fatalf("%s is handed on as %s, then as %s (%v)", data, body, again, err)
		}
	})
}
