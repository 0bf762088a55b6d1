package main

import (
	"fmt"
	"strings"
)

// excuse is an entry of survivors.txt: a change that no test can notice.
type excuse struct {
	file, before, after string
	reason              string
	line                int // in survivors.txt
}

// readExcuses reads entries of four lines: the file, the line as it is after
// "- ", the line as it would be after "+ ", and the reason after "= ". Blank
// lines and lines with # stand between entries.
func readExcuses(text string) ([]excuse, error) {
	var list []excuse
	var e excuse
	for i, line := range strings.Split(text, "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case mark == "-":
			e.before = rest
		case mark == "+":
			e.after = rest
		case mark == "=":
			e.reason = strings.TrimSpace(rest)
			if e.file == "" || e.before == "" || e.reason == "" {
				return nil, fmt.Errorf("survivors.txt:%d: an entry needs a file, - before, + after and = reason", i+1)
			}
			list = append(list, e)
			e = excuse{file: e.file}
		default:
			e = excuse{file: strings.TrimSpace(line)}
		}
		if mark == "-" {
			e.line = i + 1
		}
	}
	return list, nil
}

func (e excuse) fits(m mutant) bool {
	return e.file == m.file && e.before == m.before && e.after == m.after
}

// excused finds the entry for a mutant.
func excused(list []excuse, m mutant) *excuse {
	for i := range list {
		if list[i].fits(m) {
			return &list[i]
		}
	}
	return nil
}

// stale tells which entries about a package have nothing to excuse any more:
// the line has changed, or some test notices.
func stale(list []excuse, dir string, trials []trial) []string {
	var told []string
	for _, e := range list {
		if !inside(e.file, dir) {
			continue
		}
		exists, lives := false, false
		for _, t := range trials {
			if e.fits(t.mutant) {
				exists = true
				lives = lives || t.verdict == survived || t.verdict == unreached
			}
		}
		switch {
		case !exists:
			told = append(told, fmt.Sprintf("survivors.txt:%d: %s has no such line any more; take the entry out", e.line, e.file))
		case !lives:
			told = append(told, fmt.Sprintf("survivors.txt:%d: a test notices this change in %s; take the entry out", e.line, e.file))
		}
	}
	return told
}

func inside(file, dir string) bool {
	rest, ok := strings.CutPrefix(file, dir+"/")
	return ok && !strings.Contains(rest, "/")
}
