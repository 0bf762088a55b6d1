package contract

import (
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// opportunity is a schema as the built-in contracts have them, with references.
const opportunity = `{
  "$ref": "#/$defs/New",
  "$defs": {
    "New": {"allOf": [{"$ref": "#/$defs/Fields"}, {"required": ["title", "category"]}]},
    "Fields": {"type": "object", "properties": {
      "title": {"type": "string", "minLength": 1, "maxLength": 200, "x-gatehouse": {"trim": true, "texts": {"required": "Title is required"}}},
      "description": {"anyOf": [{"type": "string", "maxLength": 2000}, {"type": "null"}]},
      "link": {"type": ["string", "null"], "format": "uri", "maxLength": 500, "pattern": "^https?://"},
      "deadline": {"type": "string", "format": "date"},
      "category": {"enum": ["internship", "hackathon"]},
      "status": {"type": "string", "enum": ["applied", "interviewed", "shortlisted", "selected", "rejected"], "default": "applied"},
      "notes": {"type": ["string", "null"], "maxLength": 5000, "x-gatehouse": {"trim": true, "empty": null}},
      "tags": {"type": "array", "maxItems": 10, "uniqueItems": true, "items": {"type": "string", "maxLength": 40}},
      "hours": {"type": "number", "minimum": 0, "maximum": 60}
    }}
  }
}`

const opportunityBody = `{"title":"Summer internship at the observatory","description":"Two months of work on the archive of plates.","link":"https://observatory.example/jobs/17","deadline":"2026-05-01","category":"internship","status":"applied","notes":"Ask about housing \u2013 the form is long.","tags":["astronomy","archive"],"hours":37.5}`

// mustSchema compiles a schema given as text.
func mustSchema(tb testing.TB, text string) *Schema {
	tb.Helper()
	v, err := strictjson.Decode([]byte(text))
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	s, err := CompileSchema(v)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return s
}

func BenchmarkDecodeBody(b *testing.B) {
	s := mustSchema(b, opportunity)
	op := &Operation{Unknown: Reject, Body: &Body{Required: true, Content: map[string]*Media{
		"application/json": {Type: "application/json", JSON: true, Schema: s}}}}
	data := []byte(opportunityBody)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := op.DecodeBody("application/json", data); err != nil {
			b.Fatal(err.Fields)
		}
	}
}

func BenchmarkPrepareAndValidate(b *testing.B) {
	s := mustSchema(b, opportunity)
	v, err := strictjson.Decode([]byte(opportunityBody))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = s.Prepare(v, Reject)
		if f := s.Validate(v); f != nil {
			b.Fatal(f)
		}
	}
}

func BenchmarkLibrary(b *testing.B) {
	s := mustSchema(b, opportunity)
	v, err := strictjson.Decode([]byte(opportunityBody))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.root.lib.Validate(v); err != nil {
			b.Fatal(err)
		}
	}
}
