package contract

import (
	"math/big"
	"slices"
	"sort"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// node is one schema object, with what the library compiled of it and what the
// contract states beside it.
type node struct {
	lib *jsonschema.Schema
	statement

	accepts  verdict // set for the schemas true, false and {}
	delegate bool    // unevaluated…: the library evaluates this node

	types    kindMask
	enum     []any
	constant *any
	format   *jsonschema.Format

	ref, dynamic        *node // $ref; $dynamicRef as it leads where nothing overrides it
	allOf, anyOf, oneOf []*node
	not, when           *node // when is "if"
	then, otherwise     *node

	properties       map[string]*node
	patterns         []patternNode
	additional       *node // additionalProperties as a schema
	closed           bool  // additionalProperties: false
	open             bool  // additionalProperties or unevaluatedProperties stated, and not false
	required         []string
	propertyNames    *node
	dependent        []dependency
	dependentSchemas map[string]*node
	minFields        int // -1 when not stated, like the following
	maxFields        int

	restFields, restItems *node // unevaluatedProperties, unevaluatedItems

	prefix                   []*node
	items, contains          *node
	minItems, maxItems       int
	minContains, maxContains int
	unique                   bool

	minLength, maxLength int
	pattern              jsonschema.Regexp

	minimum, maximum, above, below *bound
	multipleOf                     *big.Rat
	multipleText                   string

	readOnly, writeOnly bool
	fallback            *any // default
}

type verdict uint8

const (
	undecided verdict = iota
	always
	never
)

type patternNode struct {
	re jsonschema.Regexp
	*node
}

type dependency struct {
	name  string
	needs []string
}

// graph makes nodes of the library's schemas, each once.
type graph struct {
	nodes map[*jsonschema.Schema]*node
	state func(*jsonschema.Schema) (statement, error) // what the document states beside the keywords
	err   error
	good  map[*node]bool // found without loops
}

func (g *graph) node(s *jsonschema.Schema) *node {
	if s == nil {
		return nil
	}
	if n, ok := g.nodes[s]; ok {
		return n
	}
	n := &node{lib: s}
	g.nodes[s] = n
	if s.Bool != nil {
		n.accepts = never
		if *s.Bool {
			n.accepts = always
		}
	}
	st, err := g.state(s)
	if err != nil && g.err == nil {
		g.err = err
	}
	n.statement = st
	g.general(n, s)
	g.objects(n, s)
	g.arrays(n, s)
	g.scalars(n, s)
	return n
}

func (g *graph) list(schemas []*jsonschema.Schema) []*node {
	var out []*node
	for _, s := range schemas {
		out = append(out, g.node(s))
	}
	return out
}

func (g *graph) table(schemas map[string]*jsonschema.Schema) map[string]*node {
	if schemas == nil {
		return nil
	}
	out := make(map[string]*node, len(schemas))
	for name, s := range schemas {
		out[name] = g.node(s)
	}
	return out
}

func (g *graph) general(n *node, s *jsonschema.Schema) {
	if s.Types != nil {
		n.types = kindsNamed(s.Types.ToStrings())
	}
	if s.Enum != nil {
		n.enum = s.Enum.Values
	}
	n.constant, n.format, n.fallback = s.Const, s.Format, s.Default
	n.readOnly, n.writeOnly = s.ReadOnly, s.WriteOnly
	n.ref = g.node(s.Ref)
	n.allOf, n.anyOf, n.oneOf = g.list(s.AllOf), g.list(s.AnyOf), g.list(s.OneOf)
	n.not, n.when, n.then, n.otherwise = g.node(s.Not), g.node(s.If), g.node(s.Then), g.node(s.Else)
	if s.DynamicRef != nil {
		n.dynamic = g.node(s.DynamicRef.Ref)
	}
	if s.RecursiveRef != nil {
		n.dynamic = g.node(s.RecursiveRef)
	}
	n.delegate = s.UnevaluatedItems != nil || s.UnevaluatedProperties != nil || len(s.Extensions) > 0 ||
		s.ContentEncoding != nil || s.ContentMediaType != nil || s.DraftVersion < 2020 || s.Dependencies != nil
}

func (g *graph) objects(n *node, s *jsonschema.Schema) {
	n.properties = g.table(s.Properties)
	for re, p := range s.PatternProperties {
		n.patterns = append(n.patterns, patternNode{re, g.node(p)})
	}
	sort.Slice(n.patterns, func(i, j int) bool { return n.patterns[i].re.String() < n.patterns[j].re.String() })
	switch a := s.AdditionalProperties.(type) {
	case bool:
		n.closed, n.open = !a, a
	case *jsonschema.Schema:
		n.additional, n.open = g.node(a), true
	}
	n.restFields, n.restItems = g.node(s.UnevaluatedProperties), g.node(s.UnevaluatedItems)
	if n.restFields != nil && n.restFields.accepts != never {
		n.open = true
	}
	n.required = s.Required
	n.propertyNames = g.node(s.PropertyNames)
	for name, needs := range s.DependentRequired {
		n.dependent = append(n.dependent, dependency{name, needs})
	}
	slices.SortFunc(n.dependent, func(a, b dependency) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	n.dependentSchemas = g.table(s.DependentSchemas)
	n.minFields, n.maxFields = count(s.MinProperties), count(s.MaxProperties)
}

func (g *graph) arrays(n *node, s *jsonschema.Schema) {
	n.prefix, n.items, n.contains = g.list(s.PrefixItems), g.node(s.Items2020), g.node(s.Contains)
	n.minItems, n.maxItems, n.unique = count(s.MinItems), count(s.MaxItems), s.UniqueItems
	n.minContains, n.maxContains = count(s.MinContains), count(s.MaxContains)
}

func (g *graph) scalars(n *node, s *jsonschema.Schema) {
	n.minLength, n.maxLength, n.pattern = count(s.MinLength), count(s.MaxLength), s.Pattern
	n.minimum, n.maximum = newBound(s.Minimum), newBound(s.Maximum)
	n.above, n.below = newBound(s.ExclusiveMinimum), newBound(s.ExclusiveMaximum)
	if n.multipleOf = s.MultipleOf; n.multipleOf != nil {
		n.multipleText = ratText(n.multipleOf)
	}
}

func count(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

// inPlace lists the nodes that n applies to the very value it stands for.
func (n *node) inPlace() []*node {
	var out []*node
	for _, m := range []*node{n.ref, n.not, n.when, n.then, n.otherwise} {
		if m != nil {
			out = append(out, m)
		}
	}
	out = append(append(append(out, n.allOf...), n.anyOf...), n.oneOf...)
	for _, name := range sortedKeys(n.dependentSchemas) {
		out = append(out, n.dependentSchemas[name])
	}
	return out
}

// children lists every node that stands in n or that n refers to.
func (n *node) children() []*node {
	out := n.inPlace()
	add := func(m *node) {
		if m != nil {
			out = append(out, m)
		}
	}
	for _, m := range n.properties {
		add(m)
	}
	for _, p := range n.patterns {
		add(p.node)
	}
	for _, m := range n.prefix {
		add(m)
	}
	for _, m := range []*node{n.additional, n.propertyNames, n.items, n.contains, n.dynamic, n.restFields, n.restItems} {
		add(m)
	}
	return out
}

// loops finds a node below root that comes back to itself without going into the
// value: it could never be evaluated. Nodes found good are not looked at again.
func (g *graph) loops(root *node) *node {
	if g.good == nil {
		g.good = map[*node]bool{}
	}
	fresh := []*node{}
	for queue := []*node{root}; len(queue) > 0; queue = queue[1:] {
		if n := queue[0]; !g.good[n] {
			g.good[n] = true
			fresh = append(fresh, n)
			queue = append(queue, n.children()...)
		}
	}
	colour := map[*node]int{}
	for _, n := range fresh {
		if bad := n.returns(colour); bad != nil {
			g.good = nil
			return bad
		}
	}
	return nil
}

// returns follows what applies in place, and gives a node met twice on the way.
func (n *node) returns(colour map[*node]int) *node {
	const onTheWay, done = 1, 2
	switch colour[n] {
	case onTheWay:
		return n
	case done:
		return nil
	}
	colour[n] = onTheWay
	for _, m := range n.inPlace() {
		if bad := m.returns(colour); bad != nil {
			return bad
		}
	}
	colour[n] = done
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
