package store

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxMerged bounds how many statements become one.
const maxMerged = 6

// texts are the statements made of several, by those they are made of. One
// message to PostgreSQL costs it and us less than many. They belong to one
// goroutine.
type texts map[[maxMerged]string]string

func (t texts) get(key [maxMerged]string, compose func() string) string {
	text, ok := t[key]
	if !ok {
		text = compose()
		if len(t) < maxStatements {
			t[key] = text
		}
	}
	return text
}

// merge puts all but the last statement before it as WITH queries (PostgreSQL
// manual, 7.8.4): each sees the tables as they were before all of them.
// Statements whose rows are counted stay by themselves.
func (t texts) merge(steps []Statement) []Statement {
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
	text := t.get(key, func() string { return mergeText(together) })
	return append(alone, Statement{SQL: text, Args: args})
}

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// renumber writes each placeholder of q anew.
func renumber(q string, write func(n int) string) string {
	return placeholder.ReplaceAllStringFunc(q, func(p string) string {
		n, _ := strconv.Atoi(p[1:]) // digits, by the pattern
		return write(n)
	})
}

func mergeText(steps []Statement) string {
	var b strings.Builder
	given := 0
	for i, s := range steps {
		text := renumber(s.SQL, func(n int) string { return "$" + strconv.Itoa(n+given) })
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

// together runs q once for each element of the columns, which are its
// arguments. The first column of the result is the number of the element, from
// 1.
func (t texts) together(q string, columns []any) string {
	return t.get([maxMerged]string{q, "together"}, func() string {
		var arrays, names []string
		for i, c := range columns {
			kind := "text[]"
			if _, ok := c.(bigintColumn); ok {
				kind = "bigint[]"
			}
			arrays = append(arrays, fmt.Sprintf("$%d::%s", i+1, kind))
			names = append(names, fmt.Sprintf("arg%d", i+1))
		}
		each := renumber(q, func(n int) string { return fmt.Sprintf("given.arg%d", n) })
		return fmt.Sprintf("SELECT given.nth, found.* FROM unnest(%s) WITH ORDINALITY AS given(%s, nth) CROSS JOIN LATERAL (%s) AS found",
			strings.Join(arrays, ", "), strings.Join(names, ", "), each)
	})
}
