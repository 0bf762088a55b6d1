package contract

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// tagged is a union of which a member of the value names the branch (OAS 3.1
// §4.8.25, discriminator).
type tagged struct {
	member   string
	branches map[string]*node
	values   []any // that name one, for the text
}

// discriminate reads the discriminator of a union, or that of a schema on which all
// its branches are built, as springdoc states it. It counts where every branch but
// null is a reference, by which it is named; one that names a branch twice, or two
// by one name, says nothing.
func (c *compiler) discriminate(n *node) {
	union := n.oneOf
	if len(union) == 0 {
		union = n.anyOf
	}
	branches := slices.DeleteFunc(slices.Clone(union), func(m *node) bool { return m.types == kindNull })
	if len(branches) == 0 || n.tagged != nil || slices.ContainsFunc(branches, func(m *node) bool { return m.ref == nil }) {
		return
	}
	stated := c.discriminatorOf(n)
	if stated == nil {
		stated = c.parentOf(branches)
	}
	t := &tagged{member: text(stated["propertyName"]), branches: map[string]*node{}}
	mapping, _ := stated["mapping"].(map[string]any)
	for _, m := range branches {
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
	if t.member != "" {
		n.tagged = t
	}
}

func (c *compiler) discriminatorOf(n *node) map[string]any {
	object, _ := c.at(c.pointerOf(n.lib, "\x00")).(map[string]any)
	stated, _ := object["discriminator"].(map[string]any)
	return stated
}

// parentOf is the discriminator that stands in a schema which applies in every
// branch, nil without one.
func (c *compiler) parentOf(branches []*node) map[string]any {
	for _, parent := range conjoined(branches[0]) {
		stated := c.discriminatorOf(parent)
		if stated != nil && !slices.ContainsFunc(branches, func(m *node) bool { return !slices.Contains(conjoined(m), parent) }) {
			return stated
		}
	}
	return nil
}

// conjoined lists a schema and all that apply wherever it does.
func conjoined(n *node) []*node {
	all := []*node{n}
	for i := 0; i < len(all); i++ {
		for _, m := range all[i].joint() {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
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
			target = "/components/schemas/" + strictjson.EscapeToken(target)
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
