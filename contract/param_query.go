package contract

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// query is the query of a request, taken apart but not decoded: a comma that was
// written %2C is no delimiter.
type query struct {
	pairs []pair
	array [4]pair // most queries need no more
}

type pair struct {
	text string // as it was sent
	name string // decoded
	raw  string // the value, encoded
	used bool   // a parameter of the contract
}

// parse takes a raw query apart. What another reader might take apart
// differently is refused: broken percent-encoding, a bare semicolon, bytes that
// are no UTF-8.
func (q *query) parse(raw string, params []*Param) (bad *problem.Field) {
	q.pairs = q.array[:0]
	for raw != "" {
		var text string
		text, raw, _ = strings.Cut(raw, "&")
		if text == "" {
			continue
		}
		if len(q.pairs) == maxPairs {
			return queryFault(codeLimit, "the query must have at most 256 parameters")
		}
		name, value, _ := strings.Cut(text, "=")
		if strings.Contains(text, ";") && !reserved(params, name) {
			return queryFault("separator", "a semicolon in the query must be written %3B")
		}
		name, err := url.QueryUnescape(name)
		if err != nil || !utf8.ValidString(name) {
			return queryFault("encoding", textEncoding)
		}
		q.pairs = append(q.pairs, pair{text: text, name: name, raw: value})
	}
	return nil
}

// reserved tells whether a parameter of that name takes reserved characters as
// they are.
func reserved(params []*Param, name string) bool {
	return slices.ContainsFunc(params, func(p *Param) bool { return p.Reserved && p.Name == name })
}

const textEncoding = "the query must be percent-encoded UTF-8"

func queryFault(code, message string) *problem.Field {
	return &problem.Field{Pointer: "#/query", Code: code, Message: message}
}

// undeclared is a fault for each parameter that none of the contract took.
func (q *query) undeclared() []problem.Field {
	var out []problem.Field
	for i := range q.pairs {
		switch p := &q.pairs[i]; {
		case p.used:
		case nameable(p.name):
			out = append(out, problem.Field{Field: p.name, Pointer: "#/query/" + strictjson.EscapeToken(p.name), Code: codeUnknown, Message: "is not a known parameter"})
		default:
			out = append(out, *queryFault(codeUnknown, "has an unknown parameter"))
		}
	}
	return tidy(out)
}

// take marks the pairs with a name and returns their values, encoded.
func (q *query) take(name string) []string {
	var out []string
	for i := range q.pairs {
		if p := &q.pairs[i]; p.name == name {
			p.used = true
			out = append(out, p.raw)
		}
	}
	return out
}

// takeLeft marks the pairs that nobody took and the shape knows, and appends their
// names and values.
func (q *query) takeLeft(found []string, s *shape) []string {
	for i := range q.pairs {
		p := &q.pairs[i]
		if p.used {
			continue
		}
		if _, known := s.member(p.name); known {
			p.used = true
			found = append(found, url.QueryEscape(p.name), p.raw)
		}
	}
	return found
}

// takeDeep marks the pairs name[key] and returns keys and values.
func (q *query) takeDeep(name string) []string {
	var out []string
	for i := range q.pairs {
		p := &q.pairs[i]
		rest, ok := strings.CutPrefix(p.name, name+"[")
		if key, closed := strings.CutSuffix(rest, "]"); ok && closed {
			p.used = true
			out = append(out, url.QueryEscape(key), p.raw)
		}
	}
	return out
}
