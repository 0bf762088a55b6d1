package contract

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// body compiles the request body object at a pointer; nil for one that lists no
// media type, and so says no more than that there is none.
func (c *compiler) body(pointer string) (*Body, error) {
	object, _ := c.at(pointer).(map[string]any)
	content, _ := object["content"].(map[string]any)
	required := object["required"] == true
	if _, stated := object["content"]; len(content) == 0 && stated && !required {
		return nil, nil
	}
	if len(content) == 0 {
		return nil, &compileError{pointer, "a body without content", "without a media type nothing could be sent",
			"add content: { application/json: { schema: … } }, or remove requestBody"}
	}
	b := &Body{Required: required, Content: map[string]*Media{}}
	for _, name := range sortedKeys(content) {
		at, key := pointer+"/content/"+strictjson.EscapeToken(name), mediaKey(name)
		if b.Content[key] != nil {
			if err := twice(content, name, at); err != nil {
				return nil, err
			}
			continue
		}
		m, err := c.media(key, at)
		if err != nil {
			return nil, err
		}
		b.Content[key] = m
	}
	return b, nil
}

// twice refuses a media type that stands under two names which mean the same,
// unless both say the same too.
func twice(content map[string]any, name, pointer string) error {
	for other := range content {
		if mediaKey(other) == mediaKey(name) && !reflect.DeepEqual(content[other], content[name]) {
			return &compileError{pointer, fmt.Sprintf("the media type %q stands twice, once as %q", clip(name), clip(other)),
				"case and charset make no other type, so one of the two would win in silence", "keep one of them"}
		}
	}
	return nil
}

// media compiles the media type object at a pointer.
func (c *compiler) media(key, pointer string) (*Media, error) {
	m := &Media{Type: key, JSON: isJSON(key)}
	name := mediaName(key)
	m.Form, m.Multipart = name == urlEncodedForm, name == multipartForm
	s, err := c.mediaSchema(pointer, request)
	m.guard(s)
	switch {
	case s == nil:
		return m, err
	case m.JSON:
		m.Schema = s
		return m, nil
	case m.Form || m.Multipart:
		m.Schema = s
		return m, c.formFields(m, pointer)
	case isRange(key):
		return m, c.mediaRange(m, s, pointer)
	}
	m.unread = s
	return m, nil
}

// mediaRange compiles what a range says of the types in it that are read.
func (c *compiler) mediaRange(m *Media, s *Schema, pointer string) error {
	kind, _, _ := strings.Cut(m.Type, "/")
	m.closed, m.read = s.members(), map[string]*Media{}
	if kind != "multipart" {
		m.read[jsonOf(kind)] = &Media{Type: m.Type, JSON: true, Schema: s}
	}
	if allowed(s.root)&kindObject == 0 {
		return nil
	}
	for _, name := range []string{urlEncodedForm, multipartForm} {
		if own, _, _ := strings.Cut(name, "/"); kind != "*" && kind != own {
			continue
		}
		form := &Media{Type: m.Type, Form: name == urlEncodedForm, Multipart: name == multipartForm, Schema: s}
		if err := c.formFields(form, pointer); err != nil {
			return err
		}
		m.read[name] = form
	}
	return nil
}

// jsonOf names the JSON among the types of a kind.
func jsonOf(kind string) string {
	switch kind {
	case "*", "application":
		return "application/json"
	case "text":
		return "text/json"
	}
	return kind + "/*+json"
}

// mediaSchema compiles the schema of a media type object, nil when it has none.
func (c *compiler) mediaSchema(pointer string, way direction) (*Schema, error) {
	object, _ := c.at(pointer).(map[string]any)
	if _, stated := object["schema"]; !stated {
		return nil, nil
	}
	return c.compile(pointer+"/schema", way)
}
