package contract

import (
	"encoding/json"
	"unicode/utf8"
)

// maxSteps bounds the work on one value, and maxTelling what of it goes into saying
// why no branch fits: where branches call each other, that takes time exponential
// in the depth of the value.
const (
	maxSteps   = 1_000_000
	maxTelling = 5_000
)

// walker checks one value. Without a sink it stops at the first fault.
type walker struct {
	schema *Schema
	sink   *sink
	failed bool
	path   []step
	trail  []frame // the nodes being applied, outermost first
	steps  int

	branch  bool // what is walked is a branch that does not fit
	telling int  // steps in such branches
	known   *verdicts
}

// step is one move into the value: to a member, or to an item of a list.
type step struct {
	name  string
	index int
	item  bool
}

// frame is a node being applied at a depth of the value.
type frame struct {
	node  *node
	depth int
}

// begin tells whether the value fits.
func (w *walker) begin(v any) bool {
	root := w.schema.root
	if w.schema.whole {
		w.library(root, v)
	} else {
		w.walk(root, v)
	}
	if w.steps > maxSteps { // whatever a "not" made of a check that was cut short
		w.fault(root, "complexity", "is too intricate to be checked")
	}
	return !w.failed
}

// done tells whether nothing that is still to come could make a difference.
func (w *walker) done() bool {
	return w.cut() || w.failed && (w.sink == nil || w.sink.full())
}

// cut tells whether the walk ended before its time.
func (w *walker) cut() bool { return w.steps > maxSteps || w.branch && w.telling > maxTelling }

func (w *walker) walk(n *node, v any) {
	if n.accepts == always || w.done() {
		return
	}
	w.steps++
	if w.branch {
		w.telling++
	}
	outer := w.trail
	if w.sink != nil {
		w.trail = append(w.trail, frame{n, len(w.path)})
	}
	w.apply(n, v)
	w.trail = outer
}

func (w *walker) apply(n *node, v any) {
	switch kind := kindOf(v); {
	case n.accepts == never:
		w.fault(n, "not_allowed", textNotAllowed)
	case n.delegate:
		w.library(n, v)
	case n.types != 0 && !n.types.fits(kind, v) || kind == 0:
		w.wrongType(n, n.types)
	case n.constant != nil && !same(v, *n.constant):
		w.fault(n, "const", textConst(*n.constant))
	case n.enum != nil && !n.lists(v):
		w.fault(n, "enum", textEnum(n.enum))
	default:
		w.inside(n, v)
		w.compose(n, v)
	}
}

// lists tells whether a value is one of enum. A number is read once, however many
// there are.
func (n *node) lists(v any) bool {
	if number, ok := v.(json.Number); ok {
		return n.numbers[numeralOf(number)]
	}
	for _, e := range n.enum {
		if same(e, v) {
			return true
		}
	}
	return false
}

// inside applies the keywords that are about values of one type.
func (w *walker) inside(n *node, v any) {
	switch t := v.(type) {
	case string:
		w.text(n, t, v)
	case json.Number:
		w.number(n, t, v)
	case map[string]any:
		w.object(n, t)
	case []any:
		w.array(n, t)
	}
}

// text checks a string; boxed is the string as it came, which formats take. An
// empty string that must not be empty breaks pattern and format too; saying so
// would help nobody.
func (w *walker) text(n *node, s string, boxed any) {
	length := utf8.RuneCountInString(s)
	if length < n.minLength {
		w.fault(n, "minLength", textMinLength(n.minLength))
		return
	}
	if n.maxLength >= 0 && length > n.maxLength {
		w.fault(n, "maxLength", textMaxLength(n.maxLength))
		return
	}
	if n.pattern != nil && !n.pattern.MatchString(s) {
		w.fault(n, "pattern", textPattern(n.pattern.String()))
	}
	w.format(n, boxed)
}

func (w *walker) format(n *node, v any) {
	if n.format != nil && n.format.Validate(v) != nil {
		w.fault(n, "format", textFormat(n.format.Name))
	}
}

func (w *walker) number(n *node, v json.Number, boxed any) {
	for _, b := range n.bounds {
		if b.compare(v)&b.allows == 0 {
			w.fault(n, b.keyword, b.text)
		}
	}
	if n.multipleOf != nil && !n.multipleOf.divides(v) {
		w.fault(n, "multipleOf", textMultiple(ratText(n.multipleOf.Rat)))
	}
	w.format(n, boxed)
}

func (w *walker) array(n *node, list []any) {
	if len(list) < n.minItems {
		w.fault(n, "minItems", textMinItems(n.minItems))
	}
	if n.maxItems >= 0 && len(list) > n.maxItems {
		w.fault(n, "maxItems", textMaxItems(n.maxItems)) // the items are not looked at: there may be very many
		return
	}
	if n.unique {
		if i, found := repeated(list); found {
			w.push(step{index: i, item: true})
			w.fault(n, "uniqueItems", "must not repeat an earlier item")
			w.pop()
		}
	}
	for i, v := range list {
		item := n.items
		if i < len(n.prefix) {
			item = n.prefix[i]
		}
		if item == nil {
			break
		}
		w.enter(item, v, step{index: i, item: true})
	}
	w.contains(n, list)
}

func (w *walker) enter(n *node, v any, s step) {
	w.push(s)
	w.walk(n, v)
	w.pop()
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

func (w *walker) contains(n *node, list []any) {
	if n.contains == nil {
		return
	}
	matched := 0
	for _, v := range list {
		if w.would(n.contains, v) {
			matched++
		}
	}
	if matched < n.minContains {
		w.fault(n, "contains", textContains(n.minContains))
	}
	if n.maxContains >= 0 && matched > n.maxContains {
		w.fault(n, "maxContains", textMaxContains(n.maxContains))
	}
}

// would tells whether a value fits, without telling faults. When the walk is
// done it says no without looking.
func (w *walker) would(n *node, v any) bool {
	key, keep := w.keyOf(n, v)
	if keep {
		if fits, met := w.known.of[key]; met {
			return fits
		}
	}
	quiet := walker{schema: w.schema, steps: w.steps, failed: w.done(), branch: w.branch, telling: w.telling, known: w.known}
	looked := !quiet.failed
	quiet.walk(n, v)
	w.steps, w.telling, w.known = quiet.steps, quiet.telling, quiet.known
	if keep && looked && !quiet.cut() {
		w.known.of[key] = !quiet.failed
	}
	return !quiet.failed
}

// compose applies what $ref, allOf, anyOf, oneOf, not and if say of the same value.
func (w *walker) compose(n *node, v any) {
	if n.ref != nil {
		w.walk(n.ref, v)
	}
	for _, m := range n.allOf {
		w.walk(m, v)
	}
	if len(n.anyOf) > 0 {
		w.any(n, v)
	}
	if len(n.oneOf) > 0 {
		w.one(n, v)
	}
	if n.not != nil && w.would(n.not, v) {
		w.fault(n, "not", "must not have this form")
	}
	if n.when != nil {
		branch := n.otherwise
		if w.would(n.when, v) {
			branch = n.then
		}
		if branch != nil {
			w.walk(branch, v)
		}
	}
}

func (w *walker) any(n *node, v any) {
	if n.oneOf == nil && w.chosen(n, v) {
		return
	}
	for _, m := range n.anyOf {
		if w.would(m, v) {
			return
		}
	}
	w.noBranch(n, "anyOf", n.anyOf, v)
}

func (w *walker) one(n *node, v any) {
	if w.chosen(n, v) {
		return
	}
	matched := 0
	for _, m := range n.oneOf {
		if w.would(m, v) {
			matched++
		}
	}
	switch matched {
	case 0:
		w.noBranch(n, "oneOf", n.oneOf, v)
	case 1:
	default:
		w.fault(n, "oneOf", textTwoForms)
	}
}
