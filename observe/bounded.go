package observe

import (
	"context"
	"fmt"
	"log/slog"
)

// bounded is a handler whose texts cannot be longer than those of a record, and
// hide nothing. Ordinary ones reach the handler beneath as they are. Times are
// in UTC.
type bounded struct{ slog.Handler }

// Handle bounds one record.
func (h bounded) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time.UTC(), r.Level, safe(r.Message, maxCause), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(boundedAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs bounds the attributes.
func (h bounded) WithAttrs(list []slog.Attr) slog.Handler {
	return bounded{h.Handler.WithAttrs(boundedAttrs(list))}
}

// WithGroup bounds what is in the group.
func (h bounded) WithGroup(name string) slog.Handler {
	return bounded{h.Handler.WithGroup(safe(name, maxText))}
}

func boundedAttrs(list []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(list))
	for i, a := range list {
		out[i] = boundedAttr(a)
	}
	return out
}

func boundedAttr(a slog.Attr) slog.Attr {
	limit := maxCause
	if a.Key == "stack" {
		limit = maxStack
	}
	return slog.Attr{Key: safe(a.Key, maxText), Value: boundedValue(a.Value.Resolve(), limit)}
}

// boundedValue bounds the kinds that hold texts. Of an error its text is kept,
// as slog.JSONHandler does.
func boundedValue(v slog.Value, limit int) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(safe(v.String(), limit))
	case slog.KindGroup:
		return slog.GroupValue(boundedAttrs(v.Group())...)
	case slog.KindAny:
		switch x := v.Any().(type) {
		case error:
			return slog.StringValue(safe(fmt.Sprint(x), limit)) // a nil one is shown, not called
		case []string:
			texts := make([]string, len(x))
			for i, text := range x {
				texts[i] = safe(text, limit)
			}
			return slog.AnyValue(texts)
		}
	}
	return v
}
