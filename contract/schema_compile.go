package contract

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// documentURL is where the document is registered with the library. It is
// absolute because the library makes a relative name a path of this machine.
const documentURL = "https://gatehouse.invalid/openapi.json"

// compiler compiles the schemas of one OpenAPI document.
type compiler struct {
	name    string
	doc     any // 3.0 schemas translated
	base    string
	library func() *jsonschema.Compiler
	sides   map[direction]*side
	v30     bool              // OpenAPI 3.0
	roles   []string          // known to the gate; empty when any will do
	forms   map[string]*shape // by the nodes that a shape is made of
	ids     map[*node]int

	way     direction                 // of the schema that is being compiled
	filled  []filled                  // the defaults in it
	spared  map[*node]map[string]bool // by schema: what it need not ask for
	entries int                       // of the shapes that were made for the schema that is being compiled
}

// side is what is compiled for values that travel one way. There is one for each
// way, for what a schema requires depends on it, and the library has to know too.
type side struct {
	lib *jsonschema.Compiler
	graph
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
	c := newSchemaCompiler(name, contractLibrary, documentURL, doc)
	c.v30 = version30
	return c
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

// newSchemaCompiler compiles schemas of doc with a library that has its formats
// and its loader.
func newSchemaCompiler(name string, library func() *jsonschema.Compiler, base string, doc any) *compiler {
	return &compiler{name: name, doc: doc, base: base, library: library,
		sides: map[direction]*side{}, forms: map[string]*shape{}, ids: map[*node]int{}, spared: map[*node]map[string]bool{}}
}

func (c *compiler) side(way direction) (*side, error) {
	if s := c.sides[way]; s != nil {
		return s, nil
	}
	lib := c.library()
	lib.UseRegexpEngine(compilePattern)
	if err := lib.AddResource(c.base, c.doc); err != nil {
		return nil, fmt.Errorf("registering the document %s: %w", c.name, err)
	}
	c.sides[way] = &side{lib, graph{map[*jsonschema.Schema]*node{}, map[string]*node{}, c.stated}}
	return c.sides[way], nil
}

// CompileSchema compiles one JSON Schema 2020-12, given as strictjson.Decode
// gives it. Formats are asserted; references lead nowhere outside of it.
func CompileSchema(schema any) (*Schema, error) {
	return newSchemaCompiler("schema", contractLibrary, documentURL, schema).compile("", anyWay)
}

// noLoader fetches nothing: a contract is one document.
type noLoader struct{}

var errOutside = errors.New("the reference leaves the document")

// Load refuses.
func (noLoader) Load(string) (any, error) { return nil, errOutside }

// compile compiles the schema at an RFC 6901 pointer into the document.
func (c *compiler) compile(pointer string, way direction) (*Schema, error) {
	side, err := c.side(way)
	if err != nil {
		return nil, err
	}
	lib, err := side.lib.Compile(c.base + "#" + fragment(pointer))
	if err != nil {
		return nil, c.explain(pointer, err)
	}
	root := side.node(lib)
	s := &Schema{root: root, way: way, nodes: side.places}
	open := map[*node]bool{}
	for _, n := range root.under() {
		if n.wrong != nil {
			return nil, n.wrong
		}
		c.discriminate(n)
		if bad := n.returns(open); bad != nil {
			return nil, &compileError{c.pointerOf(bad.lib, pointer), "a schema that refers to itself",
				"it comes back to itself without going into a member or an item, so no value could ever be checked",
				"let the reference stand under properties or items, or name another schema"}
		}
		s.private = s.private || n.readRoles != nil
		s.whole = s.whole || n.dynamic != nil
	}
	c.way, c.entries, c.filled = way, 0, nil
	s.shape = c.shapeOf([]applied{{node: root, sure: true}})
	c.way = anyWay
	if c.tangled() {
		return nil, &compileError{pointer, "schemas that combine in too many ways",
			"members of alternatives are known together, and here each has alternatives of its own that refer to each other",
			"let fewer of the schemas under anyOf and oneOf lead back to each other"}
	}
	for _, n := range root.under() {
		n.relieve(c.spared[n])
	}
	if err := c.checkFilled(s); err != nil {
		return nil, err
	}
	return s, nil
}

// filled is a default that is filled in where a member is left out, with all the
// schemas of the member.
type filled struct {
	by      *node
	schemas []applied
}

// checkFilled holds the defaults against their schemas: one that does not fit would
// have every request refused that leaves the member out.
func (c *compiler) checkFilled(s *Schema) error {
	if s.way != request { // into which nothing is filled
		return nil
	}
	for _, f := range c.filled {
		for _, a := range f.schemas {
			if !a.sure || a.node == nil {
				continue
			}
			if err := c.checkDefault(f.by, &Schema{root: a.node, nodes: s.nodes, whole: s.whole}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDefault holds the default of a schema against one that it has to fit.
func (c *compiler) checkDefault(by *node, s *Schema) error {
	faults := s.Validate(*by.fallback)
	if len(faults) == 0 {
		return nil
	}
	why := "it " + faults[0].Message
	if faults[0].Field != "" {
		why = fmt.Sprintf("%s in it %s", faults[0].Field, faults[0].Message)
	}
	return &compileError{c.pointerOf(by.lib, "") + "/default", "a default that its schema refuses",
		why + "; it is filled in where a request leaves it out", "correct the default, or remove it"}
}

// pointerOf is where a schema of the document stands, otherwise fallback.
func (c *compiler) pointerOf(s *jsonschema.Schema, fallback string) string {
	return c.pointerIn(s.Location, fallback)
}

func (c *compiler) pointerIn(location, fallback string) string {
	rest, ours := strings.CutPrefix(location, c.base+"#")
	if !ours {
		return fallback
	}
	pointer, _ := url.PathUnescape(rest) // as the library has escaped it
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
	why, fix := patternReason(err)
	return &compileError{pointer, "a pattern that cannot be used", why, fix}
}

// blame tells of the deepest place at which the meta-schema refuses a schema.
func (c *compiler) blame(pointer string, err error) error {
	leaf := deepest(err.(*jsonschema.ValidationError))
	for _, token := range leaf.InstanceLocation {
		pointer += "/" + strictjson.EscapeToken(token)
	}
	if k, ok := leaf.ErrorKind.(*kind.Format); ok && k.Want == "regex" {
		return badPattern(pointer, k.Err)
	}
	_, why := wordsFor(leaf.ErrorKind)
	return &compileError{pointer, "not a valid JSON Schema", why, "see the 2020-12 specification for this keyword"}
}

// deepest is the error furthest down in the value, the first of several.
func deepest(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	leaf := e
	for _, c := range e.Causes {
		if d := deepest(c); leaf == e || len(d.InstanceLocation) > len(leaf.InstanceLocation) {
			leaf = d
		}
	}
	return leaf
}

// shown writes a reference as the author did.
func (c *compiler) shown(location string) string { return strings.TrimPrefix(location, c.base) }
