package contract

import (
	"fmt"
	"slices"
	"strings"
)

// Table finds the operation for a request among all contracts of a gate. It is
// immutable and safe for use by many goroutines.
type Table struct {
	apis []*API
	root treeNode
}

// NewTable joins contracts. Two operations that would answer the same method on
// the same path are an error, and all such pairs are told at once (Issues). A
// WebSocket and an ordinary GET may share a path.
func NewTable(apis ...*API) (*Table, error) {
	t := &Table{apis: slices.Clone(apis)}
	var issues Issues
	for _, api := range apis {
		for _, op := range api.Operations {
			if i, ok := t.add(op); !ok {
				issues = append(issues, i)
			}
		}
	}
	if len(issues) > 0 {
		return nil, issues
	}
	t.root.seal()
	return t, nil
}

// APIs returns the contracts, in the order in which they were given.
func (t *Table) APIs() []*API { return t.apis }

func (t *Table) add(op *Operation) (Issue, bool) {
	segments := op.segments
	if segments == nil {
		parsed, err := parseTemplate(op.Path)
		if err != nil {
			return Issue{Position: op.Source, Code: codePath, What: fmt.Sprintf("%s %s: %v", op.Method, op.Path, err)}, false
		}
		segments = parsed
	}
	n := &t.root
	for _, s := range segments {
		n = n.child(s)
	}
	for _, have := range n.operations {
		if have.Method == op.Method && (have.Socket != nil) == (op.Socket != nil) {
			return collision(op, have), false
		}
	}
	n.operations = append(n.operations, op)
	return Issue{}, true
}

func collision(op, have *Operation) Issue {
	i := Issue{Position: op.Source, Code: codeCollision,
		What: fmt.Sprintf("%s %s is answered already, as %s %s at %s", op.Method, op.Path, have.Method, have.Path, have.Source),
		Why:  "One of the two would answer in silence.", Fix: "Give one of them another path, or another base path under servers."}
	if op.API != nil && have.API != nil && op.API != have.API {
		i.What += fmt.Sprintf(" (contracts %s and %s)", op.API.Name, have.API.Name)
	}
	return i
}

// treeNode is one segment of the paths in a table.
type treeNode struct {
	static     map[string]*treeNode // by literal segment
	partial    []partial            // literals and parameters mixed, the most literal first
	param      *treeNode            // a parameter and nothing else
	operations []*Operation         // of paths that end here

	allow     []string // their methods, sorted
	allowText string   // the same as the value of Allow
}

type partial struct {
	segment segment
	shape   string
	next    *treeNode
}

func (n *treeNode) leaf() bool { return len(n.operations) > 0 }

// child is the node under n for a segment, made when there is none.
func (n *treeNode) child(s segment) *treeNode {
	switch {
	case s.static():
		next := n.static[s.literals[0]]
		if next == nil {
			if n.static == nil {
				n.static = map[string]*treeNode{}
			}
			next = &treeNode{}
			n.static[s.literals[0]] = next
		}
		return next
	case s.plain():
		if n.param == nil {
			n.param = &treeNode{}
		}
		return n.param
	}
	shape := shapeOf([]segment{s})
	for _, p := range n.partial {
		if p.shape == shape {
			return p.next
		}
	}
	next := &treeNode{}
	n.partial = append(n.partial, partial{s, shape, next})
	return next
}

// seal prepares the tree for matching.
func (n *treeNode) seal() {
	slices.SortFunc(n.partial, func(a, b partial) int {
		if d := b.segment.weight() - a.segment.weight(); d != 0 {
			return d
		}
		return strings.Compare(a.shape, b.shape)
	})
	if n.leaf() {
		for _, op := range n.operations {
			n.allow = append(n.allow, op.Method)
			if op.Method == "GET" {
				n.allow = append(n.allow, "HEAD")
			}
		}
		n.allow = append(n.allow, "OPTIONS")
		slices.Sort(n.allow)
		n.allow = slices.Compact(n.allow)
		n.allowText = strings.Join(n.allow, ", ")
	}
	for _, next := range n.static {
		next.seal()
	}
	for _, p := range n.partial {
		p.next.seal()
	}
	if n.param != nil {
		n.param.seal()
	}
}

// operation chooses among the operations of one path.
func (n *treeNode) operation(method string, upgrade bool) *Operation {
	var fallback *Operation
	for _, op := range n.operations {
		if op.Method == method {
			if (op.Socket != nil) == upgrade {
				return op
			}
			fallback = op
		}
	}
	if fallback == nil && method == "HEAD" {
		return n.operation("GET", false)
	}
	return fallback
}
