package validate

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// input is a body that was validated.
type input struct {
	body   []byte  // as it travels on; nil without one
	value  []byte  // as JSON, for those who bind it
	upload *upload // multipart/form-data, in place of body
}

// hadBody tells whether a request has a body, or may have one of unknown length.
func hadBody(r *http.Request) bool { return r.ContentLength != 0 }

// readBody reads and decodes the body. What the header alone refuses is refused
// before a byte is read.
// With again the bytes that were sent stay with the call.
func (l *layer) readBody(c *call.Call, r *http.Request, again bool) (in input, refusal *problem.Error) {
	op, role := c.Operation(), c.Principal().RoleOf()
	if !hadBody(r) {
		_, refusal = op.Decode(role, "", nil)
		return in, refusal
	}
	if again && streamed(r) {
		if refusal = keepSent(c, r); refusal != nil {
			return in, refusal
		}
	}
	length := r.ContentLength
	zipped, refusal := decode(op, r)
	if refusal != nil {
		return in, refusal
	}
	if zipped != nil {
		defer func() {
			if refusal != nil {
				r.ContentLength = length
			}
		}()
	}
	types := r.Header.Values("Content-Type")
	if len(types) > 1 {
		return in, problem.Malformed("Content-Type is stated more than once")
	}
	contentType := strings.Join(types, "")
	if op.Body != nil {
		switch media, refusal := op.Body.Media(contentType); {
		case refusal != nil && (contentType != "" || r.ContentLength != -1 || zipped != nil):
			return in, refusal
		case refusal != nil: // nothing is said of it, and it may be none
		case media.Multipart && media.Schema != nil:
			in, refusal = l.readUpload(c, r, uploadOf{op, media, role, contentType})
			return in, zipped.explain(refusal)
		}
	}
	data, refusal := bodyOf(c, r, zipped != nil && again)
	if refusal != nil {
		return in, zipped.explain(refusal)
	}
	d, refusal := op.Decode(role, contentType, data)
	noteUnknown(c, d.Unknown)
	return input{body: d.Body, value: d.Value}, refusal
}

// streamed tells whether a body is not read through the buffer of the call.
func streamed(r *http.Request) bool {
	return r.Header.Get("Content-Encoding") != "" || strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/")
}

// keepSent reads what was sent into the buffer of the call, where it stays.
func keepSent(c *call.Call, r *http.Request) *problem.Error {
	data, refusal := c.Body(r, c.Operation().MaxBody)
	if refusal == nil {
		r.Body = io.NopCloser(bytes.NewReader(data))
	}
	return refusal
}

// bodyOf reads the body, beside the buffer when that holds what was sent.
func bodyOf(c *call.Call, r *http.Request, beside bool) ([]byte, *problem.Error) {
	limit := c.Operation().MaxBody
	if !beside {
		return c.Body(r, limit)
	}
	if refusal := c.Reserve(limit); refusal != nil {
		return nil, refusal
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, problem.Malformed("The body cannot be read").Because(err)
	case int64(len(data)) > limit:
		return nil, bodyTooLarge("The body is larger than this operation allows")
	}
	return data, nil
}

func noteUnknown(c *call.Call, unknown []problem.Field) {
	for _, f := range unknown {
		c.Note("validate", f.Code, placeOf(c.Operation(), f))
	}
}

// settle puts what was validated in the place of what was sent, and corrects
// what the header says of it.
func (in input) settle(r *http.Request) {
	r.TransferEncoding, r.Trailer = nil, nil
	r.Header.Del("Content-Encoding")
	r.Header.Del("Trailer")
	switch {
	case in.upload != nil:
		in.upload.settle(r)
	case in.body == nil:
		r.Body, r.ContentLength = http.NoBody, 0
		r.Header.Del("Content-Type")
		r.Header.Del("Content-Length")
	default:
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(in.body)), int64(len(in.body))
		r.Header.Set("Content-Length", strconv.Itoa(len(in.body)))
	}
}
