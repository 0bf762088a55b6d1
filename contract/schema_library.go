package contract

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// library evaluates a node with the library, and tells its faults in our words.
func (w *walker) library(n *node, v any) {
	if _, file := v.(filePart); file {
		return // the library knows nothing of files; what a schema says of one is its size
	}
	if form, _ := v.(map[string]any); holdsFiles(form) {
		v = plainFiles(v)
	}
	err := n.lib.Validate(v)
	if err == nil {
		return
	}
	if w.failed = true; !w.done() {
		base := w.path
		w.translate(n, base, err.(*jsonschema.ValidationError))
		w.path = base
	}
}

// translate tells the faults of one of the library's errors, which say where they
// are from base. The value that they hold is never used.
func (w *walker) translate(n *node, base []step, e *jsonschema.ValidationError) {
	if own := w.schema.nodes[e.SchemaURL]; own != nil {
		n = own
	}
	w.path = slices.Clip(base)
	for _, token := range e.InstanceLocation {
		w.path = append(w.path, step{name: token})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, c := range reasons(e.Causes) {
			w.translate(n, base, c)
		}
	case *kind.AnyOf:
		w.branches(n, base, "anyOf", e)
	case *kind.OneOf:
		if k.Subschemas != nil {
			w.fault(n, "oneOf", textTwoForms)
			return
		}
		w.branches(n, base, "oneOf", e)
	case *kind.FalseSchema:
		w.refused(n, e)
	case *kind.Type:
		w.wrongType(n, kindsNamed(k.Want))
	case *kind.Required:
		for _, name := range k.Missing {
			w.missing(n, name, "required", "is required")
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

// reasons leaves out what is wrong only because something else is: what a schema
// knows counts as unevaluated when the schema is broken anywhere.
func reasons(causes []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if own := slices.DeleteFunc(slices.Clone(causes), unevaluated); len(own) > 0 {
		return own
	}
	return causes
}

func unevaluated(e *jsonschema.ValidationError) bool {
	return strings.HasSuffix(e.SchemaURL, "/unevaluatedProperties") || strings.HasSuffix(e.SchemaURL, "/unevaluatedItems")
}

// refused tells of a value that a schema "false" refuses: a member that no schema
// names, when the schema is that of unevaluatedProperties.
func (w *walker) refused(n *node, e *jsonschema.ValidationError) {
	last := len(w.path) - 1
	if last < 0 || !strings.HasSuffix(e.SchemaURL, "/unevaluatedProperties") {
		w.fault(n, "not_allowed", textNotAllowed)
		return
	}
	name := w.path[last].name
	w.path = w.path[:last]
	w.unknown(n, name)
}

func (w *walker) branches(n *node, base []step, keyword string, e *jsonschema.ValidationError) {
	all, here := w.sink, w.path
	var found [][]fault
	for _, c := range e.Causes {
		w.sink = &sink{}
		w.translate(n, base, c)
		found = append(found, w.sink.faults)
	}
	w.sink, w.path = all, here
	w.condense(n, keyword, found)
}

// wordsFor names the keyword of an error that concerns one scalar or one count.
func wordsFor(k jsonschema.ErrorKind) (keyword, text string) {
	switch k := k.(type) {
	case *kind.Type:
		return "type", textType(kindsNamed(k.Want))
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
