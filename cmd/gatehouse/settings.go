package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/server"
)

// settings reads the settings from every source, with flags on top. Warnings go
// to standard error; an error has been told in full.
func (t *terminal) settings(flags []config.Flag) (*config.Config, error) {
	cfg, report := config.Load(config.Input{Flags: flags, Environ: t.env, Dir: ".", ConfigPath: t.global.Config})
	return cfg, t.judge(report)
}

func (t *terminal) judge(report *config.Report) error {
	if report.Err() != nil {
		fmt.Fprintln(t.err, report.String())
		return exit(exitUsage, errors.New("the settings are not usable as they are; nothing was started"))
	}
	if !t.global.Quiet {
		for _, w := range report.Warnings {
			fmt.Fprintln(t.err, w.Error())
		}
	}
	return nil
}

// log is the handler for records on standard error.
func (t *terminal) log(cfg *config.Config) slog.Handler {
	return server.NewLog(cfg.Log, t.err, isTerminal(t.err))
}

// warnings is the handler for a command that a person waits for: what it waits
// for itself, and what is wrong.
func (t *terminal) warnings(cfg *config.Config) slog.Handler {
	if t.global.Quiet {
		return slog.DiscardHandler
	}
	log := cfg.Log
	log.Level = config.LogWarn
	return server.NewLog(log, t.err, isTerminal(t.err))
}

// isTerminal tells whether people read what is written to w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device too, and nobody sits there
	return err != nil || !os.SameFile(info, null)
}

// flag is a setting that the command line states; an empty value states nothing.
func flag(list []config.Flag, name, path, value string) []config.Flag {
	if value == "" {
		return list
	}
	return append(list, config.Flag{Name: name, Path: path, Value: value})
}

// riskList names every risk that may be accepted.
func riskList() string {
	var names []string
	for _, r := range config.Risks() {
		names = append(names, r[0])
	}
	return strings.Join(names, ", ")
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return ""
}

type configCmd struct {
	Check checkConfigCmd `cmd:"" help:"Check the settings and the contracts, as serve does."`
	Show  showConfigCmd  `cmd:"" help:"Print the settings in force, secrets masked."`
}

type checkConfigCmd struct{}

// Run reads the settings and compiles the contracts; it starts nothing.
func (checkConfigCmd) Run(t *terminal) error {
	cfg, report := config.Load(config.Input{Environ: t.env, Dir: ".", ConfigPath: t.global.Config})
	err := report.Err()
	problems := texts(report.Errors)
	var operations int
	if err == nil {
		if operations, err = server.Check(cfg); err != nil {
			problems = append(problems, err.Error())
		}
	}
	switch {
	case t.global.JSON:
		if err := t.printJSON(map[string]any{
			"schema": "gatehouse.config-check/1", "ok": err == nil,
			"problems": problems, "warnings": texts(report.Warnings), "operations": operations,
			"risks": append([]string{}, cfg.RisksTaken()...),
		}); err != nil {
			return err
		}
	case err == nil:
		fmt.Fprintf(t.out, "%s\n%d operations, each with an access rule. Risks taken: %s.\n", report.String(), operations, orNone(cfg.RisksTaken()))
	case report.Err() != nil:
		fmt.Fprintln(t.out, report.String())
	default:
		for _, w := range report.Warnings {
			fmt.Fprintln(t.out, w.Error())
		}
		fmt.Fprintln(t.out, err)
	}
	if err != nil {
		return exit(exitUsage, errors.New(""))
	}
	return nil
}

func texts[E error](list []E) []string {
	all := make([]string, len(list))
	for i, e := range list {
		all[i] = e.Error()
	}
	return all
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

type showConfigCmd struct {
	Origin bool `help:"Print where each value comes from."`
}

// Run prints every setting.
func (s showConfigCmd) Run(t *terminal) error {
	cfg, report := config.Load(config.Input{Environ: t.env, Dir: ".", ConfigPath: t.global.Config})
	if t.global.JSON {
		if err := t.printJSON(map[string]any{"schema": "gatehouse.config/1", "settings": cfg.Values()}); err != nil {
			return err
		}
	} else if _, err := fmt.Fprint(t.out, cfg.Show(s.Origin)); err != nil {
		return err
	}
	return t.judge(report)
}
