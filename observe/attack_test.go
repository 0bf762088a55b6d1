package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/problem"
)

// lines is the most careless handler there is: one line per record, nothing
// quoted.
type lines struct{ out *bytes.Buffer }

func (lines) Enabled(context.Context, slog.Level) bool { return true }
func (l lines) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l lines) WithGroup(string) slog.Handler          { return l }
func (l lines) Handle(_ context.Context, r slog.Record) error {
	fmt.Fprint(l.out, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprint(l.out, " ", a.Key, "=", a.Value)
		return true
	})
	fmt.Fprintln(l.out)
	return nil
}

// TestSecretsStayOut fills every part of a request and of its answer with a
// secret of its own.
func TestSecretsStayOut(t *testing.T) {
	const body, answer = "body-secret", "answer-secret"
	r := newRig(t)
	r.table = tableOf(t)
	for _, target := range []string{"/things/path-secret?query=query-secret", "/unmatched-secret/path-secret?query-secret", "/?query-secret"} {
		req := httptest.NewRequest("PUT", target, strings.NewReader(body))
		for _, name := range []string{
			"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "User-Agent", "Referer", "Origin",
			"X-Forwarded-For", "X-Request-Id", "Idempotency-Key", "X-Anything",
		} {
			req.Header.Set(name, "Bearer header-secret")
		}
		req.Host = "host-secret.example"
		_, records := r.do(req, func(w http.ResponseWriter, req *http.Request) {
			c := call.From(req.Context())
			c.SetPrincipal(&call.Principal{ID: "m1", Role: "member", Email: "email-secret", Username: "name-secret", Session: "session-secret"})
			_, _ = io.ReadAll(req.Body)
			w.Header().Set("Set-Cookie", "s=cookie-secret")
			http.Error(w, answer, http.StatusBadRequest)
		})
		all, err := json.Marshal(records)
		if err != nil || len(records) == 0 {
			t.Fatal(err)
		}
		if strings.Contains(string(all), "secret") {
			t.Errorf("%s: %s", target, all)
		}
	}
}

func TestLogInjection(t *testing.T) {
	for _, attack := range []string{
		"a\nRESPONSE status=200 verdict=served", "a\r\nx", "a\rx", "\x00", "\x1b[2J\x1b[31m", "\x08\x08\x08", "\x7f", "\u0085next line",
		"\u2028separator", "\u2029paragraph", "\u202egnp.exe", "\u2066isolate", "\u200binvisible", "\ufeffmark", "\xff\xfe broken", "\x9b31m",
	} {
		t.Run(fmt.Sprintf("%q", attack), func(t *testing.T) {
			var out bytes.Buffer
			r := newRig(t)
			r.cfg.Log = lines{&out}
			r.table = tableOf(t)
			req := request("PUT", "/things/7")
			req.Header.Set("X-Request-Id", attack)
			r.do(req, func(w http.ResponseWriter, req *http.Request) {
				c := call.From(req.Context())
				c.SetPrincipal(&call.Principal{ID: attack, Role: attack})
				c.SetInput(map[string]any{"path.id": attack}, nil, false)
				c.Note(attack, attack, attack)
				call.Refuse(w, req, problem.New(400, attack, attack, attack).Because(errors.New(attack)).From(attack, attack))
			})
			if n := strings.Count(out.String(), "\n"); n != 2 { // RESPONSE and AUDIT
				t.Errorf("%d lines: %q", n, out.String())
			}
			for _, c := range out.String() {
				if c != '\n' && (c < 0x20 || c >= 0x7f && c < 0xa0 || strings.ContainsRune("\u2028\u2029\u202e\u2066\u200b\ufeff", c)) || c == utf8.RuneError {
					t.Errorf("%q got into the log: %q", c, out.String())
				}
			}
		})
	}
}

func TestForgedMethodsAreNotRecorded(t *testing.T) {
	_, records := newRig(t).do(request("SECRETMETHOD", "/"), func(http.ResponseWriter, *http.Request) {})
	if records[0]["method"] != "(other)" {
		t.Errorf("%v", records[0]["method"])
	}
}

func TestARecordIsBounded(t *testing.T) {
	r := newRig(t)
	_, records := r.do(request("GET", "/"), func(w http.ResponseWriter, req *http.Request) {
		c := call.From(req.Context())
		long := strings.Repeat("\n", 1<<20)
		for range 1000 {
			c.Note("validate", "unknown_field", long)
		}
		c.SetPrincipal(&call.Principal{ID: long, Role: long})
		call.Refuse(w, req, problem.Internal(errors.New(long)).From(long, long))
	})
	line, err := json.Marshal(records[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(line) > 8<<10 {
		t.Errorf("a record of %d bytes", len(line))
	}
}

func TestAPanicIsOneAnswerOutsideAndAllOfItInside(t *testing.T) {
	rec, records := newRig(t).do(request("GET", "/"), func(_ http.ResponseWriter, r *http.Request) {
		list := r.Header["X-Absent"]
		_ = list[len(list)]
	})
	if rec.Code != http.StatusInternalServerError || !strings.Contains(rec.Body.String(), "0199-id") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	for _, leak := range []string{"index", "goroutine", ".go:", "observe", "panic"} {
		if strings.Contains(rec.Body.String(), leak) {
			t.Errorf("the answer tells %q", leak)
		}
	}
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	got := records[0]
	stack, _ := got["stack"].(string)
	if got["verdict"] != "panic" || got["level"] != "ERROR" || got["cause"] != "panic: runtime error: index out of range [0] with length 0" ||
		got["status"] != 500.0 || got["success"] != false || !strings.Contains(stack, "attack_test.go") {
		t.Errorf("%v", got)
	}
}

// serve runs the layer on a real server and returns the records.
func serve(t *testing.T, next http.HandlerFunc) (url string, records chan observe.Record) {
	t.Helper()
	records = make(chan observe.Record, 8)
	wrap, err := observe.New(observe.Config{Log: slog.DiscardHandler, OnRecord: func(r observe.Record) { records <- r }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(wrap(next))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, records
}

func TestHalfAnAnswerIsNotTakenForAWholeOne(t *testing.T) {
	url, records := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic("broken")
	})
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the client read %q and no error", body)
	}
	if rec := <-records; rec.Verdict != "panic" || rec.Status != 200 || rec.Success || rec.Level != slog.LevelError || rec.Cause != "panic: broken" {
		t.Errorf("%+v", rec)
	}
}

func TestErrAbortHandlerIsPassedOn(t *testing.T) {
	url, records := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if resp, err := http.Get(url); err == nil {
		_ = resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
	if rec := <-records; rec.Verdict != "aborted" || rec.Status != 0 || rec.Success {
		t.Errorf("%+v", rec)
	}
}

func TestTheServerOutlivesAPanic(t *testing.T) {
	url, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic(errors.New("broken"))
		}
	})
	for _, row := range []struct {
		path   string
		status int
	}{{"/panic", 500}, {"/", 200}, {"/panic", 500}, {"/", 200}} {
		resp, err := http.Get(url + row.path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != row.status {
			t.Errorf("%s: %d", row.path, resp.StatusCode)
		}
	}
}

func TestAHijackedConnectionIsRecorded(t *testing.T) {
	url, records := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_ = conn.Close()
	})
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if rec := <-records; rec.Status != 101 || rec.Verdict != "served" {
		t.Errorf("%+v", rec)
	}
}

// TestWouldRefuseIsSafeAndWhole fills the notes and wants the report beside them.
func TestWouldRefuseIsSafeAndWhole(t *testing.T) {
	begin, err := call.New(call.Config{Modes: call.Modes{call.AnyAPI: {"validate": call.Report}}})
	if err != nil {
		t.Fatal(err)
	}
	var got observe.Record
	var out bytes.Buffer
	layer, err := observe.New(observe.Config{Log: slog.NewJSONHandler(&out, nil), OnRecord: func(r observe.Record) { got = r }})
	if err != nil {
		t.Fatal(err)
	}
	refusal := problem.Forbidden("No").From("validate", "unknown_field /a\n"+strings.Repeat("b", 500))
	begin(layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 100 {
			call.From(r.Context()).Note("validate", "unknown_field", "x")
		}
		call.Stopped(w, r, refusal, func(*call.Call, *problem.Error) string { return "GET /x\n: {}" })
	}))).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if len(got.WouldRefuse) != 1 || len(got.WouldRefuse[0]) > 128 || !strings.HasPrefix(got.WouldRefuse[0], `validate: FORBIDDEN unknown_field /a\u000ab`) ||
		len(got.WouldAllow) != 1 || got.WouldAllow[0] != `GET /x\u000a: {}` || got.Verdict != "served" {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(out.String(), `"would_refuse":["validate: FORBIDDEN`) || !strings.Contains(out.String(), `"would_allow":["GET /x`) {
		t.Errorf("written as %s", out.String())
	}
}
