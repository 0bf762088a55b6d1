package observe

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// log writes the records of one call through a slog.Handler. The message of each
// is its type, so that a handler that shows messages has something to show.
func log(h slog.Handler, list ...*Record) error {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	switch h := h.(type) {
	case *jsonHandler:
		return h.records(list...)
	case tee:
		for _, each := range h {
			note(log(each, list...))
		}
		return first
	}
	ctx := context.Background()
	for _, rec := range list {
		if !h.Enabled(ctx, rec.Level) {
			continue
		}
		r := slog.NewRecord(rec.Time, rec.Level, rec.Type, 0)
		var room [24]slog.Attr
		attrs := room[:0]
		rec.emit(func(key string, value slog.Value) { attrs = append(attrs, slog.Attr{Key: key, Value: value}) })
		r.AddAttrs(attrs...)
		note(h.Handle(ctx, r))
	}
	return first
}

// emit tells the fields in the order in which they are written. A value is a
// string, an Int64, a Bool, a Float64 or, as Any, a []string.
func (rec *Record) emit(tell func(key string, value slog.Value)) {
	text := func(key, value string) { tell(key, slog.StringValue(value)) }
	some := func(key, value string) {
		if value != "" {
			text(key, value)
		}
	}
	text("type", rec.Type)
	text("request_id", rec.RequestID)
	text("method", rec.Method)
	text("route", rec.Route)
	some("operation", rec.Operation)
	some("api", rec.API)
	arrived := rec.Type == "REQUEST" && rec.Status == 0
	if !arrived {
		tell("status", slog.IntValue(rec.Status))
		tell("success", slog.BoolValue(rec.Success))
		tell("duration_ms", slog.Float64Value(float64(rec.Duration.Round(time.Microsecond))/float64(time.Millisecond)))
		tell("bytes", slog.Int64Value(rec.Bytes))
		text("role", rec.Role)
		some("principal", rec.Principal)
	}
	if rec.Client.IsValid() {
		text("client", rec.Client.String())
	}
	text("protocol", rec.Protocol)
	if !arrived {
		text("verdict", rec.Verdict)
	}
	some("rule", rec.Rule)
	some("code", rec.Code)
	some("cause", rec.Cause)
	some("stack", rec.Stack)
	if len(rec.Notes) > 0 {
		tell("notes", slog.AnyValue(rec.Notes))
	}
	if len(rec.WouldRefuse) > 0 {
		tell("would_refuse", slog.AnyValue(rec.WouldRefuse))
		tell("would_allow", slog.AnyValue(rec.WouldAllow))
	}
	if rec.Type == "AUDIT" {
		text("action", rec.Action)
		text("outcome", rec.Outcome)
		some("resource_id", rec.Resource)
	}
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
