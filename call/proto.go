package call

import "strings"

// ForwardedProto is the proto that the last element of Forwarded (RFC 7239 §5.4)
// states: the word of the proxy next to us. It is "" when that element states
// none, states it twice, or is not well-formed.
func ForwardedProto(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	_, element, _ := lastElement(fields[len(fields)-1])
	proto, found := "", false
	for rest := strings.Trim(element, " \t"); rest != ""; {
		name, value, after, ok := pair(rest)
		if !ok || found && strings.EqualFold(name, "proto") {
			return ""
		}
		if strings.EqualFold(name, "proto") {
			proto, found = value, true
		}
		rest = after
	}
	return proto
}
