package identity

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Role is what a member may do, as the contracts name it.
type Role string

// The roles of members. Whoever has no credentials is a guest.
const (
	Admin      Role = "admin"
	Manager    Role = "manager"
	Counsellor Role = "counsellor"
	Ordinary   Role = "member"
)

// Roles lists every role of a member, the strongest first.
func Roles() []Role { return []Role{Admin, Manager, Counsellor, Ordinary} }

// Status tells whether a member may sign in.
type Status string

// The statuses.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
)

// SignUpMode says who may become a member without an admin.
type SignUpMode string

// The modes.
const (
	SignUpInvite SignUpMode = "invite" // whoever has an invitation; the default
	SignUpOpen   SignUpMode = "open"   // everybody
	SignUpOff    SignUpMode = "off"    // nobody; invitations cannot be made
)

// Member is a person who may sign in.
type Member struct {
	ID        string // UUIDv7
	Username  string // 3 to 50 characters
	Email     string // lower case, 100 characters at most
	Role      Role
	Status    Status
	Created   time.Time
	LastLogin time.Time // zero until the first login
}

// NewMember is what becomes a Member.
type NewMember struct {
	Username string
	Email    string // letter case does not count
	Password string
	Role     Role // "" is Ordinary; sign-up takes the role of the invitation instead
}

// Fault is one thing that is wrong with what was given.
type Fault struct {
	Field   string // "username", "email", "password", "newPassword", "role"
	Code    string // the rule: "minLength", "maxLength", "format", "common", "enum"
	Message string // what to do, in words; never the value
}

// Faults is everything that is wrong with what was given, at once. It is an error.
type Faults []Fault

// Error joins the messages.
func (f Faults) Error() string {
	parts := make([]string, len(f))
	for i, x := range f {
		parts[i] = x.Field + " " + x.Message
	}
	return strings.Join(parts, "; ")
}

// The bounds of what members choose, in characters.
const (
	MinUsername = 3
	MaxUsername = 50
	MaxEmail    = 100
	MinPassword = 8
	MaxPassword = 128
)

// normal returns n in the form in which it is kept.
func (n NewMember) normal() NewMember {
	n.Username = strings.TrimSpace(n.Username)
	n.Email = normalEmail(n.Email)
	if n.Role == "" {
		n.Role = Ordinary
	}
	return n
}

func normalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// usernameKey is what must be unique: two names that differ in letter case are
// one, lest a member pass for another.
func usernameKey(username string) string { return strings.ToLower(username) }

// check returns what is wrong with a normal n; nil when nothing is.
func (n NewMember) check(r passwordRules) error {
	f := append(n.checkNames(), r.check("password", n.Password, n.Email, n.Username)...)
	return f.orNil()
}

func (n NewMember) checkNames() Faults {
	f := append(checkUsername(n.Username), checkEmail(n.Email)...)
	if !slices.Contains(Roles(), n.Role) {
		f = append(f, Fault{"role", "enum", "must be admin, manager, counsellor or member"})
	}
	return f
}

func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func checkUsername(s string) Faults {
	n := utf8.RuneCountInString(s)
	if n < MinUsername {
		return Faults{{"username", "minLength", "must be at least 3 characters"}}
	}
	if n > MaxUsername {
		return Faults{{"username", "maxLength", "must be at most 50 characters"}}
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ._'-", r) {
			return Faults{{"username", "pattern", "may have letters, digits, spaces and . _ ' - only"}}
		}
	}
	return nil
}

// checkEmail asks for the shape of an address, not whether somebody reads it.
func checkEmail(s string) Faults {
	if utf8.RuneCountInString(s) > MaxEmail {
		return Faults{{"email", "maxLength", "must be at most 100 characters"}}
	}
	local, domain, found := strings.Cut(s, "@")
	ok := found && local != "" && len(local) <= 64 && !strings.Contains(domain, "@") && isDomain(domain)
	for _, r := range local {
		ok = ok && r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r))
	}
	if !ok {
		return Faults{{"email", "format", "must be an e-mail address"}}
	}
	return nil
}

func isDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, b := range []byte(label) {
			if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
				return false
			}
		}
	}
	return true
}
