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
			types = append(types, mediaName(name))
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
	readable := false
	for _, produced := range o.produces {
		var fits bool
		if fits, readable = weigh(produced, accept); fits {
			return true
		}
	}
	return !readable
}

// weigh tells whether the most specific range for a media type lets it through,
// and whether there was a range that could be read at all.
func weigh(produced string, accept []string) (fits, readable bool) {
	best := 0
	for _, line := range accept {
		for line != "" {
			var element string
			element, line = cutQuoted(line, ',')
			r, ok := readRange(element)
			if !ok {
				continue
			}
			readable = true
			if rank := specific(r.name, produced); rank > best || rank == best && r.wanted {
				best, fits = rank, r.wanted
			}
		}
	}
	return fits, readable
}

// mediaRange is one element of Accept.
type mediaRange struct {
	name   string // "text/html", "text/*" or "*/*"
	wanted bool   // its weight is above nothing
}

// readRange reads one element of Accept. A range with parameters of its own says
// nothing of the type without them, except that it is wanted.
func readRange(element string) (r mediaRange, ok bool) {
	name, rest := cutQuoted(element, ';')
	r = mediaRange{name: strings.ToLower(strings.Trim(name, " \t")), wanted: true}
	kind, sub, _ := strings.Cut(r.name, "/")
	if kind == "" || sub == "" || kind == "*" && sub != "*" {
		return r, false
	}
	narrow := false
	for rest != "" {
		var param string
		param, rest = cutQuoted(rest, ';')
		key, value, _ := strings.Cut(strings.Trim(param, " \t"), "=")
		switch strings.ToLower(key) {
		case "q":
			if r.wanted, ok = quality(value); !ok {
				return r, false
			}
		case "charset", "":
		default:
			narrow = true
		}
	}
	return r, r.wanted || !narrow
}

// quality reads a weight, and tells whether it is above nothing (RFC 9110
// §12.4.2).
func quality(text string) (wanted, ok bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	short := len(fraction) <= 3 && strings.Trim(fraction, "0123456789") == ""
	zeros := strings.Trim(fraction, "0") == ""
	return whole == "1" || !zeros, short && (whole == "0" || whole == "1" && zeros)
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
