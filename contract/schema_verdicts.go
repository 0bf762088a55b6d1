package contract

import "reflect"

// verdicts are what was found of objects and lists in branches. Where branches call
// each other the same question comes up again and again, two to the depth of the
// value times; each is answered once.
type verdicts struct{ of map[question]bool }

// question is whether the value at an address fits a node. Values are held and do
// not change while they are walked.
type question struct {
	node *node
	at   uintptr
	size int
}

// askedOften is the number of steps from which answers are kept: most values take
// far fewer, and should cost nothing.
const askedOften = 2_000

// keyOf is the question under which an answer is kept, if it is.
func (w *walker) keyOf(n *node, v any) (q question, keep bool) {
	if w.steps < askedOften {
		return q, false
	}
	switch t := v.(type) {
	case map[string]any:
		q = question{n, reflect.ValueOf(t).Pointer(), -1}
	case []any:
		q = question{n, reflect.ValueOf(t).Pointer(), len(t)}
	}
	if q.size == 0 {
		return q, false
	}
	if w.known == nil {
		w.known = &verdicts{map[question]bool{}}
	}
	return q, true
}
