package contract

import (
	"net/netip"
	"regexp"
	"strings"
)

func ipv4(s string) bool {
	a, _ := netip.ParseAddr(s)
	return a.Is4()
}

func ipv6(s string) bool {
	a, _ := netip.ParseAddr(s)
	return a.Is6() && a.Zone() == ""
}

// hostname is RFC 1123 §2.1: labels of letters, digits and hyphens. Labels with
// hyphens third and fourth are left to IDNA (RFC 5891 §4.2.3.1): only xn-- may be.
func hostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, letters+digits+"-") != "" || strings.Trim(label, "-") != label || reservedLabel.MatchString(label) {
			return false
		}
	}
	return true
}

var reservedLabel = regexp.MustCompile(`^(?:[^xX].|.[^nN])--`)

// email is a Mailbox of RFC 5321 §4.1.2 within its limits (§4.5.3.1).
func email(s string) bool {
	domain := s[strings.LastIndexByte(s, '@')+1:]
	local, found := strings.CutSuffix(s, "@"+domain)
	if !found || len(local) > 64 || len(s) > 254 || !localText.MatchString(local) {
		return false
	}
	literal, open := strings.CutPrefix(domain, "[")
	if !open {
		return hostname(domain)
	}
	literal, closed := strings.CutSuffix(literal, "]")
	six, isSix := strings.CutPrefix(literal, "IPv6:")
	return closed && (isSix && ipv6(six) || ipv4(literal))
}

// localText is a Dot-string or a Quoted-string.
var localText = regexp.MustCompile("^(?:" + atom + `(?:\.` + atom + `)*|"(?:[ !#-\[\]-~]|\\[ -~])*")$`)

const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"

// idnEmail allows all of Unicode beyond ASCII in both parts (RFC 6531 §3.3): each
// character counts as a letter, but the limits are on octets.
func idnEmail(s string) bool {
	return strings.LastIndexByte(s, '@') <= 64 && len(s) <= 254 && email(mailRunes.ReplaceAllString(s, "a"))
}

// mailRunes leaves out the full-width @, which many readers take for an @.
var mailRunes = regexp.MustCompile(`[^\x00-\x7f\x{ff20}]`)

// uri is RFC 3986 §3, uriReference §4.1.
func uri(s string) bool {
	scheme, fits := reference(s)
	return fits && scheme != ""
}

func uriReference(s string) bool {
	_, fits := reference(s)
	return fits
}

// international allows what RFC 3987 adds to RFC 3986: characters beyond ASCII
// where unreserved ones may be.
func international(fits func(string) bool) func(string) bool {
	return func(s string) bool { return fits(beyondASCII.ReplaceAllString(s, "~")) }
}

var beyondASCII = regexp.MustCompile(`[^\x00-\x7f]`)

// uriCharacters are those of RFC 3986 §2.
const uriCharacters = letters + digits + "-._~:/?#[]@!$&'()*+,;=%"

var (
	badPercent = regexp.MustCompile(`%(?:$|[^0-9A-Fa-f]|.$|.[^0-9A-Fa-f])`)
	schemeText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
	ipvFuture  = regexp.MustCompile(`^[vV][0-9A-Fa-f]+\.[0-9A-Za-z\-._~!$&'()*+,;=:]+$`)
)

// reference takes a URI reference apart (RFC 3986 appendix B). Brackets, which
// belong around an address alone, are let pass in a query or a fragment.
func reference(s string) (scheme string, fits bool) {
	if strings.Trim(s, uriCharacters) != "" || badPercent.MatchString(s) {
		return "", false
	}
	rest, fragment, _ := strings.Cut(s, "#")
	rest, _, _ = strings.Cut(rest, "?")
	path := rest
	if before, after, found := strings.Cut(rest, ":"); found && !strings.Contains(before, "/") {
		if !schemeText.MatchString(before) {
			return "", false
		}
		scheme, path = before, after
	}
	if after, has := strings.CutPrefix(path, "//"); has {
		authority, rooted, _ := strings.Cut(after, "/")
		if !authorityText(authority) {
			return "", false
		}
		path = rooted
	}
	return scheme, !strings.ContainsAny(path, "[]") && !strings.Contains(fragment, "#")
}

// authorityText checks userinfo, host and port (§3.2).
func authorityText(s string) bool {
	user, host, found := strings.Cut(s, "@")
	if !found {
		user, host = "", s
	}
	literal, open := strings.CutPrefix(host, "[")
	if open {
		address, rest, closed := strings.Cut(literal, "]")
		if !closed || !ipv6(address) && !ipvFuture.MatchString(address) {
			return false
		}
		host = rest
	}
	name, port, _ := strings.Cut(host, ":")
	if open && name != "" {
		return false
	}
	return !strings.ContainsAny(user+name, "[]@") && strings.Trim(port, digits) == ""
}

// durationText is RFC 3339 appendix A.
var durationText = regexp.MustCompile(`^P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T` + durationTime + `)?|T` + durationTime + `)$`)

const durationTime = `(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)`

// templateText is RFC 6570 §2.
var templateText = regexp.MustCompile(`^(?:[^\x00-\x20"%<>\\^` + "`" + `{|}\x7f]|%[0-9A-Fa-f]{2}|\{[+#./;?&=,!@|]?` +
	templateVar + `(?:,` + templateVar + `)*\})*$`)

const templateChar = `(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})`

const templateVar = templateChar + `(?:\.?` + templateChar + `)*(?:\*|:[1-9]\d{0,3})?`
