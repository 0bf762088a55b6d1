package config

import (
	"fmt"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
)

// Report is what Load found. Where there is no file, the File of an issue's
// position is "environment NAME" of a variable, the name of a flag, or
// "settings".
type Report struct {
	Errors   contract.Issues // any one of them refuses the start
	Warnings contract.Issues
	Files    []string // the files of settings that were read, strongest first
}

// Err is nil when the settings may be used.
func (r *Report) Err() error {
	if len(r.Errors) == 0 {
		return nil
	}
	return r.Errors
}

// String prints every error and warning, and how many there are.
func (r *Report) String() string {
	var b strings.Builder
	for _, list := range []contract.Issues{r.Errors, r.Warnings} {
		for _, i := range list {
			b.WriteString(i.Error() + "\n")
		}
	}
	b.WriteString(count(len(r.Errors), "problem") + ", " + count(len(r.Warnings), "warning") + ".")
	return b.String()
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (r *Report) fail(i contract.Issue) { r.Errors = append(r.Errors, explained(i)) }
func (r *Report) warn(i contract.Issue) { r.Warnings = append(r.Warnings, explained(i)) }

// explained adds the reason that the code stands for.
func explained(i contract.Issue) contract.Issue {
	if i.Why == "" {
		i.Why = reasonOf(i.Code)
	}
	return i
}
