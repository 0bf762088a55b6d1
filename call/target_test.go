package call_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

const anything = `
openapi: 3.1.0
info: {title: Anything, version: "1"}
x-gatehouse: {name: anything}
paths:
  /: {get: {operationId: root, x-gatehouse: {access: public}, responses: {"200": {description: ok}}}}
  /{name}: {get: {operationId: one, parameters: [{name: name, in: path, required: true, schema: {type: string}}], x-gatehouse: {access: public}, responses: {"200": {description: ok}}}}
`

// TestTargets sends request lines over a socket, because httptest and clients
// repair them.
func TestTargets(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "anything.yaml", Data: []byte(anything)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(begin(t, call.Config{Table: table}, func(w http.ResponseWriter, r *http.Request) {
		m := call.From(r.Context()).Match()
		if m.Miss != nil {
			call.Refuse(w, r, m.Miss)
			return
		}
		fmt.Fprint(w, m.Operation.ID, m.Values)
	}))
	defer server.Close()
	for _, row := range []struct {
		name, target string
		status       int
	}{
		{"a plain path", "/cafe", 200},
		{"encoded UTF-8", "/caf%C3%A9", 200},
		{"raw UTF-8 in the path", "/caf\u00e9", 400},
		{"raw Latin-1 in the path", "/caf\xe9", 400},
		{"raw overlong encoding of a dot", "/\xc0\xae\xc0\xae", 400},
		{"a raw full-width slash", "/a\uff0fb", 400},
		{"raw UTF-8 in the query", "/cafe?q=caf\u00e9", 400},
		{"encoded UTF-8 in the query", "/cafe?q=caf%C3%A9", 200},
		{"a raw pipe", "/a|b", 400},
		{"an encoded pipe", "/a%7Cb", 200},
		{"raw quotes", `/a"b`, 400},
		{"a raw caret", "/a^b", 400},
		{"raw braces", "/{name}", 400},
		{"a fragment in a request line", "/cafe#x", 400},
		{"an escaped slash", "/a%2fb", 400},
		{"a semicolon", "/a;b", 400},
		{"an encoded NUL", "/a%00", 400},
		{"absolute form", "http://localhost/cafe", 200},
		{"raw UTF-8 in absolute form", "http://localhost/caf\u00e9", 400},
		{"a scheme without a path", "mailto:x", 400},
		{"an asterisk for GET", "*", 400},
		{"the longest path", "/" + strings.Repeat("a", 8191), 200},
		{"a path of a byte more", "/" + strings.Repeat("a", 8192), 414},
		{"a path that is short when decoded", "/" + strings.Repeat("%20", 2731), 414},
		{"the longest query", "/a?q=" + strings.Repeat("a", 8188), 200},
		{"a query of a byte more", "/a?q=" + strings.Repeat("a", 8189), 414},
		{"a long query of a path in no normal form", "//?q=" + strings.Repeat("a", 8192), 414},
		{"a long path in absolute form", "http://localhost/" + strings.Repeat("a", 8192), 414},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn, err := net.DialTimeout("tcp", strings.TrimPrefix(server.URL, "http://"), 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", row.target)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != row.status {
				t.Errorf("%d, want %d", resp.StatusCode, row.status)
			}
		})
	}
}

// TestMaxURL lowers the limit, also for what only a later layer looks up.
func TestMaxURL(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "anything.yaml", Data: []byte(anything)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []call.Config{{MaxURL: 10, Table: table}, {MaxURL: 10}} {
		h := begin(t, cfg, func(w http.ResponseWriter, r *http.Request) {
			c := call.From(r.Context())
			if c.Resolve(table, r); c.Match().Miss != nil {
				call.Refuse(w, r, c.Match().Miss)
			}
		})
		for target, want := range map[string]int{"/abcdefghi": 200, "/abcdefghij": 414, "/abcd?efghi": 200, "/abcd?efghij": 414} {
			rec := httptest.NewRecorder()
			if h.ServeHTTP(rec, httptest.NewRequest("GET", target, nil)); rec.Code != want {
				t.Errorf("%s: %d, want %d", target, rec.Code, want)
			}
		}
	}
	if _, err := call.New(call.Config{MaxURL: -1}); err == nil {
		t.Error("a negative MaxURL is taken")
	}
}

// TestAPathThatAMuxHasCut stands for StripPrefix, which cuts both forms of the
// path, and for a handler that changes Path alone.
func TestAPathThatAMuxHasCut(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "anything.yaml", Data: []byte(anything)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	var got *contract.Operation
	h := begin(t, call.Config{Table: table}, func(_ http.ResponseWriter, r *http.Request) { got = call.From(r.Context()).Operation() })
	http.StripPrefix("/v1", h).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/v1/a%28b", nil))
	if got == nil || got.ID != "one" {
		t.Errorf("behind StripPrefix: %v", got)
	}
	req := httptest.NewRequest("GET", "/a%28b/c", nil)
	req.URL.Path = "/other"
	if h.ServeHTTP(httptest.NewRecorder(), req); got == nil || got.ID != "one" {
		t.Errorf("with a path of its own: %v", got)
	}
}
