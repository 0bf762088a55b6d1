package contract

import (
	"encoding/json"
	"strconv"
	"strings"
)

// nodeKind is the JSON type of a node.
type nodeKind uint8

const (
	isNull nodeKind = iota
	isBool
	isNumber
	isText
	isList
	isObject
)

func (k nodeKind) String() string {
	return [...]string{"null", "a boolean", "a number", "text", "a list", "an object"}[k]
}

// docNode is one value of a document with its place. Nodes are immutable once
// built, and shared: a YAML alias is the very node of its anchor.
type docNode struct {
	kind    nodeKind
	text    string // of text; the digits of a number; "true" or "false"
	list    []*docNode
	members []member
	index   map[string]int // into members; nil for a small object
	mark    mark
}

// member is one key of an object with its value.
type member struct {
	name  string
	mark  mark // of the key
	value *docNode
}

// indexFrom is the number of members from which a lookup goes by a map.
const indexFrom = 12

func (n *docNode) find(name string) (member, bool) {
	if n == nil {
		return member{}, false
	}
	if n.index != nil {
		i, ok := n.index[name]
		if !ok {
			return member{}, false
		}
		return n.members[i], true
	}
	for _, m := range n.members {
		if m.name == name {
			return m, true
		}
	}
	return member{}, false
}

// newObject builds an object node. Names must be distinct.
func newObject(at mark, members []member) *docNode {
	n := &docNode{kind: isObject, members: members, mark: at}
	if len(members) >= indexFrom {
		n.index = make(map[string]int, len(members))
		for i, m := range members {
			n.index[m.name] = i
		}
	}
	return n
}

// with returns a copy of the object with a member set.
func (n *docNode) with(m member) *docNode {
	members := make([]member, 0, len(n.members)+1)
	replaced := false
	for _, old := range n.members {
		if old.name == m.name {
			old, replaced = m, true
		}
		members = append(members, old)
	}
	if !replaced {
		members = append(members, m)
	}
	return newObject(n.mark, members)
}

// without returns a copy of the object without a member.
func (n *docNode) without(name string) *docNode {
	members := make([]member, 0, len(n.members))
	for _, m := range n.members {
		if m.name != name {
			members = append(members, m)
		}
	}
	return newObject(n.mark, members)
}

// value is the node as strictjson.Decode would give it. Of what is in cut,
// members are left out and items emptied, so that their faults are not found a
// second time.
func (n *docNode) value(cut map[*docNode]bool) any {
	switch n.kind {
	case isNull:
		return nil
	case isBool:
		return n.text == "true"
	case isNumber:
		return json.Number(n.text)
	case isText:
		return n.text
	case isList:
		list := make([]any, len(n.list))
		for i, v := range n.list {
			if list[i] = any(map[string]any{}); !cut[v] {
				list[i] = v.value(cut)
			}
		}
		return list
	default:
		m := make(map[string]any, len(n.members))
		for _, x := range n.members {
			if !cut[x.value] {
				m[x.name] = x.value.value(cut)
			}
		}
		return m
	}
}

// spot is a node within the document: its RFC 6901 pointer, and the key under
// which it stands, for messages.
type spot struct {
	ptr  string
	key  mark
	node *docNode // nil when there is nothing
}

func (s spot) exists() bool { return s.node != nil }

// is tells whether something of that kind stands there.
func (s spot) is(k nodeKind) bool { return s.node != nil && s.node.kind == k }

// at is the place of the value; of the key when the value has none.
func (s spot) at() mark {
	if s.node != nil && s.node.mark.line > 0 {
		return s.node.mark
	}
	return s.key
}

// named is the place of the key; of the value when it stands under none.
func (s spot) named() mark {
	if s.key.line > 0 {
		return s.key
	}
	return s.at()
}

// get is the member of an object. For a missing one the place is the object's.
func (s spot) get(name string) spot {
	child := spot{ptr: s.ptr + "/" + escapePointer(name), key: s.named()}
	if m, ok := s.node.find(name); ok {
		child.key, child.node = m.mark, m.value
	}
	return child
}

// members are the members of an object, in the order of the document.
func (s spot) members() []named {
	if !s.is(isObject) {
		return nil
	}
	out := make([]named, len(s.node.members))
	for i, m := range s.node.members {
		out[i] = named{m.name, spot{ptr: s.ptr + "/" + escapePointer(m.name), key: m.mark, node: m.value}}
	}
	return out
}

// named is one member of an object.
type named struct {
	name string
	spot
}

// items are the items of a list.
func (s spot) items() []spot {
	if !s.is(isList) {
		return nil
	}
	out := make([]spot, len(s.node.list))
	for i, v := range s.node.list {
		out[i] = spot{ptr: s.ptr + "/" + strconv.Itoa(i), key: v.mark, node: v}
	}
	return out
}

// text is the value of a text, "" for anything else.
func (s spot) text() string {
	if s.is(isText) {
		return s.node.text
	}
	return ""
}

// walk follows an RFC 6901 pointer down from s.
func (s spot) walk(pointer string) (spot, bool) {
	if pointer == "" {
		return s, true
	}
	if pointer[0] != '/' {
		return spot{}, false
	}
	for _, token := range strings.Split(pointer[1:], "/") {
		name := strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch {
		case s.is(isObject):
			s = s.get(name)
		case s.is(isList):
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(s.node.list) || strconv.Itoa(i) != name {
				return spot{}, false
			}
			s = s.items()[i]
		default:
			return spot{}, false
		}
		if !s.exists() {
			return spot{}, false
		}
	}
	return s, true
}

func escapePointer(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// isTrue tells whether the boolean true stands there.
func (s spot) isTrue() bool { return s.is(isBool) && s.node.text == "true" }
