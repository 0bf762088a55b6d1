package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

//go:embed survivors.txt
var reviewed string

// layers are the packages that a run is about when none are named. The largest
// is the last: it gets what time the others leave.
func layers() []string {
	return []string{
		"problem", "internal/strictjson", "validate", "authz", "observe", "headers", "tlsedge", "authn", "authn/jwk", "call", "limit", "contract",
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

// options of the command line.
type options struct {
	root     string
	least    float64
	budget   time.Duration
	parallel int
	seed     uint64
	verbose  bool
	only     string // of the file names; "" is every file
	packages []string
}

func parse(args []string, w io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("mutants", flag.ContinueOnError)
	f.SetOutput(w)
	f.StringVar(&o.root, "root", "..", "folder of the module")
	f.Float64Var(&o.least, "least", 95, "kill rate below which the run fails, percent")
	f.DurationVar(&o.budget, "budget", 30*time.Minute, "time for all packages; what does not fit is sampled")
	f.IntVar(&o.parallel, "parallel", 2, "mutants at a time")
	f.Uint64Var(&o.seed, "seed", 1, "of the sample")
	f.StringVar(&o.only, "only", "", "regular expression of the files to change, for a look at a part of a package")
	f.BoolVar(&o.verbose, "v", false, "tell every mutant")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.packages = f.Args(); len(o.packages) == 0 {
		o.packages = layers()
	}
	if _, err := regexp.Compile(o.only); err != nil {
		fmt.Fprintln(w, err)
		return o, err
	}
	root, err := filepath.Abs(o.root)
	o.root = root
	return o, err
}

// run returns the exit code: 0, 1 below the rate or with a stale entry, 2 when
// nothing could be told.
func run(ctx context.Context, args []string, w io.Writer) int {
	o, err := parse(args, w)
	if err != nil {
		return 2
	}
	excuses, err := readExcuses(reviewed)
	if err != nil {
		fmt.Fprintln(w, err)
		return 2
	}
	end := time.Now().Add(o.budget)
	var total score
	for i, dir := range o.packages {
		share := time.Until(end) / time.Duration(len(o.packages)-i)
		s, err := o.try(ctx, dir, time.Now().Add(share), excuses, w)
		if err != nil {
			fmt.Fprintf(w, "%s: %v\n", dir, err)
			return 2
		}
		total.killed, total.run, total.stale = total.killed+s.killed, total.run+s.run, total.stale+s.stale
	}
	fmt.Fprintf(w, "all: %d of %d killed, %.1f %%\n", total.killed, total.run, total.rate())
	if total.rate() < o.least || total.stale > 0 {
		fmt.Fprintf(w, "At least %.0f %% are wanted, and no stale entry: write the missing tests, or the reason into tools/mutants/survivors.txt.\n", o.least)
		return 1
	}
	return 0
}

// score of a package. Excused survivors count neither way.
type score struct{ killed, run, stale int }

func (s score) rate() float64 {
	if s.run == 0 {
		return 0
	}
	return 100 * float64(s.killed) / float64(s.run)
}

// try does one package and prints what came of it.
func (o options) try(ctx context.Context, dir string, until time.Time, excuses []excuse, w io.Writer) (score, error) {
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return score{}, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	b, err := compile(ctx, o.root, dir, scratch)
	if err != nil {
		return score{}, err
	}
	b.keep(regexp.MustCompile(o.only))
	excuses = slices.DeleteFunc(slices.Clone(excuses), func(e excuse) bool { return !regexp.MustCompile(o.only).MatchString(e.file) })
	s := settings{scratch: scratch, parallel: o.parallel, seed: o.seed, until: until}
	r, err := explore(ctx, b, s)
	if err != nil {
		return score{}, err
	}
	trials, err := judge(ctx, b, r, s, func(m mutant) bool { return excused(excuses, m) != nil })
	if err != nil {
		return score{}, err
	}
	return o.report(dir, b, r, trials, excuses, w), nil
}

func (o options) report(dir string, b *binary, r *reach, trials []trial, excuses []excuse, w io.Writer) score {
	var s score
	listed := 0
	for _, t := range trials {
		dead := t.verdict == killed || t.verdict == timedOut
		if !dead && excused(excuses, t.mutant) != nil {
			listed++
			continue
		}
		s.run++
		if dead {
			s.killed++
		}
		if !dead || o.verbose {
			fmt.Fprintf(w, "%s:%d: %s (%s)\n  - %s\n  + %s\n", t.file, t.line, t.verdict, t.operator, t.before, t.after)
		}
	}
	for _, test := range r.ignored {
		fmt.Fprintf(w, "%s: %s fails with no mutant on and was left out\n", dir, test)
	}
	told := stale(excuses, dir, trials)
	for _, line := range told {
		fmt.Fprintln(w, line)
	}
	s.stale = len(told)
	sample := ""
	if len(trials) < len(b.mutants) {
		sample = fmt.Sprintf(", a sample of %d of %d (seed %d)", len(trials), len(b.mutants), o.seed)
	}
	fmt.Fprintf(w, "%s: %d of %d killed, %.1f %%, %d of them by timeout, %d survivors listed with reasons%s; %s\n",
		dir, s.killed, s.run, s.rate(), tally(trials)[timedOut], listed, sample, operators(b.mutants))
	return s
}
