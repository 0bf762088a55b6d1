package validate_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/validate"
)

const anyFiles = `
openapi: 3.1.0
info: { title: Files, version: "1" }
x-gatehouse: { name: files }
paths:
  /files:
    post:
      operationId: postFiles
      x-gatehouse: { access: public, body: 1MB }
      requestBody:
        content: { multipart/form-data: { schema: { type: object, additionalProperties: { type: string, contentMediaType: image/png, maxLength: 5 } } } }
      responses: { "204": { description: done } }
`

// TestFilesUnderAnyName: what additionalProperties says of files holds for each,
// and those that fit reach the handler whole.
func TestFilesUnderAnyName(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "files.yaml", Data: []byte(anyFiles)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fields []field
		status int
		tells  string
	}{
		"two that fit":     {[]field{{"a", "a.png", "image/png", "12345"}, {"b", "b.png", "image/png", "x"}}, 200, "a.png\"|image/png|12345"},
		"one too large":    {[]field{{"a", "a.png", "image/png", "123456"}}, 400, "at most 5 bytes"},
		"one of a script":  {[]field{{"a", "a.html", "text/html", "x"}}, 400, "image/png"},
		"two of one name":  {[]field{{"a", "a.png", "image/png", "x"}, {"a", "b.png", "image/png", "123456"}}, 400, "at most 5 bytes"},
		"a text, no file":  {[]field{{name: "a", data: "123456"}}, 400, "image/png"},
		"a name to forget": {[]field{{"<b>", "a.html", "text/html", "x"}}, 400, "image/png"},
	} {
		seen := ""
		h := layer(t, validate.Config{Table: table}, readForm(&seen))
		body, contentType := formBody(t, c.fields...)
		rec := send(h, "POST /files", body, "=Content-Type: "+contentType)
		if rec.Code != c.status || !strings.Contains(seen+rec.Body.String(), c.tells) || strings.Contains(rec.Body.String(), "<b>") {
			t.Errorf("%s: %d %s\nhandler saw %s", name, rec.Code, rec.Body, seen)
		}
	}
}
