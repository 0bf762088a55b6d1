package validate_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/validate"
)

// gzipBomb is ten megabytes of blanks, compressed to ten kilobytes.
func gzipBomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(bytes.Repeat([]byte(" "), 10<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAttacks(t *testing.T) {
	const put = "PUT /notes/7"
	good := `{"title":"a"}`
	for _, c := range []struct {
		attack string
		line   string
		body   string
		lines  []string // header lines; "=Name: v" replaces
		status int
		tells  string
	}{
		{"duplicate key, the last one is admin's", put, `{"title":"a","title":"b"}`, nil, 400, "twice"},
		{"duplicate key, escaped", put, `{"title":"a","\u0074itle":"b"}`, nil, 400, "twice"},
		{"trailing data, a second document", put, good + `{"isAdmin":true}`, nil, 400, "more than one JSON value"},
		{"depth 33", put, strings.Repeat("[", 33) + strings.Repeat("]", 33), nil, 400, "32 levels"},
		{"invalid UTF-8", put, "{\"title\":\"\xc3\x28\"}", nil, 400, "not well-formed"},
		{"lone surrogate", put, `{"title":"\udfff"}`, nil, 400, "not well-formed"},
		{"a number that is infinite", put, `{"title":"a","stars":1e999}`, nil, 400, "too large"},
		{"a number that eats memory", put, `{"title":"a","stars":1e-999999999}`, nil, 400, "too large"},
		{"charset trick, UTF-7", put, good, []string{"=Content-Type: application/json; charset=utf-7"}, 415, "application/json"},
		{"charset trick, UTF-16 with a mark", put, "\xff\xfe{\x00", []string{"=Content-Type: application/json; charset=utf-16"}, 415, "application/json"},
		{"byte order mark", put, "\xef\xbb\xbf" + good, nil, 400, "byte order mark"},
		{"mass assignment by an unknown field", put, `{"title":"a","isAdmin":true}`, nil, 400, "/isAdmin"},
		{"mass assignment by a read-only field", put, `{"title":"a","id":1}`, nil, 400, "set by the server"},
		{"prototype pollution", put, `{"title":"a","__proto__":{"isAdmin":true}}`, nil, 400, "/__proto__"},
		{"prototype pollution by constructor", put, `{"title":"a","constructor":{"prototype":{}}}`, nil, 400, "/constructor"},
		{"NUL in a string", put, `{"title":"a\u0000.png"}`, nil, 400, "U+0000"},
		{"NUL in a query", "GET /notes/7?limit=1%00", "", nil, 400, "must be an integer"},
		{"an object where a string is", put, `{"title":{"$ne":null}}`, nil, 400, "must be a string"},
		{"an array where a string is", put, `{"title":["a"]}`, nil, 400, "must be a string"},
		{"a string where a number is", put, `{"title":"a","stars":"1 OR 1=1"}`, nil, 400, "must be an integer"},
		{"oversized, and says so", put, `{"title":"` + strings.Repeat("a", 2000) + `"}`, nil, 413, "larger"},
		{"oversized where no body is wanted", "DELETE /notes/7", strings.Repeat("a", 2000), nil, 413, "larger"},
		{"the wrong media type", put, `title=a`, []string{"=Content-Type: application/x-www-form-urlencoded"}, 415, "application/json"},
		{"XML, for its entities", put, `<!DOCTYPE a>`, []string{"=Content-Type: application/xml"}, 415, "application/json"},
		{"a simple request of another site", put, good, []string{"=Content-Type: text/plain"}, 415, "application/json"},
		{"Content-Type twice", put, good, []string{"Content-Type: text/csv"}, 400, "more than once"},
		{"Content-Type that cannot be read", put, good, []string{"=Content-Type: application/json; charset"}, 415, "application/json"},
		{"gzip bomb", put, gzipBomb(t), []string{"Content-Encoding: gzip"}, 415, "Content-Encoding"},
		{"encoding twice", put, good, []string{"Content-Encoding: identity", "Content-Encoding: gzip"}, 415, "Content-Encoding"},
		{"a repeated parameter", "GET /notes/7?limit=1&limit=100", "", nil, 400, "must be given once"},
		{"a parameter of PHP", "GET /notes/7?limit[]=1", "", nil, 400, "unknown parameter"},
		{"SQL in an id", "GET /notes/7%20OR%201=1", "", nil, 400, "must be an integer"},
		{"an id beyond 64 bits", "GET /notes/99999999999999999999", "", nil, 400, "must be an integer from"},
		{"an id with a sign", "GET /notes/+7", "", nil, 400, "must be an integer"},
		{"an id in scientific notation", "GET /notes/7e0", "", nil, 400, "must be an integer"},
		{"a script for a member's name", put, `{"title":"a","<script>alert(1)</script>":1}`, nil, 400, "has an unknown field"},
		{"an empty body", put, "", nil, 400, "a body is required"},
	} {
		served := false
		h := layer(t, validate.Config{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }))
		rec := send(h, c.line, c.body, c.lines...)
		if rec.Code != c.status || served {
			t.Errorf("%s: %d, served %v: %s", c.attack, rec.Code, served, rec.Body)
		}
		if answer := rec.Body.String(); !strings.Contains(answer, c.tells) || strings.Contains(answer, "<script>") || strings.Contains(answer, "OR 1=1") {
			t.Errorf("%s: the refusal says %s", c.attack, answer)
		}
		if strings.Contains(c.tells, "application/json") && !strings.Contains(rec.Header().Get("Accept"), "application/json") {
			t.Errorf("%s: Accept is %q", c.attack, rec.Header().Get("Accept"))
		}
		if c.tells == "Content-Encoding" && rec.Header().Get("Accept-Encoding") != "identity" {
			t.Errorf("%s: Accept-Encoding is %q", c.attack, rec.Header().Get("Accept-Encoding"))
		}
	}
}

// TestOverTheWire sends what httptest does not: chunks without a length, and a
// body that breaks off.
func TestOverTheWire(t *testing.T) {
	seen := ""
	server := httptest.NewServer(layer(t, validate.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		seen = fmt.Sprintf("%d %v %v %s", r.ContentLength, r.TransferEncoding, r.Trailer, data)
		w.WriteHeader(http.StatusNoContent)
	})))
	defer server.Close()
	chunked := func(body string) int {
		r, err := http.NewRequest("PUT", server.URL+"/notes/7", io.MultiReader(strings.NewReader(body))) // no length: sent in chunks
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Trailer = http.Header{"X-Sum": nil}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if status := chunked(`{"title":"a","stars":1}`); status != 204 || seen != `23 [] map[] {"title":"a","stars":1}` {
		t.Errorf("chunked: %d, handler saw %s", status, seen)
	}
	seen = ""
	if status := chunked(`{"title":"` + strings.Repeat("a", 100_000) + `"}`); status != 413 || seen != "" {
		t.Errorf("chunked and oversized: %d, handler saw %s", status, seen)
	}
	if status := chunked(""); status != 400 || seen != "" {
		t.Errorf("chunked and empty: %d, handler saw %s", status, seen)
	}
}

// TestNaughtyStrings sends the big list of naughty strings as data: each comes
// through unchanged, and only U+0000 is refused.
func TestNaughtyStrings(t *testing.T) {
	data, err := os.ReadFile("testdata/blns/blns.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := strictjson.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 500 {
		t.Fatalf("%d strings: the list is not whole", len(list))
	}
	list = append(list, "with \x00 in it")
	var body struct {
		Text string `json:"text"`
	}
	h := layer(t, validate.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err == nil {
			err = strictjson.Unmarshal(sent, &body)
		}
		if err != nil {
			t.Errorf("reading what was validated: %v", err)
		}
	}))
	for _, s := range list {
		body.Text = "not called"
		sent, err := strictjson.Marshal(map[string]string{"text": s})
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		rec := send(h, "POST /free", string(sent))
		if strings.Contains(s, "\x00") {
			if rec.Code != 400 {
				t.Errorf("%q: %d", s, rec.Code)
			}
		} else if rec.Code != 200 || body.Text != s {
			t.Errorf("%q comes through as %q (%d)", s, body.Text, rec.Code)
		}
	}
}
