// Package suite sends the JSON Schema Test Suite through a real server: each
// schema is the body of an operation behind the whole gate, each case a request.
package suite

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gatehouse "github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/observe"
)

const files = "../../contract/testdata/json-schema-test-suite/tests/draft2020-12/*.json"

// group is one schema of the suite with its cases.
type group struct {
	name  string // file: description
	path  string
	tests []any
}

// remote stands in the schemas that refer to another document, which a contract
// does not do.
const remote = "http://localhost:1234/"

type difference struct {
	ending string
	cases  int
	reason string
}

// differs are the cases that a contract answers otherwise than a bare schema: the
// end of their names, how many there are, and why.
var differs = []difference{
	{"is only an annotation by default", 18, "a contract asserts formats"},
	{"match string with nul", 2, "U+0000 is refused in every string"},
}

// document is a contract with one operation that takes a schema. A schema
// without $id gets one, so that its "#" is the schema and not the document.
func document(path string, schema any) ([]byte, error) {
	if object, ok := schema.(map[string]any); ok && object["$id"] == nil {
		object["$id"] = "https://suite.invalid" + path
	}
	return strictjson.Marshal(map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": "Suite", "version": "1"},
		"paths": map[string]any{path: map[string]any{"post": map[string]any{
			"x-gatehouse": map[string]any{"access": "public", "limit": []any{}, "unknown": "allow"},
			"requestBody": map[string]any{"required": true, "content": map[string]any{"application/json": map[string]any{"schema": schema}}},
			"responses":   map[string]any{"204": map[string]any{"description": "valid"}},
		}}},
	})
}

// load compiles a contract for each schema of the suite. left is how many cases
// have a schema that leads to another document, or, in default.json, a default that
// does not fit: a contract fills defaults in, so it does not load.
func load(t *testing.T) (apis []*contract.API, groups []group, left int) {
	t.Helper()
	names, err := filepath.Glob(files)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files match %s: %v", files, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := strictjson.Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		base := strings.TrimSuffix(filepath.Base(name), ".json")
		for i, g := range v.([]any) {
			g := g.(map[string]any)
			one := group{name: base + ": " + g["description"].(string), path: fmt.Sprintf("/%s/%d", base, i), tests: g["tests"].([]any)}
			doc, err := document(one.path, g["schema"])
			if err != nil {
				t.Fatal(err)
			}
			api, err := contract.Load(contract.File{Name: fmt.Sprintf("%s-%d.json", base, i), Data: doc}, contract.Options{})
			if err != nil {
				unfit := base == "default" && strings.Contains(err.Error(), "a default that its schema refuses")
				if !unfit && !bytes.Contains(doc, []byte(remote)) {
					t.Errorf("%s: %v", one.name, err)
				}
				left += len(one.tests)
				continue
			}
			apis, groups = append(apis, api), append(groups, one)
		}
	}
	return apis, groups, left
}

func TestSuiteThroughHTTP(t *testing.T) {
	apis, groups, left := load(t)
	gate, err := gatehouse.New(gatehouse.Config{Contracts: apis, Observe: observe.Config{Log: slog.NewTextHandler(io.Discard, nil)}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	defer server.Close()
	sent, other := 0, make([]int, len(differs))
	for _, g := range groups {
		for _, c := range g.tests {
			c := c.(map[string]any)
			name := g.name + ": " + c["description"].(string)
			want := http.StatusBadRequest
			if c["valid"].(bool) {
				want = http.StatusNoContent
			}
			status, answer := post(t, server, g.path, c["data"])
			sent++
			if status == want {
				continue
			}
			i := slices.IndexFunc(differs, func(d difference) bool { return strings.HasSuffix(name, d.ending) })
			if i < 0 || status != http.StatusBadRequest {
				t.Errorf("%s: %d, want %d: %s", name, status, want, answer)
				continue
			}
			other[i]++
		}
	}
	for i, d := range differs {
		if other[i] != d.cases {
			t.Errorf("%d cases end with %q and differ, want %d: %s", other[i], d.ending, d.cases, d.reason)
		}
	}
	if sent != 1243 || left != 49+7 {
		t.Errorf("%d cases sent and %d left, want 1243 and 49, and 7 of defaults", sent, left)
	}
}

func post(t *testing.T, server *httptest.Server, path string, v any) (status int, answer string) {
	t.Helper()
	body, err := strictjson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Post(server.URL+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
