package observe

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// sink writes whole lines, one at a time.
type sink struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *sink) write(line string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.out, line)
	return err
}

// entry is a slog.Record of this layer, read back: what a handler for lines needs
// of it. Its texts have been made safe for a line once more, for a handler may be
// given to a logger that is not this layer's.
type entry struct {
	kind   string            // "RESPONSE", "AUDIT", "REQUEST"; "" for what is no record of a call
	fields map[string]string // all attributes, by name
	order  []string          // their names
}

// maxPiece is the longest text of one attribute in a line.
const maxPiece = maxStack

func read(r slog.Record, before attrs) entry {
	e := entry{fields: make(map[string]string, len(before.list)+r.NumAttrs())}
	for _, a := range before.list {
		e.add("", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		e.add(before.group, a)
		return true
	})
	if kind := e.fields["type"]; kind != "" && kind == r.Message && e.fields["request_id"] != "" {
		e.kind = kind
	}
	return e
}

func (e *entry) add(prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	name := prefix + safe(a.Key, maxText)
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			e.add(strings.TrimPrefix(name+".", "."), inner)
		}
		return
	}
	text := v.String()
	if list, ok := v.Any().([]string); ok {
		text = strings.Join(list, " ")
	}
	if _, there := e.fields[name]; !there {
		e.order = append(e.order, name)
	}
	e.fields[name] = safe(text, maxPiece)
}

// attrs keeps what WithAttrs and WithGroup add to a handler.
type attrs struct {
	list  []slog.Attr
	group string
}

func (a attrs) with(more []slog.Attr) attrs {
	list := make([]slog.Attr, 0, len(a.list)+len(more))
	list = append(list, a.list...)
	for _, m := range more {
		m.Key = a.group + m.Key
		list = append(list, m)
	}
	return attrs{list, a.group}
}

func (a attrs) inside(name string) attrs {
	if name == "" {
		return a
	}
	return attrs{a.list, a.group + name + "."}
}

// Tee returns a handler that gives each record to every one of handlers that
// wants its level. An error of one does not keep it from the others; the first
// is returned.
func Tee(handlers ...slog.Handler) slog.Handler { return tee(handlers) }

type tee []slog.Handler

func (t tee) Enabled(ctx context.Context, level slog.Level) bool {
	for _, h := range t {
		if h.Enabled(ctx, level) {
			return true
		}
	}
	return false
}

func (t tee) Handle(ctx context.Context, r slog.Record) error {
	var first error
	for _, h := range t {
		if !h.Enabled(ctx, r.Level) {
			continue
		}
		if err := h.Handle(ctx, r); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (t tee) WithAttrs(list []slog.Attr) slog.Handler {
	return t.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(list) })
}

func (t tee) WithGroup(name string) slog.Handler {
	return t.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (t tee) each(f func(slog.Handler) slog.Handler) tee {
	out := make(tee, len(t))
	for i, h := range t {
		out[i] = f(h)
	}
	return out
}
