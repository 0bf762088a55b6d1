package policy

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	threatModel = "docs/explanation/threat-model.md"
	asvsPage    = "docs/reference/asvs.md"
	asvsList    = "internal/policy/testdata/asvs-5.0.0.txt"
)

// proof is a test that a page names: `authn/TestJWTAttacks/alg missing`.
type proof struct{ name, dir, test, row string }

// proofsIn reads the tests that a text names.
func proofsIn(text string) []proof {
	named := regexp.MustCompile("`((?:[a-z0-9]+/)*)((?:Test|Fuzz)[A-Za-z0-9_]+)(?:/([^`]+))?`")
	var proofs []proof
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		proofs = append(proofs, proof{strings.Trim(m[0], "`"), path.Clean(m[1]), m[2], m[3]})
	}
	return proofs
}

// proofsExist wants every test that the two pages name to be there, its row to
// be an entry of that test, and every line of the threat model to name one.
func proofsExist(t *tree) []string {
	var breaches []string
	for _, page := range []string{threatModel, asvsPage} {
		for _, p := range proofsIn(t.text(page)) {
			if why := t.lacks(p); why != "" {
				breaches = append(breaches, page+": "+p.name+": "+why)
			}
		}
	}
	for _, cells := range tableRows(t.text(threatModel)) {
		if len(cells) > 2 && len(proofsIn(cells[len(cells)-1])) == 0 {
			breaches = append(breaches, threatModel+": no test shows: "+cells[0])
		}
	}
	return breaches
}

// lacks tells what of a named test is missing; "" for nothing.
func (t *tree) lacks(p proof) string {
	functions := map[string][]*ast.FuncDecl{} // methods of one name too: which is called, only types say
	for _, s := range t.in(p.dir) {
		if s.test {
			s.functions(func(f *ast.FuncDecl) { functions[f.Name.Name] = append(functions[f.Name.Name], f) })
		}
	}
	switch {
	case len(functions[p.test]) == 0:
		return "there is no such test"
	case p.row != "" && !slices.Contains(entries(functions, p.test, map[string]bool{}), p.row):
		return "the test has no such row"
	}
	return ""
}

// entries are the names of the rows of a test: what it calls t.Run with, the
// first text or the name of an element of a table, the key of a map. A table may
// stand in a function that the test calls. A text elsewhere is no row: a message,
// or what a request holds.
func entries(functions map[string][]*ast.FuncDecl, name string, seen map[string]bool) []string {
	if seen[name] {
		return nil
	}
	seen[name] = true
	var names []string
	for _, f := range functions[name] {
		direct, called := entriesOf(f)
		names = append(names, direct...)
		for _, c := range called {
			names = append(names, entries(functions, c, seen)...)
		}
	}
	return names
}

// entriesOf are those that stand in f itself, and what it calls.
func entriesOf(f *ast.FuncDecl) (names, called []string) {
	add := func(n ast.Expr) {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				names = append(names, text)
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if len(n.Elts) > 0 {
				add(n.Elts[0])
			}
		case *ast.KeyValueExpr:
			add(n.Key)
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "name" {
				add(n.Value)
			}
		case *ast.CallExpr:
			switch fun := n.Fun.(type) {
			case *ast.SelectorExpr:
				if called = append(called, fun.Sel.Name); fun.Sel.Name == "Run" && len(n.Args) > 0 {
					add(n.Args[0])
				}
			case *ast.Ident:
				called = append(called, fun.Name)
			}
		}
		return true
	})
	return names, called
}

// tableRows are the rows of the tables of a page, without their heads.
func tableRows(text string) [][]string {
	var rows [][]string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			inside = false
		case strings.HasPrefix(line, "|--"):
			inside = true
		case inside:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// levels reads the list of requirements: level by id.
func (t *tree) levels() map[string]string {
	levels := map[string]string{}
	for line := range strings.Lines(t.text(asvsList)) {
		if id, level, ok := strings.Cut(strings.TrimSpace(line), " "); ok && id != "#" {
			levels[id] = level
		}
	}
	return levels
}

// asvsIsWhole wants every requirement of level 1 and 2 to have one state, each
// "met" to name a test, the counts to be right, and no id that does not exist.
func asvsIsWhole(t *tree) []string {
	levels := t.levels()
	breaches := unknownIDs(t, levels)
	stands, counts := map[string]int{}, map[string]int{}
	for _, cells := range tableRows(t.text(asvsPage)) {
		if len(cells) != 4 || !regexp.MustCompile(`^V[\d.]+$`).MatchString(cells[0]) {
			continue
		}
		id, state := cells[0], cells[2]
		covered := coveredBy(id, levels)
		if why := badRow(cells, len(covered)); why != "" {
			breaches = append(breaches, asvsPage+": "+id+": "+why)
		}
		for _, c := range covered {
			stands[c]++
			counts["L"+levels[c]+" "+state]++
		}
	}
	for _, id := range keys(levels) {
		if n := stands[id]; levels[id] != "3" && n != 1 {
			breaches = append(breaches, fmt.Sprintf("%s: %s stands there %d times", asvsPage, id, n))
		}
	}
	for _, level := range []string{"L1", "L2"} {
		want := fmt.Sprintf("| %s | %d | %d | %d |", level, counts[level+" met"], counts[level+" not applicable"], counts[level+" open"])
		if !strings.Contains(t.text(asvsPage), want) {
			breaches = append(breaches, asvsPage+": the counts are "+want)
		}
	}
	return breaches
}

// badRow tells what is wrong with a row for so many requirements.
func badRow(cells []string, covered int) string {
	switch {
	case covered == 0:
		return "no requirement of level 1 or 2"
	case covered > 1 && cells[2] != "not applicable":
		return "only what is not applicable may stand together"
	case !slices.Contains([]string{"met", "not applicable", "open"}, cells[2]):
		return "no state: " + cells[2]
	case cells[2] == "met" && len(proofsIn(cells[3])) == 0:
		return "met, and no test shows it"
	case cells[3] == "":
		return "no reason"
	}
	return ""
}

// coveredBy are the requirements of level 1 and 2 that an id stands for: its
// own, or those of a chapter or section.
func coveredBy(id string, levels map[string]string) []string {
	var covered []string
	for _, k := range keys(levels) {
		if levels[k] != "3" && (k == id || strings.HasPrefix(k, id+".")) {
			covered = append(covered, k)
		}
	}
	return covered
}

func unknownIDs(t *tree, levels map[string]string) []string {
	var breaches []string
	for _, page := range []string{threatModel, asvsPage} {
		text := t.text(page)
		for _, id := range regexp.MustCompile(`\bV\d+\.\d+\.\d+\b`).FindAllString(text, -1) {
			if levels[id] == "" {
				breaches = append(breaches, page+": "+id+" is no requirement")
			}
		}
	}
	for n := 1; n <= 10; n++ {
		if id := fmt.Sprintf("API%d:2023", n); !strings.Contains(t.text(threatModel), id) {
			breaches = append(breaches, threatModel+": says nothing of "+id)
		}
	}
	return breaches
}

// weakPackages are those that no code outside of tests imports, and why. The
// scheduler makes up the data of its seeds with math/rand/v2.
func weakPackages(t *tree) []string {
	banned := map[string]string{
		"math/rand":    "secrets come from crypto/rand, and nothing else needs chance",
		"math/rand/v2": "secrets come from crypto/rand, and nothing else needs chance",
		"crypto/md5":   "broken", "crypto/sha1": "broken", "crypto/des": "broken", "crypto/rc4": "broken",
		"os/exec":       "no program is started for a request",
		"text/template": "pages are fixed files", "html/template": "pages are fixed files",
		"encoding/xml": "XML is not read", "encoding/gob": "JSON is what is read",
	}
	var breaches []string
	for _, s := range t.sources {
		if _, outside := within(s.dir, "internal/storetest"); s.test || outside {
			continue
		}
		for _, p := range s.imports() {
			if why := banned[p]; why != "" && !(p == "math/rand/v2" && s.dir == "internal/apps/scheduler") {
				breaches = append(breaches, s.path+": imports "+p+": "+why)
			}
		}
	}
	return breaches
}
