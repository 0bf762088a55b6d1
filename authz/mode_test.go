package authz_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
)

const modes = `
openapi: 3.1.0
info: {title: Modes, version: "1"}
x-gatehouse: {name: modes}
paths:
  /staff: {get: {operationId: staff, x-gatehouse: {access: {roles: [admin]}}, responses: {"204": {description: ok}}}}
  /report: {get: {operationId: report, x-gatehouse: {access: {scopes: [all]}}, responses: {"204": {description: ok}}}}
  /of/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: of, x-gatehouse: {access: {own: path.id, or_roles: [admin]}}, responses: {"204": {description: ok}}}
    put: {operationId: mine, x-gatehouse: {access: {own: path.id}}, responses: {"204": {description: ok}}}
  /both: {get: {operationId: both, x-gatehouse: {access: {roles: [member], own: row}}, responses: {"204": {description: ok}}}}
  /rows: {get: {operationId: rows, x-gatehouse: {access: {own: row, or_roles: [admin]}}, responses: {"204": {description: ok}}}}
  /socket:
    get:
      operationId: socket
      x-gatehouse: {access: {roles: [admin]}}
      x-gatehouse-websocket: {max_message: 1KB, rate: 60/1m, receive: {}, send: {}}
      responses: {"101": {description: ok}}
  /notes:
    post:
      operationId: write
      x-gatehouse: {access: {own: body.owner}}
      requestBody: {content: {application/json: {schema: {type: object, properties: {owner: {type: integer}}}}}}
      responses: {"204": {description: ok}}
`

// through sends a request through the layer in a mode.
func through(t *testing.T, mode call.Mode, p *call.Principal, r *http.Request) gatetest.Outcome {
	t.Helper()
	table := gatetest.Compile(t, modes)
	rules, err := authz.New(authz.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	return gatetest.Alone(t, rules, gatetest.Setting{Table: table, Layer: "authz", Mode: mode, Principal: p})(r)
}

func ada(role string, scopes ...string) *call.Principal {
	return &call.Principal{ID: "ada", Role: role, Scopes: scopes}
}

// TestReportSaysWhatWouldAllow: the line of the overlay adds the caller to the
// part of the rule that denied, and opens to everybody only what a guest asked.
func TestReportSaysWhatWouldAllow(t *testing.T) {
	for name, tt := range map[string]struct {
		p            *call.Principal
		method, path string
		want         string
	}{
		"a guest":                          {nil, "GET", "/staff", "GET /staff: { access: public }"},
		"a principal without an id":        {&call.Principal{Role: "member"}, "GET", "/staff", "GET /staff: { access: public }"},
		"a principal without a role":       {&call.Principal{ID: "ada"}, "GET", "/staff", "GET /staff: { access: public }"},
		"another role":                     {ada("member"), "GET", "/staff", "GET /staff: { access: { roles: [admin, member] } }"},
		"another scope":                    {ada("member", "some", "other"), "GET", "/report", "GET /report: { access: { scopes: [some] } }"},
		"another scope, and no role":       {&call.Principal{ID: "ada", Scopes: []string{"some"}}, "GET", "/report", "GET /report: { access: { scopes: [some] } }"},
		"a credential without any scope":   {&call.Principal{ID: "ada", Role: "member", Scopes: []string{}}, "GET", "/report", "GET /report: { access: public }"},
		"another's object":                 {ada("member"), "GET", "/of/eve", "GET /of/{id}: { access: { own: path.id, or_roles: [admin, member] } }"},
		"another's, and nobody else may":   {ada("member"), "PUT", "/of/eve", "PUT /of/{id}: { access: { own: path.id, or_roles: [member] } }"},
		"another role, and ownership":      {ada("guest"), "GET", "/both", "GET /both: { access: { roles: [member, guest], own: row } }"},
		"nothing that would be refused":    {ada("admin"), "GET", "/staff", ""},
		"their own, which nothing refuses": {ada("member"), "GET", "/of/ada", ""},
	} {
		got := through(t, call.Report, tt.p, httptest.NewRequest(tt.method, tt.path, nil))
		if got.Status != http.StatusOK || got.Allow() != tt.want {
			t.Errorf("%s: %d %q, want 200 %q", name, got.Status, got.Allow(), tt.want)
		}
	}
}

func TestModes(t *testing.T) {
	for _, tt := range []struct {
		name string
		mode call.Mode
		path string
		want int
	}{
		{"enforced", call.Enforce, "/staff", 401},
		{"reported", call.Report, "/staff", 200},
		{"off", call.Off, "/staff", 200},
		{"an operation that is none, enforced", call.Enforce, "/nothing", 403},
		{"an operation that is none, reported", call.Report, "/nothing", 403},
		{"an operation that is none, off", call.Off, "/nothing", 403},
	} {
		got := through(t, tt.mode, nil, httptest.NewRequest("GET", tt.path, nil))
		if got.Status != tt.want || (got.Allow() != "") != (tt.name == "reported") {
			t.Errorf("%s: %d %q, want %d", tt.name, got.Status, got.Allow(), tt.want)
		}
	}
}

func TestOwnersThatAreNumbers(t *testing.T) {
	for owner, want := range map[string]int{`42`: 200, `"42"`: 200, `43`: 404, `42.0`: 404, `true`: 404, `null`: 404} {
		r := httptest.NewRequest("POST", "/notes", strings.NewReader(`{"owner":`+owner+`}`))
		r.Header.Set("Content-Type", "application/json")
		if got := through(t, call.Enforce, &call.Principal{ID: "42", Role: "member"}, r); got.Status != want {
			t.Errorf("owner %s: %d, want %d", owner, got.Status, want)
		}
	}
}

func TestRealms(t *testing.T) {
	for realm, fits := range map[string]bool{
		"": true, "the gate": true, "~": true, "}": true, "!": true, "\x1f": false, "\x7f": false, `a"b`: false, `a\b`: false, "\u00e9": false,
	} {
		if _, err := authz.New(authz.Config{Realm: realm}); (err == nil) != fits {
			t.Errorf("%q: %v, want it to fit: %v", realm, err, fits)
		}
	}
}

func TestTheTableTellsSocketsAndOwners(t *testing.T) {
	for _, row := range authz.Access(gatetest.Compile(t, modes), []string{"member", "admin"}) {
		if row.WebSocket != (row.Operation == "socket") {
			t.Errorf("%s: a WebSocket: %v", row.Operation, row.WebSocket)
		}
		if row.Operation == "rows" && (row.Roles[0].May != authz.Own || row.Roles[1].May != authz.Yes) {
			t.Errorf("rows: %v; a member has their own, an admin all", row.Roles)
		}
	}
}

func TestRulesInWords(t *testing.T) {
	for want, a := range map[string]contract.Access{
		"own path.id":                            {Own: "path.id"},
		"own path.id or roles [admin]":           {Own: "path.id", OrRole: []string{"admin"}},
		"roles [a b] and scopes [c] and own row": {Roles: []string{"a", "b"}, Scopes: []string{"c"}, Own: "row"},
		"no rule":                                {},
		"public":                                 {Public: true},
	} {
		if got := authz.RuleText(a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
