package contract

import (
	"fmt"
	"math/big"
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
	if n == nil {
		return &docNode{mark: mark{src: b.src}}
	}
	if depth > maxDepth {
		return b.fail(n.GetToken(), Issue{Code: codeBounds, What: fmt.Sprintf("nested deeper than %d levels", maxDepth),
			Why: "Nothing that describes an API nests so deep.", Fix: "Move inner schemas to components/schemas and use $ref."})
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.object(n, n.Values, depth)
	case *ast.MappingValueNode:
		return b.object(n, []*ast.MappingValueNode{n}, depth)
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
	case *ast.MappingKeyNode, *ast.MergeKeyNode, *ast.CommentGroupNode, *ast.DirectiveNode:
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
	v := b.node(n.Value, depth+1)
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
		return b.node(n.Value, depth+1)
	case "!!str":
		if n.Value == nil {
			return &docNode{kind: isText, mark: tokenMark(b.src, n.Start)}
		}
		v := b.node(n.Value, depth+1)
		if v.kind == isList || v.kind == isObject || v.kind == isText {
			return v
		}
		return &docNode{kind: isText, text: n.Value.GetToken().Value, mark: v.mark}
	}
	return b.fail(n.Start, Issue{Code: codeSyntax, What: fmt.Sprintf("the YAML tag %s is not used in OpenAPI", clip(name)), Fix: "Leave it out."})
}

func (b *builder) object(n ast.Node, values []*ast.MappingValueNode, depth int) *docNode {
	at := tokenMark(b.src, n.GetToken())
	for _, v := range values {
		if !tight(v) {
			continue
		}
		key, value := v.Key.GetToken(), v.Value.GetToken()
		if whole := key.Value + ":" + value.Value; n.GetToken().Type != token.MappingStartType && len(values) == 1 {
			return &docNode{kind: isText, text: whole, mark: tokenMark(b.src, key)}
		}
		return b.fail(key, Issue{Code: codeSyntax, What: fmt.Sprintf("a colon without a blank after %s", clip(key.Value)),
			Why: "YAML reads one word here and people read two.", Fix: "Write a blank after the colon, or put the word in quotes."})
	}
	if len(values) > 0 {
		if m, ok := n.(*ast.MappingNode); !ok || !m.IsFlowStyle {
			at = tokenMark(b.src, keyToken(values[0].Key)) // a block mapping has no sign of its own
		}
	}
	members := make([]member, 0, len(values))
	first := make(map[string]mark, len(values))
	var merges []*ast.MappingValueNode
	for _, v := range values {
		if _, ok := v.Key.(*ast.MergeKeyNode); ok {
			merges = append(merges, v)
			continue
		}
		t := keyToken(v.Key)
		if t == nil {
			b.fail(v.GetToken(), Issue{Code: codeSyntax, What: "this key is not text", Fix: "Write the key as plain text."})
			continue
		}
		m := member{name: t.Value, mark: tokenMark(b.src, t)}
		if before, twice := first[m.name]; twice {
			b.fail(t, Issue{Code: codeDuplicate, What: fmt.Sprintf("%q stands twice in one object, first in line %d", clip(m.name), before.line),
				Why: "One of the two would win in silence.", Fix: "Remove or rename one of them."})
			continue
		}
		first[m.name] = m.mark
		m.value = b.node(v.Value, depth+1)
		members = append(members, m)
	}
	for _, v := range merges {
		members = b.merge(members, first, v, depth)
	}
	return newObject(at, members)
}

// tight tells whether a plain key and a scalar within brackets stand on both
// sides of a colon without a blank. By YAML 1.2 section 7.3.3 that is one word,
// read:orders; the parser takes it for two when a brace is open.
func tight(v *ast.MappingValueNode) bool {
	_, scalar := v.Value.(ast.ScalarNode)
	if v.Start == nil || !scalar {
		return false
	}
	key, value := v.Key.GetToken(), v.Value.GetToken()
	switch key.Type {
	case token.SingleQuoteType, token.DoubleQuoteType, token.MergeKeyType, token.MappingKeyType:
		return false
	}
	colon := v.Start.Position
	return value.Type != token.ImplicitNullType && value.Position.Line == colon.Line && value.Position.Column == colon.Column+1
}

// merge adds the members of the objects that a merge key names; those that are
// there already win, as in YAML 1.1.
func (b *builder) merge(members []member, have map[string]mark, v *ast.MappingValueNode, depth int) []member {
	from := b.node(v.Value, depth+1)
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

// keyToken is the token with the text of a key; nil when the key is no text.
func keyToken(k ast.Node) *token.Token {
	switch k := k.(type) {
	case nil:
		return nil
	case *ast.MappingKeyNode:
		return keyToken(k.Value)
	case *ast.TagNode:
		return keyToken(k.Value)
	case *ast.AnchorNode:
		return keyToken(k.Value)
	case *ast.AliasNode, *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return nil
	case *ast.LiteralNode:
		return k.Value.GetToken()
	}
	return k.GetToken()
}

// resolve gives a plain scalar its type by the core schema. A number comes
// back as JSON writes it, with every digit it had; "" when JSON cannot.
func resolve(s string) (nodeKind, string) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return isNull, ""
	case "true", "True", "TRUE":
		return isBool, "true"
	case "false", "False", "FALSE":
		return isBool, "false"
	case ".nan", ".NaN", ".NAN":
		return isNumber, ""
	}
	sign, rest := "", s
	if s[0] == '-' || s[0] == '+' {
		sign, rest = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	switch rest {
	case ".inf", ".Inf", ".INF":
		return isNumber, ""
	}
	for _, base := range []struct {
		prefix, digits string
		base           int
	}{{"0o", "01234567", 8}, {"0x", "0123456789abcdefABCDEF", 16}} {
		digits, ok := strings.CutPrefix(s, base.prefix)
		if ok && digits != "" && len(digits) <= 64 && strings.Trim(digits, base.digits) == "" {
			n, _ := new(big.Int).SetString(digits, base.base)
			return isNumber, n.String()
		}
	}
	number, ok := decimal(rest)
	switch {
	case ok && number == "":
		return isNumber, ""
	case ok:
		return isNumber, sign + number
	}
	return isText, s
}

// maxExponent is how many digits the exponent of a number may have: 1e9999999
// would be gigabytes once somebody calculates with it.
const maxExponent = 3

// decimal reads [0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)? or the like with a leading
// point, and writes it as JSON does: no leading zeros, digits around the point. It
// gives "" for an exponent that is too large.
func decimal(s string) (string, bool) {
	digits := func(s string) int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n
	}
	whole := s[:digits(s)]
	rest := s[len(whole):]
	fraction, exponent := "", ""
	if strings.HasPrefix(rest, ".") {
		fraction = rest[1 : 1+digits(rest[1:])]
		rest = rest[1+len(fraction):]
	}
	if whole == "" && fraction == "" {
		return "", false
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		e := 1
		if e < len(rest) && (rest[e] == '-' || rest[e] == '+') {
			e++
		}
		n := digits(rest[e:])
		if n == 0 {
			return "", false
		}
		if n > maxExponent {
			return "", true
		}
		exponent, rest = rest[:e+n], rest[e+n:]
	}
	if rest != "" {
		return "", false
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole + exponent, true
}
