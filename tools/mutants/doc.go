// Command mutants asks whether the tests would notice if a safeguard were gone.
//
//	go run -C tools ./mutants                 every layer package, in half an hour
//	go run -C tools ./mutants limit authz     two of them
//
// It writes each package anew with all its mutants inside, each behind a switch,
// compiles the package's tests once, and runs them once for each mutant with one
// switch on. A mutant that no test notices has survived: either a test is
// missing, or the change makes no difference and survivors.txt says why.
//
// The source on disk is not touched; the compiler sees the rewritten files
// through -overlay.
package main
