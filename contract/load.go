package contract

import (
	"fmt"
	"path"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// File is a document or an overlay as it was read from somewhere.
type File struct {
	Name string // for messages
	Data []byte // YAML or JSON, UTF-8, 8 MiB at most
}

// Options are what the gate knows and the document does not.
type Options struct {
	Environment string   // "production", …; an operation stated for others with `only` is left out
	Roles       []string // the roles of the gate; a rule that names another is an issue. Empty: any role will do
}

// defaultBody is the largest body of an operation that states none, bytes.
const defaultBody = 1_000_000

// Load reads an OpenAPI 3.0 or 3.1 document, lays the overlays over it, in
// order, and compiles it. The error is Issues: every fault of the document and
// the overlays at once.
func Load(doc File, opt Options, overlays ...File) (*API, error) {
	l := &loader{opt: opt, name: doc.Name, cut: map[*docNode]bool{}}
	root := parse(doc, &l.issues)
	var over []spot
	for _, f := range overlays {
		if n := parse(f, &l.issues); n != nil {
			over = append(over, spot{node: n, key: n.mark})
		}
	}
	if root == nil || !l.version(spot{node: root, key: root.mark}) {
		return nil, l.issues.err()
	}
	l.root = l.inlined(spot{node: root, key: root.mark})
	for _, o := range over {
		l.root = l.overlaid(l.root, o)
	}
	l.checkPlaces()
	l.document()
	l.operations()
	l.collisions()
	if err := l.issues.err(); err != nil {
		return nil, err
	}
	data, err := strictjson.Marshal(l.served().value(nil))
	if err != nil {
		return nil, fmt.Errorf("writing the merged document: %w", err)
	}
	l.api.Document = data
	return l.api, nil
}

// loader is the state of one Load.
type loader struct {
	opt    Options
	name   string // of the file
	issues collector
	root   spot // the document, path items inlined, overlays applied
	v30    bool

	api      *API
	defaults Operation // what the document states for every operation
	compiler *compiler
	cut      map[*docNode]bool // what was refused already, and is kept from the schema compiler
	ids      map[string]mark   // operationIds that the document states
	places   map[string]mark   // of the operations, by operationId
	excluded map[string]bool   // operations that do not exist in this environment, by pointer
	derived  map[string]string // operationIds that we made, by pointer of the operation
}

func (l *loader) add(at mark, i Issue) { l.issues.add(at, i) }

// version tells whether the document is one that we read.
func (l *loader) version(root spot) bool {
	if !root.is(isObject) {
		l.add(root.at(), Issue{Code: codeShape, What: "an OpenAPI document is an object, and this is " + root.node.kind.String(),
			Fix: "Begin the document with\nopenapi: 3.1.0"})
		return false
	}
	if swagger := root.get("swagger"); swagger.exists() {
		l.add(swagger.key, Issue{Code: codeVersion, What: "this is a Swagger 2.0 document",
			Why: "Swagger 2.0 writes bodies and schemas differently; Gatehouse reads OpenAPI 3.0 and 3.1.",
			Fix: "Convert it once, for example with swagger2openapi, and keep the result."})
		return false
	}
	v := root.get("openapi")
	switch {
	case !v.exists():
		l.add(root.at(), Issue{Code: codeVersion, What: "the document does not say which OpenAPI it is",
			Fix: "Begin the document with\nopenapi: 3.1.0"})
		return false
	case strings.HasPrefix(v.text(), "3.0."):
		l.v30 = true
		return true
	case strings.HasPrefix(v.text(), "3.1."):
		return true
	}
	l.add(v.at(), Issue{Code: codeVersion, What: fmt.Sprintf("OpenAPI %q is not one that Gatehouse reads", clip(v.node.text)),
		Why: "Only what is understood to the letter can be enforced.", Fix: "Write openapi: 3.0.3 or openapi: 3.1.0, all three numbers."})
	return false
}

// document reads what stands at the root.
func (l *loader) document() {
	l.api = &API{OpenAPI: l.root.get("openapi").text(), Budgets: map[string]Budget{}}
	info := l.root.get("info")
	if !info.is(isObject) {
		l.add(info.key, Issue{Code: codeShape, What: "the document has no info with title and version",
			Fix: "Add\ninfo: { title: Notes, version: 1.0.0 }"})
	} else {
		l.api.Title = l.required(info, "title", "the name of the API for people")
		l.api.Version = l.required(info, "version", "the version of the API")
	}
	l.api.Name = nameOfFile(l.name)
	l.defaults = Operation{Cost: 1, MaxBody: defaultBody, Unknown: Reject, Errors: problem.RFC9457, API: l.api}
	l.documentStatements(l.root.get("x-gatehouse"))
}

// nameOfFile makes the name of an API of that of its file.
func nameOfFile(file string) string {
	base, _, _ := strings.Cut(path.Base(strings.ReplaceAll(file, "\\", "/")), ".")
	if name := notInNames.ReplaceAllString(base, "-"); isName(name) {
		return name
	}
	return "api"
}

// required is a member that must be text.
func (l *loader) required(s spot, name, what string) string {
	m := s.get(name)
	switch {
	case !m.exists():
		l.add(s.key, Issue{Code: codeShape, What: fmt.Sprintf("%s is missing here: %s", name, what), Fix: "Add " + name + "."})
	case m.is(isNumber):
		l.add(m.at(), Issue{Code: codeShape, What: name + " must be text, and is a number", Fix: fmt.Sprintf("Put it in quotes: \"%s\"", clip(m.node.text))})
	case !m.is(isText):
		l.add(m.at(), Issue{Code: codeShape, What: name + " must be text, and is " + m.node.kind.String(), Fix: "Write it in quotes."})
	}
	return m.text()
}

// served is the document without the operations that do not exist here, and
// with the operationIds that we made.
func (l *loader) served() *docNode {
	var items []member
	for _, item := range l.root.get("paths").members() {
		n, left := item.node, false
		for _, op := range item.members() {
			switch id, ours := l.derived[op.ptr]; {
			case l.excluded[op.ptr]:
				n = n.without(op.name)
				continue
			case ours:
				text := &docNode{kind: isText, text: id, mark: op.at()}
				n = n.with(member{op.name, op.key, op.node.with(member{"operationId", op.key, text})})
			}
			left = left || isMethod(op.name)
		}
		if left || !strings.HasPrefix(item.name, "/") {
			items = append(items, member{item.name, item.key, n})
		}
	}
	paths := l.root.get("paths")
	return l.root.node.with(member{"paths", paths.key, newObject(paths.at(), items)})
}
