package contract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The codes of issues. A code is stable: it is what people search for.
const (
	codeSyntax    = "GH-CON-001" // not YAML or JSON
	codeBounds    = "GH-CON-002" // too large, too deep, or aliases that expand without end
	codeDuplicate = "GH-CON-003" // a key that stands twice
	codeVersion   = "GH-CON-004" // not OpenAPI 3.0 or 3.1
	codeShape     = "GH-CON-005" // a member that is missing, or of the wrong type
	codeDangling  = "GH-CON-006" // a $ref to nothing
	codeRemote    = "GH-CON-007" // a $ref out of the document
	codeCycle     = "GH-CON-008" // a $ref that leads back to itself
	codePath      = "GH-CON-009" // a path template that no request can match
	codeCollision = "GH-CON-010" // two operations for one method and path
	codePathParam = "GH-CON-011" // path parameters and template differ
	codeID        = "GH-CON-012" // an operationId that stands twice
	codeParam     = "GH-CON-013" // a parameter that stands twice, or is none
	codeServer    = "GH-CON-014" // a server without a base path of ours
	codeKey       = "GH-CON-015" // an unknown key under x-gatehouse
	codeStatement = "GH-CON-016" // a statement with a value it cannot have
	codeBudget    = "GH-CON-017" // a budget that cannot be read
	codeSize      = "GH-CON-018" // a size that cannot be read
	codeOverlay   = "GH-CON-019" // an overlay for no operation
	codeSchema    = "GH-CON-020" // a schema that cannot be compiled
	codeNoAccess  = "GH-ACC-001" // an operation that does not say who may call it
	codeAccess    = "GH-ACC-002" // an access rule that says nothing or contradicts itself
	codeRole      = "GH-ACC-003" // a role that the gate does not know
)

// Position is a place in a document.
type Position struct {
	File string
	Line int // 1-based; 0 when unknown
	Col  int // 1-based, in characters; 0 when unknown
}

// String writes the position as compilers do: "file:line:col".
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Issue is one fault of a contract: where it is, what, why that matters, and
// what to write instead.
type Issue struct {
	Position
	Code    string // "GH-CON-001", …: stable
	What    string // what is wrong, in one line
	Why     string // why that is refused; "" when What says it
	Fix     string // what to write instead; may have several lines
	Excerpt string // the line at fault and the one before it, with a marker; "" when unknown
}

// Error writes the issue as people read it: place, code and what in the first
// line, then the excerpt, why and the fix, indented.
func (i Issue) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s  %s  %s", i.Position, i.Code, i.What)
	if i.Excerpt != "" {
		s.WriteString("\n" + i.Excerpt)
	}
	for _, part := range []string{i.Why, i.Fix} {
		if part != "" {
			s.WriteString("\n   " + strings.ReplaceAll(part, "\n", "\n     "))
		}
	}
	return s.String()
}

// Issues are all faults of a contract, in the order of the files.
type Issues []Issue

// maxPrinted is how many issues Error writes out; the slice holds all.
const maxPrinted = 50

// Error writes the issues one below the other and counts them.
func (all Issues) Error() string {
	var s strings.Builder
	for n, i := range all {
		if n == maxPrinted {
			fmt.Fprintf(&s, "and %d more\n", len(all)-n)
			break
		}
		s.WriteString(i.Error() + "\n")
	}
	if len(all) == 1 {
		return s.String() + "1 problem"
	}
	fmt.Fprintf(&s, "%d problems", len(all))
	return s.String()
}

// collector gathers the issues of one load.
type collector struct {
	all   Issues
	seen  map[Issue]bool
	files []string // in the order in which they were given
}

// add notes an issue, once for each place, code and text.
func (c *collector) add(at mark, i Issue) {
	i.Position, i.Excerpt = at.position(), at.excerpt()
	if i.Why == "" {
		i.Why = whyOf(i.Code)
	}
	if c.seen == nil {
		c.seen = map[Issue]bool{}
	}
	if !c.seen[i] {
		c.seen[i] = true
		c.all = append(c.all, i)
	}
}

// whyOf is the reason that holds for all issues of a code.
func whyOf(code string) string {
	switch code {
	case codeSyntax:
		return "Nothing of the file counts until all of it can be read."
	case codeBounds:
		return "Reading it would cost more time and memory than a description of an API is worth."
	case codeShape, codeSchema:
		return "What it should say would go unenforced."
	case codeDangling:
		return "What it should describe would go unchecked."
	case codePath:
		return "No request could match it."
	case codeParam, codePathParam:
		return "What it should check would go unchecked."
	case codeServer:
		return "Nobody could tell under which path the operations are served."
	case codeBudget:
		return "A budget that cannot be read would limit nobody."
	case codeSize:
		return "A size that cannot be read would bound nothing."
	}
	return "The statement would have no effect."
}

// err returns the issues sorted by file and line, nil when there are none.
func (c *collector) err() error {
	if len(c.all) == 0 {
		return nil
	}
	slices.SortStableFunc(c.all, func(a, b Issue) int {
		if d := slices.Index(c.files, a.File) - slices.Index(c.files, b.File); d != 0 {
			return d
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
	return c.all
}

// mark is a place in a source, as wide as what stands there.
type mark struct {
	src       *source
	line, col int // 1-based; 0 is the file as a whole
	width     int // characters
}

func (m mark) position() Position {
	if m.src == nil {
		return Position{}
	}
	return Position{File: m.src.name, Line: m.line, Col: m.col}
}

// excerptWidth is how many characters of a line an excerpt shows; documents
// come minified to a single line too.
const excerptWidth = 96

// excerpt shows the line of the mark under the one before it.
func (m mark) excerpt() string {
	if m.line < 1 || m.line > len(m.src.lines) {
		return ""
	}
	line := []rune(m.src.lines[m.line-1])
	col := min(max(m.col-1, 0), len(line))
	from := 0
	if col > excerptWidth*3/4 {
		from = col - excerptWidth/4
	}
	to := min(from+excerptWidth, len(line))
	var s strings.Builder
	if prev := m.line - 2; prev >= 0 && utf8.RuneCountInString(m.src.lines[prev]) <= excerptWidth && from == 0 {
		fmt.Fprintf(&s, "%6d | %s\n", m.line-1, visible(m.src.lines[prev]))
	}
	fmt.Fprintf(&s, "%6d | %s\n", m.line, visible(string(line[from:to])))
	width := min(max(m.width, 1), max(to-col, 1))
	s.WriteString(strings.Repeat(" ", 9+col-from) + strings.Repeat("^", width))
	return s.String()
}

// visible replaces what does not print, and could move the cursor of a terminal
// or turn the text around, by a blank.
func visible(line string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, line), " ")
}

// clip shortens text of a document for a message and shows what does not print
// as Go does.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
