package contract

import (
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// formFields compiles the fields of a form: the members of its schema, each in
// the style and media type of its encoding object (OAS 3.1 §4.8.15).
func (c *compiler) formFields(m *Media, pointer string) error {
	if allowed(m.Schema.root)&kindObject == 0 {
		return &compileError{pointer + "/schema", "a form that is no object", "a form has fields", "state type: object"}
	}
	object, _ := c.at(pointer).(map[string]any)
	encoding, _ := object["encoding"].(map[string]any)
	m.fields, m.rest = map[string]*Param{}, nil
	for _, n := range together(m.Schema.root) {
		for name, p := range n.properties {
			if m.fields[name] == nil {
				m.fields[name] = c.formField(m, name, p)
			}
		}
		if n.additional != nil && m.rest == nil {
			m.rest = c.formField(m, "", n.additional)
		}
	}
	if m.rest == nil {
		m.rest = c.formField(m, "", &node{})
	}
	takes := ""
	for _, name := range sortedKeys(encoding) {
		at := pointer + "/encoding/" + strictjson.EscapeToken(name)
		p := m.fields[name]
		if p == nil {
			return &compileError{at, "an encoding for a field that the schema does not name", "it would have no effect", "name a member of the schema, or remove it"}
		}
		stated, _ := encoding[name].(map[string]any)
		if err := c.encode(m, p, stated, at); err != nil {
			return err
		}
		if p.rest && takes != "" {
			return &compileError{at, "a second field whose members may have any name", "the field " + clip(takes) + " takes them", "state style: deepObject for one of them"}
		} else if p.rest {
			takes = name
		}
	}
	return nil
}

// formField is a field as it stands in a form without an encoding object:
// arrays as repeated fields, objects as JSON.
func (c *compiler) formField(m *Media, name string, root *node) *Param {
	s := &Schema{root: root, nodes: m.Schema.nodes, shape: c.shapeOf([]applied{{node: root, sure: true}})}
	p := &Param{Name: name, In: inForm, Style: "form", Explode: true, Schema: s, form: newForm(s, true), part: &Part{Max: -1}}
	switch {
	case p.form.object():
		p.JSON = true
	case !p.form.item.text():
		p.jsonItems = true
	}
	if m.Multipart && root.lib != nil {
		p.part = c.partOf(root)
	}
	return p
}

// encode applies an encoding object to a field. Style and explode speak of
// url-encoded forms, and since OpenAPI 3.1 of multipart/form-data too.
func (c *compiler) encode(m *Media, p *Param, stated map[string]any, pointer string) error {
	types := mediaTypes(text(stated["contentType"]))
	_, styled := stated["style"]
	_, exploded := stated["explode"]
	inStyle := (styled || exploded) && (m.Form || !c.v30)
	texts := slices.DeleteFunc(slices.Clone(types), func(t string) bool { return !Textual(t) })
	if m.Multipart {
		p.part.File = p.part.File || !inStyle && len(types) > 0 && len(texts) == 0
	}
	switch {
	case p.part.File:
		if inStyle && (styled && text(stated["style"]) != "form" || stated["explode"] == false) {
			return &compileError{pointer, "a file in a style", "files are parts of their own", "remove style and explode"}
		}
		if len(types) > 0 {
			p.part.Types = types
		}
	case inStyle: // contentType says nothing then
		p.JSON, p.jsonItems, p.styled = false, false, m.Multipart
		if err := p.setStyle(stated, pointer); err != nil {
			return err
		}
		if err := p.fitStyle(pointer); err != nil {
			return err
		}
		return p.fitParts(pointer)
	default:
		if slices.ContainsFunc(types, isJSON) { // of each item, where there are items
			p.jsonItems = p.form.list()
			p.JSON = !p.jsonItems
		}
		p.part.Types = texts
	}
	return nil
}

// anyBytes tells whether a media type says no more than that there are bytes (RFC
// 2046 §4.5.1): generators state it of every file.
func anyBytes(mediaType string) bool { return mediaType == "application/octet-stream" }

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
// contentMediaType without contentEncoding (OAS 3.1), in it or in its items. Of
// several sizes the strictest holds.
func (c *compiler) partOf(root *node) *Part {
	part := &Part{Max: -1}
	nodes := together(root)
	for _, n := range nodes {
		if n.items != nil {
			nodes = append(nodes, together(n.items)...)
		}
	}
	for _, n := range nodes {
		object, _ := c.at(c.pointerOf(n.lib, "\x00")).(map[string]any)
		kind, _ := object["contentMediaType"].(string)
		_, encoded := object["contentEncoding"]
		part.Types = append(part.Types, slices.DeleteFunc(mediaTypes(kind), anyBytes)...)
		part.File = part.File || kind != "" && !encoded || object["format"] == "binary" || object[binaryMark] == true
		part.Min = max(part.Min, int64(n.minLength))
		if most := int64(n.maxLength); most >= 0 && (part.Max < 0 || most < part.Max) {
			part.Max = most
		}
	}
	if !part.File {
		return &Part{Max: -1}
	}
	return part
}
