package validate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// admit lets the request on by the mode of the layer, or refuses it. What no
// contract describes passes in no mode.
func (l *layer) admit(w http.ResponseWriter, r *http.Request, c *call.Call) (in input, ok bool) {
	mode := c.Mode("validate")
	if c.Operation() == nil {
		mode = call.Enforce
	}
	if mode != call.Off {
		var refusals []*problem.Error
		if in, refusals = l.check(c, r, mode != call.Enforce); len(refusals) == 0 {
			return in, true
		}
		if final := unpardoned(c, mode, in, refusals); final != nil {
			call.Refuse(w, r, final)
			return in, false
		}
		for _, refusal := range refusals {
			call.Stopped(w, r, refusal, func(c *call.Call, e *problem.Error) string { return allow(c, e, r) })
		}
	}
	if refusal := asSent(c, r, in.sent); refusal != nil {
		call.Refuse(w, r, refusal)
		return in, false
	}
	return in, true
}

// unpardoned is the refusal that the mode does not let through, nil without any.
// Who may set a member (write_roles) is authorization and stays enforced, and a
// body that could not be read might set what is not the caller's.
func unpardoned(c *call.Call, mode call.Mode, in input, refusals []*problem.Error) *problem.Error {
	if mode == call.Enforce {
		return refusals[0]
	}
	op := c.Operation()
	unread := op.Socket == nil && !in.read && op.Guards(c.Principal().RoleOf())
	for _, refusal := range refusals {
		if refusal.Status == http.StatusForbidden || unread && refusal.Status != http.StatusNotAcceptable {
			return refusal
		}
	}
	return nil
}

// asSent gives the handler the request as it came: the parameters that could be
// decoded, and the bytes of the body, whatever they are. It refuses a body that
// cannot be had, which no mode makes whole. One that is larger than the contract
// allows, or than there is memory, stays a stream and is never held as a whole.
func asSent(c *call.Call, r *http.Request, kept *sent) *problem.Error {
	op := c.Operation()
	params := op.SoundParams(r, c.Match().Values)
	c.SetInput(params, nil, false)
	if !hadBody(r) || op.Socket != nil {
		return nil
	}
	if kept != nil {
		if refusal := kept.again(r); refusal != nil {
			return refusal.From("validate", refusal.Code)
		}
		return nil
	}
	data, refusal := c.Body(r, op.MaxBody)
	switch {
	case refusal == nil:
		r.Body = io.NopCloser(bytes.NewReader(data))
		c.SetInput(params, data, len(data) > 0)
		return nil
	case refusal.Status == http.StatusRequestEntityTooLarge, refusal.Status == http.StatusServiceUnavailable:
		r.Body = c.Stream(r)
		return nil
	default:
		return refusal.From("validate", refusal.Code)
	}
}

// allow says what would let a request pass that the mode report let through. The
// schemas and media types stand in the document, which an overlay does not change.
func allow(c *call.Call, e *problem.Error, r *http.Request) string {
	known := func(f problem.Field) bool { return f.Code != "unknown_field" }
	switch {
	case errors.Is(e.Cause, errBomb):
		return "none: a body that grows more than a hundredfold is a bomb"
	case e.Status == http.StatusRequestEntityTooLarge:
		size := max(2*c.Operation().MaxBody, r.ContentLength)
		return c.Statement("body: " + strconv.FormatInt((size+999)/1000, 10) + "KB")
	case e.Status == http.StatusNotAcceptable:
		return "the document: state what the client accepts in the content of a 2XX answer"
	case e.Header.Get("Accept-Encoding") != "":
		return allowCoding(c, r)
	case len(e.Fields) > 0 && !slices.ContainsFunc(e.Fields, known):
		return c.Statement("unknown: allow")
	case len(e.Fields) > 0:
		return "the document: relax " + e.Rule
	default:
		return "none: the client must send what the document describes"
	}
}

// allowCoding adds the content coding of the body to those of the operation, when
// it is one that can be stated. No other is repeated: it is the client's word.
func allowCoding(c *call.Call, r *http.Request) string {
	coding, several := codingOf(r.Header.Values("Content-Encoding"))
	if several || coding != "gzip" && coding != "deflate" {
		return "none: a body has one coding at most, gzip or deflate"
	}
	return c.Statement("encoding: [" + strings.Join(append(slices.Clone(c.Operation().Encodings), coding), ", ") + "]")
}
