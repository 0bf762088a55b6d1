package contract

import (
	"github.com/gatehouse-api/gatehouse/problem"
)

// Body is the compiled request body of an operation.
type Body struct {
	Required bool              // whether an empty body is refused
	Content  map[string]*Media // by media type, lower case and without parameters
}

// Media is one media type in which a body may be sent.
type Media struct {
	Type   string  // as in Content: "application/json"
	Schema *Schema // nil when the contract states none, or the type is not JSON
}

// Accepts lists the media types of the body, sorted, for the Accept field of a
// 415 answer.
func (b *Body) Accepts() []string { return nil }

// DecodeBody decodes, prepares and validates a body.
func (o *Operation) DecodeBody(contentType string, data []byte) (body []byte, unknown []problem.Field, err *problem.Error) {
	return data, nil, nil
}

// CheckResponse checks an answer against the contract.
func (o *Operation) CheckResponse(status int, mediaType string, body []byte) []problem.Field {
	return nil
}

// CheckReceive checks a message from a client.
func (s *Socket) CheckReceive(name string, data []byte) []problem.Field { return nil }

// CheckSend checks a message from the server.
func (s *Socket) CheckSend(name string, data []byte) []problem.Field { return nil }
