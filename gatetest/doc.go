// Package gatetest attacks a handler of yours and calls every operation as every
// role: what Gatehouse's own tests do, for whoever imports the gate or a layer.
//
//	func TestAttacks(t *testing.T) {
//		target := gatetest.Target{
//			Table:  gate.Table(),
//			Tokens: map[string]func() string{"member": newMemberToken},
//		}
//		gatetest.Attacks(t, gate.Wrap(mux), target)
//		gatetest.Access(t, gate.Wrap(mux), target)
//	}
//
// Both derive what they send from the contract: for each operation a request
// that fits it, made from its examples and schemas, and from that the attacks.
// Attacks changes nothing on a handler that refuses them. Access carries out
// every operation that a role may call, so give it a handler with data of its
// own. Requests never leave the process; each comes from another address of
// this machine, so that budgets by address do not stand in the way.
//
// A row fails when the safeguard it is about is missing, not when the answer has
// other words than ours: what counts are status codes, header fields, and what
// must not be in a body.
//
// Source: OWASP API Security Top 10 (2023), ASVS 5.0, RFC 9110, RFC 6750, RFC
// 8725, the Fetch standard.
// Not covered: what happens below HTTP (slow clients, TLS, request smuggling:
// see tlsedge), credentials in cookies, the messages of WebSockets, and whether
// a handler shows a row to its owner alone: write that test with your data.
package gatetest
