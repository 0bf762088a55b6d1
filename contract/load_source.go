package contract

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a document. With maxEntries, for schemas that combine, they bound
// the work too: a document of these sizes is read in seconds.
const (
	maxDocument   = 8 << 20 // bytes
	maxDepth      = 100     // nesting
	maxNodes      = 1 << 20 // values, aliases counted as often as they stand
	maxTokens     = 5 << 19 // lexical tokens
	maxProperties = 4       // anchors and tags before one value
	maxWork       = 2e8     // sum of the squares of the sizes of block mappings: the parser's own cost
)

// source is one file, for positions and excerpts.
type source struct {
	name  string
	lines []string
}

// parse reads a YAML or JSON file (JSON is read as the YAML that it is) into
// nodes. It returns nil when it cannot be read; what is wrong goes to c.
func parse(f File, c *collector) *docNode {
	src := &source{name: f.Name}
	c.files = append(c.files, f.Name)
	whole := mark{src: src}
	switch {
	case len(f.Data) > maxDocument:
		c.add(whole, Issue{Code: codeBounds, What: fmt.Sprintf("the file is larger than %d MiB", maxDocument>>20), Fix: "Split the API into several documents."})
		return nil
	case !utf8.Valid(f.Data):
		c.add(whole, Issue{Code: codeSyntax, What: "the file is not UTF-8", Fix: "Save it as UTF-8."})
		return nil
	}
	text := strings.TrimPrefix(string(f.Data), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	src.lines = strings.Split(text, "\n")
	if i := strings.IndexByte(text, 0); i >= 0 {
		c.add(mark{src: src, line: 1 + strings.Count(text[:i], "\n")}, Issue{Code: codeSyntax,
			What: "a NUL byte stands in the file", Fix: "Save it as UTF-8 text."})
		return nil
	}
	body := parseText(text, src, c)
	if body == nil {
		return nil
	}
	b := builder{src: src, issues: c, anchors: map[string]*docNode{}}
	root := b.node(body, 0)
	if b.broken {
		return nil
	}
	if size(root, map[*docNode]float64{}) > maxNodes {
		c.add(whole, Issue{Code: codeBounds, What: fmt.Sprintf("the document holds more than %d values", maxNodes),
			Why: "Aliases count as often as they stand: a few lines of them can stand for gigabytes.", Fix: "Use $ref instead of YAML aliases."})
		return nil
	}
	return root
}

// parseText turns text into the one YAML document in it.
func parseText(text string, src *source, c *collector) ast.Node {
	tokens := lexer.Tokenize(text)
	if at, what := tooMuch(tokens); what != "" {
		c.add(tokenMark(src, at), Issue{Code: codeBounds, What: what, Fix: "Split the API into several documents, and use $ref for what repeats."})
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // duplicates are told by the builder, all of them
	if err != nil {
		what, at := "the file cannot be read as YAML or JSON", mark{src: src}
		if e, ok := errors.AsType[yaml.Error](err); ok {
			what, at = "not well-formed YAML or JSON: "+clip(e.GetMessage()), tokenMark(src, e.GetToken())
		}
		c.add(at, Issue{Code: codeSyntax, What: what, Fix: "Everything after this place is unread; mend it and check again."})
		return nil
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if _, directive := d.Body.(*ast.DirectiveNode); d.Body != nil && !directive {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		c.add(mark{src: src}, Issue{Code: codeSyntax, What: "the file is empty", Fix: "Begin it with\nopenapi: 3.1.0"})
		return nil
	case 1:
		return bodies[0]
	}
	c.add(tokenMark(src, begins(bodies[1])), Issue{Code: codeSyntax, What: "a second document begins here",
		Why: "Only the first would count, and the other would seem to.", Fix: "Keep one document in a file."})
	return nil
}

// tooMuch looks for what would make the parser, which recurses, run out of
// stack or time, before it does.
func tooMuch(tokens token.Tokens) (*token.Token, string) {
	if len(tokens) > maxTokens {
		return tokens[maxTokens], fmt.Sprintf("the file has more than %d words and signs", maxTokens)
	}
	var s scan
	for _, t := range tokens {
		if t.Type != token.CommentType {
			s.step(t)
		}
		switch {
		case len(s.blocks)+s.flow+s.prefix > 2*maxDepth, s.run > maxProperties:
			return t, fmt.Sprintf("nested deeper than %d levels", maxDepth)
		case s.work > maxWork:
			return t, "too many keys at one level"
		}
	}
	return nil, ""
}

// scan estimates from the tokens alone what parsing them will cost.
type scan struct {
	blocks []block // open block collections, by column
	flow   int     // open brackets
	prefix int     // "-", "?" and ":" in one line since the last comma: each opens a level
	run    int     // anchors and tags in a row
	anchor bool    // the last token began one: its name follows
	line   int
	work   float64
}

type block struct{ col, keys int }

func (s *scan) step(t *token.Token) {
	first := t.Position.Line != s.line
	s.line = t.Position.Line
	if first || t.Type == token.CollectEntryType {
		s.prefix = 0
	}
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		s.flow++
	case token.MappingEndType, token.SequenceEndType:
		s.flow = max(s.flow-1, 0)
	case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
		s.prefix++
	}
	switch {
	case t.Type == token.AnchorType || t.Type == token.TagType:
		s.run++
	case !s.anchor:
		s.run = 0
	}
	s.anchor = t.Type == token.AnchorType
	if first && s.flow == 0 {
		s.openBlock(t)
	}
}

func (s *scan) openBlock(t *token.Token) {
	col := t.Position.Column
	for len(s.blocks) > 0 && s.blocks[len(s.blocks)-1].col > col {
		s.blocks = s.blocks[:len(s.blocks)-1]
	}
	if len(s.blocks) == 0 || s.blocks[len(s.blocks)-1].col < col {
		s.blocks = append(s.blocks, block{col: col})
	}
	if t.Type != token.SequenceEntryType {
		top := &s.blocks[len(s.blocks)-1]
		s.work += float64(2*top.keys + 1) // the square grows by 2n+1
		top.keys++
	}
}

func tokenMark(src *source, t *token.Token) mark {
	width := utf8.RuneCountInString(t.Value)
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
		width += 2
	}
	return mark{src: src, line: t.Position.Line, col: t.Position.Column, width: width}
}

// size counts the values under n, shared ones as often as they stand. Their
// number can be beyond every integer.
func size(n *docNode, seen map[*docNode]float64) float64 {
	if s, ok := seen[n]; ok {
		return s
	}
	s := 1.0
	for _, v := range n.list {
		s += size(v, seen)
	}
	for _, m := range n.members {
		s += size(m.value, seen)
	}
	seen[n] = s
	return s
}
