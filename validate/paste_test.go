package validate_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/validate"
)

const pasted = `
openapi: 3.1.0
info: { title: Pasted, version: "1" }
x-gatehouse: { name: pasted, body: 10KB }
paths:
  /open/{id}:
    post:
      x-gatehouse: { access: public, encoding: [gzip] }
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
        - { name: q, in: query, schema: { type: string } }
        - { name: X-Long, in: header, schema: { type: string } }
        - { name: j, in: query, content: { application/json: { schema: { type: array } } } }
        - { name: f, in: query, style: deepObject, schema: { type: object, properties: { a: { type: string } } } }
      requestBody:
        required: true
        content:
          application/json: { schema: &thing { type: object, properties: { a: { type: string, maxLength: 90000 }, id: { type: integer, readOnly: true }, in: { type: object, properties: { b: { type: string } } } } } }
          application/x-www-form-urlencoded: { schema: *thing }
          multipart/form-data: { schema: { type: object, properties: { a: { type: string }, f: { type: string, format: binary } } } }
      responses: { "200": { description: OK, content: { application/json: {} } } }
  /big:
    post:
      x-gatehouse: { access: public, body: 1MB, encoding: [gzip] }
      requestBody: { content: { application/json: {}, multipart/form-data: { schema: { type: object, properties: { a: { type: string } } } } } }
      responses: { "200": { description: OK } }
  /closed:
    post:
      x-gatehouse: { access: public }
      requestBody: { content: { application/json: { schema: { type: object, additionalProperties: false, properties: { a: { type: string } } } } } }
      responses: { "200": { description: OK } }
  /form:
    post:
      x-gatehouse: { access: public }
      requestBody: { content: { multipart/form-data: { schema: { type: object, additionalProperties: false, properties: { a: { type: string } } } } } }
      responses: { "200": { description: OK } }
  /unevaluated:
    post:
      x-gatehouse: { access: public }
      requestBody: { content: { application/json: { schema: { type: object, unevaluatedProperties: false, properties: { a: { type: string } } } } } }
      responses: { "200": { description: OK } }
  /branch:
    post:
      x-gatehouse: { access: public }
      requestBody: { content: { application/json: { schema: { allOf: [{ type: object, properties: { b: { type: string } } }, { type: object, additionalProperties: false, properties: { a: { type: string } } }] } } } }
      responses: { "200": { description: OK } }
  /names:
    post:
      x-gatehouse: { access: public }
      requestBody: { content: { application/json: { schema: { type: object, propertyNames: { maxLength: 1 }, properties: { a: { type: string } } } } } }
      responses: { "200": { description: OK } }
  /least:
    post:
      x-gatehouse: { access: public }
      requestBody: { content: { application/json: { schema: { type: object, minProperties: 2, additionalProperties: false, properties: { a: { type: string } } } } } }
      responses: { "200": { description: OK } }
`

// paste is a request, and what the report says would let it pass.
type paste struct {
	name, line, body string
	header           []string
	chunked          bool
	allow            []string  // as recorded, in order
	document         [2]string // the change of the document that a line of it asks for
}

const partsForm = "=Content-Type: multipart/form-data; boundary=b"

func formPart(of, text string) string {
	return "--b\r\nContent-Disposition: form-data; name=" + of + "\r\n\r\n" + text + "\r\n"
}

// pastes have every kind of line that report knows.
func pastes(t *testing.T) []paste {
	const (
		must   = "none: the client must send what the document describes"
		urlenc = "=Content-Type: application/x-www-form-urlencoded"
	)
	return []paste{
		{name: "unknown field", line: "POST /open/1", body: `{"z":1}`, allow: []string{"POST /open/{id}: { unknown: allow }"}},
		{name: "unknown field below", line: "POST /open/1", body: `{"in":{"z":1}}`, allow: []string{"POST /open/{id}: { unknown: allow }"}},
		{name: "unknown field of a form", line: "POST /open/1", body: `z=1`, header: []string{urlenc}, allow: []string{"POST /open/{id}: { unknown: allow }"}},
		{name: "unknown part of a form", line: "POST /open/1", body: formPart("z", "x") + "--b--", header: []string{partsForm}, allow: []string{"POST /open/{id}: { unknown: allow }"}},
		{name: "unknown parameter", line: "POST /open/1?z=1", body: `{}`, allow: []string{"POST /open/{id}: { unknown: allow }"}},
		{name: "unknown parameter beside another fault", line: "POST /open/1?z=1", body: `{"a":1}`,
			allow: []string{"POST /open/{id}: { unknown: allow }", "the document: relax type /a"}, document: [2]string{"a: { type: string, maxLength", "a: { type: [string, integer], maxLength"}},
		{name: "unknown parameter beside no JSON", line: "POST /open/1?z=1", body: `{"a":`, allow: []string{"POST /open/{id}: { unknown: allow }", must}},
		{name: "read-only field", line: "POST /open/1", body: `{"id":1,"z":1}`, allow: []string{"POST /open/{id}: { unknown: strip }"}},
		{name: "closed by additionalProperties", line: "POST /closed", body: `{"z":1}`, allow: []string{"POST /closed: { unknown: strip }"}},
		{name: "closed form", line: "POST /form", body: formPart("z", "x") + "--b--", header: []string{partsForm}, allow: []string{"POST /form: { unknown: strip }"}},
		{name: "closed by unevaluatedProperties", line: "POST /unevaluated", body: `{"z":1}`, allow: []string{"POST /unevaluated: { unknown: strip }"}},
		{name: "closed beside a schema that names it", line: "POST /branch", body: `{"b":"x"}`, allow: []string{"the document: relax unknown_field /b"},
			document: [2]string{"additionalProperties: false, properties: { a: { type: string } } }] }", "properties: { a: { type: string } } }] }"}},
		{name: "closed, and too few without it", line: "POST /least", body: `{"a":"x","z":1}`, allow: []string{"the document: relax unknown_field /z"},
			document: [2]string{"minProperties: 2, additionalProperties: false, properties: {", "minProperties: 2, properties: { z: {},"}},
		{name: "unknown field with another fault", line: "POST /names", body: `{"zz":1}`, allow: []string{"POST /names: { unknown: allow }", "the document: relax propertyNames /zz"},
			document: [2]string{"propertyNames: { maxLength: 1 }", "propertyNames: { maxLength: 2 }"}},
		{name: "unknown member of a parameter", line: "POST /open/1?f[z]=1", body: `{}`, allow: []string{"the document: relax unknown_field #/query/f/z"},
			document: [2]string{"style: deepObject, schema: { type: object, properties: {", "style: deepObject, schema: { type: object, properties: { z: { type: string },"}},
		{name: "unknown member of a parameter beside an unknown field", line: "POST /open/1?f[z]=1", body: `{"z":1}`, allow: []string{"POST /open/{id}: { unknown: allow }", "the document: relax unknown_field #/query/f/z"},
			document: [2]string{"style: deepObject, schema: { type: object, properties: {", "style: deepObject, schema: { type: object, properties: { z: { type: string },"}},
		{name: "parameter", line: "POST /open/x", body: `{}`, allow: []string{"the document: relax type #/path/id"}, document: [2]string{"required: true, schema: { type: integer }", "required: true, schema: { type: string }"}},
		{name: "repeated parameter", line: "POST /open/1?q=1&q=2", body: `{}`, allow: []string{"the document: relax repeated #/query/q"},
			document: [2]string{"name: q, in: query, schema: { type: string }", "name: q, in: query, schema: { type: array, items: { type: string } }"}},
		{name: "no body", line: "POST /open/1", allow: []string{"the document: relax required"}, document: [2]string{"required: true\n        content", "required: false\n        content"}},
		{name: "two faults", line: "POST /open/1", body: `{"a":1,"in":1}`, allow: []string{"the document: relax type /a, type /in"},
			document: [2]string{"a: { type: string, maxLength: 90000 }, id: { type: integer, readOnly: true }, in: { type: object, properties: { b: { type: string } } }", "a: {}, in: {}"}},
		{name: "media type", line: "POST /open/1", body: `x`, header: []string{"=Content-Type: text/csv"},
			allow: []string{"the document: state the media type of the body in the content of requestBody"}, document: [2]string{"content:\n          application/json:", "content:\n          text/csv: {}\n          application/json:"}},
		{name: "media type with our charset", line: "POST /open/1", body: `x`, header: []string{"=Content-Type: text/csv; charset=UTF-8"},
			allow: []string{"the document: state the media type of the body in the content of requestBody"}, document: [2]string{"content:\n          application/json:", "content:\n          text/csv: {}\n          application/json:"}},
		{name: "Accept", line: "POST /open/1", body: `{}`, header: []string{"Accept: text/csv"}, document: [2]string{"content: { application/json: {} } } }", "content: { text/csv: {} } } }"},
			allow: []string{"the document: state what the client accepts in the content of a 2XX answer"}},
		{name: "Accept beside another fault", line: "POST /open/1", body: `{"z":1}`, header: []string{"Accept: text/csv"}, document: [2]string{"content: { application/json: {} } } }", "content: { text/csv: {} } } }"},
			allow: []string{"the document: state what the client accepts in the content of a 2XX answer", "POST /open/{id}: { unknown: allow }"}},
		{name: "coding", line: "POST /closed", body: zip(t, "gzip", `{}`), header: []string{"Content-Encoding: gzip"}, allow: []string{"POST /closed: { encoding: [gzip] }"}},
		{name: "coding that nobody knows", line: "POST /closed", body: `{}`, header: []string{"Content-Encoding: br"}, allow: []string{"none: a body has one coding at most, gzip or deflate"}},
		{name: "coding that is none", line: "POST /open/1", body: `{}`, header: []string{"Content-Encoding: gzip"}, allow: []string{must}},
		{name: "charset", line: "POST /open/1", body: `{}`, header: []string{"=Content-Type: application/json; charset=utf-16"}, allow: []string{must}},
		{name: "charset without a name", line: "POST /open/1", body: `x`, header: []string{"=Content-Type: text/csv; charset"}, allow: []string{must}},
		{name: "half a media type", line: "POST /open/1", body: `x`, header: []string{"=Content-Type: text"}, allow: []string{must}},
		{name: "range of media types", line: "POST /open/1", body: `x`, header: []string{"=Content-Type: text/*"}, allow: []string{must}},
		{name: "no media type", line: "POST /open/1", body: `{}`, header: []string{"=Content-Type: "}, allow: []string{must}},
		{name: "no JSON", line: "POST /open/1", body: `{`, allow: []string{must}},
		{name: "no JSON in a parameter", line: "POST /open/1?j=[", body: `{}`, allow: []string{"none: the text is not JSON"}},
		{name: "NUL", line: "POST /open/1", body: `{"a":"\u0000"}`, allow: []string{"none: a text with U+0000 ends there for stores and C programs"}},
		{name: "no UTF-8", line: "POST /open/1?q=%ff", body: `{}`, allow: []string{"none: every text is UTF-8"}},
		{name: "bare semicolon", line: "POST /open/1?q=a;b", body: `{}`, allow: []string{"none: a bare ; separates for some readers and not for others; the client must write %3B"}},
		{name: "257 pairs", line: "POST /open/1", body: strings.Repeat("a=1&", 257), header: []string{urlenc}, allow: []string{"none: the limit is fixed"}},
		{name: "101 parts", line: "POST /open/1", body: strings.Repeat(formPart("a", "x"), 101) + "--b--", header: []string{partsForm}, allow: []string{"none: the limit is fixed"}},
		{name: "parameter of 9000 bytes", line: "POST /open/1", body: `{}`, header: []string{"X-Long: " + strings.Repeat("x", 9000)}, allow: []string{"none: the limit is fixed"}},
	}
}

// largePastes are those of bodies that are too large.
func largePastes(t *testing.T) []paste {
	large := `{"a":"` + strings.Repeat("x", 50_000) + `"}`
	return []paste{
		{name: "large", line: "POST /open/1", body: large, allow: []string{"POST /open/{id}: { body: 51KB }"}},
		{name: "large, of unknown length", line: "POST /open/1", body: large, chunked: true, allow: []string{"POST /open/{id}: { body: 51KB }"}},
		{name: "large, of unknown length, in no coding", line: "POST /open/1", body: large, header: []string{"Content-Encoding: identity"}, chunked: true, allow: []string{"POST /open/{id}: { body: 51KB }"}},
		{name: "large form of unknown length", line: "POST /open/1", body: formPart("f; filename=f", strings.Repeat("x", 50_000)) + "--b--",
			header: []string{partsForm}, chunked: true, allow: []string{"POST /open/{id}: { body: 51KB }"}},
		{name: "form larger than what is held", line: "POST /open/1", body: formPart("f; filename=f", strings.Repeat("x", 1_100_000)) + "--b--", header: []string{partsForm}, allow: []string{"POST /open/{id}: { body: 1101KB }"}},
		{name: "large once unpacked", line: "POST /open/1", body: zip(t, "gzip", noise(15_000)), header: []string{"Content-Encoding: gzip"}, allow: []string{"POST /open/{id}: { body: 15KB }"}},
		{name: "large before it is unpacked", line: "POST /open/1", body: zip(t, "gzip", noise(50_000)), header: []string{"Content-Encoding: gzip"}, allow: []string{"POST /open/{id}: { body: 50KB }"}},
		{name: "large before it is unpacked, of unknown length", line: "POST /open/1", body: zip(t, "gzip", noise(50_000)), header: []string{"Content-Encoding: gzip"}, chunked: true,
			allow: []string{"none: the body could not be unpacked to its end, so that its size is not known"}},
		{name: "large beyond measure", line: "POST /open/1", body: zip(t, "gzip", strings.Repeat(noise(4000), 50)), header: []string{"Content-Encoding: gzip"},
			allow: []string{"none: the body could not be unpacked to its end, so that its size is not known"}},
		{name: "bomb", line: "POST /big", body: zip(t, "gzip", strings.Repeat("x", 5_000_000)), header: []string{"Content-Encoding: gzip"}, allow: []string{"none: a body that grows more than a hundredfold is a bomb"}},
		{name: "bomb beyond what is allowed", line: "POST /big", body: zip(t, "gzip", noise(20_000)+strings.Repeat(" ", 5_000_000)), header: []string{"Content-Encoding: gzip"}, allow: []string{"none: a body that grows more than a hundredfold is a bomb"}},
		{name: "as large as what is held", line: "POST /closed", body: `{"a":"` + strings.Repeat("x", 1_000_000-len(`{"a":""}`)) + `"}`, allow: []string{"POST /closed: { body: 1000KB }"}},
		{name: "larger than what is held", line: "POST /open/1", body: `{"a":"` + strings.Repeat("x", 1_100_000) + `"}`, allow: []string{"none: a body that is no form is held as a whole, and 1000000 bytes at most are"}},
		{name: "text of 70 KB", line: "POST /big", body: formPart("a", strings.Repeat("x", 70_000)) + "--b--", header: []string{partsForm},
			allow: []string{"none: a text of a form has 64 KiB at most, and all of them 128 KiB"}},
		{name: "text of 70 KB, of unknown length", line: "POST /big", body: formPart("a", strings.Repeat("x", 70_000)) + "--b--", header: []string{partsForm}, chunked: true,
			allow: []string{"none: a text of a form has 64 KiB at most, and all of them 128 KiB"}},
	}
}

func (p paste) send(t *testing.T, mode call.Mode, table *contract.Table) (status int, allow []string) {
	t.Helper()
	begin, err := call.New(call.Config{Table: table, MaxBuffered: 1_000_000, Modes: call.Modes{"*": {"validate": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	var c *call.Call
	h := begin(layer(t, validate.Config{Table: table}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c = call.From(r.Context())
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	})))
	method, target, _ := strings.Cut(p.line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(p.body))
	if p.chunked {
		r.ContentLength = -1
	}
	r.Header.Set("Content-Type", "application/json")
	for _, line := range p.header {
		name, v, _ := strings.Cut(strings.TrimPrefix(line, "="), ": ")
		r.Header.Set(name, v)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if c != nil {
		for _, pardon := range c.Pardons() {
			allow = append(allow, pardon.Allow)
		}
	}
	return rec.Code, allow
}

// TestLinesOfReportHelp: what report says would allow a request does. Overlay and
// document are changed as it says, and the request passes under enforce; where
// nothing helps, the line says so.
func TestLinesOfReportHelp(t *testing.T) {
	table := gatetest.Compile(t, pasted)
	for _, p := range append(pastes(t), largePastes(t)...) {
		refused, _ := p.send(t, call.Enforce, table)
		status, allow := p.send(t, call.Report, table)
		if refused < 400 || status != 200 || !slices.Equal(allow, p.allow) {
			t.Errorf("%s: enforce %d, report %d %q, want %q", p.name, refused, status, allow, p.allow)
			continue
		}
		document, overlays, hopeless := pasted, []string{}, false
		for _, line := range allow {
			switch {
			case strings.HasPrefix(line, "POST "):
				overlays = append(overlays, line+"\n")
			case strings.HasPrefix(line, "the document: "):
				if !strings.Contains(pasted, p.document[0]) || p.document[0] == "" {
					t.Fatalf("%s: the document has no %q", p.name, p.document[0])
				}
				document = strings.Replace(pasted, p.document[0], p.document[1], 1)
			default:
				hopeless = hopeless || strings.HasPrefix(line, "none: ")
			}
		}
		again, left := p.send(t, call.Enforce, gatetest.Compile(t, document, overlays...))
		if (again == 200) == hopeless || left != nil {
			t.Errorf("%s: with %q it is answered %d", p.name, allow, again)
		}
	}
}

// TestReportListsEveryFault: with what helps against them, as far as a line of the
// record goes.
func TestReportListsEveryFault(t *testing.T) {
	rules := func(body string) (all []string) {
		table := gatetest.Compile(t, pasted)
		send := gatetest.Alone(t, func(next http.Handler) http.Handler { return layer(t, validate.Config{Table: table}, next) }, gatetest.Setting{Table: table, Layer: "validate", Mode: call.Report})
		r := httptest.NewRequest("POST", "/open/x?z=1", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for _, p := range send(r).Call.Pardons() {
			all = append(all, p.Rule)
		}
		return all
	}
	want := []string{"unknown_field #/query/z, unknown_field /y", "type #/path/id, type /in/b", "nul /a"}
	if got := rules(`{"y":1,"a":"\u0000","in":{"b":1}}`); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// Each of the six takes 41 bytes with its comma, and what goes before them 23.
	full := `{"a":""`
	for i := range 6 {
		full += fmt.Sprintf(`,"%s":1`, strings.Repeat(string(rune('b'+i)), 24))
	}
	for last, want := range map[int]string{14: "unknown_field /" + strings.Repeat("y", 14), 15: " and 1 more"} {
		got := rules(full + `,"` + strings.Repeat("y", last) + `":1}`)
		if !strings.HasSuffix(got[0], want) || len(got[0]) != 300 && last == 14 {
			t.Errorf("%d: %q", last, got)
		}
	}
	many := `{"a":""`
	for i := range 90 {
		many += fmt.Sprintf(`,"unknown_%c%c":1`, 'a'+i/10, 'a'+i%10)
	}
	got := rules(many + "}")
	if len(got) != 2 || len(got[0]) > 330 || !strings.HasPrefix(got[0], "unknown_field #/query/z, unknown_field /unknown_aa, ") || !strings.HasSuffix(got[0], " and 80 more") {
		t.Errorf("%q", got)
	}
}
