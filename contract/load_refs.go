package contract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

// refPlace says what may stand under the members of one kind of object: an object
// of another kind, a list of them ("[]kind") or a map to them ("*kind"). Where a
// kind has "$ref", an object with that member stands for another.
type refPlace map[string]string

// places are those objects of OpenAPI that refer to others (OAS 3.1 section 4.8).
func places() map[string]refPlace {
	content := refPlace{"content": "*mediaType", "schema": "schema", "examples": "*example", "$ref": ""}
	methodsOf := refPlace{"parameters": "[]parameter", "servers": "[]server", "$ref": ""}
	for _, m := range methods() {
		methodsOf[strings.ToLower(m)] = "operation"
	}
	return map[string]refPlace{
		"document": {"paths": "*pathItem", "webhooks": "*pathItem", "components": "components", "servers": "[]server"},
		"components": {"schemas": "*schema", "responses": "*response", "parameters": "*parameter", "examples": "*example",
			"requestBodies": "*requestBody", "headers": "*header", "securitySchemes": "*securityScheme", "links": "*link",
			"callbacks": "*callback", "pathItems": "*pathItem"},
		"pathItem": methodsOf,
		"operation": {"parameters": "[]parameter", "requestBody": "requestBody", "responses": "*response", "callbacks": "*callback",
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
		if strings.HasPrefix(s.get("$ref").text(), "#") && !strings.HasPrefix(s.get("$ref").text(), "#/") {
			continue // an $anchor, or the document itself
		}
		if _, ok := l.resolve(s); !ok {
			l.cut[s.get("$ref").node] = true
		}
	}
}

func (c *checker) check(kind string, s spot) {
	if kind == "schema" && !s.is(isObject) {
		return // true, false, or for the schema compiler to refuse
	}
	if !s.is(isObject) {
		c.wrongType(s, kind, "an object")
		return
	}
	at := c.grammar[kind]
	if _, refers := at["$ref"]; refers && s.get("$ref").exists() {
		if kind == "schema" {
			c.schemas = append(c.schemas, s)
		} else {
			c.resolve(s)
			return
		}
	}
	if kind == "schema" && s.get("$id").is(isText) {
		c.ids = true
	}
	c.misspelt(kind, s)
	for _, m := range s.members() {
		child, known := at[m.name]
		switch {
		case kind == "callback" && !strings.HasPrefix(m.name, "x-"):
			c.check("pathItem", m.spot)
		case known && child != "":
			c.checkMember(kind, child, m)
		}
	}
}

func (c *checker) checkMember(kind, child string, m named) {
	if each, ok := strings.CutPrefix(child, "*"); ok {
		if !m.is(isObject) {
			if kind != "schema" {
				c.wrongType(m.spot, m.name, "an object")
			}
			return
		}
		for _, x := range m.members() {
			if extension := strings.HasPrefix(x.name, "x-") && kind != "schema" && kind != "components"; !extension {
				c.check(each, x.spot)
			}
		}
		return
	}
	if each, ok := strings.CutPrefix(child, "[]"); ok {
		if !m.is(isList) && kind != "schema" {
			c.wrongType(m.spot, m.name, "a list")
		}
		for _, x := range m.items() {
			c.check(each, x)
		}
		return
	}
	c.check(child, m.spot)
}

func (c *checker) wrongType(s spot, what, want string) {
	is := s.node.kind.String()
	if s.is(isNull) {
		is = "empty"
	}
	c.add(s.named(), Issue{Code: codeShape, What: fmt.Sprintf("%s must be %s, and is %s", what, want, is), Fix: "Write it as " + want + ", or leave it out."})
}

// misspelt reports a member that OpenAPI does not know and that is almost one
// it does: the misspelt statement would be void in silence.
func (c *checker) misspelt(kind string, s spot) {
	known := knownMembers(kind)
	if known == nil {
		return
	}
	for _, m := range s.members() {
		if slices.Contains(known, m.name) {
			continue
		}
		near := nearest.Word(m.name, known)
		if near == "" || len(m.name) < 4 || nearest.Distance(m.name, near) > 2 || strings.HasPrefix(m.name, "x-") && !strings.HasPrefix(near, "x-") {
			continue
		}
		code := codeShape
		if strings.HasPrefix(near, "x-") {
			code = codeKey
		}
		c.add(m.named(), Issue{Code: code, What: fmt.Sprintf("unknown key %q", clip(m.name)),
			Why: "What it should say would go unenforced.", Fix: fmt.Sprintf("Did you mean %q?", near)})
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
// itself. When it leads nowhere, that is reported, and the result is not ok.
func (l *loader) resolve(s spot) (spot, bool) {
	visited := []string{s.ptr}
	start := s
	for {
		ref := s.get("$ref")
		if !s.is(isObject) || !ref.exists() {
			return s, s.exists()
		}
		next, ok := l.target(ref)
		if !ok {
			return spot{}, false
		}
		if slices.Contains(visited, next.ptr) {
			if next.ptr == start.ptr && start.ptr == slices.Min(visited) { // each cycle is told once
				l.add(start.get("$ref").at(), Issue{Code: codeCycle, What: fmt.Sprintf("%s refers to itself", clip(start.ptr)),
					Why: "Following it has no end: " + clip(strings.Join(append(visited, next.ptr), " -> ")), Fix: "Let one of them say what it is."})
			}
			return spot{}, false
		}
		visited = append(visited, next.ptr)
		s = next
	}
}

// target is what a $ref points at.
func (l *loader) target(ref spot) (spot, bool) {
	if !ref.is(isText) {
		l.add(ref.at(), Issue{Code: codeShape, What: "$ref must be text, and is " + ref.node.kind.String(), Fix: `Write it as "#/components/...".`})
		return spot{}, false
	}
	fragment, local := strings.CutPrefix(ref.text(), "#")
	if !local {
		l.add(ref.at(), Issue{Code: codeRemote, What: fmt.Sprintf("the reference %q leads out of this document", clip(ref.text())),
			Why: "A contract is one document: what enforces must not change when another file or server does.",
			Fix: "Copy what it names under components and refer to it with \"#/components/...\"; a bundler does that for a whole tree."})
		return spot{}, false
	}
	if pointer, err := url.PathUnescape(fragment); err == nil {
		if s, ok := l.root.walk(pointer); ok {
			return s, true
		}
	}
	fix := "Correct the reference, or add what it names."
	if near := l.nearestTarget(fragment); near != "" {
		fix = fmt.Sprintf("Did you mean \"#%s\"?", near)
	}
	l.add(ref.at(), Issue{Code: codeDangling, What: fmt.Sprintf("there is nothing at %q", clip(ref.text())), Fix: fix})
	return spot{}, false
}

// nearestTarget looks for a sibling with a name like the one that is missing.
func (l *loader) nearestTarget(pointer string) string {
	cut := strings.LastIndexByte(pointer, '/')
	if cut < 0 {
		return ""
	}
	parent, ok := l.root.walk(pointer[:cut])
	if !ok {
		return ""
	}
	var names []string
	for _, m := range parent.members() {
		names = append(names, m.name)
	}
	near := nearest.Word(pointer[cut+1:], names)
	if near == "" {
		return ""
	}
	return pointer[:cut+1] + escapePointer(near)
}
