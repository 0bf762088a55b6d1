// Package authz decides whether the caller may call the operation.
//
// Stops: calls to functions of another role, to objects of another member, and
// to anything by a key that is limited to something else.
// Source: OWASP API1:2023, API3:2023 and API5:2023, RFC 6750 §3.1,
// RFC 9110 §15.5.4, ASVS 5.0 8.2.1, 8.2.2, 8.3.1.
// Place: after authn and the member budget, which ask who calls; before
// validate, because the body is parsed for the entitled alone.
// Zero Config: without a contract nothing is allowed.
// Not covered: which rows an operation with `own: row` may touch; the handler's
// query decides that, for only it knows the row. Which fields of an answer a
// role may see.
//
// The rule of an operation is its `access` statement. All parts that it states
// must hold:
//
//	public               everybody, signed in or not
//	roles: [a, b]        a principal with one of these roles
//	scopes: [x, y]       a principal with all of these scopes; one without any limit has every scope
//	own: path.userId     the path parameter is the principal's id
//	own: query.user      so is the query parameter, sent exactly once
//	own: body.owner      so is this top-level member of the body, which is sent as JSON and not compressed
//	own: row             every principal; the handler's query decides
//	or_roles: [c]        with own: these roles need not own the object
//
// A principal that is limited to scopes reaches only operations that name
// scopes, and needs all of them. No rule, a rule that cannot be read and a source
// of ownership that is not there all deny.
//
// A guest is answered 401, a known caller without the role or scope 403, and one
// who asks for another's object 404, as for an object that is not there.
package authz
