package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/reference")

// TestReferencePages compares the tables of docs/reference with those of the
// program: go test ./internal/config -run Reference -update
func TestReferencePages(t *testing.T) {
	for _, page := range []struct{ file, mark, table string }{
		{"config.md", "settings", settingsTable()},
		{"config.md", "risks", pairs("Risk", "What is accepted", Risks())},
		{"env.md", "aliases", aliasesTable()},
		{"config-errors.md", "codes", pairs("Code", "Why", Codes())},
	} {
		name := filepath.Join("..", "..", "docs", "reference", page.file)
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(string(data), "<!-- "+page.mark+" -->\n")
		now, after, ended := strings.Cut(rest, "<!-- end -->")
		if !found || !ended {
			t.Fatalf("%s has no table %s", page.file, page.mark)
		}
		if now == page.table {
			continue
		}
		if !*update {
			t.Errorf("%s: the table %s is not that of the program; go test ./internal/config -run Reference -update writes it", page.file, page.mark)
			continue
		}
		if err := os.WriteFile(name, []byte(before+"<!-- "+page.mark+" -->\n"+page.table+"<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("| Setting | Default | Form | |\n|---|---|---|---|\n")
	for _, s := range settings() {
		form := s.form
		if s.secret {
			form += " (secret)"
		}
		fallback := ""
		if s.fallback != "" {
			fallback = "`" + s.fallback + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.path, fallback, form, s.about)
	}
	return b.String()
}

func aliasesTable() string {
	var b strings.Builder
	b.WriteString("| Name | Setting | |\n|---|---|---|\n")
	for _, a := range aliases() {
		sets := "no effect"
		if a.sets != "" {
			sets = "`" + a.sets + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.Join(a.names, "` `"), sets, a.about)
	}
	return b.String()
}

func pairs(left, right string, rows [][2]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s |\n|---|---|\n", left, right)
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s |\n", r[0], r[1])
	}
	return b.String()
}

// TestTableIsWhole looks for slips in the table of settings itself.
func TestTableIsWhole(t *testing.T) {
	var paths []string
	for _, s := range settings() {
		if s.about == "" || s.form == "" || slices.Contains(paths, s.path) {
			t.Errorf("%s: no text, no form, or twice", s.path)
		}
		paths = append(paths, s.path)
		if path, ok := pathOf(envName(s.path)); !ok || path != s.path {
			t.Errorf("%s: its variable %s leads to %q", s.path, envName(s.path), path)
		}
	}
	for _, a := range aliases() {
		if _, ok := find(a.sets); a.sets != "" && !ok {
			t.Errorf("%v: no setting %s", a.names, a.sets)
		}
	}
	var codes []string
	for _, c := range Codes() {
		if c[1] == "" || slices.Contains(codes, c[0]) {
			t.Errorf("%s: no text, or twice", c[0])
		}
		codes = append(codes, c[0])
	}
	if !slices.IsSorted(codes) {
		t.Errorf("codes are not in order: %v", codes)
	}
}

// TestExampleFile reads .env.example as a .env file, with its samples in force.
func TestExampleFile(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "\n#GATEHOUSE_", "\nGATEHOUSE_")
	vars, faults := parseDotenv(text)
	if len(faults) > 0 || len(vars) < 10 {
		t.Fatalf("%d names, faults %v", len(vars), faults)
	}
	for _, v := range vars {
		path, ok := pathOf(strings.TrimSuffix(v.name, "_FILE"))
		if !ok {
			path, ok = pathOf(v.name)
		}
		s, found := find(path)
		if !ok || !found {
			t.Errorf("%s is no setting", v.name)
			continue
		}
		if err := s.set(&Config{}, splitFor(path, v.value)); err != nil && !strings.HasSuffix(v.name, "_FILE") {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}

// TestSamplesOfThePages loads every gatehouse.yaml that a page shows.
func TestSamplesOfThePages(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*", "*.md"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	samples := 0
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(data), "```yaml\n# gatehouse.yaml")[1:] {
			text, _, _ := strings.Cut(part, "```")
			samples++
			if r := loadSample(t, text); r.Err() != nil {
				t.Errorf("%s: %s", filepath.Base(page), r)
			}
		}
	}
	if samples == 0 {
		t.Error("no page has a sample: the search is broken")
	}
}

func loadSample(t *testing.T, text string) *Report {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"gatehouse.yaml": text, "tls/cert.pem": "", "tls/key.pem": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, r := Load(Input{Dir: dir})
	return r
}
