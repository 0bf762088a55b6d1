// Package wall is what the tests of mutants are about: Guarded has a test for
// each of its parts, Bare has one that would miss nearly everything.
package wall

import "errors"

// Guarded refuses what is not between 1 and 9.
func Guarded(n int) error {
	if n < 1 || n > 9 {
		return errors.New("out of range")
	}
	return nil
}

// Bare refuses what is above 100.
func Bare(n int) error {
	if n > 100 {
		return errors.New("too many")
	}
	return nil
}

// Endless counts down to 0.
func Endless(n int) (steps int) {
	for n != 0 {
		n--
		steps++
	}
	return steps
}

// Forgotten is called by no test.
func Forgotten(ok bool) bool { return !ok }
