package limit

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
)

// maxBudgets is how many budgets of one stage an operation may have.
const maxBudgets = 8

// plan is what a call of one operation counts against in this stage.
type plan struct {
	counters []*Counter
	names    []string // as items of RateLimit
	policy   []string // the value of RateLimit-Policy, ready to be assigned
	failures bool     // one of the counters counts only failures
	cost     int64
}

// planner compiles the plans of a stage and shares the counters among them.
type planner struct {
	cfg      Config
	hasher   hasher
	presets  map[string]contract.Budget
	counters map[string]*Counter // by owner and name
}

func (p *planner) plans(t *contract.Table) (map[*contract.Operation]*plan, error) {
	unmatched, err := p.plan(nil, new(contract.Operation)) // as an operation without a list
	all, faults := map[*contract.Operation]*plan{nil: unmatched}, []error{err}
	if t == nil {
		t = new(contract.Table)
	}
	for _, api := range t.APIs() {
		for _, op := range api.Operations {
			compiled, err := p.plan(api, op)
			if err != nil {
				faults = append(faults, fmt.Errorf("limit: %s %s: %w", op.Method, op.Path, err))
			}
			all[op] = compiled
		}
	}
	return all, errors.Join(faults...)
}

// plan returns nil for an operation that this stage does not count.
func (p *planner) plan(api *contract.API, op *contract.Operation) (*plan, error) {
	if op.Budgets == nil {
		if p.cfg.Stage != AddressStage {
			return nil, nil
		}
		return newPlan([]*Counter{p.counter("", p.cfg.Unmatched)}, op.Cost)
	}
	var counters []*Counter
	for _, name := range op.Budgets {
		b, owner, err := p.lookUp(api, name)
		if err != nil {
			return nil, err
		}
		if stageOf(b.Key) != p.cfg.Stage || b.Writes && !writes(op.Method) {
			continue
		}
		if c := p.counter(owner, b); !slices.Contains(counters, c) {
			counters = append(counters, c)
		}
	}
	return newPlan(counters, op.Cost)
}

func newPlan(counters []*Counter, cost int) (*plan, error) {
	if len(counters) == 0 {
		return nil, nil
	}
	if len(counters) > maxBudgets {
		return nil, fmt.Errorf("more than %d budgets of one stage", maxBudgets)
	}
	p := &plan{counters: counters, cost: int64(max(cost, 1))}
	var policies []string
	for _, c := range counters {
		b := c.budget
		if p.cost > int64(b.Requests) {
			return nil, fmt.Errorf("one call costs %d, more than budget %q ever allows (%d)", p.cost, b.Name, b.Requests)
		}
		p.failures = p.failures || b.Failures
		name := quoted(b.Name)
		p.names = append(p.names, name)
		policies = append(policies, name+";q="+strconv.Itoa(b.Requests)+";w="+strconv.FormatInt(seconds(int64(b.Window)), 10))
	}
	p.policy = slices.Clip([]string{strings.Join(policies, ", ")})
	return p, nil
}

// lookUp finds a budget by name and says whose counters it uses: the API's own,
// or "" for those of the whole gate.
func (p *planner) lookUp(api *contract.API, name string) (b contract.Budget, owner string, err error) {
	b, ok := p.cfg.Budgets[name]
	if !ok {
		if b, ok = api.Budgets[name]; ok {
			owner = api.Name + "\x00"
		} else if b, ok = p.presets[name]; !ok {
			known := slices.Concat(slices.Collect(maps.Keys(p.cfg.Budgets)),
				slices.Collect(maps.Keys(api.Budgets)), slices.Collect(maps.Keys(p.presets)))
			slices.Sort(known)
			return b, "", fmt.Errorf("no budget is called %q; there are %s", name, strings.Join(slices.Compact(known), ", "))
		}
	}
	if b.Name == "" {
		b.Name = name
	}
	b, err = checked(b)
	return b, owner, err
}

func (p *planner) counter(owner string, b contract.Budget) *Counter {
	id := owner + b.Name
	if p.counters[id] == nil {
		p.counters[id] = newCounter(b, p.cfg.MaxKeys, p.cfg.Now, p.hasher)
	}
	return p.counters[id]
}

func writes(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// quoted writes a name as a String of a structured field (RFC 9651 §4.1.6).
func quoted(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}
