package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

// overlaid lays one overlay over the document. Its keys are "*" for the
// document as a whole, and METHOD /path, the path as the document writes it,
// for an operation; under them stand the statements of x-gatehouse. Each
// statement keeps the place in the overlay for messages.
func (l *loader) overlaid(root, over spot) spot {
	if !over.is(isObject) {
		l.add(over.at(), Issue{Code: codeOverlay, What: "an overlay is an object keyed by METHOD /path, and this is " + over.node.kind.String(),
			Fix: "Write it as\nGET /notes: { access: public }"})
		return root
	}
	for _, m := range over.members() {
		if !m.is(isObject) {
			l.add(m.key, Issue{Code: codeOverlay, What: fmt.Sprintf("%s states nothing", clip(m.name)), Fix: "Write it as\n" + clip(m.name) + ": { access: public }"})
			continue
		}
		if m.name == "*" {
			root.node = root.node.with(member{"x-gatehouse", m.key, statementsOver(root.get("x-gatehouse").node, m.node)})
			continue
		}
		if item, method, ok := l.overlayTarget(root, m); ok {
			op := item.get(method).node
			if ws := m.get("x-gatehouse-websocket"); ws.exists() {
				op = op.with(member{"x-gatehouse-websocket", ws.key, ws.node})
				m.node = m.node.without("x-gatehouse-websocket")
			}
			op = op.with(member{"x-gatehouse", m.key, statementsOver(item.get(method).get("x-gatehouse").node, m.node)})
			n := item.node.with(member{method, item.get(method).key, op})
			paths := root.get("paths")
			root.node = root.node.with(member{"paths", paths.key, paths.node.with(member{item.name, item.key, n})})
		}
	}
	return root
}

// statementsOver joins statements; those above win. budgets and texts are
// joined name by name. What is no object is left, to be refused where it stands.
func statementsOver(below, above *docNode) *docNode {
	switch {
	case below == nil || above.kind != isObject:
		return above
	case below.kind != isObject:
		return below
	}
	out := below
	for _, m := range above.members {
		if old := below.find(m.name); old != nil && (m.name == "budgets" || m.name == "texts") {
			m.value = statementsOver(old.value, m.value)
		}
		out = out.with(m)
	}
	return out
}

// overlayTarget finds the operation that an overlay's key names.
func (l *loader) overlayTarget(root spot, m named) (item named, method string, ok bool) {
	verb, path, _ := strings.Cut(m.name, " ")
	path = strings.TrimSpace(path)
	refuse := func(what, fix string) (named, string, bool) {
		l.add(m.key, Issue{Code: codeOverlay, What: what, Why: "The statements under it would be void.", Fix: fix})
		return named{}, "", false
	}
	switch {
	case path == "":
		return refuse(fmt.Sprintf("%q is not METHOD /path", clip(m.name)), nearest.DidYouMean(m.name, l.overlayKeys(root)))
	case !slices.Contains(methods(), verb):
		return refuse(fmt.Sprintf("%q is not a method", clip(verb)), nearest.DidYouMean(strings.ToUpper(verb), methods()))
	}
	method = strings.ToLower(verb)
	for _, item := range root.get("paths").members() {
		if item.name == path && item.get(method).is(isObject) {
			return item, method, true
		}
	}
	fix := nearest.DidYouMean(m.name, l.overlayKeys(root))
	for _, server := range root.get("servers").items() {
		rest := strings.TrimPrefix(path, strings.TrimRight(server.get("url").text(), "/"))
		if root.get("paths").get(rest).get(method).is(isObject) {
			fix = fmt.Sprintf("Write the path as the document does, without the base path: %q", verb+" "+rest)
		}
	}
	return refuse(fmt.Sprintf("the document has no operation %q", clip(m.name)), fix)
}

// overlayKeys are the keys that an overlay of the document may have.
func (l *loader) overlayKeys(root spot) []string {
	keys := []string{"*"}
	for _, item := range root.get("paths").members() {
		for _, m := range item.members() {
			if isMethod(m.name) {
				keys = append(keys, strings.ToUpper(m.name)+" "+item.name)
			}
		}
	}
	return keys
}
