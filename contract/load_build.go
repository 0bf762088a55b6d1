package contract

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// builder turns the parser's tree into nodes, by the core schema of YAML 1.2
// (section 10.3.2), which for JSON is JSON. The parser's own guesses at types are not
// used: they lose digits and follow YAML 1.1 in places.
type builder struct {
	src     *source
	issues  *collector
	anchors map[string]*docNode // nil while the anchor is being built
	merged  int                 // members that merge keys brought in
	broken  bool
}

func (b *builder) fail(t *token.Token, i Issue) *docNode {
	b.broken = true
	at := tokenMark(b.src, t)
	b.issues.add(at, i)
	return &docNode{mark: at}
}

func (b *builder) node(n ast.Node, depth int) *docNode {
	if depth > maxDepth {
		return b.fail(begins(n), Issue{Code: codeBounds, What: fmt.Sprintf("nested deeper than %d levels", maxDepth),
			Why: "Nothing that describes an API nests so deep.", Fix: "Move inner schemas to components/schemas and use $ref."})
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.object(n, depth)
	case *ast.SequenceNode:
		list := &docNode{kind: isList, mark: tokenMark(b.src, n.GetToken())}
		for _, v := range n.Values {
			list.list = append(list.list, b.node(v, depth+1))
		}
		return list
	case *ast.AnchorNode:
		return b.anchor(n, depth)
	case *ast.AliasNode:
		return b.alias(n)
	case *ast.TagNode:
		return b.tag(n, depth)
	case *ast.LiteralNode:
		return &docNode{kind: isText, text: n.Value.Value, mark: tokenMark(b.src, n.Start)}
	case *ast.MappingKeyNode, *ast.MappingValueNode, *ast.MergeKeyNode, *ast.CommentGroupNode:
		return b.fail(n.GetToken(), Issue{Code: codeSyntax, What: "this is no value", Fix: "Write text, a number, a list or an object."})
	}
	return b.scalar(n.GetToken())
}

func (b *builder) scalar(t *token.Token) *docNode {
	at := tokenMark(b.src, t)
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
		return &docNode{kind: isText, text: t.Value, mark: at}
	}
	k, text := resolve(t.Value)
	if k == isNumber && text == "" {
		return b.fail(t, Issue{Code: codeSyntax, What: fmt.Sprintf("%s is not a number that JSON can hold", clip(t.Value)),
			Fix: "Put it in quotes if it is meant as text."})
	}
	return &docNode{kind: k, text: text, mark: at}
}

func (b *builder) anchor(n *ast.AnchorNode, depth int) *docNode {
	name := n.Name.GetToken().Value
	b.anchors[name] = nil
	v := b.node(n.Value, depth)
	b.anchors[name] = v
	return v
}

func (b *builder) alias(n *ast.AliasNode) *docNode {
	t := n.Value.GetToken()
	v, known := b.anchors[t.Value]
	switch {
	case !known:
		return b.fail(t, Issue{Code: codeSyntax, What: fmt.Sprintf("the alias *%s has no anchor before it", clip(t.Value)),
			Fix: "Write &" + clip(t.Value) + " before the value that is meant, or use $ref."})
	case v == nil:
		return b.fail(t, Issue{Code: codeBounds, What: fmt.Sprintf("the alias *%s stands inside its own anchor", clip(t.Value)),
			Why: "Such a value has no end.", Fix: "Use $ref for a schema that holds itself."})
	}
	return v
}

// tag honours the tags of the core schema; others would need a meaning that
// JSON does not have.
func (b *builder) tag(n *ast.TagNode, depth int) *docNode {
	name := n.Start.Value
	switch name {
	case "!!map", "!!seq", "!!int", "!!float", "!!bool", "!!null":
		return b.node(n.Value, depth)
	case "!!str":
		return b.asText(n.Value)
	}
	return b.fail(n.Start, Issue{Code: codeSyntax, What: fmt.Sprintf("the YAML tag %s is not used in OpenAPI", clip(name)), Fix: "Leave it out."})
}

// asText is a scalar as the text that was written. The parser lets nothing else
// follow !!str but anchors and aliases.
func (b *builder) asText(n ast.Node) *docNode {
	t := n.GetToken()
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		return b.fail(t, Issue{Code: codeSyntax, What: "a tag before an anchor or an alias", Fix: "Write the anchor first: &name !!str 200"})
	case *ast.LiteralNode:
		t = n.Value.GetToken()
	case *ast.NullNode:
		if t.Type == token.ImplicitNullType {
			return &docNode{kind: isText, mark: tokenMark(b.src, t)}
		}
	}
	return &docNode{kind: isText, text: t.Value, mark: tokenMark(b.src, n.GetToken())}
}

func (b *builder) object(n *ast.MappingNode, depth int) *docNode {
	members := make([]member, 0, len(n.Values))
	first := make(map[string]mark, len(n.Values))
	var merges []*ast.MappingValueNode
	for _, v := range n.Values {
		t := b.keyToken(v.Key)
		m := member{name: t.Value, mark: tokenMark(b.src, t)}
		before, twice := first[m.name]
		switch _, merge := v.Key.(*ast.MergeKeyNode); {
		case merge:
			merges = append(merges, v)
			continue
		case tight(v) && !n.IsFlowStyle: // within brackets
			return &docNode{kind: isText, text: t.Value + ":" + v.Value.GetToken().Value, mark: m.mark}
		case tight(v):
			b.fail(t, Issue{Code: codeSyntax, What: fmt.Sprintf("a colon without a blank after %s", clip(t.Value)),
				Why: "YAML reads one word here and people read two.", Fix: "Write a blank after the colon, or put the word in quotes."})
		case twice:
			b.fail(t, Issue{Code: codeDuplicate, What: fmt.Sprintf("%q stands twice in one object, first in line %d", clip(m.name), before.line),
				Why: "One of the two would win in silence.", Fix: "Remove or rename one of them."})
		default:
			first[m.name] = m.mark
		}
		m.value = b.node(v.Value, depth+1)
		members = append(members, m)
	}
	for _, v := range merges {
		members = b.merge(members, first, v, depth)
	}
	return newObject(tokenMark(b.src, begins(n)), members)
}

// begins is the first token of a node. A block mapping has no sign of its own,
// and one key at least.
func begins(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle {
		return m.Values[0].Key.GetToken()
	}
	return n.GetToken()
}

// tight tells whether a plain key and a scalar within brackets stand on both
// sides of a colon without a blank. By YAML 1.2 section 7.3.3 that is one word,
// read:orders; the parser takes it for two when a brace is open.
func tight(v *ast.MappingValueNode) bool {
	key, value, colon := v.Key.GetToken(), v.Value.GetToken(), v.Start.Position
	if _, scalar := v.Value.(ast.ScalarNode); !scalar || key.Type == token.SingleQuoteType || key.Type == token.DoubleQuoteType {
		return false
	}
	return value.Type != token.ImplicitNullType && value.Position.Line == colon.Line && value.Position.Column == colon.Column+1
}

// merge adds the members of the objects that a merge key names; those that are
// there already win, as in YAML 1.1.
func (b *builder) merge(members []member, have map[string]mark, v *ast.MappingValueNode, depth int) []member {
	from := b.node(v.Value, depth)
	objects := []*docNode{from}
	if from.kind == isList {
		objects = from.list
	}
	for _, o := range objects {
		if o.kind != isObject {
			if !b.broken {
				b.fail(v.Value.GetToken(), Issue{Code: codeSyntax, What: "<< takes an object, and this is " + o.kind.String(),
					Fix: "Name the anchor of an object after it, or of several in a list."})
			}
			return members
		}
		if b.merged += len(o.members); b.merged > maxNodes {
			b.fail(v.Value.GetToken(), Issue{Code: codeBounds, What: "merge keys bring in too many members", Fix: "Use $ref or allOf instead of <<."})
			return members
		}
		for _, m := range o.members {
			if _, ok := have[m.name]; !ok {
				have[m.name] = m.mark
				members = append(members, m)
			}
		}
	}
	return members
}

// keyToken is the token with the text of a key.
func (b *builder) keyToken(k ast.Node) *token.Token {
	t := k.GetToken()
	switch k := k.(type) {
	case *ast.MappingKeyNode:
		return b.keyToken(k.Value)
	case *ast.TagNode:
		return b.keyToken(k.Value)
	case *ast.AnchorNode:
		return b.keyToken(k.Value)
	case *ast.LiteralNode:
		return k.Value.GetToken()
	case *ast.AliasNode, *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		b.fail(t, Issue{Code: codeSyntax, What: "this key is not text", Fix: "Write the key as plain text."})
	}
	return t
}

// The numbers of the core schema. A decimal one has groups for its sign, the
// digits before the point, those after it, and the exponent.
var (
	noNumber  = regexp.MustCompile(`^(\.(nan|NaN|NAN)|[-+]?\.(inf|Inf|INF))$`)
	basedText = regexp.MustCompile(`^0(o[0-7]{1,64}|x[0-9a-fA-F]{1,64})$`)
	decimal   = regexp.MustCompile(`^(?:\+|(-))?(?:([0-9]+)\.?|([0-9]*)\.([0-9]+))([eE][-+]?[0-9]+)?$`)
)

// maxExponent is how many digits the exponent of a number may have: 1e9999999
// would be gigabytes once somebody calculates with it.
const maxExponent = 3

// resolve gives a plain scalar its type by the core schema. A number comes
// back as JSON writes it, with every digit it had and those around the point;
// "" when JSON cannot.
func resolve(s string) (nodeKind, string) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return isNull, ""
	case "true", "True", "TRUE":
		return isBool, "true"
	case "false", "False", "FALSE":
		return isBool, "false"
	}
	if basedText.MatchString(s) {
		n, _ := new(big.Int).SetString(s, 0)
		return isNumber, n.String()
	}
	d := decimal.FindStringSubmatch(s)
	switch {
	case noNumber.MatchString(s):
		return isNumber, ""
	case d == nil:
		return isText, s
	case len(strings.TrimLeft(d[5], "eE+-")) > maxExponent:
		return isNumber, ""
	}
	number := strings.TrimLeft(d[2]+d[3], "0")
	if number == "" {
		number = "0"
	}
	if d[4] != "" {
		number += "." + d[4]
	}
	return isNumber, d[1] + number + d[5]
}
