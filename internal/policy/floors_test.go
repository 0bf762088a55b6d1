package policy

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// house is a folder with a floor. Imports go strictly down; the packages inside
// one house may use each other.
type house struct {
	dir    string
	floor  int
	public bool
	stands bool // must be there
}

// floors is the import policy. A package that is in no house is a breach: give
// it one here, with the architecture in hand.
func floors() []house {
	return []house{
		{"internal/strictjson", -1, false, true}, // leaves: they know nothing of ours, and all may use them
		{"internal/nearest", -1, false, true},
		{"problem", 0, true, true},
		{"contract", 1, true, true},
		{"call", 2, true, true},
		{"tlsedge", 3, true, true},
		{"limit", 3, true, true},
		{"headers", 3, true, true},
		{"authn", 3, true, true},
		{"authz", 3, true, true},
		{"validate", 3, true, true},
		{"observe", 3, true, true},
		{"waf", 3, true, false},
		{"proxy", 3, true, false},
		{".", 4, true, true},
		{"internal/store", 4, false, true},
		{"internal/live", 4, false, true},
		{"internal/metrics", 4, false, true},
		{"internal/jobs", 4, false, false},
		{"internal/mail", 4, false, false},
		{"internal/files", 4, false, false},
		{"gatetest", 5, true, true},
		{"internal/config", 5, false, true},
		{"internal/storetest", 5, false, true},
		{"internal/identity", 5, false, true},
		{"internal/apps/*", 6, false, true},
		{"internal/apps", 7, false, true},
		{"internal/portal", 7, false, false},
		{"internal/server", 8, false, true},
		{"cmd/gatehouse", 9, false, true},
		{"examples/*", 9, true, true},
		{"bench", 10, false, false},
		{"test/*", 10, false, true},
		{"internal/policy", 10, false, true},
	}
}

// layers are the packages with one Config and one New that meet only in call.
func layers() []string {
	return []string{"tlsedge", "limit", "headers", "authn", "authz", "validate", "observe", "waf"}
}

// forTests are packages that any test may import, whatever its floor.
func forTests() []string { return []string{"internal/storetest", "gatetest"} }

// supportsTests tells whether a folder is linked into tests and nothing else.
func supportsTests(dir string) bool {
	_, at, _ := houseOf(dir)
	return slices.Contains(forTests(), at)
}

// houseOf finds the house of a folder and the folder that the house is: the
// longest match, where "*" stands for one name.
func houseOf(dir string) (house, string, bool) {
	var best house
	at := ""
	for _, h := range floors() {
		if got, ok := within(dir, h.dir); ok && len(got) > len(at) {
			best, at = h, got
		}
	}
	return best, at, at != ""
}

func within(dir, pattern string) (string, bool) {
	if pattern == "." || dir == "." {
		return dir, dir == pattern
	}
	want, got := strings.Split(pattern, "/"), strings.Split(dir, "/")
	if len(got) < len(want) {
		return "", false
	}
	for i, w := range want {
		if w != "*" && w != got[i] {
			return "", false
		}
	}
	if pattern == "internal/apps" && dir != pattern {
		return "", false
	}
	return strings.Join(got[:len(want)], "/"), true
}

// ours turns an import path into a folder of the project.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// eachImport calls f for every import of our own packages.
func (t *tree) eachImport(f func(s *source, dir string)) {
	for _, s := range t.sources {
		for _, i := range s.file.Imports {
			if dir, ok := ours(strings.Trim(i.Path.Value, `"`)); ok {
				f(s, dir)
			}
		}
	}
}

func floorsHold(t *tree) []string {
	var breaches []string
	for _, dir := range t.dirs() {
		if _, _, ok := houseOf(dir); !ok {
			breaches = append(breaches, dir+": is in no house of floors()")
		}
	}
	t.eachImport(func(s *source, dir string) {
		from, fromAt, ok := houseOf(s.dir)
		to, toAt, found := houseOf(dir)
		if !ok || !found || fromAt == toAt || s.test && slices.Contains(forTests(), toAt) {
			return
		}
		if to.floor >= from.floor {
			breaches = append(breaches, fmt.Sprintf("%s: imports %s on floor %d from floor %d; imports go strictly down", s.path, dir, to.floor, from.floor))
		}
	})
	return breaches
}

func layersApart(t *tree) []string {
	var breaches []string
	t.eachImport(func(s *source, dir string) {
		_, from, _ := houseOf(s.dir)
		_, to, _ := houseOf(dir)
		if from != to && slices.Contains(layers(), from) && slices.Contains(layers(), to) {
			breaches = append(breaches, s.path+": a layer imports the layer "+to+"; they meet only in call")
		}
	})
	return breaches
}

func publicWithoutInternal(t *tree) []string {
	var breaches []string
	t.eachImport(func(s *source, dir string) {
		h, _, _ := houseOf(s.dir)
		to, _, _ := houseOf(dir)
		if h.public && strings.HasPrefix(dir, "internal/") && to.floor >= 0 {
			breaches = append(breaches, s.path+": a public package imports "+dir)
		}
	})
	return breaches
}

// appsApart lets an app's own files import what apps are built on and nothing
// else. Tests of an app may go down as floors allow, but not into another app.
func appsApart(t *tree) []string {
	built := []string{
		"internal/store", "internal/live", "internal/jobs", "internal/files", "internal/identity",
		"internal/strictjson", "internal/nearest", "call", "problem", "contract",
	}
	var breaches []string
	t.eachImport(func(s *source, dir string) {
		_, from, _ := houseOf(s.dir)
		_, to, _ := houseOf(dir)
		if path.Dir(from) != "internal/apps" || from == to {
			return
		}
		if path.Dir(to) == "internal/apps" {
			breaches = append(breaches, s.path+": an app imports the app "+to)
		} else if !s.test && !slices.Contains(built, to) {
			breaches = append(breaches, s.path+": an app imports "+dir+"; apps stand on "+strings.Join(built, ", "))
		}
	})
	return breaches
}

// homes says which of our packages may import a module from elsewhere. Tests may
// import those of testOnly and whatever their own package may.
func homes() map[string][]string {
	return map[string][]string{
		"github.com/goccy/go-yaml":              {"contract", "internal/config"},
		"github.com/santhosh-tekuri/jsonschema": {"contract"},
		"github.com/go-json-experiment/json":    {"internal/strictjson"},
		"github.com/golang-jwt/jwt":             {"authn", "internal/identity", "examples/library"},
		"github.com/go-jose/go-jose":            {"authn", "internal/identity"},
		"golang.org/x/crypto":                   {"internal/identity"},
		"github.com/trustelem/zxcvbn":           {"internal/identity"},
		"github.com/google/uuid":                {"call", "internal/store", "internal/identity"},
		"modernc.org/sqlite":                    {"internal/store"},
		"github.com/jackc/pgx":                  {"internal/store", "internal/storetest"},
		"github.com/pressly/goose":              {"internal/store"},
		"github.com/coder/websocket":            {"internal/live"},
		"github.com/alecthomas/kong":            {"cmd/gatehouse"},
		"github.com/prometheus/client_golang":   {"internal/metrics"},
		"github.com/DeRuina/timberjack":         {"internal/server"},
	}
}

func testOnly() []string {
	return []string{
		"pgregory.net/rapid", "go.uber.org/goleak", "github.com/chromedp/chromedp", "github.com/chromedp/cdproto",
		"github.com/coder/websocket", "github.com/golang-jwt/jwt", "github.com/go-jose/go-jose", "golang.org/x/crypto",
		"github.com/jackc/pgx", "modernc.org/sqlite", "github.com/goccy/go-yaml",
	}
}

// modulesAtHome keeps heavy dependencies out of who does not need them.
func modulesAtHome(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		_, at, _ := houseOf(s.dir)
		for _, i := range s.file.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			if _, own := ours(p); own || !strings.Contains(strings.Split(p, "/")[0], ".") {
				continue
			}
			if s.test && prefixOf(testOnly(), p) != "" {
				continue
			}
			m := prefixOf(keys(homes()), p)
			if m == "" || !slices.Contains(homes()[m], at) {
				breaches = append(breaches, s.path+": imports "+p+", which homes() does not give to "+at)
			}
		}
	}
	return breaches
}

func prefixOf(prefixes []string, p string) string {
	for _, m := range prefixes {
		if p == m || strings.HasPrefix(p, m+"/") {
			return m
		}
	}
	return ""
}

func keys[V any](m map[string]V) []string {
	var k []string
	for name := range m {
		k = append(k, name)
	}
	slices.Sort(k)
	return k
}

func housesStand(t *tree) []string {
	var breaches []string
	for _, h := range floors() {
		stands := slices.ContainsFunc(t.sources, func(s *source) bool {
			_, ok := within(s.dir, h.dir)
			return ok
		})
		if h.stands && !stands {
			breaches = append(breaches, h.dir+": is not there, or empty")
		}
	}
	return breaches
}

const floorsPage = "docs/decisions/0001-floors-and-layout.md"

// floorsListed compares the houses that are there with the table of the decision.
func floorsListed(t *tree) []string {
	floor := map[string]string{}
	for _, cells := range tableRows(t.text(floorsPage)) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			floor[m[1]] = cells[0]
		}
	}
	var breaches []string
	for _, h := range floors() {
		there := slices.ContainsFunc(t.sources, func(s *source) bool {
			at, _, ok := houseOf(s.dir)
			return ok && at.dir == h.dir
		})
		want := strings.Replace(strconv.Itoa(h.floor), "-1", "below 0", 1)
		switch {
		case there && floor[h.dir] == "":
			breaches = append(breaches, floorsPage+": does not list "+h.dir)
		case there && floor[h.dir] != want:
			breaches = append(breaches, floorsPage+": "+h.dir+" stands on floor "+want+", not "+floor[h.dir])
		case !there && floor[h.dir] != "":
			breaches = append(breaches, floorsPage+": lists "+h.dir+", which is not there")
		}
		delete(floor, h.dir)
	}
	for _, name := range keys(floor) {
		breaches = append(breaches, floorsPage+": "+name+" is no house")
	}
	return breaches
}
