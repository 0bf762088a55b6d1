// Package validate lets a request through only as the contract describes it, and
// gives the handler exactly what was checked.
//
// Stops: mass assignment by unknown or read-only members, injection through
// types and lengths nobody meant, parser gaps (duplicate members, trailing data,
// two Content-Types, charsets, a repeated parameter), bodies that eat memory by
// size, depth or compression, and answers that show more than the contract says.
// Source: OWASP API3:2023, API4:2023, API8:2023 and API10:2023, ASVS 5.0 2.2.1,
// 1.5.2, RFC 9110 §15.5.14 and §15.5.16, RFC 8259, OpenAPI 3.0 and 3.1.
// Place: after authz, for a body is parsed for the entitled alone; before
// limit(account), whose key stands in the body.
// Zero Config: without a contract nothing passes. Requests are always checked.
// Answers are not: a wrong answer is a fault of the server, and to refuse it
// takes the service down. Responses turns that on.
// Not covered: what files and other bodies that are neither JSON nor a form hold
// (their media type and size are checked); whether a well-formed reference leads
// to something; answers that are streamed or larger than a megabyte.
//
// All faults of the parameters and the body are told at once, each with field,
// pointer, the keyword that was broken and what to do. No submitted value is ever
// quoted; the name of an unknown member only when it is a short plain word.
//
// A body that the contract does not describe is read up to the size limit and
// not passed on. A request that is compressed is refused with 415 unless the
// contract states the coding; then it is decompressed within the size limit, and
// a hundredfold at most beyond 64 KiB.
//
// A form is validated like JSON. Of multipart/form-data texts are held in memory
// up to 128 KiB and files up to 32 KiB, the rest in a file without a name; the
// handler reads the form written anew from what was validated. Members that the
// contract leaves to some roles are refused with 403 in a request, and taken out
// of an answer, which is held whole until then. That holds in the mode report
// too, where a body that cannot be read is refused when it might set one; only
// off lets them go.
package validate
