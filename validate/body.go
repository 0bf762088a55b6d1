package validate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// input is a body that was validated.
type input struct {
	body   []byte  // as it travels on; nil without one
	value  []byte  // as JSON, for those who bind it
	upload *upload // multipart/form-data, in place of body
	sent   *sent   // what is kept of the body for the case that it is refused
	read   bool    // every member was looked at, also when the body is refused

	// For the report of a body that is refused.
	decode   func(*contract.Operation) *problem.Error // decodes it again; nil when it could not be read
	form     bool                                     // multipart/form-data
	large    bool                                     // it is larger than the operation allows
	size     int64                                    // what a compressed one holds; 0 when that is not known
	unpacked error                                    // why it is not known
	counted  *counted                                 // on its way to the handler
}

// close gives back what is kept on the disk, and tells how large a body was that
// the handler alone has read.
func (in input) close(c *call.Call) {
	in.upload.close()
	in.sent.close()
	if in.counted != nil && in.counted.whole.Load() {
		c.Learned("validate", "BODY_TOO_LARGE", sizeLine(c, in.counted.size.Load(), in.form))
	}
}

// hadBody tells whether a request has a body, or may have one of unknown length.
func hadBody(r *http.Request) bool { return r.ContentLength != 0 }

// readBody reads and decodes the body. What the header alone refuses is refused
// before a byte is read.
// With again what was sent is kept, where it is not read through the buffer of
// the call, which keeps it anyway.
func (l *layer) readBody(c *call.Call, r *http.Request, again bool) (in input, refusal *problem.Error) {
	op, role := c.Operation(), c.Principal().RoleOf()
	if !hadBody(r) {
		d, refusal := op.Decode(role, "", nil)
		in.read = d.Read
		return in, refusal
	}
	if coding, _ := codingOf(r.Header.Values("Content-Encoding")); again && coding != "" {
		in.keep(c, r)
	}
	zipped, refusal := decode(op, r)
	if refusal != nil {
		return in, refusal
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
			if in.form = true; again && zipped == nil {
				in.keep(c, r)
			}
			refusal = l.readUpload(c, r, uploadOf{op, media, role, contentType}, &in)
			return in, in.measured(zipped, refusal, again)
		}
	}
	data, refusal := c.Body(r, op.MaxBody)
	if refusal != nil {
		return in, in.measured(zipped, refusal, again)
	}
	if again {
		in.decode = func(op *contract.Operation) *problem.Error {
			_, refusal := op.Decode(role, contentType, data)
			return refusal
		}
	}
	d, refusal := op.Decode(role, contentType, data)
	noteUnknown(c, d.Unknown)
	in.body, in.value, in.read = d.Body, d.Value, d.Read
	return in, refusal
}

// measured explains why a body could not be read. With again it finds out how
// much there is in one that is compressed and too large.
func (in *input) measured(z *inflater, refusal *problem.Error, again bool) *problem.Error {
	refusal = z.explain(refusal)
	in.large = refusal != nil && refusal.Status == http.StatusRequestEntityTooLarge && !errors.Is(refusal.Cause, errTexts)
	if in.large && again && z != nil {
		in.size, in.unpacked = z.measure()
	}
	return refusal
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
