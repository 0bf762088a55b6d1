package contract

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

const suiteDir = "testdata/json-schema-test-suite"

// suiteRemotes serves the documents that the suite expects at localhost:1234.
type suiteRemotes struct{}

func (suiteRemotes) Load(url string) (any, error) {
	path, ok := strings.CutPrefix(url, "http://localhost:1234/")
	if !ok {
		return nil, errors.New("not a remote of the suite")
	}
	data, err := os.ReadFile(filepath.Join(suiteDir, "remotes", path))
	if err != nil {
		return nil, err
	}
	return strictjson.Decode(data)
}

// suiteSchema compiles a schema of the suite as the compiler does those of a
// contract: only the loader differs, and whether formats are asserted.
func suiteSchema(schema any, formats bool) (*Schema, error) {
	library := func() *jsonschema.Compiler {
		lib := jsonschema.NewCompiler()
		if formats {
			lib = contractLibrary()
		}
		lib.UseLoader(suiteRemotes{})
		return lib
	}
	return newSchemaCompiler("suite", library, "https://suite.invalid/schema.json", schema).compile("", anyWay)
}

type suiteCase struct {
	name  string // file: group: case
	valid bool
	got   bool
	err   error // the schema does not compile
}

// runSuite runs the cases of the files that match and fails on an empty match.
func runSuite(t *testing.T, pattern string, formats bool) []suiteCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(suiteDir, "tests/draft2020-12", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	var out []suiteCase
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := strictjson.Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, g := range v.([]any) {
			group := g.(map[string]any)
			s, err := suiteSchema(group["schema"], formats)
			for _, c := range group["tests"].([]any) {
				c := c.(map[string]any)
				one := suiteCase{
					name:  filepath.Base(file) + ": " + group["description"].(string) + ": " + c["description"].(string),
					valid: c["valid"].(bool), err: err,
				}
				if err == nil {
					one.got = checkCase(t, one.name, s, c["data"])
				}
				out = append(out, one)
			}
		}
	}
	return out
}

// checkCase validates in both ways, in haste and with faults, and holds the walk
// against the library's own evaluation.
func checkCase(t *testing.T, name string, s *Schema, v any) bool {
	t.Helper()
	faults := s.Validate(v)
	quick := walker{schema: s}
	if quick.begin(v) != (len(faults) == 0) {
		t.Errorf("%s: the verdict differs with and without faults", name)
	}
	if library := s.root.lib.Validate(v) == nil; library != (len(faults) == 0) {
		t.Errorf("%s: the library says %v", name, library)
	}
	for _, f := range faults {
		if f.Code == "" || f.Message == "" {
			t.Errorf("%s: a fault without code or message: %+v", name, f)
		}
	}
	return len(faults) == 0
}

// failures splits the cases, and names those that failed.
func failures(cases []suiteCase) (failed []string) {
	for _, c := range cases {
		if c.err != nil || c.got != c.valid {
			failed = append(failed, c.name)
		}
	}
	slices.Sort(failed)
	return failed
}

// TestSuiteCore: the bar is every case of the core, formats as annotations.
func TestSuiteCore(t *testing.T) {
	cases := runSuite(t, "*.json", false)
	if len(cases) != 1299 {
		t.Errorf("%d cases, want 1299", len(cases))
	}
	for _, c := range cases {
		if c.err != nil {
			t.Errorf("%s: %v", c.name, c.err)
		} else if c.got != c.valid {
			t.Errorf("%s: valid %v, want %v", c.name, c.got, c.valid)
		}
	}
}

// remaining are the cases of the optional part that do not pass, by file and
// group, with the reason.
var remaining = map[string]struct {
	cases  int
	reason string
}{
	"ecmascript-regex.json: ECMA 262 lookbehind is valid, including variable width": {1,
		"patterns run on RE2, in time linear in the input, which has no lookbehind"},
	"ecmascript-regex.json: ECMA 262 named groups and backreferences are valid": {1,
		"patterns run on RE2, in time linear in the input, which has no back-references"},
	"hostname.json: validation of A-label (punycode) host names": {23,
		"a label xn--… is held to letters, digits and hyphens; it is not decoded and put to the tables of IDNA2008"},
	"idn-hostname.json: validation of internationalized host names": {42,
		"the format is an annotation: its rules are the tables of IDNA2008, which nothing else here needs"},
	"idn-hostname.json: validation of separators in internationalized host names": {12,
		"the format is an annotation, as above"},
}

// TestSuiteFormats: formats as assertions.
func TestSuiteFormats(t *testing.T) {
	cases := runSuite(t, "optional/format/*.json", true)
	if len(cases) != 764 {
		t.Errorf("%d cases, want 764", len(cases))
	}
	found := map[string]int{}
	for _, name := range failures(cases) {
		parts := strings.SplitN(name, ": ", 3)
		found[parts[0]+": "+parts[1]]++
	}
	for group, n := range found {
		if remaining[group].cases != n {
			t.Errorf("%s: %d cases fail, %d are listed", group, n, remaining[group].cases)
		}
	}
	for group, r := range remaining {
		if found[group] == 0 || r.reason == "" {
			t.Errorf("%s is listed and passes, or has no reason", group)
		}
	}
}

// TestSuiteOptional: bignum, ecmascript-regex, cross-draft and the rest all pass.
func TestSuiteOptional(t *testing.T) {
	cases := runSuite(t, "optional/*.json", true)
	if len(cases) != 162 {
		t.Errorf("%d cases, want 162", len(cases))
	}
	for _, name := range failures(cases) {
		t.Errorf("%s fails", name)
	}
}
