package gatetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// document is a contract as it is served, decoded.
type document struct {
	root map[string]any
	made map[string]stated // by operationId
}

// stated is where a document states an operation.
type stated struct {
	path, operation map[string]any
}

func readDocument(api *contract.API) (*document, error) {
	v, err := strictjson.Decode(api.Document)
	if err != nil {
		return nil, fmt.Errorf("gatetest: reading the document of %s: %w", api.Name, err)
	}
	d := &document{made: map[string]stated{}}
	d.root, _ = v.(map[string]any)
	paths, _ := d.root["paths"].(map[string]any)
	for _, p := range paths {
		item, _ := p.(map[string]any)
		for _, o := range item {
			if operation, ok := o.(map[string]any); ok {
				if id, ok := operation["operationId"].(string); ok {
					d.made[id] = stated{item, operation}
				}
			}
		}
	}
	return d, nil
}

// follow resolves $ref.
func (d *document) follow(v any) map[string]any {
	for range 20 {
		m, _ := v.(map[string]any)
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		target, ok := strings.CutPrefix(ref, "#/")
		if !ok {
			return m
		}
		v = any(d.root)
		for part := range strings.SplitSeq(target, "/") {
			in, _ := v.(map[string]any)
			v = in[strings.NewReplacer("~1", "/", "~0", "~", "%7B", "{", "%7D", "}").Replace(part)]
		}
	}
	return nil
}

// sample makes a request that fits op.
func (d *document) sample(op *contract.Operation, target Target) (*operation, error) {
	at := d.made[op.ID]
	o := &operation{op: op, path: op.Path, header: map[string]string{}, segments: map[string]string{}}
	if err := d.params(o, at, target.Params[op.ID]); err != nil {
		return o, err
	}
	if op.Body == nil {
		return o, nil
	}
	return o, d.fillBody(o, d.follow(at.operation["requestBody"]), target.Bodies[op.ID])
}

// misfit is the operation with a parameter that the contract refuses; nil when it
// takes any text there, or has none.
func (o *operation) misfit(in string) *operation {
	const text = canary + `'"<>`
	for _, p := range o.op.Params {
		if p.In != in {
			continue
		}
		other := *o
		switch in {
		case "path":
			other.path = o.op.Path
			for name, segment := range o.segments {
				if name == p.Name {
					segment = url.PathEscape(text)
				}
				other.path = strings.ReplaceAll(other.path, "{"+name+"}", segment)
			}
		case "query":
			query, err := url.ParseQuery(o.query)
			if err != nil {
				continue
			}
			query.Set(p.Name, text)
			other.query = query.Encode()
		case "header":
			other.header = maps.Clone(o.header)
			other.header[p.Name] = text
		}
		if other.paramsFit() != nil {
			return &other
		}
	}
	return nil
}

// setHeader puts the parameters of the header into a request.
func (o *operation) setHeader(r *http.Request) {
	for name, value := range o.header {
		r.Header.Set(name, value)
	}
	if o.cookies != nil {
		r.Header.Set("Cookie", strings.Join(o.cookies, "; "))
	}
}

// schemaOf finds the schema of a parameter in the document.
func (d *document) schemaOf(at stated, p *contract.Param) any {
	for _, from := range []map[string]any{at.operation, at.path} {
		list, _ := from["parameters"].([]any)
		for _, v := range list {
			m := d.follow(v)
			name, _ := m["name"].(string)
			if !strings.EqualFold(name, p.Name) || m["in"] != p.In {
				continue
			}
			if example, ok := exampleOf(m); ok {
				return map[string]any{"const": example}
			}
			if content, _ := m["content"].(map[string]any); p.JSON {
				for _, media := range content {
					return d.mediaSchema(media)
				}
			}
			return m["schema"]
		}
	}
	return nil
}

// mediaSchema is the schema of a media type object, or its example.
func (d *document) mediaSchema(media any) any {
	m, _ := media.(map[string]any)
	if example, ok := exampleOf(m); ok {
		return map[string]any{"const": example}
	}
	return m["schema"]
}

// fillBody makes a body of the first media type of the contract that it can
// make: JSON before forms. Others pass the contract as they are.
func (d *document) fillBody(o *operation, stated map[string]any, given string) error {
	content, _ := stated["content"].(map[string]any)
	for _, media := range o.op.Body.Accepts() {
		m, _ := content[media].(map[string]any)
		as := o.op.Body.Content[media]
		if !as.JSON && !as.Form && !as.Multipart {
			continue
		}
		o.bare, o.media = media, media
		if as.Multipart {
			o.media += "; boundary=" + boundary
		}
		o.guarded = d.members(m["schema"], guarded{})
		o.unguarded = d.missing(content, o.guarded)
		if given != "" {
			if o.body = []byte(given); as.JSON {
				o.value = decoded(o.body)
			}
			return o.bodyFits()
		}
		v, ok := exampleOf(m)
		if !ok {
			var err error
			if v, err = d.bodyValue(as, m["schema"]); err != nil {
				return fmt.Errorf("body: %w; state one in Target.Bodies", err)
			}
		}
		b, err := encodeBody(as, v)
		o.body, o.value = b, v
		if as.JSON {
			o.readOnly = d.readOnly(m["schema"])
		}
		return errors.Join(err, o.bodyFits())
	}
	return nil
}

// bodyValue is a value that fits; in a form with a field, where one may be, for
// a form without any is no body.
func (d *document) bodyValue(as *contract.Media, schema any) (any, error) {
	v, err := d.value(schema)
	if object, ok := v.(map[string]any); ok && as.Form && len(object) == 0 {
		return d.value(merge(d.joined(schema, maxDepth), map[string]any{"minProperties": json.Number("1")}))
	}
	return v, err
}

// readOnly is a member that the schema keeps for answers, as JSON; "" when there
// is none.
func (d *document) readOnly(schema any) string {
	properties, _ := d.joined(schema, maxDepth)["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if d.joined(properties[name], maxDepth)["readOnly"] != true {
			continue
		}
		v, err := d.value(properties[name])
		member, err2 := strictjson.Marshal(map[string]any{name: v})
		if errors.Join(err, err2) == nil {
			return string(member[1 : len(member)-1])
		}
	}
	return ""
}

const boundary = "gatetest-boundary"

func encodeBody(as *contract.Media, v any) ([]byte, error) {
	switch {
	case as.Form && as.Schema == nil:
		return []byte("gatetest=1"), nil
	case as.Form:
		return as.URLEncoded(v), nil
	case as.Multipart:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		err := w.SetBoundary(boundary)
		fields := []contract.FormValue{{Name: "gatetest", Text: "1"}}
		if as.Schema != nil {
			fields = as.Values(v)
		}
		for _, field := range fields {
			err = errors.Join(err, writePart(w, field.Name, field.Text, as.Part(field.Name)))
		}
		err = errors.Join(err, w.Close())
		return b.Bytes(), err
	default:
		return strictjson.Marshal(v)
	}
}

func writePart(w *multipart.Writer, name, text string, as contract.Part) error {
	if !as.File {
		return w.WriteField(name, text)
	}
	header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"; filename="gatetest.txt"`}, "Content-Type": {"text/plain"}}
	if len(as.Types) > 0 && !strings.Contains(as.Types[0], "*") {
		header.Set("Content-Type", as.Types[0])
	}
	part, err := w.CreatePart(header)
	if err == nil {
		_, err = part.Write([]byte(text))
	}
	return err
}

func (o *operation) bodyFits() error {
	refusal := o.refusal("guest", o.body)
	if refusal == nil {
		return nil
	}
	why := refusal.Detail
	for _, f := range refusal.Fields {
		why += "; " + f.Pointer + " " + f.Message
	}
	return fmt.Errorf("the body %s does not fit: %s; state one in Target.Bodies", o.body, why)
}

// refusal is what the contract has against a body that a role sends.
func (o *operation) refusal(role string, body []byte) *problem.Error {
	media, refusal := o.op.Body.Media(o.media)
	if refusal == nil && media.Multipart && media.Schema != nil {
		values, err := formValues(media, body)
		if err != nil {
			return problem.Malformed(err.Error())
		}
		_, refusal = o.op.DecodeForm(role, media, values, nil)
		return refusal
	}
	_, refusal = o.op.Decode(role, o.media, bytes.Clone(body))
	return refusal
}

// formValues reads multipart/form-data.
func formValues(media *contract.Media, body []byte) ([]contract.FormValue, error) {
	var values []contract.FormValue
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the form: %w", err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, fmt.Errorf("reading the form: %w", err)
		}
		v := contract.FormValue{Name: part.FormName(), Text: string(data)}
		if media.Part(v.Name).File || part.FileName() != "" {
			v.Text, v.File = "", &contract.FormFile{Name: part.FileName(), Type: part.Header.Get("Content-Type"), Size: int64(len(data))}
		}
		values = append(values, v)
	}
}
