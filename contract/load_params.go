package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

// param is one parameter of an operation, references followed.
type param struct {
	name, in string
	entry    spot // where the operation or its path lists it
	final    spot // where it is described
}

func (p param) same(q param) bool {
	return p.in == q.in && (p.name == q.name || p.in == "header" && strings.EqualFold(p.name, q.name))
}

// params are the parameters of an operation: those of the path, but for the
// ones that the operation describes anew. Path parameters come first, in the
// order of the template.
func (l *loader) params(s stated) []param {
	shared := l.paramList(s.path.get("parameters"))
	own := l.paramList(s.method.get("parameters"))
	var all []param
	for _, p := range shared {
		if !slices.ContainsFunc(own, p.same) {
			all = append(all, p)
		}
	}
	all = append(all, own...)
	return l.orderParams(s, all)
}

func (l *loader) paramList(list spot) []param {
	var out []param
	for _, entry := range list.items() {
		final := l.resolve(entry)
		p := param{name: final.get("name").text(), in: final.get("in").text(), entry: entry, final: final}
		ignored := []string{"accept", "content-type", "authorization"} // OAS 3.1 section 4.8.12.2: described elsewhere
		twin := slices.IndexFunc(out, p.same)
		switch {
		case !final.is(isObject): // which is told where the reference stands
		case !l.validParam(p):
		case p.in == "header" && slices.Contains(ignored, strings.ToLower(p.name)):
		case twin >= 0:
			l.add(entry.at(), Issue{Code: codeParam, What: fmt.Sprintf("the %s parameter %q stands twice, first in line %d", p.in, clip(p.name), out[twin].entry.at().line),
				Why: "One of the two would win in silence.", Fix: "Remove one of them."})
		default:
			out = append(out, p)
		}
	}
	return out
}

func (l *loader) validParam(p param) bool {
	in := p.final.get("in")
	switch {
	case p.name == "":
		l.add(p.final.at(), Issue{Code: codeParam, What: "a parameter without a name", Fix: "Add\nname: id"})
		return false
	case p.in == "body" || p.in == "formData":
		l.add(in.at(), Issue{Code: codeParam, What: fmt.Sprintf("in: %s is Swagger 2.0", p.in), Fix: "Describe the body under requestBody."})
		return false
	case !slices.Contains([]string{"path", "query", "header", "cookie"}, p.in):
		fix := "Add in: path, query, header or cookie."
		if in.exists() {
			fix = nearest.DidYouMean(p.in, []string{"path", "query", "header", "cookie"})
		}
		l.add(in.at(), Issue{Code: codeParam, What: fmt.Sprintf("the parameter %q does not say where it stands", clip(p.name)), Fix: fix})
		return false
	}
	return true
}

// schemaKeys say nothing in a parameter of OpenAPI 3, where they are left over from
// Swagger 2.0: what they ask stands in its schema.
func schemaKeys() []string {
	return []string{"type", "format", "items", "collectionFormat", "default", "enum", "nullable", "pattern", "minLength", "maxLength",
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems",
		"allOf", "anyOf", "oneOf", "not", "properties", "additionalProperties"}
}

// leftOver reports a schema's keyword beside the schema of a parameter.
func (c *checker) leftOver(m named) {
	fix := "Move it into the schema of the parameter, or remove it where it is there already."
	if m.name == "collectionFormat" {
		fix = "Say it with style and explode: multi is explode: true, csv is explode: false."
	}
	c.add(m.key, Issue{Code: codeShape, What: fmt.Sprintf("%s means nothing in a parameter itself", clip(m.name)),
		Why: "It is Swagger 2.0; what it should say would go unenforced.", Fix: fix})
}

// orderParams holds the path parameters against the template.
func (l *loader) orderParams(s stated, all []param) []param {
	segments, err := parseTemplate(s.path.name)
	if err != nil {
		return all // the template is at fault, not the parameters
	}
	names := paramNames(segments)
	ordered := make([]param, 0, len(all))
	for _, name := range names {
		i := slices.IndexFunc(all, func(p param) bool { return p.in == "path" && p.name == name })
		if i < 0 {
			l.add(s.method.key, Issue{Code: codePathParam,
				What: fmt.Sprintf("%s %s does not describe its path parameter %q", strings.ToUpper(s.method.name), clip(s.path.name), clip(name)),
				Why:  "Without a schema anything could stand there.",
				Fix:  fmt.Sprintf("Add to parameters\n- { name: %s, in: path, required: true, schema: { type: string, maxLength: 64 } }", clip(name))})
			continue
		}
		if !all[i].final.get("required").isTrue() {
			l.add(all[i].final.at(), Issue{Code: codePathParam, What: fmt.Sprintf("the path parameter %q is not required", clip(name)),
				Why: "Without it the path would be another (OAS 3.1 section 4.8.12.2).", Fix: "Add\nrequired: true"})
		}
		if style := all[i].final.get("style"); style.text() == "matrix" && !alone(segments, name) {
			l.add(style.at(), Issue{Code: codePathParam, What: fmt.Sprintf("the parameter %q of style matrix shares its segment", clip(name)),
				Why: "A semicolon is refused in a path but where a segment is a matrix parameter and nothing else, so that no request would match.",
				Fix: "Give it a segment of its own, or remove style."})
		}
		ordered = append(ordered, all[i])
	}
	for _, p := range all {
		if p.in != "path" {
			ordered = append(ordered, p)
			continue
		}
		if !slices.Contains(names, p.name) {
			fix := "Remove it, or write it into the path in braces."
			if near := nearest.Word(p.name, names); near != "" {
				fix = fmt.Sprintf("Did you mean %q?", near)
			}
			l.add(p.entry.at(), Issue{Code: codePathParam, What: fmt.Sprintf("the path %s has no parameter %q", clip(s.path.name), clip(p.name)), Fix: fix})
		}
	}
	return ordered
}

// alone tells whether a parameter is a whole segment.
func alone(segments []segment, name string) bool {
	return slices.ContainsFunc(segments, func(s segment) bool { return s.plain() && s.names[0] == name })
}
