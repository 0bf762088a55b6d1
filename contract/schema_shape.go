package contract

import (
	"strconv"
	"strings"
)

// shape is what all the schemas that apply to one value say together about
// preparing it: which members are known, what is trimmed, what the defaults are.
type shape struct {
	trim, emptyNull bool
	integer         bool // an integer is allowed: 2.0 is written 2
	fields          map[string]*knownField
	patterns        []patternNode
	rest            *shape // of the members that no name leads to
	open            bool   // knows all members
	defaults        []fallback
	prefix          []*shape
	items           *shape
	texts           map[string]string

	writeRoles, readRoles []string // nil for all
}

type knownField struct {
	*shape
	readOnly, writeOnly bool
}

type fallback struct {
	name  string
	value any
}

// applied is a schema that applies to a value: surely, or in a branch that may
// not be the value's.
type applied struct {
	node *node
	sure bool
}

// shapeOf returns the shape of a value to which the schemas apply, nil without
// any. The same schemas have one shape, so that they may refer to themselves.
func (c *compiler) shapeOf(roots []applied) *shape {
	if roots == nil {
		return nil
	}
	all := spread(roots)
	key := c.keyOf(all)
	if s, ok := c.forms[key]; ok {
		return s
	}
	s := &shape{}
	c.forms[key] = s
	for _, a := range all {
		n := a.node
		s.trim = s.trim || a.sure && n.trim
		s.emptyNull = s.emptyNull || a.sure && n.emptyNull
		s.integer = s.integer || n.types&kindInteger != 0
		s.open = s.open || n.open
		s.writeRoles, s.readRoles = inBoth(s.writeRoles, n.writeRoles), inBoth(s.readRoles, n.readRoles)
		for keyword, text := range n.texts {
			if s.texts == nil {
				s.texts = map[string]string{}
			}
			if _, ok := s.texts[keyword]; !ok {
				s.texts[keyword] = text
			}
		}
	}
	c.shapeFields(s, all)
	c.shapeItems(s, all)
	return s
}

func (c *compiler) keyOf(all []applied) string {
	parts := make([]string, len(all))
	for i, a := range all {
		id, ok := c.ids[a.node]
		if !ok {
			id = len(c.ids)
			c.ids[a.node] = id
		}
		parts[i] = strconv.Itoa(id) + strconv.FormatBool(a.sure)
	}
	return strings.Join(parts, " ")
}

// spread adds the schemas that apply through $ref, allOf and branches, each
// once; sure wins over unsure.
func spread(roots []applied) []applied {
	var out []applied
	at := map[*node]int{}
	var add func(n *node, sure bool)
	add = func(n *node, sure bool) {
		if n == nil {
			return
		}
		if i, ok := at[n]; ok {
			if out[i].sure || !sure {
				return
			}
			out[i].sure = true
		} else {
			at[n] = len(out)
			out = append(out, applied{n, sure})
		}
		add(n.ref, sure)
		add(n.dynamic, sure)
		for _, m := range n.allOf {
			add(m, sure)
		}
		for _, branches := range [][]*node{n.anyOf, n.oneOf} {
			only := soleBranch(branches)
			for _, m := range branches {
				add(m, sure && m == only)
			}
		}
		for _, m := range []*node{n.when, n.then, n.otherwise} {
			add(m, false)
		}
		for _, d := range n.dependent {
			add(d.schema, false)
		}
	}
	for _, r := range roots {
		add(r.node, r.sure)
	}
	return out
}

// soleBranch is the one branch that is not just null, nil when there are more.
func soleBranch(branches []*node) *node {
	var only *node
	for _, m := range branches {
		if m.types == kindNull {
			continue
		}
		if only != nil {
			return nil
		}
		only = m
	}
	return only
}

func (c *compiler) shapeFields(s *shape, all []applied) {
	names := map[string]*knownField{}
	var rest []applied
	speaks := false // whether any schema says which members there are
	for _, a := range all {
		n := a.node
		speaks = speaks || n.properties != nil || n.patterns != nil || n.closed
		for name := range n.properties {
			names[name] = nil
		}
		for _, p := range n.patterns {
			s.patterns = append(s.patterns, p)
			rest = append(rest, applied{p.node, a.sure})
		}
		for _, m := range []*node{n.additional, n.restFields} {
			if m != nil {
				rest = append(rest, applied{m, a.sure})
			}
		}
	}
	s.open = s.open || !speaks
	if len(rest) > 1 { // which of them apply hangs on the name
		for i := range rest {
			rest[i].sure = false
		}
	}
	s.rest, s.fields = c.shapeOf(rest), names
	for _, name := range sortedKeys(names) {
		c.shapeField(s, all, name)
	}
}

func (c *compiler) shapeField(s *shape, all []applied, name string) {
	var here []applied
	for _, a := range all {
		n, named := a.node, false
		if p, ok := n.properties[name]; ok {
			here, named = append(here, applied{p, a.sure}), true
		}
		for _, p := range n.patterns {
			if p.re.MatchString(name) {
				here, named = append(here, applied{p.node, a.sure}), true
			}
		}
		if !named {
			here = append(here, applied{n.additional, a.sure})
		}
	}
	m := &knownField{shape: c.shapeOf(here)}
	s.fields[name] = m
	for _, a := range spread(here) {
		m.readOnly = m.readOnly || a.sure && a.node.readOnly
		m.writeOnly = m.writeOnly || a.sure && a.node.writeOnly
		if a.sure && a.node.fallback != nil {
			s.defaults = append(s.defaults, fallback{name, *a.node.fallback}) // the first there is counts
		}
	}
}

func (c *compiler) shapeItems(s *shape, all []applied) {
	var items []applied
	var longest int
	for _, a := range all {
		longest = max(longest, len(a.node.prefix))
		for _, m := range []*node{a.node.items, a.node.restItems} {
			if m != nil {
				items = append(items, applied{m, a.sure})
			}
		}
		if a.node.contains != nil {
			items = append(items, applied{a.node.contains, false})
		}
	}
	for i := range longest {
		var here []applied
		for _, a := range all {
			if i < len(a.node.prefix) {
				here = append(here, applied{a.node.prefix[i], a.sure})
			} else if a.node.items != nil {
				here = append(here, applied{a.node.items, a.sure})
			}
		}
		s.prefix = append(s.prefix, c.shapeOf(here))
	}
	s.items = c.shapeOf(items)
}
