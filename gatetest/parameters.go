package gatetest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// wholeQuery is the entry of Target.Params for the query as it is sent.
const wholeQuery = "query"

// params makes the parameters: those that are given as they are, the others that
// are required from their schemas.
func (d *document) params(o *operation, at stated, given map[string]string) error {
	var query []string
	if raw := given[wholeQuery]; raw != "" {
		query = append(query, raw)
	}
	for _, p := range o.op.Params {
		key := p.In + "." + p.Name
		text, ok := given[key]
		switch {
		case ok:
			query = append(query, o.give(p, text)...)
			continue
		case !p.Required || p.In == "query" && given[wholeQuery] != "":
			continue
		}
		v, err := d.value(d.schemaOf(at, p))
		if err != nil {
			return fmt.Errorf("parameter %s: %w; state one in Target.Params", key, err)
		}
		query = append(query, o.put(p, v)...)
	}
	o.query = strings.Join(query, "&")
	return o.paramsFit()
}

// give puts a text in the place of a parameter, and returns what it adds to the
// query. Of a path the delimiters of the styles stay as they are.
func (o *operation) give(p *contract.Param, text string) []string {
	switch p.In {
	case "path":
		text = strings.ReplaceAll(url.PathEscape(text), "%2C", ",")
		if p.Style == "matrix" {
			text = strings.ReplaceAll(text, "%3B", ";")
		}
		o.segment(p.Name, text)
	case "query":
		if p.Style == "deepObject" { // its names are not that of the parameter
			return []string{text}
		}
		return []string{url.QueryEscape(p.Name) + "=" + url.QueryEscape(text)}
	case "header":
		o.header[p.Name] = text
	case "cookie":
		o.cookies = append(o.cookies, p.Name+"="+text)
	}
	return nil
}

func (o *operation) segment(name, text string) {
	o.segments[name] = text
	o.path = strings.ReplaceAll(o.path, "{"+name+"}", text)
}

// put writes a value in the style of its parameter (OAS 3.1 §4.8.12.2), and returns
// what it adds to the query.
func (o *operation) put(p *contract.Param, v any) []string {
	w := writer{p}
	switch p.In {
	case "path":
		o.segment(p.Name, w.path(v))
	case "query":
		return w.pairs(v)
	case "header":
		o.header[p.Name] = w.simple(v)
	case "cookie":
		o.cookies = append(o.cookies, w.pairs(v)...)
	}
	return nil
}

// writer writes values as texts of a parameter.
type writer struct{ p *contract.Param }

func (w writer) escape(text string) string {
	switch w.p.In {
	case "query":
		return url.QueryEscape(text)
	case "path", "cookie":
		return url.PathEscape(text)
	}
	return text
}

func (w writer) text(v any) string {
	if w.p.JSON {
		data, _ := strictjson.Marshal(v) // what was decoded can be written
		return w.escape(string(data))
	}
	return w.escape(plainText(v))
}

// joined writes a list, or names and values, with something between them.
func (w writer) joined(v any, between, pair string) string {
	var parts []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			parts = append(parts, w.text(item))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, w.escape(name)+pair+w.text(v[name]))
		}
	}
	return strings.Join(parts, between)
}

func several(v any) bool {
	_, list := v.([]any)
	_, object := v.(map[string]any)
	return list || object
}

func (w writer) simple(v any) string {
	switch {
	case w.p.JSON || !several(v):
		return w.text(v)
	case w.p.Explode:
		return w.joined(v, ",", "=")
	}
	return w.joined(v, ",", ",")
}

func (w writer) path(v any) string {
	switch {
	case w.p.Style == "label" && several(v) && w.p.Explode:
		return "." + w.joined(v, ".", "=")
	case w.p.Style == "label":
		return "." + w.simple(v)
	case w.p.Style != "matrix":
		return w.simple(v)
	}
	list, isList := v.([]any)
	switch {
	case isList && w.p.Explode:
		text := ""
		for _, item := range list {
			text += ";" + w.p.Name + "=" + w.text(item)
		}
		return text
	case several(v) && w.p.Explode:
		return ";" + w.joined(v, ";", "=")
	}
	return ";" + w.p.Name + "=" + w.simple(v)
}

// pairs writes a value as it stands in a query or among cookies.
func (w writer) pairs(v any) []string {
	between := map[string]string{"spaceDelimited": "%20", "pipeDelimited": "%7C"}[w.p.Style]
	if between == "" {
		between = ","
	}
	name := w.escape(w.p.Name)
	switch v := v.(type) {
	case []any:
		if w.p.JSON || !w.p.Explode {
			break
		}
		var out []string
		for _, item := range v {
			out = append(out, name+"="+w.text(item))
		}
		return out
	case map[string]any:
		if w.p.JSON || !w.p.Explode {
			break
		}
		return w.members(v)
	}
	if w.p.JSON || !several(v) {
		return []string{name + "=" + w.text(v)}
	}
	return []string{name + "=" + w.joined(v, between, between)}
}

// members are those of an exploded object, each of its own name.
func (w writer) members(object map[string]any) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name := key
		if w.p.Style == "deepObject" {
			name = w.p.Name + "[" + key + "]"
		}
		items, list := object[key].([]any)
		if !list {
			items = []any{object[key]}
		}
		for _, item := range items {
			out = append(out, w.escape(name)+"="+w.text(item))
		}
	}
	return out
}

// paramsFit asks the contract whether the parameters are right.
func (o *operation) paramsFit() error {
	t, err := contract.NewTable(&contract.API{Operations: []*contract.Operation{o.op}})
	if err != nil {
		return err
	}
	m := t.Match(o.op.Method, o.path, o.op.Socket != nil)
	if m.Operation == nil {
		return fmt.Errorf("the path %s does not lead to it; state its parameters in Target.Params", o.path)
	}
	u, err := url.ParseRequestURI(o.path)
	if err != nil {
		return err
	}
	u.RawQuery = o.query
	r := &http.Request{URL: u, Header: http.Header{}}
	o.setHeader(r)
	if _, faults := o.op.DecodeParams(r, m.Values); len(faults) > 0 {
		return fmt.Errorf("the parameter made for %s %s; state one in Target.Params", faults[0].Field, faults[0].Message)
	}
	return nil
}
