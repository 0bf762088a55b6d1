package observe

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// NewJSON returns a handler that writes what slog.NewJSONHandler would, one
// JSON object on a line, with times in UTC: records of several machines are
// read together. The records of this layer cost it a sixth of the time; those of
// one call, and of calls that end together, reach out in one Write. What is no
// record of a call is written when the handler returns; its texts are escaped and
// cut as those of records are, for net/http and others quote in them what clients
// wrote.
func NewJSON(out io.Writer, level slog.Leveler) slog.Handler {
	w := newGather(out)
	return &jsonHandler{bounded{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})}, w}
}

// jsonHandler leaves to the handler of log/slog all but our records.
type jsonHandler struct {
	bounded
	out *gather
}

// maxLine is from what size on a buffer is not kept.
const maxLine = 16 << 10

var lines = sync.Pool{New: func() any { return new(jsonLine) }}

// records writes the records of one call, or leaves them to one who is writing.
func (h *jsonHandler) records(list ...*Record) error {
	line, _ := lines.Get().(*jsonLine)
	line.b = line.b[:0]
	for _, rec := range list {
		if h.Enabled(context.Background(), rec.Level) {
			line.record(rec)
		}
	}
	err := h.out.leave(line.b)
	if cap(line.b) <= maxLine {
		lines.Put(line)
	}
	return err
}

// jsonLine collects the fields of a record as JSON.
type jsonLine struct{ b []byte }

func (l *jsonLine) record(rec *Record) {
	l.b = append(l.b, `{"time":"`...)
	l.b = rec.Time.UTC().AppendFormat(l.b, time.RFC3339Nano)
	l.b = append(l.b, `","level":"`...)
	l.b = append(l.b, rec.Level.String()...)
	l.b = append(l.b, '"')
	l.field("msg", slog.StringValue(rec.Type))
	rec.emit(l.field)
	l.b = append(l.b, '}', '\n')
}

// field writes a value of the kinds that Record.emit has.
func (l *jsonLine) field(key string, v slog.Value) {
	l.b = append(l.b, ',', '"')
	l.b = append(l.b, key...)
	l.b = append(l.b, '"', ':')
	switch v.Kind() {
	case slog.KindString:
		l.b = appendString(l.b, v.String())
	case slog.KindInt64:
		l.b = strconv.AppendInt(l.b, v.Int64(), 10)
	case slog.KindBool:
		l.b = strconv.AppendBool(l.b, v.Bool())
	case slog.KindFloat64:
		l.b = strconv.AppendFloat(l.b, v.Float64(), 'f', -1, 64)
	default:
		list, _ := v.Any().([]string)
		l.list(list)
	}
}

func (l *jsonLine) list(values []string) {
	l.b = append(l.b, '[')
	for i, s := range values {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.b = appendString(l.b, s)
	}
	l.b = append(l.b, ']')
}

// appendString writes s as log/slog does: what JSON must escape, what is not
// UTF-8, and the line ends of JavaScript.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if size > 1 && r != '\u2028' && r != '\u2029' {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', c)
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		default: // a control character, U+2028, U+2029, or U+FFFD for a byte that is no UTF-8
			b = append(b, `\u`...)
			b = append(b, hex(uint32(r), 4)...)
		}
		i += size
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
