package contract

import (
	"strconv"
	"strings"
)

// fault tells that the value at the current place breaks a keyword of n.
func (w *walker) fault(n *node, keyword, message string) {
	w.tell(broken(keyword, w.textOf(n, keyword, message)))
}

func (w *walker) tell(f fault) {
	w.failed = true
	if w.sink != nil {
		w.sink.tell(w.path, f)
	}
}

// tellOf tells something of a member, at its own place.
func (w *walker) tellOf(name, keyword, text string) {
	w.push(step{name: name})
	w.tell(broken(keyword, text))
	w.pop()
}

// textOf is the contract's own text for a keyword, else ours. The outermost
// statement about the same value wins: a property that refers to a shared schema
// knows better what it is called.
func (w *walker) textOf(n *node, keyword, ours string) string {
	for _, f := range w.trail {
		if text, ok := f.node.texts[keyword]; ok && f.depth == len(w.path) {
			return text
		}
	}
	return firstText(n.texts, keyword, ours)
}

func (w *walker) wrongType(n *node, want kindMask) {
	f := broken("type", w.textOf(n, "type", textType(want)))
	f.types = want
	w.tell(f)
}

// missing tells of a member that is not there, at the place where it should be.
// The text may stand in the member's own schema.
func (w *walker) missing(n *node, name, keyword, message string) {
	text := w.textOf(n, keyword, message)
	for p := n.properties[name]; p != nil; p = p.ref {
		if own, ok := p.texts[keyword]; ok {
			text = own
			break
		}
	}
	w.tellOf(name, keyword, text)
}

// unknown tells of a member that the schema does not allow.
func (w *walker) unknown(n *node, name string) {
	w.tellOf(name, codeUnknown, w.textOf(n, codeUnknown, unknownText(name)))
}

func (w *walker) badName(n *node, name string) {
	text := "has a name that is not allowed here"
	if !nameable(name) {
		text = "has a field with a name that is not allowed here"
	}
	w.tellOf(name, "propertyNames", w.textOf(n, "propertyNames", text))
}

const (
	textNoForm   = "fits none of the allowed forms"
	textTwoForms = "fits more than one of the allowed forms and must fit exactly one"
)

// noBranch tells why a value fits none of the branches of anyOf or oneOf. The
// faults of one branch are told when it is the only one the value can have been
// meant for; else that it fits none.
func (w *walker) noBranch(n *node, keyword string, branches []*node, v any) {
	if w.failed = true; w.done() {
		return
	}
	var found [][]fault
	for _, m := range branches {
		own := walker{schema: w.schema, sink: &sink{}, path: w.path, trail: w.trail, steps: w.steps, branch: true, telling: w.telling, known: w.known}
		own.walk(m, v)
		w.steps, w.telling, w.known = own.steps, own.telling, own.known
		found = append(found, own.sink.faults)
	}
	if w.telling > maxTelling { // what was found is not all
		w.fault(n, keyword, textNoForm)
		return
	}
	w.condense(n, keyword, found)
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
	if tagged := untagged(meant, depth); len(tagged) > 0 {
		meant = tagged
	}
	switch len(meant) {
	case 0:
		w.wrongType(n, types)
	case 1:
		room := maxFaults - len(w.sink.faults)
		w.sink.faults = append(w.sink.faults, meant[0][:min(room, len(meant[0]))]...)
	default:
		w.fault(n, keyword, textNoForm)
	}
}

// mistyped returns the types that a branch wanted, when the value's type is
// what it refused.
func mistyped(faults []fault, depth int) (types kindMask) {
	for _, f := range faults {
		if f.depth == depth {
			types |= f.types
		}
	}
	return types
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
	for _, s := range path {
		if s.item {
			s.name = strconv.Itoa(s.index)
		}
		if !nameable(s.name) {
			break
		}
		field, pointer = field+"."+s.name, pointer+"/"+s.name
	}
	return strings.TrimPrefix(field, "."), pointer
}

// nameable tells whether the name of a member may be told: it may be the
// client's input.
func nameable(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, letters+digits+"_-.$@:") == ""
}

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// unescapeToken is the name that a part of a JSON Pointer stands for.
func unescapeToken(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}

// lastToken is the name at which a JSON Pointer ends.
func lastToken(pointer string) string {
	return unescapeToken(pointer[strings.LastIndexByte(pointer, '/')+1:])
}
