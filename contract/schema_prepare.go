package contract

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// codeReadOnly and codeWriteOnly are the codes of members that do not travel
// this way.
const (
	codeReadOnly  = "readOnly"
	codeWriteOnly = "writeOnly"
)

// preparer prepares one value.
type preparer struct {
	policy Unknown
	way    direction
	role   string // of the caller, or anyRole
	path   []step
	room   [8]step // what path holds in most values, without an allocation
	sink   sink
	denied sink // members that the role may not send

	numbers bool // some number stands for an integer that is not written in digits alone
}

// whole prepares the value at the root.
func (p *preparer) whole(s *shape, v any) (out any, changed bool) {
	p.path = p.room[:0]
	if !p.allowed(s) {
		if p.way == request {
			p.deny("")
		}
		return nil, true
	}
	return p.value(s, v)
}

// settled tells of a scalar that there is nothing to do.
func (s *shape) settled(v any) bool {
	switch t := v.(type) {
	case string:
		return !s.trim && !s.emptyNull
	case json.Number:
		return !s.integer || plainInteger(t)
	case map[string]any, []any:
		return false
	}
	return true
}

func (p *preparer) value(s *shape, v any) (out any, changed bool) {
	if s == nil || s.settled(v) {
		return v, false
	}
	switch t := v.(type) {
	case string:
		if text, null := s.text(t); null {
			return nil, true
		} else if len(text) != len(t) {
			return text, true
		}
	case json.Number:
		p.numbers = true
	case map[string]any:
		return p.object(s, t, v)
	case []any:
		return p.array(s, t, v)
	}
	return v, false // as it came: to box it anew would cost an allocation
}

// plain writes integers in digits alone, 2.0 and 2e0 as 2, so that whoever reads an
// integer can. It is done to values that were validated: a list that is too long
// is refused before it grows.
func (s *shape) plain(v any) (out any, changed bool) {
	if s == nil || s.settled(v) {
		return v, false
	}
	switch t := v.(type) {
	case json.Number:
		if n, ok := numeralOf(t).written(); ok {
			return n, true
		}
	case map[string]any:
		own := t
		for name, member := range t {
			m, _ := s.member(name)
			if w, ch := m.inner().plain(member); ch {
				own, changed = owned(own, changed)
				own[name] = w
			}
		}
		if changed {
			return own, true
		}
	case []any:
		own := t
		for i, item := range t {
			if w, ch := s.itemAt(i).plain(item); ch {
				if !changed {
					own, changed = slices.Clone(t), true
				}
				own[i] = w
			}
		}
		if changed {
			return own, true
		}
	}
	return v, false
}

// itemAt is the shape of an item by its place.
func (s *shape) itemAt(i int) *shape {
	if i < len(s.prefix) {
		return s.prefix[i]
	}
	return s.items
}

// text trims a string, and tells whether it stands for null.
func (s *shape) text(v string) (text string, null bool) {
	if s.trim {
		v = strings.TrimSpace(v)
	}
	return v, s.emptyNull && v == ""
}

// object prepares the members; boxed is the object as it came.
func (p *preparer) object(s *shape, object map[string]any, boxed any) (out any, changed bool) {
	own := object // replaced by a copy when something changes
	for name, v := range object {
		m, known := s.member(name)
		inner := m.inner()
		if p.hidden(inner, name) {
			own, changed = owned(own, changed)
			delete(own, name)
			continue
		}
		if known && p.travels(m, name) {
			p.path = append(p.path, step{name: name})
			w, ch := p.value(inner, v)
			p.path = p.path[:len(p.path)-1]
			if ch {
				own, changed = owned(own, changed)
				own[name] = w
			}
			continue
		}
		if !known {
			p.unknown(s, name)
		}
		if p.policy == Strip {
			own, changed = owned(own, changed)
			delete(own, name)
		}
	}
	for _, d := range s.defaults {
		if _, there := own[d.name]; !there && p.way != answer {
			own, changed = owned(own, changed)
			own[d.name] = d.value
		}
	}
	if !changed {
		return boxed, false
	}
	return own, true
}

// owned is the object itself when it is a copy already, else a copy.
func owned(object map[string]any, copied bool) (map[string]any, bool) {
	if copied {
		return object, true
	}
	return maps.Clone(object), true
}

func (p *preparer) array(s *shape, list []any, boxed any) (out any, changed bool) {
	own := list
	if len(list) > len(s.prefix) && !p.allowed(s.items) {
		if p.way == request {
			p.deny("")
		}
		own = slices.Clone(list[:len(s.prefix)])
		list, changed = own, true
	}
	for i, v := range list {
		inner := s.itemAt(i)
		if i < len(s.prefix) && !p.allowed(inner) {
			own, changed = p.blanked(own, i, changed), true
			continue
		}
		p.path = append(p.path, step{index: i, item: true})
		w, ch := p.value(inner, v)
		p.path = p.path[:len(p.path)-1]
		if !ch {
			continue
		}
		if !changed {
			own, changed = slices.Clone(list), true
		}
		own[i] = w
	}
	if !changed {
		return boxed, false
	}
	return own, true
}

// blanked makes an item null that is not the role's to send or to see: its place
// tells what the others are.
func (p *preparer) blanked(list []any, i int, copied bool) []any {
	if p.way == request {
		p.denied.tell(append(p.path, step{index: i, item: true}), broken(codeWriteRole, textWriteRole))
	}
	if !copied {
		list = slices.Clone(list)
	}
	list[i] = nil
	return list
}

// member is what is known of a member: by its name, or by the patterns that it
// matches, or as one that nothing names; nil when nothing is.
func (s *shape) member(name string) (m *knownField, known bool) {
	if m, known = s.fields[name]; known {
		return m, true
	}
	m, matched := s.rest, 0
	for _, p := range s.patterns {
		if p.re.MatchString(name) {
			m, matched = p.knownField, matched+1
		}
	}
	if matched > 1 {
		m = s.mixed
	}
	return m, matched > 0 || s.open
}

func (m *knownField) inner() *shape {
	if m == nil {
		return nil
	}
	return m.shape
}

// travels tells whether a member may come this way, and notes it when not: a
// client that sends what only the server writes is a mass assignment (OWASP
// API3:2023), an answer with what is never shown is a leak.
func (p *preparer) travels(m *knownField, name string) bool {
	code, message := "", ""
	switch {
	case m == nil:
		return true
	case p.way == request && m.readOnly && p.policy != Allow:
		code, message = codeReadOnly, "is set by the server and must not be sent"
	case p.way == answer && m.writeOnly:
		code, message = codeWriteOnly, "must not be shown"
	default:
		return true
	}
	if p.policy != Strip {
		p.note(name, code, firstText(m.texts, code, message))
	}
	return p.policy == Report // what is passed through is prepared like the rest
}

func (p *preparer) unknown(s *shape, name string) {
	if p.policy == Strip || p.policy == Allow {
		return
	}
	p.note(name, codeUnknown, firstText(s.texts, codeUnknown, unknownText(name)))
}

func (p *preparer) note(name, code, message string) {
	p.sink.tell(append(p.path, step{name: name}), broken(code, message))
}

func firstText(own map[string]string, keyword, ours string) string {
	if text, ok := own[keyword]; ok {
		return text
	}
	return ours
}
