package call_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// twoTables is a table of the API "a" with the path /a, and one of "b".
func twoTables(t *testing.T) (a, b *contract.Table) {
	t.Helper()
	var tables []*contract.Table
	for _, name := range []string{"a", "b"} {
		api, err := contract.Load(contract.File{Name: name + ".yaml", Data: []byte(`
openapi: 3.1.0
info: { title: T, version: "1" }
servers: [{ url: /v1 }]
x-gatehouse: { name: ` + name + ` }
paths: { /` + name + `: { get: { operationId: read, x-gatehouse: { access: public }, responses: { "200": { description: It } } } } }
`)}, contract.Options{})
		if err != nil {
			t.Fatal(err)
		}
		table, err := contract.NewTable(api)
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	return tables[0], tables[1]
}

func TestTheZeroModeEnforces(t *testing.T) {
	var mode call.Mode
	if mode != call.Enforce || mode.String() != "enforce" || call.Report.String() != "report" || call.Off.String() != "off" || call.Mode(7).String() != "Mode(7)" {
		t.Errorf("the zero mode is %v", mode)
	}
	if (&call.Call{}).Mode("limit") != call.Enforce {
		t.Error("a call without modes does not enforce")
	}
}

func TestModeOfTheCall(t *testing.T) {
	a, b := twoTables(t)
	for _, tt := range []struct {
		name    string
		modes   call.Modes
		target  string
		foreign bool // the operation is resolved in a table that call does not know
		want    call.Mode
	}{
		{"nothing stated", nil, "/v1/a", false, call.Enforce},
		{"everything enforced", call.Modes{"a": {"limit": call.Enforce}}, "/v1/a", false, call.Enforce},
		{"its own entry", call.Modes{"a": {"limit": call.Off}}, "/v1/a", false, call.Off},
		{"another layer", call.Modes{"a": {"authz": call.Off}}, "/v1/a", false, call.Enforce},
		{"its own entry before that of all", call.Modes{"a": {"limit": call.Report}, "*": {"limit": call.Off}}, "/v1/a", false, call.Report},
		{"enforced against that of all", call.Modes{"a": {"limit": call.Enforce}, "*": {"limit": call.Off}}, "/v1/a", false, call.Enforce},
		{"that of all", call.Modes{"a": {"authz": call.Report}, "*": {"limit": call.Off}}, "/v1/a", false, call.Off},
		{"no operation", call.Modes{"a": {"limit": call.Report}, "*": {"limit": call.Off}}, "/x", false, call.Off},
		{"no operation and no entry for it", call.Modes{"a": {"limit": call.Report}}, "/x", false, call.Enforce},
		{"an API of a layer's own table", call.Modes{"*": {"limit": call.Off}}, "/v1/b", true, call.Off},
	} {
		cfg := call.Config{Table: a, Modes: tt.modes}
		if tt.foreign {
			cfg.Table = nil
		}
		layer, err := call.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		layer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c := call.From(r.Context())
			if tt.foreign {
				c.Resolve(b, r)
			}
			if got := c.Mode("limit"); got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", tt.target, nil))
	}
}

func TestModesAreChecked(t *testing.T) {
	a, _ := twoTables(t)
	for _, tt := range []struct {
		table *contract.Table
		modes call.Modes
		says  string
	}{
		{a, call.Modes{"aa": {"limit": call.Off}}, `no contract is called "aa"`},
		{nil, call.Modes{"a": {"limit": call.Off}}, `no contract is called "a"`},
		{a, call.Modes{"a": {"limits": call.Off}}, `Did you mean "limit"?`},
		{a, call.Modes{"a": {"limit": 3}}, "Mode(3)"},
	} {
		if _, err := call.New(call.Config{Table: tt.table, Modes: tt.modes}); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v: %v, want %s", tt.modes, err, tt.says)
		}
	}
	m := call.Modes{"b": {"tls": call.Off}, "a": {"validate": call.Report, "limit": call.Report, "authn": call.Enforce}}
	var got []string
	for _, r := range m.Relaxed() {
		got = append(got, r.String())
	}
	if strings.Join(got, ", ") != "a: limit report, a: validate report, b: tls off" {
		t.Errorf("relaxed: %v", got)
	}
}

func TestStopped(t *testing.T) {
	a, _ := twoTables(t)
	line := func(c *call.Call, e *problem.Error) string { return c.Statement("access: " + e.Rule) }
	refusal := problem.Forbidden("No").From("authz", "public")
	for mode, want := range map[call.Mode]int{call.Enforce: 403, call.Report: 200, call.Off: 200} {
		layer, err := call.New(call.Config{Table: a, Modes: call.Modes{"*": {"authz": mode}}})
		if err != nil {
			t.Fatal(err)
		}
		for target, allow := range map[string]string{"/v1/a": "GET /a: { access: public }", "/x": ""} {
			rec := httptest.NewRecorder()
			layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := call.From(r.Context())
				stopped := call.Stopped(w, r, refusal, line)
				if stopped != (mode == call.Enforce) || (c.Refusal() != nil) != stopped {
					t.Errorf("%v: stopped %v, refusal %v", mode, stopped, c.Refusal())
				}
				if stopped != (len(c.Pardons()) == 0) || !stopped && c.Pardons()[0] != (call.Pardon{Layer: "authz", Code: "FORBIDDEN", Rule: "public", Allow: allow}) {
					t.Errorf("%v: %+v", mode, c.Pardons())
				}
			})).ServeHTTP(rec, httptest.NewRequest("GET", target, nil))
			if rec.Code != want {
				t.Errorf("%v: %d, want %d", mode, rec.Code, want)
			}
		}
	}
	rec := httptest.NewRecorder()
	if !call.Stopped(rec, httptest.NewRequest("GET", "/", nil), refusal, line) || rec.Code != http.StatusForbidden {
		t.Errorf("without a call: %d", rec.Code)
	}
}

func TestStream(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		stated     bool
	}{
		{"held", "1234", true}, {"refused by its stated length", "123456789", true}, {"refused while it was read", "123456789", false}, {"empty", "", true},
	} {
		r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(tt.body)))
		if tt.stated {
			r.ContentLength = int64(len(tt.body))
		}
		in(t, call.Config{}, r, func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
			if data, refusal := c.Body(r, 5); refusal != nil && data != nil {
				t.Errorf("%s: refused with %d bytes", tt.name, len(data))
			}
			all, err := io.ReadAll(c.Stream(r))
			if err != nil || string(all) != tt.body {
				t.Errorf("%s: %q, %v", tt.name, all, err)
			}
		})
	}
}
