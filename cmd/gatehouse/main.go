// Gatehouse puts seven layers of security in front of an API. This is its
// command line: flags, exit codes, and nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// Exit codes; the table stands in docs/reference/exit-codes.md.
const (
	exitOK          = 0
	exitFound       = 1   // a check found something, or it could not be done
	exitUsage       = 2   // wrong usage or configuration
	exitUnreachable = 3   // what we asked does not answer
	exitNotAllowed  = 4   // it is not allowed
	exitBug         = 70  // our fault
	exitInterrupted = 130 // a second signal
)

// about is what --help says before the flags.
const about = `Seven layers of security in front of an API, from its contract.

Exit codes: 0 done; 1 a check found something, or it could not be done; 2 wrong usage or settings; ` +
	`3 no answer; 4 not allowed; 70 a defect of Gatehouse; 130 ended by a second signal.`

// cli is the whole command line.
type cli struct {
	Config  string `help:"Settings file; gatehouse.yaml when it is there." placeholder:"FILE" type:"path"`
	JSON    bool   `name:"json" help:"Print JSON on standard output, prose on standard error."`
	Quiet   bool   `help:"Print nothing that was not asked for."`
	NoColor bool   `help:"Accepted for scripts; nothing is printed in colour anyway."`

	Demo       demoCmd    `cmd:"" help:"Run everything, seeded, in a temporary place."`
	Serve      serveCmd   `cmd:"" help:"Run the gate and the applications behind it."`
	Routes     routesCmd  `cmd:"" help:"Print who can call what."`
	Member     memberCmd  `cmd:"" help:"Add, list, promote and suspend members, and set passwords."`
	Migrate    migrateCmd `cmd:"" help:"Move the database's schema up and down."`
	ConfigTree configCmd  `cmd:"" name:"config" help:"Check and show the settings."`
	Health     healthCmd  `cmd:"" help:"Ask a running server whether it is ready."`
	Version    versionCmd `cmd:"" help:"Print the version."`
}

// terminal is what a command may talk to.
type terminal struct {
	ctx    context.Context
	in     io.Reader
	out    io.Writer
	err    io.Writer
	env    []string
	global *cli
}

// exitError ends the program with a code; the message has been made for people.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func exit(code int, err error) error { return &exitError{code, err} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop() // the second signal ends us at once
	})
	signal.Ignore(syscall.SIGPIPE)
	t := &terminal{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ()}
	os.Exit(run(t, os.Args[1:]))
}

// run parses the arguments, runs the command, and returns the exit code.
func run(t *terminal, args []string) (code int) {
	var c cli
	t.global = &c
	defer func() {
		if p := recover(); p != nil {
			code = t.bug(p, debug.Stack())
		}
	}()
	ended := -1
	parser, err := kong.New(&c,
		kong.Name("gatehouse"),
		kong.Description(about),
		kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { ended = code }),
		kong.Vars{"risks": riskList()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(t.err, "gatehouse: bug:", err)
		return exitBug
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if ended >= 0 { // --help has been printed
		return ended
	}
	if err != nil {
		fmt.Fprintf(t.err, "gatehouse: %v\nSee: gatehouse --help\n", err)
		return exitUsage
	}
	if err := command.Run(t); err != nil {
		return t.fail(err)
	}
	return exitOK
}

// fail says what went wrong and returns the exit code for it.
func (t *terminal) fail(err error) int {
	if errors.Is(err, syscall.EPIPE) {
		return exitOK // the reader has seen enough, as head does
	}
	code := exitFound
	if errors.Is(err, store.ErrUnavailable) {
		code = exitUnreachable
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		code = e.code
	}
	if message := err.Error(); message != "" {
		fmt.Fprintf(t.err, "gatehouse: %s\n", message)
	}
	return code
}

// bug says that the fault is ours and where the details are, which a terminal is
// no place for.
func (t *terminal) bug(fault any, stack []byte) int {
	fmt.Fprintf(t.err, "gatehouse: this is a defect of Gatehouse: %v\n", fault)
	f, err := os.CreateTemp("", "gatehouse-bug-*.txt")
	if err != nil {
		return exitBug
	}
	_, err = fmt.Fprintf(f, "gatehouse %s\n%v\n\n%s", version, fault, stack)
	if errors.Join(err, f.Close()) == nil {
		fmt.Fprintf(t.err, "Please report it, with this file: %s\n", f.Name())
	}
	return exitBug
}
