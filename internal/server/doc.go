// Package server puts the parts together into a process: it opens the database,
// builds identity, the applications and the gate, listens, and ends in order.
//
// Nothing here decides about a request; that is the gate's. What is here decides
// what runs: which risks are refused at start, who migrates the schema, what a
// stop waits for. Order of a stop: /readyz says no, sockets close with 1001,
// running requests finish, the database closes. A second signal ends at once.
package server
