package contract

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// documentURL is where the document is registered with the library. It is
// absolute because the library makes a relative name a path of this machine.
const documentURL = "https://gatehouse.invalid/openapi.json"

// compiler compiles the schemas of one OpenAPI document.
type compiler struct {
	name  string
	doc   map[string]any // 3.0 schemas translated
	lib   *jsonschema.Compiler
	base  string
	graph graph
	forms map[string]*shape // by the nodes that a shape is made of
	ids   map[*node]int
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
	lib := jsonschema.NewCompiler()
	lib.AssertFormat()
	for _, f := range ourFormats() {
		lib.RegisterFormat(f)
	}
	lib.UseLoader(noLoader{})
	c := newSchemaCompiler(name, lib, documentURL, doc)
	return c
}

// newSchemaCompiler compiles schemas of doc with a library compiler that has its
// formats and its loader.
func newSchemaCompiler(name string, lib *jsonschema.Compiler, base string, doc any) *compiler {
	lib.UseRegexpEngine(compilePattern)
	c := &compiler{name: name, lib: lib, base: base, forms: map[string]*shape{}, ids: map[*node]int{}}
	c.doc, _ = doc.(map[string]any)
	c.graph = graph{nodes: map[*jsonschema.Schema]*node{}, state: c.stated}
	if err := lib.AddResource(base, doc); err != nil {
		panic(fmt.Sprintf("contract: registering a document with a new compiler: %v", err)) // only a second one fails
	}
	return c
}

// CompileSchema compiles one JSON Schema 2020-12, given as strictjson.Decode
// gives it. Formats are asserted; references lead nowhere outside of it.
func CompileSchema(schema any) (*Schema, error) {
	lib := jsonschema.NewCompiler()
	lib.AssertFormat()
	for _, f := range ourFormats() {
		lib.RegisterFormat(f)
	}
	lib.UseLoader(noLoader{})
	return newSchemaCompiler("schema", lib, documentURL, schema).compile("", anyWay)
}

// noLoader fetches nothing: a contract is one document.
type noLoader struct{}

var errOutside = errors.New("the reference leaves the document")

// Load refuses.
func (noLoader) Load(string) (any, error) { return nil, errOutside }

// schema compiles the schema at an RFC 6901 pointer into the document.
func (c *compiler) schema(pointer string) (*Schema, error) { return c.compile(pointer, anyWay) }

func (c *compiler) compile(pointer string, way direction) (*Schema, error) {
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
	s.whole = dynamic
	if !dynamic {
		if bad := c.graph.loops(); bad != nil {
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
		return &compileError{c.pointerIn(e.URL, pointer), "a pattern that cannot be used", patternReason(e.Err),
			"write it without lookahead, lookbehind and back-references (RE2 syntax)"}
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
		where, why := c.blame(c.pointerIn(e.URL, pointer), e.Err)
		return &compileError{where, "not a valid JSON Schema", why, "see the 2020-12 specification for this keyword"}
	}
	return &compileError{pointer, "a schema that cannot be compiled", err.Error(), "see the 2020-12 specification of JSON Schema"}
}

// blame finds the deepest place at which the meta-schema refuses a schema.
func (c *compiler) blame(base string, err error) (pointer, why string) {
	e, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return base, err.Error()
	}
	var leaves []*jsonschema.ValidationError
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			leaves = append(leaves, e)
		}
		for _, sub := range e.Causes {
			walk(sub)
		}
	}
	walk(e)
	leaf := slices.MaxFunc(leaves, func(a, b *jsonschema.ValidationError) int {
		return len(a.InstanceLocation) - len(b.InstanceLocation)
	})
	for _, token := range leaf.InstanceLocation {
		base += "/" + escapeToken(token)
	}
	if k, ok := leaf.ErrorKind.(*kind.Type); ok {
		return base, textType(kindsNamed(k.Want))
	}
	_, text := wordsFor(leaf.ErrorKind)
	return base, text
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
