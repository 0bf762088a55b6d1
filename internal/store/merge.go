package store

import (
	"regexp"
	"strconv"
	"strings"
)

// maxMerged bounds how many statements become one.
const maxMerged = 6

// merger makes one statement of several, which costs PostgreSQL and us less
// than as many messages. It remembers what it made. It belongs to one worker.
type merger map[[maxMerged]string]string

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// merge puts all but the last statement before it as WITH queries (PostgreSQL
// manual, 7.8.4): each sees the tables as they were before all of them.
// Statements whose rows are counted stay by themselves.
func (m merger) merge(steps []Statement) []Statement {
	var alone, together []Statement
	for _, s := range steps {
		if s.Rows != 0 {
			alone = append(alone, s)
		} else {
			together = append(together, s)
		}
	}
	if len(together) < 2 || len(together) > maxMerged {
		return steps
	}
	var key [maxMerged]string
	var args []any
	for i, s := range together {
		key[i] = s.SQL
		args = append(args, s.Args...)
	}
	text, ok := m[key]
	if !ok {
		text = mergeText(together)
		if len(m) < maxStatements {
			m[key] = text
		}
	}
	return append(alone, Statement{SQL: text, Args: args})
}

func mergeText(steps []Statement) string {
	var b strings.Builder
	given := 0
	for i, s := range steps {
		text := placeholder.ReplaceAllStringFunc(s.SQL, func(p string) string {
			n, _ := strconv.Atoi(p[1:]) // digits, by the pattern
			return "$" + strconv.Itoa(n+given)
		})
		given += len(s.Args)
		switch {
		case i == len(steps)-1:
			b.WriteString(" " + text)
		case i == 0:
			b.WriteString("WITH step0 AS (" + text + ")")
		default:
			b.WriteString(", step" + strconv.Itoa(i) + " AS (" + text + ")")
		}
	}
	return b.String()
}
