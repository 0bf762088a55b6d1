package contract

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// refPlace says what may stand under the members of one kind of object: an object
// of another kind, a list of them ("[]kind"), a map to them ("*kind") or a map
// that may have extensions too ("x-*kind"). Where a kind has "$ref", an object
// with that member stands for another.
type refPlace map[string]string

// places are those objects of OpenAPI that refer to others (OAS 3.1 section 4.8).
func places() map[string]refPlace {
	content := refPlace{"content": "*mediaType", "schema": "schema", "examples": "*example", "$ref": ""}
	methodsOf := refPlace{"parameters": "[]parameter", "servers": "[]server", "$ref": ""}
	for _, m := range methods() {
		methodsOf[strings.ToLower(m)] = "operation"
	}
	return map[string]refPlace{
		"document": {"paths": "x-*pathItem", "webhooks": "*pathItem", "components": "components", "servers": "[]server"},
		"components": {"schemas": "*schema", "responses": "*response", "parameters": "*parameter", "examples": "*example",
			"requestBodies": "*requestBody", "headers": "*header", "securitySchemes": "*securityScheme", "links": "*link",
			"callbacks": "*callback", "pathItems": "*pathItem"},
		"pathItem": methodsOf,
		"operation": {"parameters": "[]parameter", "requestBody": "requestBody", "responses": "x-*response", "callbacks": "*callback",
			"servers": "[]server", "x-gatehouse-websocket": "websocket"},
		"parameter":      content,
		"header":         content,
		"requestBody":    {"content": "*mediaType", "$ref": ""},
		"response":       {"headers": "*header", "content": "*mediaType", "links": "*link", "$ref": ""},
		"mediaType":      {"schema": "schema", "examples": "*example", "encoding": "*encoding"},
		"encoding":       {"headers": "*header"},
		"example":        {"$ref": ""},
		"callback":       {"$ref": ""},
		"link":           {"$ref": ""},
		"securityScheme": {"$ref": ""},
		"websocket":      {"receive": "*schema", "send": "*schema"},
		"schema": {"properties": "*schema", "patternProperties": "*schema", "dependentSchemas": "*schema", "$defs": "*schema",
			"definitions": "*schema", "allOf": "[]schema", "anyOf": "[]schema", "oneOf": "[]schema", "prefixItems": "[]schema",
			"items": "schema", "additionalProperties": "schema", "not": "schema", "if": "schema", "then": "schema", "else": "schema",
			"contains": "schema", "propertyNames": "schema", "unevaluatedItems": "schema", "unevaluatedProperties": "schema",
			"contentSchema": "schema", "additionalItems": "schema", "$ref": ""},
	}
}

// checker goes through every place of a document where a reference may stand,
// used or not.
type checker struct {
	*loader
	grammar map[string]refPlace
	schemas []spot // schemas with a $ref
	ids     bool   // some schema has an $id: then references are relative to it
}

// checkPlaces reports what has the wrong type, and every reference that is
// remote, leads nowhere or leads back to itself.
func (l *loader) checkPlaces() {
	c := checker{loader: l, grammar: places()}
	c.check("document", l.root)
	if c.ids {
		return // which schema a reference means is then the schema compiler's to know
	}
	for _, s := range c.schemas {
		ref := s.get("$ref")
		if strings.HasPrefix(ref.text(), "#") && !strings.HasPrefix(ref.text(), "#/") {
			continue // an $anchor, or the document itself
		}
		if !l.resolve(s).exists() {
			l.cut[ref.node] = true
		}
	}
}

func (c *checker) check(kind string, s spot) {
	at := c.grammar[kind]
	_, refers := at["$ref"]
	switch ref := s.get("$ref"); {
	case kind == "schema":
		c.schema(s)
	case !s.is(isObject):
		c.wrongType(s, kind, "an object")
	case ref.exists() && refers:
		if final := c.resolve(s); final.exists() && !final.is(isObject) {
			c.add(ref.at(), Issue{Code: codeShape, What: fmt.Sprintf("%s must be an object, and at %q is %s", kind, clip(ref.text()), final.node.kind),
				Fix: "Correct the reference."})
		}
		return
	case ref.exists():
		c.add(ref.key, Issue{Code: codeShape, What: "$ref means nothing in " + kind, Why: "OpenAPI has no references there: what it names would count for nothing.",
			Fix: "Write out what it refers to."})
	}
	c.misspelt(kind, s)
	for _, m := range s.members() {
		switch child := at[m.name]; {
		case kind == "callback" && !strings.HasPrefix(m.name, "x-"):
			c.check("pathItem", m.spot)
		case child != "":
			c.checkMember(kind, child, m)
		}
	}
}

// schema notes a schema that refers to another. What else is wrong with it, the
// schema compiler tells.
func (c *checker) schema(s spot) {
	if s.get("$ref").exists() {
		c.schemas = append(c.schemas, s)
	}
	c.ids = c.ids || s.get("$id").is(isText)
}

func (c *checker) checkMember(kind, child string, m named) {
	child, extensible := strings.CutPrefix(child, "x-")
	child, table := strings.CutPrefix(child, "*")
	child, list := strings.CutPrefix(child, "[]")
	switch {
	case kind == "schema":
	case table && !m.is(isObject):
		c.wrongType(m.spot, m.name, "an object")
	case list && !m.is(isList):
		c.wrongType(m.spot, m.name, "a list")
	}
	switch {
	case table:
		for _, x := range m.members() {
			if !extensible || !strings.HasPrefix(x.name, "x-") {
				c.check(child, x.spot)
			}
		}
	case list:
		for _, x := range m.items() {
			c.check(child, x)
		}
	default:
		c.check(child, m.spot)
	}
}

func (c *checker) wrongType(s spot, what, want string) {
	is := s.node.kind.String()
	if s.is(isNull) {
		is = "empty"
	}
	c.add(s.key, Issue{Code: codeShape, What: fmt.Sprintf("%s must be %s, and is %s", what, want, is), Fix: "Write it as " + want + ", or leave it out."})
}

// misspelt reports a member that OpenAPI does not know and that is almost one
// it does: the misspelt statement would be void in silence.
func (c *checker) misspelt(kind string, s spot) {
	known := knownMembers(kind)
	for _, m := range s.members() {
		near := nearest.Word(m.name, known)
		ours := strings.HasPrefix(near, "x-")
		code := codeShape
		if ours {
			code = codeKey
		}
		switch left := slices.Contains(schemaKeys(), m.name); {
		case left && kind == "parameter":
			c.leftOver(m)
		case left && kind == "header": // of an answer, which is not checked
		case near == "", slices.Contains(known, m.name):
		case strings.HasPrefix(m.name, "x-") && !ours: // somebody else's extension
		case strings.EqualFold(m.name, near), nearest.Distance(m.name, near) <= 2:
			c.add(m.key, Issue{Code: code, What: fmt.Sprintf("unknown key %q", clip(m.name)),
				Why: "What it should say would go unenforced.", Fix: fmt.Sprintf("Did you mean %q?", near)})
		}
	}
}

// knownMembers are the fixed fields of an object (OAS 3.1 section 4.8), and ours.
func knownMembers(kind string) []string {
	switch kind {
	case "document":
		return []string{"openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags", "externalDocs", "x-gatehouse"}
	case "components":
		return []string{"schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links", "callbacks", "pathItems"}
	case "pathItem":
		return []string{"$ref", "summary", "description", "get", "put", "post", "delete", "options", "head", "patch", "trace", "servers", "parameters"}
	case "operation":
		return []string{"tags", "summary", "description", "externalDocs", "operationId", "parameters", "requestBody", "responses",
			"callbacks", "deprecated", "security", "servers", "x-gatehouse", "x-gatehouse-websocket"}
	case "parameter", "header":
		return []string{"name", "in", "description", "required", "deprecated", "allowEmptyValue", "style", "explode", "allowReserved",
			"schema", "example", "examples", "content", "$ref"}
	case "requestBody":
		return []string{"description", "content", "required", "$ref"}
	case "response":
		return []string{"description", "headers", "content", "links", "$ref"}
	case "mediaType":
		return []string{"schema", "example", "examples", "encoding"}
	}
	return nil
}

// resolve follows a reference object to what it stands for; anything else is
// itself. When it leads nowhere, that is reported, and the result does not exist.
func (l *loader) resolve(s spot) spot {
	visited := []string{s.ptr}
	start := s
	for {
		ref := s.get("$ref")
		if !ref.exists() {
			return s
		}
		next := l.target(ref)
		if slices.Contains(visited, next.ptr) {
			if next.ptr == start.ptr && start.ptr == slices.Min(visited) { // each cycle is told once
				l.add(start.get("$ref").at(), Issue{Code: codeCycle, What: fmt.Sprintf("%s refers to itself", clip(start.ptr)),
					Why: "Following it has no end: " + clip(strings.Join(append(visited, next.ptr), " -> ")), Fix: "Let one of them say what it is."})
			}
			return spot{}
		}
		visited = append(visited, next.ptr)
		s = next
	}
}

// target is what a $ref points at.
func (l *loader) target(ref spot) spot {
	if !ref.is(isText) {
		l.add(ref.at(), Issue{Code: codeShape, What: "$ref must be text, and is " + ref.node.kind.String(), Fix: `Write it as "#/components/...".`})
		return spot{}
	}
	fragment, local := strings.CutPrefix(ref.text(), "#")
	if !local {
		l.add(ref.at(), Issue{Code: codeRemote, What: fmt.Sprintf("the reference %q leads out of this document", clip(ref.text())),
			Why: "A contract is one document: what enforces must not change when another file or server does.",
			Fix: "Copy what it names under components and refer to it with \"#/components/...\"; a bundler does that for a whole tree."})
		return spot{}
	}
	if pointer, err := url.PathUnescape(fragment); err == nil {
		if s := l.root.walk(pointer); s.exists() {
			return s
		}
	}
	fix := "Correct the reference, or add what it names."
	if near := l.nearestTarget(fragment); near != "" {
		fix = fmt.Sprintf("Did you mean \"#%s\"?", near)
	}
	l.add(ref.at(), Issue{Code: codeDangling, What: fmt.Sprintf("there is nothing at %q", clip(ref.text())), Fix: fix})
	return spot{}
}

// nearestTarget looks for a sibling with a name like the one that is missing.
func (l *loader) nearestTarget(pointer string) string {
	parent, name := path.Split("/" + strings.TrimPrefix(pointer, "/")) // the first slash is forgotten often
	var names []string
	for _, m := range l.root.walk(strings.TrimSuffix(parent, "/")).members() {
		names = append(names, m.name)
	}
	near := nearest.Word(name, names)
	if near == "" {
		return ""
	}
	return parent + strictjson.EscapeToken(near)
}
