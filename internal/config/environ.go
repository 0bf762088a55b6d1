package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/nearest"
)

const ownPrefix = "GATEHOUSE_"

// notSettings are names of ours that are no settings: the settings file itself,
// the database of make audit, what the project's own tests read, and what
// Kubernetes sets for a service that is called gatehouse.
func notSettings() *regexp.Regexp {
	return regexp.MustCompile(`^GATEHOUSE_((CONFIG|VULNDB|TEST_\w+|SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=|PORT=\w+://)`)
}

// level is one source of variables.
type level struct {
	name string // "environment" or the name of the .env file
	file bool
	vars map[string]variable
}

// position is where a variable is stated. The environment has no lines: there
// the variable itself is the place.
func (l level) position(name string) contract.Position {
	if !l.file {
		return contract.Position{File: l.label(name)}
	}
	return contract.Position{File: l.name, Line: l.vars[name].line, Col: 1}
}

// label is how config show names the source of a value.
func (l level) label(names ...string) string {
	var set []string
	for _, n := range names {
		if v, ok := l.vars[n]; ok {
			if v.file != "" {
				n += "_FILE"
			}
			set = append(set, n)
		}
	}
	return l.name + " " + strings.Join(set, ", ")
}

// envName is the variable of a setting: GATEHOUSE_DATABASE__POOL__MAX.
func envName(path string) string {
	return ownPrefix + strings.ToUpper(strings.NewReplacer(".", "__", "-", "_").Replace(path))
}

// pathOf is the setting of a variable. Names of budgets and of APIs have - where a
// variable has _.
func pathOf(name string) (string, bool) {
	rest, ours := strings.CutPrefix(name, ownPrefix)
	if !ours {
		return "", false
	}
	path := strings.ToLower(strings.ReplaceAll(rest, "__", "."))
	if budget, ok := strings.CutPrefix(path, "limits."); ok {
		path = "limits." + strings.ReplaceAll(budget, "_", "-")
	}
	if modes, ok := strings.CutPrefix(path, modesBelow); ok {
		path = modesBelow + strings.ReplaceAll(modes, "_", "-")
	}
	if _, ok := find(path); !ok || envName(path) != name {
		return "", false
	}
	return path, true
}

// fromEnviron is the level of the process's environment.
func fromEnviron(environ []string) level {
	l := level{name: "environment", vars: map[string]variable{}}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && name != "" {
			l.vars[name] = variable{name: name, value: value}
		}
	}
	return l
}

// fromDotenv is the level of a .env file; ok is false when there is none.
func (ld *loader) fromDotenv(name string) (l level, ok bool) {
	data, err := ld.read(filepath.Join(ld.in.Dir, name))
	if os.IsNotExist(err) {
		return level{}, false
	}
	l = level{name: name, file: true, vars: map[string]variable{}}
	if err != nil {
		ld.report.fail(contract.Issue{Position: contract.Position{File: name}, Code: codeUnreadable, What: reading(err)})
		return l, true
	}
	vars, faults := parseDotenv(string(data))
	for _, f := range faults {
		ld.report.fail(contract.Issue{Position: contract.Position{File: name, Line: f.line, Col: 1}, Code: codeEnvSyntax, What: f.what})
	}
	for _, v := range vars {
		l.vars[v.name] = v
	}
	ld.report.Files = append(ld.report.Files, name)
	return l, true
}

// readSecretFiles puts the content of the file that X_FILE names in place of X,
// for every name that may hold a secret.
func (ld *loader) readSecretFiles(l level) {
	for _, name := range secretNames() {
		v, ok := l.vars[name+"_FILE"]
		if !ok || v.value == "" {
			continue
		}
		at := l.position(name + "_FILE")
		if _, both := l.vars[name]; both {
			ld.report.fail(contract.Issue{Position: at, Code: codeBoth, What: fmt.Sprintf("%s and %s_FILE are both set", name, name), Fix: "Leave one of them out."})
			continue
		}
		data, err := ld.read(ld.resolve(v.value))
		if err != nil {
			ld.report.fail(contract.Issue{Position: at, Code: codeUnreadable, What: fmt.Sprintf("%s_FILE: %s", name, reading(err))})
			continue
		}
		l.vars[name] = variable{name: name, value: strings.TrimRight(string(data), "\r\n"), line: v.line, file: v.value}
	}
}

// secretNames are the variables that may be given as a file.
func secretNames() []string {
	var names []string
	for _, s := range settings() {
		if s.secret {
			names = append(names, envName(s.path))
		}
	}
	for _, a := range aliases() {
		if a.secret() {
			names = append(names, a.names...)
		}
	}
	return names
}

// apply states the settings of one level: those of aliases, then those of our
// own names, which are stronger. Parts of an alias may stand in any level.
func (ld *loader) apply(l level) {
	for _, a := range slices.Backward(aliases()) {
		if a.sets == "" {
			ld.withoutEffect(l, a)
			continue
		}
		if !slices.ContainsFunc(a.triggers(), func(n string) bool { return l.vars[n].value != "" }) {
			continue
		}
		o := origin{label: l.label(a.names...), Position: l.position(firstSet(l, a.triggers()))}
		ld.passedOver(l, a, o)
		ld.state(a.sets, splitFor(a.sets, a.make(ld.lookup)), o)
	}
	for _, name := range sortedNames(l.vars) {
		if path, ok := pathOf(name); ok {
			if l.vars[name].value == "" { // as compose files pass on what is not set
				continue
			}
			ld.state(path, splitFor(path, l.vars[name].value), origin{label: l.label(name), Position: l.position(name)})
			continue
		}
		ld.unknownName(l, name)
	}
}

// splitFor makes the list of a list setting from text.
func splitFor(path, text string) []string {
	if s, ok := find(path); ok && s.list {
		return splitList(text)
	}
	return []string{text}
}

func firstSet(l level, names []string) string {
	for _, n := range names {
		if l.vars[n].value != "" {
			return n
		}
	}
	return ""
}

// lookup finds a part of an alias, the strongest level first.
func (ld *loader) lookup(name string) string {
	for _, l := range ld.levels {
		if v := l.vars[name].value; v != "" {
			return v
		}
	}
	return ""
}

// passedOver warns of a setting that one level states under two names.
func (ld *loader) passedOver(l level, a alias, o origin) {
	if _, both := l.vars[envName(a.sets)]; both {
		ld.report.warn(contract.Issue{Position: o.Position, Code: codePassedOver, What: fmt.Sprintf("%s is passed over: %s is set too", firstSet(l, a.triggers()), envName(a.sets))})
	}
}

func (ld *loader) withoutEffect(l level, a alias) {
	for _, name := range sortedNames(l.vars) {
		if a.has(name) {
			ld.report.warn(contract.Issue{Position: l.position(name), Code: codeNoEffect, What: name + " has no effect: " + a.about})
		}
	}
}

func (ld *loader) unknownName(l level, name string) {
	if !strings.HasPrefix(name, ownPrefix) || notSettings().MatchString(name+"="+l.vars[name].value) {
		return
	}
	known := secretNames()
	for _, s := range settings() {
		known = append(known, envName(s.path))
	}
	for _, a := range aliases() {
		known = append(known, a.names...)
	}
	plain, isFile := strings.CutSuffix(name, "_FILE")
	if slices.Contains(known, name) || isFile && slices.Contains(secretNames(), plain) {
		return
	}
	fix := "All names are in docs/reference/env.md"
	if n := nearest.Word(name, known); n != "" {
		fix = fmt.Sprintf("Did you mean %q?", n)
	}
	ld.report.fail(contract.Issue{Position: l.position(name), Code: codeUnknownName, What: fmt.Sprintf("unknown name %q", name), Fix: fix})
}

func sortedNames(vars map[string]variable) []string {
	var names []string
	for n := range vars {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
