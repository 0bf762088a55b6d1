package contract

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// patternTokens are an escape, a class of nothing or anything, the groups of RE2
// that ECMA-262 does not have (named with P, flags for the rest), and any
// character.
var patternTokens = regexp.MustCompile(`(?s)\\(?:u\{[0-9A-Fa-f]+\}|u[0-9A-Fa-f]{4}|c[A-Za-z]|.)|\[\^?\]|\(\?(?:P|[imsU-]+\))|.`)

// rewritePattern writes an ECMA-262 pattern as RE2 means it: \uXXXX, \u{…} and
// \cX as code points, \s with the blanks of Unicode, [] and [^] as nothing and
// anything. What one of the two does not know is left for RE2 to refuse.
func rewritePattern(p string) string {
	class := false
	return patternTokens.ReplaceAllStringFunc(p, func(token string) string {
		switch {
		case strings.HasPrefix(token, `\`):
			return rewriteEscape(token, class)
		case class:
			class = !strings.HasSuffix(token, "]")
		case token == "[]":
			return `[^\x{0}-\x{10FFFF}]`
		case token == "[^]":
			return `[\x{0}-\x{10FFFF}]`
		case strings.HasPrefix(token, "(?"):
			return foreign
		default:
			class = token == "["
		}
		return token
	})
}

// foreign is an escape that RE2 refuses.
const foreign = `\8`

// blanks are ECMA-262's white space and line terminators, and signs all else, for
// use in a class.
const (
	blanks = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	signs  = `\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
)

func rewriteEscape(token string, class bool) string {
	switch {
	case token == `\c`, token == `\a`, token == `\A`, token == `\z`, token == `\Q`: // none, or RE2's own
		return foreign
	case strings.HasPrefix(token, `\c`):
		return fmt.Sprintf(`\x{%x}`, token[2]&31)
	case strings.HasPrefix(token, `\u`):
		return `\x{` + strings.Trim(token, `\u{}`) + `}`
	case token == `\s` && class:
		return blanks
	case token == `\s`:
		return `[` + blanks + `]`
	case token == `\S` && class:
		return signs
	case token == `\S`:
		return `[` + signs + `]`
	}
	return token
}

// patternReason says what RE2 finds wrong; regexp has no other error.
func patternReason(err error) string {
	return "RE2 does not know it: " + err.(*syntax.Error).Code.String()
}
