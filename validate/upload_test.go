package validate_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/validate"
)

const uploads = `
openapi: 3.1.0
info: { title: Uploads, version: "1" }
x-gatehouse: { name: uploads }
paths:
  /files:
    post:
      operationId: postFile
      x-gatehouse: { access: public, body: 1MB }
      requestBody: &file
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [title]
              properties:
                title: { type: string, minLength: 1, maxLength: 20, x-gatehouse: { trim: true } }
                stars: { type: integer, default: 3 }
                photo: { type: string, format: binary, maxLength: 200000 }
                scans: { type: array, items: { type: string, format: binary } }
            encoding: { photo: { contentType: "image/png, image/jpeg" } }
          application/x-www-form-urlencoded:
            schema: { type: object, required: [title], properties: { title: { type: string, x-gatehouse: { trim: true } }, stars: { type: integer } } }
      responses: &done { "204": { description: done } }
    put:
      operationId: stripFile
      x-gatehouse: { access: public, body: 1MB, unknown: strip }
      requestBody: *file
      responses: *done
  /zipped:
    post:
      operationId: postZipped
      x-gatehouse: { access: public, body: 300KB, encoding: [gzip, deflate] }
      requestBody: { required: true, content: { application/json: { schema: &a { type: object, properties: { a: { type: string } } } }, multipart/form-data: { schema: *a } } }
      responses: *done
  /typed:
    get:
      operationId: getTyped
      x-gatehouse: { access: public }
      responses: { "200": { description: note, content: { application/json: { schema: { type: object } }, text/csv: {} } } }
  /salaries:
    parameters: []
    get:
      operationId: getSalaries
      x-gatehouse: { access: public }
      responses:
        "200": { description: list, content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Salary" } } } } }
    post:
      operationId: postSalary
      x-gatehouse: { access: public, answers: strip }
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Salary" } } } }
      responses:
        "200": { description: one, content: { application/json: { schema: { $ref: "#/components/schemas/Salary" } } } }
components:
  schemas:
    Salary:
      type: object
      properties:
        name: { type: string }
        amount: { type: integer, x-gatehouse: { read_roles: [admin, manager], write_roles: [admin] } }
`

func uploadTable(tb testing.TB) *contract.Table {
	tb.Helper()
	api, err := contract.Load(contract.File{Name: "uploads.yaml", Data: []byte(uploads)}, contract.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	t, err := contract.NewTable(api)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// field is one part of a form; a file when it has a type.
type field struct{ name, filename, mediaType, data string }

func formBody(t testing.TB, fields ...field) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", f.name)}}
		if f.mediaType != "" {
			h.Set("Content-Disposition", h.Get("Content-Disposition")+fmt.Sprintf("; filename=\"%s\"", f.filename))
			h.Set("Content-Type", f.mediaType)
		}
		part, err := w.CreatePart(h)
		if err == nil {
			_, err = io.WriteString(part, f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

// readForm is what a handler sees of a form, written down.
func readForm(seen *string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var bound map[string]any
		err := call.From(r.Context()).Bind(&bound)
		*seen = fmt.Sprintf("%v %v", bound, err)
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			data, _ := io.ReadAll(r.Body)
			*seen += " " + string(data)
			return
		}
		whole, _ := io.ReadAll(r.Body)
		if int64(len(whole)) != r.ContentLength || fmt.Sprint(len(whole)) != r.Header.Get("Content-Length") {
			*seen += fmt.Sprintf(" length %d of %d", r.ContentLength, len(whole))
		}
		r.Body = io.NopCloser(bytes.NewReader(whole))
		parts, err := r.MultipartReader()
		for err == nil {
			var p *multipart.Part
			if p, err = parts.NextRawPart(); err == nil {
				data, _ := io.ReadAll(p)
				if len(data) > 40 {
					data = fmt.Appendf(nil, "%d bytes", len(data))
				}
				*seen += fmt.Sprintf("\n%s|%s|%s", p.Header.Get("Content-Disposition"), p.Header.Get("Content-Type"), data)
			}
		}
	}
}

func TestHandlerReceivesTheFormThatWasValidated(t *testing.T) {
	photo := field{"photo", `..\..\etc/pass:wd.png`, "image/png", "PNG"}
	big := field{"scans", "big.bin", "application/octet-stream", strings.Repeat("x", 100_000)}
	for name, c := range map[string]struct {
		line   string
		fields []field
		want   string
	}{
		"texts and a file": {"POST /files", []field{{name: "title", data: " a "}, photo}, "map[photo:pass_wd.png stars:3 title:a] <nil>" +
			"\nform-data; name=\"photo\"; filename=\"pass_wd.png\"|image/png|PNG\nform-data; name=\"stars\"||3\nform-data; name=\"title\"||a"},
		"a file on the disk, and one in memory": {"POST /files", []field{{name: "title", data: "a"}, {name: "stars", data: "1"}, big, {"scans", "b", "text/html", "<p>"}, big}, "map[scans:[big.bin b big.bin] stars:1 title:a] <nil>" +
			"\nform-data; name=\"title\"||a\nform-data; name=\"stars\"||1\nform-data; name=\"scans\"; filename=\"big.bin\"|application/octet-stream|100000 bytes" +
			"\nform-data; name=\"scans\"; filename=\"b\"|text/html|<p>\nform-data; name=\"scans\"; filename=\"big.bin\"|application/octet-stream|100000 bytes"},
		"no file chosen": {"POST /files", []field{{name: "title", data: "a"}, {name: "stars", data: "1"}, {"photo", "", "application/octet-stream", ""}}, "map[stars:1 title:a] <nil>" +
			"\nform-data; name=\"title\"||a\nform-data; name=\"stars\"||1"},
		"a file without a name": {"POST /files", []field{{name: "title", data: "a"}, {name: "stars", data: "1"}, {"photo", "", "image/png", "x"}}, "map[photo: stars:1 title:a] <nil>" +
			"\nform-data; name=\"title\"||a\nform-data; name=\"stars\"||1\nform-data; name=\"photo\"; filename=\"file\"|image/png|x"},
		"stripped": {"PUT /files", []field{{name: "title", data: "a"}, {name: "isAdmin", data: "1"}, {"shell", "a.php", "text/php", "<?php"}}, "map[stars:3 title:a] <nil>" +
			"\nform-data; name=\"stars\"||3\nform-data; name=\"title\"||a"},
	} {
		dir := t.TempDir()
		seen, left := "", 0
		t.Setenv("TMPDIR", dir)
		h := layer(t, validate.Config{Table: uploadTable(t)}, readForm(&seen))
		body, contentType := formBody(t, c.fields...)
		rec := send(h, c.line, body, "=Content-Type: "+contentType)
		if entries, err := os.ReadDir(dir); err == nil {
			left = len(entries)
		}
		if rec.Code != 200 || seen != c.want || left != 0 {
			t.Errorf("%s: %d %s, %d files left\ngot  %s\nwant %s", name, rec.Code, rec.Body, left, seen, c.want)
		}
	}
	seen := ""
	h := layer(t, validate.Config{Table: uploadTable(t)}, readForm(&seen))
	if rec := send(h, "POST /files", "title=+a+&stars=1", "=Content-Type: application/x-www-form-urlencoded"); rec.Code != 200 || seen != "map[stars:1 title:a] <nil> stars=1&title=a" {
		t.Errorf("%d %s", rec.Code, seen)
	}
}

func TestFormAttacks(t *testing.T) {
	title := field{name: "title", data: "a"}
	many := []field{title}
	for range 100 {
		many = append(many, field{"scans", "a", "text/plain", ""})
	}
	raw := func(parts string) (string, string) {
		return strings.ReplaceAll(parts, "\n", "\r\n"), "multipart/form-data; boundary=b"
	}
	type sent struct{ body, contentType string }
	of := func(body, contentType string) sent { return sent{body, contentType} }
	for _, c := range []struct {
		attack string
		sent   sent
		status int
		tells  string
	}{
		{"more parts than allowed", of(formBody(t, many...)), 400, "at most 100 parts"},
		{"a file larger than its cap", of(formBody(t, title, field{"photo", "a.png", "image/png", strings.Repeat("x", 200_001)})), 400, "at most 200000 bytes"},
		{"a page for a photo", of(formBody(t, title, field{"photo", "a.png", "text/html", "<script>"})), 400, "image/png or image/jpeg"},
		{"a file nobody asked for", of(formBody(t, title, field{"shell", "a.php", "image/png", "<?php"})), 400, "/shell"},
		{"a text that eats memory", of(formBody(t, field{name: "title", data: strings.Repeat("a", 70_000)})), 413, "text of the form"},
		{"texts that eat memory together", of(formBody(t, field{name: "title", data: strings.Repeat("a", 60_000)}, field{name: "a", data: strings.Repeat("a", 60_000)}, field{name: "b", data: strings.Repeat("a", 60_000)})), 413, "text of the form"},
		{"a body larger than allowed", of(formBody(t, title, field{"scans", "a", "text/plain", strings.Repeat("x", 1_000_001)})), 413, "larger"},
		{"no boundary", sent{"--b--", "multipart/form-data"}, 400, "boundary"},
		{"broken off", of(raw("--b\nContent-Disposition: form-data; name=\"title\"\n\na")), 400, "not well-formed"},
		{"a part without a name", of(raw("--b\nContent-Disposition: form-data\n\na\n--b--\n")), 400, "name"},
		{"a part with two names", of(raw("--b\nContent-Disposition: form-data; name=\"title\"\nContent-Disposition: form-data; name=\"isAdmin\"\n\na\n--b--\n")), 400, "or two"},
		{"a part that names itself twice", of(raw("--b\nContent-Disposition: form-data; name=\"title\"; name=\"isAdmin\"\n\na\n--b--\n")), 400, "form-data with a name"},
		{"quoted-printable", of(raw("--b\nContent-Disposition: form-data; name=\"title\"\nContent-Transfer-Encoding: quoted-printable\n\n=41\n--b--\n")), 400, "Content-Transfer-Encoding"},
		{"another charset", of(raw("--b\nContent-Disposition: form-data; name=\"title\"\nContent-Type: text/plain; charset=utf-7\n\na\n--b--\n")), 400, "charset"},
		{"bytes that are no UTF-8", of(raw("--b\nContent-Disposition: form-data; name=\"title\"\n\n\xff\n--b--\n")), 400, "UTF-8"},
		{"a page for a text", of(raw("--b\nContent-Disposition: form-data; name=\"title\"\nContent-Type: text/html\n\na\n--b--\n")), 400, "sent as text"},
		{"NUL in a text", of(formBody(t, field{name: "title", data: "a\x00"})), 400, "U+0000"},
		{"mixed parts", sent{"--b--", "multipart/mixed; boundary=b"}, 415, "multipart/form-data"},
		{"a form of another kind, with a repeated field", sent{"title=a&title=b", "application/x-www-form-urlencoded"}, 400, "given once"},
	} {
		dir, served := t.TempDir(), false
		t.Setenv("TMPDIR", dir)
		h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }))
		rec := send(h, "POST /files", c.sent.body, "=Content-Type: "+c.sent.contentType)
		if rec.Code != c.status || served || !strings.Contains(rec.Body.String(), c.tells) {
			t.Errorf("%s: %d, served %v: %s", c.attack, rec.Code, served, rec.Body)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s: %d files left (%v)", c.attack, len(entries), err)
		}
	}
}

func TestUploadsWithoutADiskAreRefused(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere/at/all")
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") }))
	body, contentType := formBody(t, field{name: "title", data: "a"}, field{"scans", "a", "text/plain", strings.Repeat("x", 100_000)})
	if rec := send(h, "POST /files", body, "=Content-Type: "+contentType); rec.Code != 503 || strings.Contains(rec.Body.String(), "nowhere") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// zip compresses with gzip or zlib.
func zip(t testing.TB, coding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if coding == "deflate" {
		w = zlib.NewWriter(&b)
	}
	_, err := io.WriteString(w, text)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestContentEncoding(t *testing.T) {
	seen := ""
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		seen = fmt.Sprintf("%s %d %s%q", data, r.ContentLength, r.Header.Get("Content-Length"), r.Header.Values("Content-Encoding"))
	}))
	good := `{"a":"b"}`
	long := `{"a":"` + strings.Repeat("<b>", 20_000) + `"}` // grows 300 times, and is small
	for _, c := range []struct {
		name, coding, body string
		status             int
		accepts            string
	}{
		{"gzip", "gzip", zip(t, "gzip", good), 200, ""},
		{"its old name", "X-GZIP", zip(t, "gzip", good), 200, ""},
		{"deflate", "deflate", zip(t, "deflate", good), 200, ""},
		{"identity", "identity", good, 200, ""},
		{"a small body that grows", "gzip", zip(t, "gzip", long), 200, ""},
		{"a bomb", "gzip", zip(t, "gzip", `{"a":"`+strings.Repeat("b", 10<<20)+`"}`), 413, ""},
		{"a bomb within the size", "gzip", zip(t, "gzip", `{"a":"`+strings.Repeat("b", 250_000)+`"}`), 413, ""},
		{"empty blocks without an end", "deflate", "\x78\x9c" + strings.Repeat("\x00\x00\x00\xff\xff", 70_000), 413, ""},
		{"two members", "gzip", zip(t, "gzip", good) + zip(t, "gzip", `{"admin":1}`), 400, ""},
		{"two members that make one document", "gzip", zip(t, "gzip", `{"a":`) + zip(t, "gzip", `"b"}`), 400, ""},
		{"trailing bytes", "deflate", zip(t, "deflate", good) + "x", 400, ""},
		{"broken off", "gzip", zip(t, "gzip", good)[:20], 400, ""},
		{"a wrong sum", "gzip", strings.Replace(zip(t, "gzip", good), "\x09\x00\x00\x00", "\x08\x00\x00\x00", 1), 400, ""},
		{"not compressed at all", "gzip", good, 400, ""},
		{"no zlib at all", "deflate", good, 400, ""},
		{"brotli", "br", good, 415, "gzip, deflate, identity"},
		{"twice", "gzip, gzip", zip(t, "gzip", zip(t, "gzip", good)), 415, "gzip, deflate, identity"},
	} {
		seen = ""
		rec := send(h, "POST /zipped", c.body, "Content-Encoding: "+c.coding)
		if rec.Code != c.status || rec.Header().Get("Accept-Encoding") != c.accepts || (seen == "") != (c.status != 200) {
			t.Errorf("%s: %d %s, Accept-Encoding %q, handler saw %.40q", c.name, rec.Code, rec.Body, rec.Header().Get("Accept-Encoding"), seen)
		}
		if c.status == 415 && !strings.Contains(rec.Body.String(), "with one of: gzip, deflate") {
			t.Errorf("%s: %s", c.name, rec.Body)
		}
		if c.status == 200 && !strings.HasSuffix(seen, "[]") {
			t.Errorf("%s: Content-Encoding stays: %.60s", c.name, seen)
		}
	}
	if send(h, "POST /zipped", zip(t, "gzip", good), "Content-Encoding: gzip"); seen != good+` 9 9[]` {
		t.Errorf("the handler saw %s", seen)
	}
}

func TestAcceptIsNegotiated(t *testing.T) {
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for accept, want := range map[string]int{"application/json": 200, "text/*;q=0.1": 200, "*/*": 200, "text/html": 406, "application/json;q=0": 406, "application/json;q=0, text/csv": 200} {
		rec := send(h, "GET /typed", "", "Accept: "+accept)
		if rec.Code != want || want == 406 && !strings.Contains(rec.Body.String(), "application/json, text/csv") {
			t.Errorf("%s: %d %s", accept, rec.Code, rec.Body)
		}
	}
	if rec := send(h, "POST /zipped", `{}`, "Accept: text/html"); rec.Code != 200 {
		t.Errorf("an operation that lists no types: %d", rec.Code)
	}
}

// as puts a principal before the layer.
func as(role string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = call.Ensure(w, r)
		if role != "" {
			call.From(r.Context()).SetPrincipal(&call.Principal{ID: "1", Role: role})
		}
		h.ServeHTTP(call.From(r.Context()).ResponseWriter(), r)
	})
}

func TestMembersForRoles(t *testing.T) {
	const sent = `[{"name":"a","amount":9,"more":1}]`
	write := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = call.Bytes(w, r, 200, "application/json", []byte(body))
		}
	}
	for _, c := range []struct {
		role, line, body string
		handler          http.HandlerFunc
		status           int
		answer           string
	}{
		{"admin", "GET /salaries", "", write(sent), 200, sent},
		{"member", "GET /salaries", "", write(sent), 200, `[{"more":1,"name":"a"}]`},
		{"", "GET /salaries", "", write(sent), 200, `[{"more":1,"name":"a"}]`},
		{"manager", "POST /salaries", `{"name":"a"}`, write(`{"name":"a","amount":9,"more":1}`), 200, `{"amount":9,"name":"a"}`},
		{"member", "POST /salaries", `{"name":"a"}`, write(`{"name":"a","amount":9,"more":1}`), 200, `{"name":"a"}`},
		{"admin", "POST /salaries", `{"amount":1}`, write(`{}`), 200, `{}`},
		{"manager", "POST /salaries", `{"amount":1}`, nil, 403, "write_role"},
		{"member", "GET /salaries", "", func(w http.ResponseWriter, r *http.Request) {
			write(sent)(w, r)
			_ = http.NewResponseController(w).Flush()
		}, 200, `[{"more":1,"name":"a"}]`},
		{"member", "GET /salaries", "", write(`[{"amount":9}][]`), 500, "Internal"},
		{"member", "GET /salaries", "", write(`[{"amount":` + strings.Repeat(" ", 9<<20) + `9}]`), 500, "Internal"},
		{"member", "GET /salaries", "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte(sent))
		}, 500, "Internal"},
		{"member", "GET /salaries", "", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			write(sent)(w, r)
		}, 500, "Internal"},
		{"member", "GET /salaries", "", func(w http.ResponseWriter, _ *http.Request) {
			if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
				t.Error("the connection is taken over past the filter")
			}
			write(`[]`)(w, httptest.NewRequest("GET", "/", nil))
		}, 200, `[]`},
		{"member", "HEAD /salaries", "", write(sent), 200, ""},
	} {
		rec := send(as(c.role, layer(t, validate.Config{Table: uploadTable(t)}, c.handler)), c.line, c.body)
		body := rec.Body.String()
		exact := c.status == 200 && body != c.answer || c.status != 200 && (!strings.Contains(body, c.answer) || strings.Contains(body, "amount\":9"))
		if rec.Code != c.status || exact {
			t.Errorf("%s as %q: %d %.300s, want %s", c.line, c.role, rec.Code, body, c.answer)
		}
		if length := rec.Header().Get("Content-Length"); length != "" && c.status == 200 && length != fmt.Sprint(len(body)) {
			t.Errorf("%s as %q: Content-Length %s of %d", c.line, c.role, length, len(body))
		}
	}
}

// TestFormsBehindBlanksOfUnicode: what other readers trim off the media type, and
// take for a form then, makes it none here, with or without a stated length.
func TestFormsBehindBlanksOfUnicode(t *testing.T) {
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%q reaches the handler as %v, %v", r.Header.Get("Content-Type"), r.ParseMultipartForm(1<<20), r.MultipartForm)
	}))
	const evil = "--b\r\nContent-Disposition: form-data; name=\"isAdmin\"\r\n\r\n1\r\n--b--\r\n"
	for contentType, want := range map[string]int{
		"\u00a0multipart/form-data; boundary=b":    415, // no-break space
		"multipart/form-data\u2003; boundary=b":    415, // em space
		"\u0085Multipart/form-data; boundary=b":    415, // next line
		"multipart/form-data; boundary=b; x=\"é\"": 415,
		" multipart/form-data; boundary=b":         400,
		"\tMULTIPART/FORM-DATA ; boundary=b":       400,
	} {
		for _, length := range []int64{int64(len(evil)), -1} {
			r := httptest.NewRequest("POST", "/files", strings.NewReader(evil))
			r.ContentLength = length
			r.Header.Set("Content-Type", contentType)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != want {
				t.Errorf("%q, length %d: %d %s, want %d", contentType, length, rec.Code, rec.Body, want)
			}
		}
	}
}

// FuzzMultipart: whatever comes in, what a handler reads is well-formed, and has
// no field, no name and no byte that was not validated.
func FuzzMultipart(f *testing.F) {
	for _, fields := range [][]field{{{name: "title", data: "a"}}, {{name: "title", data: " a "}, {"photo", "../a.png", "image/png", "x"}}, {{name: "x", data: "1"}, {"scans", "b", "text/plain", strings.Repeat("x", 40_000)}}} {
		body, contentType := formBody(f, fields...)
		f.Add(contentType, body)
	}
	f.Add("\u00a0multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"isAdmin\"\r\n\r\n1\r\n--b--")
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"title\"; filename*=utf-8''%2e%2e%2fa\r\n\r\n1\r\n--b--")
	var seen int
	h := layer(f, validate.Config{Table: uploadTable(f)}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen++
		err := r.ParseMultipartForm(1 << 20) // whatever it takes for a form
		if errors.Is(err, http.ErrNotMultipart) {
			return
		}
		if err != nil {
			panic(err)
		}
		for name, files := range r.MultipartForm.File {
			for _, file := range files {
				if name != "photo" && name != "scans" || file.Filename != "" && strings.ContainsAny(file.Filename, "/\\\x00\r\n") || !utf8.ValidString(file.Filename) || len(file.Filename) > 255 {
					panic(fmt.Sprintf("%s: %q", name, file.Filename))
				}
			}
		}
		for name := range r.MultipartForm.Value {
			if name != "title" && name != "stars" {
				panic(name)
			}
		}
	}))
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for _, length := range []int64{int64(len(body)), -1} {
			r := httptest.NewRequest("PUT", "/files", strings.NewReader(body))
			r.ContentLength = length
			r.Header.Set("Content-Type", contentType)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code >= 500 {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
		}
	})
}

// FuzzContentEncoding: no compressed body is a 5xx, and none passes the limit.
func FuzzContentEncoding(f *testing.F) {
	f.Add("gzip", zip(f, "gzip", `{"a":"b"}`))
	f.Add("deflate", zip(f, "deflate", `{"a":"b"}`))
	f.Add("gzip, deflate", "x")
	h := layer(f, validate.Config{Table: uploadTable(f)}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if data, err := io.ReadAll(r.Body); err != nil || len(data) > 300_000 || r.Header.Get("Content-Encoding") != "" {
			panic(fmt.Sprint(len(data), err))
		}
	}))
	f.Fuzz(func(t *testing.T, coding, body string) {
		r := httptest.NewRequest("POST", "/zipped", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", coding)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code >= 500 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
	})
}
