// Package gatetest attacks a handler of yours and calls every operation as every
// role: what Gatehouse's own tests do, for whoever imports the gate or a layer,
// and for a handler that imports nothing of it.
//
//	func TestSecurity(t *testing.T) {
//		gatetest.Run(t, handler, gatetest.Target{
//			Table:  gatetest.Compile(t, openapi, access), // or gate.Table()
//			Tokens: map[string]func() string{"member": newMemberToken},
//		})
//	}
//
// All is derived from the contract: for each operation a request that fits it,
// made from its examples and schemas, and from that the rows.
//
//	Attacks  what must be refused: hosts, paths, methods, tokens, JWTs, objects of
//	         somebody else, bodies, media types, queries, CORS, CSRF, header fields,
//	         the shape of refusals, echoes, scans, WebSockets
//	Answers  what must not leave: what the contract does not state, the inside of
//	         the program, private answers in caches, cookies that others can have
//	Access   who may call what, and who may set which member, both ways, with tokens
//	         and with cookies
//	Wire     bytes on a connection that two programs read in two ways
//
// Attacks changes nothing on a handler that refuses them. Answers and Access
// carry out every operation that a role may call, so give them a handler with
// data of its own. Requests are calls of the handler, each from another address
// of this machine, so that budgets by address do not stand in the way; those of
// WebSockets travel over the loopback, and those of Wire to Target.Address.
//
// A row fails when the safeguard it is about is missing, not when the answer has
// other words than ours: what counts are status codes, header fields, and what
// must not be in a body. What fails is told with the request, the answer, and
// why it matters. What cannot be attacked for want of something in Target is
// told too (Gaps): a row that is not there proves nothing. Nor does one that is
// refused for another reason than its own, and so Answers and Access have rows
// that fail when a request that should get through does not.
//
// Alone tries one layer by itself in each of its modes.
//
// Source: OWASP API Security Top 10 (2023), ASVS 5.0, RFC 9110, RFC 9112, RFC
// 6455, RFC 6750, RFC 8725, the Fetch standard.
// Not covered: slow clients and the versions of TLS (see tlsedge), HTTP/2 frames,
// whether an own row stays its owner's (name one of somebody else in
// Target.Others), and what your rules of business forbid.
package gatetest
