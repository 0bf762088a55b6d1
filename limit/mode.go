package limit

import (
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// larger says what would allow the call: its operation's list of budgets, with
// twice as many calls in the one that refused. Written out, it is a budget of
// this operation alone, so that nothing else is loosened.
func (l *layer) larger(c *call.Call, e *problem.Error) string {
	refused := contract.Budget{}
	for _, counter := range l.planOf(c).counters {
		if counter.budget.Name == e.Retry.Budget {
			refused = counter.budget
		}
	}
	refused.Requests *= 2
	op := c.Operation()
	if op == nil {
		return "gatehouse.yaml: limits: { " + UnmatchedName + ": " + refused.String() + " }"
	}
	if op.Budgets == nil {
		return c.Statement("limit: " + refused.String())
	}
	list := slices.Clone(op.Budgets)
	for i, name := range list {
		switch b, written := op.API.Budgets[name]; {
		case name == e.Retry.Budget:
			list[i] = refused.String()
		case written && strings.Contains(name, "."): // without a name that a list could state
			list[i] = b.String()
		}
	}
	return c.Statement("limit: [" + strings.Join(list, ", ") + "]")
}
