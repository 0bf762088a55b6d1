package policy

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// breach is a small tree with one thing wrong in it, and the same put right.
type breach struct {
	rule    string
	wrong   string // files: "-- path --" lines, then their content
	says    string
	without string // a tree that the rule leaves alone; "" is no tree at all
}

func breaches() []breach {
	return []breach{
		{"floors", "-- call/a.go --\npackage call\nimport _ \"" + module + "/limit\"", "strictly down",
			"-- limit/a.go --\npackage limit\nimport _ \"" + module + "/call\""},
		{"floors", "-- drawer/a.go --\npackage drawer", "no house", "-- call/a.go --\npackage call"},
		{"floors", "-- internal/identity/a.go --\npackage identity\nimport _ \"" + module + "/internal/storetest\"", "strictly down",
			"-- internal/identity/a_test.go --\npackage identity\nimport _ \"" + module + "/internal/storetest\""},
		{"floors on the page", "-- call/a.go --\npackage call", "does not list call", "-- call/a.go --\npackage call\n-- " + floorsPage + " --\n|---|---|\n| 2 | `call` |"},
		{"floors on the page", "-- call/a.go --\npackage call\n-- " + floorsPage + " --\n|---|---|\n| 3 | `call` |", "stands on floor 2", ""},
		{"floors on the page", "-- " + floorsPage + " --\n|---|---|\n| 2 | `call` |", "which is not there", ""},
		{"floors on the page", "-- " + floorsPage + " --\n|---|---|\n| 2 | `cellar` |", "no house", ""},
		{"layers apart", "-- authz/a.go --\npackage authz\nimport _ \"" + module + "/authn\"", "meet only in call",
			"-- authz/a.go --\npackage authz\nimport _ \"" + module + "/call\""},
		{"public without inner", "-- authn/a.go --\npackage authn\nimport _ \"" + module + "/internal/store\"", "public package",
			"-- authn/a.go --\npackage authn\nimport _ \"" + module + "/internal/strictjson\""},
		{"apps apart", "-- internal/apps/posts/a.go --\npackage posts\nimport _ \"" + module + "/internal/apps/scheduler\"", "imports the app", ""},
		{"apps apart", "-- internal/apps/posts/a.go --\npackage posts\nimport _ \"" + module + "/limit\"", "apps stand on",
			"-- internal/apps/posts/a.go --\npackage posts\nimport _ \"" + module + "/internal/store\""},
		{"modules at home", "-- authz/a.go --\npackage authz\nimport _ \"modernc.org/sqlite\"", "homes()",
			"-- internal/store/a.go --\npackage store\nimport _ \"modernc.org/sqlite\""},
		{"houses stand", "-- call/a.go --\npackage call", "internal/store: is not there", ""},
		{"file sizes", "-- call/a.go --\npackage call\n" + strings.Repeat("\n", 500), "501 lines",
			"-- call/a_test.go --\npackage call\n" + strings.Repeat("\n", 500)},
		{"function sizes", "-- call/a.go --\npackage call\nfunc f() {" + strings.Repeat("\n", 80) + "}", "81 lines", ""},
		{"function sizes", "-- call/a.go --\npackage call\nfunc f() {" + strings.Repeat("\n", 60) + "}", "nine in ten", "-- call/a.go --\npackage call\nfunc f() {}"},
		{"parameters", "-- call/a.go --\npackage call\nfunc f(a, b, c, d, e, f, g int) {}", "7 parameters",
			"-- call/a.go --\npackage call\nfunc f(a, b, c, d, e, f int) {}"},
		{"interfaces", "-- call/a.go --\npackage call\ntype i interface { A(); B(); C(); D() }", "4 methods", "-- call/a.go --\npackage call\ntype i interface { A() }"},
		{"package names", "-- call/a.go --\npackage helpers", "drawer", "-- call/a.go --\npackage call"},
		{"gate on one page", "-- gate.go --\npackage gatehouse" + strings.Repeat("\n", 251), "under 250", "-- gate.go --\npackage gatehouse"},
		{"imports", "-- call/a.go --\npackage call\nimport _ \"unsafe\"", "no unsafe", "-- call/a.go --\npackage call\nimport _ \"net/http\""},
		{"imports", "-- call/a.go --\npackage call\nimport . \"net/http\"", "dot import", ""},
		{"one answer writer", "-- observe/a.go --\npackage observe\nfunc (w w) WriteHeader(int) {}", "second wrapper", "-- call/a.go --\npackage call\nfunc (w w) WriteHeader(int) {}"},
		{"no init", "-- call/a.go --\npackage call\nfunc init() {}", "init()", "-- call/a.go --\npackage call\nfunc (t t) init() {}"},
		{"no package state", "-- call/a.go --\npackage call\nvar mu sync.Mutex", "package state: mu", "-- call/a.go --\npackage call\nvar errGone = errors.New(\"gone\")"},
		{"no package state", "-- call/a.go --\npackage call\nvar seen = make(map[string]int)", "package state: seen", ""},
		{"no package state", "-- call/a.go --\npackage call\nvar n int\nfunc f() { n++ }", "f changes n", "-- call/a.go --\npackage call\nvar n int\nfunc f() { n := 1; n++ }"},
		{"tests run", "-- call/a_test.go --\npackage call\nfunc TestA(t *testing.T) { t.Skip() }", "does not run", "-- call/a_test.go --\npackage call\nfunc TestA(t *testing.T) { row.Skip() }"},
		{"tests run", "-- call/a_test.go --\npackage call\nfunc TestA(t *testing.T) { if testing.Short() { return } }", "all of them", ""},
		{"documented", "-- call/a.go --\n// Package call.\npackage call\nfunc F() {}", "F is exported", "-- call/a.go --\n// Package call.\npackage call\n// F does.\nfunc F() {}\nfunc (t t) G() {}"},
		{"documented", "-- call/a.go --\npackage call", "no package comment", ""},
		{"documented", "-- limit/a.go --\n// Package limit.\npackage limit\n// Config is.\ntype Config struct { Max int }", "Max is exported",
			"-- limit/a.go --\n// Package limit.\npackage limit\n// Config is.\ntype Config struct {\n\tMax int // calls\n}"},
		{"words", "-- docs/a.md --\nsee /ro" + "ot/notes", "path of one machine", "-- docs/a.md --\nsee docs/notes"},
		{"words", "-- call/a.go --\npackage call // FIX" + "ME", "left for later", ""},
		{"front page", "-- README.md --\nHello", "does not show", "-- README.md --\ngo run ./cmd/gatehouse demo\nmake test\n-- .ci/run --\nmake test"},
	}
}

func moreBreaches() []breach {
	return []breach{
		{"calls", "-- call/a.go --\npackage call\nimport \"os\"\nfunc f() { os.Exit(1) }", "ends the process", "-- cmd/gatehouse/a.go --\npackage main\nimport \"os\"\nfunc f() { os.Exit(1) }"},
		{"calls", "-- call/a.go --\npackage call\nimport \"time\"\nfunc f() { time.Now() }", "clock", "-- call/a.go --\npackage call\nimport \"time\"\nfunc f() { now := time.Now; _ = now }"},
		{"calls", "-- call/a_test.go --\npackage call\nimport \"time\"\nfunc f() { time.Sleep(1) }", "synctest",
			"-- call/a_test.go --\npackage call\nimport \"time\"\nfunc f() { for !done() { time.Sleep(1) } }"},
		{"calls", "-- call/a.go --\npackage call\nimport \"time\"\nfunc f() { for !done() { time.Sleep(1) } }", "synctest",
			"-- call/a_test.go --\npackage call\nimport (\n\"time\"\n\"testing/synctest\"\n)\nfunc f() { time.Sleep(1) }"},
		{"calls", "-- call/a.go --\npackage call\nimport \"net/http\"\nfunc f() { http.Error(nil, \"\", 500) }", "problem.Write", ""},
		{"calls", "-- cmd/gatehouse/a.go --\npackage main\nimport j \"encoding/json\"\nfunc f() { j.Unmarshal(nil, nil) }", "strictjson", ""},
		{"calls", "-- call/a.go --\npackage call\nfunc f() { panic(1) }", "mayPanic", "-- call/a.go --\npackage call\nfunc f() { panic(http.ErrAbortHandler) }"},
		{"calls", "-- tlsedge/a.go --\npackage tlsedge\nfunc f() { r.RemoteAddr = client }", "facts live in", ""},
		{"calls", "-- authz/a.go --\npackage authz\nimport \"os\"\nvar a = os.Getenv(\"A\")", "internal/config", ""},
		{"queries", "-- internal/store/a.go --\npackage store\nfunc f(n string) { tx.Exec(ctx, \"DELETE FROM \"+n) }", "no constant",
			"-- internal/store/a.go --\npackage store\nconst cols = \"id\"\nfunc f(n string) { tx.Query(ctx, \"SELECT \"+cols+\" FROM days WHERE name = $1\", n) }"},
		{"queries", "-- internal/store/a.go --\npackage store\nfunc f(n string) { db.QueryContext(ctx, fmt.Sprintf(\"SELECT %s\", n)) }", "no constant", ""},
		{"queries", "-- internal/store/a.go --\npackage store\nfunc f(n string) { b.Queue(\"DELETE FROM \" + n) }", "no constant",
			"-- internal/store/a.go --\npackage store\nfunc f(n string) { b.Queue(\"DELETE FROM a WHERE n = $1\", n) }"},
		{"queries", "-- internal/store/a.go --\npackage store\nfunc f(n string) any { return Plan{Table: n} }", "no constant",
			"-- internal/store/a.go --\npackage store\nfunc f(n string) any { return Plan{Table: \"a\", Args: []any{n}} }"},
		{"queries", "-- internal/store/a.go --\npackage store\nfunc f(n string) any { return []Statement{{SQL: \"DROP \" + n}} }", "no constant", ""},
		{"queries", "-- internal/store/a.go --\npackage store\nfunc f(n string) any { return Statement{SQL: \"DELETE FROM a\", Many: n} }", "no constant", ""},
		{"queries", "-- internal/store/a.go --\npackage store\nfunc f() { open(\"?default_query_exec_mode=simple_protocol\") }", "simple protocol", ""},
		{"layer shape", "-- limit/limit.go --\npackage limit", "has no attack_test.go", ""},
		{"layer shape", "-- limit/limit.go --\npackage limit\nfunc New(c Config) http.Handler { return nil }", "has no func New", ""},
		{"layer shape", "-- limit/doc.go --\n// Package limit is.\npackage limit", "does not say Stops:", wholeLayer},
		{"layer shape", "-- limit/example_test.go --\npackage limit\n", "no Example", ""},
		{"app shape", "-- internal/apps/posts/posts.go --\npackage posts", "has no openapi.yaml", wholeApp},
		{"app shape", "-- internal/apps/posts/posts.go --\npackage posts\nimport \"database/sql\"", "no I/O", ""},
		{"dependencies", "-- go.mod --\nrequire (\n\ta.example/m v1.0.0\n)\n-- call/a.go --\npackage call\nimport _ \"a.example/m/x\"", "no reason for a.example/m",
			"-- go.mod --\nrequire (\n\ta.example/m v1.0.0\n)\n-- call/a.go --\npackage call\nimport _ \"a.example/m/x\"\n-- " + reasons + " --\n| `a.example/m` | reads X |"},
		{"dependencies", "-- go.mod --\nrequire (\n\ta.example/m v1.0.0\n)", "nothing imports it", ""},
		{"dependencies", "-- go.mod --\nrequire (\n\ta.example/m v1.0.0 // indirect\n)\n-- call/a.go --\npackage call\nimport _ \"a.example/m\"", "marked indirect", ""},
		{"dependencies", "-- " + reasons + " --\n| `a.example/m` | reads X |", "has a reason", ""},
		{"exit codes", "-- cmd/gatehouse/a.go --\npackage main\nconst exitOdd = 5", "does not list 5", "-- cmd/gatehouse/a.go --\npackage main\nconst exitOdd = 5\n-- docs/reference/exit-codes.md --\n| `5` | odd |"},
		{"exit codes", "-- docs/reference/exit-codes.md --\n| `5` | odd |", "which no constant", ""},
		{"migrations", "-- a/schema/00001_x.sql --\n-- +goose Up\nCREATE TABLE x;\n", "needs", "-- a/schema/00001_x.sql --\n-- +goose Up\nCREATE TABLE x;\n-- +goose Down\nDROP TABLE x;\n"},
		{"migrations", "-- a/schema/00001_x.sql --\n-- +goose Up\nCREATE TABLE x;\n-- +goose Down\n-- nothing", "does nothing", ""},
		{"migrations", "-- a/schema/1.sql --\n", "not named", ""},
		{"migrations", "-- a/schema/00001_x.sql --\n-- +goose Up\nx\n-- +goose Down\nx\n-- a/schema/postgres/00001_y.sql --\n-- +goose Up\ny\n-- +goose Down\ny\n", "has the number", ""},
		{"weak packages", "-- call/a.go --\npackage call\nimport \"math/rand\"", "crypto/rand", "-- call/a_test.go --\npackage call\nimport \"math/rand\""},
		{"cryptography", "-- authn/a.go --\npackage authn\nimport \"crypto/des\"", "crypto/des is not listed",
			"-- authn/a.go --\npackage authn\nimport \"crypto/aes\"\n-- " + inventory + " --\n<!-- cryptography -->\n|---|\n| `crypto/aes` | b |\n<!-- end -->"},
		{"cryptography", "-- " + inventory + " --\n<!-- cryptography -->\n|---|\n| `crypto/aes` | b |\n<!-- end -->", "which nothing uses", ""},
		{"connections", "-- authn/a.go --\npackage authn\nimport \"net\"\nfunc f() { net.Dial(\"tcp\", \"a\") }", "authn is not listed",
			"-- authn/a.go --\npackage authn\nimport \"net\"\nfunc f() { net.Dial(\"tcp\", \"a\") }\n-- " + inventory + " --\n<!-- connections -->\n|---|\n| `authn` | b |\n<!-- end -->"},
		{"times of updates", "-- SECURITY.md --\n|---|\n| medium or low | soon |", "no time for a component: medium or low",
			"-- SECURITY.md --\n|---|\n| critical or high | 1 days |\n| medium or low | 2 days |\n| not reached | 3 days |\n| newer release | 4 days |"},
		{"proofs", "-- " + asvsPage + " --\n`call/TestA`", "no such test", "-- " + asvsPage + " --\n`call/TestA/a row` `call/TestB/a named row`\n" + aTest},
		{"proofs", "-- " + asvsPage + " --\n`call/TestA/another row`\n" + aTest, "no such row", ""},
		{"proofs", "-- " + asvsPage + " --\n`call/TestB/a row`\n" + aTest, "no such row", ""}, // it is one of another test
		{"proofs", "-- " + asvsPage + " --\n`call/TestA/its text`\n" + aTest, "no such row", ""},
		{"proofs", "-- " + threatModel + " --\n|---|\n| a | b | c |", "no test shows: a", ""},
		{"asvs", asvs(""), "V1.1.1 stands there 0 times", asvs("| V1.1.1 | a | met | `call/TestA` |\n| V2 | b | not applicable | none |", 1, 0, 0, 0, 2, 0)},
		{"asvs", asvs("| V1.1.1 | a | open | b |\n| V1.1.1 | a | open | b |"), "V1.1.1 stands there 2 times", ""},
		{"asvs", asvs("| V1.1.1 | a | met | of course |"), "met, and no test", ""},
		{"asvs", asvs("| V1.1.1 | a | perhaps | b |"), "no state", ""},
		{"asvs", asvs("| V1.1.1 | a | open | |"), "no reason", ""},
		{"asvs", asvs("| V2 | a | open | b |"), "may stand together", ""},
		{"asvs", asvs("| V1.1.1 | a | open | b |"), "the counts are | L1 | 0 | 0 | 1 |", ""},
		{"asvs", asvs("see V9.9.9"), "V9.9.9 is no requirement", ""},
		{"asvs", asvs("| V1.1.3 | a | open | b |"), "no requirement of level 1 or 2", ""},
		{"asvs", "-- " + threatModel + " --\nAPI10:2023", "says nothing of API1:2023", ""},
	}
}

const aTest = `-- call/a_test.go --
package call
func TestA(t *testing.T) { for _, r := range rows() { t.Run(r.name, nil) } }
func rows() []row { return []row{{"a row", "its text"}} }
func TestB(t *testing.T) { for _, r := range []row{{name: "a named row"}} { t.Run(r.name, nil) } }
`

// asvs is a page with some rows and counts, beside a list of four requirements.
func asvs(rows string, n ...any) string {
	if n == nil {
		n = []any{0, 0, 0, 0, 0, 0}
	}
	risks := ""
	for i := 1; i <= 10; i++ {
		risks += fmt.Sprintf("API%d:2023 ", i)
	}
	return "-- " + asvsList + " --\nV1.1.1 1\nV1.1.3 3\nV2.1.1 2\nV2.1.2 2\n-- " + threatModel + " --\n" + risks + "\n-- " + asvsPage + " --\n|---|\n" +
		fmt.Sprintf("| L1 | %d | %d | %d |\n| L2 | %d | %d | %d |\n", n...) + rows + "\n"
}

const wholeLayer = `-- limit/doc.go --
// Package limit.
// Stops: Source: Place: Zero Config Not covered:
package limit
-- limit/limit.go --
package limit
type Config struct{}
func New(c Config) (func(http.Handler) http.Handler, error) { return nil, nil }
-- limit/limit_test.go --
package limit
-- limit/attack_test.go --
package limit
-- limit/example_test.go --
package limit
func ExampleNew() {}
`

const wholeApp = `-- internal/apps/posts/doc.go --
package posts
-- internal/apps/posts/posts.go --
package posts
-- internal/apps/posts/http.go --
package posts
-- internal/apps/posts/store.go --
package posts
-- internal/apps/posts/abuse_test.go --
package posts
-- internal/apps/posts/openapi.yaml --
-- internal/apps/posts/schema/00001_posts.sql --
`

// TestRulesBite proves each rule on a tree that breaks it, for a rule that finds
// nothing looks the same as a tree without faults.
func TestRulesBite(t *testing.T) {
	proved := map[string]bool{}
	for _, b := range append(breaches(), moreBreaches()...) {
		t.Run(b.rule+" "+b.says, func(t *testing.T) {
			rule := rules()[b.rule]
			if rule == nil {
				t.Fatal("there is no such rule")
			}
			proved[b.rule] = true
			if said := strings.Join(rule(grow(t, b.wrong)), "\n"); !strings.Contains(said, b.says) {
				t.Errorf("said %q, not %q", said, b.says)
			}
			if b.without == "" {
				return
			}
			if said := rule(grow(t, b.without)); len(said) > 0 {
				t.Errorf("finds fault with a tree that has none: %q", said)
			}
		})
	}
	for name := range rules() {
		if !proved[name] {
			t.Errorf("nothing proves that the rule %q bites", name)
		}
	}
}

// grow makes a tree of "-- path --" headed parts.
func grow(t *testing.T, text string) *tree {
	t.Helper()
	fsys := fstest.MapFS{}
	name := ""
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(strings.TrimSpace(rest), " --") {
			name = strings.TrimSuffix(strings.TrimSpace(rest), " --")
			fsys[name] = &fstest.MapFile{}
			continue
		}
		fsys[name].Data = append(fsys[name].Data, line...)
	}
	grown, err := walkTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return grown
}
