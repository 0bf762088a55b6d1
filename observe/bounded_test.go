package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/observe"
)

// TestLinesOfOthersAreBounded: what net/http or a library quotes of a client
// makes no long line and hides nothing, wherever in the line it stands.
func TestLinesOfOthersAreBounded(t *testing.T) {
	long := strings.Repeat("\u202e", 100_000)
	for name, say := range map[string]func(*slog.Logger){
		"a message":               func(l *slog.Logger) { l.Warn(long) },
		"a name":                  func(l *slog.Logger) { l.Warn("m", long, 1) },
		"a value":                 func(l *slog.Logger) { l.Warn("m", "k", long) },
		"an error":                func(l *slog.Logger) { l.Warn("m", "k", errors.New(long)) },
		"a list":                  func(l *slog.Logger) { l.Warn("m", "k", []string{long}) },
		"a value in a group":      func(l *slog.Logger) { l.Warn("m", slog.Group("g", "k", long)) },
		"an attribute of loggers": func(l *slog.Logger) { l.With("k", long).Warn("m") },
		"a group of loggers":      func(l *slog.Logger) { l.WithGroup(long).Warn("m", "k", 1) },
		"a value of a group":      func(l *slog.Logger) { l.WithGroup("g").Warn("m", "k", long) },
		"a stack":                 func(l *slog.Logger) { l.Warn("m", "stack", long) },
	} {
		var out bytes.Buffer
		say(slog.New(observe.NewJSON(&out, slog.LevelInfo)))
		limit := 1500
		if name == "a stack" {
			limit = 20_000
		}
		if out.Len() > limit || !json.Valid(out.Bytes()) || strings.Contains(out.String(), "\u202e") {
			t.Errorf("%s: %d bytes: %.200q", name, out.Len(), out.String())
		}
	}
}

// TestLinesOfOthersAtTheirBounds: a message, a value and a cause have room for
// 1024 bytes, a name for 128 and a stack for 16 KiB (docs/reference/logs.md).
func TestLinesOfOthersAtTheirBounds(t *testing.T) {
	for _, row := range []struct {
		name string
		room int
		say  func(*slog.Logger, string)
	}{
		{"a message", 1 << 10, func(l *slog.Logger, text string) { l.Warn(text) }},
		{"a value", 1 << 10, func(l *slog.Logger, text string) { l.Warn("m", "k", text) }},
		{"a name", 128, func(l *slog.Logger, text string) { l.Warn("m", text, 1) }},
		{"a group of loggers", 128, func(l *slog.Logger, text string) { l.WithGroup(text).Warn("m", "k", 1) }},
		{"a stack", 16 << 10, func(l *slog.Logger, text string) { l.Warn("m", "stack", text) }},
	} {
		said := func(length int) string {
			var out bytes.Buffer
			row.say(slog.New(observe.NewJSON(&out, slog.LevelInfo)), strings.Repeat("x", length))
			return out.String()
		}
		if whole := strings.Repeat("x", row.room); !strings.Contains(said(row.room), `"`+whole+`"`) {
			t.Errorf("%s of %d bytes is cut", row.name, row.room)
		}
		if cut := strings.Repeat("x", row.room-3) + "..."; !strings.Contains(said(row.room+1), `"`+cut+`"`) {
			t.Errorf("%s of %d bytes is not cut to %d", row.name, row.room+1, row.room)
		}
	}
}

// TestLineThatIsLostIsAnError: of a message too.
func TestLineThatIsLostIsAnError(t *testing.T) {
	h := observe.NewJSON(brokenDisk{}, slog.LevelInfo)
	if err := h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelWarn, "m", 0)); err == nil {
		t.Error("nobody is told")
	}
}

// TestOrdinaryLinesAreThoseOfSlog: byte for byte.
func TestOrdinaryLinesAreThoseOfSlog(t *testing.T) {
	record := slog.NewRecord(time.Date(2026, 2, 23, 10, 15, 30, 120_000_000, time.UTC), slog.LevelWarn, `serving "x" \ <b> é`, 0)
	record.AddAttrs(slog.Int("n", 1), slog.Duration("for", time.Second), slog.Any("error", errors.New("a: b")), slog.Time("at", time.Time{}),
		slog.Group("g", slog.String("k", "v"), slog.Bool("b", true)), slog.Any("list", []string{"a", "b"}), slog.Any("any", map[string]int{"x": 1}), slog.Any("nil", nil))
	var ours, theirs bytes.Buffer
	for h, out := range map[slog.Handler]*bytes.Buffer{observe.NewJSON(&ours, slog.LevelInfo): &ours, slog.NewJSONHandler(&theirs, nil): &theirs} {
		with := h.WithAttrs([]slog.Attr{slog.String("a", "b")}).WithGroup("inner").WithAttrs([]slog.Attr{slog.Int("c", 2)})
		for _, each := range []slog.Handler{h, with} {
			if err := each.Handle(context.Background(), record); err != nil {
				t.Fatal(err)
			}
		}
		if out.Len() == 0 {
			t.Fatal("nothing was written")
		}
	}
	if ours.String() != theirs.String() {
		t.Errorf("%s\ninstead of\n%s", ours.String(), theirs.String())
	}
}
