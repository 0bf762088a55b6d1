package contract

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pattern matches what an ECMA-262 pattern matches, with RE2, whose time is linear
// in the input. RE2 has no lookahead; but one right after ^ asks something of the
// whole text, and is a pattern of its own. RE2 counts to 1000; but how often one
// character is repeated between ^ and $ is the length of the text.
type pattern struct {
	source string
	either []conditions // the alternatives that | parts
}

// conditions are what one alternative asks of a text, all of it.
type conditions struct {
	re         *regexp.Regexp
	all, none  [][]conditions // lookaheads, and negative ones
	least      int            // characters
	most       int
	characters bool // whether they are counted
}

// String is the pattern as the document states it.
func (p *pattern) String() string { return p.source }

// MatchString tells whether the pattern matches somewhere in s.
func (p *pattern) MatchString(s string) bool { return anyHolds(p.either, s) }

func anyHolds(either []conditions, s string) bool {
	for i := range either {
		if either[i].hold(s) {
			return true
		}
	}
	return false
}

func (c *conditions) hold(s string) bool {
	if c.characters {
		if n := utf8.RuneCountInString(s); n < c.least || n > c.most {
			return false
		}
	}
	for _, ahead := range c.all {
		if !anyHolds(ahead, s) {
			return false
		}
	}
	for _, ahead := range c.none {
		if anyHolds(ahead, s) {
			return false
		}
	}
	return c.re.MatchString(s)
}

// turned makes conditions of a pattern that RE2 does not take as it is. anchored
// means that it begins where the text does, whatever it says itself.
func turned(tokens []string, anchored bool) ([]conditions, error) {
	var either []conditions
	for _, alternative := range alternativesOf(tokens) {
		if anchored && !anchors(alternative) {
			alternative = append([]string{"^"}, alternative...)
		}
		c, err := conditionsOf(alternative)
		if err != nil {
			return nil, err
		}
		either = append(either, c)
	}
	return either, nil
}

func conditionsOf(tokens []string) (c conditions, err error) {
	if anchors(tokens) {
		if tokens, err = c.lift(slices.Clone(tokens), 1); err != nil {
			return c, err
		}
	}
	c.re, err = regexp.Compile(rewritePattern(strings.Join(c.count(tokens), "")))
	return c, err
}

// anchors tells whether tokens ask that the text begins there.
func anchors(tokens []string) bool { return slices.Index(tokens, "^") == 0 }

// lift takes the lookaheads out that stand at the beginning, in groups too. What is
// repeated stays, for RE2 to judge.
func (c *conditions) lift(tokens []string, at int) ([]string, error) {
	for at < len(tokens) {
		opening, end := groupAt(tokens, at)
		inner := at + len(opening)
		switch {
		case tokens[at] == ")": // of a group that is empty by now
			at++
		case quantified(tokens, end):
			return tokens, nil
		case opening == "(?=" || opening == "(?!":
			either, err := turned(tokens[inner:end], true)
			if err != nil {
				return nil, err
			}
			if opening == "(?=" {
				c.all = append(c.all, either)
			} else {
				c.none = append(c.none, either)
			}
			tokens = slices.Delete(tokens, at, end+1)
		case (opening == "(" || opening == "(?:") && len(alternativesOf(tokens[inner:end])) == 1:
			at = inner
		default:
			return tokens, nil
		}
	}
	return tokens, nil
}

// count takes a repeat out that RE2 does not count to: of one character, which is
// all there is up to the end.
func (c *conditions) count(tokens []string) []string {
	if !anchors(tokens) || tokens[len(tokens)-1] != "$" {
		return tokens
	}
	end := characterAt(tokens, 1)
	repeat := repeats.FindStringSubmatch(strings.Join(tokens[end:], ""))
	if end == 1 || repeat == nil {
		return tokens
	}
	least, _ := strconv.Atoi(repeat[1]) // as many digits as an int holds
	most := least
	if repeat[2] != "" {
		most = math.MaxInt
	}
	if repeat[3] != "" {
		most, _ = strconv.Atoi(repeat[3])
	}
	if most < least {
		return tokens
	}
	c.characters, c.least, c.most = true, least, most
	return append(slices.Clone(tokens[:end]), "*", "$")
}

var repeats = regexp.MustCompile(`^\{([0-9]{1,9})(,?)([0-9]{0,9})\}\??\$$`)

// patternParts cuts a pattern into its tokens.
func patternParts(p string) []string { return patternTokens.FindAllString(p, -1) }

// alternativesOf cuts at each | that stands in no group and no class.
func alternativesOf(tokens []string) [][]string {
	var out [][]string
	depth, from := 0, 0
	for i := 0; i < len(tokens); i++ {
		switch tokens[i] {
		case "[":
			i = classEnd(tokens, i)
		case "(":
			depth++
		case ")":
			depth--
		case "|":
			if depth == 0 {
				out, from = append(out, tokens[from:i]), i+1
			}
		}
	}
	return append(out, tokens[from:])
}

// classEnd is where a class ends that begins at a token, or the last token.
func classEnd(tokens []string, at int) int {
	for i, t := range tokens[at:] {
		if strings.HasSuffix(t, "]") && !strings.HasPrefix(t, `\`) {
			return at + i
		}
	}
	return len(tokens) - 1
}

// groupAt is how a group opens that begins at a token, "" without one, and where it
// ends.
func groupAt(tokens []string, at int) (opening string, end int) {
	if tokens[at] != "(" {
		return
	}
	depth := 0
	for i := at; i < len(tokens); i++ {
		switch tokens[i] {
		case "[":
			i = classEnd(tokens, i)
		case "(":
			depth++
		case ")":
			if depth--; depth > 0 {
				continue
			}
			if tokens[at+1] == "?" {
				return strings.Join(tokens[at:at+3], ""), i
			}
			return "(", i
		}
	}
	return
}

// quantified tells whether what ends at a token is repeated.
func quantified(tokens []string, end int) bool {
	return end+1 < len(tokens) && strings.Contains("*+?{", tokens[end+1])
}

// characterAt is where what stands for one character ends: a class, an escape or
// the character itself. It is at where none stands there.
func characterAt(tokens []string, at int) int {
	switch t := tokens[at]; {
	case t == "[":
		return classEnd(tokens, at) + 1
	case t == `\b` || t == `\B` || strings.Contains("^$|(){}*+?]", t):
		return at
	}
	return at + 1
}
