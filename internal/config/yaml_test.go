package config_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/config"
)

func TestUnknownKeyShowsItsPlace(t *testing.T) {
	_, r := load(t, "version: 1\nlog:\n  levle: info\n")
	const want = `gatehouse.yaml:3:3  GH-CFG-014  unknown key "levle"
    2 | log:
    3 |   levle: info
          ^^^^^
   A key that is misspelt would be a safeguard that is not there, so unknown keys are refused.
   Did you mean "level"?
1 problem, 0 warnings.`
	if r.String() != want {
		t.Errorf("says:\n%s\nnot:\n%s", r, want)
	}
	if r.Err() == nil {
		t.Error("the start is not refused")
	}
}

// TestBrokenFilesShowThePlaceAndTheFix breaks a file in each way, and wants where,
// what to do, and nothing of a value.
func TestBrokenFilesShowThePlaceAndTheFix(t *testing.T) {
	for _, row := range []struct{ name, yaml, excerpt, fix string }{
		{"a tab", "log:\n\tlevel: hunter2\n", "    2 | \tlevel: ...\n        ^", "Indent with spaces"},
		{"an open quotation mark", "identity:\n  token: { secret: \"hunter2 }\n", "    2 |   token: ...\n                 ^^^", "Close the quotation mark"},
		{"an open bracket", "hosts: [hunter2\n", "    1 | hosts: ...\n               ^", "Close the bracket"},
		{"an open brace without a name", "  {\n", "    1 |   ...\n          ^", "Close the bracket"},
		{"a level too deep", "listen: localhost:1\n data: hunter2\n", "    1 | listen: ...\n                ^", "Indent the names of one level alike"},
		{"a name twice", "listen: localhost:1\nlisten: hunter2\n", "    2 | listen: ...\n        ^", "Keep one of the two"},
		{"a sign", "@hunter2: 1\n", "    1 | ...\n        ^", "in quotes"},
		{"another encoding", "version: 1\nlisten: hunter2\xff\n", "    2 | listen: ...\n                ^^^", "Save it as UTF-8"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, r := load(t, row.yaml)
			wants(t, r, "GH-CFG-002")
			if said := r.String(); !strings.Contains(said, row.excerpt+"\n") || !strings.Contains(said, "\n   ") || !strings.Contains(said, row.fix) || strings.Contains(said, "hunter2") {
				t.Errorf("it says:\n%s", said)
			}
		})
	}
}

func TestBrokenFiles(t *testing.T) {
	for _, row := range []struct{ name, yaml, code, says string }{
		{"key of another place", "cert_file: x\n", "GH-CFG-014", `Did you mean "tls.cert_file"?`},
		{"key nobody knows", "log:\n  colour: x\n", "GH-CFG-014", "Known are: format, level, slow"},
		{"twice", "listen: localhost:1\nlisten: localhost:2\n", "GH-CFG-002", "gatehouse.yaml:2:1"},
		{"not closed", "hosts: [a, b\n", "GH-CFG-002", "gatehouse.yaml:1:"},
		{"tab", "log:\n\tlevel: info\n", "GH-CFG-002", "gatehouse.yaml:2:"},
		{"not UTF-8", "listen: \xff\n", "GH-CFG-002", "not UTF-8"},
		{"list", "- a\n", "GH-CFG-003", "not a mapping"},
		{"two documents", "version: 1\n---\nversion: 1\n", "GH-CFG-003", "a second document"},
		{"anchor", "listen: &l localhost:1\n", "GH-CFG-003", "anchor"},
		{"merge", "<<: {listen: localhost:1}\n", "GH-CFG-003", "not a plain name"},
		{"tag", "listen: !!str localhost:1\n", "GH-CFG-003", "tag"},
		{"value for a mapping", "log: info\n", "GH-CFG-003", "settings stand below it"},
		{"mapping for a value", "listen: {a: b}\n", "GH-CFG-003", "not a mapping"},
		{"list for a value", "listen: [a, b]\n", "GH-CFG-003", "not a list"},
		{"old version", "version: 2\n", "GH-CFG-012", "not between 1 and 1"},
		{"number that YAML would change", "version: 01\n", "", ""},
		{"nothing", "", "", ""},
		{"comments", "# nothing\nlog:\n  # level: debug\nlisten:\n", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, r := load(t, row.yaml)
			if row.code == "" {
				wants(t, r)
				return
			}
			wants(t, r, row.code)
			if !strings.Contains(r.String(), row.says) {
				t.Errorf("does not say %q:\n%s", row.says, r)
			}
		})
	}
}

// TestMessagesKeepSecrets makes mistakes beside and in secrets, and looks for
// them in everything that is said.
func TestMessagesKeepSecrets(t *testing.T) {
	for name, yaml := range map[string]string{
		"key misspelt":            "identity:\n  sealing_ky: hunter2hunter2\n",
		"password under no name":  "database:\n  pasword: hunter2hunter2\n",
		"address misspelt":        "database:\n  ulr: postgres://app:hunter2hunter2@db/x\n",
		"line before the mistake": "database:\n  url: postgres://app:hunter2hunter2@db/x\n  pol: 3\n",
		"same line":               "database: {url: \"postgres://app:hunter2hunter2@db/x\", pol: 3}\n",
		"same line, after it":     "database: {pol: 3, url: \"postgres://app:hunter2hunter2@db/x\"}\n",
		"block of lines":          "identity:\n  sealing_key: |\n    a: hunter2hunter2\n  signup: x\n",
		"syntax":                  "database:\n  url: \"postgres://app:hunter2hunter2@db/x\n",
		"syntax after it":         "database:\n  url: postgres://app:hunter2hunter2@db/x\n  - bad\n",
		"not an address":          "database:\n  url: hunter2hunter2\n",
		"bad address":             "database:\n  url: postgres://app:hunter2hunter2@db:port/x\n",
		"bad mode":                "database:\n  url: postgres://app:hunter2hunter2@db/x?sslmode=hunter2hunter2\n",
		"same line, no address":   "identity: {sealing_key: hunter2hunter2, foo: 1}\n",
		"after it, no address":    "identity: {foo: 1, sealing_key: hunter2hunter2, audience: x}\n",
		"a list":                  "identity:\n  sealing_key: [hunter2hunter2, b]\n",
		"NUL in it":               "identity:\n  sealing_key: \"hunter2hunter2\\0\"\n",
		"short":                   "identity:\n  sealing_key: hunter2hunter2\n",
		"in public_url":           "public_url: https://me:hunter2hunter2@gate.example.org\n",
		"in an origin":            "cors:\n  origins: [\"https://me:hunter2hunter2@app.example.org\"]\n",
		"in a host":               "hosts: [\"me:hunter2hunter2@gate\"]\n",
	} {
		t.Run(name, func(t *testing.T) {
			c, r := load(t, yaml)
			if r.Err() == nil {
				t.Errorf("nothing is wrong:\n%s", c.Show(true))
			}
			if said := r.String() + c.Show(true); strings.Contains(said, "hunter2") {
				t.Errorf("tells the secret:\n%s", said)
			}
		})
	}
	for name, env := range map[string]string{
		"no equals sign": "hunter2hunter2\n",
		"not closed":     "JWT_SECRET=\"hunter2hunter2\n",
		"behind a quote": "JWT_SECRET='x'hunter2hunter2\n",
		"escape":         "JWT_SECRET=\"\\qhunter2hunter2\"\n",
		"short":          "JWT_SECRET=hunter2hunter2\n",
		"address":        "DATABASE_URL=mysql://app:hunter2hunter2@db/x\n",
	} {
		t.Run(".env "+name, func(t *testing.T) {
			_, r := config.Load(config.Input{Dir: folder(t, map[string]string{".env": env})})
			if r.Err() == nil {
				t.Error("nothing is wrong")
			}
			if strings.Contains(strings.ReplaceAll(r.String(), "hunter2hunter2 is not followed", ""), "hunter2") {
				t.Errorf("tells the secret:\n%s", r)
			}
		})
	}
}
