package validate

import (
	"bytes"
	"io"
	"net/http"

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
			for _, part := range (reported{refusal, c, r, in}).remedies() {
				call.Stopped(w, r, refusal.From("validate", part.rule), func(*call.Call, *problem.Error) string { return part.allow })
			}
		}
	}
	if refusal := asSent(c, r, in.sent); refusal != nil {
		call.Refuse(w, r, refusal)
		return in, false
	}
	if in.unsized(r) {
		in.counted = &counted{ReadCloser: r.Body}
		r.Body = in.counted
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
