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

// segmentText is the value of a path parameter.
type segmentText struct {
	text    string
	encoded bool // a comma that was written %2C is no delimiter
}

// blank tells whether an empty text was sent, and nothing else.
func (t texts) blank() bool { return slices.Equal(t.parts, []string{""}) }

// segment is the value of the parameter number i, which is one of the path when
// there are as many values: as it was sent, when the parameter is a segment of
// its own, otherwise decoded as it is.
func (o *Operation) segment(r *http.Request, i int, values []string) segmentText {
	if i >= len(values) {
		return segmentText{}
	}
	decoded := segmentText{text: values[i]}
	raw := r.URL.EscapedPath()
	if !strings.Contains(raw, "%") {
		return decoded
	}
	parts := strings.Split(strings.TrimPrefix(raw, "/"), "/")
	if len(parts) != len(o.segments) {
		return decoded
	}
	for at, s := range o.segments {
		if s.plain() && s.names[0] == o.Params[i].Name {
			return segmentText{parts[at], true}
		}
	}
	return decoded
}

// texts takes the parameter's texts out of the request and marks what it uses of
// the query. r is not used for a field of a form.
func (p *Param) texts(r *http.Request, q *query, path segmentText) (texts, *problem.Field) {
	var found []string // encoded, but for headers
	encoded := p.In != "header"
	switch p.In {
	case "path":
		found, encoded = []string{path.text}, path.encoded
	case "header":
		found = slices.Clone(r.Header.Values(p.Name)) // the request's own lines stay as they are
	case "cookie":
		if p.form.object() && p.Explode {
			return p.spreadCookies(r)
		}
		found = cookies(r, p.Name)
	case "query", inForm:
		if p.form.object() && p.Explode && !p.JSON {
			return p.spreadObject(q)
		}
		found = q.take(p.Name)
	}
	if len(found) == 0 {
		return texts{}, nil
	}
	for _, t := range found {
		switch {
		case len(t) > maxParam && p.In != inForm:
			return texts{}, p.one(codeLimit, "must be at most 8192 bytes")
		case !utf8.ValidString(t):
			return texts{}, p.one("encoding", p.textEncoding())
		}
	}
	if p.In == "header" && p.form.list() {
		found = []string{strings.Join(found, ",")} // RFC 9110 §5.3
	}
	exploded := encoded && p.In != "path" && p.Explode && p.form.list() && !p.JSON // a JSON text is the whole value
	if len(found) > 1 && !exploded {
		return texts{}, p.one("repeated", "must be given once")
	} else if exploded {
		return p.decoded(found)
	}
	if !p.JSON && (p.form.list() || p.form.object()) {
		return p.split(found[0], encoded)
	}
	var ok bool
	if found[0], ok = p.bare(found[0]); !ok {
		return texts{}, p.badStyle()
	}
	if encoded {
		return p.decoded(found)
	}
	return texts{there: true, parts: found}, nil
}

func (p *Param) badStyle() *problem.Field {
	return p.one("style", "must be written in the style "+p.Style)
}

func cookies(r *http.Request, name string) []string {
	var out []string
	for _, c := range r.CookiesNamed(name) {
		out = append(out, c.Value)
	}
	return out
}

// one is a fault of the parameter as a whole.
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
		if p.rest {
			found = q.takeLeft(found, p.Schema.shape)
		}
	}
	return p.members(found)
}

// spreadCookies collects an object whose members are cookies of their own.
func (p *Param) spreadCookies(r *http.Request) (texts, *problem.Field) {
	var found []string
	for _, name := range sortedKeys(p.form.fields) {
		for _, raw := range cookies(r, name) {
			found = append(found, url.PathEscape(name), raw)
		}
	}
	return p.members(found)
}

// members are the names and values of an object, which is not there without any.
func (p *Param) members(found []string) (texts, *problem.Field) {
	if found == nil {
		return texts{}, nil
	}
	return p.decoded(found)
}

// decoded undoes the encoding of each part.
func (p *Param) decoded(parts []string) (texts, *problem.Field) {
	unescape := url.QueryUnescape
	if p.Reserved || p.In == "path" || p.In == "cookie" {
		unescape = url.PathUnescape // a plus is a plus
	}
	for i, raw := range parts {
		text, err := unescape(raw)
		if err != nil || !utf8.ValidString(text) {
			return texts{}, p.one("encoding", p.textEncoding())
		}
		parts[i] = text
	}
	return texts{there: true, parts: parts}, nil
}

func (p *Param) textEncoding() string {
	switch p.In {
	case "query":
		return textEncoding
	case "header":
		return "must be UTF-8"
	}
	return "must be percent-encoded UTF-8"
}

// split takes one text apart at the delimiters of the style.
func (p *Param) split(text string, encoded bool) (texts, *problem.Field) {
	parts, ok := p.parts(text)
	if !ok {
		return texts{}, p.badStyle()
	}
	if encoded {
		return p.decoded(parts)
	}
	return texts{there: true, parts: parts}, nil
}

// parts takes a text apart. ok is false for one that is not in the style.
func (p *Param) parts(text string) (parts []string, ok bool) {
	delimiter := ","
	switch p.Style {
	case "label":
		if text, ok = strings.CutPrefix(text, "."); !ok {
			return nil, false
		}
		if p.Explode {
			delimiter = "."
		}
	case "matrix":
		return p.matrix(text)
	case "spaceDelimited":
		text, delimiter = strings.ReplaceAll(text, "+", "%20"), "%20"
	case "pipeDelimited":
		text, delimiter = strings.ReplaceAll(strings.ReplaceAll(text, "%7C", "|"), "%7c", "|"), "|"
	}
	if text == "" {
		return nil, true
	}
	parts = strings.Split(text, delimiter)
	if p.In == "header" {
		for i := range parts {
			parts[i] = strings.Trim(parts[i], " \t")
		}
	}
	if p.form.object() && p.Explode {
		return namesAndValues(parts)
	}
	return parts, true
}

// matrix takes ;p=1;p=2, ;p=1,2, ;a=1;b=2 or ;p=a,1,b,2 apart.
func (p *Param) matrix(text string) (parts []string, ok bool) {
	text, ok = strings.CutPrefix(text, ";")
	switch {
	case !ok:
		return nil, false
	case !p.Explode:
		if text, ok = p.unnamed(text); text == "" {
			return nil, ok
		}
		return strings.Split(text, ","), ok
	}
	parts = strings.Split(text, ";")
	if p.form.object() {
		return namesAndValues(parts)
	}
	for i := range parts {
		if parts[i], ok = p.unnamed(parts[i]); !ok {
			return nil, false
		}
	}
	return parts, true
}

// unnamed takes the name off name=value; a name alone is an empty value (RFC
// 6570 §3.2.7).
func (p *Param) unnamed(text string) (value string, ok bool) {
	name, value, _ := strings.Cut(text, "=")
	return value, name == p.Name
}

// bare takes the prefix of the style off a single value.
func (p *Param) bare(text string) (value string, ok bool) {
	switch p.Style {
	case "label":
		return strings.CutPrefix(text, ".")
	case "matrix":
		if text, ok = strings.CutPrefix(text, ";"); !ok {
			return "", false
		}
		return p.unnamed(text)
	}
	return text, true
}

func namesAndValues(parts []string) (out []string, ok bool) {
	for _, p := range parts {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return nil, false
		}
		out = append(out, name, value)
	}
	return out, true
}
