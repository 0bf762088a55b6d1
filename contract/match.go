package contract

import (
	"math/bits"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/problem"
)

// Match is what the table knows of one request.
type Match struct {
	Operation *Operation     // nil when there is none; then Miss says why
	Values    []string       // decoded values of the path parameters, in the order of the template
	Allow     []string       // methods that the path answers, sorted; nil for an unknown path; not to be changed
	Miss      *problem.Error // 400 for a path in no normal form, 404, or 405 with Allow
}

// Match resolves a method and an escaped path (URL.EscapedPath). upgrade tells
// whether the request asks for a WebSocket: where a path has a WebSocket and an
// ordinary GET, it chooses; where it has one of them, that one answers.
//
// Literal segments win over parameters, and the path decides before the
// method: a path that has a more specific template is not answered by a less
// specific one that happens to have the method. HEAD is answered by GET.
//
// A path has one normal form; every other is a Miss with status 400, so that
// nothing behind the gate can read another path than was matched: see
// normalize.
func (t *Table) Match(method, escapedPath string, upgrade bool) Match {
	var w walk
	if fault := w.normalize(escapedPath); fault != "" {
		return Match{Miss: problem.Malformed(fault)}
	}
	leaf := (*treeNode)(nil)
	if w.depth <= maxSegments {
		leaf = w.find(&t.root, 0)
	}
	if w.semicolons != 0 && (leaf == nil || !leaf.operation(method, upgrade).takesMatrix(w.semicolons)) {
		return Match{Miss: problem.Malformed(textSemicolon)}
	}
	if leaf == nil {
		return Match{Miss: problem.NotFound("There is nothing at this path")}
	}
	op := leaf.operation(method, upgrade)
	if op == nil {
		return Match{Allow: leaf.allow, Miss: problem.MethodNotAllowed(leaf.allowText)}
	}
	return Match{Operation: op, Allow: leaf.allow, Values: append([]string(nil), w.values[:w.count]...)}
}

const textSemicolon = "The path must not have path parameters (;)"

// The most segments and parameters that a template may have. They let a search
// do without the heap.
const (
	maxSegments = 32
	maxValues   = 16
)

// walk is one search for a path.
type walk struct {
	segments [maxSegments]string // decoded
	depth    int                 // how many there are; the path may have more than segments holds
	values   [maxValues]string   // of the parameters on the way
	count    int

	semicolons uint32 // the segments that have one, as bits
}

// take keeps the value of a parameter. No dot segment may hide in a part of one:
// a handler that makes a path of the value would leave its folder.
func (w *walk) take(value string) bool {
	if value == "" || value == "." || value == ".." {
		return false
	}
	w.values[w.count] = value
	w.count++
	return true
}

// find goes down the tree and comes back where a more specific way ends
// without a leaf. Each tree node is visited at most once in a search.
func (w *walk) find(n *treeNode, depth int) *treeNode {
	if depth == w.depth {
		if n.leaf() {
			return n
		}
		return nil
	}
	text, mark := w.segments[depth], w.count
	if child, ok := n.static[text]; ok {
		if found := w.find(child, depth+1); found != nil {
			return found
		}
	}
	for i := range n.partial {
		w.count = mark
		if n.partial[i].segment.match(text, w) {
			if found := w.find(n.partial[i].next, depth+1); found != nil {
				return found
			}
		}
	}
	if w.count = mark; n.param != nil && w.take(text) {
		return w.find(n.param, depth+1)
	}
	return nil
}

// normalize splits the path into decoded segments, or says what is wrong with
// it. Each segment is decoded once and only once, and holds no separator, no
// control character and no invalid UTF-8 afterwards (RFC 3986 section 6.2.2).
func (w *walk) normalize(path string) (fault string) {
	switch {
	case path == "":
		path = "/" // RFC 9110 section 4.2.3
	case path[0] != '/':
		return "The path must begin with a slash"
	}
	for start, i := 1, 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			if path[i] == ';' && w.depth < maxSegments {
				w.semicolons |= 1 << w.depth // whether the operation takes it is seen when there is one
				continue
			}
			if fault := rawFault(path[i]); fault != "" {
				return fault
			}
			continue
		}
		segment := path[start:i]
		if segment == "" && i < len(path) {
			return "The path must not have an empty segment"
		}
		if strings.Contains(segment, "%") {
			if segment, fault = decodeSegment(segment); fault != "" {
				return fault
			}
		}
		if segment == "." || segment == ".." {
			return "The path must not have dot segments"
		}
		if w.depth < maxSegments {
			w.segments[w.depth] = segment
		}
		w.depth++
		start = i + 1
	}
	return ""
}

// takesMatrix tells whether the segments, as bits, are parameters in the style
// matrix, for which alone a semicolon may stand in a path.
func (o *Operation) takesMatrix(segments uint32) bool {
	if o == nil {
		return false
	}
	for ; segments != 0; segments &= segments - 1 {
		i := bits.TrailingZeros32(segments)
		if i >= len(o.segments) {
			return false
		}
		if s := o.segments[i]; !s.plain() || !slices.ContainsFunc(o.Params, func(p *Param) bool { return p.Style == "matrix" && p.Name == s.names[0] }) {
			return false
		}
	}
	return true
}

// rawFault says what is wrong with a byte that stands in a path unescaped. The
// square brackets are not in RFC 3986's pchar, yet browsers send them as they
// are, and no reader takes them for anything else.
func rawFault(c byte) string {
	switch {
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		return ""
	case strings.IndexByte("-._~%!$&'()*+,=:@[]", c) >= 0:
		return ""
	case c == ';':
		return textSemicolon
	case c == '\\':
		return "The path must not have a backslash"
	case c >= utf8.RuneSelf:
		return "Characters beyond ASCII must be percent-encoded in the path"
	}
	return "The path has a character that must be percent-encoded"
}

// decodeSegment decodes the escapes of one segment, once. Raw slashes and
// backslashes do not come here.
func decodeSegment(s string) (decoded, fault string) {
	decoded, err := url.PathUnescape(s)
	switch {
	case err != nil:
		return "", "The path has a % that is no escape"
	case strings.ContainsAny(decoded, `/\`):
		return "", "The path must not have an escaped slash or backslash"
	case !cleanText(decoded):
		return "", "The path must be UTF-8 without control characters once decoded"
	}
	return decoded, ""
}

// cleanText tells whether text is UTF-8 without control characters (C0, DEL
// and C1). Overlong encodings are not UTF-8 (RFC 3629 section 3).
func cleanText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return false
		}
	}
	return true
}
