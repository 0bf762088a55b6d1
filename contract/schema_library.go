package contract

import (
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// library evaluates a node with the library, and tells its faults in our words.
func (w *walker) library(n *node, v any) bool {
	if _, file := v.(filePart); file {
		return true // the library knows nothing of files; what a schema says of one is its size
	}
	if form, ok := v.(map[string]any); ok && holdsFiles(form) {
		v = plainFiles(v)
	}
	err := n.lib.Validate(v)
	if err == nil {
		return true
	}
	e, ok := err.(*jsonschema.ValidationError)
	if ok && w.schema.way != anyWay && w.excusable(n, e) {
		return true
	}
	if ok && w.sink != nil && !w.sink.full() {
		w.translate(n, e)
	}
	return false
}

// excusable tells whether all that the library misses are members that do not
// travel this way, of which it knows nothing.
func (w *walker) excusable(n *node, e *jsonschema.ValidationError) bool {
	if own := w.schema.nodes[e.SchemaURL]; own != nil {
		n = own
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, c := range e.Causes {
			if !w.excusable(n, c) {
				return false
			}
		}
		return len(e.Causes) > 0
	case *kind.Required:
		for _, name := range k.Missing {
			if !w.excused(n, name) {
				return false
			}
		}
		return true
	}
	return false
}

// translate tells the faults of one of the library's errors. The value that they
// hold is never used.
func (w *walker) translate(n *node, e *jsonschema.ValidationError) {
	if w.sink.full() {
		return
	}
	base := len(w.path)
	if own := w.schema.nodes[e.SchemaURL]; own != nil {
		n = own
	}
	for _, token := range e.InstanceLocation {
		w.path = append(w.path, stepOf(token))
	}
	w.translateKind(n, e)
	w.path = w.path[:base]
}

// stepOf takes a token of the library's for an index when it looks like one: a
// pointer does not tell the difference either.
func stepOf(token string) step {
	if i, err := strconv.Atoi(token); err == nil && i >= 0 && strconv.Itoa(i) == token {
		return step{index: i}
	}
	return step{name: token, index: -1}
}

func (w *walker) translateKind(n *node, e *jsonschema.ValidationError) {
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		w.causes(n, e)
	case *kind.AnyOf:
		w.branches(n, "anyOf", e)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			w.fault(n, "oneOf", "fits more than one of the allowed forms and must fit exactly one")
			return
		}
		w.branches(n, "oneOf", e)
	case *kind.FalseSchema:
		w.leftOver(n)
	case *kind.Type:
		w.wrongType(n, kindsNamed(k.Want))
	case *kind.Required:
		for _, name := range k.Missing {
			if !w.excused(n, name) {
				w.missing(n, name, "required", "is required")
			}
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			w.missing(n, name, "dependentRequired", textDependent(k.Prop))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			w.unknown(n, name)
		}
	case *kind.PropertyNames:
		w.badName(n, k.Property)
	default:
		keyword, text := wordsFor(e.ErrorKind)
		w.fault(n, keyword, text)
	}
}

// leftOver tells of a value that a schema "false" refuses: mostly a member that
// unevaluatedProperties found.
func (w *walker) leftOver(n *node) {
	last := len(w.path) - 1
	if last < 0 || w.path[last].index >= 0 {
		w.fault(n, "not_allowed", textNotAllowed)
		return
	}
	name := w.path[last].name
	w.path = w.path[:last]
	w.unknown(n, name)
	w.path = append(w.path, step{name: name, index: -1})
}

// causes tells the nested errors; their places are whole, not relative.
func (w *walker) causes(n *node, e *jsonschema.ValidationError) {
	base := len(w.path) - len(e.InstanceLocation)
	path := w.path
	for _, c := range e.Causes {
		w.path = path[:base:base]
		w.translate(n, c)
	}
	w.path = path
}

func (w *walker) branches(n *node, keyword string, e *jsonschema.ValidationError) {
	all, path := w.sink, w.path
	base := len(path) - len(e.InstanceLocation)
	var found [][]fault
	for _, c := range e.Causes {
		w.sink, w.path = &sink{}, path[:base:base]
		w.translate(n, c)
		found = append(found, w.sink.faults)
	}
	w.sink, w.path = all, path
	w.condense(n, keyword, found)
}

// wordsFor names the keyword of an error that concerns one scalar or one count.
func wordsFor(k jsonschema.ErrorKind) (keyword, text string) {
	switch k := k.(type) {
	case *kind.Enum:
		return "enum", textEnum(k.Want)
	case *kind.Const:
		return "const", textConst(k.Want)
	case *kind.Format:
		return "format", textFormat(k.Want)
	case *kind.MinLength:
		return "minLength", textMinLength(k.Want)
	case *kind.MaxLength:
		return "maxLength", textMaxLength(k.Want)
	case *kind.Pattern:
		return "pattern", textPattern(k.Want)
	case *kind.Minimum:
		return "minimum", textMinimum(ratText(k.Want))
	case *kind.Maximum:
		return "maximum", textMaximum(ratText(k.Want))
	case *kind.ExclusiveMinimum:
		return "exclusiveMinimum", textAbove(ratText(k.Want))
	case *kind.ExclusiveMaximum:
		return "exclusiveMaximum", textBelow(ratText(k.Want))
	case *kind.MultipleOf:
		return "multipleOf", textMultiple(ratText(k.Want))
	case *kind.MinItems:
		return "minItems", textMinItems(k.Want)
	case *kind.MaxItems:
		return "maxItems", textMaxItems(k.Want)
	case *kind.UniqueItems:
		return "uniqueItems", "must not hold the same item twice"
	case *kind.Contains:
		return "contains", textContains(1)
	case *kind.MinContains:
		return "contains", textContains(k.Want)
	case *kind.MaxContains:
		return "maxContains", textMaxContains(k.Want)
	case *kind.MinProperties:
		return "minProperties", textMinFields(k.Want)
	case *kind.MaxProperties:
		return "maxProperties", textMaxFields(k.Want)
	case *kind.Not:
		return "not", "must not have this form"
	}
	return "invalid", "does not fit the contract"
}
