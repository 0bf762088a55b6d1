package contract

import (
	"bytes"
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Body is the compiled request body of an operation. It is immutable.
type Body struct {
	Required bool              // whether an empty body is refused
	Content  map[string]*Media // by media type, lower case and without parameters; ranges as "text/*"
}

// Media is one media type in which a body may be sent.
type Media struct {
	Type      string  // as in Content: "application/json"
	JSON      bool    // application/json or a type that ends with +json
	Form      bool    // application/x-www-form-urlencoded
	Multipart bool    // multipart/form-data
	Schema    *Schema // nil when the contract states none, or the type is none of these

	fields map[string]*Param // of a form
	rest   *Param            // what other names of a form hold
}

// Accepts lists the media types of the body, JSON first, for the Accept field of
// a 415 answer.
func (b *Body) Accepts() []string {
	var json, other []string
	for _, name := range sortedKeys(b.Content) {
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
// it is, but for forms that state a schema. unknown lists the members that no schema names under the policy report.
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
}

// Decode does what DecodeBody says, for a caller with a role: a member that the
// contract leaves to other roles (write_roles) is refused with 403. A form that
// has a schema is validated like JSON. multipart/form-data is read by DecodeForm
// instead, for files are not held in memory; here it passes as it is.
func (o *Operation) Decode(role, contentType string, data []byte) (d Decoded, err *problem.Error) {
	if o.Body == nil {
		return d, nil
	}
	if len(data) == 0 {
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
	case !media.JSON:
		return Decoded{Body: data, Value: data}, nil
	}
	v, err := o.decodeJSON(data)
	if err != nil {
		return d, err
	}
	if media.Schema == nil {
		return Decoded{Body: data, Value: data}, nil
	}
	got, err := o.settle(role, media.Schema, v, nil)
	if err != nil {
		return d, err
	}
	if got.changed {
		data, err = written(got.value)
	}
	return Decoded{data, data, got.unknown}, err
}

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

func (o *Operation) decodeJSON(data []byte) (any, *problem.Error) {
	v, err := strictjson.Decode(data)
	switch {
	case errors.Is(err, strictjson.ErrEmpty) && o.Body.Required:
		return nil, missingBody()
	case errors.Is(err, strictjson.ErrBOM):
		return nil, problem.Malformed("The body begins with a byte order mark; send UTF-8 without one").Because(err)
	case err != nil:
		return nil, problem.Malformed("The body is not strict JSON: " + err.Error()).Because(err)
	}
	if bytes.Contains(data, []byte(`\u0000`)) {
		if where, found := findNUL(v); found {
			return nil, problem.Invalid(problem.Field{
				Field: strings.ReplaceAll(strings.TrimPrefix(where, "/"), "/", "."), Pointer: where, Code: codeNUL, Message: textNUL,
			})
		}
	}
	return v, nil
}

// Media finds the media type of a Content-Type among those of the contract. It
// refuses, 415 with Accept, what is none of them, cannot be read, or states a
// charset other than utf-8.
func (b *Body) Media(contentType string) (*Media, *problem.Error) {
	m, why := b.media(contentType)
	if m == nil {
		return nil, problem.UnsupportedMedia(strings.Join(b.Accepts(), ", ")).Because(errors.New(why))
	}
	return m, nil
}

func (b *Body) media(contentType string) (*Media, string) {
	if m := b.Content[contentType]; m != nil && !strings.Contains(contentType, "*") {
		return m, ""
	}
	if contentType == "" {
		return nil, "no Content-Type"
	}
	name, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, "a Content-Type that cannot be read"
	}
	if charset, stated := params["charset"]; stated && !strings.EqualFold(charset, "utf-8") {
		return nil, "a charset other than utf-8"
	}
	m, listed := lookMedia(b.Content, name)
	if !listed || strings.Contains(name, "*") {
		return nil, "a media type that the contract does not list"
	}
	return m, ""
}

// lookMedia finds a media type by name, or by the ranges type/* and */*.
func lookMedia[T any](content map[string]T, name string) (m T, ok bool) {
	if m, ok = content[name]; ok {
		return m, ok
	}
	kind, _, _ := strings.Cut(name, "/")
	if m, ok = content[kind+"/*"]; ok {
		return m, ok
	}
	m, ok = content["*/*"]
	return m, ok
}

func isJSON(mediaType string) bool {
	name := mediaName(mediaType)
	return name == "application/json" || strings.HasSuffix(name, "+json")
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
				return "/" + escapeToken(name) + p, true
			}
		}
	}
	return "", false
}

// body compiles the request body object at a pointer.
func (c *compiler) body(pointer string) (*Body, error) {
	object, _ := c.at(pointer).(map[string]any)
	content, _ := object["content"].(map[string]any)
	if len(content) == 0 {
		return nil, &compileError{pointer, "a body without content", "without a media type nothing could be sent",
			"add content: { application/json: { schema: … } }, or remove requestBody"}
	}
	b := &Body{Required: object["required"] == true, Content: map[string]*Media{}}
	for _, name := range sortedKeys(content) {
		m := &Media{Type: mediaName(name), JSON: isJSON(name)}
		m.Form, m.Multipart = m.Type == "application/x-www-form-urlencoded", m.Type == "multipart/form-data"
		at := pointer + "/content/" + escapeToken(name)
		s, err := c.mediaSchema(at, m.JSON || m.Form || m.Multipart, request)
		if err != nil {
			return nil, err
		}
		if m.Schema = s; s != nil && !m.JSON {
			if err := c.formFields(m, at); err != nil {
				return nil, err
			}
		}
		b.Content[m.Type] = m
	}
	return b, nil
}

// mediaName is the name under which a media type is looked up.
func mediaName(name string) string {
	plain, _, _ := strings.Cut(strings.ToLower(name), ";")
	return strings.TrimSpace(plain)
}

// mediaSchema compiles the schema of a media type object, nil when it has none
// or is not one whose values are read.
func (c *compiler) mediaSchema(pointer string, read bool, way direction) (*Schema, error) {
	object, _ := c.at(pointer).(map[string]any)
	if _, stated := object["schema"]; !stated || !read {
		return nil, nil
	}
	return c.compile(pointer+"/schema", way)
}
