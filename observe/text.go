package observe

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// NewText returns a handler that writes one line for people to out:
//
//	10:15:30.012 served     GET /api/days 200 1.204ms member 0190b0c8 0199-id
//	10:15:31.400 limit      POST /login 429 0.2ms guest 192.0.2.7 0199-id  RATE_LIMITED login
//
// that is: time, verdict, method, route, status, how long it took, who (the role,
// then the principal's id or the client's address), the request id, and what is
// left to say. A slow call has "slow" after its time. What is no record of a call
// is time, level, text and attributes. The time is the machine's local time.
// Words carry the meaning: there is no colour. The stack of a panic follows in
// lines that begin with "    | ".
//
// Records below level are left out. A line holds no text of a client that could
// end it or change how a terminal shows it.
func NewText(out io.Writer, level slog.Leveler) slog.Handler {
	return &textHandler{to: &sink{out: out}, level: level}
}

type textHandler struct {
	to    *sink
	level slog.Leveler
	attrs attrs
}

// Enabled tells whether records of a level are written.
func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// WithAttrs returns a handler whose lines have more attributes.
func (h *textHandler) WithAttrs(list []slog.Attr) slog.Handler {
	return &textHandler{h.to, h.level, h.attrs.with(list)}
}

// WithGroup returns a handler whose further attributes have a prefix.
func (h *textHandler) WithGroup(name string) slog.Handler {
	return &textHandler{h.to, h.level, h.attrs.inside(name)}
}

// Handle writes one record.
func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	e := read(r, h.attrs)
	var b strings.Builder
	b.WriteString(r.Time.Format("15:04:05.000"))
	switch e.kind {
	case "":
		words(&b, pad(strings.ToLower(r.Level.String())), safe(r.Message, maxCause))
		e.rest(&b, "stack")
	case "AUDIT":
		words(&b, pad("audit"), e.column("action"), e.column("resource_id"), e.column("outcome"), e.column("status"), e.who(), e.column("request_id"))
	case "REQUEST":
		words(&b, pad("began"), e.column("method"), e.column("route"), e.column("status"), e.who(), e.column("request_id"))
	default:
		e.response(&b, r.Level)
	}
	b.WriteByte('\n')
	for line := range strings.SplitSeq(e.fields["stack"], `\u000a`) {
		if line != "" {
			b.WriteString("    | " + strings.ReplaceAll(line, `\u0009`, "  ") + "\n")
		}
	}
	return h.to.write(b.String())
}

func (e *entry) response(b *strings.Builder, level slog.Level) {
	slow := ""
	if level == slog.LevelWarn {
		slow = "slow"
	}
	f := e.fields
	words(b, pad(e.column("verdict")), e.column("method"), e.column("route"), e.column("status"), f["duration_ms"]+"ms", slow,
		e.who(), e.column("request_id"))
	if more := strings.Join(slices.DeleteFunc([]string{f["code"], f["rule"], f["cause"], f["notes"]}, blank), " "); more != "" {
		b.WriteString("  " + more)
	}
}

// who is the role with the principal's id, or with the address for a guest.
func (e *entry) who() string {
	id := e.column("principal")
	if id == "" {
		id = e.column("client")
	}
	return strings.TrimSpace(e.column("role") + " " + id)
}

// column is a field as one column, "" when it is not there.
func (e *entry) column(name string) string {
	if e.fields[name] == "" {
		return ""
	}
	return column(e.fields[name])
}

// rest writes all attributes but one as name=value, quoted where that is needed.
func (e *entry) rest(b *strings.Builder, but string) {
	for _, name := range e.order {
		if name == but {
			continue
		}
		value := e.fields[name]
		if value == "" || strings.ContainsAny(value, ` "=`) {
			value = `"` + strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), `"`, `\"`) + `"`
		}
		b.WriteString(" " + name + "=" + value)
	}
}

func words(b *strings.Builder, list ...string) {
	for _, w := range list {
		if w != "" {
			b.WriteString(" " + w)
		}
	}
}

func pad(s string) string { return s + strings.Repeat(" ", max(10-len(s), 0)) }

func blank(s string) bool { return s == "" }
