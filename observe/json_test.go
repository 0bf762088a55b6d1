package observe

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// awkward are texts that JSON must escape, or that end a line somewhere.
func awkward() []string {
	return []string{
		"", "plain", `quote " and \ backslash`, "tab\t, line\n, return\r", "bell\a, nul\x00, delete\x7f",
		"na\u00efve \U0001F511", "line \u2028 and paragraph \u2029", "<script>&amp;</script>", "not \xff UTF-8 \xc3", "\ufffd", "\ufeff",
	}
}

// TestJSONIsWhatSlogWrites compares with the handler of log/slog, byte for byte,
// for the same time in UTC.
func TestJSONIsWhatSlogWrites(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.FixedZone("", 3600))
	records := map[string]Record{
		"empty":   {Time: at, Type: "RESPONSE"},
		"arrived": {Time: at.UTC(), Type: "REQUEST", RequestID: "id", Method: "GET", Route: "/", Protocol: "HTTP/1.1"},
		"socket":  {Time: at, Type: "REQUEST", Status: 101, Success: true},
		"audit": {Time: at, Type: "AUDIT", Level: slog.LevelWarn, Status: 204, Success: true, Duration: 1234567 * time.Nanosecond, Bytes: 1 << 40,
			Role: "admin", Principal: "p", Client: netip.MustParseAddr("2001:db8::1"), Verdict: "served", Action: "BOOK", Outcome: "success", Resource: "3"},
		"refusal": {Time: at, Type: "RESPONSE", Level: slog.LevelError, Status: 500, Rule: "r", Code: "c", Cause: "why", Stack: "a\nb",
			Notes: awkward(), WouldRefuse: []string{"a"}, WouldAllow: []string{"b", "c"}, Operation: "o", API: "a"},
	}
	for i, text := range awkward() {
		records["text "+string(rune('a'+i))] = Record{Time: at, Type: "RESPONSE", RequestID: text, Route: text, Cause: text}
	}
	for _, d := range []time.Duration{0, 1, 499, 500, time.Microsecond, time.Millisecond, 1500 * time.Microsecond, time.Hour, 1<<63 - 1} {
		records["takes "+d.String()] = Record{Time: at, Type: "RESPONSE", Duration: d}
	}
	for name, rec := range records {
		var theirs, ours bytes.Buffer
		inUTC := rec
		inUTC.Time = rec.Time.UTC()
		if err := errors.Join(log(slog.NewJSONHandler(&theirs, nil), &inUTC), log(NewJSON(&ours, slog.LevelInfo), &rec)); err != nil {
			t.Fatal(err)
		}
		if ours.String() != theirs.String() {
			t.Errorf("%s:\n%sinstead of\n%s", name, ours.String(), theirs.String())
		}
	}
}

// TestTimesForProgramsAreUTC lets a clock go two hours ahead of UTC and writes a
// call and a message, in each format for programs (ASVS 5.0 16.2.2).
func TestTimesForProgramsAreUTC(t *testing.T) {
	at := time.Date(2026, 2, 3, 0, 5, 6, 0, time.FixedZone("ahead", 7200))
	message := slog.NewRecord(at, slog.LevelInfo, "hello", 0)
	for name, row := range map[string]struct {
		handler       func(*bytes.Buffer) slog.Handler
		call, message string
	}{
		"JSON":     {func(b *bytes.Buffer) slog.Handler { return NewJSON(b, slog.LevelInfo) }, `{"time":"2026-02-02T22:05:06Z",`, `{"time":"2026-02-02T22:05:06Z",`},
		"combined": {func(b *bytes.Buffer) slog.Handler { return NewCombined(b, NewJSON(b, slog.LevelInfo)) }, " [02/Feb/2026:22:05:06 +0000] ", `{"time":"2026-02-02T22:05:06Z",`},
		"text":     {func(b *bytes.Buffer) slog.Handler { return NewText(b, slog.LevelInfo) }, "00:05:06.000 ", "00:05:06.000 "},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			h := row.handler(&out)
			if err := log(h, &Record{Time: at, Type: "RESPONSE", RequestID: "id"}); err != nil || !strings.Contains(out.String(), row.call) {
				t.Errorf("a call, %v: %s", err, out.String())
			}
			for _, h := range []slog.Handler{h, h.WithAttrs([]slog.Attr{slog.Int("n", 1)}), h.WithGroup("g")} {
				out.Reset()
				if err := h.Handle(t.Context(), message); err != nil || !strings.Contains(out.String(), row.message) {
					t.Errorf("a message, %v: %s", err, out.String())
				}
			}
		})
	}
}

func FuzzJSONString(f *testing.F) {
	for _, text := range awkward() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var theirs bytes.Buffer
		slog.New(slog.NewJSONHandler(&theirs, nil)).Info(text)
		_, rest, _ := strings.Cut(theirs.String(), `"msg":`)
		if ours := string(appendString(nil, text)); ours+"}\n" != rest {
			t.Errorf("%q: %s instead of %s", text, ours, rest)
		}
	})
}

// writes counts the calls of Write.
type writes struct {
	bytes.Buffer
	n   int
	err error
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	if w.err != nil {
		return 0, w.err
	}
	return w.Buffer.Write(p)
}

func TestRecordsOfACallAreWrittenTogether(t *testing.T) {
	var out writes
	h := NewJSON(&out, slog.LevelInfo)
	err := log(h, &Record{Type: "RESPONSE"}, &Record{Type: "AUDIT"}, &Record{Type: "unwanted", Level: slog.LevelDebug})
	if err != nil || out.n != 1 || strings.Count(out.String(), "\n") != 2 || strings.Contains(out.String(), "unwanted") {
		t.Errorf("%d writes (%v) of\n%s", out.n, err, out.String())
	}
	if err := log(h, &Record{Type: "unwanted", Level: slog.LevelDebug}); err != nil || out.n != 1 {
		t.Errorf("nothing wanted, and yet written (%v)", err)
	}
	long := Record{Type: "RESPONSE", Stack: strings.Repeat("x", maxLine)}
	if err := log(h, &long, &Record{Type: "AUDIT"}); err != nil || strings.Count(out.String(), "\n") != 4 {
		t.Errorf("after a long record: %v", err)
	}
}

func TestTeeGivesEachHandlerTheRecords(t *testing.T) {
	broken := writes{err: errors.New("disk full")}
	var first, second bytes.Buffer
	h := Tee(NewJSON(&broken, slog.LevelInfo), NewJSON(&first, slog.LevelInfo), slog.NewJSONHandler(&second, nil))
	if err := log(h, &Record{Type: "RESPONSE", Time: time.Unix(1, 0)}); !errors.Is(err, broken.err) {
		t.Errorf("got %v", err)
	}
	if first.Len() == 0 || first.String() != second.String() {
		t.Errorf("%s and %s", first.String(), second.String())
	}
}

func TestJSONHandlerTakesMessagesToo(t *testing.T) {
	var out bytes.Buffer
	slog.New(NewJSON(&out, slog.LevelWarn).WithAttrs([]slog.Attr{slog.String("a", "b")}).WithGroup("g")).
		LogAttrs(context.Background(), slog.LevelWarn, "hello", slog.Int("n", 1))
	slog.New(NewJSON(&out, slog.LevelWarn)).Info("too low")
	if got := out.String(); !strings.HasSuffix(got, `"level":"WARN","msg":"hello","a":"b","g":{"n":1}}`+"\n") || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
}

func BenchmarkRecord(b *testing.B) {
	rec := Record{
		Time: time.Now(), Type: "RESPONSE", RequestID: "0198c9a4-7b1e-7c3d-8f4a-0123456789ab", Method: "GET", Route: "/api/days",
		Operation: "listDays", API: "scheduler", Status: 200, Success: true, Duration: 42 * time.Microsecond, Bytes: 300,
		Role: "member", Principal: "0198c9a4-7b1e", Client: netip.MustParseAddr("192.0.2.1"), Protocol: "HTTP/1.1", Verdict: "served",
	}
	for name, h := range map[string]slog.Handler{
		"ours": NewJSON(new(discard), slog.LevelInfo), "slog": slog.NewJSONHandler(new(discard), nil),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = log(h, &rec)
			}
		})
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }
