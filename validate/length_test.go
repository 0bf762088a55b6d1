package validate_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
	"github.com/gatehouse-api/gatehouse/validate"
)

const boxes = `
openapi: 3.1.0
info: { title: Boxes, version: "1" }
x-gatehouse: { name: boxes, body: 1KB }
paths:
  /any:
    post:
      operationId: postAny
      x-gatehouse: { access: public, encoding: [gzip], unknown: report }
      requestBody:
        content:
          application/json: {}
          multipart/form-data: { schema: { type: object, properties: { a: { type: string } } } }
          multipart/mixed: {}
      responses: { "204": { description: done } }
  /raw:
    post:
      operationId: postRaw
      x-gatehouse: { access: public }
      requestBody: { required: true, content: { multipart/form-data: {} } }
      responses: { "204": { description: done } }
`

// TestWhatABodyIsByItsHeader: RFC 9110 §8.6 and RFC 9112 §6 for the length, which
// may be unknown; a body without a byte is none, whatever it was called.
func TestWhatABodyIsByItsHeader(t *testing.T) {
	const form = "multipart/form-data; boundary=b"
	part := onePart(`Content-Disposition: form-data; name="x"`, "1")
	for name, c := range map[string]struct {
		path, contentType, coding, body string
		length                          int64
		status                          int
		seen                            string // by the handler: length, body, notes
	}{
		"JSON":                            {"/any", "application/json", "", "1", 1, 200, "1 1 []"},
		"of unknown length":               {"/any", "application/json", "", "1", -1, 200, "1 1 []"},
		"nothing, of unknown length":      {"/any", "", "", "", -1, 200, "0  []"},
		"nothing":                         {"/any", "", "", "", 0, 200, "0  []"},
		"a form that is not described":    {"/raw", form, "", "no form", 7, 200, "7 no form []"},
		"a field that is reported":        {"/any", form, "", part, int64(len(part)), 200, "* * [{validate unknown_field /} {validate unknown_field /}]"},
		"a form too large, by its header": {"/any", form, "gzip", zip(t, "gzip", part), 1001, 413, ""},
	} {
		seen := ""
		h := layer(t, validate.Config{Table: gatetest.Compile(t, boxes)}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			seen = fmt.Sprint(r.ContentLength, " ", string(data), " ", call.From(r.Context()).Notes())
			if strings.HasPrefix(c.seen, "*") {
				seen = fmt.Sprint("* * ", call.From(r.Context()).Notes())
			}
		}))
		r := httptest.NewRequest("POST", c.path, strings.NewReader(c.body))
		r.ContentLength = c.length
		for name, value := range map[string]string{"Content-Type": c.contentType, "Content-Encoding": c.coding} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code != c.status || seen != c.seen {
			t.Errorf("%s: %d %s, seen %s", name, rec.Code, rec.Body, seen)
		}
	}
}

// TestWhatTheHandlerIsNotTold: of a body that the contract does not describe
// nothing is left, and of no body the fields that were about the one that came.
func TestWhatTheHandlerIsNotTold(t *testing.T) {
	for line, body := range map[string]string{"DELETE /notes/7": `{"a":1}`, "PUT /notes/7": `{"title":"a"}`} {
		var header http.Header
		h := layer(t, validate.Config{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { header = r.Header }))
		rec := send(h, line, body, "Trailer: X-Sum", "Content-Length: 7", "Content-Encoding: identity")
		want := map[string]string{"DELETE /notes/7": "", "PUT /notes/7": "application/json 23"}[line]
		got := strings.TrimSpace(header.Get("Content-Type") + " " + header.Get("Content-Length"))
		if rec.Code != 200 || got != want || header.Get("Trailer")+header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, %v", line, rec.Code, header)
		}
	}
}

// TestReportTellsWhatEnforceWouldAnswer: the header refuses before the size of
// the body does, and the size before its form.
func TestReportTellsWhatEnforceWouldAnswer(t *testing.T) {
	large := onePart(`Content-Disposition: form-data; name="a"`, strings.Repeat("x", 2000))
	for name, c := range map[string]struct{ contentType, body, coding, pardon string }{
		"a type that is not described":   {"text/html", strings.Repeat("x", 2000), "", "UNSUPPORTED_MEDIA_TYPE"},
		"a form that is too large":       {"multipart/form-data; boundary=b", large, "", "BODY_TOO_LARGE"},
		"a form that is broken":          {"multipart/form-data; boundary=c", large[:200], "", "MALFORMED_REQUEST"},
		"too large before it is decoded": {"application/json", zip(t, "gzip", noise(5000)), "gzip", "BODY_TOO_LARGE"},
		"too large once it is decoded":   {"application/json", zip(t, "gzip", `"`+strings.Repeat("x", 2000)+`"`), "gzip", "BODY_TOO_LARGE"},
	} {
		table := gatetest.Compile(t, boxes)
		layer, err := validate.New(validate.Config{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/any", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.contentType)
		if c.coding != "" {
			r.ContentLength = -1
			r.Header.Set("Content-Encoding", c.coding)
		}
		got := gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "validate", Mode: call.Report})(r)
		if !got.Reached() || pardoned(got.Call) != c.pardon {
			t.Errorf("%s: %d, %v", name, got.Status, got.Call.Pardons())
		}
	}
}

// TestRequestsWithoutABody: they pass in every mode, made by hand too, and there
// is nothing to bind.
func TestRequestsWithoutABody(t *testing.T) {
	for _, mode := range []call.Mode{call.Enforce, call.Report, call.Off} {
		served := false
		h := notesIn(t, mode, validate.Config{}, func(_ http.ResponseWriter, r *http.Request) {
			served = true
			var v any
			err := call.From(r.Context()).Bind(&v)
			if refusal, ok := errors.AsType[*problem.Error](err); ok != (mode != call.Enforce) || ok && !strings.Contains(refusal.Detail, "needs a body") || !ok && !errors.Is(err, strictjson.ErrEmpty) {
				t.Errorf("%v: Bind: %v", mode, err)
			}
		})
		r := httptest.NewRequest("DELETE", "/notes/7", nil)
		r.Body = nil
		if h.ServeHTTP(httptest.NewRecorder(), r); !served {
			t.Errorf("%v: not served", mode)
		}
	}
}

// TestSlowCompressedBodies: 408 (RFC 9110 §15.5.9), as for one that is not compressed.
func TestSlowCompressedBodies(t *testing.T) {
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") }))
	r := httptest.NewRequest("POST", "/zipped", io.MultiReader(strings.NewReader(zip(t, "gzip", `{"a":"b"}`)[:10]), iotest.ErrReader(os.ErrDeadlineExceeded)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	rec := httptest.NewRecorder()
	if h.ServeHTTP(rec, r); rec.Code != http.StatusRequestTimeout {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestTheLargestAnswerThatIsFiltered: 8 MiB, and not a byte more.
func TestTheLargestAnswerThatIsFiltered(t *testing.T) {
	for size, want := range map[int]int{8 << 20: 200, 8<<20 + 1: 500} {
		frame := len(`[{"amount":9}]`)
		body := `[{"amount":9` + strings.Repeat(" ", size-frame) + `}]`
		h := layer(t, validate.Config{Table: uploadTable(t)}, answers(200, "application/json", body))
		if rec := send(h, "GET /salaries", ""); rec.Code != want || strings.Contains(rec.Body.String(), "amount") {
			t.Errorf("%d bytes: %d", size, rec.Code)
		}
	}
}
