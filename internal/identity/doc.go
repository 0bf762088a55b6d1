// Package identity knows the members, proves who calls, and ends what it began.
//
// Stops: guessed and stuffed passwords, stolen tokens that live on after a
// logout, replayed refresh tokens, session fixation, names of accounts told by
// an error text or by time.   Source: OWASP API2:2023, ASVS 5.0 chapters 6, 7, 9
// and 11, RFC 9700, RFC 9068, NIST SP 800-63B-4.
// Place: floor 5. authn asks it through Bearer and Cookie for the principal of
// each request; the members app presents it; the command line administers it.
// Zero Config: nobody signs up without an invitation, Argon2id with 19 MiB, access
// tokens of 15 minutes, cookies of one idle hour and one day. The sealing key has
// no default and must be given.
// Not covered: the budgets on POST /login, which the limit layer counts from the
// contract; OAuth, passkeys, API keys and signed requests.
//
// Who may do what: a guest may sign in, and sign up where that is open; a member
// sees and changes what is theirs; admins invite, change roles and suspend; the
// command line acts as the operator, and it alone sets the password of another.
// On PostgreSQL the same is forced by row-level security, and what must be read
// before anybody is known is read through narrow functions (queries.go).
//
// Every change goes through the transaction door of the store together with its
// audit entry, which holds ids and never an address, an e-mail or a token.
package identity
