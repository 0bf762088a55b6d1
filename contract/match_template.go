package contract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// segment is what may stand between two slashes of a path: literals and
// parameters by turns. A plain literal is one literal, a plain parameter two
// empty ones around a name.
type segment struct {
	literals []string // decoded; one more than names
	names    []string // of the parameters
}

func (s segment) static() bool { return len(s.names) == 0 }

// plain tells whether the segment is a parameter and nothing else.
func (s segment) plain() bool {
	return slices.Equal(s.literals, []string{"", ""})
}

// weight orders segments with literals around their parameters: more literal
// text is more specific.
func (s segment) weight() int {
	return len(strings.Join(s.literals, ""))
}

// match gives the values of the parameters to w when text fits. Each parameter
// but the last takes as little as it can, one byte at least.
func (s segment) match(text string, w *walk) bool {
	rest, ok := strings.CutPrefix(text, s.literals[0])
	if !ok {
		return false
	}
	last := len(s.names) - 1
	for i := range last {
		if rest == "" {
			return false
		}
		next := s.literals[i+1]
		at := strings.Index(rest[1:], next)
		if !w.take(rest[:at+1]) { // where next is not there, this is nothing
			return false
		}
		rest = rest[at+1+len(next):]
	}
	value, ok := strings.CutSuffix(rest, s.literals[last+1])
	return ok && w.take(value)
}

// templateError says why a path template can match no request.
type templateError struct{ what, why, fix string }

// Error is what and why, as one phrase.
func (e *templateError) Error() string { return "the path " + e.what }

// parseTemplate compiles a path with parameters in braces. It refuses what is
// not in the normal form of requests, for no request could match it.
func parseTemplate(path string) ([]segment, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, &templateError{"does not begin with a slash", "Every path of a request does.", "Write /" + clip(path)}
	}
	parts := strings.Split(path[1:], "/")
	segments := make([]segment, 0, len(parts))
	seen := map[string]bool{}
	for i, part := range parts {
		if part == "" && i < len(parts)-1 {
			return nil, &templateError{"has an empty segment", "A request with // is refused.", "Remove one slash."}
		}
		s, err := parseSegment(part)
		if err != nil {
			return nil, err
		}
		for _, n := range s.names {
			if seen[n] {
				return nil, &templateError{"names the parameter " + clip(n) + " twice", "It can have one value only.", "Give each its own name."}
			}
			seen[n] = true
		}
		segments = append(segments, s)
	}
	if len(segments) > maxSegments || len(seen) > maxValues {
		return nil, &templateError{fmt.Sprintf("has more than %d segments or %d parameters", maxSegments, maxValues),
			"Matching does without memory that grows with a request.", "Move some of it into the query."}
	}
	return segments, nil
}

func parseSegment(part string) (segment, error) {
	var s segment
	rest := part
	for {
		literal, after, opened := strings.Cut(rest, "{")
		decoded, err := decodeLiteral(literal)
		if err != nil {
			return segment{}, err
		}
		if len(s.names) > 0 && opened && decoded == "" {
			return segment{}, &templateError{"has two parameters side by side", "Where one ends and the other begins is anybody's guess.", "Put a character between them, or make them one."}
		}
		s.literals = append(s.literals, decoded)
		if !opened {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed || name == "" || strings.ContainsRune(name, '{') {
			return segment{}, &templateError{"has braces that hold no name", "Whether it means a parameter is anybody's guess.", "Write a parameter as {id}."}
		}
		s.names = append(s.names, name)
		rest = tail
	}
	if s.static() && (s.literals[0] == "." || s.literals[0] == "..") {
		return segment{}, &templateError{"has a segment " + s.literals[0], "A request with dot segments is refused.", "Write the path without it."}
	}
	return s, nil
}

// decodeLiteral brings the literal text of a template into the form in which
// requests are compared. Characters beyond ASCII may stand in it as they are.
func decodeLiteral(text string) (string, error) {
	refuse := func(what string) error {
		return &templateError{"has " + what, "A request with that in its path is refused.", "Write the path without it."}
	}
	if strings.ContainsAny(text, "}") {
		return "", &templateError{"has a } without its {", "Whether it means a parameter is anybody's guess.", "Write a parameter as {id}."}
	}
	if i := strings.IndexAny(text, "?#;\\\""); i >= 0 {
		return "", refuse("the character " + text[i:i+1])
	}
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return "", refuse("a % that is no escape")
	}
	if strings.ContainsAny(decoded, "/\\") || !cleanText(decoded) {
		return "", refuse("an escape that no request may hold")
	}
	return decoded, nil
}

// shapeOf is the template without the names of its parameters: two paths with
// one shape match the same requests.
func shapeOf(segments []segment) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + strings.Join(s.literals, "\x00")) // neither stands in a literal
	}
	return b.String()
}

func paramNames(segments []segment) []string {
	var names []string
	for _, s := range segments {
		names = append(names, s.names...)
	}
	return names
}
