package observe

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// log writes a record through the slog.Handler. The message is the record's
// type, so that a handler that shows messages has something to show.
func (l *layer) log(rec Record) error {
	ctx := context.Background()
	if !l.cfg.Log.Enabled(ctx, rec.Level) {
		return nil
	}
	var room [24]slog.Attr
	attrs := append(room[:0],
		slog.String("type", rec.Type),
		slog.String("request_id", rec.RequestID),
		slog.String("method", rec.Method),
		slog.String("route", rec.Route))
	attrs = appendText(attrs, "operation", rec.Operation)
	attrs = appendText(attrs, "api", rec.API)
	arrived := rec.Type == "REQUEST" && rec.Status == 0
	if !arrived {
		attrs = append(attrs,
			slog.Int("status", rec.Status),
			slog.Bool("success", rec.Success),
			slog.Float64("duration_ms", float64(rec.Duration.Round(time.Microsecond))/float64(time.Millisecond)),
			slog.Int64("bytes", rec.Bytes),
			slog.String("role", rec.Role))
		attrs = appendText(attrs, "principal", rec.Principal)
	}
	if rec.Client.IsValid() {
		attrs = append(attrs, slog.String("client", rec.Client.String()))
	}
	attrs = append(attrs, slog.String("protocol", rec.Protocol))
	if !arrived {
		attrs = append(attrs, slog.String("verdict", rec.Verdict))
	}
	attrs = appendText(attrs, "rule", rec.Rule)
	attrs = appendText(attrs, "code", rec.Code)
	attrs = appendText(attrs, "cause", rec.Cause)
	attrs = appendText(attrs, "stack", rec.Stack)
	if len(rec.Notes) > 0 {
		attrs = append(attrs, slog.Any("notes", rec.Notes))
	}
	if len(rec.WouldRefuse) > 0 {
		attrs = append(attrs, slog.Any("would_refuse", rec.WouldRefuse), slog.Any("would_allow", rec.WouldAllow))
	}
	if rec.Type == "AUDIT" {
		attrs = append(attrs, slog.String("action", rec.Action), slog.String("outcome", rec.Outcome))
		attrs = appendText(attrs, "resource_id", rec.Resource)
	}
	r := slog.NewRecord(rec.Time, rec.Level, rec.Type, 0)
	r.AddAttrs(attrs...)
	return l.cfg.Log.Handle(ctx, r)
}

func appendText(attrs []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return attrs
	}
	return append(attrs, slog.String(key, value))
}

// safe escapes what could end a line, hide a part of it or change how it is
// read, and cuts what is longer than limit bytes.
func safe(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	const mark = "..."
	var b strings.Builder
	cut := 0 // how much stays when the mark must follow
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		piece := s[i : i+size]
		if r == utf8.RuneError && size == 1 {
			piece = `\x` + hex(uint32(s[i]), 2)
		} else if hidden(r) {
			piece = `\u` + hex(uint32(r), 4)
		}
		if b.Len()+len(piece) > limit {
			return b.String()[:cut] + mark
		}
		b.WriteString(piece)
		if b.Len() <= limit-len(mark) {
			cut = b.Len()
		}
		i += size
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// hidden tells whether a character is one of control (C0, DEL, C1), ends a line,
// changes the direction of writing, or takes no room.
func hidden(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x061c || r >= 0x200b && r <= 0x200f ||
		r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff
}

func hex(n uint32, width int) string {
	s := strconv.FormatUint(uint64(n), 16)
	return strings.Repeat("0", max(width-len(s), 0)) + s
}
