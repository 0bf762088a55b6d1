package call

import (
	"net/netip"
	"strings"
)

// forwarded walks Forwarded (RFC 7239) from the right past the declared proxies,
// as forwardedFor does. It ends at the first element that is not well-formed,
// that names no address ("unknown", "_hidden"), or that says nothing of for.
func forwarded(fields []string, peer netip.Addr, proxies []netip.Prefix) netip.Addr {
	client := peer
	for i := len(fields) - 1; i >= 0; i-- {
		for rest, more := fields[i], true; more; {
			var element string
			rest, element, more = lastElement(rest)
			a, ok := elementFor(element)
			if !ok {
				return client
			}
			if client = a; !contains(proxies, client) {
				return client
			}
		}
	}
	return client
}

// lastElement cuts a list at its last comma outside quotes. It reads from the
// right, for the left was written by the client: a quote that it never closes
// must not swallow what the proxy added.
func lastElement(list string) (rest, element string, more bool) {
	quoted := false
	for i := len(list) - 1; i >= 0; i-- {
		switch {
		case list[i] == '"' && !escaped(list[:i]):
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return list[:i], list[i+1:], true
		}
	}
	return "", list, false
}

// escaped tells whether the character after text is part of a quoted-pair.
func escaped(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

// elementFor reads one forwarded-element and returns the address of its for.
func elementFor(element string) (netip.Addr, bool) {
	var client netip.Addr
	found := false
	for rest := strings.Trim(element, " \t"); rest != ""; {
		name, value, after, ok := pair(rest)
		if !ok {
			return netip.Addr{}, false
		}
		if strings.EqualFold(name, "for") {
			if found {
				return netip.Addr{}, false // a parameter occurs once (RFC 7239 §4)
			}
			found = true
			bare := strings.Count(value, ":") > 1 && value[0] != '[' // IPv6 stands in brackets (RFC 7239 §6)
			if client, ok = node(value); !ok || bare {
				return netip.Addr{}, false
			}
		}
		rest = after
	}
	return client, found
}

// pair reads "name=value" or "name="quoted"", and the semicolon after it. The
// value is without quotes and escapes.
func pair(text string) (name, value, rest string, ok bool) {
	name, text, ok = strings.Cut(text, "=")
	if !ok || !isToken(name) {
		return "", "", "", false
	}
	if strings.HasPrefix(text, `"`) {
		if value, rest, ok = unquote(text[1:]); !ok {
			return "", "", "", false
		}
		if rest != "" && rest[0] != ';' {
			return "", "", "", false
		}
		return name, value, strings.TrimPrefix(rest, ";"), true
	}
	value, rest, _ = strings.Cut(text, ";")
	return name, value, rest, isToken(value)
}

// unquote reads a quoted-string of RFC 9110 §5.6.4 after its opening quote.
func unquote(text string) (value, rest string, ok bool) {
	end := strings.IndexAny(text, `"\`)
	if end < 0 {
		return "", "", false
	}
	if text[end] == '"' { // nothing is escaped, the usual case
		return text[:end], text[end+1:], true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			return b.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// isToken tells whether text is a token of RFC 9110 §5.6.2.
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return text != ""
}
