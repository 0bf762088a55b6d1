package contract

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// methods are those for which a path item has a member (OAS 3.1 section 4.8.9).
func methods() []string {
	return []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
}

// isMethod tells whether the member of a path item is an operation: get is, GET
// is not.
func isMethod(member string) bool {
	return member == strings.ToLower(member) && slices.Contains(methods(), strings.ToUpper(member))
}

// inlined puts in place of each path item that is a reference what it refers
// to, so that overlays and pointers find the operations under their path.
func (l *loader) inlined(root spot) spot {
	l.root = root
	paths := root.get("paths")
	if !paths.is(isObject) {
		return root
	}
	items := slices.Clone(paths.node.members)
	for i, item := range paths.members() {
		if !item.get("$ref").exists() {
			continue
		}
		target := l.resolve(item.spot)
		if !target.is(isObject) {
			continue // which is told with all other references
		}
		n := target.node
		for _, m := range item.members() {
			if m.name == "$ref" {
				continue
			}
			if target.get(m.name).exists() {
				l.add(m.key, Issue{Code: codeShape, What: fmt.Sprintf("%q stands here and in what $ref refers to", clip(m.name)),
					Why: "Which of the two counts is undefined (OAS 3.1 section 4.8.9).", Fix: "Keep one of them."})
			}
			n = n.with(member{m.name, m.key, m.node})
		}
		items[i].value = n
	}
	root.node = root.node.with(member{"paths", paths.key, newObject(paths.at(), items)})
	return root
}

// stated is an operation where the document states it.
type stated struct {
	path   named // the path item, named by its template
	method named
	params []param
}

// operations compiles every operation of the document.
func (l *loader) operations() {
	l.derived, l.places, l.excluded = map[string]string{}, map[string]mark{}, map[string]bool{}
	l.statedIDs()
	var all []stated
	var ops []*Operation
	shapes := map[string]named{}
	for _, item := range l.root.get("paths").members() {
		if strings.HasPrefix(item.name, "x-") {
			continue
		}
		l.checkPath(item, shapes)
		if x := item.get("x-gatehouse"); x.exists() {
			l.add(x.key, Issue{Code: codeKey, What: "x-gatehouse is stated for operations, not for a path", Fix: "Move it into each method."})
		}
		for _, m := range item.members() {
			if isMethod(m.name) && m.is(isObject) {
				s := stated{path: item, method: m}
				s.params = l.params(s)
				all, ops = append(all, s), append(ops, l.operation(s))
			}
		}
	}
	l.compileAll(all, ops)
	for i, s := range all {
		l.mount(ops[i], s)
	}
	if len(all) == 0 {
		l.add(l.root.get("paths").key, Issue{Code: codeShape, What: "the document describes no operation",
			Why: "A path that is not described is not served, so nothing would be.", Fix: "Add one under paths."})
	}
}

// checkPath reports a template that no request can match, and one that differs
// from another only in the names of its parameters.
func (l *loader) checkPath(item named, shapes map[string]named) {
	segments, err := parseTemplate(item.name)
	if e, ok := errors.AsType[*templateError](err); ok {
		l.add(item.key, Issue{Code: codePath, What: fmt.Sprintf("the path %q %s", clip(item.name), e.what), Why: e.why, Fix: e.fix})
		return
	}
	shape := shapeOf(segments)
	if twin, twice := shapes[shape]; twice {
		l.add(item.key, Issue{Code: codeCollision,
			What: fmt.Sprintf("%s is the same path as %s in line %d", clip(item.name), clip(twin.name), twin.key.line),
			Why:  "Paths that differ only in the names of their parameters match the same requests (OAS 3.1 section 4.8.8).",
			Fix:  "Put the operations of both under one path."})
	}
	shapes[shape] = item
}

// operation reads what the loader itself knows of an operation.
func (l *loader) operation(s stated) *Operation {
	op := l.defaults
	op.Method = strings.ToUpper(s.method.name)
	op.Source = s.method.key.position()
	op.ID = l.operationID(s)
	l.places[op.ID] = s.method.key
	op.Summary = s.method.get("summary").text()
	for _, t := range s.method.get("tags").items() {
		op.Tags = append(op.Tags, t.text())
	}
	if here := l.operationStatements(&op, s); !here {
		l.excluded[s.method.ptr] = true
	}
	return &op
}

// mount puts an operation under each of its base paths.
func (l *loader) mount(op *Operation, s stated) {
	bases := l.bases(s.method.get("servers"), s.path.get("servers"), l.root.get("servers"))
	if l.excluded[s.method.ptr] {
		return
	}
	for _, base := range bases {
		mounted := *op
		mounted.Path, mounted.Key = base+s.path.name, mounted.Method+" "+s.path.name
		segments, err := parseTemplate(mounted.Path)
		if _, own := parseTemplate(s.path.name); err != nil && own == nil { // else it was told where the path is stated
			l.add(s.path.key, Issue{Code: codePath, What: fmt.Sprintf("%v under the base path %s", err, clip(base)), Fix: "Shorten one of them."})
		}
		mounted.segments = segments
		l.api.Operations = append(l.api.Operations, &mounted)
	}
}

// statedIDs gathers the operationIds, so that a made one is never taken.
func (l *loader) statedIDs() {
	l.ids = map[string]mark{}
	for _, item := range l.root.get("paths").members() {
		for _, m := range item.members() {
			id := m.get("operationId")
			switch before, twice := l.ids[id.text()]; {
			case !isMethod(m.name) || !id.exists():
			case id.text() == "":
				l.add(id.at(), Issue{Code: codeShape, What: "operationId must be text that is not empty", Fix: "Write a name of your own, or leave it out: one is then made of method and path."})
			case twice:
				l.add(id.at(), Issue{Code: codeID, What: fmt.Sprintf("operationId %q stands twice, first in line %d", clip(id.text()), before.line),
					Why: "Handlers, budgets and the record know an operation by its id.", Fix: "Give each operation its own."})
			default:
				l.ids[id.text()] = id.at()
			}
		}
	}
}

// operationID is the stated id, or one made of method and path: for
// GET /items/{id} it is get_items_id.
func (l *loader) operationID(s stated) string {
	if id := s.method.get("operationId").text(); id != "" {
		return id
	}
	id := strings.TrimSuffix(s.method.name+noLetters.ReplaceAllString(s.path.name, "_"), "_")
	for n, made := 2, id; ; n++ {
		if _, taken := l.ids[id]; !taken {
			break
		}
		id = fmt.Sprintf("%s_%d", made, n)
	}
	l.ids[id] = s.method.key
	l.derived[s.method.ptr] = id
	return id
}

var (
	noLetters  = regexp.MustCompile(`[^A-Za-z0-9]+`)
	statusText = regexp.MustCompile(`^(default|[1-5](XX|[0-9][0-9]))$`) // OAS 3.1 section 4.8.16
)

// collisions reports operations that the base paths of servers bring onto one
// method and path.
func (l *loader) collisions() {
	var t Table
	for _, op := range l.api.Operations {
		if op.segments == nil {
			continue // its template was refused
		}
		if issue, ok := t.add(op); !ok {
			l.add(l.places[op.ID], issue)
		}
	}
}
