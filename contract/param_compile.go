package contract

import (
	"net/http"
	"slices"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// param compiles the parameter object at a pointer.
func (c *compiler) param(pointer string) (*Param, error) {
	object, _ := c.at(pointer).(map[string]any)
	p := &Param{Name: text(object["name"]), In: text(object["in"])}
	p.Required = p.In == "path" || object["required"] == true
	if p.In == "header" {
		p.Name = http.CanonicalHeaderKey(p.Name)
	}
	p.key = p.In + "." + p.Name
	at, err := c.paramSchema(p, object, pointer)
	if err != nil {
		return nil, err
	}
	if p.Schema, err = c.compile(at, request); err != nil {
		return nil, err
	}
	if !p.JSON {
		if err := p.setStyle(object, pointer); err != nil {
			return nil, err
		}
	}
	p.form = newForm(p.Schema, true)
	if err := p.fitStyle(pointer); err != nil {
		return nil, err
	}
	if err := p.fitParts(at); err != nil {
		return nil, err
	}
	p.Empty = p.In == "query" && object["allowEmptyValue"] == true
	p.Reserved = p.In == "query" && object["allowReserved"] == true
	if n := defaulted(spread([]applied{{node: p.Schema.root, sure: true}})); n != nil {
		p.fallback = n.fallback
		return p, c.checkDefault(n, p.Schema)
	}
	return p, nil
}

// paramSchema finds where the schema of a parameter stands.
func (c *compiler) paramSchema(p *Param, object map[string]any, pointer string) (string, error) {
	_, plain := object["schema"]
	content, _ := object["content"].(map[string]any)
	switch {
	case plain && object["content"] == nil:
		return pointer + "/schema", nil
	case !plain && len(content) == 1:
		for mediaType := range content {
			if !isJSON(mediaType) {
				return "", &compileError{pointer + "/content", "a parameter in a form that is not read",
					"only application/json is", "state the schema of the parameter itself"}
			}
			p.JSON = true
			return pointer + "/content/" + strictjson.EscapeToken(mediaType) + "/schema", nil
		}
	}
	return "", &compileError{pointer, "a parameter without one schema",
		"a parameter states either schema, or content with one media type", "add schema: { type: string }"}
}

var styles = map[string][]string{ // the first is the default (OAS 3.1 §4.8.12.2)
	"path":   {"simple", "label", "matrix"},
	"query":  {"form", "spaceDelimited", "pipeDelimited", "deepObject"},
	"header": {"simple"},
	"cookie": {"form"},
	inForm:   {"form", "spaceDelimited", "pipeDelimited", "deepObject"}, // §4.8.15
}

func (p *Param) setStyle(object map[string]any, pointer string) error {
	p.Style = styles[p.In][0]
	if s, stated := object["style"]; stated {
		p.Style = text(s)
	}
	if !slices.Contains(styles[p.In], p.Style) {
		return &compileError{pointer + "/style", "a style that does not go with in: " + p.In,
			"OpenAPI allows " + listed(styles[p.In], " or "), "correct or remove style"}
	}
	p.Explode = p.Style == "form" || p.Style == "deepObject"
	if e, stated := object["explode"].(bool); stated && p.Style != "deepObject" {
		p.Explode = e
	}
	return nil
}

// fitStyle holds a style that is made for several values against the schema.
func (p *Param) fitStyle(pointer string) error {
	switch {
	case p.Style == "deepObject" && !p.form.object():
		return &compileError{pointer + "/style", "deepObject for what is no object",
			"name[member]=value needs members", "state type: object in the schema, or remove style"}
	case (p.Style == "spaceDelimited" || p.Style == "pipeDelimited") && !p.form.object() && !p.form.list():
		return &compileError{pointer + "/style", p.Style + " for what is no array",
			"there is nothing to be delimited", "state type: array in the schema, or remove style"}
	}
	return nil
}

// fitParts refuses a value that could never be written as texts: arrays of arrays,
// and objects of which a member that is required is more than a text. It finds
// out whether the value takes what is left. at is where the schema is.
func (p *Param) fitParts(at string) error {
	f, s := p.form, p.Schema.shape
	open := s.open || len(s.patterns) > 0
	switch {
	case p.JSON:
	case f.list() && f.object():
		return &compileError{at, "a parameter that may be an array or an object",
			"the text of a parameter does not tell the two apart", "allow one of them"}
	case f.list() && !f.item.text():
		return &compileError{at, "an array of arrays or objects", "no style says how to write one, so that none could ever be sent",
			"state content: application/json, or items that are plain"}
	case f.object():
		for _, name := range requiredOf(p.Schema.root) {
			if !p.member(f.fields[name]) {
				return &compileError{at, "a required member that cannot be written: " + clip(name), p.unwritten(), "make the member plain, or state content: application/json"}
			}
		}
		if len(f.fields) == 0 && !p.member(f.rest) {
			return &compileError{at, "members that cannot be written", p.unwritten(), "make additionalProperties plain, or state content: application/json"}
		}
		if p.In == "cookie" && p.Explode && len(f.fields) == 0 {
			return &compileError{at, "an exploded object without members", "any cookie might be one of them", "name its properties, or state explode: false"}
		}
		p.rest = open && p.Explode && p.Style == "form" && p.In != "cookie"
	}
	return nil
}

// requiredOf are the members that a value surely needs.
func requiredOf(root *node) []string {
	var names []string
	for _, a := range spread([]applied{{node: root, sure: true}}) {
		if a.sure {
			names = append(names, a.node.required...)
		}
	}
	return names
}

// member tells whether texts can say what a member is.
func (p *Param) member(f *form) bool {
	return f.text() || p.spreads() && f.list() && f.item.text()
}

func (p *Param) unwritten() string {
	if p.spreads() {
		return "an object within an object has no style, so that none could ever be sent"
	}
	return "only an exploded object of a query or a form has members that are more than a text"
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
