package config

import (
	"fmt"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
)

// leastSecret is the shortest secret that signs or seals, in bytes: as long as
// the output of SHA-256 (RFC 7518 §3.2).
const leastSecret = 32

// leastPassword is the shortest password of a database role, in bytes.
const leastPassword = 12

// known are words that stand in tutorials and sample files, the guides this
// product grew from among them. Lower case, letters and digits only. A longer
// word stands before a part of it.
func known() []string {
	return []string{
		"mytopsecretkey123", "mysupersecretkey123", "supersecretkeyfordev", "yourclerksecretkeyhere", "yourjwtsecrethere",
		"yoursecretkeyhere", "changemeinproduction", "keyboardcat", "orgmanagement", "correcthorsebatterystaple",
		"gatehouse", "development", "production", "password", "postgresql", "postgres", "example", "changeme", "changeit",
		"default", "insecure", "private", "placeholder", "sample", "secret", "super", "admin", "token", "demo", "dev",
		"test", "root", "your", "key", "jwt", "my", "the", "here", "for", "this", "is", "replace", "qwerty", "letmein",
		"0123456789abcdef", "0123456789", "1234567890", "123456789", "12345678", "123456", "12345", "1234", "123", "abc",
	}
}

// weakness says why a text is a bad secret, with the code for it; "" when
// nothing speaks against it. least is the number of bytes it needs.
func weakness(text string, least int) (code, what string) {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, text)
	rest := plain
	for _, word := range known() {
		rest = strings.ReplaceAll(rest, word, "")
	}
	switch {
	case plain != "" && len(rest) < least/4 && rest != plain:
		return codeKnownSecret, "is made of words that everybody knows"
	case len(text) < least:
		return codeShortSecret, fmt.Sprintf("has %d bytes, and needs %d", len(text), least)
	case distinct(text) < 8:
		return codeKnownSecret, "repeats a few characters"
	}
	return "", ""
}

func distinct(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}

func (c *Config) weakSecrets() contract.Issues {
	if c.Environment == Demo {
		return nil
	}
	var all contract.Issues
	for _, s := range []struct {
		path string
		is   Secret
	}{
		{"identity.token.secret", c.Identity.Token.Secret},
		{"identity.sealing_key", c.Identity.SealingKey},
		{"identity.setup_token", c.Identity.SetupToken},
	} {
		if !s.is.IsSet() {
			continue
		}
		if code, what := weakness(s.is.Reveal(), leastSecret); code != "" {
			all = append(all, c.issue(s.path, code, s.path+" "+what, newSecret(s.path))...)
		}
	}
	return append(all, c.weakPasswords(false)...)
}

// weakLocalPasswords only speaks of weak passwords for a database on this
// machine, where development commonly has them.
func (c *Config) weakLocalPasswords() contract.Issues {
	if c.Environment == Demo {
		return nil
	}
	return c.weakPasswords(true)
}

// weakPasswords looks at the passwords of the database's roles, on this machine
// or elsewhere. No password at all is another way to prove who one is.
func (c *Config) weakPasswords(local bool) contract.Issues {
	var all contract.Issues
	for _, u := range c.databaseEnds() {
		if u.fault != nil || u.password == "" || u.Local != local {
			continue
		}
		if code, what := weakness(u.password, leastPassword); code != "" {
			all = append(all, c.issue(u.path, code, "the password in "+u.path+" "+what, "Give the role another one; \\password in psql changes it.")...)
		}
	}
	return all
}
