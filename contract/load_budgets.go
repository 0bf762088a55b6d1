package contract

import (
	"fmt"
	"strings"
)

// budgets reads the budgets that the document defines by name.
func (l *loader) budgets(s spot) {
	if s.exists() && !s.is(isObject) {
		l.wrong(s, "budgets is an object of budgets by name", "Write it as\nbudgets: { writes: 100/15m writes per address }")
	}
	for _, m := range s.members() {
		if !isName(m.name) {
			l.add(m.key, Issue{Code: codeBudget, What: fmt.Sprintf("%q is no name for a budget", clip(m.name)),
				Why: "Clients see it in RateLimit-Policy.", Fix: "Use letters, digits, -, _ and ., 64 at most."})
		}
		l.budget(m.name, m.spot)
	}
}

// budget reads a budget and keeps it under its name.
func (l *loader) budget(name string, s spot) {
	b, err := ParseBudget(name, s.text())
	switch {
	case !s.is(isText):
		l.add(s.at(), Issue{Code: codeBudget, What: "a budget is text, and here stands " + s.node.kind.String(), Fix: "Write it as 100/15m per address."})
	case err != nil:
		l.add(s.at(), Issue{Code: codeBudget, What: fmt.Sprintf("the budget %q cannot be read: %v", clip(s.text()), err),
			Fix: "The grammar is calls/window [writes|failures] [per address|member|account(FIELD)|account(FIELD)+address] [fixed|sliding|bucket]."})
	}
	l.api.Budgets[name] = b
}

// limit reads names of budgets and budgets written out. The latter get a name
// made of that of the API and the operation. The result is never nil: an empty
// list states that no budget counts the operation.
func (l *loader) limit(s spot, inlineName string) []string {
	names := []string{}
	for _, i := range s.each() {
		name := i.text()
		switch {
		case isName(name):
		case i.is(isText) && !strings.Contains(name, "/"):
			l.add(i.at(), Issue{Code: codeBudget, What: fmt.Sprintf("%q is neither the name of a budget nor a budget", clip(name)),
				Fix: "Name one that is defined under budgets, or write it out: 100/15m per address."})
		default:
			name = l.freeName(inlineName)
			l.budget(name, i)
		}
		names = append(names, name)
	}
	return names
}

func (l *loader) freeName(base string) string {
	name := base
	for n := 2; ; n++ {
		if _, taken := l.api.Budgets[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s.%d", base, n)
	}
}
