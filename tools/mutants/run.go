package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// verdict is what became of a mutant.
type verdict string

const (
	killed    verdict = "killed"
	timedOut  verdict = "killed by timeout"
	survived  verdict = "survived"
	unreached verdict = "reached by no test"
)

// trial is a mutant and its verdict.
type trial struct {
	mutant
	verdict verdict
}

// reach is which tests come by which mutants, and how long a test takes.
type reach struct {
	tests   []string
	takes   map[string]time.Duration
	by      map[int][]string // tests by mutant
	ignored []string         // tests that fail with every switch off
}

// settings of a run.
type settings struct {
	scratch  string
	parallel int
	seed     uint64
	until    time.Time // when a package has had its share
}

// slow are the tests that do not run for each mutant.
var slow = regexp.MustCompile(`^(Fuzz|Benchmark|TestSoak)`)

// explore runs every test alone, with no mutant on.
func explore(ctx context.Context, b *binary, s settings) (*reach, error) {
	out, err := output(ctx, b.dir, b.program, "-test.list", ".")
	if err != nil {
		return nil, err
	}
	r := &reach{takes: map[string]time.Duration{}, by: map[int][]string{}}
	for name := range strings.Lines(string(out)) {
		if name = strings.TrimSpace(name); name != "" && !slow.MatchString(name) {
			r.tests = append(r.tests, name)
		}
	}
	if len(r.tests) == 0 {
		return nil, errors.New("there are no tests")
	}
	for _, test := range slices.Clone(r.tests) {
		if err := r.try(ctx, b, s, test); err != nil {
			return nil, err
		}
	}
	if len(r.tests) == 0 {
		return nil, errors.New("every test fails before anything is changed")
	}
	return r, nil
}

// try runs a test twice: once to see what it reaches, once as it will be run.
func (r *reach) try(ctx context.Context, b *binary, s settings, test string) error {
	file := filepath.Join(s.scratch, "reached")
	_ = os.Remove(file)
	_, _ = b.test(ctx, []string{test}, time.Minute, "GATEHOUSE_REACHED="+file)
	start := time.Now()
	if v, err := b.test(ctx, []string{test}, time.Minute); err != nil {
		return err
	} else if v != survived {
		r.ignored = append(r.ignored, test)
		r.tests = slices.DeleteFunc(r.tests, func(t string) bool { return t == test })
		return nil
	}
	r.takes[test] = time.Since(start)
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, line := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(line); err == nil {
			r.by[n] = append(r.by[n], test)
		}
	}
	return nil
}

// test runs some tests in the environment given, for a time.
func (b *binary) test(ctx context.Context, tests []string, within time.Duration, env ...string) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, within+5*time.Second)
	defer cancel()
	// A mutant may allocate without end: the shell bounds its memory.
	cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -v 4000000; exec "$@"`, "sh", b.program,
		"-test.run", "^("+strings.Join(tests, "|")+")$", "-test.failfast", "-test.timeout", within.String())
	// Of a property it is enough to know that it fails, by the same examples each time.
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), append(env, "RAPID_SEED=1", "RAPID_SHRINKTIME=0s", "RAPID_NOFAILFILE=1")...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return survived, nil
	case ctx.Err() != nil || strings.Contains(string(out), "panic: test timed out"):
		return timedOut, nil
	case errors.As(err, &exit):
		return killed, nil
	}
	return "", fmt.Errorf("running %s: %w", b.program, err)
}

// judge runs the tests against the mutants, those of first before the others,
// until the time is over. The order of the others follows from the seed.
func judge(ctx context.Context, b *binary, r *reach, s settings, first func(mutant) bool) ([]trial, error) {
	order := slices.Clone(b.mutants)
	rand.New(rand.NewPCG(s.seed, 0)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	slices.SortStableFunc(order, func(x, y mutant) int {
		switch fx, fy := first(x), first(y); {
		case fx == fy:
			return 0
		case fx:
			return -1
		}
		return 1
	})
	var (
		mu     sync.Mutex
		trials []trial
		failed error
		wg     sync.WaitGroup
	)
	queue := make(chan mutant)
	for range s.parallel {
		wg.Go(func() {
			for m := range queue {
				v, err := r.verdict(ctx, b, m)
				mu.Lock()
				trials, failed = append(trials, trial{m, v}), errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	for _, m := range order {
		if time.Now().After(s.until) && !first(m) {
			break
		}
		queue <- m
	}
	close(queue)
	wg.Wait()
	slices.SortFunc(trials, func(x, y trial) int { return x.id - y.id })
	return trials, failed
}

// brief is how long a test may take to be among those that run first.
const brief = 500 * time.Millisecond

// verdict runs the tests that come by a mutant, the slow ones only when the
// others have not noticed it.
func (r *reach) verdict(ctx context.Context, b *binary, m mutant) (verdict, error) {
	var fast, slow []string
	for _, t := range r.by[m.id] {
		if r.takes[t] < brief {
			fast = append(fast, t)
		} else {
			slow = append(slow, t)
		}
	}
	v := unreached
	for _, tests := range [][]string{fast, slow} {
		if len(tests) == 0 {
			continue
		}
		within := 5 * time.Second
		for _, t := range tests {
			within += 8 * r.takes[t]
		}
		var err error
		if v, err = b.test(ctx, tests, within, "GATEHOUSE_MUTANT="+strconv.Itoa(m.id)); err != nil || v != survived {
			return v, err
		}
	}
	return v, nil
}

// tally counts the verdicts.
func tally(trials []trial) map[verdict]int {
	n := map[verdict]int{}
	for _, t := range trials {
		n[t.verdict]++
	}
	return n
}

// operators counts the mutants by what they change.
func operators(mutants []mutant) string {
	n := map[string]int{}
	for _, m := range mutants {
		n[m.operator]++
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		words = append(words, fmt.Sprintf("%s %d", name, n[name]))
	}
	return strings.Join(words, ", ")
}
