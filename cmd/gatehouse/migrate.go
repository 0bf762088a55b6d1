package main

import (
	"bufio"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/gatehouse-api/gatehouse/internal/apps"
	"github.com/gatehouse-api/gatehouse/internal/server"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Run every pending migration."`
	Down   migrateDownCmd   `cmd:"" help:"Roll back the last migration, or to a version."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and when they ran."`
	Plan   migratePlanCmd   `cmd:"" help:"Print the SQL that up would run."`
}

// migrator opens the database of the settings as its owner and calls f.
func (t *terminal) migrator(f func(*store.Migrator) error) error {
	cfg, err := t.settings(nil)
	if err != nil {
		return err
	}
	if err := server.MakeData(cfg); err != nil {
		return exit(exitUsage, err)
	}
	m, err := store.OpenMigrator(t.ctx, server.StoreConfig(cfg, slog.New(t.log(cfg))), apps.Schemas()...)
	if err != nil {
		return exit(openCode(err), err)
	}
	defer func() { _ = m.Close() }()
	return f(m)
}

type migrateUpCmd struct{}

// Run migrates up.
func (migrateUpCmd) Run(t *terminal) error {
	return t.migrator(func(m *store.Migrator) error {
		steps, err := m.Up(t.ctx)
		return t.ran("up", steps, err)
	})
}

type migrateDownCmd struct {
	To  string `help:"Roll one component back to this version, or all to nothing." placeholder:"COMPONENT:VERSION|nothing"`
	Yes bool   `help:"Do not ask; rolling back deletes the data of what it removes."`
}

// Run migrates down, after asking.
func (d migrateDownCmd) Run(t *terminal) error {
	component, version, err := d.target()
	if err != nil {
		return exit(exitUsage, err)
	}
	if err := t.confirm(d.Yes, "Rolling back deletes the data of the tables it removes."); err != nil {
		return err
	}
	return t.migrator(func(m *store.Migrator) error {
		if d.To == "" {
			steps, err := m.Down(t.ctx)
			return t.ran("down", steps, err)
		}
		steps, err := m.DownTo(t.ctx, component, version)
		return t.ran("down", steps, err)
	})
}

func (d migrateDownCmd) target() (component string, version int64, err error) {
	if d.To == "" || d.To == "nothing" {
		return "", 0, nil
	}
	component, number, ok := strings.Cut(d.To, ":")
	version, err = strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || version < 0 {
		return "", 0, fmt.Errorf("--to %q: write it as scheduler:1, or nothing", d.To)
	}
	return component, version, nil
}

// confirm asks on a terminal, and elsewhere wants the flag that answers.
func (t *terminal) confirm(yes bool, what string) error {
	if yes {
		return nil
	}
	if !isTerminal(t.in) {
		return exit(exitUsage, fmt.Errorf("%s\nThere is nobody to ask: add --yes", what))
	}
	fmt.Fprintf(t.err, "%s Go on? (--yes skips this) [y/N] ", what)
	line, _ := bufio.NewReader(t.in).ReadString('\n')
	if strings.TrimSpace(strings.ToLower(line)) != "y" {
		return exit(exitNotAllowed, fmt.Errorf("nothing was changed"))
	}
	return nil
}

type migrateStatusCmd struct{}

// Run lists the migrations.
func (migrateStatusCmd) Run(t *terminal) error {
	return t.migrator(func(m *store.Migrator) error {
		steps, err := m.Status(t.ctx)
		if err != nil {
			return err
		}
		if t.global.JSON {
			return t.printJSON(map[string]any{"schema": "gatehouse.migrations/1", "migrations": stepViews(steps)})
		}
		w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "COMPONENT\tMIGRATION\tAPPLIED")
		for _, s := range steps {
			applied := "pending"
			if !s.Applied.IsZero() {
				applied = s.Applied.UTC().Format("2006-01-02 15:04:05Z")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", s.Schema, s.Name, applied)
		}
		return w.Flush()
	})
}

type migratePlanCmd struct{}

// Run prints what up would do.
func (migratePlanCmd) Run(t *terminal) error {
	return t.migrator(func(m *store.Migrator) error {
		steps, err := m.Plan(t.ctx)
		if err != nil {
			return err
		}
		if t.global.JSON {
			return t.printJSON(map[string]any{"schema": "gatehouse.migrations/1", "migrations": stepViews(steps)})
		}
		if len(steps) == 0 {
			_, err = fmt.Fprintln(t.out, "Nothing to do: the schema is up to date.")
			return err
		}
		for _, s := range steps {
			fmt.Fprintf(t.out, "-- %s: %s\n%s\n", s.Schema, s.Name, s.SQL)
		}
		return nil
	})
}

// step is a migration as the commands print it.
type step struct {
	Component string `json:"component"`
	Version   int64  `json:"version"`
	Name      string `json:"name"`
	Applied   string `json:"applied,omitempty"`
	SQL       string `json:"sql,omitempty"`
}

func stepViews(steps []store.Step) []step {
	views := make([]step, len(steps))
	for i, s := range steps {
		views[i] = step{Component: s.Schema, Version: s.Version, Name: s.Name, SQL: s.SQL}
		if !s.Applied.IsZero() {
			views[i].Applied = s.Applied.UTC().Format("2006-01-02T15:04:05Z")
		}
	}
	return views
}

func (t *terminal) ran(direction string, steps []store.Step, err error) error {
	if err != nil {
		return err
	}
	if t.global.JSON {
		return t.printJSON(map[string]any{"schema": "gatehouse.migrations/1", "direction": direction, "migrations": stepViews(steps)})
	}
	if len(steps) == 0 {
		_, err = fmt.Fprintln(t.out, "Nothing to do.")
		return err
	}
	for _, s := range steps {
		fmt.Fprintf(t.out, "%s  %s: %s\n", direction, s.Schema, s.Name)
	}
	return nil
}
