package contract

import (
	"encoding/json"
	"unicode/utf8"
)

// maxSteps bounds the work on one value: a schema whose branches call each other
// takes time exponential in the depth of the value.
const maxSteps = 1_000_000

// walker checks one value. Without a sink it stops at the first fault.
type walker struct {
	schema *Schema
	sink   *sink
	path   []step
	trail  []frame // the nodes being applied, outermost first
	steps  int
}

// step is one move into the value.
type step struct {
	name  string // the member, when index is negative
	index int
}

// frame is a node being applied at a depth of the value.
type frame struct {
	node  *node
	depth int
}

func (w *walker) begin(v any) bool {
	root, ok := w.schema.root, true
	if w.schema.whole {
		ok = w.library(root, v)
	} else if w.steps <= maxSteps {
		ok = w.walk(root, v)
	}
	if w.steps > maxSteps { // whatever a "not" made of a check that was cut short
		ok = w.fault(root, "complexity", "is too intricate to be checked")
	}
	if !ok && w.sink != nil && len(w.sink.faults) == 0 {
		w.fault(root, "invalid", "does not fit the contract") // never a refusal without a reason
	}
	return ok
}

// hasty tells whether the walk may end at a fault.
func (w *walker) hasty() bool { return w.sink == nil || w.sink.full() }

func (w *walker) walk(n *node, v any) bool {
	if n.accepts == always {
		return true
	}
	if w.steps++; w.steps > maxSteps {
		return false
	}
	if w.sink == nil {
		return w.apply(n, v)
	}
	w.trail = append(w.trail, frame{n, len(w.path)})
	ok := w.apply(n, v)
	w.trail = w.trail[:len(w.trail)-1]
	return ok
}

func (w *walker) apply(n *node, v any) bool {
	if n.accepts == never {
		return w.fault(n, "not_allowed", textNotAllowed)
	}
	if n.delegate {
		return w.library(n, v)
	}
	kind := kindOf(v)
	if n.types != 0 && !n.types.fits(kind, v) || kind == 0 {
		return w.wrongType(n, n.types)
	}
	if n.constant != nil && !same(v, *n.constant) {
		return w.fault(n, "const", textConst(*n.constant))
	}
	if n.enum != nil && !oneOf(n.enum, v) {
		return w.fault(n, "enum", textEnum(n.enum))
	}
	ok := true
	switch t := v.(type) {
	case string:
		ok = w.text(n, t, v)
	case json.Number:
		ok = w.number(n, t, v)
	case map[string]any:
		ok = w.object(n, t)
	case []any:
		ok = w.array(n, t)
	}
	if !ok && w.hasty() {
		return false
	}
	return w.compose(n, v) && ok
}

func oneOf(list []any, v any) bool {
	for _, e := range list {
		if same(e, v) {
			return true
		}
	}
	return false
}

// text checks a string; boxed is the string as it came, which formats take. An
// empty string that must not be empty breaks pattern and format too; saying so
// would help nobody.
func (w *walker) text(n *node, s string, boxed any) bool {
	if n.minLength > 0 || n.maxLength >= 0 {
		length := utf8.RuneCountInString(s)
		if length < n.minLength {
			return w.fault(n, "minLength", textMinLength(n.minLength))
		}
		if n.maxLength >= 0 && length > n.maxLength {
			return w.fault(n, "maxLength", textMaxLength(n.maxLength))
		}
	}
	ok := true
	if n.pattern != nil && !n.pattern.MatchString(s) {
		ok = w.fault(n, "pattern", textPattern(n.pattern.String()))
	}
	return w.format(n, boxed) && ok
}

func (w *walker) format(n *node, v any) bool {
	if n.format == nil || n.format.Validate(v) == nil {
		return true
	}
	return w.fault(n, "format", textFormat(n.format.Name))
}

func (w *walker) number(n *node, v json.Number, boxed any) bool {
	ok := true
	if b := n.minimum; b != nil {
		if c := b.compare(v); c < 0 || c == outside {
			ok = w.fault(n, "minimum", textMinimum(b.text))
		}
	}
	if b := n.maximum; b != nil && b.compare(v) > 0 {
		ok = w.fault(n, "maximum", textMaximum(b.text))
	}
	if b := n.above; b != nil {
		if c := b.compare(v); c <= 0 || c == outside {
			ok = w.fault(n, "exclusiveMinimum", textAbove(b.text))
		}
	}
	if b := n.below; b != nil && b.compare(v) >= 0 {
		ok = w.fault(n, "exclusiveMaximum", textBelow(b.text))
	}
	if n.multipleOf != nil && !multiple(v, n.multipleOf) {
		ok = w.fault(n, "multipleOf", textMultiple(n.multipleText))
	}
	return w.format(n, boxed) && ok
}

func (w *walker) array(n *node, list []any) bool {
	ok := true
	if len(list) < n.minItems {
		ok = w.fault(n, "minItems", textMinItems(n.minItems))
	}
	if n.maxItems >= 0 && len(list) > n.maxItems {
		return w.fault(n, "maxItems", textMaxItems(n.maxItems)) // the items are not looked at: there may be very many
	}
	if n.unique && ok {
		if i := repeated(list); i >= 0 {
			w.push(step{index: i})
			ok = w.fault(n, "uniqueItems", "must not repeat an earlier item")
			w.pop()
		}
	}
	for i, v := range list {
		if !ok && w.hasty() {
			return false
		}
		item := n.items
		if i < len(n.prefix) {
			item = n.prefix[i]
		}
		if item != nil && !w.enter(item, v, step{index: i}) {
			ok = false
		}
	}
	return w.contains(n, list) && ok
}

func (w *walker) enter(n *node, v any, s step) bool {
	w.push(s)
	ok := w.walk(n, v)
	w.pop()
	return ok
}

// push and pop keep the path, which only faults need.
func (w *walker) push(s step) {
	if w.sink != nil {
		w.path = append(w.path, s)
	}
}

func (w *walker) pop() {
	if w.sink != nil {
		w.path = w.path[:len(w.path)-1]
	}
}

func (w *walker) contains(n *node, list []any) bool {
	if n.contains == nil {
		return true
	}
	least, matched := max(n.minContains, 0), 0
	if n.minContains < 0 {
		least = 1
	}
	for _, v := range list {
		if w.would(n.contains, v) {
			matched++
		}
	}
	ok := true
	if matched < least {
		ok = w.fault(n, "contains", textContains(least))
	}
	if n.maxContains >= 0 && matched > n.maxContains {
		ok = w.fault(n, "maxContains", textMaxContains(n.maxContains))
	}
	return ok
}

// would tells whether a value fits, without telling faults.
func (w *walker) would(n *node, v any) bool {
	quiet := walker{schema: w.schema, steps: w.steps}
	ok := quiet.walk(n, v)
	w.steps = quiet.steps
	return ok
}

// compose applies what $ref, allOf, anyOf, oneOf, not and if say of the same value.
func (w *walker) compose(n *node, v any) bool {
	ok := n.ref == nil || w.walk(n.ref, v)
	for _, m := range n.allOf {
		if !ok && w.hasty() {
			return false
		}
		ok = w.walk(m, v) && ok
	}
	if len(n.anyOf) > 0 && (ok || !w.hasty()) {
		ok = w.any(n, v) && ok
	}
	if len(n.oneOf) > 0 && (ok || !w.hasty()) {
		ok = w.one(n, v) && ok
	}
	if n.not != nil && w.would(n.not, v) {
		ok = w.fault(n, "not", "must not have this form")
	}
	if n.when != nil && (ok || !w.hasty()) {
		branch := n.otherwise
		if w.would(n.when, v) {
			branch = n.then
		}
		ok = (branch == nil || w.walk(branch, v)) && ok
	}
	return ok
}

func (w *walker) any(n *node, v any) bool {
	for _, m := range n.anyOf {
		if w.would(m, v) {
			return true
		}
	}
	return w.noBranch(n, "anyOf", n.anyOf, v)
}

func (w *walker) one(n *node, v any) bool {
	matched := 0
	for _, m := range n.oneOf {
		if w.would(m, v) {
			matched++
		}
		if matched > 1 {
			return w.fault(n, "oneOf", "fits more than one of the allowed forms and must fit exactly one")
		}
	}
	return matched == 1 || w.noBranch(n, "oneOf", n.oneOf, v)
}
