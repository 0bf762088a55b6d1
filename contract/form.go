package contract

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Part is what may stand in one field of multipart/form-data.
type Part struct {
	File  bool     // bytes, not text
	Types []string // media types that a file may have, lower case, or ranges; empty for any. Of a text: further ones
	Min   int64    // of a file, bytes
	Max   int64    // of a file, bytes; -1 when the contract states none
}

// FormValue is one field of a form, as it was sent or as it was validated.
type FormValue struct {
	Name string
	Text string    // without a file
	Type string    // media type of a text, as its part states it; "" for none
	File *FormFile // nil for a text
}

// FormFile is what a form tells of a file. The bytes are whoever reads them to
// keep.
type FormFile struct {
	Name string // as the client calls it, made safe to show and to store; may be empty
	Type string // media type that the client states
	Size int64  // bytes
}

// Form is a form that was validated.
type Form struct {
	Values  []FormValue     // what was validated: stripped, prepared, defaults filled in
	Value   []byte          // the same as a JSON object; a file by its name
	Unknown []problem.Field // what no schema names, under the policy report
	Read    bool            // as of Decoded
}

// Part is what the contract says of a field of multipart/form-data. A field that
// it does not name is a text, unless additionalProperties describes files.
func (m *Media) Part(name string) Part {
	if p := m.field(name); p != nil {
		return *p.part
	}
	return Part{Max: -1}
}

// field is what the contract says of a field of a form; nil without a schema.
func (m *Media) field(name string) *Param {
	if p := m.fields[name]; p != nil {
		return p
	}
	return m.rest
}

// Names tells whether the contract names a field of the form.
func (m *Media) Names(name string) bool { return m.fields[name] != nil }

// Accepts tells whether a file may have a media type.
func (p Part) Accepts(mediaType string) bool {
	kind, _, _ := strings.Cut(mediaType, "/")
	return len(p.Types) == 0 || slices.Contains(p.Types, mediaType) || slices.Contains(p.Types, kind+"/*") || slices.Contains(p.Types, "*/*")
}

// Takes tells whether a text may be sent as a media type: "" when none is stated.
func (p Part) Takes(mediaType string) bool {
	switch mediaType {
	case "", "text/plain", "application/json":
		return true
	}
	return len(p.Types) > 0 && p.Accepts(mediaType)
}

// Textual tells whether a media type is text or JSON: what a field that is no
// file may hold, though a browser gives it the name of a file (a Blob of a
// FormData is one by the Fetch standard).
func Textual(mediaType string) bool { return textual(mediaType) || isJSON(mediaType) }

// filePart stands for a file in the value that is validated. What its schema says
// of it, the size and the type, its part has seen to.
type filePart struct {
	*FormFile
	least int64 // bytes that its schema asks for
}

// DecodeForm validates the fields of a multipart/form-data body, in the order in
// which they came. faults are what was found wrong while they were read.
func (o *Operation) DecodeForm(role string, m *Media, sent []FormValue, faults []problem.Field) (Form, *problem.Error) {
	var q query
	files := map[string][]*FormFile{}
	for _, v := range sent {
		if v.File != nil {
			files[v.Name] = append(files[v.Name], v.File)
			continue
		}
		q.pairs = append(q.pairs, pair{name: v.Name, raw: rawText(v.Text)})
	}
	object, found := m.object(&q, files)
	got, err := o.settle(role, m.Schema, object, append(faults, found...))
	if err != nil {
		return Form{Read: true}, err
	}
	form := Form{Values: sent, Unknown: got.unknown, Read: true}
	if got.changed {
		form.Values = m.values(got.value, sent)
	}
	form.Value, err = written(replaceFiles(got.value, func(f filePart) string { return f.Name }))
	return form, err
}

// decodeURLEncoded validates application/x-www-form-urlencoded.
func (o *Operation) decodeURLEncoded(role string, m *Media, data []byte) (d Decoded, err *problem.Error) {
	var q query
	if bad := q.parse(string(data), nil); bad != nil {
		return d, problem.Invalid(problem.Field{Code: bad.Code, Message: strings.ReplaceAll(bad.Message, "the query", "the form")})
	}
	object, faults := m.object(&q, nil)
	got, err := o.settle(role, m.Schema, object, faults)
	d = Decoded{Read: true}
	if err != nil {
		return d, err
	}
	d.Body, d.Unknown = data, got.unknown
	if got.changed {
		d.Body = m.URLEncoded(got.value)
	}
	d.Value, err = written(got.value)
	return d, err
}

// object makes the value that the schema describes.
func (m *Media) object(q *query, files map[string][]*FormFile) (map[string]any, []problem.Field) {
	object := map[string]any{}
	var faults []problem.Field
	read := func(name string) {
		got := m.fields[name].field(q, files[name])
		delete(files, name)
		faults = append(faults, got.faults...)
		if got.there {
			object[name] = got.value
		}
	}
	last := ""
	for _, name := range sortedKeys(m.fields) {
		if m.fields[name].rest {
			last = name
			continue
		}
		read(name)
	}
	if last != "" {
		read(last)
	}
	for i := range q.pairs {
		other := &q.pairs[i]
		if other.used {
			continue
		}
		got := m.rest.named(other.name).field(q, nil)
		faults = append(faults, told(other.name, got.faults)...)
		object[other.name] = got.value
	}
	for _, name := range sortedKeys(files) {
		p := m.rest.named(name)
		object[name] = p.fileValue(files[name])
		for _, f := range files[name] {
			if p.part.File {
				faults = append(faults, told(name, p.fileFaults(f))...)
			}
		}
	}
	return object, faults
}

// told are the faults of a field that the contract does not name, without where
// they stand when the name is not fit to be told.
func told(name string, faults []problem.Field) []problem.Field {
	if nameable(name) {
		return faults
	}
	out := make([]problem.Field, len(faults))
	for i, f := range faults {
		out[i] = problem.Field{Code: f.Code, Message: f.Message}
	}
	return out
}

// named is the same for a field of another name.
func (p *Param) named(name string) *Param {
	q := *p
	q.Name = name
	return &q
}

// field reads one field of a form.
func (p *Param) field(q *query, files []*FormFile) reading {
	if p.part.File || len(files) > 0 {
		return p.files(q, files)
	}
	t, fault := p.texts(nil, q, segmentText{})
	switch {
	case fault != nil:
		return refused(*fault)
	case t.blank() && p.Schema.shape.emptyNull:
		return reading{there: true}
	}
	return p.value(t)
}

func (p *Param) files(q *query, files []*FormFile) reading {
	switch texts := q.take(p.Name); {
	case !p.part.File:
		return refused(p.fault("", "type", "must be a text, not a file")...)
	case len(texts) > 0:
		return refused(p.fault("", "type", "must be a file")...)
	case len(files) == 0:
		return reading{}
	}
	for _, f := range files {
		if faults := p.fileFaults(f); len(faults) > 0 {
			return refused(faults...)
		}
	}
	if len(files) > 1 && !p.form.list() {
		return refused(p.fault("", "repeated", "must be given once")...)
	}
	return reading{value: p.fileValue(files), there: true}
}

// fileValue is what stands for the files of a field in the value.
func (p *Param) fileValue(files []*FormFile) any {
	if len(files) == 1 && !p.form.list() {
		return filePart{files[0], p.part.Min}
	}
	list := make([]any, len(files))
	for i, f := range files {
		list[i] = filePart{f, p.part.Min}
	}
	return list
}

// fileFaults holds a file against its part. The type is what the client says of
// it; whether the bytes are that is for whoever opens them.
func (p *Param) fileFaults(f *FormFile) []problem.Field {
	switch size := plural(int(p.part.Max), "byte", "bytes"); {
	case !p.part.Accepts(f.Type):
		return p.fault("", "content_type", "must be a file of type "+listed(p.part.Types, " or "))
	case p.part.Max >= 0 && f.Size > p.part.Max:
		return p.fault("", "maxLength", "must be at most "+size)
	case f.Size < p.part.Min:
		return p.fault("", "minLength", "must be at least "+plural(int(p.part.Min), "byte", "bytes"))
	}
	return nil
}

// rawText is a text as a query would have it. The parts of a form are not encoded,
// so that every comma of a list or an object in one text is a delimiter; where none
// delimits, a comma is read as %2C is.
func rawText(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "%2C", ",")
}

// Values are the fields of multipart/form-data that stand for a value, in the styles
// of its fields.
func (m *Media) Values(v any) []FormValue { return m.values(v, nil) }

// values are the fields that stand for a value, by name, each with the media type
// that was sent with it.
func (m *Media) values(v any, sent []FormValue) []FormValue {
	types := map[string]string{}
	for _, s := range sent {
		if types[s.Name] == "" { // a file has none here
			types[s.Name] = s.Type
		}
	}
	object, _ := v.(map[string]any)
	var out []FormValue
	add := func(name, text string) { out = append(out, FormValue{Name: name, Text: text, Type: types[name]}) }
	for _, name := range sortedKeys(object) {
		p := m.field(name)
		items, list := object[name].([]any)
		switch {
		case p.styled:
			p.write(name, object[name], func(own, raw string) {
				text, _ := url.QueryUnescape(raw) // as it was escaped there
				add(own, text)
			})
			continue
		case !list || p.JSON:
			items = []any{object[name]}
		}
		for _, item := range items {
			if f, ok := item.(filePart); ok {
				out = append(out, FormValue{Name: name, File: f.FormFile})
			} else {
				add(name, formText(item))
			}
		}
	}
	return out
}

// formText writes a value as the text of a field.
func formText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, err := strictjson.Marshal(v)
	if err != nil { // what was decoded can be written
		return ""
	}
	return string(text)
}

// URLEncoded writes a value as a form in the styles of its fields.
func (m *Media) URLEncoded(v any) []byte {
	object, _ := v.(map[string]any)
	var pairs []string
	add := func(name, raw string) { pairs = append(pairs, url.QueryEscape(name)+"="+raw) }
	for _, name := range sortedKeys(object) {
		m.field(name).write(name, object[name], add)
	}
	return []byte(strings.Join(pairs, "&"))
}

var delimiters = map[string]string{"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}

func (p *Param) write(name string, v any, add func(name, raw string)) {
	escaped := func(v any) string { return url.QueryEscape(formText(v)) }
	list, isList := v.([]any)
	object, isObject := v.(map[string]any)
	var parts []string
	for _, item := range list {
		parts = append(parts, escaped(item))
	}
	for _, key := range sortedKeys(object) {
		parts = append(parts, url.QueryEscape(key), escaped(object[key]))
	}
	switch {
	case p.JSON || !isList && !isObject:
		add(name, escaped(v))
	case isList && p.Explode:
		for _, text := range parts {
			add(name, text)
		}
	case p.Explode:
		for _, key := range sortedKeys(object) {
			own := key
			if p.Style == "deepObject" {
				own = name + "[" + key + "]"
			}
			items, several := object[key].([]any)
			if !several {
				items = []any{object[key]}
			}
			for _, item := range items {
				add(own, escaped(item))
			}
		}
	default:
		add(name, strings.Join(parts, delimiters[p.Style]))
	}
}

// plainFiles is a form with texts in the places of its files, as long as their
// schemas ask for: a string is all that the library can look at.
func plainFiles(v any) any {
	return replaceFiles(v, func(f filePart) string { return strings.Repeat("x", int(f.least)) })
}

func replaceFiles(v any, text func(filePart) string) any {
	switch v := v.(type) {
	case filePart:
		return text(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = replaceFiles(item, text)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = replaceFiles(item, text)
		}
		return out
	}
	return v
}

func holdsFiles(form map[string]any) bool {
	for _, v := range form {
		list, _ := v.([]any)
		if _, file := v.(filePart); file {
			return true
		}
		for _, item := range list {
			if _, file := item.(filePart); file {
				return true
			}
		}
	}
	return false
}
