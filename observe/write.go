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
		var fields attrFields
		rec.emit(&fields)
		r.AddAttrs(fields...)
		note(h.Handle(ctx, r))
	}
	return first
}

// fields is what a record is told to, field by field.
type fields interface {
	text(key, value string)
	number(key string, n int64)
	flag(key string, v bool)
	milliseconds(key string, d time.Duration)
	list(key string, values []string)
}

// emit tells the fields in the order in which they are written.
func (rec *Record) emit(to fields) {
	some := func(key, value string) {
		if value != "" {
			to.text(key, value)
		}
	}
	to.text("type", rec.Type)
	to.text("request_id", rec.RequestID)
	to.text("method", rec.Method)
	to.text("route", rec.Route)
	some("operation", rec.Operation)
	some("api", rec.API)
	arrived := rec.Type == "REQUEST" && rec.Status == 0
	if !arrived {
		to.number("status", int64(rec.Status))
		to.flag("success", rec.Success)
		to.milliseconds("duration_ms", rec.Duration)
		to.number("bytes", rec.Bytes)
		to.text("role", rec.Role)
		some("principal", rec.Principal)
	}
	if rec.Client.IsValid() {
		to.text("client", rec.Client.String())
	}
	to.text("protocol", rec.Protocol)
	if !arrived {
		to.text("verdict", rec.Verdict)
	}
	some("rule", rec.Rule)
	some("code", rec.Code)
	some("cause", rec.Cause)
	some("stack", rec.Stack)
	if len(rec.Notes) > 0 {
		to.list("notes", rec.Notes)
	}
	if len(rec.WouldRefuse) > 0 {
		to.list("would_refuse", rec.WouldRefuse)
		to.list("would_allow", rec.WouldAllow)
	}
	if rec.Type == "AUDIT" {
		to.text("action", rec.Action)
		to.text("outcome", rec.Outcome)
		some("resource_id", rec.Resource)
	}
}

func inMilliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// attrFields collects the fields for any handler of log/slog.
type attrFields []slog.Attr

func (f *attrFields) text(k, v string)          { *f = append(*f, slog.String(k, v)) }
func (f *attrFields) number(k string, n int64)  { *f = append(*f, slog.Int64(k, n)) }
func (f *attrFields) flag(k string, v bool)     { *f = append(*f, slog.Bool(k, v)) }
func (f *attrFields) list(k string, v []string) { *f = append(*f, slog.Any(k, v)) }
func (f *attrFields) milliseconds(k string, d time.Duration) {
	*f = append(*f, slog.Float64(k, inMilliseconds(d)))
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
