package contract

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// translate30 returns a copy of an OpenAPI 3.0 document whose schemas mean in
// JSON Schema 2020-12 what they mean in 3.0. What is not a schema is shared.
func translate30(doc map[string]any) map[string]any {
	t := translator{doc: copyTree(doc).(map[string]any), grammar: places(), seen: map[string]bool{}, met: map[spotKind]bool{}}
	t.object("document", t.doc, "")
	return t.doc
}

type translator struct {
	doc     map[string]any
	grammar map[string]refPlace
	seen    map[string]bool // pointers of schemas that are done
	met     map[spotKind]bool
}

// spotKind is a place of the document, read as one kind of object.
type spotKind struct{ kind, pointer string }

func copyTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = copyTree(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copyTree(e)
		}
		return out
	}
	return v
}

// object finds the schemas in an object of OpenAPI that is none, by what may stand
// in an object of its kind: a parameter may be called schema, and a body example.
func (t *translator) object(kind string, v any, pointer string) {
	in, _ := v.(map[string]any)
	here := spotKind{kind, pointer}
	if t.met[here] {
		return
	}
	t.met[here] = true
	if ref, ok := in["$ref"].(string); ok {
		if target, local := strings.CutPrefix(ref, "#"); local {
			t.object(kind, lookUp(t.doc, target), target)
		}
	}
	for key, e := range in {
		child := t.grammar[kind][key]
		if kind == "callback" {
			child = "pathItem"
		}
		if child != "" {
			t.place(child, e, pointer+"/"+strictjson.EscapeToken(key))
		}
	}
}

// place goes into what stands at a place: an object, a list or a table.
func (t *translator) place(child string, v any, pointer string) {
	child, _ = strings.CutPrefix(child, "x-")
	child, table := strings.CutPrefix(child, "*")
	child, list := strings.CutPrefix(child, "[]")
	switch {
	case table:
		in, _ := v.(map[string]any)
		for name, e := range in {
			t.one(child, e, pointer+"/"+strictjson.EscapeToken(name))
		}
	case list:
		in, _ := v.([]any)
		for i, e := range in {
			t.one(child, e, pointer+"/"+strconv.Itoa(i))
		}
	default:
		t.one(child, v, pointer)
	}
}

func (t *translator) one(kind string, v any, pointer string) {
	if kind == "schema" {
		t.schema(v, pointer)
	} else {
		t.object(kind, v, pointer)
	}
}

func (t *translator) table(v any, pointer string) {
	table, _ := v.(map[string]any)
	for name, s := range table {
		t.schema(s, pointer+"/"+strictjson.EscapeToken(name))
	}
}

func (t *translator) list(v any, pointer string) {
	list, _ := v.([]any)
	for i, s := range list {
		t.schema(s, pointer+"/"+strconv.Itoa(i))
	}
}

// schema translates one schema in place, what is within it, and what it refers
// to.
func (t *translator) schema(v any, pointer string) {
	s, ok := v.(map[string]any)
	if !ok || t.seen[pointer] {
		return
	}
	t.seen[pointer] = true
	if ref, ok := s["$ref"].(string); ok { // 3.0 reference objects have no siblings that count
		maps.DeleteFunc(s, func(k string, _ any) bool { return k != "$ref" && k != "x-gatehouse" })
		if target, local := strings.CutPrefix(ref, "#"); local {
			t.schema(lookUp(t.doc, target), target)
		}
	}
	for _, k := range []string{"$id", "$schema", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor", "$vocabulary"} {
		delete(s, k) // 3.0 does not know them
	}
	nullable(s)
	exclusive(s, "exclusiveMinimum", "minimum")
	exclusive(s, "exclusiveMaximum", "maximum")
	if s["format"] == "binary" { // any octets; there is nothing to assert of a JSON string
		delete(s, "format")
		s[binaryMark] = true
	}
	for _, k := range []string{"items", "additionalProperties", "not"} {
		t.schema(s[k], pointer+"/"+k)
	}
	for _, k := range []string{"allOf", "anyOf", "oneOf"} {
		t.list(s[k], pointer+"/"+k)
	}
	t.table(s["properties"], pointer+"/properties")
}

// nullable adds null to the type that stands in the same schema; without one it
// says nothing, and an enum has to list null itself (OpenAPI 3.0.3, Schema
// Object; its clarification of nullable).
func nullable(s map[string]any) {
	if name, ok := s["type"].(string); ok && s["nullable"] == true {
		s["type"] = []any{name, "null"}
	}
}

// exclusive turns the boolean of draft 4 into the number of 2020-12.
func exclusive(s map[string]any, keyword, limit string) {
	flag, ok := s[keyword].(bool)
	if !ok {
		return
	}
	delete(s, keyword)
	if n, stated := s[limit]; flag && stated {
		s[keyword] = n
		delete(s, limit)
	}
}

// lookUp follows an RFC 6901 pointer; nil when it leads nowhere, or is none.
func lookUp(v any, pointer string) any {
	tokens := strings.Split(pointer, "/")
	if tokens[0] != "" {
		return nil
	}
	for _, token := range tokens[1:] {
		token = unescapeToken(token)
		switch in := v.(type) {
		case map[string]any:
			v = in[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// statement is what stands under x-gatehouse in a schema.
type statement struct {
	trim      bool
	emptyNull bool              // "" means null
	texts     map[string]string // by keyword, in place of ours

	writeRoles, readRoles []string // who may send the member, and who is shown it; nil for all
}

// stated reads the statement of a schema of the document.
func (c *compiler) stated(s *jsonschema.Schema) (statement, error) {
	var st statement
	pointer := c.pointerOf(s, "\x00")
	object, _ := c.at(pointer).(map[string]any)
	raw, there := object["x-gatehouse"]
	if !there {
		return st, nil
	}
	pointer += "/x-gatehouse"
	fields, ok := raw.(map[string]any)
	if !ok {
		return st, &compileError{pointer, "a statement that cannot be read", "x-gatehouse in a schema is an object",
			"write x-gatehouse: { trim: true }"}
	}
	for _, key := range sortedKeys(fields) {
		if key == "write_roles" || key == "read_roles" {
			roles, err := c.memberRoles(pointer+"/"+key, fields[key])
			if err != nil {
				return st, err
			}
			if key == "write_roles" {
				st.writeRoles = roles
			} else {
				st.readRoles = roles
			}
			continue
		}
		if !st.set(key, fields[key]) {
			return st, &compileError{pointer + "/" + strictjson.EscapeToken(key), "a statement that cannot be read",
				"a schema may state trim (true or false), empty (null), texts (a text for each keyword), write_roles and read_roles (lists)",
				"correct or remove " + key}
		}
	}
	return st, nil
}

func (st *statement) set(key string, v any) (ok bool) {
	switch key {
	case "trim":
		st.trim, ok = v.(bool)
	case "empty":
		st.emptyNull, ok = true, v == nil
	case "texts":
		st.texts = map[string]string{}
		var table map[string]any
		if table, ok = v.(map[string]any); !ok {
			return false
		}
		for keyword, text := range table {
			if st.texts[keyword], ok = text.(string); !ok || !slices.Contains(textKeywords, keyword) {
				return false
			}
		}
		return true
	}
	return ok
}

// binaryMark remembers format: binary of 3.0, which in a form means a file.
const binaryMark = "x-gatehouse-binary"

// textKeywords are the codes for which a contract may state a text.
var textKeywords = []string{
	"type", "enum", "const", "required", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
	"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "contains",
	"maxContains", "minProperties", "maxProperties", "propertyNames", "dependentRequired", "not", "anyOf", "oneOf",
	codeUnknown, codeReadOnly, "not_allowed",
}
