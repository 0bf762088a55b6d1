package contract

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// node is one schema object, with what the library compiled of it and what the
// contract states beside it.
type node struct {
	lib *jsonschema.Schema
	statement
	wrong error // the statement cannot be read

	accepts  verdict // set for the schemas true, false and {}
	delegate bool    // unevaluated…: the library evaluates this node

	types    kindMask
	enum     []any
	numbers  map[numeral]bool // those of enum
	constant *any
	format   *jsonschema.Format

	ref, dynamic        *node // $ref; $dynamicRef as it leads where nothing overrides it
	allOf, anyOf, oneOf []*node
	tagged              *tagged // of oneOf, or anyOf without one: nil when no member names the branch
	not, when           *node   // when is "if"
	then, otherwise     *node

	properties    map[string]*node
	patterns      []patternNode
	additional    *node    // additionalProperties as a schema
	closed        bool     // additionalProperties: false
	open          bool     // additionalProperties or unevaluatedProperties stated, and not false
	asked         []string // required, as the document states it
	required      []string // what is left of it for values that travel one way
	propertyNames *node
	dependent     []dependency
	minFields     int // -1 when not stated, like the following
	maxFields     int

	restFields, restItems *node // unevaluatedProperties, unevaluatedItems

	prefix                   []*node
	items, contains          *node
	minItems, maxItems       int
	minContains, maxContains int // at least 1 where nothing is stated
	unique                   bool

	minLength, maxLength int
	pattern              jsonschema.Regexp

	bounds     []*bound
	multipleOf *divisor

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

// dependency is what is asked of an object that has a member.
type dependency struct {
	name   string
	needs  []string
	schema *node
}

// graph makes nodes of the library's schemas, each once.
type graph struct {
	nodes  map[*jsonschema.Schema]*node
	places map[string]*node                            // the same by location
	state  func(*jsonschema.Schema) (statement, error) // what the document states beside the keywords
}

func (g *graph) node(s *jsonschema.Schema) *node {
	if s == nil {
		return nil
	}
	if n, ok := g.nodes[s]; ok {
		return n
	}
	n := &node{lib: s}
	g.nodes[s], g.places[s.Location] = n, n
	if s.Bool != nil {
		n.accepts = never
		if *s.Bool {
			n.accepts = always
		}
	}
	n.statement, n.wrong = g.state(s)
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
		n.enum, n.numbers = s.Enum.Values, numbersIn(s.Enum.Values)
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
	n.delegate = s.UnevaluatedItems != nil || s.UnevaluatedProperties != nil || s.DraftVersion < 2020 || s.Dependencies != nil
}

func numbersIn(values []any) map[numeral]bool {
	numbers := map[numeral]bool{}
	for _, v := range values {
		if n, ok := v.(json.Number); ok {
			numbers[numeralOf(n)] = true
		}
	}
	return numbers
}

func (g *graph) objects(n *node, s *jsonschema.Schema) {
	n.properties, n.asked = g.table(s.Properties), slices.Clone(s.Required)
	for re, p := range s.PatternProperties {
		n.patterns = append(n.patterns, patternNode{re, g.node(p)})
	}
	slices.SortFunc(n.patterns, func(a, b patternNode) int { return strings.Compare(a.re.String(), b.re.String()) })
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
	n.propertyNames = g.node(s.PropertyNames)
	for _, name := range sortedKeys(s.DependentRequired) {
		n.dependent = append(n.dependent, dependency{name: name, needs: s.DependentRequired[name]})
	}
	for _, name := range sortedKeys(s.DependentSchemas) {
		n.dependent = append(n.dependent, dependency{name: name, schema: g.node(s.DependentSchemas[name])})
	}
	n.minFields, n.maxFields = count(s.MinProperties), count(s.MaxProperties)
}

func (g *graph) arrays(n *node, s *jsonschema.Schema) {
	n.prefix, n.items, n.contains = g.list(s.PrefixItems), g.node(s.Items2020), g.node(s.Contains)
	n.minItems, n.maxItems, n.unique = count(s.MinItems), count(s.MaxItems), s.UniqueItems
	n.minContains, n.maxContains = 1, count(s.MaxContains)
	if s.MinContains != nil {
		n.minContains = *s.MinContains
	}
}

func (g *graph) scalars(n *node, s *jsonschema.Schema) {
	n.minLength, n.maxLength, n.pattern = count(s.MinLength), count(s.MaxLength), s.Pattern
	n.multipleOf = newDivisor(s.MultipleOf)
	for _, b := range []*bound{
		newBound(s.Minimum, "minimum", at|above, textMinimum),
		newBound(s.Maximum, "maximum", at|below, textMaximum),
		newBound(s.ExclusiveMinimum, "exclusiveMinimum", above, textAbove),
		newBound(s.ExclusiveMaximum, "exclusiveMaximum", below, textBelow),
	} {
		if b != nil {
			n.bounds = append(n.bounds, b)
		}
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
	out := slices.Concat([]*node{n.ref, n.not, n.when, n.then, n.otherwise}, n.allOf, n.anyOf, n.oneOf)
	for _, d := range n.dependent {
		out = append(out, d.schema)
	}
	return slices.DeleteFunc(out, func(m *node) bool { return m == nil })
}

// children lists every node that stands in n or that n refers to.
func (n *node) children() []*node {
	out := slices.Concat(n.inPlace(), n.prefix)
	for _, name := range sortedKeys(n.properties) {
		out = append(out, n.properties[name])
	}
	for _, p := range n.patterns {
		out = append(out, p.node)
	}
	out = append(out, n.additional, n.propertyNames, n.items, n.contains, n.dynamic, n.restFields, n.restItems)
	return slices.DeleteFunc(out, func(m *node) bool { return m == nil })
}

// under lists n and every node that it leads to, each once.
func (n *node) under() []*node {
	var out []*node
	met := map[*node]bool{}
	for queue := []*node{n}; len(queue) > 0; queue = queue[1:] {
		if m := queue[0]; !met[m] {
			met[m] = true
			out = append(out, m)
			queue = append(queue, m.children()...)
		}
	}
	return out
}

// returns follows what applies in place, and gives a node met twice on the way:
// it could never be evaluated. open holds the nodes met, true while on the way.
func (n *node) returns(open map[*node]bool) *node {
	if onTheWay, met := open[n]; onTheWay {
		return n
	} else if met {
		return nil
	}
	open[n] = true
	for _, m := range n.inPlace() {
		if bad := m.returns(open); bad != nil {
			return bad
		}
	}
	open[n] = false
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
