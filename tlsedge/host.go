package tlsedge

import (
	"fmt"
	"net/netip"
	"strings"
)

func hostSet(names []string) (map[string]bool, error) {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		host := normalHost(name)
		if !plausible(host) {
			return nil, fmt.Errorf("tlsedge: host %q is not a host name or address; write it as in a URL, IPv6 in brackets, international names in their xn-- form", name)
		}
		set[host] = true
	}
	return set, nil
}

// normalHost takes the port and one final dot from a Host and puts letters in
// lower case and IPv6 addresses into their one short form, without brackets.
// What cannot be a host gives one that is not plausible.
func normalHost(host string) string {
	if strings.HasPrefix(host, "[") {
		return normalIPv6(host)
	}
	name, port, _ := strings.Cut(host, ":")
	if !digits(port) {
		return ""
	}
	return lower(strings.TrimSuffix(name, "."))
}

// lower is strings.ToLower for ASCII alone: by Unicode the Kelvin sign is a k.
func lower(name string) string {
	if !strings.ContainsAny(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return name
	}
	b := []byte(name)
	for i := range b {
		b[i] = fold(b[i])
	}
	return string(b)
}

func normalIPv6(host string) string {
	literal, rest, closed := strings.Cut(host[1:], "]")
	if !closed || rest != "" && (rest[0] != ':' || !digits(rest[1:])) {
		return ""
	}
	a, _ := netip.ParseAddr(literal) // none for what is no address
	if !a.Is6() || a.Zone() != "" {
		return ""
	}
	return a.String()
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
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(c rune) bool { return !strings.ContainsRune(labelled, c) }) {
			return false
		}
	}
	return true
}

const labelled = "abcdefghijklmnopqrstuvwxyz0123456789-_"

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
