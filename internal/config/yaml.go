package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

// statement is one setting of the settings file.
type statement struct {
	path   string
	values []string
	origin origin
}

// document is the settings file while it is read.
type document struct {
	name   string // as the person knows it
	folder string
	lines  []string
	safe   map[int]bool // lines whose values may be shown, by number; false for those with a secret
	report *Report
	all    []statement
}

// readYAML reads the settings file, if there is one.
func (ld *loader) readYAML() []statement {
	name := ld.in.ConfigPath
	if name == "" {
		name = ld.lookup("GATEHOUSE_CONFIG")
	}
	wanted := name != ""
	if !wanted && ld.in.Dir == "" {
		return nil
	}
	if !wanted {
		name = filepath.Join(ld.in.Dir, "gatehouse.yaml")
	}
	data, err := ld.read(name)
	if os.IsNotExist(err) && !wanted {
		return nil
	}
	shown := strings.TrimPrefix(name, filepath.Clean(ld.in.Dir)+string(filepath.Separator))
	if err != nil {
		ld.report.fail(contract.Issue{Position: contract.Position{File: shown}, Code: codeUnreadable, What: reading(err)})
		return nil
	}
	ld.report.Files = append(ld.report.Files, shown)
	d := &document{name: shown, folder: filepath.Dir(name), lines: strings.Split(string(data), "\n"), safe: map[int]bool{}, report: ld.report}
	d.read(data)
	return d.all
}

func (d *document) read(data []byte) {
	if line, col, ok := notUTF8(string(data)); !ok {
		d.report.fail(contract.Issue{Position: contract.Position{File: d.name, Line: line, Col: col}, Code: codeSyntax,
			What: "the file is not UTF-8", Fix: "Save it as UTF-8.", Excerpt: d.excerpt(line, col, 1)})
		return
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		d.syntax(err)
		return
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			d.fail(doc.Body, codeShape, "a second document", "Leave out the --- in the middle of the file.")
			return
		}
		body = doc.Body
	}
	if body == nil {
		return
	}
	top, ok := body.(*ast.MappingNode)
	if !ok {
		d.fail(body, codeShape, "the file is not a mapping of settings", "Write lines as: listen: localhost:8001")
		return
	}
	d.classify(top, "")
	d.mapping(top, "")
}

// syntax tells an error of the parser, without what the file says there.
func (d *document) syntax(err error) {
	at := contract.Position{File: d.name}
	what := "not well-formed YAML"
	if e, ok := errors.AsType[*yaml.SyntaxError](err); ok && e.Token != nil {
		at.Line, at.Col = e.Token.Position.Line, e.Token.Position.Column
		what, _, _ = strings.Cut(e.Message, " at [")
	}
	d.report.fail(contract.Issue{Position: at, Code: codeSyntax, What: what, Fix: syntaxFix(what), Excerpt: d.excerpt(at.Line, at.Col, 1)})
}

// syntaxFix is what mends an error of the parser, by its words.
func syntaxFix(what string) string {
	for _, m := range [][2]string{
		{"cannot start any token", "Indent with spaces: YAML takes no tabs."},
		{"end character", "Close the quotation mark that opens here."},
		{"end token", "Close the bracket that opens here."},
		{"is not allowed in this context", "Indent the names of one level alike, and put a text with a colon and a blank in it in quotes."},
		{"already defined", "Keep one of the two."},
	} {
		if strings.Contains(what, m[0]) {
			return m[1]
		}
	}
	return "Write settings as name: value, and put a text that begins with a sign such as @ or % in quotes."
}

// notUTF8 finds the first byte of a text that is no UTF-8; ok when there is none.
func notUTF8(text string) (line, col int, ok bool) {
	line, col = 1, 1
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return line, col, false
		}
		if col++; r == '\n' {
			line, col = line+1, 1
		}
	}
	return 0, 0, true
}

// mapping reads the settings below a path.
func (d *document) mapping(m *ast.MappingNode, path string) {
	for _, kv := range m.Values {
		name, ok := keyName(kv)
		if !ok {
			d.fail(kv.Key, codeShape, "a key that is not a plain name", "")
			continue
		}
		below := join(path, name)
		if s, ok := find(below); ok {
			d.value(s, kv)
			continue
		}
		if !isMapping(below) || strings.HasPrefix(path, modesBelow) {
			d.unknown(kv, path, name)
			continue
		}
		switch v := kv.Value.(type) {
		case *ast.MappingNode:
			d.mapping(v, below)
		case *ast.NullNode:
		default:
			d.fail(kv.Key, codeShape, fmt.Sprintf("%q is not a setting; settings stand below it", below), "Known below it are: "+strings.Join(keysBelow(below), ", "))
		}
	}
}

func (d *document) unknown(kv *ast.MappingValueNode, path, name string) {
	fix := ""
	for _, s := range settings() {
		if strings.HasSuffix(s.path, "."+name) && fix == "" {
			fix = fmt.Sprintf("Did you mean %q?", s.path)
		}
	}
	if n := nearest.Word(name, keysBelow(path)); n != "" || fix == "" {
		fix = nearest.DidYouMean(name, keysBelow(path))
	}
	d.fail(kv.Key, codeUnknownKey, fmt.Sprintf("unknown key %q", name), fix)
}

// value reads the value of one setting.
func (d *document) value(s setting, kv *ast.MappingValueNode) {
	if _, none := kv.Value.(*ast.NullNode); none {
		return
	}
	values, err := d.values(s, kv.Value)
	if err != nil {
		d.fail(kv.Key, codeShape, s.path+" "+err.Error(), "Write "+s.form+".")
		return
	}
	t := kv.Key.GetToken()
	at := contract.Position{File: d.name, Line: t.Position.Line, Col: t.Position.Column}
	d.all = append(d.all, statement{s.path, values, origin{
		Position: at, label: at.String(), folder: d.folder, excerpt: d.excerpt(at.Line, at.Col, utf8.RuneCountInString(t.Value)),
	}})
}

func (d *document) values(s setting, n ast.Node) ([]string, error) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		text, err := scalar(n)
		if err == nil && s.list {
			return splitList(text), nil
		}
		return []string{text}, err
	}
	if !s.list {
		return nil, errors.New("takes one value, not a list")
	}
	var values []string
	for _, entry := range seq.Values {
		text, err := scalar(entry)
		if err != nil {
			return nil, err
		}
		values = append(values, text)
	}
	return values, nil
}

// scalar is a value as it was written: 010 stays 010 and no stays no.
func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	case *ast.MappingNode:
		return "", errors.New("takes a value, not a mapping")
	case *ast.SequenceNode:
		return "", errors.New("takes plain values, not a list in a list")
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", errors.New("takes a plain value, not an anchor, an alias or a tag")
	}
	return "", errors.New("takes a plain value")
}

func keyName(kv *ast.MappingValueNode) (string, bool) {
	key, ok := kv.Key.(*ast.StringNode)
	if !ok {
		return "", false
	}
	return key.Value, true
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// classify notes which lines a message may show. A line is shown when all keys on
// it are known and none of them holds a secret, or when an unknown key neither
// sounds like a secret nor has a value that looks like one.
func (d *document) classify(m *ast.MappingNode, path string) {
	for _, kv := range m.Values {
		line := kv.Key.GetToken().Position.Line
		name, ok := keyName(kv)
		below := join(path, name)
		s, known := find(below)
		harmless := ok && (known && !s.secret || !known && isMapping(below) || !known && harmlessUnknown(name, kv.Value))
		if was, seen := d.safe[line]; !seen || was {
			d.safe[line] = harmless
		}
		if v, ok := kv.Value.(*ast.MappingNode); ok {
			d.classify(v, below)
		}
	}
}

func harmlessUnknown(name string, value ast.Node) bool {
	if regexp.MustCompile(`(?i)secre|pas+w|pwd|word|token|key|cred|auth|url|dsn|sign|seal`).MatchString(name) {
		return false
	}
	text, err := scalar(value)
	return err == nil && len(text) <= 40 && !strings.ContainsAny(text, "@\n")
}

// fail tells what is wrong at a node; nil is the file as a whole.
func (d *document) fail(n ast.Node, code, what, fix string) {
	i := contract.Issue{Position: contract.Position{File: d.name}, Code: code, What: what, Fix: fix}
	if n != nil {
		t := n.GetToken()
		i.Line, i.Col = t.Position.Line, t.Position.Column
		i.Excerpt = d.excerpt(i.Line, i.Col, utf8.RuneCountInString(t.Value))
	}
	d.report.fail(i)
}

// excerpt shows a line with a mark below the place, under the line before it
// when that one may be shown. Of what may not be shown it says that it is there.
func (d *document) excerpt(line, col, width int) string {
	if line < 1 || line > len(d.lines) {
		return ""
	}
	text, whole := d.shown(line)
	if text == "" {
		return ""
	}
	if n := utf8.RuneCountInString(text); !whole && col-1+width > n {
		col, width = n-len(unshown)+1, len(unshown)
	}
	var b strings.Builder
	if before, whole := d.shown(line - 1); whole && before != "" {
		fmt.Fprintf(&b, "%5d | %s\n", line-1, before)
	}
	fmt.Fprintf(&b, "%5d | %s\n", line, text)
	b.WriteString(strings.Repeat(" ", 8+col-1) + strings.Repeat("^", max(width, 1)))
	return b.String()
}

// shown is a line as far as it may be shown, and whether that is all of it.
func (d *document) shown(line int) (string, bool) {
	if line < 1 || line > len(d.lines) {
		return "", false
	}
	text := strings.TrimRight(d.lines[line-1], " \r")
	if d.safe[line] && !strings.Contains(text, "@") { // as in postgres://user:password@host
		return visible(text), true
	}
	if key := regexp.MustCompile(`^\s*[A-Za-z0-9_.-]+\s*:`).FindString(text); key != "" {
		return key + " " + unshown, false
	}
	if strings.TrimSpace(text) == "" {
		return "", false
	}
	return strings.Repeat(" ", len(text)-len(strings.TrimLeft(text, " "))) + unshown, false
}

// unshown stands for what may be a secret.
const unshown = "..."

// visible takes out what would move a terminal's cursor.
func visible(line string) string {
	runes := []rune(line)
	if i := slices.IndexFunc(runes, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		runes = runes[:i]
	}
	return string(runes[:min(len(runes), 120)])
}
