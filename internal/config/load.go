package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/nearest"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// maxFile is the largest file of settings, and the largest secret in one.
const maxFile = 1 << 20

// Input is where settings come from. The zero Input is the defaults alone.
type Input struct {
	Flags      []Flag   // the command line
	Environ    []string // os.Environ()
	Dir        string   // folder of .env, .env.<environment> and gatehouse.yaml; "" looks for no file
	ConfigPath string   // the settings file; "" is what GATEHOUSE_CONFIG names, else gatehouse.yaml if it is there
}

// Flag is a setting that the command line states.
type Flag struct {
	Name  string // as typed: "--listen"
	Path  string // the setting: "listen"
	Value string // lists separated by commas
}

// origin is where a value was stated.
type origin struct {
	contract.Position
	label   string // for config show: "environment PORT"
	excerpt string
	folder  string // that a path in the value is relative to; "" is the working folder
}

// Load reads all sources and checks every value. The Config holds what could be
// read even when the Report refuses it, so that it can be shown.
func Load(in Input) (*Config, *Report) {
	ld := &loader{in: in, cfg: &Config{Limits: map[string]contract.Budget{}, Modes: call.Modes{}, stated: map[string]origin{}}, report: &Report{}}
	ld.defaults()
	ld.gather()
	ld.cfg.derive()
	for _, check := range refusals() {
		for _, i := range check(ld.cfg) {
			ld.report.fail(i)
		}
	}
	for _, check := range cautions() {
		for _, i := range check(ld.cfg) {
			ld.report.warn(i)
		}
	}
	return ld.cfg, ld.report
}

type loader struct {
	in     Input
	cfg    *Config
	report *Report
	levels []level // strongest first
}

func (ld *loader) defaults() {
	for _, s := range settings() {
		values := []string{s.fallback}
		if s.list {
			values = nil
		}
		if err := s.set(ld.cfg, values); err != nil {
			ld.report.fail(contract.Issue{Position: contract.Position{File: "settings"}, Code: codeValue, What: "the default of " + s.path + " " + err.Error()})
		}
	}
}

// gather applies the sources, the weakest first, so that the last word counts
// and a wrong value is told even where a stronger source hides it.
func (ld *loader) gather() {
	env := fromEnviron(ld.in.Environ)
	ld.readSecretFiles(env)
	ld.levels = []level{env}
	if base, ok := ld.dotenv(".env"); ok {
		ld.levels = append(ld.levels, base)
	}
	file := ld.readYAML()
	chosen := ld.environment(file)
	if special, ok := ld.dotenv(".env." + string(chosen)); ok {
		ld.levels = append(ld.levels[:1], append([]level{special}, ld.levels[1:]...)...)
	}
	for _, s := range file {
		ld.state(s.path, s.values, s.origin)
	}
	for i := len(ld.levels) - 1; i >= 0; i-- {
		ld.apply(ld.levels[i])
	}
	for _, f := range ld.in.Flags {
		ld.state(f.Path, splitFor(f.Path, f.Value), origin{Position: contract.Position{File: f.Name}, label: "flag " + f.Name})
	}
	if ld.cfg.Environment != chosen {
		ld.report.fail(contract.Issue{
			Position: ld.cfg.stated["environment"].Position, Code: codeEnvironment,
			What: fmt.Sprintf("the file .env.%s changes the environment to %s", chosen, ld.cfg.Environment),
			Fix:  "State the environment in the environment itself, on the command line, in .env or in gatehouse.yaml.",
		})
	}
}

func (ld *loader) dotenv(name string) (level, bool) {
	if ld.in.Dir == "" {
		return level{}, false
	}
	l, ok := ld.fromDotenv(name)
	if ok {
		ld.readSecretFiles(l)
	}
	return l, ok
}

// environment finds which .env.<environment> to read: what all sources but that
// file say.
func (ld *loader) environment(file []statement) Environment {
	scratch := &loader{in: ld.in, cfg: &Config{Environment: Production, Limits: map[string]contract.Budget{}, Modes: call.Modes{}, stated: map[string]origin{}}, report: &Report{}, levels: ld.levels}
	for _, s := range file {
		if s.path == "environment" {
			scratch.state(s.path, s.values, s.origin)
		}
	}
	for i := len(ld.levels) - 1; i >= 0; i-- {
		scratch.apply(ld.levels[i])
	}
	for _, f := range ld.in.Flags {
		if f.Path == "environment" {
			scratch.state(f.Path, []string{f.Value}, origin{})
		}
	}
	return scratch.cfg.Environment
}

// state sets one value and remembers who said so.
func (ld *loader) state(path string, values []string, o origin) {
	s, ok := find(path)
	if !ok {
		ld.report.fail(contract.Issue{Position: o.Position, Code: codeUnknownKey, What: fmt.Sprintf("unknown setting %q", path), Fix: nearest.DidYouMean(path, keysBelow(""))})
		return
	}
	if err := s.set(ld.cfg, s.resolve(values, o.folder)); err != nil {
		ld.report.fail(contract.Issue{Position: o.Position, Code: codeValue, What: path + quoted(s, values) + " " + err.Error(), Fix: "Write " + s.form + ".", Excerpt: o.excerpt})
		return
	}
	ld.cfg.stated[path] = o
}

// quoted repeats the value in a message, unless it is or may hold a secret.
func quoted(s setting, values []string) string {
	text := strings.Join(values, ", ")
	if s.secret || text == "" || strings.HasPrefix(s.path, "limits.") || len(text) > 60 || strings.Contains(text, "@") {
		return ""
	}
	return fmt.Sprintf(" %q", text)
}

// resolve makes a path of the environment or of a .env file relative to Dir.
func (ld *loader) resolve(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(ld.in.Dir, name)
}

// read reads a file of settings or of a secret, maxFile bytes at most.
func (ld *loader) read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("reading %s: more than %d bytes", name, maxFile)
	}
	return data, err
}

// reading says why a file cannot be read.
func reading(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Sprintf("cannot read %s: %v", e.Path, e.Err)
	}
	return err.Error()
}

// derive fills what follows from other settings.
func (c *Config) derive() {
	if c.Database.Engine == "" {
		c.Database.Engine = store.SQLite
		if c.Database.URL.IsSet() {
			c.Database.Engine = store.Postgres
		}
	}
	c.Database.Path = cmp.Or(c.Database.Path, filepath.Join(c.Data, "gatehouse.db"))
}
