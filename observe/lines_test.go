package observe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/problem"
)

// written is what a handler wrote of one call.
func written(t *testing.T, handler func(*bytes.Buffer) slog.Handler, change func(*observe.Config), req *http.Request, next func(*rig) http.HandlerFunc) string {
	t.Helper()
	var out bytes.Buffer
	r := newRig(t)
	r.table = tableOf(t)
	r.cfg.Log = handler(&out)
	if change != nil {
		change(&r.cfg)
	}
	r.do(req, next(r))
	return out.String()
}

func text(out *bytes.Buffer) slog.Handler     { return observe.NewText(out, slog.LevelInfo) }
func combined(out *bytes.Buffer) slog.Handler { return observe.NewCombined(out, nil) }

func member(r *rig) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		call.From(req.Context()).SetPrincipal(&call.Principal{ID: "m1", Role: "member"})
		r.at = r.at.Add(1204 * time.Microsecond)
		_, _ = w.Write([]byte("hello"))
	}
}

func TestTextIsOneLineForPeople(t *testing.T) {
	for _, row := range []struct {
		name   string
		req    *http.Request
		change func(*observe.Config)
		next   func(*rig) http.HandlerFunc
		want   string
	}{
		{"served", request("GET", "/things/7?q=secret"), nil, member, "10:15:30.001 served     GET /things/{id} 200 1.204ms member m1 0199-id\n"},
		{"slow", request("GET", "/things/7"), func(c *observe.Config) { c.Slow = time.Millisecond }, member,
			"10:15:30.001 served     GET /things/{id} 200 1.204ms slow member m1 0199-id\n"},
		{"refused", request("GET", "/nothing"), nil, func(*rig) http.HandlerFunc {
			return func(w http.ResponseWriter, req *http.Request) {
				call.Refuse(w, req, problem.RateLimited(problem.Retry{}).From("limit", "login"))
			}
		}, "10:15:30.000 limit      GET (unmatched) 429 0ms guest 192.0.2.7 0199-id  RATE_LIMITED login\n"},
		{"audited", request("PUT", "/things/7"), nil, func(*rig) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) {}
		}, "10:15:30.000 served     PUT /things/{id} 200 0ms guest 192.0.2.7 0199-id\n10:15:30.000 audit      UPDATE_THING success 200 guest 192.0.2.7 0199-id\n"},
		{"with requests", request("GET", "/things/7"), func(c *observe.Config) { c.Requests = true }, member,
			"10:15:30.000 began      GET /things/{id} 192.0.2.7 0199-id\n10:15:30.001 served     GET /things/{id} 200 1.204ms member m1 0199-id\n"},
	} {
		if got := written(t, text, row.change, row.req, row.next); got != row.want {
			t.Errorf("%s:\ngot  %swant %s", row.name, got, row.want)
		}
	}
}

func TestTextShowsAStackInLinesThatCannotBeRecords(t *testing.T) {
	got := written(t, text, nil, request("GET", "/things/7"), func(*rig) http.HandlerFunc {
		return func(http.ResponseWriter, *http.Request) { panic("a\n10:15:30.000 served") }
	})
	first, stack, _ := strings.Cut(got, "\n")
	if !strings.Contains(first, "panic      GET /things/{id} 500") || !strings.Contains(first, `panic: a\u000a10:15:30.000`) {
		t.Errorf("%s", first)
	}
	lines := strings.Split(strings.TrimSuffix(stack, "\n"), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "    | ") {
			t.Errorf("%q", line)
		}
	}
	if len(lines) < 5 || !strings.Contains(stack, "lines_test.go") {
		t.Errorf("%d lines of stack:\n%s", len(lines), stack)
	}
}

func TestTextOfOtherMessages(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(observe.NewText(&out, slog.LevelInfo)).With("part", "store").WithGroup("db")
	log.Debug("not this")
	log.Warn("waiting for the \x1b[31mdatabase\nserved", "host", "a b", "n", 3, slog.Group("pool", "max", 10))
	at := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} `)
	want := `warn       waiting for the \u001b[31mdatabase\u000aserved part=store db.host="a b" db.n=3 db.pool.max=10` + "\n"
	if got := at.ReplaceAllString(out.String(), ""); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// apache is the grammar of the combined format as access log readers take it.
var apache = regexp.MustCompile(`^(\S+) (\S+) (\S+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([A-Z()a-z]+) (\S+) (HTTP/\d\.\d)" (\d{3}) (\d+|-) "([^"\\]|\\.)*" "([^"\\]|\\.)*"\n$`)

func TestCombined(t *testing.T) {
	got := written(t, combined, nil, request("GET", "/things/7?q=secret"), member)
	want := `192.0.2.7 - m1 [23/Feb/2026:10:15:30 +0000] "GET /things/{id} HTTP/1.1" 200 5 "-" "-"` + "\n"
	if got != want || !apache.MatchString(got) {
		t.Errorf("got  %swant %s", got, want)
	}
	for _, row := range []struct{ method, target, want string }{
		{"GET", "/nothing", `192.0.2.7 - - [23/Feb/2026:10:15:30 +0000] "GET (unmatched) HTTP/1.1" 204 - "-" "-"` + "\n"},
		{"PUT", "/things/7", `192.0.2.7 - - [23/Feb/2026:10:15:30 +0000] "PUT /things/{id} HTTP/1.1" 204 - "-" "-"` + "\n"}, // AUDIT is not in it
		{"SECRET", "/nothing", `192.0.2.7 - - [23/Feb/2026:10:15:30 +0000] "(other) (unmatched) HTTP/1.1" 204 - "-" "-"` + "\n"},
	} {
		got := written(t, combined, nil, request(row.method, row.target), func(*rig) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
		})
		if got != row.want || !apache.MatchString(got) {
			t.Errorf("got  %swant %s", got, row.want)
		}
	}
}

func TestCombinedTellsTheTimeOfTheArrival(t *testing.T) {
	got := written(t, combined, nil, request("GET", "/things/7"), func(r *rig) http.HandlerFunc {
		return func(http.ResponseWriter, *http.Request) { r.at = r.at.Add(90 * time.Second) }
	})
	if !strings.Contains(got, "[23/Feb/2026:10:15:30 +0000]") {
		t.Errorf("%s", got)
	}
}

func TestCombinedHandsTheRestOn(t *testing.T) {
	var out, rest bytes.Buffer
	h := observe.NewCombined(&out, observe.NewText(&rest, slog.LevelWarn))
	log := slog.New(h).With("a", 1).WithGroup("g")
	log.Info("too quiet")
	log.Warn("hello", "b", 2)
	if !strings.HasSuffix(rest.String(), "warn       hello a=1 g.b=2\n") || out.Len() != 0 || strings.Contains(rest.String(), "quiet") {
		t.Errorf("out %q, rest %q", out.String(), rest.String())
	}
	if h.Enabled(context.Background(), slog.LevelDebug) || !h.Enabled(context.Background(), slog.LevelInfo) {
		t.Error("levels")
	}
	slog.New(observe.NewCombined(&out, nil)).Error("nobody listens")
	if out.Len() != 0 {
		t.Errorf("%q", out.String())
	}
}

// TestInjectionIntoLines is TestLogInjection for the handlers that write lines,
// and for columns: a space or a quote must not begin another one.
func TestInjectionIntoLines(t *testing.T) {
	for _, attack := range []string{
		"a\nRESPONSE status=200", "a\r\nx", "\x00", "\x1b[2J\x1b[31m", "\x7f", "\u0085next", "\u2028x", "\u202egnp.exe", "\u200bx", "\xff\xfe", "\x9b31m",
		`m1 [23/Feb/2026:10:15:30 +0000] "GET /admin HTTP/1.1" 200 5 "-" "-"`, `" 200 5 "`, `\`, `\" x`, "a b", "]", "\t",
	} {
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{"text": text, "combined": combined} {
			t.Run(fmt.Sprintf("%s %q", name, attack), func(t *testing.T) {
				req := request("GET", "/things/7")
				req.Header.Set("User-Agent", attack)
				req.Header.Set("Referer", attack)
				got := written(t, handler, nil, req, func(*rig) http.HandlerFunc {
					return func(w http.ResponseWriter, req *http.Request) {
						c := call.From(req.Context())
						c.SetPrincipal(&call.Principal{ID: attack, Role: "member"})
						c.Note(attack, attack, attack)
						call.Refuse(w, req, problem.New(400, attack, attack, attack).Because(errors.New(attack)).From("validate", attack))
					}
				})
				if n := strings.Count(got, "\n"); n != 1 {
					t.Fatalf("%d lines: %q", n, got)
				}
				for _, c := range strings.TrimSuffix(got, "\n") {
					if c < 0x20 || c >= 0x7f && c < 0xa0 || strings.ContainsRune("\u2028\u202e\u200b", c) || c == utf8.RuneError {
						t.Errorf("%q got into the log: %q", c, got)
					}
				}
				if name == "combined" {
					m := apache.FindStringSubmatch(got)
					if m == nil || m[1] != "192.0.2.7" || m[6] != "/things/{id}" || m[8] != "400" {
						t.Errorf("columns were forged: %q", got)
					}
				} else if words := strings.Fields(got); words[1] != "validate" || words[2] != "GET" || words[3] != "/things/{id}" || words[4] != "400" || words[8] != "0199-id" {
					t.Errorf("columns were forged: %q", got)
				}
			})
		}
	}
}

// TestHandlersAreSafeOnTheirOwn gives them records that this layer did not make.
func TestHandlersAreSafeOnTheirOwn(t *testing.T) {
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{"text": text, "combined": combined} {
		var out bytes.Buffer
		slog.New(handler(&out)).Info("RESPONSE", "type", "RESPONSE", "request_id", "x\ny", "principal", "a\nb", "client", "\x1b[2J", "route", "/\n",
			"method", "GET\n", "protocol", "\n", "status", "\n", "bytes", "\n", "verdict", "\n", "stack", "a\nb", "k\ney", "v")
		got := strings.TrimSuffix(out.String(), "\n")
		for line := range strings.SplitSeq(got, "\n") {
			if strings.HasPrefix(line, "    | ") {
				continue
			}
			if line != strings.SplitN(got, "\n", 2)[0] || strings.ContainsAny(line, "\x1b\r") {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
}

func TestRequestsAreOptional(t *testing.T) {
	r := newRig(t)
	r.table = tableOf(t)
	if _, records := r.do(request("GET", "/things/7"), member(r)); len(records) != 1 {
		t.Errorf("%d records without being asked", len(records))
	}
	r.cfg.Requests = true
	_, records := r.do(request("GET", "/things/7?q=secret"), member(r))
	if len(records) != 2 || records[0]["type"] != "REQUEST" || records[1]["type"] != "RESPONSE" || records[0]["request_id"] != "0199-id" ||
		records[0]["method"] != "GET" || records[0]["route"] != "/things/{id}" || records[0]["client"] != "192.0.2.7" {
		t.Fatalf("%v", records)
	}
	for _, unknown := range []string{"status", "success", "duration_ms", "bytes", "role", "principal", "verdict"} {
		if v, there := records[0][unknown]; there {
			t.Errorf("a call that has just arrived has %s %v", unknown, v)
		}
	}
}

func TestTee(t *testing.T) {
	var all, errs bytes.Buffer
	broken := lines{&all}
	h := observe.Tee(failingHandler{}, broken, slog.NewJSONHandler(&errs, &slog.HandlerOptions{Level: slog.LevelError}))
	log := slog.New(h).With("a", 1).WithGroup("g")
	log.Info("one")
	log.Error("two", "b", 2)
	if strings.Count(all.String(), "\n") != 2 || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), `"a":1,"g":{"b":2}`) {
		t.Errorf("all %q, errors %q", all.String(), errs.String())
	}
	if err := h.Handle(context.Background(), slog.NewRecord(time.Time{}, slog.LevelInfo, "three", 0)); !errors.Is(err, errDisk) {
		t.Errorf("%v", err)
	}
	if observe.Tee(slog.DiscardHandler).Enabled(context.Background(), slog.LevelError) {
		t.Error("enabled for nobody")
	}
}

var errDisk = errors.New("no space left on device")

type failingHandler struct{}

func (failingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (h failingHandler) WithAttrs([]slog.Attr) slog.Handler      { return h }
func (h failingHandler) WithGroup(string) slog.Handler           { return h }
func (failingHandler) Handle(context.Context, slog.Record) error { return errDisk }
