package contract

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// ofText makes a format of a check for strings; other values are not concerned.
func ofText(fits func(string) bool) func(any) error {
	return func(v any) error {
		if s, ok := v.(string); ok && !fits(s) {
			return errFormat
		}
		return nil
	}
}

func ipv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func ipv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

// hostname is RFC 1123 §2.1: labels of letters, digits and hyphens. Labels with
// hyphens third and fourth are left to IDNA (RFC 5891 §4.2.3.1): only xn-- may be.
func hostname(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, notLDH) {
			return false
		}
		if len(label) >= 4 && label[2:4] == "--" && (!strings.EqualFold(label[:2], "xn") || len(label) == 4) {
			return false
		}
	}
	return true
}

func notLDH(c rune) bool {
	return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
}

// email is a Mailbox of RFC 5321 §4.1.2 within its limits.
func email(s string) bool { return mailbox(s, false) }

// idnEmail allows all of Unicode beyond ASCII in both parts (RFC 6531 §3.3).
func idnEmail(s string) bool { return mailbox(s, true) }

func mailbox(s string, international bool) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > 254 || at > 64 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		six, isSix := strings.CutPrefix(literal, "IPv6:")
		if !ok || !(isSix && ipv6(six) || ipv4(literal)) {
			return false
		}
	} else if !hostname(strings.Map(asciiStandIn(international), domain)) {
		return false
	}
	if len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"' {
		return quotedLocal(local[1:len(local)-1], international)
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(strings.Map(asciiStandIn(international), atom), notAtext) {
			return false
		}
	}
	return true
}

// asciiStandIn lets what is not ASCII count as a letter where that is allowed.
func asciiStandIn(international bool) func(rune) rune {
	return func(c rune) rune {
		if international && c >= 0x80 && c != '\uff20' {
			return 'a'
		}
		return c
	}
}

func quotedLocal(s string, international bool) bool {
	escaped := false
	for _, c := range strings.Map(asciiStandIn(international), s) {
		switch {
		case c < ' ' || c > '~':
			return false
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			return false
		}
	}
	return !escaped
}

func notAtext(c rune) bool {
	return notLDH(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", c)
}

// reference makes a check for RFC 3986: absolute asks for a scheme, and
// international allows what RFC 3987 adds.
func reference(absolute, international bool) func(string) bool {
	return func(s string) bool {
		if !uriText(s, international) {
			return false
		}
		rest, _, _ := strings.Cut(s, "#")
		rest, _, _ = strings.Cut(rest, "?")
		if i := strings.Index(rest, "//"); i >= 0 && (i == 0 || rest[i-1] == ':') {
			authority, path, _ := strings.Cut(rest[i+2:], "/")
			if !authorityText(authority) || strings.ContainsAny(path, "[]") {
				return false
			}
			if literal := bracketed(authority); literal != "" {
				s = strings.Replace(s, literal, "h", 1) // checked; url.Parse knows no IPvFuture
			}
		} else if strings.ContainsAny(rest, "[]") {
			return false
		}
		u, err := url.Parse(s)
		return err == nil && (!absolute || u.IsAbs() && isLetter(u.Scheme[0]))
	}
}

// uriText checks the characters of RFC 3986 §2 and the percent-encoding.
func uriText(s string, international bool) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 0x80:
			if !international {
				return false
			}
		case c <= ' ' || c == 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			return false
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return false
		}
	}
	return strings.Count(s, "#") <= 1
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func bracketed(authority string) string {
	open, end := strings.IndexByte(authority, '['), strings.IndexByte(authority, ']')
	if open < 0 || end < open {
		return ""
	}
	return authority[open : end+1]
}

var ipvFuture = regexp.MustCompile(`^[vV][0-9A-Fa-f]+\.[0-9A-Za-z\-._~!$&'()*+,;=:]+$`)

// authorityText checks userinfo, an address in brackets and the port (§3.2).
func authorityText(s string) bool {
	user, host, found := strings.Cut(s, "@")
	if !found {
		user, host = "", s
	}
	if strings.ContainsAny(user, "[]@") || strings.Contains(host, "@") {
		return false
	}
	if literal := bracketed(host); literal != "" {
		inner := literal[1 : len(literal)-1]
		if !strings.HasPrefix(host, "[") || !ipv6(inner) && !ipvFuture.MatchString(inner) {
			return false
		}
		host = strings.TrimPrefix(host, literal)
	}
	name, port, _ := strings.Cut(host, ":")
	return !strings.ContainsAny(name, "[]") && strings.Trim(port, "0123456789") == ""
}

// durationText is RFC 3339 appendix A.
var durationText = regexp.MustCompile(`^P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T` + durationTime + `)?|T` + durationTime + `)$`)

const durationTime = `(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)`

// templateText is RFC 6570 §2.
var templateText = regexp.MustCompile(`^(?:[^\x00-\x20"%<>\\^` + "`" + `{|}\x7f]|%[0-9A-Fa-f]{2}|\{[+#./;?&=,!@|]?` +
	templateVar + `(?:,` + templateVar + `)*\})*$`)

const templateChar = `(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})`

const templateVar = templateChar + `(?:\.?` + templateChar + `)*(?:\*|:[1-9]\d{0,3})?`
