// Package metrics counts calls for Prometheus: how many, how long, who refused
// them and why. docs/reference/metrics.md lists every name.
//
// The labels of a call are names of ours: operation ids, layers, codes, budgets.
// What a client wrote is in none of them, so their number has a bound; a name
// beyond that bound is counted as "(other)".
//
// Who reads them learns what is called, how often and by how many. They are
// therefore served on a listener of their own, never through the gate.
package metrics
