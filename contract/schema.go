package contract

import (
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/problem"
)

// Schema is one compiled JSON Schema (2020-12; 3.0 schemas are translated to
// it). It is immutable and safe for use by many goroutines.
//
// The document is read and compiled by santhosh-tekuri/jsonschema. Values are
// checked by a walk of our own over what it compiled, because a refusal must
// carry our texts and no input, must not grow with the number of faults, and an
// accepted value should cost nothing; schemas with $dynamicRef or unevaluated…
// go through the library's own evaluator.
type Schema struct {
	root  *node
	shape *shape
	way   direction
	nodes map[string]*node // of the document by location, for the faults that the library finds
	whole bool             // the library evaluates all of it: dynamic references

	private bool // some member is shown to some roles only
}

// direction is the way a value travels. A read-only member is not asked of a
// request, a write-only one not of an answer.
type direction uint8

const (
	anyWay direction = iota
	request
	answer
)

// maxFaults is how many faults one refusal tells: enough to mend any form, and
// no way to make a small request grow into a large answer.
const maxFaults = 100

// Validate checks a value as strictjson.Decode gives it and returns every
// fault (the first hundred), sorted by pointer; nil when there is none. No fault
// quotes the value. Code is the keyword that was broken, "unknown_field" for a
// member that the schema closes out.
func (s *Schema) Validate(v any) []problem.Field {
	hasty := walker{schema: s}
	if hasty.begin(v) {
		return nil
	}
	w := walker{schema: s, sink: &sink{}, steps: hasty.steps, known: hasty.known}
	w.begin(v)
	if len(w.sink.faults) == 0 { // never a refusal without a reason
		w.fault(s.root, "invalid", "does not fit the contract")
	}
	return w.sink.fields()
}

// Prepare does to a value, as strictjson.Decode gives it, what the contract
// says before it is validated: unknown members are stripped (policy strip),
// strings trimmed, "" made null where `empty: null` is stated, defaults filled
// in, and integers written as 2.0 or 2e0 made 2, if that has 40 digits at most. The
// value itself is never touched; out is v when nothing changed. unknown lists the members that no
// schema names (policies reject and report) and the read-only ones of a request.
//
// Known are the members that properties or patternProperties name in the schema
// or in any $ref, allOf, anyOf, oneOf, if/then/else or dependentSchemas that
// applies in the same place: the union, since what one branch names another may
// not refuse as unheard of. An object whose schema states additionalProperties or
// unevaluatedProperties as anything but false knows all members, and so does one
// whose schema names none at all, for it says nothing else than "an object".
// Trimming, empty and defaults follow properties, items, $ref and allOf, and the
// branch of an anyOf or oneOf whose only alternative is null.
func (s *Schema) Prepare(v any, u Unknown) (out any, changed bool, unknown []problem.Field) {
	if s.shape.settled(v) { // most parameters: without anything on the heap
		return v, false, nil
	}
	p := preparer{policy: u, way: s.way, role: anyRole}
	out, changed = p.whole(s.shape, v)
	if p.numbers {
		plain, numbers := s.shape.plain(out)
		out, changed = plain, changed || numbers
	}
	return out, changed, p.sink.fields()
}

// sink collects faults.
type sink struct {
	faults []fault
}

// fault is a Field before it is told, with what condensing needs to know.
type fault struct {
	problem.Field
	depth int      // how deep in the value
	types kindMask // for "type": what would have been right
}

// broken is a fault before it is known of what value.
func broken(keyword, message string) fault {
	return fault{Field: problem.Field{Code: keyword, Message: message}}
}

func (s *sink) full() bool { return len(s.faults) >= maxFaults }

// tell notes a fault of the value at a place.
func (s *sink) tell(path []step, f fault) {
	if s.full() {
		return
	}
	f.Field.Field, f.Pointer = pathText(path)
	f.depth = len(path)
	s.faults = append(s.faults, f)
}

// fields returns what was found, sorted and each thing once.
func (s *sink) fields() []problem.Field {
	if len(s.faults) == 0 {
		return nil
	}
	out := make([]problem.Field, len(s.faults))
	for i, f := range s.faults {
		out[i] = f.Field
	}
	return tidy(out)
}

// tidy sorts fields by pointer, so that an answer does not depend on the order
// of a map, and drops repetitions.
func tidy(fields []problem.Field) []problem.Field {
	slices.SortStableFunc(fields, func(a, b problem.Field) int {
		if c := strings.Compare(a.Pointer, b.Pointer); c != 0 {
			return c
		}
		return strings.Compare(a.Code, b.Code)
	})
	return slices.CompactFunc(fields, func(a, b problem.Field) bool {
		return a.Pointer == b.Pointer && a.Code == b.Code
	})
}
