package contract

import "testing"

func TestCheckResponse(t *testing.T) {
	const responses = `{
		"200":{"content":{"application/json":{"schema":{"type":"array","items":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"hash":{"type":"string","writeOnly":true}}}}},"text/html":{}}},
		"204":{"description":"done"},
		"4XX":{"content":{"application/problem+json":{"schema":{"type":"object"}}}},
		"418":{"content":{"*/*":{}}},
		"203":{"content":{"text/plain":{"schema":{"type":"integer"}},"image/*":{"schema":{"type":"integer"}}}}
	}`
	table := value(t, responses).(map[string]any)
	c := newCompiler("test", table, false)
	op := &Operation{Responses: map[string]*Response{}}
	for status := range table {
		r, err := c.response(status, "/"+status)
		if err != nil {
			t.Fatal(err)
		}
		op.Responses[status] = r
	}
	for name, c := range map[string]struct {
		status          int
		mediaType, body string
		want            string
	}{
		"as stated":              {200, "application/json; charset=utf-8", `[{"id":1}]`, ""},
		"without a body":         {204, "", "", ""},
		"a class":                {404, "application/problem+json", `{"status":404}`, ""},
		"a range":                {418, "image/png", "x", ""},
		"another media type":     {200, "text/html", "<p>", ""},
		"no schema":              {418, "application/json", `{"a":`, ""},
		"a schema of no JSON":    {203, "text/plain", "x", ""},
		"a schema of a range":    {203, "image/png", "x", ""},
		"a class without a body": {404, "application/problem+json", "", "required: the contract states a body for this answer"},
		"a class, another digit": {500, "application/problem+json", "{}", "status: the contract states no answer 500"},
		"an undeclared status":   {201, "application/json", `[]`, "status: the contract states no answer 201"},
		"an undeclared type":     {200, "text/plain", `[]`, "content_type: the contract does not state this media type for this answer"},
		"no type":                {200, "", `[]`, "content_type: the Content-Type of the answer cannot be read"},
		"no type, and no body":   {204, "", `[]`, "content_type: the Content-Type of the answer cannot be read"},
		"a body too many":        {204, "application/json", `[]`, "content_type: the contract states no body for this answer"},
		"a body missing":         {200, "application/json", ``, "required: the contract states a body for this answer"},
		"an undeclared field":    {200, "application/json", `[{"id":1,"password_hash":"x"}]`, "/0/password_hash unknown_field: is not a known field"},
		"a write-only field":     {200, "application/json", `[{"id":1,"hash":"x"}]`, "/0/hash writeOnly: must not be shown"},
		"a wrong type":           {200, "application/json", `[{"id":"1"}]`, "/0/id type: must be an integer"},
		"no strict JSON":         {200, "application/json", `[{"id":1,"id":2}]`, "json: the answer is not strict JSON: a member name stands twice in one object"},
		"trimming is no concern": {418, "text/plain", " x ", ""},
	} {
		if got := brief(op.CheckResponse(c.status, c.mediaType, []byte(c.body))); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	op.Responses["default"] = op.Responses["204"]
	if got := op.CheckResponse(500, "", nil); got != nil {
		t.Errorf("default: %v", got)
	}
}

func TestAResponseThatDoesNotCompile(t *testing.T) {
	doc := value(t, `{"200":{"content":{"application/json":{"schema":{"type":"int"}}}}}`).(map[string]any)
	if r, err := newCompiler("test", doc, false).response("200", "/200"); err == nil {
		t.Errorf("%+v", r)
	}
}

// TestWhichAnswersAreFiltered: those with a member for some roles only, and all
// where what the contract does not state is stripped.
func TestWhichAnswersAreFiltered(t *testing.T) {
	doc := value(t, `{
		"open":{"content":{"application/json":{"schema":{"type":"object"}},"text/csv":{}}},
		"private":{"content":{"text/csv":{},"application/json":{"schema":{"type":"array","items":{"properties":{"pay":{"x-gatehouse":{"read_roles":["admin"]}}}}}}}}}`).(map[string]any)
	c := newCompiler("test", doc, false)
	responses := map[string]*Response{"404": nil}
	for status, name := range map[string]string{"200": "open", "201": "private"} {
		r, err := c.response(status, "/"+name)
		if err != nil {
			t.Fatal(err)
		}
		responses[status] = r
	}
	open := map[string]*Response{"200": responses["200"], "404": nil}
	if anyPrivate(open) || !anyPrivate(responses) {
		t.Error("which answers are private is wrong")
	}
	if !(&Operation{Strip: true}).Filters() || !(&Operation{private: true}).Filters() || (&Operation{Responses: open}).Filters() {
		t.Error("which operations filter is wrong")
	}
	anything := &Operation{Strip: true, Responses: map[string]*Response{"200": {Content: map[string]*Schema{"*/*": nil}}}}
	for mediaType, passes := range map[string]bool{"image/png": true, "application/json": true, "": false, "text/plain; charset": false} {
		if out, err := anything.FilterAnswer("guest", 200, mediaType, []byte(`{"a":`)); (err == nil) != passes || passes && string(out) != `{"a":` {
			t.Errorf("%q: %q %v", mediaType, out, err)
		}
	}
}
