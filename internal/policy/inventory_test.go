package policy

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

const inventory = "docs/reference/keys-and-data.md"

// marked is what stands between two marks of a page.
func marked(text, mark string) string {
	_, rest, _ := strings.Cut(text, "<!-- "+mark+" -->\n")
	table, _, _ := strings.Cut(rest, "<!-- end -->")
	return table
}

// firstCells are the names between backquotes in the first cells of a table.
func firstCells(table string) []string {
	var names []string
	for _, cells := range tableRows(table) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			names = append(names, m[1])
		}
	}
	return names
}

// compare wants what the code has and what a table lists to be the same; code
// names a place for each.
func compare(code map[string]string, listed []string) []string {
	var breaches []string
	for _, name := range keys(code) {
		if !slices.Contains(listed, name) {
			breaches = append(breaches, code[name]+": "+name+" is not listed in "+inventory)
		}
	}
	for _, name := range listed {
		if code[name] == "" {
			breaches = append(breaches, inventory+": lists "+name+", which nothing uses")
		}
	}
	return breaches
}

// cryptographyListed compares the packages that encrypt, sign and hash with the
// inventory (ASVS 5.0 11.1.2, 11.2.1): one that is new is looked at first.
func cryptographyListed(t *tree) []string {
	used := map[string]string{}
	for _, s := range t.sources {
		if s.test || supportsTests(s.dir) || strings.HasPrefix(s.dir, "examples") {
			continue
		}
		for _, p := range s.imports() {
			if p == "crypto" || strings.HasPrefix(p, "crypto/") || strings.Contains(p, "x/crypto/") || strings.Contains(p, "jose") {
				used[p] = s.path
			}
		}
	}
	return compare(used, firstCells(marked(t.text(inventory), "cryptography")))
}

// connectionsListed compares the packages that dial with the inventory (ASVS 5.0
// 13.1.1).
func connectionsListed(t *tree) []string {
	dials := regexp.MustCompile(`^(net|tls|http)\.(Dial\w*|Dialer|Client|Transport|DefaultClient|DefaultTransport|Get|Head|Post|PostForm)$`)
	used := map[string]string{}
	for _, s := range t.sources {
		if s.test || supportsTests(s.dir) || strings.HasPrefix(s.dir, "examples") {
			continue
		}
		s.eachSelector(func(sel *ast.SelectorExpr, pkg, name string, _ bool) {
			if dials.MatchString(pkg[strings.LastIndex(pkg, "/")+1:] + "." + name) {
				used[s.dir] = s.at(sel.Pos())
			}
		})
	}
	return compare(used, firstCells(marked(t.text(inventory), "connections")))
}

// updatesHaveTimes wants a time for each risk of a component (ASVS 5.0 15.1.1).
func updatesHaveTimes(t *tree) []string {
	var breaches []string
	for _, risk := range []string{"critical or high", "medium or low", "not reached", "newer release"} {
		if !slices.ContainsFunc(tableRows(t.text("SECURITY.md")), func(cells []string) bool {
			return strings.Contains(cells[0], risk) && regexp.MustCompile(`^\d+ days$`).MatchString(cells[len(cells)-1])
		}) {
			breaches = append(breaches, "SECURITY.md: no time for a component: "+risk)
		}
	}
	return breaches
}
