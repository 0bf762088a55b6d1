package contract

import (
	"regexp/syntax"
	"strings"
)

// rewritePattern writes an ECMA-262 pattern as RE2 means it: \uXXXX, \u{…} and
// \cX as code points, \s with the blanks of Unicode, [] and [^] as nothing and
// anything. What one of the two does not know is left for RE2 to refuse.
func rewritePattern(p string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(p); i++ {
		rest := p[i:]
		switch {
		case p[i] == '\\' && len(rest) > 1:
			text, used := rewriteEscape(rest[1:], class)
			b.WriteString(text)
			i += used
		case class:
			class = p[i] != ']'
			b.WriteByte(p[i])
		case strings.HasPrefix(rest, "[]"):
			b.WriteString(`[^\x{0}-\x{10FFFF}]`)
			i++
		case strings.HasPrefix(rest, "[^]"):
			b.WriteString(`[\x{0}-\x{10FFFF}]`)
			i += 2
		case strings.HasPrefix(rest, "(?P"), inlineFlags(rest):
			return foreign
		default:
			class = p[i] == '['
			b.WriteByte(p[i])
		}
	}
	return b.String()
}

// foreign is an escape that RE2 refuses.
const foreign = `\8`

// inlineFlags tells whether s begins with flags for the rest of the pattern,
// (?i), which ECMA-262 does not have.
func inlineFlags(s string) bool {
	flags, ok := strings.CutPrefix(s, "(?")
	if !ok {
		return false
	}
	after := strings.TrimLeft(flags, "imsU-")
	return after != flags && strings.HasPrefix(after, ")")
}

// blanks are ECMA-262's white space and line terminators, for use in a class.
const blanks = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`

// rewriteEscape rewrites what follows a backslash, and says how many bytes of it
// are used.
func rewriteEscape(rest string, class bool) (text string, used int) {
	switch c := rest[0]; {
	case c == 'u' && len(rest) > 1 && rest[1] == '{':
		if end := strings.IndexByte(rest, '}'); end > 2 {
			return `\x{` + rest[2:end] + `}`, end + 1
		}
	case c == 'u' && len(rest) >= 5:
		return `\x{` + rest[1:5] + `}`, 5
	case c == 'c' && len(rest) >= 2 && isLetter(rest[1]):
		return `\x{` + string("0123456789abcdef"[rest[1]&31>>4]) + string("0123456789abcdef"[rest[1]&15]) + `}`, 2
	case c == 's' && class:
		return blanks, 1
	case c == 's':
		return `[` + blanks + `]`, 1
	case c == 'S' && !class:
		return `[^` + blanks + `]`, 1
	case strings.IndexByte("aAzZQECXRhHK", c) >= 0: // RE2's or PCRE's own, no pattern of ECMA-262
		return foreign, 1
	case c >= 0x80:
		return foreign, 1
	}
	return `\` + rest[:1], 1
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// patternReason says what RE2 finds wrong; regexp has no other error.
func patternReason(err error) string {
	return "RE2 does not know it: " + err.(*syntax.Error).Code.String()
}
