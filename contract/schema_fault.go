package contract

import (
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/problem"
)

// fault tells that the value at the current place breaks a keyword of n. It
// returns false, so that a check can end with it.
func (w *walker) fault(n *node, keyword, message string) bool {
	if w.sink == nil || w.sink.full() {
		return false
	}
	w.tell(keyword, w.textOf(n, keyword, message), 0)
	return false
}

func (w *walker) tell(keyword, message string, types kindMask) {
	field, pointer := pathText(w.path)
	w.sink.faults = append(w.sink.faults, fault{
		Field: problem.Field{Field: field, Pointer: pointer, Code: keyword, Message: message},
		depth: len(w.path), types: types,
	})
}

// textOf is the contract's own text for a keyword, else ours. The outermost
// statement about the same value wins: a property that refers to a shared schema
// knows better what it is called.
func (w *walker) textOf(n *node, keyword, ours string) string {
	depth := len(w.path)
	first := len(w.trail)
	for first > 0 && w.trail[first-1].depth == depth {
		first--
	}
	for _, f := range w.trail[first:] {
		if text, ok := f.node.texts[keyword]; ok {
			return text
		}
	}
	if text, ok := n.texts[keyword]; ok {
		return text
	}
	return ours
}

func (w *walker) wrongType(n *node, want kindMask) bool {
	if w.sink == nil || w.sink.full() {
		return false
	}
	w.tell("type", w.textOf(n, "type", textType(want)), want)
	return false
}

// missing tells of a member that is not there, at the place where it should be.
// The text may stand in the member's own schema.
func (w *walker) missing(n *node, name, keyword, message string) bool {
	if w.sink == nil || w.sink.full() {
		return false
	}
	text := w.textOf(n, keyword, message)
	for p := n.properties[name]; p != nil; p = p.ref {
		if own, ok := p.texts[keyword]; ok {
			text = own
			break
		}
	}
	w.path = append(w.path, step{name: name, index: -1})
	w.tell(keyword, text, 0)
	w.path = w.path[:len(w.path)-1]
	return false
}

// unknown tells of a member that the schema does not allow.
func (w *walker) unknown(n *node, name string) bool {
	if w.sink == nil || w.sink.full() {
		return false
	}
	text := w.textOf(n, codeUnknown, unknownText(name))
	if nameable(name) {
		w.path = append(w.path, step{name: name, index: -1})
		defer func() { w.path = w.path[:len(w.path)-1] }()
	}
	w.tell(codeUnknown, text, 0)
	return false
}

func (w *walker) badName(n *node, name string) bool {
	if w.sink == nil || w.sink.full() {
		return false
	}
	text := w.textOf(n, "propertyNames", "has a name that is not allowed here")
	if nameable(name) {
		w.path = append(w.path, step{name: name, index: -1})
		defer func() { w.path = w.path[:len(w.path)-1] }()
	} else {
		text = w.textOf(n, "propertyNames", "has a field with a name that is not allowed here")
	}
	w.tell("propertyNames", text, 0)
	return false
}

// noBranch tells why a value fits none of the branches of anyOf or oneOf. The
// faults of one branch are told when it is the only one the value can have been
// meant for; else that it fits none.
func (w *walker) noBranch(n *node, keyword string, branches []*node, v any) bool {
	if w.sink == nil || w.sink.full() {
		return false
	}
	found := make([][]fault, 0, len(branches))
	for _, m := range branches {
		own := walker{schema: w.schema, sink: &sink{}, path: w.path, trail: w.trail, steps: w.steps}
		own.walk(m, v)
		w.steps = own.steps
		found = append(found, own.sink.faults)
	}
	w.condense(n, keyword, found)
	return false
}

// condense keeps of the branches' faults what helps.
func (w *walker) condense(n *node, keyword string, branches [][]fault) {
	depth := len(w.path)
	var meant [][]fault
	var types kindMask
	for _, faults := range branches {
		if t := mistyped(faults, depth); t != 0 {
			types |= t
			continue
		}
		meant = append(meant, faults)
	}
	if tagged := untagged(meant, depth); len(meant) > 1 && len(tagged) > 0 {
		meant = tagged
	}
	switch {
	case len(meant) == 1 && len(w.sink.faults)+len(meant[0]) <= maxFaults:
		w.sink.faults = append(w.sink.faults, meant[0]...)
	case len(meant) == 0 && types != 0:
		w.wrongType(n, types)
	default:
		w.fault(n, keyword, "fits none of the allowed forms")
	}
}

// mistyped returns the types that a branch wanted, when the value's type is
// what it refused.
func mistyped(faults []fault, depth int) kindMask {
	for _, f := range faults {
		if f.Code == "type" && f.depth == depth {
			return f.types
		}
	}
	return 0
}

// untagged leaves out the branches whose constant members (a discriminator) say
// that they are for something else.
func untagged(branches [][]fault, depth int) [][]fault {
	var left [][]fault
	for _, faults := range branches {
		tag := false
		for _, f := range faults {
			if f.depth == depth+1 && (f.Code == "const" || f.Code == "enum") {
				tag = true
			}
		}
		if !tag {
			left = append(left, faults)
		}
	}
	return left
}

// pathText writes a path as people do and as RFC 6901 does. It ends before a member
// whose name is not fit to be told.
func pathText(path []step) (field, pointer string) {
	if len(path) == 0 {
		return "", ""
	}
	var f, p strings.Builder
	for _, s := range path {
		if s.index >= 0 {
			s.name = strconv.Itoa(s.index)
		} else if !nameable(s.name) {
			break
		}
		if f.Len() > 0 {
			f.WriteByte('.')
		}
		f.WriteString(s.name)
		p.WriteByte('/')
		p.WriteString(escapeToken(s.name))
	}
	return f.String(), p.String()
}

// nameable tells whether the name of a member may be told: it may be the
// client's input.
func nameable(name string) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	for _, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("_-.$@:", c) < 0 {
			return false
		}
	}
	return true
}

// escapeToken writes a name as a part of a JSON Pointer (RFC 6901 §3).
func escapeToken(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
