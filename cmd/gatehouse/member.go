package main

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/server"
)

type memberCmd struct {
	Add       addMemberCmd       `cmd:"" help:"Add a member, with a password from standard input or by an invitation."`
	List      listMembersCmd     `cmd:"" help:"List the members."`
	Role      roleMemberCmd      `cmd:"" help:"Give a member another role."`
	Password  passwordMemberCmd  `cmd:"" help:"Set a new password for a member who has lost theirs, and end their sessions."`
	Suspend   suspendMemberCmd   `cmd:"" help:"End a member's sessions and let them sign in no more, at once."`
	Reinstate reinstateMemberCmd `cmd:"" help:"Let a suspended member sign in again."`
}

// people opens the identity service on the database of the settings, beside a
// server that may be running, and calls f.
func (t *terminal) people(f func(*identity.Service) error) error {
	cfg, err := t.settings(nil)
	if err != nil {
		return err
	}
	log := slog.New(t.warnings(cfg))
	db, err := server.OpenStore(t.ctx, cfg, log, false)
	if err != nil {
		return exit(openCode(err), err)
	}
	defer func() { _ = db.Close() }()
	service, err := server.OpenIdentity(t.ctx, cfg, db, server.IdentityOptions{Log: log, Issuer: cfg.BaseURL().String()})
	if err != nil {
		return exit(exitUsage, err)
	}
	return known(f(service))
}

// known gives the errors that a person can mend the exit code for it.
func known(err error) error {
	for _, theirs := range []error{identity.ErrTaken, identity.ErrNoMember, identity.ErrLastAdmin, identity.ErrSignUpClosed} {
		if errors.Is(err, theirs) {
			return exit(exitFound, err)
		}
	}
	if faults, ok := errors.AsType[identity.Faults](err); ok {
		return exit(exitUsage, faults)
	}
	return err
}

type addMemberCmd struct {
	Email         string `arg:"" help:"E-mail address, with which the member signs in."`
	Role          string `help:"admin, manager, counsellor or member." default:"member" enum:"admin,manager,counsellor,member"`
	Username      string `help:"Shown name; the part before the @ when not given." placeholder:"NAME"`
	PasswordStdin bool   `help:"Read the password from standard input instead of making an invitation." xor:"secret"`
	HashStdin     bool   `help:"Read the password hash of another system (bcrypt, or Argon2id with m=19456,t=2,p=1) from standard input." xor:"secret"`
}

// Run adds a member or prints an invitation.
func (a addMemberCmd) Run(t *terminal) error {
	if !a.PasswordStdin && !a.HashStdin {
		if a.Username != "" {
			return exit(exitUsage, errors.New("who is invited chooses their name: leave --username out, or set a password with --password-stdin"))
		}
		return a.invite(t)
	}
	secret, err := t.secret()
	if err != nil {
		return err
	}
	if a.Username == "" {
		a.Username, _, _ = strings.Cut(a.Email, "@")
	}
	return t.people(func(s *identity.Service) error {
		n := identity.NewMember{Username: a.Username, Email: a.Email, Role: identity.Role(a.Role)}
		var m identity.Member
		var err error
		if a.HashStdin {
			m, err = s.ImportMember(t.ctx, identity.Operator(), n, secret)
		} else {
			n.Password = secret
			m, err = s.AddMember(t.ctx, identity.Operator(), n)
		}
		if err != nil {
			return err
		}
		if t.global.JSON {
			return t.printJSON(memberView(m))
		}
		_, err = fmt.Fprintf(t.out, "Added %s as %s.\n", m.Email, m.Role)
		return err
	})
}

// secret reads a password or a hash from the first line of standard input: on a
// command line every user of the machine could read it.
func (t *terminal) secret() (string, error) {
	line, err := bufio.NewReader(t.in).ReadString('\n')
	secret := strings.TrimRight(line, "\r\n")
	if secret == "" {
		return "", exit(exitUsage, fmt.Errorf("no password on standard input, nor a hash of one: %w", err))
	}
	return secret, nil
}

func (a addMemberCmd) invite(t *terminal) error {
	return t.people(func(s *identity.Service) error {
		token, expires, err := s.CreateInvite(t.ctx, identity.Operator(), identity.Invitation{Email: a.Email, Role: identity.Role(a.Role)})
		if err != nil {
			return err
		}
		if t.global.JSON {
			return t.printJSON(map[string]any{"schema": "gatehouse.invitation/1", "email": a.Email, "role": a.Role, "invite": token, "expires": expires})
		}
		_, err = fmt.Fprintf(t.out, "Invitation for %s as %s, until %s, shown once:\n  %s\n"+
			"They join with: POST /signup {\"username\",\"email\",\"password\",\"invite\"}\n", a.Email, a.Role, expires.Format("2006-01-02 15:04 MST"), token)
		return err
	})
}

// member is a member as the commands print it.
type member struct {
	Schema   string `json:"schema,omitempty"`
	ID       string `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	Status   string `json:"status"`
}

func memberView(m identity.Member) member {
	return member{"gatehouse.member/1", m.ID, m.Username, m.Email, string(m.Role), string(m.Status)}
}

type listMembersCmd struct{}

// Run prints all members.
func (listMembersCmd) Run(t *terminal) error {
	return t.people(func(s *identity.Service) error {
		all := []member{}
		for after := ""; ; {
			page, err := s.ListMembers(t.ctx, identity.Operator(), after, 1000)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				v := memberView(m)
				v.Schema = ""
				all = append(all, v)
			}
			after = page[len(page)-1].ID
		}
		if t.global.JSON {
			return t.printJSON(map[string]any{"schema": "gatehouse.members/1", "members": all})
		}
		w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "EMAIL\tUSERNAME\tROLE\tSTATUS\tID")
		for _, m := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Email, m.Username, m.Role, m.Status, m.ID)
		}
		return w.Flush()
	})
}

type roleMemberCmd struct {
	Member string `arg:"" help:"E-mail address or id."`
	Role   string `arg:"" help:"admin, manager, counsellor or member." enum:"admin,manager,counsellor,member"`
}

// Run changes a role.
func (r roleMemberCmd) Run(t *terminal) error {
	return t.people(func(s *identity.Service) error {
		m, err := s.SetRole(t.ctx, identity.Operator(), r.Member, identity.Role(r.Role))
		return t.changed(m, err, "is now "+r.Role)
	})
}

type passwordMemberCmd struct {
	Member        string `arg:"" help:"E-mail address or id."`
	PasswordStdin bool   `help:"Read the new password from standard input." required:""`
}

// Run sets a password; a running server refuses the sessions from before on
// their next request.
func (p passwordMemberCmd) Run(t *terminal) error {
	next, err := t.secret()
	if err != nil {
		return err
	}
	return t.people(func(s *identity.Service) error {
		m, err := s.ResetPassword(t.ctx, identity.Operator(), p.Member, next)
		what := "has a new password; all their sessions have ended"
		if m.Status == identity.Suspended {
			what += ", and they stay suspended"
		}
		return t.changed(m, err, what)
	})
}

type suspendMemberCmd struct {
	Member string `arg:"" help:"E-mail address or id."`
}

// Run suspends a member; a running server refuses them on their next request.
func (r suspendMemberCmd) Run(t *terminal) error {
	return t.people(func(s *identity.Service) error {
		m, err := s.Suspend(t.ctx, identity.Operator(), r.Member)
		return t.changed(m, err, "is suspended; all their sessions have ended")
	})
}

type reinstateMemberCmd struct {
	Member string `arg:"" help:"E-mail address or id."`
}

// Run lets a suspended member sign in again.
func (r reinstateMemberCmd) Run(t *terminal) error {
	return t.people(func(s *identity.Service) error {
		m, err := s.Reinstate(t.ctx, identity.Operator(), r.Member)
		return t.changed(m, err, "may sign in again")
	})
}

func (t *terminal) changed(m identity.Member, err error, what string) error {
	if err != nil {
		return err
	}
	if t.global.JSON {
		return t.printJSON(memberView(m))
	}
	_, err = fmt.Fprintf(t.out, "%s %s.\n", m.Email, what)
	return err
}
