package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/apps"
	"github.com/gatehouse-api/gatehouse/internal/config"
)

type routesCmd struct {
	Role string `help:"Only what this role may call." placeholder:"ROLE"`
	Why  string `help:"Say why, for one operation." placeholder:"'METHOD /path'"`
	Env  string `help:"As in this environment: production, development, test, demo; without it as the settings say." placeholder:"NAME"`
	Open bool   `help:"As when the scheduler is open (open-scheduler)."`
}

// Run prints the table of operations and roles that the gate enforces.
func (r routesCmd) Run(t *terminal) error {
	cfg, err := t.settings(nil)
	if err != nil {
		return err
	}
	options := apps.Options{Environment: string(cfg.Environment), OpenScheduler: cfg.Scheduler.Open || r.Open}
	if r.Env != "" {
		options.Environment = r.Env
	}
	apis, err := apps.Contracts(options)
	if err != nil {
		return exit(exitUsage, err)
	}
	table, err := contract.NewTable(apis...)
	if err != nil {
		return exit(exitUsage, err)
	}
	roles := apps.Roles()
	if r.Role != "" {
		if !has(roles, r.Role) {
			return exit(exitUsage, fmt.Errorf("there is no role %q; the roles are %s", r.Role, strings.Join(roles, ", ")))
		}
		roles = []string{r.Role}
	}
	rows := authz.Access(table, roles)
	if r.Role != "" {
		rows = callable(rows)
	}
	switch {
	case r.Why != "":
		return r.why(t.out, apis, roles)
	case t.global.JSON:
		return t.printJSON(map[string]any{"schema": "gatehouse.routes/1", "environment": options.Environment, "operations": rows})
	default:
		return printRoutes(t.out, rows, roles, limitTexts(cfg, apis))
	}
}

// callable keeps the operations that the one role asked for may call.
func callable(rows []authz.Row) []authz.Row {
	var kept []authz.Row
	for _, row := range rows {
		if row.Roles[0].May != authz.No {
			kept = append(kept, row)
		}
	}
	return kept
}

func (r routesCmd) why(out io.Writer, apis []*contract.API, roles []string) error {
	for _, api := range apis {
		for _, op := range api.Operations {
			if op.Method+" "+op.Path != r.Why {
				continue
			}
			fmt.Fprintf(out, "%s %s (%s in contract %s, %s:%d)\n", op.Method, op.Path, op.ID, api.Name, op.Source.File, op.Source.Line)
			for _, role := range roles {
				fmt.Fprintf(out, "  %-11s %s\n", role, authz.Why(op, role))
			}
			return nil
		}
	}
	return exit(exitUsage, fmt.Errorf("no operation %q; write it as in the table, for example %q", r.Why, "PUT /api/appointments/{id}"))
}

func printRoutes(out io.Writer, rows []authz.Row, roles []string, limits map[string]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "OPERATION\t%s\tLIMIT\tBODY\tWHY\n", strings.ToUpper(strings.Join(roles, "\t")))
	for _, row := range rows {
		cells := make([]string, len(row.Roles))
		for i, c := range row.Roles {
			cells[i] = string(c.May)
		}
		name := row.Method + " " + row.Path
		if row.WebSocket {
			name += " (socket)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, strings.Join(cells, "\t"), limitsOf(row, limits), size(row.MaxBody), row.Rule)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d operations. own = only what is yours; public = without signing in. One operation: gatehouse routes --why \"PUT /api/appointments/{id}\"\n", len(rows))
	return err
}

func limitsOf(row authz.Row, texts map[string]string) string {
	if len(row.Limits) == 0 {
		return "none"
	}
	list := make([]string, len(row.Limits))
	for i, name := range row.Limits {
		list[i] = texts[row.API+" "+name]
	}
	return strings.Join(list, ", ")
}

// limitTexts gives the budgets as people write them: the settings' over the
// contracts'.
func limitTexts(cfg *config.Config, apis []*contract.API) map[string]string {
	texts := map[string]string{}
	for _, api := range apis {
		for name, b := range api.Budgets {
			texts[api.Name+" "+name] = b.String()
			if over, ok := cfg.Limits[name]; ok {
				texts[api.Name+" "+name] = over.String()
			}
		}
	}
	return texts
}

func size(n int64) string {
	switch {
	case n == 0:
		return "none"
	case n%1_000_000 == 0:
		return fmt.Sprintf("%dMB", n/1_000_000)
	case n%1_000 == 0:
		return fmt.Sprintf("%dkB", n/1_000)
	default:
		return fmt.Sprintf("%dB", n)
	}
}

func has(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
