package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/problem"
)

const document = `
openapi: 3.1.0
info: {title: Things, version: "1"}
x-gatehouse: {name: things}
paths:
  /things/{id}:
    get: {operationId: read, parameters: [{name: id, in: path, required: true, schema: {type: string}}], x-gatehouse: {access: public}, responses: {"200": {description: ok}}}
    put: {operationId: put, parameters: [{name: id, in: path, required: true, schema: {type: string}}, {name: id, in: query, schema: {type: string}}], x-gatehouse: {access: public, audit: UPDATE_THING}, responses: {"200": {description: ok}}}
  /live:
    get: {operationId: live, x-gatehouse: {access: public}, x-gatehouse-websocket: {receive: {ping: {const: ping}}, send: {pong: {const: pong}}}, responses: {"101": {description: open}}}
`

func tableOf(t testing.TB) *contract.Table {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "things.yaml", Data: []byte(document)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// rig runs the layer behind call and keeps what it writes.
type rig struct {
	t     testing.TB
	cfg   observe.Config
	table *contract.Table
	modes call.Modes
	log   bytes.Buffer
	at    time.Time
}

func newRig(t testing.TB) *rig {
	return &rig{t: t, at: time.Date(2026, 2, 23, 10, 15, 30, 0, time.UTC)}
}

func (r *rig) do(req *http.Request, next http.HandlerFunc) (*httptest.ResponseRecorder, []map[string]any) {
	r.t.Helper()
	if r.cfg.Log == nil {
		r.cfg.Log = slog.NewJSONHandler(&r.log, nil)
	}
	r.cfg.Now = func() time.Time { return r.at }
	wrap, err := observe.New(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: r.table, Modes: r.modes, Now: r.cfg.Now, NewID: func() string { return "0199-id" }})
	if err != nil {
		r.t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	begin(wrap(next)).ServeHTTP(rec, req)
	var records []map[string]any
	for line := range strings.Lines(r.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			r.t.Fatalf("a line that is no JSON: %q", line)
		}
		records = append(records, m)
	}
	r.log.Reset()
	return rec, records
}

func request(method, target string) *http.Request {
	req := httptest.NewRequest(method, target, nil)
	req.RemoteAddr = "192.0.2.7:4711"
	return req
}

func TestOneRecordWithItsFields(t *testing.T) {
	r := newRig(t)
	r.table = tableOf(t)
	_, records := r.do(request("GET", "/things/7?token=secret"), func(w http.ResponseWriter, req *http.Request) {
		c := call.From(req.Context())
		c.SetPrincipal(&call.Principal{ID: "m1", Role: "member", Email: "a@example.com", Username: "ada"})
		c.Note("limit", "slowed", "2")
		r.at = r.at.Add(12*time.Millisecond + 345*time.Microsecond)
		_, _ = w.Write([]byte("hello"))
	})
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	want := map[string]any{
		"time": "2026-02-23T10:15:30.012345Z", "level": "INFO", "msg": "RESPONSE", "type": "RESPONSE",
		"request_id": "0199-id", "method": "GET", "route": "/things/{id}", "operation": "read", "api": "things", "protocol": "HTTP/1.1",
		"status": 200.0, "success": true, "duration_ms": 12.345, "bytes": 5.0, "role": "member", "principal": "m1",
		"client": "192.0.2.7", "verdict": "served", "notes": []any{"limit.slowed=2"},
	}
	if got := records[0]; !equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func equal(a, b map[string]any) bool {
	return maps.EqualFunc(a, b, func(x, y any) bool {
		l, isList := x.([]any)
		m, alsoList := y.([]any)
		if isList && alsoList {
			return slices.Equal(l, m)
		}
		return x == y
	})
}

func TestARefusalIsRecordedWithItsReason(t *testing.T) {
	r := newRig(t)
	rec, records := r.do(request("GET", "/nothing"), func(w http.ResponseWriter, req *http.Request) {
		call.Refuse(w, req, problem.Forbidden("no").Because(errors.New("row 7 belongs to m2")).From("authz", "own: row"))
	})
	got := records[0]
	for name, want := range map[string]any{
		"verdict": "authz", "rule": "own: row", "code": "FORBIDDEN", "cause": "row 7 belongs to m2",
		"status": 403.0, "success": false, "route": "(unmatched)", "role": "guest", "level": "INFO",
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	for _, name := range []string{"operation", "api", "principal", "stack", "notes", "action"} {
		if _, there := got[name]; there {
			t.Errorf("%s is there without a value", name)
		}
	}
	if strings.Contains(rec.Body.String(), "m2") {
		t.Error("the cause left")
	}
}

func TestARefusalOfAHandlerIsTheHandlers(t *testing.T) {
	_, records := newRig(t).do(request("GET", "/"), func(w http.ResponseWriter, req *http.Request) {
		call.Refuse(w, req, problem.Conflict("TAKEN", "taken"))
	})
	if records[0]["verdict"] != "handler" {
		t.Errorf("verdict %v", records[0]["verdict"])
	}
}

func TestAnAuditedOperationLeavesASecondRecord(t *testing.T) {
	for _, row := range []struct {
		name     string
		next     http.HandlerFunc
		outcome  string
		resource any
	}{
		{"done", func(w http.ResponseWriter, req *http.Request) {
			call.From(req.Context()).SetInput(map[string]any{"path.id": json.Number("7"), "query.id": "8"}, nil, false)
			w.WriteHeader(http.StatusNoContent)
		}, "success", "7"},
		{"refused before its parameters were validated", func(w http.ResponseWriter, req *http.Request) {
			call.Refuse(w, req, problem.Forbidden("no").From("authz", "roles: admin"))
		}, "denied", nil},
		{"without credentials", func(w http.ResponseWriter, req *http.Request) {
			call.Refuse(w, req, problem.Unauthorized("NO_TOKEN", "no", "Bearer").From("authn", ""))
		}, "denied", nil},
		{"over budget", func(w http.ResponseWriter, req *http.Request) {
			call.Refuse(w, req, problem.RateLimited(problem.Retry{}).From("limit", "writes"))
		}, "denied", nil},
		{"in conflict", func(w http.ResponseWriter, req *http.Request) {
			call.Refuse(w, req, problem.Conflict("TAKEN", "taken"))
		}, "failure", nil},
		{"broken", func(http.ResponseWriter, *http.Request) { panic("x") }, "failure", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t)
			r.table = tableOf(t)
			_, records := r.do(request("PUT", "/things/7"), row.next)
			if len(records) != 2 || records[0]["type"] != "RESPONSE" || records[1]["type"] != "AUDIT" {
				t.Fatalf("%v", records)
			}
			got := records[1]
			if got["action"] != "UPDATE_THING" || got["outcome"] != row.outcome || got["resource_id"] != row.resource ||
				got["route"] != "/things/{id}" || got["request_id"] != "0199-id" {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestASocketIsRecordedWhenItOpensAndWhenItCloses(t *testing.T) {
	r := newRig(t)
	r.table = tableOf(t)
	req := request("GET", "/live")
	req.Header.Set("Upgrade", "websocket")
	_, records := r.do(req, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusSwitchingProtocols)
		r.at = r.at.Add(time.Hour)
	})
	if len(records) != 2 || records[0]["type"] != "REQUEST" || records[1]["type"] != "RESPONSE" {
		t.Fatalf("%v", records)
	}
	if records[0]["status"] != 101.0 || records[0]["role"] != "guest" || records[0]["verdict"] != "served" {
		t.Errorf("what opened, and for whom: %v", records[0])
	}
	if records[1]["status"] != 101.0 || records[1]["level"] != "INFO" || records[1]["duration_ms"] != 3600000.0 || records[1]["success"] != true {
		t.Errorf("an hour on a socket is not slow: %v", records[1])
	}
}

func TestLevels(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		took   time.Duration
		slow   time.Duration
		want   string
	}{
		{"quick", 200, time.Second, 0, "INFO"},
		{"slow by default after a second", 200, time.Second + 1, 0, "WARN"},
		{"slow as configured", 200, 11 * time.Millisecond, 10 * time.Millisecond, "WARN"},
		{"never slow", 200, time.Hour, -1, "INFO"},
		{"a refusal", 404, 0, 0, "INFO"},
		{"a failure", 500, 0, 0, "ERROR"},
		{"a slow failure", 503, time.Hour, 0, "ERROR"},
	} {
		r := newRig(t)
		r.cfg.Slow = row.slow
		_, records := r.do(request("GET", "/"), func(w http.ResponseWriter, _ *http.Request) {
			r.at = r.at.Add(row.took)
			w.WriteHeader(row.status)
		})
		if records[0]["level"] != row.want {
			t.Errorf("%s: %v", row.name, records[0]["level"])
		}
	}
}

func TestAQuietHandlerIsNotCalledButMetricsAre(t *testing.T) {
	r := newRig(t)
	r.cfg.Log = slog.NewJSONHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelError})
	var seen []observe.Record
	r.cfg.OnRecord = func(rec observe.Record) { seen = append(seen, rec) }
	_, records := r.do(request("GET", "/"), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if len(records) != 0 || len(seen) != 1 || seen[0].Status != http.StatusTeapot || seen[0].Type != "RESPONSE" {
		t.Errorf("%v %v", records, seen)
	}
}

func TestARecordThatCannotBeWrittenIsTold(t *testing.T) {
	r := newRig(t)
	r.cfg.Log = slog.NewJSONHandler(brokenDisk{}, nil)
	var told error
	r.cfg.OnError = func(err error) { told = err }
	rec, _ := r.do(request("GET", "/"), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	if told == nil || !strings.Contains(told.Error(), "no space left") || rec.Code != 200 {
		t.Errorf("%v, %d", told, rec.Code)
	}
}

type brokenDisk struct{}

func (brokenDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestTruncatedAddresses(t *testing.T) {
	for from, want := range map[string]string{"192.0.2.77:1": "192.0.2.0", "[2001:db8:1:2:3::4]:1": "2001:db8:1::"} {
		r := newRig(t)
		r.cfg.TruncateClient = true
		req := request("GET", "/")
		req.RemoteAddr = from
		_, records := r.do(req, func(http.ResponseWriter, *http.Request) {})
		if records[0]["client"] != want {
			t.Errorf("%s: %v", from, records[0]["client"])
		}
	}
}

func TestAHandlerThatWritesNothingAnswered200(t *testing.T) {
	_, records := newRig(t).do(request("GET", "/"), func(http.ResponseWriter, *http.Request) {})
	if records[0]["status"] != 200.0 || records[0]["success"] != true {
		t.Errorf("%v", records[0])
	}
}

func TestALongTextIsCutWhereItShows(t *testing.T) {
	for cause, want := range map[string]string{
		strings.Repeat("x", 1024):         strings.Repeat("x", 1024),
		strings.Repeat("x", 1025):         strings.Repeat("x", 1021) + "...",
		strings.Repeat("\u00e9", 600):     strings.Repeat("\u00e9", 510) + "...",
		"a\tb\\n\x01\u202e\xff caf\u00e9": "a\\u0009b\\n\\u0001\\u202e\\xff caf\u00e9",
	} {
		_, records := newRig(t).do(request("GET", "/"), func(w http.ResponseWriter, req *http.Request) {
			call.Refuse(w, req, problem.Internal(errors.New(cause)))
		})
		if records[0]["cause"] != want {
			t.Errorf("%.20q: %q, want %q", cause, records[0]["cause"], want)
		}
	}
}

func TestAloneOnAMux(t *testing.T) {
	var log bytes.Buffer
	wrap, err := observe.New(observe.Config{Log: slog.NewJSONHandler(&log, nil), Table: tableOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/nothing", "/things/7"} {
		wrap(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), request("GET", target))
	}
	for _, part := range []string{`"route":"(unmatched)","status":404`, `"verdict":"served"`, `"route":"/things/{id}","operation":"read"`} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("%s is not in %s", part, log.String())
		}
	}
}

func BenchmarkLayer(b *testing.B) {
	for name, log := range map[string]slog.Handler{
		"json":    slog.NewJSONHandler(discard{}, nil),
		"discard": slog.DiscardHandler,
	} {
		b.Run(name, func(b *testing.B) {
			wrap, err := observe.New(observe.Config{Log: log})
			if err != nil {
				b.Fatal(err)
			}
			begin, err := call.New(call.Config{NewID: func() string { return "id" }})
			if err != nil {
				b.Fatal(err)
			}
			h := begin(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })))
			w := httptest.NewRecorder()
			req := request("GET", "/")
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, req)
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
