package contract

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compilePattern makes a matcher of an ECMA-262 pattern (JSON Schema core §6.4).
func compilePattern(source string) (jsonschema.Regexp, error) {
	re, err := regexp.Compile(rewritePattern(source))
	if err == nil {
		return &pattern{source, []conditions{{re: re}}}, nil
	}
	either, refused := turned(patternParts(source), false)
	if refused != nil {
		return nil, err
	}
	return &pattern{source, either}, nil
}

// patternTokens are an escape (of two halves of a character that UTF-16 writes in
// two, together), a class of nothing or anything, the groups of RE2 that ECMA-262
// does not have (named with P, flags for the rest), and any character.
var patternTokens = regexp.MustCompile(`(?s)\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\(?:u\{[0-9A-Fa-f]+\}|u[0-9A-Fa-f]{4}|c[A-Za-z]|.)|\[\^?\]|\(\?(?:P|[imsU-]*\))|.`)

// rewritePattern writes an ECMA-262 pattern as RE2 means it: escapes of four hex
// digits, of braces and of control characters as code points, \s with the blanks
// of Unicode, [] and [^] as nothing and anything, and a dot as what does not end a
// line. What one of the two does not know is left for RE2 to refuse.
func rewritePattern(p string) string {
	class := false
	return patternTokens.ReplaceAllStringFunc(p, func(token string) string {
		switch {
		case strings.HasPrefix(token, `\`):
			return rewriteEscape(token, class)
		case class:
			class = !strings.HasSuffix(token, "]")
		case token == ".":
			return `[^\n\r\x{2028}\x{2029}]`
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
	case token == `\b` && class: // a backspace
		return `\x{8}`
	case strings.HasPrefix(token, `\c`):
		return fmt.Sprintf(`\x{%x}`, token[2]&31)
	case strings.Count(token, `\u`) == 2:
		high, _ := strconv.ParseUint(token[2:6], 16, 0) // both are digits
		low, _ := strconv.ParseUint(token[8:], 16, 0)
		return fmt.Sprintf(`\x{%x}`, utf16.DecodeRune(rune(high), rune(low)))
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

// patternReason says what RE2 finds wrong, and how to do without; regexp has no
// other error.
func patternReason(err error) (why, fix string) {
	code := err.(*syntax.Error).Code
	why, fix = "RE2 does not know it: "+code.String(), "write it without lookbehind, back-references, and lookahead but right after ^ (RE2 syntax)"
	if code == syntax.ErrInvalidRepeatSize {
		why, fix = "RE2 does not count beyond 1000", "state minLength and maxLength in place of the repeat, which is understood for one character between ^ and $ alone"
	}
	return why, fix
}
