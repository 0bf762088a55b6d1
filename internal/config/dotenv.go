package config

import (
	"errors"
	"strings"
)

// variable is one name of the environment or of a .env file.
type variable struct {
	name, value string
	line        int    // 1-based; 0 in the environment
	file        string // the file of a …_FILE variable that the value was read from
}

// fault is what is wrong with a line of a .env file.
type fault struct {
	line int
	what string
}

// parseDotenv reads lines of NAME=value, with "export " before them if need be.
// A value may stand in 'single quotes', which hold every character as it is, or
// in "double quotes", where \n, \r, \t, \", \\ and \$ are escapes; both may run
// over several lines. Outside quotes a value ends at the end of its line or at a
// # after a blank. Nothing is expanded: $ is a $. All faults are told, and none
// quotes the text, for it may be a secret.
func parseDotenv(text string) ([]variable, []fault) {
	p := dotenv{rest: strings.TrimPrefix(text, "\ufeff"), line: 1, seen: map[string]bool{}}
	for p.rest != "" {
		line := p.line
		if err := p.statement(); err != nil {
			p.faults = append(p.faults, fault{line, err.Error()})
			p.skipLine()
		}
	}
	return p.vars, p.faults
}

type dotenv struct {
	rest   string
	line   int
	seen   map[string]bool
	vars   []variable
	faults []fault
}

// statement reads up to and with the end of a line.
func (p *dotenv) statement() error {
	p.skipBlanks()
	if p.rest == "" || p.rest[0] == '#' || p.rest[0] == '\n' || strings.HasPrefix(p.rest, "\r\n") {
		p.skipLine()
		return nil
	}
	line := p.line
	if rest, ok := strings.CutPrefix(p.rest, "export "); ok {
		p.rest = rest
		p.skipBlanks()
	}
	name := p.name()
	if name == "" {
		return errors.New("does not begin with a name of letters, digits and _")
	}
	p.skipBlanks()
	if !strings.HasPrefix(p.rest, "=") {
		return errors.New(name + " is not followed by =")
	}
	p.rest = p.rest[1:]
	p.skipBlanks()
	value, err := p.value()
	if err != nil {
		return errors.New(name + " " + err.Error())
	}
	if strings.Contains(value, "\x00") {
		return errors.New(name + " has a NUL byte")
	}
	if p.seen[name] {
		return errors.New(name + " stands twice in this file")
	}
	p.seen[name] = true
	p.vars = append(p.vars, variable{name: name, value: value, line: line})
	return nil
}

func (p *dotenv) skipBlanks() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *dotenv) skipLine() {
	_, rest, found := strings.Cut(p.rest, "\n")
	p.rest = rest
	if found {
		p.line++
	}
}

func (p *dotenv) name() string {
	n := 0
	for n < len(p.rest) && isNameByte(p.rest[n], n) {
		n++
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name
}

func isNameByte(b byte, at int) bool {
	return b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || at > 0 && b >= '0' && b <= '9'
}

func (p *dotenv) value() (string, error) {
	if p.rest == "" {
		return "", nil
	}
	switch p.rest[0] {
	case '\'', '"':
		value, err := p.quoted(p.rest[0])
		if err != nil {
			return "", err
		}
		return value, p.endOfLine()
	}
	line, _, _ := strings.Cut(p.rest, "\n")
	p.skipLine()
	return strings.TrimRight(withoutComment(line), " \t\r"), nil
}

// withoutComment cuts a # that begins the value or follows a blank.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

func (p *dotenv) quoted(quote byte) (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == quote:
			p.line += strings.Count(p.rest[:i], "\n")
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(p.rest):
			i++
			escaped, ok := unescape(p.rest[i])
			if !ok {
				return "", errors.New(`has an escape that is none of \n \r \t \" \\ \$`)
			}
			b.WriteByte(escaped)
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("has a quote that is not closed")
}

func unescape(c byte) (byte, bool) {
	switch c {
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case '"', '\\', '$':
		return c, true
	}
	return 0, false
}

// endOfLine wants nothing but a comment behind a quoted value.
func (p *dotenv) endOfLine() error {
	line, _, _ := strings.Cut(p.rest, "\n")
	if after := strings.TrimSpace(line); after != "" && after[0] != '#' {
		return errors.New("has something behind its closing quote")
	}
	p.skipLine()
	return nil
}
