package contract

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// documentURL is where the document is registered with the library. It is
// absolute because the library makes a relative name a path of this machine.
const documentURL = "https://gatehouse.invalid/openapi.json"

// compiler compiles the schemas of one OpenAPI document.
type compiler struct {
	name   string
	doc    map[string]any // 3.0 schemas translated
	lib    *jsonschema.Compiler
	base   string
	broken error // the document could not be registered with the library
	graph  graph
	roles  []string          // known to the gate; empty when any will do
	forms  map[string]*shape // by the nodes that a shape is made of
	ids    map[*node]int
}

// compileError is a fault of the document, at an RFC 6901 pointer into it.
type compileError struct{ pointer, what, why, fix string }

// Error says what is wrong, why, and what to do.
func (e *compileError) Error() string {
	return e.pointer + ": " + e.what + ": " + e.why + "; " + e.fix
}

// newCompiler takes the whole document as strictjson.Decode gives it. doc itself
// stays as it is; a 3.0 document is translated on a copy, once.
func newCompiler(name string, doc map[string]any, version30 bool) *compiler {
	if version30 {
		doc = translate30(doc)
	}
	return newSchemaCompiler(name, contractLibrary(), documentURL, doc)
}

// contractLibrary is the library's compiler as contracts need it: formats are
// asserted, nothing is fetched.
func contractLibrary() *jsonschema.Compiler {
	lib := jsonschema.NewCompiler()
	lib.AssertFormat()
	for _, f := range ourFormats() {
		lib.RegisterFormat(f)
	}
	lib.UseLoader(noLoader{})
	return lib
}

// newSchemaCompiler compiles schemas of doc with a library compiler that has its
// formats and its loader.
func newSchemaCompiler(name string, lib *jsonschema.Compiler, base string, doc any) *compiler {
	lib.UseRegexpEngine(compilePattern)
	c := &compiler{name: name, lib: lib, base: base, forms: map[string]*shape{}, ids: map[*node]int{}}
	c.doc, _ = doc.(map[string]any)
	c.graph = graph{nodes: map[*jsonschema.Schema]*node{}, state: c.stated}
	c.broken = lib.AddResource(base, doc)
	return c
}

// CompileSchema compiles one JSON Schema 2020-12, given as strictjson.Decode
// gives it. Formats are asserted; references lead nowhere outside of it.
func CompileSchema(schema any) (*Schema, error) {
	return newSchemaCompiler("schema", contractLibrary(), documentURL, schema).compile("", anyWay)
}

// noLoader fetches nothing: a contract is one document.
type noLoader struct{}

var errOutside = errors.New("the reference leaves the document")

// Load refuses.
func (noLoader) Load(string) (any, error) { return nil, errOutside }

// schema compiles the schema at an RFC 6901 pointer into the document.
func (c *compiler) schema(pointer string) (*Schema, error) { return c.compile(pointer, anyWay) }

func (c *compiler) compile(pointer string, way direction) (*Schema, error) {
	if c.broken != nil {
		return nil, fmt.Errorf("registering the document %s: %w", c.name, c.broken)
	}
	lib, err := c.lib.Compile(c.base + "#" + fragment(pointer))
	if err != nil {
		return nil, c.explain(pointer, err)
	}
	c.graph.err = nil
	root := c.graph.node(lib)
	if c.graph.err != nil {
		return nil, c.graph.err
	}
	s := &Schema{root: root, way: way}
	dynamic, delegated := reaches(root)
	s.private = private(root)
	s.whole = dynamic
	if !dynamic {
		if bad := c.graph.loops(root); bad != nil {
			return nil, &compileError{c.pointerOf(bad.lib, pointer), "a schema that refers to itself",
				"it comes back to itself without going into a member or an item, so no value could ever be checked",
				"let the reference stand under properties or items, or name another schema"}
		}
	}
	if dynamic || delegated {
		s.nodes = map[string]*node{}
		for lib, n := range c.graph.nodes {
			s.nodes[lib.Location] = n
		}
	}
	s.shape = c.shapeOf([]applied{{root, true}})
	return s, nil
}

// reaches tells whether a schema can come to a dynamic reference, and to a node
// that the library evaluates.
func reaches(root *node) (dynamic, delegated bool) {
	seen := map[*node]bool{root: true}
	for queue := []*node{root}; len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		dynamic = dynamic || n.lib.DynamicRef != nil || n.lib.RecursiveRef != nil
		delegated = delegated || n.delegate
		for _, m := range n.children() {
			if !seen[m] {
				seen[m] = true
				queue = append(queue, m)
			}
		}
	}
	return dynamic, delegated
}

// pointerOf is where a schema of the document stands, otherwise fallback.
func (c *compiler) pointerOf(s *jsonschema.Schema, fallback string) string {
	if s == nil {
		return fallback
	}
	rest, ours := strings.CutPrefix(s.Location, c.base+"#")
	if !ours {
		return fallback
	}
	pointer, err := url.PathUnescape(rest)
	if err != nil {
		return fallback
	}
	return pointer
}

// at is the value at a pointer into the document, nil when there is none.
func (c *compiler) at(pointer string) any { return lookUp(c.doc, pointer) }

// fragment writes a JSON Pointer as a URI fragment (RFC 6901 §6).
func fragment(pointer string) string {
	tokens := strings.Split(pointer, "/")
	for i, t := range tokens {
		tokens[i] = url.PathEscape(t)
	}
	return strings.Join(tokens, "/")
}

// explain turns an error of the library into one with place, reason and remedy.
func (c *compiler) explain(pointer string, err error) error {
	if e, ok := errors.AsType[*jsonschema.InvalidRegexError](err); ok {
		return badPattern(c.pointerIn(e.URL, pointer), e.Err)
	}
	if e, ok := errors.AsType[*jsonschema.JSONPointerNotFoundError](err); ok {
		return &compileError{pointer, "a $ref that leads nowhere", "there is nothing at " + c.shown(e.URL),
			"correct the reference, or add what it names"}
	}
	if e, ok := errors.AsType[*jsonschema.AnchorNotFoundError](err); ok {
		return &compileError{pointer, "a $ref that leads nowhere", "no $anchor has the name in " + c.shown(e.Reference),
			"correct the reference, or add the anchor"}
	}
	if e, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		return &compileError{pointer, "a $ref out of the document", c.shown(e.URL) + " is not read: a contract is one document",
			"copy the schema into components/schemas and refer to it there"}
	}
	if e, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		return c.blame(c.pointerIn(e.URL, pointer), e.Err)
	}
	return &compileError{pointer, "a schema that cannot be compiled", err.Error(), "see the 2020-12 specification of JSON Schema"}
}

func badPattern(pointer string, err error) error {
	return &compileError{pointer, "a pattern that cannot be used", patternReason(err),
		"write it without lookahead, lookbehind and back-references (RE2 syntax)"}
}

// blame finds the deepest place at which the meta-schema refuses a schema.
func (c *compiler) blame(pointer string, err error) error {
	bad := &compileError{pointer, "not a valid JSON Schema", err.Error(), "see the 2020-12 specification for this keyword"}
	e, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return bad
	}
	leaf := e
	for queue := []*jsonschema.ValidationError{e}; len(queue) > 0; queue = queue[1:] {
		if len(queue[0].Causes) == 0 && (len(leaf.Causes) > 0 || len(queue[0].InstanceLocation) > len(leaf.InstanceLocation)) {
			leaf = queue[0]
		}
		queue = append(queue, queue[0].Causes...)
	}
	for _, token := range leaf.InstanceLocation {
		bad.pointer += "/" + escapeToken(token)
	}
	switch k := leaf.ErrorKind.(type) {
	case *kind.Type:
		bad.why = textType(kindsNamed(k.Want))
	case *kind.Format:
		if pattern, ok := k.Got.(string); ok && k.Want == "regex" {
			_, err := compilePattern(pattern)
			return badPattern(bad.pointer, err)
		}
		_, bad.why = wordsFor(k)
	default:
		_, bad.why = wordsFor(k)
	}
	return bad
}

func (c *compiler) pointerIn(location, fallback string) string {
	return c.pointerOf(&jsonschema.Schema{Location: location}, fallback)
}

// shown writes a reference as the author did.
func (c *compiler) shown(location string) string { return strings.TrimPrefix(location, c.base) }

// compilePattern makes a matcher of an ECMA-262 pattern (JSON Schema core §6.4)
// with RE2, whose time is linear in the input.
func compilePattern(pattern string) (jsonschema.Regexp, error) {
	return regexp.Compile(rewritePattern(pattern))
}
