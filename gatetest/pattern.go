package gatetest

import (
	"regexp/syntax"
	"strings"
)

// matching makes a text that fits a pattern, of at least the length given where
// the pattern repeats something; "" for a pattern that is not Go's.
func matching(pattern string, least int) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	re = re.Simplify()
	var b strings.Builder
	for more := 0; more <= least; more++ {
		b.Reset()
		write(&b, re, more)
		if b.Len() >= least {
			break
		}
	}
	return b.String()
}

// write writes the first choice of each part; what may repeat is repeated more
// times than it must.
func write(b *strings.Builder, re *syntax.Regexp, more int) {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(visible(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpStar:
		times(b, re.Sub[0], more)
	case syntax.OpPlus:
		times(b, re.Sub[0], max(more, 1))
	case syntax.OpRepeat:
		times(b, re.Sub[0], max(more, re.Min))
	case syntax.OpAlternate:
		write(b, re.Sub[0], more)
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			write(b, sub, more)
		}
	}
}

func times(b *strings.Builder, re *syntax.Regexp, n int) {
	for range n {
		write(b, re, 0)
	}
}

// visible is a rune of a class, a letter or a digit when there is one.
func visible(ranges []rune) rune {
	for _, want := range "a1A" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= want && want <= ranges[i+1] {
				return want
			}
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	return ranges[0]
}
