package contract

import (
	"net/url"
	"strings"
)

// tagged is a union of which a member of the value names the branch (OAS 3.1
// §4.8.25, discriminator).
type tagged struct {
	member   string
	branches map[string]*node
	values   []any // that name one, for the text
}

// discriminate reads the discriminator of a union. It counts where every branch but
// null is a reference, by which it is named; one that names a branch twice, or two
// by one name, says nothing.
func (c *compiler) discriminate(n *node) {
	object, _ := c.at(c.pointerOf(n.lib, "\x00")).(map[string]any)
	stated, _ := object["discriminator"].(map[string]any)
	member := text(stated["propertyName"])
	union := n.oneOf
	if len(union) == 0 {
		union = n.anyOf
	}
	if member == "" || len(union) == 0 {
		return
	}
	mapping, _ := stated["mapping"].(map[string]any)
	t := &tagged{member: member, branches: map[string]*node{}}
	for _, m := range union {
		if m.types == kindNull {
			continue
		}
		if m.ref == nil {
			return
		}
		for _, value := range c.namesOf(m.ref, mapping) {
			if t.branches[value] != nil {
				return
			}
			t.branches[value] = m
		}
	}
	for _, value := range sortedKeys(t.branches) {
		t.values = append(t.values, value)
	}
	n.tagged = t
}

// namesOf are the values that mean a schema: those that the mapping gives it, by
// pointer or by name, or else its own name.
func (c *compiler) namesOf(s *node, mapping map[string]any) []string {
	pointer := c.pointerOf(s.lib, "\x00")
	var names []string
	for _, value := range sortedKeys(mapping) {
		target := text(mapping[value])
		if fragment, local := strings.CutPrefix(target, "#"); local {
			target, _ = url.PathUnescape(fragment)
		} else {
			target = "/components/schemas/" + escapeToken(target)
		}
		if target == pointer {
			names = append(names, value)
		}
	}
	if names == nil {
		names = []string{lastToken(pointer)}
	}
	return names
}

// chosen holds a value against the branch that it names, and tells whether it named
// any. Without the member, or with one that is no text, it is for the branches to
// say what they think of it.
func (w *walker) chosen(n *node, v any) bool {
	if n.tagged == nil {
		return false
	}
	object, _ := v.(map[string]any)
	value, named := object[n.tagged.member].(string)
	if !named {
		return false
	}
	if branch := n.tagged.branches[value]; branch != nil {
		w.walk(branch, v)
	} else {
		w.tellOf(n.tagged.member, "enum", w.textOf(n, "enum", textEnum(n.tagged.values)))
	}
	return true
}
