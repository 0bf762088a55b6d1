package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is a form that values have: how to read one and how to write it. Errors
// say what is wrong and never hold the value.
type kind[T any] struct {
	form   string // "a duration, as 15m or 720h"
	parse  func(string) (T, error)
	show   func(T) string
	secret bool
	path   bool // a file or folder: relative to the file that states it
}

func text(form string) kind[string] {
	return kind[string]{form: form, parse: func(s string) (string, error) {
		if strings.ContainsAny(s, "\x00\n\r") {
			return "", errors.New("is not one line of text")
		}
		return s, nil
	}, show: same}
}

func same(s string) string { return s }

func filePath() kind[string] {
	k := text("a path")
	k.path = true
	return k
}

func oneOf[T ~string](words ...T) kind[T] {
	var names []string
	for _, w := range words {
		names = append(names, string(w))
	}
	form := strings.Join(names, ", ")
	return kind[T]{form: "one of " + form, parse: func(s string) (T, error) {
		if !slices.Contains(words, T(s)) {
			return "", errors.New("is none of " + form)
		}
		return T(s), nil
	}, show: func(v T) string { return string(v) }}
}

func boolean() kind[bool] {
	return kind[bool]{form: "true or false", parse: func(s string) (bool, error) {
		switch strings.ToLower(s) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
		return false, errors.New("is neither true nor false")
	}, show: strconv.FormatBool}
}

func integer(least, most int) kind[int] {
	return kind[int]{form: fmt.Sprintf("a whole number from %d to %d", least, most), parse: func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, errors.New("is not a whole number")
		}
		if n < least || n > most {
			return 0, fmt.Errorf("is not between %d and %d", least, most)
		}
		return n, nil
	}, show: strconv.Itoa}
}

// duration reads Go's durations and days ("7d").
func duration(least time.Duration) kind[time.Duration] {
	form := "a time, as 90s, 15m, 12h or 7d"
	if least > 0 {
		form += ", at least " + showDuration(least)
	}
	return kind[time.Duration]{form: form, parse: func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err != nil {
			return 0, errors.New("is not a time with its unit")
		}
		if d < least {
			return 0, errors.New("is less than " + showDuration(least))
		}
		return d, nil
	}, show: showDuration}
}

func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return 0, errors.New("not a number of days")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}

func showDuration(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// address reads host:port, the host possibly empty for every interface.
func address() kind[string] {
	return kind[string]{form: "host:port, as localhost:8001 or :443", parse: func(s string) (string, error) {
		host, port, err := net.SplitHostPort(s)
		if err != nil {
			return "", errors.New("is not host:port")
		}
		if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
			return "", errors.New("has no port from 0 to 65535")
		}
		if strings.ContainsAny(host, " /\\@?#%") {
			return "", errors.New("has a host that is neither a name nor an address")
		}
		return net.JoinHostPort(strings.ToLower(host), port), nil
	}, show: same}
}

// publicURL reads https://host[:port] and nothing more.
func publicURL() kind[*url.URL] {
	return kind[*url.URL]{form: "an address, as https://gate.example.org", parse: func(s string) (*url.URL, error) {
		o, err := parseOrigin(s)
		if err != nil {
			return nil, err
		}
		return url.Parse(o)
	}, show: func(u *url.URL) string {
		if u == nil {
			return ""
		}
		return u.String()
	}}
}

func webOrigin() kind[string] {
	return kind[string]{form: "an origin, as https://app.example.org", parse: parseOrigin, show: same}
}

// parseOrigin reads scheme://host[:port] (RFC 6454), lower case, a slash at the
// end forgiven.
func parseOrigin(s string) (string, error) {
	if s == "*" || strings.Contains(s, "*") {
		return "", errors.New("is a pattern; origins are exact")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", errors.New("does not begin with http:// or https:// and a host")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return "", errors.New("has more than a scheme, a host and a port")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return "", errors.New("has no port from 1 to 65535")
		}
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// hostName reads a name or an address, without a port.
func hostName() kind[string] {
	return kind[string]{form: "a host name or address, as gate.example.org", parse: func(s string) (string, error) {
		s = strings.ToLower(s)
		if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && a.Zone() == "" {
			return bracketed(a.String()), nil
		}
		if s == "" || strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
		}) {
			return "", errors.New("is not a host name (no port, no pattern)")
		}
		return s, nil
	}, show: same}
}

// network reads 10.0.0.0/8, and an address as the network of itself.
func network() kind[netip.Prefix] {
	return kind[netip.Prefix]{form: "a network, as 10.0.0.0/8, or one address", parse: func(s string) (netip.Prefix, error) {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			a = a.Unmap()
			return netip.PrefixFrom(a, a.BitLen()), nil
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return netip.Prefix{}, errors.New("is not a network")
		}
		if p.Masked() != p {
			return netip.Prefix{}, errors.New("has bits set beyond its length; write " + p.Masked().String())
		}
		return p, nil
	}, show: netip.Prefix.String}
}

func hidden(form string) kind[Secret] {
	return kind[Secret]{form: form, secret: true, show: Secret.String, parse: func(s string) (Secret, error) {
		if strings.ContainsAny(s, "\x00") {
			return Secret{}, errors.New("has a NUL byte")
		}
		return NewSecret(s), nil
	}}
}
