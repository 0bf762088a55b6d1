package contract

import (
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Param is one compiled parameter. It is immutable.
type Param struct {
	Name     string  // as the document states it; header names in canonical form
	In       string  // "path", "query", "header" or "cookie"
	Required bool    // path parameters always are
	Style    string  // "simple", "form", "label", "matrix", "spaceDelimited", "pipeDelimited" or "deepObject"; "" with JSON
	Explode  bool    // whether each item or member stands by itself
	JSON     bool    // the value is a JSON text (content: application/json)
	Empty    bool    // allowEmptyValue: an empty text passes, and is null where no text may stand
	Reserved bool    // allowReserved: reserved characters stand for themselves, the plus and the semicolon too
	Schema   *Schema // what the value must be

	key       string // "query.limit"
	part      *Part  // of a field of multipart/form-data
	styled    bool   // style or explode is stated for such a field
	rest      bool   // an exploded object whose members may have any name: it takes what nobody else does
	jsonItems bool   // each item of an array is a JSON text: a field of a form
	form      *form
	fallback  *any // default
}

// inForm is the place of a parameter that stands for a field of a form.
const inForm = "form"

// maxParam is how long the text of one parameter may be, in bytes, and
// maxPairs how many name=value pairs a query may have: limits before anything is
// made of them.
const (
	maxParam = 8 << 10
	maxPairs = 256
)

// codeLimit is the code of what is beyond a limit that no contract moves.
const codeLimit = "limit"

// DecodeParams decodes and validates the parameters of a request. values are
// those of the path, in the order of the template (Match.Values). The result maps
// "path.id", "query.limit" and so on to nil, bool, string, json.Number, []any or
// map[string]any, defaults filled in; it is nil for an operation without any.
//
// Texts are converted strictly: an integer is written with digits alone, and a
// parameter that is no list stands once. A query parameter that the contract does
// not name is a fault under the policy reject; UndeclaredQuery lists them.
func (o *Operation) DecodeParams(r *http.Request, values []string) (map[string]any, []problem.Field) {
	if len(o.Params) == 0 && r.URL.RawQuery == "" {
		return nil, nil
	}
	var q query
	if bad := q.parse(r.URL.RawQuery, o.Params); bad != nil {
		return nil, []problem.Field{*bad}
	}
	var faults []problem.Field
	out := make(map[string]any, len(o.Params))
	for i, p := range o.Params {
		got := p.read(r, &q, o.segment(r, i, values))
		faults = append(faults, got.faults...)
		if got.there {
			out[p.key] = got.value
		}
	}
	if o.Unknown == Reject || o.Unknown == "" {
		faults = append(faults, q.undeclared()...)
	}
	if len(faults) > 0 {
		return nil, tidy(faults)
	}
	return out, nil
}

// UndeclaredQuery lists the query parameters that the contract does not name, by
// name where the name is fit to be told and as "?" where not, each once.
func (o *Operation) UndeclaredQuery(r *http.Request) []string {
	if r.URL.RawQuery == "" {
		return nil
	}
	var q query
	if bad := q.parse(r.URL.RawQuery, o.Params); bad != nil {
		return nil
	}
	for _, p := range o.Params {
		_, _ = p.texts(r, &q, segmentText{})
	}
	var names []string
	for _, f := range q.undeclared() {
		if f.Field == "" {
			f.Field = "?"
		}
		names = append(names, f.Field)
	}
	return names
}

// StripQuery returns the raw query without the parameters that the contract does
// not name; what stays, stays byte for byte.
func (o *Operation) StripQuery(r *http.Request) string {
	var q query
	if bad := q.parse(r.URL.RawQuery, o.Params); bad != nil {
		return ""
	}
	for _, p := range o.Params {
		_, _ = p.texts(r, &q, segmentText{})
	}
	var kept []string
	for i := range q.pairs {
		if q.pairs[i].used {
			kept = append(kept, q.pairs[i].text)
		}
	}
	return strings.Join(kept, "&")
}

// reading is what a request says of one parameter, or of one field of a form.
type reading struct {
	value  any
	there  bool // there is a value, which has no fault
	faults []problem.Field
}

func refused(faults ...problem.Field) reading { return reading{faults: faults} }

// read takes the parameter out of the request, or its default.
func (p *Param) read(r *http.Request, q *query, path segmentText) reading {
	t, fault := p.texts(r, q, path)
	switch {
	case fault != nil:
		return refused(*fault)
	case !t.there && p.fallback != nil:
		return reading{value: *p.fallback, there: true}
	case !t.there && p.Required:
		return refused(p.fault("", "required", "is required")...)
	case t.blank() && p.Empty:
		return reading{value: p.form.empty(), there: true}
	}
	got := p.value(t)
	if !got.there {
		return got
	}
	prepared, _, unknown := p.Schema.Prepare(got.value, Reject)
	faults := tidy(append(unknown, p.Schema.Validate(prepared)...))
	if len(faults) == 0 {
		return reading{value: prepared, there: true}
	}
	for i, f := range faults {
		faults[i] = p.within(f)
	}
	return refused(faults...)
}

// value makes a value of the texts, if there are any.
func (p *Param) value(t texts) reading {
	if !t.there {
		return reading{}
	}
	v, faults := p.convert(t)
	if len(faults) > 0 {
		return refused(faults...)
	}
	if where, found := findNUL(v); found {
		return refused(p.fault(where, codeNUL, textNUL)...)
	}
	return reading{value: v, there: true}
}

// fault is one fault of the parameter, at a pointer into its value. A text of
// the contract for the parameter as a whole goes before ours.
func (p *Param) fault(pointer, code, ours string) []problem.Field {
	text := ours
	if pointer == "" {
		text = firstText(p.Schema.shape.texts, code, ours)
	}
	field := strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
	return []problem.Field{p.within(problem.Field{Field: field, Pointer: pointer, Code: code, Message: text})}
}

// within says where a fault of the value stands in the request.
func (p *Param) within(f problem.Field) problem.Field {
	if f.Field == "" {
		f.Field = p.Name
	} else {
		f.Field = p.Name + "." + f.Field
	}
	if p.In == inForm {
		f.Pointer = "/" + strictjson.EscapeToken(p.Name) + f.Pointer
		return f
	}
	f.Pointer = "#/" + p.In + "/" + strictjson.EscapeToken(p.Name) + f.Pointer
	return f
}
