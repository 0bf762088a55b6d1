package config

import (
	"fmt"
	"slices"
	"strings"
)

// Value is one setting as it is in force.
type Value struct {
	Path   string `json:"path"`
	Value  string `json:"value"`  // a secret is masked
	Origin string `json:"origin"` // "default", "gatehouse.yaml:3:1", "environment PORT", "flag --listen"
}

// Values are all settings in the order of the reference page, the budgets and the
// modes last.
func (c *Config) Values() []Value {
	list := settings()
	var names []string
	for name := range c.Limits {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		list = append(list, budget("limits."+name))
	}
	for _, path := range c.modePaths() {
		if s, ok := modeOf(path); ok {
			list = append(list, s)
		}
	}
	var values []Value
	for _, s := range list {
		v := Value{Path: s.path, Value: s.show(c), Origin: "default"}
		if o, ok := c.stated[s.path]; ok {
			v.Origin = o.label
		}
		values = append(values, v)
	}
	return values
}

// Show prints every setting on a line of its own, with where it was stated when
// origin is asked for. Secrets are masked.
func (c *Config) Show(origin bool) string {
	values := c.Values()
	wide := 0
	for _, v := range values {
		wide = max(wide, len(v.Path)+len(v.Value))
	}
	wide = min(wide, 60)
	var b strings.Builder
	for _, v := range values {
		line := v.Path + ": " + v.Value
		if origin {
			line = fmt.Sprintf("%-*s  # %s", wide+2, line, v.Origin)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
