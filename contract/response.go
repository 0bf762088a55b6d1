package contract

import (
	"errors"
	"fmt"
	"mime"
	"strconv"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// response compiles the response object at a pointer.
func (c *compiler) response(status, pointer string) (*Response, error) {
	object, _ := c.at(pointer).(map[string]any)
	content, _ := object["content"].(map[string]any)
	r := &Response{Status: status, Content: map[string]*Schema{}, unread: map[string]*Schema{}}
	for _, name := range sortedKeys(content) {
		at, key := pointer+"/content/"+strictjson.EscapeToken(name), mediaKey(name)
		if _, there := r.Content[key]; there {
			if err := twice(content, name, at); err != nil {
				return nil, err
			}
			continue
		}
		s, err := c.mediaSchema(at, answer)
		if err != nil {
			return nil, err
		}
		if s != nil && !isJSON(key) && !isRange(key) && !(mediaName(key) == "text/plain" && s.structured()) {
			r.unread[at], s = s, nil
		}
		r.Content[key] = s
	}
	return r, nil
}

// schemaOf finds the schema that an answer is held against, nil for one that
// passes as it is. It fails for an answer that the contract does not describe, and
// for one of a range that is not JSON where the range says what it is made of.
//
// An object in text/plain is JSON: ASP.NET Core lists that type beside
// application/json for every answer, and means it for strings.
func (r *Response) schemaOf(mediaType string) (*Schema, error) {
	name, params, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return nil, errUnreadable
	}
	s, key, stated := lookMedia(r.Content, name, params)
	switch {
	case !stated:
		return nil, errUnstated
	case s == nil || isJSON(name) || !isRange(key):
		return s, nil
	case s.members():
		return nil, errUnfit
	}
	return nil, nil
}

// CheckResponse checks an answer against the contract: its status, its media
// type, and a JSON body whole. A status, a media type and a member that the
// contract does not state are faults, and so is a write-only member. body is
// empty for an answer without one; answers to HEAD cannot be checked.
func (o *Operation) CheckResponse(status int, mediaType string, body []byte) []problem.Field {
	r := o.responseFor(status)
	if r == nil {
		return []problem.Field{{Code: "status", Message: "the contract states no answer " + strconv.Itoa(status)}}
	}
	if len(body) == 0 {
		if len(r.Content) > 0 {
			return []problem.Field{{Code: "required", Message: "the contract states a body for this answer"}}
		}
		return nil
	}
	s, err := r.schemaOf(mediaType)
	if len(r.Content) == 0 && err != errUnreadable {
		err = errBodiless
	}
	if err != nil {
		return []problem.Field{{Code: "content_type", Message: err.Error()}}
	}
	if s == nil {
		return nil
	}
	v, err := strictjson.Decode(body)
	if err != nil {
		return []problem.Field{{Code: "json", Message: "the answer is not strict JSON: " + err.Error()}}
	}
	return s.checkWhole(v)
}

// What is wrong with the media type of an answer.
var (
	errUnreadable = errors.New("the Content-Type of the answer cannot be read")
	errBodiless   = errors.New("the contract states no body for this answer")
	errUnstated   = errors.New("the contract does not state this media type for this answer")
	errUnfit      = errors.New("what the contract states of this answer cannot be looked up in this media type")
)

// errUndeclared is an answer of which the contract does not say what it holds.
var errUndeclared = errors.New("the contract does not describe this answer")

// Filters tells whether answers must be looked at before they leave: some member
// is for some roles only, or members that the contract does not state are
// removed (x-gatehouse: answers: strip).
func (o *Operation) Filters() bool { return o.Strip || o.private }

func anyPrivate(responses map[string]*Response) bool {
	for _, r := range responses {
		if r == nil {
			continue
		}
		for _, s := range r.Content {
			if s != nil && s.private {
				return true
			}
		}
	}
	return false
}

// FilterAnswer returns the answer as the role may see it. It fails for one of
// which the contract does not say what it holds, since then nothing is known of
// what would leave.
func (o *Operation) FilterAnswer(role string, status int, mediaType string, body []byte) ([]byte, error) {
	if len(body) == 0 {
		return body, nil
	}
	r := o.responseFor(status)
	if r == nil {
		return nil, errUndeclared
	}
	s, err := r.schemaOf(mediaType)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errUndeclared, err)
	case s == nil:
		return body, nil
	}
	v, err := strictjson.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	p := preparer{policy: Allow, way: answer, role: role}
	if o.Strip {
		p.policy = Strip
	}
	v, changed := p.whole(s.shape, v)
	if !changed {
		return body, nil
	}
	return strictjson.Marshal(v)
}

// checkWhole validates a value and holds its members against the schema.
func (s *Schema) checkWhole(v any) []problem.Field {
	_, _, unknown := s.Prepare(v, Reject)
	return tidy(append(s.Validate(v), unknown...))
}

// responseFor is the response for a status: stated itself, by its class as 4XX,
// or by default.
func (o *Operation) responseFor(status int) *Response {
	text := strconv.Itoa(status)
	for _, key := range []string{text, text[:1] + "XX", "default"} {
		if r := o.Responses[key]; r != nil {
			return r
		}
	}
	return nil
}
