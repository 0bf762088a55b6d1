package scheduler

import (
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/problem"
)

// tagList is an If-Match or If-None-Match field (RFC 9110 §13.1).
type tagList struct {
	sent bool
	any  bool // the form "*"
	tags []entityTag
}

type entityTag struct {
	weak bool
	text string // with its quotes
}

// preconditions are what a request asks of the state before it is changed.
type preconditions struct {
	match, noneMatch tagList
}

func readPreconditions(r *http.Request) (preconditions, error) {
	match, ok := parseTags(r.Header.Values("If-Match"))
	if !ok {
		return preconditions{}, problem.Malformed("If-Match is not a list of entity tags")
	}
	noneMatch, ok := parseTags(r.Header.Values("If-None-Match"))
	if !ok {
		return preconditions{}, problem.Malformed("If-None-Match is not a list of entity tags")
	}
	return preconditions{match, noneMatch}, nil
}

// check evaluates the preconditions of a write in the order of RFC 9110
// §13.2.2. there tells whether "*" finds something: for a booking it asks
// whether one is there, so that If-None-Match with * books a free slot alone.
func (p preconditions) check(current string, there bool) error {
	if p.match.sent && !p.match.holds(current, there, strong) {
		return problem.PreconditionFailed("If-Match does not hold: what you saw has changed; read it again")
	}
	if p.noneMatch.sent && p.noneMatch.holds(current, there, weakly) {
		return problem.PreconditionFailed("If-None-Match does not hold: it is there already")
	}
	return nil
}

// checkRead evaluates them for a GET of something that exists.
func (p preconditions) checkRead(current string) (notModified bool, err error) {
	if p.match.sent && !p.match.holds(current, true, strong) {
		return false, problem.PreconditionFailed("If-Match does not hold: what you saw has changed")
	}
	return p.noneMatch.sent && p.noneMatch.holds(current, true, weakly), nil
}

// holds tells whether the list matches what is there.
func (l tagList) holds(current string, there bool, same func(entityTag, string) bool) bool {
	if l.any {
		return there
	}
	for _, t := range l.tags {
		if same(t, current) {
			return true
		}
	}
	return false
}

// strong and weakly are the comparisons of RFC 9110 §8.8.3.2; our own tags are
// all strong.
func strong(t entityTag, current string) bool { return !t.weak && t.text == current }
func weakly(t entityTag, current string) bool { return t.text == current }

func parseTags(fields []string) (tagList, bool) {
	if len(fields) == 0 {
		return tagList{}, true
	}
	l := tagList{sent: true}
	rest := strings.Trim(strings.Join(fields, ","), " \t")
	if rest == "*" {
		l.any = true
		return l, true
	}
	for rest != "" {
		if rest[0] == ',' || rest[0] == ' ' || rest[0] == '\t' { // empty elements do no harm (RFC 9110 §5.6.1.2)
			rest = rest[1:]
			continue
		}
		tag, after, ok := cutTag(rest)
		if !ok {
			return tagList{}, false
		}
		l.tags = append(l.tags, tag)
		rest = strings.TrimLeft(after, " \t")
		if rest != "" && rest[0] != ',' {
			return tagList{}, false
		}
	}
	return l, len(l.tags) > 0
}

// cutTag takes the entity tag at the start of s.
func cutTag(s string) (tag entityTag, rest string, ok bool) {
	s, weak := strings.CutPrefix(s, "W/")
	if s == "" || s[0] != '"' {
		return entityTag{}, "", false
	}
	end := strings.IndexByte(s[1:], '"') + 1
	if end == 0 {
		return entityTag{}, "", false
	}
	for _, b := range []byte(s[1:end]) {
		if b < 0x21 || b == 0x7f {
			return entityTag{}, "", false
		}
	}
	return entityTag{weak: weak, text: s[:end+1]}, s[end+1:], true
}
