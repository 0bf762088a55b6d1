package validate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/validate"
)

const parts = `
openapi: 3.1.0
info: { title: Parts, version: "1" }
paths:
  /parts:
    post: &post
      operationId: post
      x-gatehouse: { access: public }
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              properties:
                dto: { type: object, properties: { n: { type: integer } } }
                table: { type: string }
                vendor: { type: object }
                any: { type: string, contentMediaType: application/octet-stream }
                filled: { type: integer, default: 3 }
            encoding: { table: { contentType: "text/csv, text/tab-separated-values" }, vendor: { contentType: application/vnd.x+json } }
      responses: { "200": { description: done } }
    put: { <<: *post, operationId: put, x-gatehouse: { access: public, unknown: allow } }
`

// TestPartsAsBrowsersSendThem: FormData gives a Blob the file name "blob" (XMLHttp-
// Request Standard, "create an entry"), so that JSON comes as a file; a part that
// states a type of text keeps it, for frameworks choose a reader by it.
func TestPartsAsBrowsersSendThem(t *testing.T) {
	const disposition = "Content-Disposition: form-data; name="
	for name, c := range map[string]struct {
		method, header, data string
		status               int
		seen                 string
	}{
		"JSON as a Blob":                {"POST", disposition + "dto; filename=blob\nContent-Type: application/json", `{"n":1}`, 200, "form-data; name=\"dto\"|application/json|{\"n\":1}"},
		"JSON as a Blob, wrong":         {"POST", disposition + "dto; filename=blob\nContent-Type: application/json", `{"n":"x"}`, 400, "/dto/n"},
		"JSON with its charset":         {"POST", disposition + "dto\nContent-Type: Application/JSON;charset=UTF-8", `{"n":1}`, 200, "|application/json; charset=utf-8|{\"n\":1}"},
		"no type stated":                {"POST", disposition + "dto", `{"n":1}`, 200, "name=\"dto\"||{\"n\":1}"},
		"a type of the encoding":        {"POST", disposition + "table\nContent-Type: text/csv", "a;b", 200, "name=\"table\"|text/csv|a;b"},
		"another of it, from a file":    {"POST", disposition + "table; filename=a.tsv\nContent-Type: text/tab-separated-values", "a", 200, "name=\"table\"|text/tab-separated-values|a"},
		"JSON of a vendor":              {"POST", disposition + "vendor\nContent-Type: application/vnd.x+json", "{}", 200, "name=\"vendor\"|application/vnd.x+json|{}"},
		"a type that is not of it":      {"POST", disposition + "dto\nContent-Type: text/csv", `{"n":1}`, 400, "must be sent as text"},
		"script for a text":             {"POST", disposition + "table; filename=a.html\nContent-Type: text/html", "a", 400, "must be sent as text"},
		"bytes for a text":              {"POST", disposition + "table; filename=a\nContent-Type: application/pdf", "a", 400, "must be a text, not a file"},
		"no JSON, as a Blob":            {"POST", disposition + "dto; filename=blob\nContent-Type: application/json", `{`, 400, "must be JSON"},
		"any file":                      {"POST", disposition + "any; filename=a.png\nContent-Type: image/png", "PNG", 200, "name=\"any\"; filename=\"a.png\"|image/png|PNG"},
		"a text file that nobody knows": {"PUT", disposition + "other; filename=a.txt\nContent-Type: text/plain", "a", 200, "name=\"other\"; filename=\"a.txt\"|text/plain|a"},
	} {
		seen := ""
		h := layer(t, validate.Config{Table: gatetest.Compile(t, parts)}, http.HandlerFunc(readForm(&seen)))
		body := "--b\r\n" + strings.ReplaceAll(c.header, "\n", "\r\n") + "\r\n\r\n" + c.data + "\r\n--b--\r\n"
		rec := send(h, c.method+" /parts", body, "=Content-Type: multipart/form-data; boundary=b")
		if rec.Code != c.status || !strings.Contains(seen+rec.Body.String(), c.seen) || (seen == "") != (c.status != 200) {
			t.Errorf("%s: %d %s\nhandler saw %s", name, rec.Code, rec.Body, seen)
		}
	}
}
