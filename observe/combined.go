package observe

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// NewCombined returns a handler that writes each call to out in the combined log
// format of Apache, which tools for access logs read:
//
//	192.0.2.7 - 0190b0c8 [23/Feb/2026:10:15:30 +0000] "GET /api/days HTTP/1.1" 200 5 "-" "-"
//
// The user is the principal's id. The path is the route's template, and Referer
// and User-Agent are "-" always: what a client wrote is not in a record. The time
// is that of the arrival, in UTC. What is no record of an answer (messages of the server,
// AUDIT, REQUEST) goes to rest, or nowhere when that is nil.
func NewCombined(out io.Writer, rest slog.Handler) slog.Handler {
	if rest == nil {
		rest = slog.DiscardHandler
	}
	return &combinedHandler{to: &sink{out: out}, rest: rest}
}

type combinedHandler struct {
	to    *sink
	rest  slog.Handler
	attrs attrs
}

// Enabled tells whether records of a level are written: calls from INFO up.
func (h *combinedHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.rest.Enabled(ctx, level)
}

// WithAttrs hands the attributes on to what is no record of a call.
func (h *combinedHandler) WithAttrs(list []slog.Attr) slog.Handler {
	return &combinedHandler{h.to, h.rest.WithAttrs(list), h.attrs.with(list)}
}

// WithGroup hands the group on to what is no record of a call.
func (h *combinedHandler) WithGroup(name string) slog.Handler {
	return &combinedHandler{h.to, h.rest.WithGroup(name), h.attrs.inside(name)}
}

// Handle writes one record.
func (h *combinedHandler) Handle(ctx context.Context, r slog.Record) error {
	e := read(r, h.attrs)
	if e.kind != "RESPONSE" {
		if h.rest.Enabled(ctx, r.Level) {
			return h.rest.Handle(ctx, r)
		}
		return nil
	}
	ms, _ := strconv.ParseFloat(e.fields["duration_ms"], 64) // ours; 0 when it is not there
	arrival := r.Time.Add(-time.Duration(ms * float64(time.Millisecond)))
	f := func(name string) string { return column(e.fields[name]) }
	size := f("bytes")
	if size == "0" {
		size = "-"
	}
	return h.to.write(f("client") + " - " + f("principal") + arrival.UTC().Format(" [02/Jan/2006:15:04:05 -0700] ") +
		`"` + f("method") + " " + f("route") + " " + f("protocol") + `" ` + f("status") + " " + size + ` "-" "-"` + "\n")
}

// column makes a text one column: neither a space nor a quote may end it.
func column(s string) string {
	if s == "" {
		return "-"
	}
	if !strings.ContainsAny(s, " \"\\[]") {
		return s
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, " ", `\x20`, "[", `\x5b`, "]", `\x5d`).Replace(s)
}
