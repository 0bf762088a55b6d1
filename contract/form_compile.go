package contract

import (
	"slices"
	"strings"
)

// formFields compiles the fields of a form: the members of its schema, each in
// the style and media type of its encoding object (OAS 3.1 §4.8.15).
func (c *compiler) formFields(m *Media, pointer string) error {
	if f := newForm(m.Schema, false); f.types&kindObject == 0 {
		return &compileError{pointer + "/schema", "a form that is no object", "a form has fields", "state type: object"}
	}
	object, _ := c.at(pointer).(map[string]any)
	encoding, _ := object["encoding"].(map[string]any)
	all := spread([]applied{{m.Schema.root, true}})
	m.fields = map[string]*Param{}
	m.rest = c.formField(m, "", nil)
	for _, a := range all {
		for name := range a.node.properties {
			if m.fields[name] == nil {
				m.fields[name] = c.formField(m, name, propertyNodes(all, name))
			}
		}
		if a.node.additional != nil && len(m.rest.Schema.root.allOf) == 0 {
			m.rest = c.formField(m, "", []*node{a.node.additional})
		}
	}
	for _, name := range sortedKeys(encoding) {
		at := pointer + "/encoding/" + escapeToken(name)
		p := m.fields[name]
		if p == nil {
			return &compileError{at, "an encoding for a field that the schema does not name", "it would have no effect", "name a member of the schema, or remove it"}
		}
		stated, _ := encoding[name].(map[string]any)
		if err := c.encode(m, p, stated, at); err != nil {
			return err
		}
	}
	return nil
}

// propertyNodes are the schemas that apply to a member.
func propertyNodes(all []applied, name string) []*node {
	var nodes []*node
	for _, a := range all {
		if n := a.node.properties[name]; n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// formField is a field as it stands in a form without an encoding object:
// arrays as repeated fields, objects as JSON.
func (c *compiler) formField(m *Media, name string, nodes []*node) *Param {
	root := &node{minFields: -1, maxFields: -1, minItems: -1, maxItems: -1, minContains: -1, maxContains: -1, minLength: -1, maxLength: -1}
	if len(nodes) > 0 {
		root = nodes[0]
	}
	s := &Schema{root: root, way: request, nodes: m.Schema.nodes, shape: c.shapeOf([]applied{{root, true}})}
	p := &Param{Name: name, In: inForm, Style: "form", Explode: true, Schema: s, form: newForm(s, true), part: &Part{Max: -1}}
	switch {
	case p.form.object():
		p.JSON = true
	case p.form.list() && p.form.item != nil && p.form.item.object():
		p.jsonItems = true
	}
	if m.Multipart && len(nodes) > 0 {
		p.part = c.partOf(root)
	}
	return p
}

// encode applies an encoding object to a field.
func (c *compiler) encode(m *Media, p *Param, stated map[string]any, pointer string) error {
	types := mediaTypes(text(stated["contentType"]))
	_, styled := stated["style"]
	_, exploded := stated["explode"]
	switch {
	case m.Multipart && p.part.File:
		p.part.Types = types
	case len(types) > 0 && slices.ContainsFunc(types, isJSON):
		if p.form.list() && p.form.item != nil && !exploded && !styled {
			p.jsonItems = true
		}
		p.JSON = !p.jsonItems
	case m.Multipart && len(types) > 0 && !slices.ContainsFunc(types, textual):
		p.part.File, p.part.Types = true, types
	case m.Form && (styled || exploded):
		p.JSON, p.jsonItems = false, false
		p.Style = "form"
		if styled {
			p.Style = text(stated["style"])
		}
		if !slices.Contains(styles["query"], p.Style) {
			return &compileError{pointer + "/style", "a style that does not go with a form", "OpenAPI allows " + listed(styles["query"], " or "), "correct or remove style"}
		}
		p.Explode = p.Style == "form" || p.Style == "deepObject"
		if e, ok := stated["explode"].(bool); ok && p.Style != "deepObject" {
			p.Explode = e
		}
		return p.fitStyle(pointer)
	}
	return nil
}

func textual(mediaType string) bool { return strings.HasPrefix(mediaType, "text/") }

// mediaTypes reads the list of media types of an encoding object.
func mediaTypes(list string) []string {
	var types []string
	for t := range strings.SplitSeq(list, ",") {
		if name := mediaName(t); name != "" {
			types = append(types, name)
		}
	}
	return types
}

// partOf tells whether a schema describes a file: format binary (OAS 3.0), or
// contentMediaType without contentEncoding (OAS 3.1), in it or in its items.
func (c *compiler) partOf(root *node) *Part {
	part := &Part{Max: -1}
	nodes := spread([]applied{{root, true}})
	for _, a := range nodes {
		if a.node.items != nil {
			nodes = append(nodes, spread([]applied{{a.node.items, true}})...)
		}
	}
	for _, a := range nodes {
		object, _ := c.at(c.pointerOf(a.node.lib, "\x00")).(map[string]any)
		kind, _ := object["contentMediaType"].(string)
		_, encoded := object["contentEncoding"]
		if object["format"] != "binary" && object[binaryMark] != true && (kind == "" || encoded) {
			continue
		}
		part.File = true
		if kind != "" {
			part.Types = mediaTypes(kind)
		}
		part.Min = int64(max(a.node.minLength, 0))
		if a.node.maxLength >= 0 {
			part.Max = int64(a.node.maxLength)
		}
	}
	return part
}
