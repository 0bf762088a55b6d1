package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// methods are those for which a path item has a member (OAS 3.1 section 4.8.9).
func methods() []string {
	return []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}
}

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
		target, ok := l.resolve(item.spot)
		if !ok || !target.is(isObject) {
			items[i].value = newObject(item.at(), nil)
			continue
		}
		n := target.node
		for _, m := range item.members() {
			if m.name == "$ref" {
				continue
			}
			if target.get(m.name).exists() {
				l.add(m.named(), Issue{Code: codeShape, What: fmt.Sprintf("%q stands here and in what $ref refers to", clip(m.name)),
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
}

// operations compiles every operation of the document.
func (l *loader) operations() {
	l.compiler = newCompiler(l.name, l.root.node.value(l.flagged).(map[string]any), l.v30)
	l.derived, l.places = map[string]string{}, map[string]mark{}
	l.statedIDs()
	count := 0
	shapes := map[string]named{}
	for _, item := range l.root.get("paths").members() {
		if strings.HasPrefix(item.name, "x-") || !item.is(isObject) {
			continue
		}
		l.checkPath(item, shapes)
		if x := item.get("x-gatehouse"); x.exists() {
			l.add(x.named(), Issue{Code: codeKey, What: "x-gatehouse is stated for operations, not for a path", Fix: "Move it into each method."})
		}
		for _, m := range item.members() {
			if isMethod(m.name) && m.is(isObject) {
				count++
				l.operation(stated{item, m})
			}
		}
	}
	if count == 0 {
		l.add(l.root.get("paths").named(), Issue{Code: codeShape, What: "the document describes no operation",
			Why: "A path that is not described is not served, so nothing would be.", Fix: "Add one under paths."})
	}
}

// checkPath reports a template that no request can match, and one that differs
// from another only in the names of its parameters.
func (l *loader) checkPath(item named, shapes map[string]named) {
	segments, err := parseTemplate(item.name)
	if e, ok := errors.AsType[*templateError](err); ok {
		l.add(item.named(), Issue{Code: codePath, What: fmt.Sprintf("the path %q %s", clip(item.name), e.what), Why: e.why, Fix: e.fix})
		return
	}
	shape := shapeOf(segments)
	if twin, ok := shapes[shape]; ok {
		l.add(item.named(), Issue{Code: codeCollision,
			What: fmt.Sprintf("%s is the same path as %s in line %d", clip(item.name), clip(twin.name), twin.named().line),
			Why:  "Paths that differ only in the names of their parameters match the same requests (OAS 3.1 section 4.8.8).",
			Fix:  "Put the operations of both under one path."})
		return
	}
	shapes[shape] = item
}

func (l *loader) operation(s stated) {
	op := l.defaults
	op.Method = strings.ToUpper(s.method.name)
	op.Source = s.method.named().position()
	op.ID = l.operationID(s)
	l.places[op.ID] = s.method.named()
	op.Summary = s.method.get("summary").text()
	for _, t := range s.method.get("tags").items() {
		op.Tags = append(op.Tags, t.text())
	}
	params := l.params(s)
	here := l.operationStatements(&op, s, params)
	l.compile(&op, s, params)
	bases := l.bases(s.method.get("servers"), s.path.get("servers"), l.root.get("servers"))
	if !here {
		l.excluded = append(l.excluded, s.method.spot)
		return
	}
	for _, base := range bases {
		mounted := op
		mounted.Path = base + s.path.name
		segments, err := parseTemplate(mounted.Path)
		if _, own := parseTemplate(s.path.name); err != nil && own == nil { // else it was told where the path is stated
			l.add(s.path.named(), Issue{Code: codePath, What: fmt.Sprintf("%v under the base path %s", err, clip(base)), Fix: "Shorten one of them."})
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
			if !isMethod(m.name) || !id.exists() {
				continue
			}
			if !id.is(isText) || id.text() == "" {
				l.add(id.at(), Issue{Code: codeShape, What: "operationId must be text that is not empty", Fix: "Write a name of your own, or leave it out: one is then made of method and path."})
				continue
			}
			if before, twice := l.ids[id.text()]; twice {
				l.add(id.at(), Issue{Code: codeID, What: fmt.Sprintf("operationId %q stands twice, first in line %d", clip(id.text()), before.line),
					Why: "Handlers, budgets and the record know an operation by its id.", Fix: "Give each operation its own."})
				continue
			}
			l.ids[id.text()] = id.at()
		}
	}
}

// operationID is the stated id, or one made of method and path: for
// GET /items/{id} it is get_items_id.
func (l *loader) operationID(s stated) string {
	if id := s.method.get("operationId").text(); id != "" {
		return id
	}
	slug := []byte(s.method.name)
	for _, c := range []byte(s.path.name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		switch {
		case letter:
			slug = append(slug, c)
		case slug[len(slug)-1] != '_':
			slug = append(slug, '_')
		}
	}
	id := strings.TrimSuffix(string(slug), "_")
	for n, made := 2, id; ; n++ {
		if _, taken := l.ids[id]; !taken {
			break
		}
		id = fmt.Sprintf("%s_%d", made, n)
	}
	l.ids[id] = s.method.named()
	l.derived[s.method.ptr] = id
	return id
}

// compile hands what the schema compiler knows to it.
func (l *loader) compile(op *Operation, s stated, params []param) {
	for _, p := range params {
		if compiled, err := l.compiler.param(p.final.ptr); l.compiled(p.final, err) {
			op.Params = append(op.Params, compiled)
		}
	}
	if body := s.method.get("requestBody"); body.exists() {
		if final, ok := l.resolve(body); ok {
			compiled, err := l.compiler.body(final.ptr)
			l.compiled(final, err)
			op.Body = compiled
		}
	}
	op.Responses = map[string]*Response{}
	for _, r := range s.method.get("responses").members() {
		if strings.HasPrefix(r.name, "x-") {
			continue
		}
		if !isStatus(r.name) {
			l.add(r.named(), Issue{Code: codeShape, What: fmt.Sprintf("%q is no status", clip(r.name)), Fix: `Write "200", "4XX" or default.`})
			continue
		}
		if final, ok := l.resolve(r.spot); ok {
			compiled, err := l.compiler.response(r.name, final.ptr)
			l.compiled(final, err)
			op.Responses[r.name] = compiled
		}
	}
	l.socket(op, s.method.get("x-gatehouse-websocket"))
}

func (l *loader) socket(op *Operation, ws spot) {
	if !ws.exists() {
		return
	}
	if op.Method != "GET" {
		l.add(ws.named(), Issue{Code: codeStatement, What: "x-gatehouse-websocket stands at " + op.Method,
			Why: "A WebSocket begins with GET (RFC 6455 section 4.1).", Fix: "Move it to get."})
		return
	}
	compiled, err := l.compiler.socket(ws.ptr)
	l.compiled(ws, err)
	op.Socket = compiled
}

// compiled reports an error of the schema compiler at the place it names, or at
// the nearest place above that stands in the document as it was written.
func (l *loader) compiled(s spot, err error) bool {
	if err == nil {
		return true
	}
	at, issue := s.at(), Issue{Code: codeSchema, What: err.Error(), Fix: "See the 2020-12 specification of JSON Schema."}
	if e, ok := errors.AsType[*compileError](err); ok {
		issue = Issue{Code: codeSchema, What: e.what, Why: sentence(e.why), Fix: sentence(e.fix)}
		for pointer := e.pointer; pointer != ""; pointer = pointer[:strings.LastIndexByte(pointer, '/')] {
			if found, ok := l.root.walk(pointer); ok {
				at = found.at()
				break
			}
		}
	}
	l.add(at, issue)
	return false
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	if last := s[len(s)-1]; last != '.' && last != '?' {
		s += "."
	}
	return s
}

func isStatus(s string) bool {
	if s == "default" {
		return true
	}
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return false
	}
	digits := func(s string) bool { return s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9' }
	return s[1:] == "XX" || digits(s[1:])
}

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
