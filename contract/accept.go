package contract

import (
	"slices"
	"strings"
)

// Produces lists the media types of the operation's successes, sorted; nil when
// one of them has no body or the contract states no success.
func (o *Operation) Produces() []string { return slices.Clone(o.produces) }

func producedBy(responses map[string]*Response) []string {
	var types []string
	for status, r := range responses {
		if status[0] != '2' || r == nil {
			continue
		}
		if len(r.Content) == 0 {
			return nil
		}
		for name := range r.Content {
			types = append(types, name)
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// Acceptable tells whether some success of the operation fits the lines of an
// Accept field (RFC 9110 §12.5.1). It says no only when the contract lists the
// types and none fits: an absent field, a success without a body and elements
// that cannot be read refuse nothing.
func (o *Operation) Acceptable(accept []string) bool {
	if len(accept) == 0 || len(o.produces) == 0 {
		return true
	}
	if len(accept) == 1 && (accept[0] == "*/*" || slices.Contains(o.produces, accept[0])) {
		return true
	}
	readable := false
	for _, produced := range o.produces {
		fits, read := weigh(produced, accept)
		if fits {
			return true
		}
		readable = readable || read
	}
	return !readable
}

// weigh tells whether the most specific range for a media type lets it through,
// and whether there was a range that could be read at all.
func weigh(produced string, accept []string) (fits, readable bool) {
	best := -1
	for _, line := range accept {
		for line != "" {
			var element string
			element, line = cutQuoted(line, ',')
			name, wanted, ok := mediaRange(element)
			if !ok {
				continue
			}
			readable = true
			if rank := specific(name, produced); rank > best || rank == best && rank >= 0 && wanted {
				best, fits = rank, wanted
			}
		}
	}
	return fits, readable
}

// mediaRange reads one element of Accept. A range with parameters of its own
// says nothing of the type without them, except that it is wanted.
func mediaRange(element string) (name string, wanted, ok bool) {
	name, rest := cutQuoted(element, ';')
	name = strings.ToLower(strings.Trim(name, " \t"))
	kind, sub, slash := strings.Cut(name, "/")
	if !slash || kind == "" || sub == "" || kind == "*" && sub != "*" {
		return "", false, false
	}
	wanted, narrow := true, false
	for rest != "" {
		var param string
		param, rest = cutQuoted(rest, ';')
		key, value, _ := strings.Cut(strings.Trim(param, " \t"), "=")
		switch strings.ToLower(key) {
		case "q":
			q, valid := quality(value)
			if !valid {
				return "", false, false
			}
			wanted = q
		case "charset", "":
		default:
			narrow = true
		}
	}
	return name, wanted, wanted || !narrow
}

// quality reads a weight, and tells whether it is above nothing (RFC 9110
// §12.4.2).
func quality(text string) (wanted, ok bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 3 || strings.Trim(fraction, "0123456789") != "" {
		return false, false
	}
	zeros := strings.Trim(fraction, "0") == ""
	switch whole {
	case "0":
		return !zeros, true
	case "1":
		return true, zeros
	}
	return false, false
}

// specific ranks a range for a produced type, which may be a range itself: 2 for
// the type, 1 for type/*, 0 for */*, -1 when it does not fit.
func specific(name, produced string) int {
	kind, sub, _ := strings.Cut(name, "/")
	ownKind, ownSub, _ := strings.Cut(produced, "/")
	switch {
	case name == "*/*":
		return 0
	case ownKind != "*" && kind != ownKind:
		return -1
	case sub == "*":
		return 1
	case ownSub == "*" || sub == ownSub:
		return 2
	}
	return -1
}

// cutQuoted cuts at a separator that stands outside of quotes.
func cutQuoted(s string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted && s[i] == '\\':
			i++
		case !quoted && s[i] == separator:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
