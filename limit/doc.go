// Package limit refuses calls that exceed a budget of rate, or that are too many
// at one time.
//
// Stops: brute force, credential stuffing, scraping, scanners, one client that
// takes the service from the others.   Source: OWASP API4:2023 and API2:2023,
// ASVS 5.0 2.4.1 and 6.3.1, RFC 6585 §4, RFC 9110 §10.2.3,
// draft-ietf-httpapi-ratelimit-headers-11.
// Place: three times. By address before anything that costs CPU, because
// guessing a path or a password is itself a cost; by member and
// API key after authn, because only then they are known; by account after validate, because the account
// stands in the body.
// Zero Config: every call counts against 600 per 10 minutes per address, not
// "no limit", and 1024 calls run at one time, 64 of them of one principal.
// InsecureUnlimited turns the stage off.
// Not covered: floods from many addresses that each stay below the budget;
// connections and slow clients (tlsedge); size of bodies (validate); counters
// shared between nodes.
//
// # Budgets
//
// An operation's contract names its budgets; the key of a budget decides the
// stage that counts it. A name is looked up in Config.Budgets, then in the
// operation's own contract, then in Presets. Counters of a budget that a
// contract defines belong to that contract; those of the other two are shared by
// all contracts. An operation whose list of budgets is empty is not counted; one
// without a list (nil) counts against Config.Unmatched, as unknown paths, wrong
// methods and malformed paths do. A malformed path is counted and left to be
// answered 400: refusing it with 429 would cost as much.
//
// A budget of failures is reserved before the handler and given back when the
// answer was none of 400, 401, 403, 404 and 422, so that a burst of guesses at
// one time cannot exceed it. It is given back before the answer is sent, and not
// to a client that left without a success, for leaving would undo the count.
//
// When several budgets apply, a call that one of them refuses is given back to
// the others, and Retry-After is the longest of the waits.
//
// # Keys and memory
//
// IPv6 addresses count by /64, for one customer owns that much at least. Guests
// count by address in a budget per member. A budget per API key counts each key apart,
// whoever holds it, and a call without one as a budget per member would, so that
// leaving the key out is no way round it. Accounts count without regard to case
// and surrounding space. Keys are kept as two keyed 64-bit hashes: no address and
// no e-mail address stands in memory, and nobody can choose keys that collide.
//
// Each budget holds MaxKeys keys at most, in a table of 32 bytes per key that
// grows as it is needed. Where a key finds its set of eight places taken, an
// expired one goes, else the one that has used least of its budget, and among
// equals the oldest. So a client cannot reset a counter by flooding the table:
// his own nearly spent counter is the last to go, and those of quiet clients,
// who lose nothing by it, go first.
package limit
