// Package nearest finds the known word that a misspelt one was meant to be.
package nearest

import (
	"fmt"
	"strings"
)

// longest bounds the work; a longer word is nobody's slip.
const longest = 128

// Word returns the known word that is most like word, whatever the case of its
// letters, or "" when none is: about a third of the letters may differ, and one
// must not.
func Word(word string, known []string) string {
	if len(word) > longest {
		return ""
	}
	best, least := "", min(len(word)/3+2, len(word))
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// DidYouMean is the sentence for a word that is not known: the nearest one, or
// all that are when they are few.
func DidYouMean(word string, known []string) string {
	if n := Word(word, known); n != "" {
		return fmt.Sprintf("Did you mean %q?", n)
	}
	if len(known) > 16 {
		return "Write it as it stands in the document."
	}
	return "Known are: " + strings.Join(known, ", ")
}

// Distance counts the letters to change, add or take away between two words, a
// swap of two neighbours once.
func Distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return longest
	}
	return distance(a, b)
}

// distance counts the letters to change, add or take away, a swap of two
// neighbours once (optimal string alignment).
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
