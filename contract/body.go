package contract

import (
	"bytes"
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Body is the compiled request body of an operation. It is immutable.
type Body struct {
	Required bool              // whether an empty body is refused
	Content  map[string]*Media // by media type, lower case and without charset; ranges as "text/*"
}

// Media is one media type in which a body may be sent.
type Media struct {
	Type      string  // as in Content: "application/json"
	JSON      bool    // application/json, text/json or a type that ends with +json
	Form      bool    // application/x-www-form-urlencoded
	Multipart bool    // multipart/form-data
	Schema    *Schema // nil when the contract states none, or the type is none of these

	fields map[string]*Param // of a form
	rest   *Param            // what other names of a form hold

	read   map[string]*Media // of a range: the types in it that are read, JSON and forms
	closed bool              // of a range: nothing else in it passes, for it could not be checked
	unread *Schema           // of a type that is not read
	guards [][]string        // the roles that each member with write_roles is left to
}

// Accepts lists the media types of the body, JSON first.
func (b *Body) Accepts() []string { return jsonFirst(sortedKeys(b.Content)) }

// offered lists for the Accept field of a 415 answer what may be sent: of a range
// of which only some types are read, those.
func (b *Body) offered() []string {
	var names []string
	for name, m := range b.Content {
		if m.closed {
			names = append(names, sortedKeys(m.read)...)
		} else {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return jsonFirst(slices.Compact(names))
}

func jsonFirst(names []string) []string {
	var json, other []string
	for _, name := range names {
		if isJSON(name) {
			json = append(json, name)
		} else {
			other = append(other, name)
		}
	}
	return append(json, other...)
}

// codeNUL is the code of a string with U+0000, which stores and C programs take
// for its end.
const codeNUL = "nul"

const textNUL = "must not contain the character U+0000"

// DecodeBody decodes, prepares and validates a body. body is exactly what was
// validated: data itself when nothing had to be changed, nil when there is none
// or the operation takes none. A body of another media type than JSON passes as
// it is, but for forms that state a schema. unknown lists the members that no
// schema names under the policy report.
// Refusals: 415 with Accept for a media type or charset that the contract does
// not list, 400 for what is not strict JSON or does not fit, all faults at once.
func (o *Operation) DecodeBody(contentType string, data []byte) (body []byte, unknown []problem.Field, err *problem.Error) {
	d, err := o.Decode("guest", contentType, data)
	return d.Body, d.Unknown, err
}

// Decoded is a body that was validated.
type Decoded struct {
	Body    []byte          // as it travels on, in the media type in which it came; nil without one
	Value   []byte          // the same as JSON, for those who bind it; Body itself when that is JSON
	Unknown []problem.Field // what no schema names, under the policy report
	Read    bool            // every member was looked at, also when the body is refused: none is left to other roles
}

// Decode does what DecodeBody says, for a caller with a role: a member that the
// contract leaves to other roles (write_roles) is refused with 403. A form that
// has a schema is validated like JSON. multipart/form-data with a schema is read
// by DecodeForm instead, for files are not held in memory; here it is an error.
func (o *Operation) Decode(role, contentType string, data []byte) (d Decoded, err *problem.Error) {
	if o.Body == nil {
		return d, nil
	}
	if d.Read = len(data) == 0; d.Read {
		if o.Body.Required {
			return d, missingBody()
		}
		return d, nil
	}
	media, err := o.Body.Media(contentType)
	if err != nil {
		return d, err
	}
	switch {
	case media.Form && media.Schema != nil:
		return o.decodeURLEncoded(role, media, data)
	case media.Multipart && media.Schema != nil: // whoever comes here took it for something else
		return d, problem.Internal(errNotRead)
	case !media.JSON:
		return Decoded{Body: data, Value: data, Read: true}, nil
	}
	v, faults, err := o.decodeJSON(data)
	if err != nil {
		return d, err
	}
	if media.Schema == nil && len(faults) > 0 {
		return Decoded{Read: true}, problem.Invalid(faults...)
	}
	if media.Schema == nil {
		return Decoded{Body: data, Value: data, Read: true}, nil
	}
	got, err := o.settle(role, media.Schema, v, faults)
	if err != nil {
		return Decoded{Read: true}, err
	}
	if got.changed {
		data, err = written(got.value)
	}
	return Decoded{data, data, got.unknown, true}, err
}

// errNotRead is a form that was to be read part by part.
var errNotRead = errors.New("multipart/form-data is decoded by DecodeForm")

// written is a value as JSON.
func written(v any) ([]byte, *problem.Error) {
	text, err := strictjson.Marshal(v)
	if err != nil {
		return nil, problem.Internal(err)
	}
	return text, nil
}

// settled is a value that was prepared and fits its schema.
type settled struct {
	value   any
	changed bool            // it is not as it was sent
	unknown []problem.Field // what no schema names, under the policy report
}

// settle prepares and validates a value for a role. faults are those that were
// found before there was a value.
func (o *Operation) settle(role string, s *Schema, v any, faults []problem.Field) (settled, *problem.Error) {
	policy := o.Unknown
	if policy == "" {
		policy = Reject
	}
	p := preparer{policy: policy, way: s.way, role: role}
	out, changed := p.whole(s.shape, v)
	if refusal := p.refusal(); refusal != nil {
		return settled{}, refusal
	}
	unknown := p.sink.fields()
	faults = append(faults, without(s.Validate(out), faults)...)
	if policy == Reject {
		faults, unknown = append(faults, unknown...), nil
	}
	if len(faults) > 0 {
		return settled{}, problem.Invalid(tidy(faults)...)
	}
	if p.numbers {
		plain, numbers := s.shape.plain(out)
		out, changed = plain, changed || numbers
	}
	return settled{out, changed, unknown}, nil
}

// without leaves out what is missing only because it could not be read.
func without(found, before []problem.Field) []problem.Field {
	return slices.DeleteFunc(found, func(f problem.Field) bool {
		return slices.ContainsFunc(before, func(b problem.Field) bool {
			return f.Code == "required" && (b.Pointer == f.Pointer || strings.HasPrefix(b.Pointer, f.Pointer+"/"))
		})
	})
}

func missingBody() *problem.Error {
	return problem.Invalid(problem.Field{Code: "required", Message: "a body is required"})
}

// decodeJSON reads a body. faults are those of a value that could be read.
func (o *Operation) decodeJSON(data []byte) (v any, faults []problem.Field, refusal *problem.Error) {
	v, err := strictjson.Decode(data)
	switch {
	case errors.Is(err, strictjson.ErrEmpty) && o.Body.Required:
		return nil, nil, missingBody()
	case errors.Is(err, strictjson.ErrBOM):
		return nil, nil, problem.Malformed("The body begins with a byte order mark; send UTF-8 without one").Because(err)
	case err != nil:
		return nil, nil, problem.Malformed("The body is not strict JSON: " + err.Error()).Because(err)
	}
	if bytes.Contains(data, []byte(`\u0000`)) {
		if where, found := findNUL(v); found {
			faults = append(faults, problem.Field{
				Field: strings.ReplaceAll(strings.TrimPrefix(where, "/"), "/", "."), Pointer: where, Code: codeNUL, Message: textNUL,
			})
		}
	}
	return v, faults, nil
}

// Media finds the media type of a Content-Type among those of the contract. It
// refuses, 415 with Accept, what is none of them, cannot be read, holds a byte
// beyond ASCII, or states a charset other than utf-8.
func (b *Body) Media(contentType string) (*Media, *problem.Error) {
	m, why := b.media(contentType)
	if m == nil {
		return nil, problem.UnsupportedMedia(strings.Join(b.offered(), ", ")).Because(errors.New(why))
	}
	return m, nil
}

func (b *Body) media(contentType string) (*Media, string) {
	if m := b.Content[contentType]; m != nil && !isRange(contentType) {
		return m, ""
	}
	if contentType == "" {
		return nil, "no Content-Type"
	}
	if strings.ContainsFunc(contentType, func(r rune) bool { return r >= utf8.RuneSelf }) { // blanks of Unicode, which some readers trim
		return nil, "a Content-Type beyond ASCII"
	}
	name, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, "a Content-Type that cannot be read"
	}
	if charset, stated := params["charset"]; stated && !strings.EqualFold(charset, "utf-8") {
		return nil, "a charset other than utf-8"
	}
	m, key, listed := lookMedia(b.Content, name, params)
	if !listed || isRange(name) {
		return nil, "a media type that the contract does not list"
	}
	if isRange(key) {
		return m.within(name)
	}
	return m, ""
}

// within is what a range says of one of its types.
func (m *Media) within(name string) (*Media, string) {
	for read, as := range m.read {
		if read == name || as.JSON && isJSON(name) {
			return as, ""
		}
	}
	if m.closed {
		return nil, "a media type in which the body could not be checked"
	}
	return m, ""
}

// findNUL finds the first string with U+0000 and returns where it stands, as far
// as that may be told.
func findNUL(v any) (pointer string, found bool) {
	switch v := v.(type) {
	case string:
		return "", strings.IndexByte(v, 0) >= 0
	case []any:
		for i, item := range v {
			if p, found := findNUL(item); found {
				return "/" + strconv.Itoa(i) + p, true
			}
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			if strings.IndexByte(name, 0) >= 0 {
				return "", true
			}
			if p, found := findNUL(v[name]); found {
				if !nameable(name) {
					return "", true
				}
				return "/" + strictjson.EscapeToken(name) + p, true
			}
		}
	}
	return "", false
}
