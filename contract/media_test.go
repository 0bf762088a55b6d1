package contract

import (
	"errors"
	"strings"
	"testing"
)

// pet is a schema with members of each kind.
const pet = `{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"id":{"type":"integer","readOnly":true},
	"rank":{"type":"integer","x-gatehouse":{"write_roles":["admin"],"read_roles":["admin"]}}}}`

// TestJSONByAnotherName: whatever the contract calls it, a body that is JSON is
// held against its schema. ASP.NET Core lists text/json and application/*+json.
func TestJSONByAnotherName(t *testing.T) {
	const wrong, forged = `{"name":7}`, `{"name":"a","rank":1}`
	for _, c := range []struct{ stated, sent string }{
		{"application/json", "application/json; charset=utf-8"},
		{"text/json", "text/json"},
		{"text/json", "text/json; charset=utf-8"},
		{"application/*+json", "application/vnd.api+json"},
		{"application/*+json", "application/+json"},
		{"application/*", "application/json"},
		{"application/*", "application/merge-patch+json"},
		{"text/*", "text/json"},
		{"*/*", "application/json"},
		{"*/*", "text/json"},
		{"*/*", "image/x+json"},
		{"application/json; charset=utf-8", "application/json"},
	} {
		op := &Operation{Body: bodyOf(t, `{"`+c.stated+`":{"schema":`+pet+`}}`, true)}
		if _, err := op.Decode("guest", c.sent, []byte(wrong)); refusal(err) != "Bad Request\n/name type: must be a string" {
			t.Errorf("%s under %s: %s", c.sent, c.stated, refusal(err))
		}
		if _, err := op.Decode("guest", c.sent, []byte(forged)); formRefusal(err) != "FORBIDDEN /rank write_role: may not be set with your role" {
			t.Errorf("%s under %s, with what is an admin's: %s", c.sent, c.stated, refusal(err))
		}
		if _, err := op.Decode("guest", c.sent, []byte(`{"name":"a"`)); err == nil {
			t.Errorf("%s under %s need not be JSON", c.sent, c.stated)
		}
		if d, err := op.Decode("guest", c.sent, []byte(`{"name":"a"}`)); err != nil || string(d.Body) != `{"name":"a"}` {
			t.Errorf("%s under %s is refused: %s", c.sent, c.stated, refusal(err))
		}
	}
}

// TestJSONAsSomethingElse: a body of a range that says what it is made of does not
// pass unread because of what it calls itself.
func TestJSONAsSomethingElse(t *testing.T) {
	ranged := bodyOf(t, `{"*/*":{"schema":`+pet+`}}`, true)
	for _, contentType := range []string{"text/plain", "application/octet-stream", "application/xml", "application/json-seq", "application/x-ndjson", "multipart/mixed; boundary=b"} {
		_, err := (&Operation{Body: ranged}).Decode("guest", contentType, []byte(`{"name":"a","rank":1}`))
		if err == nil || err.Status != 415 || err.Header.Get("Accept") != "application/json, application/x-www-form-urlencoded, multipart/form-data" {
			t.Errorf("%s: %v", contentType, err)
		} else if why := errors.Unwrap(err).Error(); why != "a media type in which the body could not be checked" {
			t.Errorf("%s: %s", contentType, why)
		}
	}
	form := &Operation{Body: ranged}
	if _, err := form.Decode("guest", urlEncodedForm, []byte(`name=a&rank=1`)); formRefusal(err) != "FORBIDDEN /rank write_role: may not be set with your role" {
		t.Errorf("a form: %s", refusal(err))
	}
	if m, err := ranged.Media(multipartForm + "; boundary=b"); err != nil || !m.Multipart || m.Schema == nil {
		t.Errorf("a form with files: %v", err)
	}
	for content, want := range map[string]string{
		`{"text/*":{"schema":` + pet + `},"image/png":{}}`:                            "text/json, image/png",
		`{"multipart/*":{"schema":` + pet + `}}`:                                      "multipart/form-data",
		`{"application/*":{"schema":{"type":"array","items":{}}},"image/*":{}}`:       "application/json, image/*",
		`{"application/*":{"schema":{"properties":{"a":{}}}},"application/json": {}}`: "application/json, application/x-www-form-urlencoded",
	} {
		_, err := bodyOf(t, content, true).Media("chemical/x-pdb")
		if err == nil || err.Header.Get("Accept") != want {
			t.Errorf("%s offers %v, want %s", content, err, want)
		}
	}
	for _, schema := range []string{
		`{"properties":{"a":{}}}`, `{"patternProperties":{"^a":{}}}`, `{"additionalProperties":{}}`, `{"additionalProperties":false}`, `{"unevaluatedProperties":false}`,
		`{"x-gatehouse":{"write_roles":["admin"]}}`, `{"x-gatehouse":{"read_roles":["admin"]}}`, `{"type":["array","null"]}`, `{"type":["object","boolean"]}`,
	} {
		op := &Operation{Body: bodyOf(t, `{"*/*":{"schema":`+schema+`}}`, true)}
		if _, err := op.Decode("admin", "application/octet-stream", []byte("x")); err == nil {
			t.Errorf("%s: passes unread", schema)
		}
	}
	for _, schema := range []string{`{}`, `{"type":"string"}`, `{"type":"string","format":"binary"}`, `{"type":["string","null"]}`, `{"type":["integer","null"]}`} {
		op := &Operation{Body: bodyOf(t, `{"*/*":{"schema":`+schema+`}}`, true)}
		if d, err := op.Decode("guest", "application/octet-stream", []byte("x")); err != nil || string(d.Body) != "x" {
			t.Errorf("%s: %s", schema, refusal(err))
		}
	}
}

// TestMediaTypesThatDifferInAParameter: each has its own schema, and the most
// specific decides (RFC 9110 §12.5.1, OAS 3.1 §4.8.14).
func TestMediaTypesThatDifferInAParameter(t *testing.T) {
	of := func(name string) string {
		return `{"schema":{"type":"object","additionalProperties":false,"required":["` + name + `"],"properties":{"` + name + `":{}}}}`
	}
	versions := `"application/json;v=1":` + of("a") + `,"application/json; v=2":` + of("b") + `,"application/json; profile=\"x y\"; v=2":` + of("c")
	both := bodyOf(t, `{`+versions+`}`, true)
	rest := bodyOf(t, `{`+versions+`,"application/json":`+of("d")+`,"text/plain;format=flowed":{}}`, true)
	for _, c := range []struct {
		body       *Body
		sent, data string
		status     int
	}{
		{both, `application/json;v=1`, `{"a":1}`, 0},
		{both, `application/json;v=1`, `{"b":1}`, 400},
		{both, `application/json; V="2"`, `{"b":1}`, 0},
		{both, `application/json; v=2`, `{"a":1}`, 400},
		{both, `application/json; v=2; profile="x y"`, `{"c":1}`, 0},
		{both, `application/json; v=2; profile=z; charset=utf-8`, `{"b":1}`, 0},
		{both, `application/json`, `{"a":1}`, 415},
		{both, `application/json; v=3`, `{"a":1}`, 415},
		{rest, `application/json`, `{"d":1}`, 0},
		{rest, `application/json; v=3`, `{"d":1}`, 0},
		{rest, `application/json; v=1`, `{"a":1}`, 0},
		{rest, `text/plain`, `x`, 0},
		{rest, `text/plain; format=fixed`, `x`, 415},
	} {
		_, err := (&Operation{Body: c.body}).Decode("guest", c.sent, []byte(c.data))
		if (err != nil || c.status != 0) && (err == nil || err.Status != c.status) {
			t.Errorf("%s %s: %v, want %d", c.sent, c.data, err, c.status)
		}
	}
	for range 20 {
		if m, err := rest.Media("application/json; v=1; charset=utf-8"); err != nil || m.Type != "application/json; v=1" {
			t.Fatalf("it is not always the one that states more: %v %v", m, err)
		}
	}
	even := bodyOf(t, `{"a/b;x=1":{},"a/b;y=2":{},"a/b;z=3":{}}`, true)
	for range 20 {
		if m, err := even.Media("a/b;y=2;x=1"); err != nil || m.Type != "a/b; x=1" {
			t.Fatalf("of two that fit as well it is not always the first: %v %v", m, err)
		}
	}
	if got := strings.Join(both.Accepts(), ", "); got != `application/json; profile="x y"; v=2, application/json; v=1, application/json; v=2` {
		t.Error(got)
	}
	for content, refused := range map[string]bool{
		`{"application/json":{"schema":{"type":"string"}},"Application/JSON":{}}`:                                         true,
		`{"application/json;charset=utf-8":{"schema":{"type":"string"}},"application/json":{}}`:                           true,
		`{"application/json;charset=UTF-8":{"schema":{"type":"string"}},"application/json":{"schema":{"type":"string"}}}`: false,
		`{"application/json;charset=UTF-8":{},"application/json":{},"text/plain":{"schema":{"type":"string"}}}`:           false,
	} {
		table := map[string]any{"b": map[string]any{"content": value(t, content)}}
		if _, err := newCompiler("test", table, false).body("/b"); (err != nil) != refused {
			t.Errorf("%s as a body: %v", content, err)
		}
		if _, err := newCompiler("test", table, false).response("200", "/b"); (err != nil) != refused {
			t.Errorf("%s as an answer: %v", content, err)
		}
	}
}

// TestAnswersByAnotherName: members are taken out of JSON whatever it is called,
// and what cannot be looked up does not leave. springdoc states */* for answers.
func TestAnswersByAnotherName(t *testing.T) {
	const sent, shown = `{"name":"a","rank":1,"hash":"x"}`, `{"name":"a"}`
	for _, c := range []struct {
		stated, sent, body, out string
		check                   string
	}{
		{"*/*", "application/json", sent, shown, ""},
		{"*/*", "application/problem+json", sent, shown, ""},
		{"application/*", "application/json", sent, shown, ""},
		{"text/json", "text/json; charset=utf-8", sent, shown, ""},
		{"application/*+json", "application/hal+json", sent, shown, ""},
		{"application/json; v=1", "application/json", sent, shown, ""},
		{"text/plain", "text/plain", sent, shown, ""},
		{"text/plain", "text/plain", "no JSON", "", "json: the answer is not strict JSON: "},
		{"*/*", "text/html", "<p>", "", "content_type: what the contract states of this answer cannot be looked up in this media type"},
		{"*/*", "*/*", sent, "", "content_type: what the contract states of this answer cannot be looked up in this media type"},
		{"application/*", "text/json", sent, "", "content_type: the contract does not state this media type for this answer"},
	} {
		table := value(t, `{"r":{"content":{"`+c.stated+`":{"schema":`+pet+`}}}}`).(map[string]any)
		r, err := newCompiler("test", table, false).response("200", "/r")
		if err != nil {
			t.Fatal(err)
		}
		op := &Operation{Strip: true, Responses: map[string]*Response{"200": r}}
		if !anyPrivate(op.Responses) {
			t.Errorf("%s: the answer is not filtered", c.stated)
		}
		out, err := op.FilterAnswer("guest", 200, c.sent, []byte(c.body))
		if string(out) != c.out || (err == nil) != (c.out != "") {
			t.Errorf("%s under %s: %s %v", c.sent, c.stated, out, err)
		}
		if c.out == "" {
			if got := brief(op.CheckResponse(200, c.sent, []byte(c.body))); !strings.HasPrefix(got, c.check) {
				t.Errorf("%s under %s: %s", c.sent, c.stated, got)
			}
		}
	}
}

// TestRolesWhereMembersAreNotLookedFor: a safeguard that would have no effect is
// refused, with its place, the reason and what to do.
func TestRolesWhereMembersAreNotLookedFor(t *testing.T) {
	const secret = "{ type: object, properties: { a: { type: string, x-gatehouse: { ^write_roles: [admin], read_roles: [admin] } } } }"
	shown := strings.Replace(secret, "^write_roles: [admin], ", "^", 1)
	op := func(statement, request, answer string) string {
		return "  /a: { post: { x-gatehouse: { access: public" + statement + " }, requestBody: { content: { " + request + " } }, responses: { '200': { description: a, content: { " + answer + " } } } } }\n"
	}
	const free = "application/json: { schema: { type: object, properties: { b: {} } } }"
	const place, without = "^1 GH-CON-016 ", "schema of its own without the member."
	hold := func(name, paths, want string) faultRow { return faultRow{name, paths, "", want} }
	holdFaults(t, Options{}, []faultRow{
		hold("of a body", op("", "application/xml: { schema: "+secret+" }", free),
			place+"write_roles has no effect in application/xml | Describe JSON in place of application/xml, or give application/xml a "+without),
		hold("of an answer", op("", free, "text/csv: { schema: "+shown+" }"),
			place+"read_roles has no effect in text/csv | Describe JSON in place of text/csv, or give text/csv a "+without),
		hold("of an answer in plain text", op("", free, "text/plain: { schema: { type: string, x-gatehouse: { ^read_roles: [admin] } } }"),
			place+"read_roles has no effect in text/plain | Describe JSON in place of text/plain, or give text/plain a "+without),
		hold("answers: strip", op(", answers: strip", free, "^application/xml: { schema: { type: object, properties: { b: {} } } }"),
			place+"answers: strip has no effect in application/xml | Remove application/xml here, or state / x-gatehouse: { answers: as_written } / for the operation, in an overlay too."),
		hold("answers: strip, of a text", op(", answers: strip", free, "text/html: { schema: { type: string } }, application/pdf: {}"), ""),
		hold("what others send, in an answer", op("", free, "text/csv: { schema: "+strings.Replace(secret, "^write_roles: [admin], read_roles", "write_roles", 1)+" }"), ""),
		hold("beside JSON in plain text", op(", answers: strip", free, "text/plain: { schema: "+strings.Replace(shown, "^", "", 1)+" }"), ""),
	})
}
