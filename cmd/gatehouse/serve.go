package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/server"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

type serveCmd struct {
	Listen     string   `help:"Address of the listener." placeholder:"HOST:PORT"`
	Dev        bool     `help:"Run as in development: GATEHOUSE_ENV=development."`
	AcceptRisk []string `help:"Accept a risk by its name: ${risks}." placeholder:"RISK"`
	Mode       string   `help:"enforce; or report, which lets through and records what would be refused." placeholder:"MODE"`
	ErrorMode  bool     `help:"Bookings fail, to see how a client takes it; not in production."`
	Pace       string   `help:"Hold bookings back, as the original did (1s); not in production." placeholder:"TIME"`
}

func (s serveCmd) flags() []config.Flag {
	var f []config.Flag
	f = flag(f, "--listen", "listen", s.Listen)
	if s.Dev {
		f = flag(f, "--dev", "environment", "development")
	}
	f = flag(f, "--mode", "mode", s.Mode)
	f = flag(f, "--accept-risk", "accept_risk", strings.Join(s.AcceptRisk, ","))
	f = flag(f, "--error-mode", "scheduler.error_mode", truth(s.ErrorMode))
	return flag(f, "--pace", "scheduler.pace", s.Pace)
}

// Run serves until a signal ends it.
func (s serveCmd) Run(t *terminal) error {
	cfg, err := t.settings(s.flags())
	if err != nil {
		return err
	}
	l, err := server.Listen(t.ctx, cfg)
	if err != nil {
		return exit(exitUsage, err)
	}
	srv, err := server.Open(t.ctx, server.Options{
		Config: cfg, Log: t.log(cfg), Version: version, Commit: commit(), Listeners: l,
	})
	if err != nil {
		_ = l.Close()
		return t.notOpened(err)
	}
	if address := addressOf(cfg, l); t.global.JSON {
		err = t.printJSON(map[string]any{"schema": "gatehouse.serve/1", "url": address})
	} else {
		err = t.banner(cfg, srv, address)
	}
	if err == nil {
		err = t.setup(srv.Identity(), cfg, l)
	}
	if err != nil {
		return errors.Join(err, l.Close(), srv.Close())
	}
	return t.serve(srv)
}

// openCode is the exit code for a server that could not be opened.
func openCode(err error) int {
	if errors.Is(err, store.ErrUnavailable) {
		return exitUnreachable
	}
	return exitUsage
}

// notOpened ends a server that could not be opened. One that was told to stop
// before it had begun, as while it waited for its database, did what it was told.
func (t *terminal) notOpened(err error) error {
	if t.ctx.Err() != nil && (errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.Canceled)) {
		return exit(exitOK, err)
	}
	return exit(openCode(err), err)
}

// serve runs srv until the first signal, and ends it at once at the second.
func (t *terminal) serve(srv *server.Server) error {
	server.TuneCollector()
	now := make(chan struct{})
	again := make(chan os.Signal, 1)
	context.AfterFunc(t.ctx, func() {
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		<-again
		close(now)
	})
	if err := srv.Serve(t.ctx, now); err != nil {
		if errors.Is(err, context.Canceled) {
			return exit(exitInterrupted, errors.New("ended by a second signal; requests that still ran were cut off"))
		}
		return err
	}
	return nil
}

func (t *terminal) banner(cfg *config.Config, srv *server.Server, url string) error {
	if t.global.Quiet {
		return nil
	}
	var names []string
	for _, api := range srv.APIs() {
		names = append(names, api.Name)
	}
	_, err := fmt.Fprintf(t.out, "Gatehouse %s  %s\n  Open      %s/\n  APIs      %s: %d operations\n  Risks     %s\n",
		version, cfg.Environment, url, strings.Join(names, ", "), server.Operations(srv.APIs()), orNone(cfg.RisksTaken()))
	return err
}

// setup says how the first admin is made, when there is none: by a link where
// one leads to the page, and on the command line in any case.
func (t *terminal) setup(people *identity.Service, cfg *config.Config, l *server.Listeners) error {
	needed, err := people.NeedsSetup(t.ctx)
	if err != nil || !needed {
		return err
	}
	const addMember = "gatehouse member add EMAIL --role admin --password-stdin"
	url, given := setupAddress(cfg, l), cfg.Identity.SetupToken
	to := t.out
	if t.global.JSON || given.IsSet() {
		to = t.err
	}
	if url == "" && !given.IsSet() {
		_, err = fmt.Fprintf(to, "  Setup     there is no admin yet: %s\n", addMember)
		return err
	}
	token, expires, err := people.CreateSetupToken(t.ctx, given.Reveal())
	switch {
	case err != nil:
		return fmt.Errorf("making the setup link: %w", err)
	case url == "":
		_, err = fmt.Fprintf(to, "There is no admin yet: POST /setup takes the token that you gave, from this machine only, or: %s\n", addMember)
	case given.IsSet():
		_, err = fmt.Fprintf(to, "There is no admin yet: open %s/setup on this machine with the token that you gave.\n", url)
	default:
		_, err = fmt.Fprintf(to, "  Setup     %s/setup#%s\n            makes the first admin: once, until %s, from this machine only\n"+
			"            or: %s\n", url, token, expires.Format("15:04:05"), addMember)
	}
	return err
}

// setupAddress is where a browser on this machine reaches the setup page: the
// listener itself and not the proxy that public_url may name, for what a proxy
// passes on is not from here. It is "" when no link leads there: who asks beyond
// loopback is no guest of this machine and names another host, and who asks a
// listener for a balancer has to begin with its header.
func setupAddress(cfg *config.Config, l *server.Listeners) string {
	if !cfg.Loopback() || cfg.ProxyProtocol {
		return ""
	}
	u := &url.URL{Scheme: "http", Host: listening(cfg, l)}
	if cfg.TLS.CertFile != "" {
		u.Scheme = "https"
	}
	return u.String()
}

// listening is the address of the settings, with the port that 0 has become.
func listening(cfg *config.Config, l *server.Listeners) string {
	host, port, _ := net.SplitHostPort(cfg.Listen) // checked with the settings
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		port = fmt.Sprint(a.Port)
	}
	return net.JoinHostPort(host, port)
}

// addressOf is the URL that people open: public_url, or the listener's own.
func addressOf(cfg *config.Config, l *server.Listeners) string {
	if cfg.PublicURL != nil {
		return strings.TrimSuffix(cfg.PublicURL.String(), "/")
	}
	u := cfg.BaseURL()
	u.Host = listening(cfg, l)
	return u.String()
}
