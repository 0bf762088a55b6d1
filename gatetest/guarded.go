package gatetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// guarded is a member of a body that only some roles may set.
type guarded struct {
	steps  []step // from the body to it
	schema any
	roles  []string
	stated *any     // where the contract says so
	refs   []string // the references on the way
}

// step leads from an object to a member, or from a list to its first item.
type step struct {
	name   string
	list   bool
	of     map[string]any // the schema of the object or list
	anew   bool           // what is there fits another branch of it
	schema any            // of what it leads to
}

func (g guarded) pointer() string {
	var b strings.Builder
	for _, s := range g.steps {
		b.WriteByte('/')
		if s.list {
			b.WriteByte('0')
		}
		b.WriteString(strictjson.EscapeToken(s.name))
	}
	return b.String()
}

// again tells whether other is the same member by the same statement.
func (g guarded) again(other guarded) bool {
	return g.pointer() == other.pointer() && g.stated == other.stated
}

// maxNesting is how deep members are looked for.
const maxNesting = 8

// members are the members under a schema that write_roles leaves to some.
func (d *document) members(schema any, in guarded) []guarded {
	if len(in.steps) == maxNesting {
		return nil
	}
	var out []guarded
	for i, shape := range d.shapes(schema, in.refs) {
		for _, s := range inside(shape.schema) {
			s.of, s.anew = shape.schema, i > 0
			g := guarded{steps: append(slices.Clone(in.steps), s), schema: s.schema, refs: slices.Concat(in.refs, shape.refs)}
			g.roles, g.stated = d.writers(s.schema)
			found := []guarded{g}
			if g.roles == nil {
				found = d.members(s.schema, g)
			}
			for _, g := range found {
				if !slices.ContainsFunc(out, g.again) {
					out = append(out, g)
				}
			}
		}
	}
	return out
}

// shape is a schema with one of its branches each, and the references that make
// it up.
type shape struct {
	schema map[string]any
	refs   []string
}

// shapes are those of a schema below some references: none when it comes back to
// one of them. It comes back only that way, for the contract refuses a schema that
// refers to itself without going into a member or an item.
func (d *document) shapes(schema any, above []string) []shape {
	refs := refers(schema)
	if slices.ContainsFunc(refs, func(ref string) bool { return slices.Contains(above, ref) }) {
		return nil
	}
	whole := d.joined(schema, maxDepth)
	without := maps.Clone(whole)
	delete(without, "oneOf")
	delete(without, "anyOf")
	out := []shape{{without, refs}}
	for _, key := range []string{"oneOf", "anyOf"} {
		branches, _ := whole[key].([]any)
		if len(branches) == 0 {
			continue
		}
		var both []shape
		for _, branch := range branches {
			for _, b := range d.shapes(branch, above) {
				for _, s := range out {
					both = append(both, shape{merge(s.schema, b.schema), slices.Concat(s.refs, b.refs)})
				}
			}
		}
		out = both
	}
	return out
}

// refers are the references of a schema itself, whatever branch is taken.
func refers(schema any) []string {
	m, _ := schema.(map[string]any)
	var out []string
	if ref, ok := m["$ref"].(string); ok {
		out = append(out, ref)
	}
	all, _ := m["allOf"].([]any)
	for _, part := range all {
		out = append(out, refers(part)...)
	}
	return out
}

// inside are the members of the objects of a schema, one for each pattern and for
// all others, and the first item of its lists.
func inside(shape map[string]any) []step {
	var out []step
	properties, _ := shape["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		out = append(out, step{name: name, schema: properties[name]})
	}
	patterns, _ := shape["patternProperties"].(map[string]any)
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		out = append(out, step{name: matching(pattern, 1), schema: patterns[pattern]})
	}
	if others, ok := shape["additionalProperties"].(map[string]any); ok {
		out = append(out, step{name: "gatetest", schema: others})
	}
	if items, ok := shape["items"].(map[string]any); ok {
		out = append(out, step{list: true, schema: items})
	}
	return out
}

// writers are the roles that a schema leaves a value to, nil for all, and where
// it says so.
func (d *document) writers(schema any) (roles []string, stated *any) {
	return writeRoles(d.joined(schema, maxDepth))
}

func writeRoles(m map[string]any) (roles []string, stated *any) {
	statements, _ := m["x-gatehouse"].(map[string]any)
	list, _ := statements["write_roles"].([]any)
	for i, v := range list {
		if role, ok := v.(string); ok {
			roles, stated = append(roles, role), &list[i]
		}
	}
	return roles, stated
}

// missing are the places under v that state write_roles and are not found, as
// JSON Pointers (RFC 6901) below it.
func (d *document) missing(v any, found []guarded) []string {
	var out []string
	seen := map[string]bool{}
	var look func(v any, at string)
	look = func(v any, at string) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && !seen[ref] {
				seen[ref] = true
				look(d.follow(v), at)
			}
			_, stated := writeRoles(v)
			if stated != nil && !slices.ContainsFunc(found, func(g guarded) bool { return g.stated == stated }) {
				out = append(out, at)
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				look(v[key], at+"/"+strictjson.EscapeToken(key))
			}
		case []any:
			for i, item := range v {
				look(item, fmt.Sprint(at, "/", i))
			}
		}
	}
	look(v, "")
	return out
}

// bodyWith is the body of o with a member set, and what it stands in.
func (d *document) bodyWith(o *operation, g guarded) ([]byte, error) {
	v, err := d.with(o.value, g.steps, g.schema)
	if err != nil {
		return nil, err
	}
	return encodeBody(o.op.Body.Content[o.bare], v)
}

// with is a copy of v with a value that fits a schema at the end of the steps.
func (d *document) with(v any, steps []step, schema any) (any, error) {
	if len(steps) == 0 {
		return d.value(schema)
	}
	s := steps[0]
	list, isList := v.([]any)
	object, isObject := v.(map[string]any)
	if s.anew || s.list != isList || s.list == isObject {
		made, err := d.value(s.of)
		if err != nil {
			return nil, err
		}
		list, isList = made.([]any)
		object, isObject = made.(map[string]any)
	}
	var err error
	switch {
	case s.list && isList:
		if list = slices.Clone(list); len(list) == 0 {
			list = []any{nil}
		}
		list[0], err = d.with(list[0], steps[1:], schema)
		return list, err
	case !s.list && isObject:
		object = maps.Clone(object)
		object[s.name], err = d.with(object[s.name], steps[1:], schema)
		return object, err
	}
	return nil, errors.New("there is nothing to put it into")
}
