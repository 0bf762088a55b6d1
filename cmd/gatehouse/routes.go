package main

import (
	"fmt"
	"io"
	"slices"
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
	if environments := []string{"", "production", "development", "test", "demo"}; !slices.Contains(environments, r.Env) {
		return exit(exitUsage, fmt.Errorf("there is no environment %q; they are %s", r.Env, strings.Join(environments[1:], ", ")))
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
		if !slices.Contains(roles, r.Role) {
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
		return r.why(t, table, roles)
	case t.global.JSON:
		return t.printJSON(map[string]any{"schema": "gatehouse.routes/1", "environment": options.Environment, "operations": rows})
	default:
		return printRoutes(t.out, rows, roles, factsOf(cfg, apis))
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

// reason is why a role may or may not call an operation.
type reason struct {
	Role string `json:"role"`
	Why  string `json:"why"`
}

// why explains one operation, named as in the table or by a path that a client
// would ask for.
func (r routesCmd) why(t *terminal, table *contract.Table, roles []string) error {
	op := find(table, r.Why)
	if op == nil {
		return exit(exitUsage, fmt.Errorf("no operation %q; write it as in the table, for example %q", r.Why, "PUT /api/appointments/{id}"))
	}
	reasons := make([]reason, len(roles))
	for i, role := range roles {
		why := strings.TrimPrefix(authz.Why(op, role), fmt.Sprintf("%s %s as %s: ", op.Method, op.Path, role))
		reasons[i] = reason{role, why}
	}
	if t.global.JSON {
		return t.printJSON(map[string]any{
			"schema": "gatehouse.routes-why/1", "method": op.Method, "path": op.Path, "operation": op.ID, "api": op.API.Name, "roles": reasons,
		})
	}
	fmt.Fprintf(t.out, "%s %s (%s in contract %s, %s:%d)\n", op.Method, op.Path, op.ID, op.API.Name, op.Source.File, op.Source.Line)
	for _, line := range reasons {
		fmt.Fprintf(t.out, "  %-11s %s\n", line.Role, line.Why)
	}
	return nil
}

func find(table *contract.Table, name string) *contract.Operation {
	for _, api := range table.APIs() {
		for _, op := range api.Operations {
			if op.Method+" "+op.Path == name {
				return op
			}
		}
	}
	method, path, _ := strings.Cut(name, " ")
	return table.Match(method, path, false).Operation
}

// printRoutes prints one line an operation; the paths under which an operation
// is mounted a second time stand below the table.
func printRoutes(out io.Writer, rows []authz.Row, roles []string, about map[string]facts) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "OPERATION\t%s\tLIMIT\tBODY\tWHY\n", strings.ToUpper(strings.Join(roles, "\t")))
	first := map[string]string{}
	var same []string
	for _, row := range rows {
		key := row.API + " " + row.Operation
		if path, again := first[key]; again {
			same = append(same, alias(row.Path, path))
			continue
		}
		first[key] = row.Path
		cells := make([]string, len(row.Roles))
		for i, c := range row.Roles {
			cells[i] = string(c.May)
		}
		name := row.Method + " " + row.Path
		if row.WebSocket {
			name += " (socket)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, strings.Join(cells, "\t"), about[key].limit, about[key].body, row.Rule)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	slices.Sort(same)
	_, err := fmt.Fprintf(out, "%d operations. public = without signing in; own = only what is yours. Calls by address (ip) or member; w = writes, f = failures.\n"+
		"The same operations: %s. One of them in detail: gatehouse routes --why \"PUT /api/appointments/{id}\"\n",
		len(first), strings.Join(slices.Compact(same), ", "))
	return err
}

// alias writes what differs between two paths of one operation: "/api/v1 = /api".
func alias(path, first string) string {
	for {
		a, b := strings.LastIndexByte(path, '/'), strings.LastIndexByte(first, '/')
		if a <= 0 || b <= 0 || path[a:] != first[b:] {
			return path + " = " + first
		}
		path, first = path[:a], first[:b]
	}
}

// facts are the columns of an operation that do not depend on a role.
type facts struct{ limit, body string }

// factsOf finds the columns of every operation; the settings' budgets stand over
// the contracts'.
func factsOf(cfg *config.Config, apis []*contract.API) map[string]facts {
	all := map[string]facts{}
	for _, api := range apis {
		for _, op := range api.Operations {
			f := facts{limit: limitText(cfg, api, op), body: "-"}
			if op.Body != nil {
				f.body = size(op.MaxBody)
			}
			all[api.Name+" "+op.ID] = f
		}
	}
	return all
}

// limitText writes the budgets of an operation, those by the same key together,
// and keys with the same budgets together.
func limitText(cfg *config.Config, api *contract.API, op *contract.Operation) string {
	var keys, parts []string
	byKey := map[string][]string{}
	for _, name := range op.Budgets {
		b := api.Budgets[name]
		if over, ok := cfg.Limits[name]; ok {
			b = over
		}
		key, text := shortBudget(b)
		if len(byKey[key]) == 0 {
			keys = append(keys, key)
		}
		byKey[key] = append(byKey[key], text)
	}
	for len(keys) > 0 {
		text := strings.Join(byKey[keys[0]], " ")
		alike := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return strings.Join(byKey[k], " ") != text })
		keys = slices.DeleteFunc(keys, func(k string) bool { return slices.Contains(alike, k) })
		parts = append(parts, strings.Join(alike, ", ")+" "+text)
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, "; ")
}

func shortBudget(b contract.Budget) (key, text string) {
	text = strings.Fields(b.String())[0]
	switch {
	case b.Writes:
		text = strings.Replace(text, "/", "w/", 1)
	case b.Failures:
		text = strings.Replace(text, "/", "f/", 1)
	}
	switch b.Key {
	case contract.ByAddress:
		return "ip", text
	case contract.ByAccountAndAddress:
		return "account+ip", text
	default:
		return string(b.Key), text
	}
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
