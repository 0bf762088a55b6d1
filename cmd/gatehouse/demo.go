package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/server"
)

type demoCmd struct {
	Listen    string `help:"Address of the listener, on this machine only." default:"localhost:8001" placeholder:"HOST:PORT"`
	Seed      string `help:"What the scheduler is filled with: test or development." enum:"test,development" default:"development"`
	Pace      string `help:"Hold bookings back, as the original did (1s)." placeholder:"TIME"`
	ErrorMode bool   `help:"Bookings fail, to see how a client takes it."`
	Closed    bool   `help:"Ask who calls: without it the original's six routes and its socket are open, as they were."`
}

// person is a login of the demo.
type person struct {
	Role     identity.Role `json:"role"`
	Email    string        `json:"email"`
	Password string        `json:"password"`
}

// settings are those of the demo; neither files nor the environment are read.
func (d demoCmd) settings(t *terminal, data string) (*config.Config, error) {
	f := []config.Flag{
		{Name: "demo", Path: "environment", Value: "demo"},
		{Name: "demo", Path: "data", Value: data},
		{Name: "demo", Path: "identity.sign_up", Value: "open"},
		{Name: "demo", Path: "cors.origins", Value: "http://localhost:8000,http://localhost:3000,http://localhost:5173"},
		{Name: "--seed", Path: "scheduler.seed", Value: d.Seed},
		{Name: "--listen", Path: "listen", Value: d.Listen},
	}
	if !d.Closed {
		f = flag(f, "demo", "scheduler.open", "true")
		f = flag(f, "demo", "accept_risk", "open-scheduler")
	}
	f = flag(f, "--pace", "scheduler.pace", d.Pace)
	f = flag(f, "--error-mode", "scheduler.error_mode", truth(d.ErrorMode))
	cfg, report := config.Load(config.Input{Flags: f})
	return cfg, t.judge(report)
}

// Run serves everything from a temporary folder until a signal ends it.
func (d demoCmd) Run(t *terminal) error {
	data, err := os.MkdirTemp("", "gatehouse-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	cfg, err := d.settings(t, data)
	if err != nil {
		return err
	}
	l, err := server.Listen(t.ctx, cfg)
	if err != nil {
		return exit(exitUsage, err)
	}
	url := addressOf(cfg, l)
	srv, err := server.Open(t.ctx, server.Options{
		Config: cfg, Log: t.log(cfg), Version: version, Commit: commit(), BaseURL: url, Listeners: l,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	people, err := addPeople(t, srv.Identity())
	if err == nil && t.global.JSON {
		err = t.printJSON(map[string]any{"schema": "gatehouse.demo/1", "url": url, "logins": people})
	} else if err == nil {
		err = d.welcome(t, url, people)
	}
	if err != nil {
		return errors.Join(err, l.Close(), srv.Close())
	}
	return t.serve(srv)
}

// addPeople makes the five logins, each with a password of its own.
func addPeople(t *terminal, service *identity.Service) ([]person, error) {
	people := []person{
		{Role: identity.Admin, Email: "ada@demo.example"},
		{Role: identity.Manager, Email: "grace@demo.example"},
		{Role: identity.Counsellor, Email: "carl@demo.example"},
		{Role: identity.Ordinary, Email: "lydia@demo.example"},
		{Role: identity.Ordinary, Email: "archie@demo.example"},
	}
	for i := range people {
		p := &people[i]
		p.Password = strings.ToLower(rand.Text()) // 130 random bits
		name, _, _ := strings.Cut(p.Email, "@")
		if _, err := service.AddMember(t.ctx, identity.Operator(), identity.NewMember{
			Username: name, Email: p.Email, Password: p.Password, Role: p.Role,
		}); err != nil {
			return nil, fmt.Errorf("adding the login of the %s: %w", p.Role, err)
		}
	}
	return people, nil
}

const tryThis = `
Try this next
  curl -i %[1]s/api/days
      200: seven layers let it through; read the headers they left
  curl -i -X PUT %[1]s/api/appointments/2 -H 'Content-Type: application/json' -d '{"interview":{"student":""}}'
      %[2]s
  curl -i %[1]s/profile -H 'Authorization: Bearer not.a.token'
      401: stopped at authentication

`

// What becomes of the booking of tryThis, which nobody has signed in for.
const (
	bookedOpen   = "400: stopped at input validation, every fault at once, nothing echoed"
	bookedClosed = "401: stopped at authentication, before its faults are looked at; sign in first, and it is 400"
)

func (d demoCmd) welcome(t *terminal, url string, people []person) error {
	if t.global.Quiet {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Gatehouse %s  demo: all data is in a temporary folder and gone at the end\n\n", version)
	fmt.Fprintf(&b, "  Open       %s/\n  Scheduler  %s/api/days and a WebSocket at ws%s/\n\nSign in with POST %s/login as\n",
		url, url, strings.TrimPrefix(url, "http"), url)
	for _, p := range people {
		fmt.Fprintf(&b, "  %-11s %-20s %s\n", p.Role, p.Email, p.Password)
	}
	booked := bookedOpen
	if d.Closed {
		booked = bookedClosed
	}
	fmt.Fprintf(&b, tryThis, url, booked)
	if !d.Closed {
		b.WriteString("! open-scheduler is accepted here: the original's six routes and its socket answer without a login.\n" +
			"  demo --closed asks who calls.\n")
	}
	b.WriteString("Ctrl-C ends it.\n")
	_, err := t.out.Write([]byte(b.String()))
	return err
}
