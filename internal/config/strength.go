package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
)

// leastSecret is the shortest secret that signs or seals, in bytes: as long as
// the output of SHA-256 (RFC 7518 §3.2).
const leastSecret = 32

// leastPassword is the shortest password of a database role, in bytes.
const leastPassword = 12

// words stand in tutorials and sample files, the guides this product grew from
// among them, and in what sample secrets say about themselves. Lower case,
// letters and digits only.
func words() []string {
	return strings.Fields(`
		mytopsecretkey123 mysupersecretkey123 supersecretkeyfordev yourclerksecretkeyhere yourjwtsecrethere
		yoursecretkeyhere changemeinproduction keyboardcat orgmanagement correcthorsebatterystaple bezkoder
		gatehouse development production password passphrase postgresql postgres example changeme changeit default insecure
		private public placeholder sample secret secrets screct super admin token tokens demo dev develop test testing root jwt
		auth authentication authorization api app application server service session cookie login user client access refresh
		key keys sign signed signing signature verify verifying encrypt encryption hash hmac sha256 hs256 hs512 base64 hex
		your yours my mine our own the this that these is are be it its not non so no any some with and or for from of on in
		to by at an here replace replaced change changed please put insert enter add set use used using must should can need
		needs will make generate generated random randomly really very strong secure safe complex complicated unique unsafe
		long longer least atleast min minimum max length size more than chars char characters character bits bit bytes byte
		string text value word words custom temporary temp todo fixme xxx none null undefined true local localhost hello world
		10 12 16 20 24 32 48 64 100 128 256 384 512 1024 2048 thirtytwo sixtyfour one two three
		qwertyuiop qwerty asdfghjkl asdf zxcvbnm letmein abcdefghijklmnopqrstuvwxyz abcdefghijklmnop abcdefgh abcdef abcd abc
		0123456789abcdef 0123456789 1234567890 123456789 12345678 1234567 123456 12345 1234 123 deadbeef cafebabe`)
}

// published are random secrets that everybody has read. Lower case, letters and
// digits only.
func published() []string {
	return []string{
		"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",                    // the tutorial of FastAPI
		"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",                    // the manual of Flask
		"404e635266556a586e3272357538782f413f4428472b4b6250645367566b5970",                    // tutorials of Spring Security
		"3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b",                    // others of them
		"3ek6fdo0c7tzbnvfjpmkndi2yaraakzqlk8o2ikoxqu4nf7edah8s3twphwrdwt6r",                   // the manual of Hasura
		"255d861b5ea159969aa3922530ec40b1",                                                    // the compose file of Directus
		"6116487bcda152c2b5b5c8022c45e263",                                                    // the same
		"aym1sysppbydfgzld3umj1qzkobwvmkoqqestjqlrt1qs0gzh75aktmn3yj0ips4hcguutwjazzr1z9caow", // RFC 7515 A.1
		"hjtxiz2usn5kbqfbttnwbpdmhkv8fjgonbc6mxccyg",                                          // RFC 7520 section 3.5
		"849b57219dae48de646d07dbb533566e976686457c1491be3a76dcea6c427188",                    // the same in hex
	}
}

// weakness says why a text is a bad secret, with the code for it; "" when
// nothing speaks against it. least is the number of bytes it needs.
func weakness(text string, least int) (code, what string) {
	switch {
	case wellKnown(text, least):
		return codeKnownSecret, "is made of words that everybody knows"
	case len(text) < least:
		return codeShortSecret, fmt.Sprintf("has %d bytes, and needs %d", len(text), least)
	case distinct(text) < 8 || repeats(text, least):
		return codeKnownSecret, "repeats a few characters"
	}
	return "", ""
}

// wellKnown tells whether a text, as it is or in base64 or hex, is one of the
// published secrets or has hardly more in it than known words.
func wellKnown(text string, least int) bool {
	readings := []string{text}
	for _, decode := range []func(string) ([]byte, error){
		base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString, hex.DecodeString,
	} {
		if b, err := decode(text); err == nil && len(b) >= leastSecret/2 && printable(b) {
			readings = append(readings, string(b))
		}
	}
	return slices.ContainsFunc(readings, func(reading string) bool { return ofWords(reading, least) })
}

func ofWords(text string, least int) bool {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, text)
	if slices.Contains(published(), plain) {
		return true
	}
	rest := plain
	known := words()
	slices.SortStableFunc(known, func(a, b string) int { return len(b) - len(a) }) // a word before its parts
	for _, word := range known {
		rest = strings.ReplaceAll(rest, word, "")
	}
	return plain != "" && len(rest) < least/4 && rest != plain
}

func printable(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' || c > '~' })
}

// repeats tells whether a text is one shorter than least over and over, its last
// part cut short perhaps.
func repeats(text string, least int) bool {
	for n := 1; n < least && 2*n <= len(text); n++ {
		if text[n:] == text[:len(text)-n] {
			return true
		}
	}
	return false
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
