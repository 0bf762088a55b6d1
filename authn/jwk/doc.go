// Package jwk reads JSON Web Keys as keys for authn, and holds each to what it
// says of its use.
//
// Stops: an encryption key that verifies signatures, a key that serves another
// algorithm than its owner meant, a set that gives private or shared keys away,
// two keys under one name, keys that are too short, parser gaps.
// Source: RFC 7517 §4 and §5, RFC 7518 §6, RFC 8037 §2, RFC 8725 §3.1 and §3.2,
// ASVS 5.0 9.1.2.
// Not covered: fetching a set (whoever does trusts the TLS of that place, and
// keeps the last good one); certificates in x5c and x5u, which are not looked at;
// whether a key may still be used.
//
// The algorithms are the caller's choice, never the set's: those that the issuer
// signs with. A key serves exactly one of them, the one that its alg states, or
// the one that fits its kind when it states none.
//
// What makes a set unusable as a whole, for it is no set that anybody should
// publish, or nobody can tell what it means:
//
//	a private or a symmetric member where public keys are wanted
//	a kid twice, an empty one, two keys without one
//	use and key_ops that contradict each other, an alg that contradicts the kind
//	key_ops that are of more than one kind, or twice the same
//	no alg where two of the wanted algorithms fit
//	no strict JSON, too large, too many keys, a member of another type
//
// What leaves one key out of a set (RFC 7517 §5), so that a token of it has no
// key, and fails Parse:
//
//	use that is not "sig", key_ops without "verify"
//	an alg that is not wanted, a kind or a curve that fits none that is
//	members that make no key, or a weak one
package jwk
