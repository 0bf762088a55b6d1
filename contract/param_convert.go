package contract

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// form is what texts are converted to: the types that a schema allows, and of
// arrays and objects those of their parts.
type form struct {
	types  kindMask
	whole  bool // integers without format are held to 64 bits
	schema *Schema
	item   *form
	fields map[string]*form
	rest   *form // members that fields does not name
}

func (f *form) may(k kindMask) bool { return f.types&k != 0 }

func (f *form) list() bool { return f.may(kindArray) && f.types != anyKind }

func (f *form) object() bool { return f.may(kindObject) && f.types != anyKind }

// text tells whether a text can be a value of the form; null has none.
func (f *form) text() bool { return f == nil || f.may(kindBoolean|kindInteger|kindNumber|kindString) }

// anyKind is what a schema without a word on types allows.
const anyKind = kindNull | kindBoolean | kindInteger | kindNumber | kindString | kindArray | kindObject

// allowed are the types that a value may have to fit n; a number may be an
// integer.
func allowed(n *node) kindMask {
	m := anyKind
	if n.types != 0 {
		m = widened(n.types)
	}
	if n.enum != nil {
		var values kindMask
		for _, v := range n.enum {
			values |= widened(kindOf(v))
		}
		m &= values
	}
	if n.constant != nil {
		m &= widened(kindOf(*n.constant))
	}
	if n.ref != nil {
		m &= allowed(n.ref)
	}
	for _, sub := range n.allOf {
		m &= allowed(sub)
	}
	for _, branches := range [][]*node{n.anyOf, n.oneOf} {
		var any kindMask
		for _, sub := range branches {
			any |= allowed(sub)
		}
		if len(branches) > 0 {
			m &= any
		}
	}
	return m
}

func widened(m kindMask) kindMask {
	if m&kindNumber != 0 {
		m |= kindInteger
	}
	return m
}

// newForm reads the form of a schema; parts are looked into as deep as parameter
// styles go: the members of an object, and of a member the items.
func newForm(s *Schema, parts bool) *form {
	f := &form{types: allowed(s.root), schema: s}
	all := together(s.root)
	f.whole = !f.may(kindNumber) && !slices.ContainsFunc(all, func(n *node) bool { return n.format != nil })
	if !parts {
		return f
	}
	plain := func(n *node) *form { return newForm(&Schema{root: n, way: s.way, nodes: s.nodes}, false) }
	part := func(n *node) *form {
		f := plain(n)
		for _, m := range together(n) { // a member may be a list of its own
			if m.items != nil && f.item == nil {
				f.item = plain(m.items)
			}
		}
		return f
	}
	f.fields = map[string]*form{}
	for _, n := range all {
		if n.items != nil && f.item == nil {
			f.item = part(n.items)
		}
		if n.additional != nil && f.rest == nil {
			f.rest = part(n.additional)
		}
		for name, p := range n.properties {
			if f.fields[name] == nil {
				f.fields[name] = part(p)
			}
		}
	}
	return f
}

// together are all schemas that apply to a value through $ref, allOf and branches,
// root itself the first.
func together(root *node) []*node {
	var nodes []*node
	for _, a := range spread([]applied{{node: root}}) {
		nodes = append(nodes, a.node)
	}
	return nodes
}

// convert makes a value of the texts.
func (p *Param) convert(t texts) (any, []problem.Field) {
	switch {
	case p.JSON:
		v, err := strictjson.Decode([]byte(t.parts[0]))
		if err != nil {
			return nil, p.fault("", "json", "must be JSON: "+err.Error())
		}
		return v, nil
	case p.form.object():
		return p.convertObject(t.parts)
	case p.form.list():
		list := make([]any, 0, len(t.parts))
		var faults []problem.Field
		for i := 0; i < len(t.parts) && len(faults) < maxFaults; i++ {
			v, code, message := p.item(t.parts[i])
			if code != "" {
				faults = append(faults, p.fault("/"+strconv.Itoa(i), code, message)...)
			}
			list = append(list, v)
		}
		return list, faults
	}
	v, code, message := p.form.scalar(t.parts[0])
	if code != "" {
		return nil, p.fault("", code, message)
	}
	return v, nil
}

// item converts one item of an array.
func (p *Param) item(text string) (v any, code, message string) {
	if !p.jsonItems {
		return p.form.item.scalar(text)
	}
	v, err := strictjson.Decode([]byte(text))
	if err != nil {
		return nil, "json", "must be JSON: " + err.Error()
	}
	return v, "", ""
}

func (p *Param) convertObject(parts []string) (any, []problem.Field) {
	if len(parts)%2 != 0 {
		return nil, p.fault("", "type", "must be names and values by turns")
	}
	object := make(map[string]any, len(parts)/2)
	var faults []problem.Field
	for i := 0; i < len(parts) && len(faults) < maxFaults; i += 2 {
		name, where := parts[i], ""
		if nameable(parts[i]) {
			where = "/" + strictjson.EscapeToken(name)
		}
		f := p.form.fields[name]
		if f == nil {
			f = p.form.rest
		}
		have, twice := object[name]
		list := f != nil && f.list() && p.spreads()
		if twice && !list {
			faults = append(faults, p.fault("", "repeated", "must give each member once")...)
			continue
		}
		items, _ := have.([]any)
		if list {
			f = f.item
			if where != "" {
				where += "/" + strconv.Itoa(len(items))
			}
		}
		v, code, message := f.scalar(parts[i+1])
		if code != "" {
			faults = append(faults, p.fault(where, code, message)...)
		}
		if object[name] = v; list {
			object[name] = append(items, v)
		}
	}
	return object, faults
}

// spreads tells whether each member of an object stands by itself, so that one
// may be repeated.
func (p *Param) spreads() bool {
	return p.Explode && (p.In == "query" || p.In == "cookie" || p.In == inForm)
}

// scalar converts one text. Where several types are allowed the first that fits
// the schema wins: number, boolean, string.
func (f *form) scalar(text string) (v any, code, message string) {
	if f == nil || f.types == anyKind {
		return text, "", ""
	}
	if f.may(kindInteger) {
		if n, ok := number(text, f.may(kindNumber)); ok {
			if _, err := strconv.ParseInt(text, 10, 64); f.whole && err != nil {
				return nil, "format", textFormat("int64")
			}
			if !f.may(kindString) || f.accepts(n) {
				return n, "", ""
			}
		}
	}
	if f.may(kindBoolean) && (text == "true" || text == "false") {
		if v := text == "true"; !f.may(kindString) || f.accepts(v) {
			return v, "", ""
		}
	}
	if f.may(kindString) {
		return text, "", ""
	}
	return nil, "type", textType(f.types &^ (kindNull | kindArray | kindObject))
}

// empty is the value of an empty text that allowEmptyValue lets pass.
func (f *form) empty() any {
	if f.may(kindString) {
		return ""
	}
	return nil
}

func (f *form) accepts(v any) bool {
	w := walker{schema: f.schema}
	return w.begin(v)
}

// number reads a number as JSON writes it; an integer has digits alone.
func number(text string, fraction bool) (json.Number, bool) {
	if digits := strings.TrimPrefix(text, "-"); digits == "0" || len(digits) > 0 && len(digits) < 300 && digits[0] != '0' && strings.Trim(digits, "0123456789") == "" {
		return json.Number(text), true
	}
	if !fraction || strings.Trim(text, "+-.0123456789eE") != "" {
		return "", false
	}
	v, err := strictjson.Decode([]byte(text))
	if err != nil {
		return "", false
	}
	n, ok := v.(json.Number)
	return n, ok
}
