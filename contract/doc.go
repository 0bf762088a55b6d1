// Package contract reads OpenAPI documents and compiles each operation once,
// at load, into what the layers of the gate need: who may call, how often, how
// large, which parameters, bodies, answers and messages.
//
// Stops: operations that nobody knows are served, paths that two readers read
// differently, access that is open because nothing was said, statements that
// are void because of a typing error.
// Source: OpenAPI 3.0.3 and 3.1.0, OWASP API9:2023 (improper inventory
// management), API1, API3 and API5:2023, RFC 3986 section 6.2.2.
// Place: below every layer. Load makes an API of a document and its overlays,
// NewTable a Table of APIs, and Table.Match finds the Operation of a request.
//
// A document is ours with x-gatehouse statements in it, or somebody else's with
// an overlay beside it, keyed by METHOD /path. Load refuses what it does not
// understand to the letter, and tells every fault at once, with file, line,
// column and the fix: see Issue.
//
// Zero value: Options{} is the strictest. An operation that is stated for some
// environments only does not exist, an unknown field of a body is refused, an
// operation without an access rule is an error, and so is a reference that
// leaves the document. Options without Roles takes any name for a role, which
// lets in nobody who does not have it. The zero Table matches nothing.
//
// Not covered: security schemes of OpenAPI, for who a caller is, is configured
// in authn, not by the document; links, callbacks and webhooks are checked for
// sound references and otherwise passed over; $refs into other files.
package contract
