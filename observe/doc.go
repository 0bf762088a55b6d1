// Package observe writes one record of every call and turns a panic into one
// answer.
//
// Stops: calls that leave no trace, stack traces in answers, secrets and forged
// lines in the log.   Source: OWASP API8:2023 and API9:2023, ASVS 5.0 16.2.1 to
// 16.5.4, OWASP Logging cheat sheet, CWE-117.
// Place: outermost but for call, because the record must see every outcome: what
// was refused, by which layer, and what broke.
// Zero Config: JSON lines on standard error, a call is slow after one second.
// Not covered: files and their rotation (what the slog.Handler writes to), counting
// (OnRecord hands every record on), the audit log that the store keeps with each
// change.
//
// # What a record holds
//
// A closed list of fields; nothing else of a request can get into it:
//
//	time         when the call ended
//	type         RESPONSE; AUDIT for the second record of an operation with an
//	             audit action; REQUEST when a WebSocket opens, for its RESPONSE
//	             comes only when it closes, and with Config.Requests when any
//	             other call arrives (then without what is not known yet)
//	request_id   as in X-Request-Id
//	method       "(other)" for a method that is not in RFC 9110 or 5789
//	route        the path's template, never the path; "(unmatched)" without one
//	operation    the operationId
//	api          the contract's short name
//	protocol     "HTTP/1.1", "HTTP/2.0", "HTTP/1.0"
//	status       success    duration_ms    bytes
//	role         principal  (its id)       client  (its address)
//	verdict      "served", or the layer that refused: "limit", "authn", …;
//	             "handler", "panic", "aborted"
//	rule, code   what decided, and the code that the client was told
//	cause        the internal cause of a refusal
//	stack        of a panic
//	notes        what layers noted: "limit.slowed=2"
//	would_refuse what layers in the mode report let through: "limit: RATE_LIMITED login"
//	would_allow  for each of those, the line of an overlay or of the settings that allows it
//
// A field without a value is left out. Bodies, query strings, header fields,
// tokens, cookies and names of members are not in the list. An AUDIT record adds
// action, resource_id (the validated path parameters) and outcome ("success",
// "denied", "failure").
//
// Every text is made safe before it is handed to the slog.Handler: control
// characters, line separators, marks that change the direction of writing and
// invalid UTF-8 are escaped, and its length is capped. A handler that writes
// lines without quoting is safe too.
//
// Beside the handlers of log/slog there are NewJSON, their lines in less time,
// NewText, lines for people, and NewCombined, the format of Apache; Tee gives
// records to several.
//
// A record has level ERROR for 5xx, WARN for a slow call, else INFO. A call that
// was shed (503 because too many ran at one time) is INFO: an overload is told of
// once with WARN when it begins, and once with the number of calls when none was
// shed for ten seconds, with the first call after that.
//
// # Panics
//
// A panic before the answer is one 500 that says nothing but the request id; the
// record has its text and stack. After the answer began the connection is
// closed, so that no client takes half an answer for a whole one.
// http.ErrAbortHandler is recorded and passed on.
package observe
