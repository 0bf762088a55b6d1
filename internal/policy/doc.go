// Package policy holds the rules of the house as tests: which package may
// import which, how long a file and a function may be, what may not be called,
// and what a layer and an app folder must contain.
//
// It walks the files and parses them itself, for a test that asks the go
// command is cached and keeps saying what was true before. It fails when it
// walked nothing. The tables (floors_test.go, calls_test.go) are reviewed data:
// a line there is changed with its reason, never to make a test green.
package policy
