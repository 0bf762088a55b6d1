package contract

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
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

// find is the member of that name, nil when there is none.
func (n *docNode) find(name string) *member {
	if n == nil {
		return nil
	}
	i, ok := n.index[name]
	if n.index == nil {
		i = slices.IndexFunc(n.members, func(m member) bool { return m.name == name })
		ok = i >= 0
	}
	if !ok {
		return nil
	}
	return &n.members[i]
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
// which it stands, for messages. Where there is no key it is the value's place.
type spot struct {
	ptr  string
	key  mark
	node *docNode // nil when there is nothing
}

func (s spot) exists() bool { return s.node != nil }

// is tells whether something of that kind stands there.
func (s spot) is(k nodeKind) bool { return s.exists() && s.node.kind == k }

// at is the place of the value; of the key when there is none.
func (s spot) at() mark {
	if s.exists() {
		return s.node.mark
	}
	return s.key
}

// get is the member of an object. For a missing one the place is the object's.
func (s spot) get(name string) spot {
	child := spot{ptr: s.ptr + "/" + strictjson.EscapeToken(name), key: s.key}
	if m := s.node.find(name); m != nil {
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
		out[i] = named{m.name, spot{ptr: s.ptr + "/" + strictjson.EscapeToken(m.name), key: m.mark, node: m.value}}
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

// each are the items of a list; anything else is the only one.
func (s spot) each() []spot {
	if s.is(isList) {
		return s.items()
	}
	return []spot{s}
}

// text is the value of a text, "" for anything else.
func (s spot) text() string {
	if s.is(isText) {
		return s.node.text
	}
	return ""
}

// noText says what stands where a text should.
func (s spot) noText() string {
	if s.is(isText) {
		return "an empty text"
	}
	return s.node.kind.String()
}

// walk follows an RFC 6901 pointer down from s. Where it leads nowhere the
// result does not exist.
func (s spot) walk(pointer string) spot {
	tokens := strings.Split(pointer, "/")
	if tokens[0] != "" {
		return spot{}
	}
	for _, token := range tokens[1:] {
		next := s.get(unescapeToken(token))
		for _, item := range s.items() {
			if item.ptr == s.ptr+"/"+token {
				next = item
			}
		}
		s = next
	}
	return s
}

// isTrue tells whether the boolean true stands there.
func (s spot) isTrue() bool { return s.is(isBool) && s.node.text == "true" }
