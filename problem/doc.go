// Package problem is the one door through which a refusal leaves.
//
// Stops: error pages that show stack traces, paths, SQL or the submitted value;
// two error shapes in one API.   Source: RFC 9457, OWASP API8:2023, ASVS 5.0 16.5.1.
// Place: every layer and every handler refuses with an *Error; Write renders it.
// Zero value: Error{} is written as a 500 that says nothing but its request id.
// Not covered: what net/http answers by itself before a handler runs (a request
// line that cannot be parsed); tlsedge lists those answers.
//
// An Error has two halves. Status, Code, Title, Detail, Fields and Header go to
// the client; Layer, Rule and Cause go to the record and never leave. Which JSON
// the client sees is the Dialect of the API's contract.
package problem
