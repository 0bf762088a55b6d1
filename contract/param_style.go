package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/problem"
)

// texts is what a request says of one parameter, taken apart by its style.
type texts struct {
	there bool
	parts []string // the value; the items of an array; names and values by turns of an object
}

// texts takes the parameter's texts out of the request and marks what it uses of
// the query.
func (p *Param) texts(r *http.Request, q *query, path string) (texts, *problem.Field) {
	var found []string // encoded in a query, plain elsewhere
	switch p.In {
	case "path":
		found = []string{path}
	case "header":
		found = slices.Clone(r.Header.Values(p.Name)) // the request's own lines stay as they are
	case "cookie":
		for _, c := range r.CookiesNamed(p.Name) {
			found = append(found, c.Value)
		}
	case "query":
		if p.form.object() && p.Explode {
			return p.spreadObject(q)
		}
		found = q.take(p.Name)
	}
	if len(found) == 0 {
		return texts{}, nil
	}
	for _, t := range found {
		if len(t) > maxParam || !utf8.ValidString(t) {
			return texts{}, p.one("maxLength", "is too long, or not UTF-8")
		}
	}
	if p.In == "header" && p.form.list() {
		found = []string{strings.Join(found, ",")} // RFC 9110 §5.3
	}
	if exploded := p.In == "query" && p.Explode && p.form.list(); len(found) > 1 && !exploded {
		return texts{}, p.one("repeated", "must be given once")
	} else if exploded {
		return p.decoded(found)
	}
	return p.split(found[0], found[:0])
}

func (p *Param) one(code, message string) *problem.Field { return &p.fault("", code, message)[0] }

// spreadObject collects an object whose members stand in the query by
// themselves: name[key]=value, or key=value.
func (p *Param) spreadObject(q *query) (texts, *problem.Field) {
	var found []string
	if p.Style == "deepObject" {
		found = q.takeDeep(p.Name)
	} else {
		for _, name := range sortedKeys(p.form.fields) {
			for _, raw := range q.take(name) {
				found = append(found, url.QueryEscape(name), raw)
			}
		}
	}
	if len(found) == 0 {
		return texts{}, nil
	}
	return p.decoded(found)
}

// decoded undoes the encoding of each part, if the parameter stands in a query.
func (p *Param) decoded(parts []string) (texts, *problem.Field) {
	if p.In == "query" {
		for i, raw := range parts {
			text, ok := decodeText(raw)
			if !ok {
				return texts{}, p.one("encoding", textEncoding)
			}
			parts[i] = text
		}
	}
	return texts{there: true, parts: parts}, nil
}

// split takes one text apart at the delimiters of the style; room is for a
// single part.
func (p *Param) split(text string, room []string) (texts, *problem.Field) {
	if p.JSON || !p.form.list() && !p.form.object() {
		return p.decoded(append(room, p.bare(text)))
	}
	delimiter := ","
	switch p.Style {
	case "label":
		text = strings.TrimPrefix(text, ".")
		if p.Explode {
			delimiter = "."
		}
	case "matrix":
		text = strings.TrimPrefix(text, ";")
		if p.Explode {
			delimiter = ";"
		} else {
			text = strings.TrimPrefix(text, p.Name+"=")
		}
	case "spaceDelimited":
		text, delimiter = strings.ReplaceAll(text, "+", "%20"), "%20"
	case "pipeDelimited":
		text, delimiter = strings.ReplaceAll(strings.ReplaceAll(text, "%7C", "|"), "%7c", "|"), "|"
	}
	if text == "" {
		return texts{there: true}, nil
	}
	parts := strings.Split(text, delimiter)
	if p.In == "header" {
		for i := range parts {
			parts[i] = strings.Trim(parts[i], " \t")
		}
	}
	if p.form.object() && p.Explode {
		parts = namesAndValues(parts)
	} else if p.Style == "matrix" && p.Explode {
		for i := range parts {
			parts[i] = strings.TrimPrefix(parts[i], p.Name+"=")
		}
	}
	return p.decoded(parts)
}

// bare takes the prefix of the style off a single value.
func (p *Param) bare(text string) string {
	switch p.Style {
	case "label":
		return strings.TrimPrefix(text, ".")
	case "matrix":
		return strings.TrimPrefix(text, ";"+p.Name+"=")
	}
	return text
}

func namesAndValues(parts []string) []string {
	out := make([]string, 0, 2*len(parts))
	for _, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		out = append(out, name, value)
	}
	return out
}
