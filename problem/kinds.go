package problem

import (
	"net/http"
	"time"
)

// New returns a refusal of a kind that this package does not name.
func New(status int, code, title, detail string) *Error {
	return &Error{Status: status, Code: code, Title: title, Detail: detail}
}

// Malformed is 400: the request cannot be read at all.
func Malformed(detail string) *Error {
	return New(http.StatusBadRequest, "MALFORMED_REQUEST", "Malformed Request", detail)
}

// Invalid is 400: the request can be read and does not fit the contract.
func Invalid(fields ...Field) *Error {
	e := New(http.StatusBadRequest, "VALIDATION_ERROR", "Validation Error", "The request data is invalid")
	e.Fields = fields
	return e
}

// Unauthorized is 401. challenge is the value of WWW-Authenticate (RFC 9110
// §11.6.1), without which a 401 is not allowed.
func Unauthorized(code, detail, challenge string) *Error {
	return New(http.StatusUnauthorized, code, "Unauthorized", detail).With("WWW-Authenticate", challenge)
}

// Forbidden is 403: we know who asks, and they may not.
func Forbidden(detail string) *Error {
	return New(http.StatusForbidden, "FORBIDDEN", "Forbidden", detail)
}

// NotFound is 404: there is no such thing, or none that the caller may know of.
func NotFound(detail string) *Error {
	return New(http.StatusNotFound, "NOT_FOUND", "Not Found", detail)
}

// MethodNotAllowed is 405. allow is the value of Allow (RFC 9110 §15.5.6).
func MethodNotAllowed(allow string) *Error {
	return New(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "Method Not Allowed",
		"This path does not answer that method; see the Allow header").With("Allow", allow)
}

// Conflict is 409: the request is right and the state does not allow it.
func Conflict(code, detail string) *Error {
	return New(http.StatusConflict, code, "Conflict", detail)
}

// PreconditionFailed is 412: If-Match or If-None-Match did not hold.
func PreconditionFailed(detail string) *Error {
	return New(http.StatusPreconditionFailed, "PRECONDITION_FAILED", "Precondition Failed", detail)
}

// TooLarge is 413: the body is larger than the contract allows.
func TooLarge(detail string) *Error {
	return New(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "Content Too Large", detail)
}

// UnsupportedMedia is 415. accept is the value of Accept (RFC 9110 §15.5.16).
func UnsupportedMedia(accept string) *Error {
	return New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type",
		"Send the body as "+accept).With("Accept", accept)
}

// Unprocessable is 422: well-formed, and it names something that is not there.
func Unprocessable(fields ...Field) *Error {
	e := New(http.StatusUnprocessableEntity, "UNPROCESSABLE", "Unprocessable Content",
		"The request is well-formed and cannot be carried out")
	e.Fields = fields
	return e
}

// RateLimited is 429: a budget is used up.
func RateLimited(r Retry) *Error {
	e := New(http.StatusTooManyRequests, "RATE_LIMITED", "Too Many Requests",
		"You have made too many requests; try again later")
	e.Retry = &r
	return e
}

// Internal is 500: our fault. The client learns nothing but the request id.
func Internal(cause error) *Error {
	return New(http.StatusInternalServerError, "INTERNAL_ERROR", "Internal Server Error",
		"Something went wrong").Because(cause)
}

// Unavailable is 503: a part we need does not answer; come back later.
func Unavailable(after time.Duration, cause error) *Error {
	e := New(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "Service Unavailable",
		"The service cannot answer just now; try again shortly").Because(cause)
	e.Retry = &Retry{After: after}
	return e
}
