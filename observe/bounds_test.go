package observe_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/problem"
)

const rooms = `
openapi: 3.1.0
info: {title: Rooms, version: "1"}
x-gatehouse: {name: rooms}
paths:
  /rooms/{room}/days/{day}:
    put:
      operationId: book
      parameters:
        - {name: room, in: path, required: true, schema: {type: string}}
        - {name: day, in: path, required: true, schema: {type: string}}
        - {name: colour, in: query, schema: {type: string}}
      x-gatehouse: {access: public, audit: BOOK}
      responses: {"200": {description: ok}}
`

// one is the RESPONSE record of one call.
func one(t *testing.T, r *rig, req *http.Request, next http.HandlerFunc) observe.Record {
	t.Helper()
	var got observe.Record
	r.cfg.OnRecord = func(rec observe.Record) { got = rec }
	r.do(req, next)
	return got
}

func TestTextsOfARecordHaveTheirLengths(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "rooms.yaml", Data: []byte(rooms)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	if r.table, err = contract.NewTable(api); err != nil {
		t.Fatal(err)
	}
	r.modes = call.Modes{call.AnyAPI: {"authz": call.Report}}
	long := strings.Repeat("x", 5000)
	rec := one(t, r, request("PUT", "/rooms/1/days/2"), func(w http.ResponseWriter, req *http.Request) {
		c := call.From(req.Context())
		c.SetPrincipal(&call.Principal{ID: long, Role: long})
		c.SetInput(map[string]any{"path.room": "1", "path.day": long, "path.colour": "red"}, nil, false)
		for range 20 {
			c.Note("limit", "slowed", long)
		}
		call.Stopped(w, req, problem.Forbidden("no").From("authz", long), func(*call.Call, *problem.Error) string { return long })
		call.Refuse(w, req, problem.New(400, long, "t", "d").Because(errors.New(long)).From(long, long))
	})
	if len(rec.Notes) != 16 || len(rec.WouldRefuse) != 1 || len(rec.WouldAllow) != 1 || !strings.HasPrefix(rec.Resource, "1/x") {
		t.Fatalf("%d notes, %d %d, %.5q", len(rec.Notes), len(rec.WouldRefuse), len(rec.WouldAllow), rec.Resource)
	}
	for name, row := range map[string]struct {
		text string
		want int
	}{
		"role": {rec.Role, 128}, "principal": {rec.Principal, 128}, "rule": {rec.Rule, 128}, "code": {rec.Code, 128}, "verdict": {rec.Verdict, 128},
		"resource": {rec.Resource, 128}, "note": {rec.Notes[15], 128}, "would refuse": {rec.WouldRefuse[0], 128},
		"would allow": {rec.WouldAllow[0], 512}, "cause": {rec.Cause, 1024},
	} {
		if len(row.text) != row.want {
			t.Errorf("%s: %d bytes, want %d", name, len(row.text), row.want)
		}
	}
}

func TestTheRequestIDIsBounded(t *testing.T) {
	var rec observe.Record
	wrap, err := observe.New(observe.Config{Log: slog.DiscardHandler, OnRecord: func(r observe.Record) { rec = r }})
	if err != nil {
		t.Fatal(err)
	}
	begin, err := call.New(call.Config{NewID: func() string { return strings.Repeat("x", 200) }})
	if err != nil {
		t.Fatal(err)
	}
	begin(wrap(http.NotFoundHandler())).ServeHTTP(httptest.NewRecorder(), request("GET", "/"))
	if len(rec.RequestID) != 128 {
		t.Errorf("%d bytes", len(rec.RequestID))
	}
}

func TestStatusesAtTheEdges(t *testing.T) {
	for _, row := range []struct {
		target  string
		status  int
		took    time.Duration
		success bool
		level   slog.Level
	}{
		{"/", 399, 0, true, slog.LevelInfo},
		{"/", 400, 0, false, slog.LevelInfo},
		{"/", 499, 0, false, slog.LevelInfo},
		{"/", 500, 0, false, slog.LevelError},
		{"/live", 101, time.Hour, true, slog.LevelInfo},
		{"/live", 200, time.Hour, true, slog.LevelWarn},
		{"/things/7", 101, time.Hour, true, slog.LevelWarn},
		{"/nothing", 101, time.Hour, true, slog.LevelWarn},
		{"/things/7", 200, -time.Second / 2, true, slog.LevelInfo},
	} {
		r := newRig(t)
		r.table = tableOf(t)
		req := request("GET", row.target)
		if row.target == "/live" {
			req.Header.Set("Upgrade", "websocket")
		}
		rec := one(t, r, req, func(w http.ResponseWriter, _ *http.Request) {
			r.at = r.at.Add(row.took)
			w.WriteHeader(row.status)
		})
		if rec.Success != row.success || rec.Level != row.level || rec.Duration != max(row.took, 0) {
			t.Errorf("%d of %s after %v: success %v, %v, %v", row.status, row.target, row.took, rec.Success, rec.Level, rec.Duration)
		}
	}
}

func TestProtocolsAndNetworks(t *testing.T) {
	for _, row := range []struct {
		major, minor   int
		peer           string
		protocol, cuts string
	}{
		{1, 0, "192.0.3.255:1", "HTTP/1.0", "192.0.3.0"},
		{1, 1, "[2001:db8:1:ffff::4]:1", "HTTP/1.1", "2001:db8:1::"},
		{2, 0, "[2001:db8:1:ffff::4]:1", "HTTP/2.0", "2001:db8:1::"},
	} {
		r := newRig(t)
		r.cfg.TruncateClient = true
		req := request("GET", "/")
		req.RemoteAddr, req.ProtoMajor, req.ProtoMinor = row.peer, row.major, row.minor
		rec := one(t, r, req, func(http.ResponseWriter, *http.Request) {})
		if rec.Protocol != row.protocol || rec.Client.String() != row.cuts {
			t.Errorf("%s from %s, want %s from %s", rec.Protocol, rec.Client, row.protocol, row.cuts)
		}
	}
}

func TestAnAbortedCallIsRecordedWhole(t *testing.T) {
	var out bytes.Buffer
	r := newRig(t)
	r.cfg.Log = slog.NewJSONHandler(&out, nil)
	func() {
		defer func() { _ = recover() }()
		r.do(request("GET", "/"), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}()
	if got := out.String(); !strings.Contains(got, `"verdict":"aborted"`) || !strings.Contains(got, `"status":0`) {
		t.Errorf("%s", got)
	}
}

func TestWhoIsToldOfALostRecord(t *testing.T) {
	served := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	r := newRig(t)
	r.cfg.OnError = func(err error) { t.Errorf("told of %v", err) }
	r.do(request("GET", "/"), served)
	r.cfg.Log = slog.NewJSONHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelError})
	r.do(request("GET", "/"), served)
	r = newRig(t)
	r.cfg.Log = slog.NewJSONHandler(brokenDisk{}, nil)
	if rec, _ := r.do(request("GET", "/"), served); rec.Code != http.StatusOK {
		t.Errorf("%d with nobody to tell", rec.Code)
	}
}

func TestHandlersTellThatTheyCannotWrite(t *testing.T) {
	record := slog.NewRecord(time.Time{}, slog.LevelInfo, "RESPONSE", 0)
	record.AddAttrs(slog.String("type", "RESPONSE"), slog.String("request_id", "1"))
	other := slog.NewRecord(time.Time{}, slog.LevelInfo, "hello", 0)
	for _, row := range []struct {
		name    string
		handler slog.Handler
		record  slog.Record
		fails   bool
	}{
		{"text", observe.NewText(brokenDisk{}, slog.LevelInfo), record, true},
		{"combined", observe.NewCombined(brokenDisk{}, nil), record, true},
		{"combined, the rest", observe.NewCombined(&bytes.Buffer{}, failingHandler{}), other, true},
		{"combined, no rest", observe.NewCombined(brokenDisk{}, nil), other, false},
	} {
		if err := row.handler.Handle(context.Background(), row.record); (err != nil) != row.fails {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	first := errors.New("first")
	h := observe.Tee(observe.NewText(failingWriter{first}, slog.LevelInfo), slog.DiscardHandler, failingHandler{})
	if err := h.Handle(context.Background(), other); !errors.Is(err, first) {
		t.Errorf("tee: %v, want the first", err)
	}
	combined := observe.NewCombined(&bytes.Buffer{}, observe.NewText(&bytes.Buffer{}, slog.LevelDebug))
	if !combined.Enabled(context.Background(), slog.LevelDebug) || observe.NewCombined(&bytes.Buffer{}, nil).Enabled(context.Background(), slog.LevelInfo-1) {
		t.Error("levels of the combined handler")
	}
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

func TestTextOfWhatIsNoRecord(t *testing.T) {
	long := strings.Repeat("x", 20_000)
	for _, row := range []struct {
		name, want string
		say        func(*slog.Logger)
	}{
		{"another message", "info       hello type=RESPONSE request_id=1", func(l *slog.Logger) { l.Info("hello", "type", "RESPONSE", "request_id", "1") }},
		{"no request id", "info       RESPONSE type=RESPONSE", func(l *slog.Logger) { l.Info("RESPONSE", "type", "RESPONSE") }},
		{"a list", `info       m k="a b"`, func(l *slog.Logger) { l.Info("m", "k", []string{"a", "b"}) }},
		{"nothing", `info       m k=""`, func(l *slog.Logger) { l.Info("m", "k", "") }},
		{"a stack", "info       m k=v\n    | a", func(l *slog.Logger) { l.Info("m", "stack", "a", "k", "v") }},
		{"attributes of loggers", "info       m a=1 b=2 g.c=3 g.d=4", func(l *slog.Logger) { l.With("a", 1).With("b", 2).WithGroup("g").With("c", 3).Info("m", "d", 4) }},
		{"a long message", "info       " + long[:1021] + "...", func(l *slog.Logger) { l.Info(long) }},
		{"a long name", "info       m " + long[:125] + "...=1", func(l *slog.Logger) { l.Info("m", long, 1) }},
		{"a long value", "info       m k=" + long[:16381] + "...", func(l *slog.Logger) { l.Info("m", "k", long) }},
	} {
		var out bytes.Buffer
		row.say(slog.New(observe.NewText(&out, slog.LevelInfo)))
		if _, got, _ := strings.Cut(strings.TrimSuffix(out.String(), "\n"), " "); got != row.want {
			t.Errorf("%s: %.200q, want %.200q", row.name, got, row.want)
		}
	}
}

func TestALongVerdictNeedsNoPadding(t *testing.T) {
	for _, layer := range []string{"nine-long", "ten-letter", "eleven-long", "more-than-eleven"} {
		got := written(t, text, nil, request("GET", "/nothing"), func(*rig) http.HandlerFunc {
			return func(w http.ResponseWriter, req *http.Request) {
				call.Refuse(w, req, problem.NotFound("no").From(layer, "r"))
			}
		})
		want := layer + strings.Repeat(" ", max(1, 11-len(layer))) + "GET"
		if !strings.Contains(got, " "+want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
