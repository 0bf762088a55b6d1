package gatehouse

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
)

// twoAPIs is one document twice, under /a and /b.
const twoAPIs = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
servers: [{ url: /BASE }]
x-gatehouse: { name: NAME, limit: [few], budgets: { few: 3/15m per address }, body: 1KB }
paths:
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get:
      operationId: readNAME
      x-gatehouse: { access: { roles: [admin] } }
      responses: { "200": { description: The order } }
    delete:
      operationId: dropNAME
      x-gatehouse: { access: { own: path.id, or_roles: [admin] } }
      responses: { "200": { description: Gone } }
    put:
      operationId: changeNAME
      x-gatehouse: { access: { roles: [member] } }
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [title]
              properties: { title: { type: string, minLength: 2 } }
      responses: { "200": { description: Changed } }
`

// whoever verifies the token "member" and "admin" as those roles.
type whoever struct{}

func (whoever) Verify(_ context.Context, token string) (*call.Principal, error) {
	if token != "member" && token != "admin" {
		return nil, authn.ErrInvalid
	}
	return &call.Principal{ID: "7" + token, Role: token}, nil
}

type modeWorld struct {
	t       *testing.T
	gate    http.Handler
	records bytes.Buffer
	seen    *call.Call // of the last request that the handler saw
	body    string
	status  int // that the handler answers
}

func newModeWorld(t *testing.T, modes call.Modes, overlay string) *modeWorld {
	t.Helper()
	return newModeWorldOf(t, overlay, func(c *Config) { c.Modes = modes })
}

// newModeWorldOf builds a gate with both APIs, overlay over the first.
func newModeWorldOf(t *testing.T, overlay string, change func(*Config)) *modeWorld {
	t.Helper()
	var apis []*contract.API
	for _, name := range []string{"a", "b"} {
		var over []contract.File
		if name == "a" && overlay != "" {
			over = append(over, contract.File{Name: "overlay.yaml", Data: []byte(overlay)})
		}
		text := strings.NewReplacer("NAME", name, "BASE", name).Replace(twoAPIs)
		api, err := contract.Load(contract.File{Name: name + ".yaml", Data: []byte(text)}, contract.Options{Roles: []string{"member", "admin"}}, over...)
		if err != nil {
			t.Fatal(err)
		}
		apis = append(apis, api)
	}
	w := &modeWorld{t: t, status: http.StatusOK}
	cfg := Config{
		Contracts: apis, Authn: authn.Config{Bearer: whoever{}},
		Observe: observe.Config{Log: slog.NewJSONHandler(&w.records, nil)},
	}
	change(&cfg)
	gate, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.gate = gate.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.seen = From(r.Context())
		b, _ := io.ReadAll(r.Body)
		w.body = string(b)
		rw.WriteHeader(w.status)
	}))
	return w
}

// do sends one request and returns its status and whether the handler saw it.
func (w *modeWorld) do(method, target, token, body string) (status int, reached bool) {
	w.t.Helper()
	w.seen, w.body = nil, ""
	w.records.Reset()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := request(method, target, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.gate.ServeHTTP(rec, r)
	return rec.Code, w.seen != nil
}

// offences are requests that one layer each refuses.
var offences = []struct {
	name, layer, method, path, token, body string
	times, status                          int
	allow                                  string
}{
	{"a guest", "authz", "GET", "/orders/1", "", "", 1, 401, "GET /orders/{id}: { access: public }"},
	{"a role too low", "authz", "GET", "/orders/1", "member", "", 1, 403, "GET /orders/{id}: { access: { roles: [admin, member] } }"},
	{"another's object", "authz", "DELETE", "/orders/1", "member", "", 1, 404, "DELETE /orders/{id}: { access: { own: path.id, or_roles: [admin, member] } }"},
	{"an unknown field", "validate", "PUT", "/orders/1", "member", `{"title":"ab","x":1}`, 1, 400, "PUT /orders/{id}: { unknown: allow }"},
	{"a large body", "validate", "PUT", "/orders/1", "member", `{"title":"` + strings.Repeat("x", 5000) + `"}`, 1, 413, "PUT /orders/{id}: { body: 6KB }"},
	{"too often", "limit", "GET", "/orders/1", "admin", "", 4, 429, "GET /orders/{id}: { limit: [6/15m per address] }"},
}

// TestReportLetsThrough sends each offence to an API whose layer reports, and
// to its neighbour.
func TestReportLetsThrough(t *testing.T) {
	for _, o := range offences {
		t.Run(o.name, func(t *testing.T) {
			modes := call.Modes{"a": {o.layer: call.Report}}
			if o.token == "" {
				modes["a"]["authn"] = call.Report // or it would refuse the guest first
			}
			w := newModeWorld(t, modes, "")
			var status int
			var reached bool
			for range o.times {
				status, reached = w.do(o.method, "http://localhost/a"+o.path, o.token, o.body)
			}
			if status != http.StatusOK || !reached || w.body != o.body {
				t.Fatalf("report: %d, reached %v, body %q", status, reached, w.body)
			}
			record := w.records.String()
			if !strings.Contains(record, `"would_refuse":["`) || !strings.Contains(record, o.layer+": ") ||
				!strings.Contains(record, `"`+o.allow+`"`) || !strings.Contains(record, `"verdict":"served"`) {
				t.Errorf("the record %s lacks %s", record, o.allow)
			}
			for range o.times {
				status, reached = w.do(o.method, "http://localhost/b"+o.path, o.token, o.body)
			}
			if status != o.status || reached || strings.Contains(w.records.String(), "would_refuse") {
				t.Errorf("the neighbour: %d, want %d, reached %v: %s", status, o.status, reached, w.records.String())
			}
		})
	}
}

// TestTheReportedLineAllows enforces everything with the line of the record as
// the overlay: the same request is then served.
func TestTheReportedLineAllows(t *testing.T) {
	for _, o := range offences {
		w := newModeWorld(t, nil, o.allow+"\n")
		for range o.times {
			if status, _ := w.do(o.method, "http://localhost/a"+o.path, o.token, o.body); status != http.StatusOK {
				t.Errorf("%s with %s: %d", o.name, o.allow, status)
			}
		}
		w = newModeWorld(t, nil, "")
		status := 0
		for range o.times {
			status, _ = w.do(o.method, "http://localhost/a"+o.path, o.token, o.body)
		}
		if status != o.status {
			t.Errorf("%s without it: %d, want %d", o.name, status, o.status)
		}
	}
}

// TestOffDoesNotLook sends each offence to an API whose layer is off.
func TestOffDoesNotLook(t *testing.T) {
	for _, o := range offences {
		w := newModeWorld(t, call.Modes{"a": {o.layer: call.Off, "authn": map[bool]call.Mode{true: call.Off}[o.token == ""]}}, "")
		for range o.times {
			status, reached := w.do(o.method, "http://localhost/a"+o.path, o.token, o.body)
			if status != http.StatusOK || !reached || w.body != o.body || strings.Contains(w.records.String(), "would_refuse") {
				t.Errorf("%s: %d, reached %v, body %q: %s", o.name, status, reached, w.body, w.records.String())
			}
		}
		for range o.times - 1 {
			w.do(o.method, "http://localhost/b"+o.path, o.token, o.body)
		}
		if status, reached := w.do(o.method, "http://localhost/b"+o.path, o.token, o.body); status != o.status || reached {
			t.Errorf("%s, the neighbour: %d, want %d", o.name, status, o.status)
		}
	}
}

// TestABadTokenMakesAGuest lets nobody be somebody by reporting.
func TestABadTokenMakesAGuest(t *testing.T) {
	for _, mode := range []call.Mode{call.Report, call.Off} {
		w := newModeWorld(t, call.Modes{"a": {"authn": mode}}, "")
		if status, reached := w.do("GET", "http://localhost/a/orders/1", "forged", ""); status != http.StatusUnauthorized || reached {
			t.Errorf("authn %v alone: %d", mode, status)
		}
		w = newModeWorld(t, call.Modes{"a": {"authn": mode, "authz": call.Report}}, "")
		if status, _ := w.do("GET", "http://localhost/a/orders/1", "forged", ""); status != http.StatusOK || w.seen.Principal() != nil {
			t.Errorf("authn %v: %d as %v", mode, status, w.seen.Principal())
		}
	}
}

// TestNoModeLetsTheUnknownThrough relaxes everything everywhere.
func TestNoModeLetsTheUnknownThrough(t *testing.T) {
	for _, mode := range []call.Mode{call.Report, call.Off} {
		all := map[string]call.Mode{}
		for _, layer := range call.Relaxable() {
			all[layer] = mode
		}
		w := newModeWorld(t, call.Modes{call.AnyAPI: all}, "")
		for target, want := range map[string]int{"/nothing": 404, "/a/orders/%2e%2e/1": 400, "/a//orders/1": 400, "/a/orders/1%00": 400} {
			if status, reached := w.do("GET", "http://localhost"+target, "admin", ""); status != want || reached {
				t.Errorf("%v %s: %d, want %d", mode, target, status, want)
			}
		}
		if status, _ := w.do("POST", "http://localhost/a/orders/1", "admin", ""); status != http.StatusMethodNotAllowed {
			t.Errorf("%v: a method that is not there: %d", mode, status)
		}
		if status, reached := w.do("GET", "http://evil.example/a/orders/1", "admin", ""); status != http.StatusOK || !reached {
			t.Errorf("%v: a strange host: %d", mode, status)
		}
		if got := strings.Contains(w.records.String(), "tls: MISDIRECTED_REQUEST"); got != (mode == call.Report) {
			t.Errorf("%v: the host in the record: %s", mode, w.records.String())
		}
	}
}

// TestAnyAPI relaxes all APIs but the one that states otherwise.
func TestAnyAPI(t *testing.T) {
	w := newModeWorld(t, call.Modes{call.AnyAPI: {"authz": call.Report}, "b": {"authz": call.Enforce}}, "")
	if status, _ := w.do("GET", "http://localhost/a/orders/1", "member", ""); status != http.StatusOK {
		t.Errorf("an API without an entry: %d", status)
	}
	if status, _ := w.do("GET", "http://localhost/b/orders/1", "member", ""); status != http.StatusForbidden {
		t.Errorf("an API that enforces: %d", status)
	}
}

// TestTheHandlerGetsWhatCouldBeRead lets a malformed request through.
func TestTheHandlerGetsWhatCouldBeRead(t *testing.T) {
	for _, mode := range []call.Mode{call.Report, call.Off} {
		w := newModeWorld(t, call.Modes{"a": {"validate": mode}}, "")
		w.do("PUT", "http://localhost/a/orders/12?x=1", "member", `{"title":`)
		var v any
		if id, ok := w.seen.Param("path.id"); !ok || id == nil || w.body != `{"title":` || w.seen.Bind(&v) == nil {
			t.Errorf("%v: id %v, body %q", mode, id, w.body)
		}
		w.do("PUT", "http://localhost/a/orders/x", "member", "")
		if _, ok := w.seen.Param("path.id"); ok {
			t.Errorf("%v: a parameter that is none was decoded", mode)
		}
		if err := w.seen.Bind(&v); err == nil || !strings.HasPrefix(err.Error(), "400 ") {
			t.Errorf("%v: binding no body: %v, want a 400", mode, err)
		}
	}
}

func TestModesOfWhatIsNotThere(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(notes)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		modes call.Modes
		says  string
	}{
		"a misspelt API":   {call.Modes{"nots": {"limit": call.Off}}, `"notes"`},
		"a misspelt layer": {call.Modes{"notes": {"limits": call.Off}}, `"limit"`},
		"the path itself":  {call.Modes{"notes": {"route": call.Off}}, "route"},
		"the record":       {call.Modes{call.AnyAPI: {"observe": call.Off}}, "observe"},
		"no mode":          {call.Modes{"notes": {"limit": 3}}, "Mode(3)"},
	} {
		if _, err := New(Config{Contracts: []*contract.API{api}, Modes: tt.modes}); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %s", name, err, tt.says)
		}
	}
}
