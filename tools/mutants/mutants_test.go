package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const wall = "mutants/testdata/wall"

func trialsOfTheWall(t *testing.T) (*binary, *reach, []trial) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	b, err := compile(t.Context(), root, wall, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := settings{scratch: t.TempDir(), parallel: 2, seed: 1, until: time.Now().Add(time.Hour)}
	r, err := explore(t.Context(), b, s)
	if err != nil {
		t.Fatal(err)
	}
	trials, err := judge(t.Context(), b, r, s, func(mutant) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	return b, r, trials
}

func TestTheWall(t *testing.T) {
	b, r, trials := trialsOfTheWall(t)
	if len(trials) != len(b.mutants) || len(trials) < 20 || len(r.ignored) > 0 {
		t.Fatalf("%d trials of %d mutants, %q left out", len(trials), len(b.mutants), r.ignored)
	}
	seen := map[string]bool{}
	for _, m := range trials {
		seen[m.operator] = true
		want := []verdict{killed}
		switch {
		case strings.Contains(m.before, "Forgotten"):
			want = []verdict{unreached}
		case strings.Contains(m.before, "for n"), strings.Contains(m.before, "n--"):
			want = []verdict{killed, timedOut}
		case m.line >= 16 && m.line <= 21: // nobody looks at what Bare answers
			want = []verdict{survived, unreached}
		}
		if !slices.Contains(want, m.verdict) {
			t.Errorf("%s:%d %s: %s -> %s: %s, want one of %q", m.file, m.line, m.operator, m.before, m.after, m.verdict, want)
		}
	}
	for _, o := range []string{"boundary", "error", "logic", "negate", "number", "remove", "side"} {
		if !seen[o] {
			t.Errorf("no mutant by %s", o)
		}
	}
}

func TestExcuses(t *testing.T) {
	list, err := readExcuses("# why\na/b.go\n- x\n+ y\n= never\n\n- z\n+ \n= nowhere\n")
	if err != nil || len(list) != 2 || list[1].file != "a/b.go" || list[1].after != "" {
		t.Fatalf("%+v, %v", list, err)
	}
	lives := trial{mutant{file: "a/b.go", before: "x", after: "y"}, survived}
	dies := trial{mutant{file: "a/b.go", before: "z", after: ""}, killed}
	if excused(list, lives.mutant) == nil || excused(list, mutant{file: "a/c.go", before: "x", after: "y"}) != nil {
		t.Error("the wrong mutant is excused")
	}
	if told := stale(list, "a", []trial{lives, dies}); len(told) != 1 || !strings.Contains(told[0], "survivors.txt:7: a test notices") {
		t.Errorf("%q", told)
	}
	if told := stale(list, "a", []trial{lives}); len(told) != 1 || !strings.Contains(told[0], "no such line") {
		t.Errorf("%q", told)
	}
	if told := stale(list, "other", nil); len(told) != 0 {
		t.Errorf("%q", told)
	}
	for _, wrong := range []string{"- x\n+ y\n= no file\n", "a/b.go\n- x\n+ y\n=  \n", "a/b.go\n+ y\n= no line\n"} {
		if _, err := readExcuses(wrong); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}

func TestTheListReads(t *testing.T) {
	if _, err := readExcuses(reviewed); err != nil {
		t.Error(err)
	}
}

func TestRunFailsBelowTheRate(t *testing.T) {
	var out strings.Builder
	if code := run(t.Context(), []string{"-root", "..", "-budget", "1h", wall}, &out); code != 1 || !strings.Contains(out.String(), "wall.go:17: survived (number)") {
		t.Errorf("code %d: %s", code, &out)
	}
	if code := run(t.Context(), []string{"-budget", "1h", "-least", "10", wall}, &out); code != 0 {
		t.Errorf("code %d: %s", code, &out)
	}
	if code := run(t.Context(), []string{"nothing/here"}, &out); code != 2 {
		t.Errorf("code %d: %s", code, &out)
	}
}
