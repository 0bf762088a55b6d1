package server

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/internal/apps"
)

var update = flag.Bool("update", false, "write the tables of docs/reference")

func page(t *testing.T, name string) (path, text string) {
	t.Helper()
	path = filepath.Join("..", "..", "docs", "reference", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(b)
}

func contracts(t *testing.T) []*contract.API {
	t.Helper()
	apis, err := apps.Contracts(apps.Options{Environment: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	return apis
}

// TestStatementsOfThePage loads the samples of the page, and looks for each key
// of its tables in them.
func TestStatementsOfThePage(t *testing.T) {
	_, text := page(t, "openapi-extensions.md")
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d samples, want a document and an overlay", len(blocks))
	}
	document := contract.File{Name: "notes.yaml", Data: []byte(blocks[0][1])}
	options := contract.Options{Environment: "development", Roles: apps.Roles()}
	api, err := contract.Load(document, options)
	if err != nil {
		t.Fatal(err)
	}
	put := operation(t, api, "writeNote")
	if len(api.Operations) != 5 || put.Cost != 2 || put.MaxBody != 4096 || put.Unknown != contract.Strip || put.Audit != "WRITE_NOTE" {
		t.Errorf("%d operations, writeNote %+v", len(api.Operations), put)
	}
	if _, err := contract.Load(document, options, contract.File{Name: "overlay.yaml", Data: []byte(blocks[1][1])}); err != nil {
		t.Error(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`,? ?)+)\\|").FindAllStringSubmatch(text, -1) {
		for _, key := range regexp.MustCompile("[a-z_]+").FindAllString(m[1], -1) {
			if key != "public" && !strings.Contains(blocks[0][1], key) && !slices.Contains([]string{"problem", "message", "envelope", "error"}, key) {
				t.Errorf("the sample does not use %s", key)
			}
		}
	}
}

// TestDefaultsOfThePage compares what the page says of keys that are left out.
func TestDefaultsOfThePage(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "plain.yaml", Data: []byte(`
openapi: 3.1.0
info: { title: Plain, version: 1.0.0 }
paths: { /a: { get: { operationId: a, x-gatehouse: { access: public }, responses: { "200": { description: A } } } } }
`)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	op := operation(t, api, "a")
	got := fmt.Sprintf("%s %d %s %s %d %t %t %q", api.Name, op.MaxBody, op.Unknown, op.Errors, op.Cost, op.Page, op.Budgets == nil, op.Cache)
	if want := `plain 1000000 reject problem 1 false true ""`; got != want {
		t.Errorf("%q, the page says %q", got, want)
	}
}

func operation(t *testing.T, api *contract.API, id string) *contract.Operation {
	t.Helper()
	for _, op := range api.Operations {
		if op.ID == id {
			return op
		}
	}
	t.Fatalf("no operation %s", id)
	return nil
}

// TestRoutesOfThePage compares the tables of routes with the contracts: which
// there are, and who may call them.
func TestRoutesOfThePage(t *testing.T) {
	_, text := page(t, "http-api.md")
	listed := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+ [^`]+)`( \\(socket\\))? \\| ([^|]+) \\|").FindAllStringSubmatch(text, -1) {
		listed[m[1]+m[2]] = m[3]
	}
	served := map[string]string{}
	for _, api := range contracts(t) {
		for _, op := range api.Operations {
			name := op.Method + " " + op.Path
			if op.Socket != nil {
				name += " (socket)"
			}
			if !strings.HasPrefix(op.Path, "/api/v1/") && op.Path != "/api/profile" {
				served[name] = who(op.Access)
			}
		}
	}
	for _, route := range slices.Sorted(maps.Keys(served)) {
		if listed[route] != served[route] {
			t.Errorf("%s: the page says %q, the contract %q", route, listed[route], served[route])
		}
	}
	for route := range listed {
		if _, ok := served[route]; !ok {
			t.Errorf("%s is on the page and in no contract", route)
		}
	}
}

func who(a contract.Access) string {
	switch {
	case a.Public:
		return "everybody"
	case a.Own == "row" && slices.Equal(a.OrRole, []string{"manager", "admin"}):
		return "own, managers"
	case slices.Equal(a.Roles, []string{"manager", "admin"}):
		return "managers"
	case len(a.Roles) == 4:
		return "signed in"
	}
	return a.String()
}

// TestBudgetsOfThePage writes the table of budgets with -update, and compares it
// without.
func TestBudgetsOfThePage(t *testing.T) {
	path, text := page(t, "limits.md")
	var b strings.Builder
	b.WriteString("| Budget | Contract | Calls |\n|---|---|---|\n")
	for _, api := range contracts(t) {
		for _, name := range slices.Sorted(maps.Keys(api.Budgets)) {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, api.Name, api.Budgets[name])
		}
	}
	before, rest, found := strings.Cut(text, "<!-- budgets -->\n")
	now, after, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatal("the page has no table of budgets")
	}
	if now == b.String() {
		return
	}
	if !*update {
		t.Fatalf("the table is not that of the contracts; go test ./internal/server -run Budgets -update writes it:\n%s", b.String())
	}
	if err := os.WriteFile(path, []byte(before+"<!-- budgets -->\n"+b.String()+"<!-- end -->"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPoliciesOfThePage looks for the values of the headers that have one
// constant in the program.
func TestPoliciesOfThePage(t *testing.T) {
	_, text := page(t, "headers.md")
	if !strings.Contains(text, "`"+headers.APIPolicy+"`") {
		t.Errorf("the page does not show the policy %q", headers.APIPolicy)
	}
}

// TestSigningInPage compares the ways in, the budgets and the lifetimes of the
// page with the contracts and the settings.
func TestSigningInPage(t *testing.T) {
	_, text := page(t, filepath.Join("..", "explanation", "signing-in.md"))
	want := map[string]string{}
	for _, api := range contracts(t) {
		for _, op := range api.Operations {
			if api.Name == "members" && op.Access.Public && op.Method == "POST" && !strings.Contains(text, "\n| `POST "+op.Path+"` |") {
				t.Errorf("guests may call POST %s with a secret, and the page does not tell of that way", op.Path)
			}
		}
		for name, b := range api.Budgets {
			if b.Failures && api.Name == "members" && name != "setup" {
				want["`limits."+name+"`"] = fmt.Sprintf("| %d failures in %.0f minutes, then 429", b.Requests, b.Window.Minutes())
			}
		}
	}
	id := load(t).Identity
	want["`identity.token.access_ttl` |"] = fmt.Sprintf("| %.0f minutes |", id.Token.AccessTTL.Minutes())
	want["`identity.token.refresh_ttl` |"] = fmt.Sprintf("| %.0f days |", id.Token.RefreshTTL.Hours()/24)
	want["`identity.session.idle` |"] = fmt.Sprintf("| %.0f hours |", id.Session.Idle.Hours())
	want["`identity.session.absolute` |"] = fmt.Sprintf("| %.0f days |", id.Session.Absolute.Hours()/24)
	if len(want) != 7 {
		t.Errorf("%d figures, want 7", len(want))
	}
	for setting, figure := range want {
		if !regexp.MustCompile("(?m)^.*" + regexp.QuoteMeta(figure) + ".*" + regexp.QuoteMeta(setting)).MatchString(text) {
			t.Errorf("no line with %s says %s", setting, figure)
		}
	}
}

// TestFieldsOfThePage wants each field that the page has a rule for to be one of
// the contracts, and a rule to read and one to write it.
func TestFieldsOfThePage(t *testing.T) {
	_, text := page(t, "http-api.md")
	document, err := apps.Document("1.2.3", contracts(t))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(text, "<!-- fields -->\n")
	table, _, _ = strings.Cut(table, "<!-- end -->")
	rows := regexp.MustCompile("(?m)^\\| (`[^|]+) \\| [^|]+ \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(table, -1)
	if len(rows) != 5 || strings.Count(table, "\n") != 7 {
		t.Errorf("%d rows with a rule to read and one to write, of %d lines", len(rows), strings.Count(table, "\n"))
	}
	for _, row := range rows {
		for _, field := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			if !strings.Contains(string(document), `"`+field[1]+`":{`) {
				t.Errorf("no contract has a field %s", field[1])
			}
		}
	}
}
