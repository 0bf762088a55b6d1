package policy

import (
	"bytes"
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

const reasons = "docs/decisions/0002-dependencies.md"

// dependenciesHaveReasons compares three lists: what the files import, what
// go.mod requires directly, and what the decision gives a reason for.
func dependenciesHaveReasons(t *tree) []string {
	direct, all := requirements(t.text("go.mod"))
	var imported, breaches []string
	for _, s := range t.sources {
		for _, i := range s.file.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			if _, own := ours(p); own {
				continue
			}
			if m := prefixOf(all, p); m != "" && !slices.Contains(imported, m) {
				imported = append(imported, m)
			}
		}
	}
	slices.Sort(imported)
	given := moduleLines(t.text(reasons))
	for _, m := range imported {
		if !slices.Contains(direct, m) {
			breaches = append(breaches, "go.mod: "+m+" is imported and marked indirect")
		}
		if given[m] == "" {
			breaches = append(breaches, reasons+": no reason for "+m)
		}
	}
	for _, m := range direct {
		if !slices.Contains(imported, m) {
			breaches = append(breaches, "go.mod: "+m+" is required and nothing imports it")
		}
	}
	for _, m := range keys(given) {
		if !slices.Contains(imported, m) {
			breaches = append(breaches, reasons+": "+m+" has a reason and nothing imports it")
		}
	}
	return breaches
}

// requirements reads the require blocks of a go.mod: the direct modules, and all.
func requirements(text string) (direct, all []string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			inside = true
		case line == ")":
			inside = false
		case inside && line != "" && !strings.HasPrefix(line, "//"):
			m := strings.Fields(line)[0]
			all = append(all, m)
			if !strings.HasSuffix(line, "// indirect") {
				direct = append(direct, m)
			}
		}
	}
	return direct, all
}

// moduleLines reads the rows "| `module` | reason | …" of the decision.
func moduleLines(text string) map[string]string {
	given := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|\\s*([^|\\s][^|]*)").FindAllStringSubmatch(text, -1) {
		given[m[1]] = strings.TrimSpace(m[2])
	}
	return given
}

// foreign are the words that have no place in the project; put together here so
// that this file does not hold them.
func foreign() map[string]string {
	return map[string]string{
		"/wo" + "rk/":          "a path of one machine",
		"/ro" + "ot/":          "a path of one machine",
		"/ho" + "me/":          "a path of one machine",
		"TO" + "DO":            "left for later: finish or drop",
		"FIX" + "ME":           "left for later: finish or drop",
		"not impl" + "emented": "left for later: finish or drop",
		"unimpl" + "emented":   "left for later: finish or drop",
		"sub" + "agent":        "not a word of the product",
		"\u2014":               "plain punctuation in code and texts",
		"\u2013":               "plain punctuation in code and texts",
		"\u2018":               "plain punctuation in code and texts",
		"\u2019":               "plain punctuation in code and texts",
		"\u201c":               "plain punctuation in code and texts",
		"\u201d":               "plain punctuation in code and texts",
	}
}

func foreignWords(t *tree) []string {
	var breaches []string
	for _, name := range t.files {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") || name == "LICENSE" || !textual(name) {
			continue
		}
		for i, line := range strings.Split(t.text(name), "\n") {
			for _, word := range keys(foreign()) {
				if strings.Contains(line, word) {
					breaches = append(breaches, fmt.Sprintf("%s:%d: %q: %s", name, i+1, word, foreign()[word]))
				}
			}
		}
	}
	return breaches
}

func textual(name string) bool {
	return slices.Contains([]string{".go", ".md", ".yaml", ".yml", ".sql", ".html", ".css", ".js", ".sh", ".example", ".txt", ".json", ""}, path.Ext(name))
}

// frontPage wants the README to show the two commands on its first screen, and
// .ci/run to be make test.
func frontPage(t *tree) []string {
	var breaches []string
	readme := t.text("README.md")
	first := readme
	if lines := strings.SplitAfter(readme, "\n"); len(lines) > 60 {
		first = strings.Join(lines[:60], "")
	}
	for _, command := range []string{"go run ./cmd/gatehouse demo", "make test"} {
		if !strings.Contains(first, command) {
			breaches = append(breaches, "README.md: its first screen does not show: "+command)
		}
	}
	if n := strings.Count(readme, "\n"); n > 200 {
		breaches = append(breaches, fmt.Sprintf("README.md: %d lines, at most 200", n))
	}
	if !strings.Contains(t.text(".ci/run"), "make test") {
		breaches = append(breaches, ".ci/run: does not call make test")
	}
	return breaches
}

// exitCodesListed compares the exit codes of the program with the page that lists
// them.
func exitCodesListed(t *tree) []string {
	const page = "docs/reference/exit-codes.md"
	var used, breaches []string
	for _, s := range t.in("cmd/gatehouse") {
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if ok && len(spec.Names) == 1 && len(spec.Values) == 1 && strings.HasPrefix(spec.Names[0].Name, "exit") {
				if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
					used = append(used, lit.Value)
				}
			}
			return true
		})
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\d+)` \\|").FindAllStringSubmatch(t.text(page), -1) {
		listed = append(listed, m[1])
	}
	for _, code := range used {
		if !slices.Contains(listed, code) {
			breaches = append(breaches, page+": does not list "+code)
		}
	}
	for _, code := range listed {
		if !slices.Contains(used, code) {
			breaches = append(breaches, page+": lists "+code+", which no constant of cmd/gatehouse is")
		}
	}
	return breaches
}

// migrationsGoBack wants every migration to be numbered and to have both ways.
// The common folder and the folder of one engine are one series of numbers.
func migrationsGoBack(t *tree) []string {
	name := regexp.MustCompile(`^(\d{5})_[a-z0-9_]+\.sql$`)
	seen := map[string]string{}
	var breaches []string
	for _, file := range t.files {
		folder, inSchema := schemaFolder(file)
		if !inSchema {
			continue
		}
		m := name.FindStringSubmatch(path.Base(file))
		if m == nil {
			breaches = append(breaches, file+": is not named NNNNN_name.sql")
			continue
		}
		if other := seen[folder+m[1]]; other != "" {
			breaches = append(breaches, file+": has the number of "+other)
		}
		seen[folder+m[1]] = file
		breaches = append(breaches, bothWays(file, t.text(file))...)
	}
	return breaches
}

func schemaFolder(file string) (string, bool) {
	if path.Ext(file) != ".sql" {
		return "", false
	}
	dir := path.Dir(file)
	if path.Base(path.Dir(dir)) == "schema" {
		dir = path.Dir(dir)
	}
	return dir, path.Base(dir) == "schema"
}

func bothWays(file, text string) []string {
	up, down, found := strings.Cut(text, "-- +goose Down")
	if !found || !strings.Contains(up, "-- +goose Up") {
		return []string{file + ": needs -- +goose Up and -- +goose Down"}
	}
	for line := range bytes.Lines([]byte(down)) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && !bytes.HasPrefix(line, []byte("--")) {
			return nil
		}
	}
	return []string{file + ": its Down does nothing"}
}
