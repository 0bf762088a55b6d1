package contract

import (
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// shape is what all the schemas that apply to one value say together about
// preparing it: which members are known, what is trimmed, what the defaults are.
type shape struct {
	trim, emptyNull bool
	integer         bool // an integer is allowed: 2.0 is written 2
	fields          map[string]*knownField
	patterns        []patternField
	rest, mixed     *knownField // of the members that nothing names, and of those that several patterns do
	open            bool        // knows all members
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

// patternField is what is known of the members that one pattern names.
type patternField struct {
	re jsonschema.Regexp
	*knownField
}

type fallback struct {
	name  string
	value any
}

// applied is a schema that applies to a value: surely, or in a branch that may
// not be the value's.
type applied struct {
	node   *node
	sure   bool
	branch *node // in which it stands, nil when it is sure
}

// maxEntries bounds what the shapes of one schema are made of, and maxShare how
// often each of its parts may stand in one. The number of shapes can grow with two
// to the number of schemas that refer to each other.
const (
	maxEntries = 1 << 16
	maxShare   = 16
)

func (c *compiler) tangled() bool { return c.entries > maxEntries+maxShare*len(c.ids) }

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
	if c.entries += len(all); c.tangled() {
		return s
	}
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
	c.shapeFields(s, roots, all)
	c.shapeItems(s, all)
	if c.way != anyWay {
		c.relieved(s, all)
	}
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
	var add func(n *node, branch *node)
	add = func(n *node, branch *node) {
		if n == nil {
			return
		}
		a := applied{n, branch == nil, branch}
		if i, ok := at[n]; ok {
			if out[i].sure || !a.sure {
				return
			}
			out[i] = a
		} else {
			at[n] = len(out)
			out = append(out, a)
		}
		for _, m := range n.joint() {
			add(m, branch)
		}
		for _, branches := range [][]*node{n.anyOf, n.oneOf} {
			only := soleBranch(branches)
			for _, m := range branches {
				if m == only {
					add(m, branch)
				} else {
					add(m, m)
				}
			}
		}
		for _, m := range []*node{n.when, n.then, n.otherwise} {
			add(m, m)
		}
		for _, d := range n.dependent {
			add(d.schema, d.schema)
		}
	}
	for _, r := range roots {
		if r.sure {
			add(r.node, nil)
		} else {
			add(r.node, r.node)
		}
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

func (c *compiler) shapeFields(s *shape, roots, all []applied) {
	names := map[string]*knownField{}
	speaks := false // whether any schema says which members there are
	for _, a := range all {
		n := a.node
		speaks = speaks || len(n.properties) > 0 || n.patterns != nil || n.closed
		for name := range n.properties {
			names[name] = nil
		}
	}
	s.open = s.open || !speaks
	s.fields = names
	c.shapeRest(s, all)
	for _, name := range sortedKeys(names) {
		c.shapeField(s, roots, all, name)
	}
}

// shapeRest makes the shapes of members that no properties name.
func (c *compiler) shapeRest(s *shape, all []applied) {
	var matched []applied
	for _, a := range all {
		for _, p := range a.node.patterns {
			one := []applied{{node: p.node, sure: a.sure}}
			matched = append(matched, applied{node: p.node})
			here := append(one, others(all, a.node, false)...)
			m := c.unnamed(append(one, others(all, a.node, true)...), here, alike(all, p))
			s.patterns = append(s.patterns, patternField{p.re, m})
		}
	}
	rest := others(all, nil, true)
	s.rest = c.unnamed(rest, rest, rest)
	if len(s.patterns) > 1 { // how many of them hangs on the name
		for _, a := range rest {
			matched = append(matched, applied{node: a.node})
		}
		s.mixed = c.unnamed(matched, nil, nil)
		for _, p := range s.patterns {
			s.mixed.readOnly = s.mixed.readOnly || p.readOnly
			s.mixed.writeOnly = s.mixed.writeOnly || p.writeOnly
		}
	}
}

// unnamed is what is known of members that no properties name: may are the schemas
// that may apply to them, here those that do where their own schema does, and name
// those that are about them by name. It is nil without any.
func (c *compiler) unnamed(may, here, name []applied) *knownField {
	if may == nil {
		return nil
	}
	says := func(of func(*node) bool) bool { return oneWayOf(here, name, of) }
	return &knownField{shape: c.shapeOf(may), readOnly: says(saysReadOnly), writeOnly: says(saysWriteOnly)}
}

// alike are the schemas of members that have one pattern, in whatever branch.
func alike(all []applied, pattern patternNode) (out []applied) {
	for _, a := range all {
		for _, p := range a.node.patterns {
			if p.re.String() == pattern.re.String() {
				out = append(out, applied{node: p.node, sure: a.sure})
			}
		}
	}
	return out
}

// others are the schemas for what nothing names, without those of one schema, and
// those of unevaluatedProperties on request: what a pattern names they may not be
// about.
func others(all []applied, but *node, unevaluated bool) []applied {
	var out []applied
	for _, a := range all {
		if a.node.additional != nil && a.node != but {
			out = append(out, applied{node: a.node.additional, sure: a.sure})
		}
		if a.node.restFields != nil && a.node != but && unevaluated {
			out = append(out, applied{node: a.node.restFields, sure: a.sure})
		}
	}
	return out
}

func (c *compiler) shapeField(s *shape, roots, all []applied, name string) {
	var here []applied
	for _, a := range all {
		n, named := a.node, false
		if p, ok := n.properties[name]; ok {
			here, named = append(here, applied{node: p, sure: a.sure}), true
		}
		for _, p := range n.patterns {
			if p.re.MatchString(name) {
				here, named = append(here, applied{node: p.node, sure: a.sure}), true
			}
		}
		if !named {
			here = append(here, applied{node: n.additional, sure: a.sure})
		}
	}
	m := &knownField{shape: c.shapeOf(here)}
	s.fields[name] = m
	applying := spread(here)
	m.readOnly = saidOf(name, roots, applying, saysReadOnly)
	m.writeOnly = saidOf(name, roots, applying, saysWriteOnly)
	if n := defaulted(applying); n != nil {
		s.defaults = append(s.defaults, fallback{name, *n.fallback})
		c.filled = append(c.filled, filled{n, here})
	}
}

// defaulted is the schema whose default counts, the first that surely applies.
func defaulted(applying []applied) *node {
	for _, a := range applying {
		if a.sure && a.node.fallback != nil {
			return a.node
		}
	}
	return nil
}

// saidOf tells whether a member is surely of a kind, or wherever it is named.
func saidOf(name string, roots, applying []applied, says func(*node) bool) bool {
	if !slices.ContainsFunc(applying, func(a applied) bool { return says(a.node) }) {
		return false
	}
	q := newInquiry(name, says)
	s := q.of(roots)
	return s == surely || s == perhaps
}

func (c *compiler) shapeItems(s *shape, all []applied) {
	var items []applied
	var longest int
	for _, a := range all {
		longest = max(longest, len(a.node.prefix))
		for _, m := range []*node{a.node.items, a.node.restItems} {
			if m != nil {
				items = append(items, applied{node: m, sure: a.sure})
			}
		}
		if a.node.contains != nil {
			items = append(items, applied{node: a.node.contains})
		}
	}
	for i := range longest {
		var here []applied
		for _, a := range all {
			if i < len(a.node.prefix) {
				here = append(here, applied{node: a.node.prefix[i], sure: a.sure})
			} else if a.node.items != nil {
				here = append(here, applied{node: a.node.items, sure: a.sure})
			}
		}
		s.prefix = append(s.prefix, c.shapeOf(here))
	}
	s.items = c.shapeOf(items)
}
