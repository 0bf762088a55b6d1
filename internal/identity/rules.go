package identity

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ContextWords are the words of every place where Gatehouse runs: its name, its
// roles and applications, and what people write where a password is asked for.
// A password made of such words alone is refused, whatever digits and signs
// stand around them (ASVS 5.0 6.1.2, 6.2.11).
func ContextWords() []string {
	return []string{
		"gatehouse", "admin", "administrator", "manager", "counsellor", "member", "guest", "operator", "user",
		"scheduler", "interview", "interviewer", "appointment", "student",
		"password", "passcode", "login", "signin", "welcome", "letmein", "secret", "changeme", "default", "test", "demo", "setup",
	}
}

const (
	minWord   = 3       // letters of a word that counts
	maxListed = 1 << 20 // passwords of a list of the operator's own
)

// passwordRules say which passwords are taken. The zero value knows no place
// and no list.
type passwordRules struct {
	words  []string        // of this place, in small letters
	common map[string]bool // commonPasswords
	listed map[string]bool // those of the operator's list, in small letters
}

// newPasswordRules takes the names of a host for words: gate.acme.example adds
// gate, acme and example.
func newPasswordRules(cfg Config) passwordRules {
	r := passwordRules{
		words:  append(ContextWords(), wordsOf(strings.Join(cfg.PasswordWords, " "))...),
		common: commonPasswords(), listed: cfg.RefusedPasswords,
	}
	if u, err := url.Parse(cfg.Issuer); err == nil {
		r.words = append(r.words, wordsOf(u.Hostname())...)
	}
	return r
}

// ReadPasswords reads a list of passwords to refuse, one on each line: what
// Config.RefusedPasswords holds. Letter case does not count. It is an error when
// the list is empty, is no text, or has more than a million lines.
func ReadPasswords(from io.Reader) (map[string]bool, error) { return readPasswords(from, maxListed) }

func readPasswords(from io.Reader, most int) (map[string]bool, error) {
	listed := map[string]bool{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("line %d is not UTF-8", len(listed)+1)
		}
		if n := utf8.RuneCountInString(line); n < MinPassword || n > MaxPassword {
			continue // refused by its length
		}
		if listed[strings.ToLower(line)] = true; len(listed) > most {
			return nil, fmt.Errorf("more than %d passwords", most)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(listed) == 0 {
		return nil, errors.New("no password that would be long enough")
	}
	return listed, nil
}

// check asks for length and against the lists, and for no composition (ASVS 5.0
// 6.2.1, 6.2.4, 6.2.5, 6.2.9).
func (r passwordRules) check(field, password, email, username string) Faults {
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinPassword:
		return Faults{{field, "minLength", "must be at least 8 characters"}}
	case n > MaxPassword:
		return Faults{{field, "maxLength", "must be at most 128 characters"}}
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return Faults{{field, "format", "must be text without U+0000"}}
	case r.guessedFirst(strings.ToLower(password), email, username):
		return Faults{{field, "common", "is one of those that are guessed first; choose another"}}
	}
	return nil
}

// guessedFirst tells whether p, in small letters, is what a guesser who knows
// the place and the member tries first.
func (r passwordRules) guessedFirst(p, email, username string) bool {
	local, _, _ := strings.Cut(email, "@")
	return p == email || p == local || p == strings.ToLower(username) || isRun(p) || r.common[p] || r.listed[p] ||
		madeOf(p, slices.Concat(r.words, wordsOf(email), wordsOf(username)))
}

// isRun tells whether p is one character over and over, or the alphabet or the
// digits in order from somewhere.
func isRun(p string) bool {
	for _, step := range []int{0, 1, -1} {
		run := len(p) > 1
		for i := 1; i < len(p) && run; i++ {
			run = int(p[i])-int(p[i-1]) == step
		}
		if run {
			return true
		}
	}
	return false
}

// wordsOf are the words in a text, in small letters.
func wordsOf(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) })
	return slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < minWord })
}

// madeOf tells whether p has letters, and they are words of the list and nothing
// else. What stands around and between them does not count, unless it stands
// for a letter: g4tehouse is gatehouse.
func madeOf(p string, words []string) bool {
	p = strings.TrimFunc(p, func(c rune) bool { return !unicode.IsLetter(c) })
	plain := onlyLetters(p)
	return plain != "" && (joined(plain, words) || joined(onlyLetters(disguises.Replace(p)), words))
}

var disguises = strings.NewReplacer("0", "o", "1", "i", "!", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t")

func onlyLetters(p string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) {
			return c
		}
		return -1
	}, p)
}

// joined tells whether text is nothing but words, one after the other.
func joined(text string, words []string) bool {
	reached := make([]bool, len(text)+1)
	reached[0] = true
	for i := range text {
		for _, w := range words {
			if reached[i] && strings.HasPrefix(text[i:], w) {
				reached[i+len(w)] = true
			}
		}
	}
	return reached[len(text)]
}
