package server

import "runtime/debug"

// Percent of what is alive that the heap grows by before it is collected.
const (
	goGrowth   = 100 // Go's own, when GOGC is not set
	heapGrowth = 300
)

// TuneCollector lets the garbage collector run less often than Go would by
// itself. Some ten megabytes are alive and nearly all that a request leaves dies
// with it, so under load Go collects some twenty times a second, for memory that
// nobody misses. A GOGC of the operator's stays as it is, and GOMEMLIMIT holds.
func TuneCollector() {
	if was := debug.SetGCPercent(heapGrowth); was != goGrowth {
		debug.SetGCPercent(was)
	}
}
