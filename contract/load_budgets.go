package contract

import (
	"fmt"
	"strings"
)

// budgets reads the budgets that the document defines by name.
func (l *loader) budgets(s spot) {
	if !s.exists() {
		return
	}
	if !s.is(isObject) {
		l.wrong(s, "budgets is an object of budgets by name", "Write it as\nbudgets: { writes: 100/15m writes per address }")
		return
	}
	for _, m := range s.members() {
		if !isName(m.name) || isRate(m.name) {
			l.add(m.named(), Issue{Code: codeBudget, What: fmt.Sprintf("%q is no name for a budget", clip(m.name)),
				Why: "Clients see it in RateLimit-Policy.", Fix: "Use letters, digits, - and _, 64 at most."})
			continue
		}
		if b, ok := l.budget(m.name, m.spot); ok {
			l.api.Budgets[m.name] = b
		}
	}
}

func (l *loader) budget(name string, s spot) (Budget, bool) {
	if !s.is(isText) {
		l.add(s.at(), Issue{Code: codeBudget, What: "a budget is text, and here stands " + s.node.kind.String(), Fix: "Write it as 100/15m per address."})
		return Budget{}, false
	}
	b, err := ParseBudget(name, s.text())
	if err != nil {
		l.add(s.at(), Issue{Code: codeBudget, What: fmt.Sprintf("the budget %q cannot be read: %v", clip(s.text()), err),
			Fix: "The grammar is calls/window [writes|failures] [per address|member|account(FIELD)|account(FIELD)+address] [fixed|sliding|bucket]."})
		return Budget{}, false
	}
	return b, true
}

// isRate tells a budget written out from the name of one.
func isRate(text string) bool { return strings.Contains(text, "/") }

// limit reads names of budgets and budgets written out. The latter get a name
// made of that of the API and the operation. The result is never nil: an empty
// list states that no budget counts the operation.
func (l *loader) limit(s spot, inlineName string) []string {
	items := s.items()
	if !s.is(isList) {
		items = []spot{s}
	}
	names := make([]string, 0, len(items))
	for _, i := range items {
		switch {
		case i.is(isText) && !isRate(i.text()) && isName(i.text()):
			names = append(names, i.text())
		case i.is(isText) && !isRate(i.text()):
			l.add(i.at(), Issue{Code: codeBudget, What: fmt.Sprintf("%q is neither the name of a budget nor a budget", clip(i.text())),
				Fix: "Name one that is defined under budgets, or write it out: 100/15m per address."})
		default:
			if b, ok := l.budget(l.freeName(inlineName), i); ok {
				l.api.Budgets[b.Name] = b
				names = append(names, b.Name)
			}
		}
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
