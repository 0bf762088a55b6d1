package tlsedge

import (
	"fmt"
	"net/netip"
	"strings"
)

func hostSet(names []string) (map[string]bool, error) {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		host, ok := normalHost(name)
		if !ok || !plausible(host) {
			return nil, fmt.Errorf("tlsedge: host %q is not a host name or address; write it as in a URL, IPv6 in brackets, international names in their xn-- form", name)
		}
		set[host] = true
	}
	return set, nil
}

// normalHost takes the port and one final dot from a Host and puts letters in
// lower case and IPv6 addresses into their one short form, without brackets. It
// is false for what cannot be a host.
func normalHost(host string) (string, bool) {
	if strings.HasPrefix(host, "[") {
		return normalIPv6(host)
	}
	name, port, found := strings.Cut(host, ":")
	if found && !digits(port) {
		return "", false
	}
	name = strings.TrimSuffix(name, ".")
	return lower(name), name != "" && !strings.HasSuffix(name, ".")
}

// lower is strings.ToLower for ASCII alone: by Unicode the Kelvin sign is a k.
func lower(name string) string {
	if !strings.ContainsFunc(name, func(c rune) bool { return c >= 'A' && c <= 'Z' }) {
		return name
	}
	b := []byte(name)
	for i := range b {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func normalIPv6(host string) (string, bool) {
	literal, rest, closed := strings.Cut(host[1:], "]")
	if !closed || rest != "" && (rest[0] != ':' || !digits(rest[1:])) {
		return "", false
	}
	a, err := netip.ParseAddr(literal)
	if err != nil || !a.Is6() || a.Zone() != "" {
		return "", false
	}
	return a.String(), true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) <= 5
}

// plausible tells whether a configured name can be that of a host: a typing
// error there would refuse every request.
func plausible(host string) bool {
	if strings.Contains(host, ":") {
		return true // an IPv6 address that was parsed
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			b := label[i]
			if !(b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '_') {
				return false
			}
		}
	}
	return true
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
