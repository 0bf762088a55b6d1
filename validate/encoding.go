package validate

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// maxRatio is how much larger than what was sent a body may become, beyond
// freeRatio bytes of which nobody asks: text hardly gets past 20, a bomb begins
// at 1000.
const (
	maxRatio  = 100
	freeRatio = 64 << 10
)

// decode puts in the place of a compressed body what it holds, for as many bytes
// as the operation allows. It refuses a content coding that the contract does
// not state (RFC 9110 §15.5.16), and more than one. A body that is too large by its
// stated length stays as it is: whoever reads it refuses it for that.
func decode(op *contract.Operation, r *http.Request) (*inflater, *problem.Error) {
	coding, several := codingOf(r.Header.Values("Content-Encoding"))
	if coding == "" {
		return nil, nil
	}
	if several || !slices.Contains(op.Encodings, coding) {
		detail := "Send the body without Content-Encoding"
		if len(op.Encodings) > 0 {
			detail += ", or with one of: " + strings.Join(op.Encodings, ", ")
		}
		return nil, problem.New(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type", detail).
			With("Accept-Encoding", strings.Join(append(slices.Clone(op.Encodings), "identity"), ", "))
	}
	z := &inflater{body: r.Body, coding: coding, limit: op.MaxBody}
	z.in = bufio.NewReader(countReader{z})
	if r.ContentLength <= op.MaxBody {
		r.Body, r.ContentLength = z, -1
	}
	return z, nil
}

func bodyTooLarge(detail string) *problem.Error {
	return problem.TooLarge(detail).With("Connection", "close")
}

// codingOf is the content coding of a body, "" for none.
func codingOf(lines []string) (coding string, several bool) {
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			switch name {
			case "", "identity":
				continue
			case "x-gzip": // RFC 9110 §8.4.1.3
				name = "gzip"
			}
			if coding != "" {
				several = true
			}
			coding = name
		}
	}
	return coding, several
}

var (
	errBomb     = errors.New("the body grows too much when it is decompressed")
	errTooMuch  = errors.New("the compressed body is larger than the operation allows")
	errTrailing = errors.New("there is more after the end of the compressed body")
)

// inflater is a compressed body as what it holds.
type inflater struct {
	body     io.ReadCloser
	in       *bufio.Reader
	out      io.Reader
	coding   string
	limit    int64
	sent     int64 // compressed bytes taken
	produced int64
	err      error // why it broke off
}

// countReader counts what is taken of the compressed body.
type countReader struct{ z *inflater }

// Read reads compressed bytes, as many as the operation allows. A stream of
// empty blocks has no end and holds nothing.
func (c countReader) Read(p []byte) (int, error) {
	if c.z.sent > c.z.limit {
		return 0, errTooMuch
	}
	n, err := c.z.body.Read(p)
	c.z.sent += int64(n)
	return n, err
}

// Read reads what the body holds.
func (z *inflater) Read(p []byte) (int, error) {
	if z.err != nil {
		return 0, z.err
	}
	if z.out == nil {
		if z.err = z.open(); z.err != nil {
			return 0, z.err
		}
	}
	n, err := z.out.Read(p)
	z.produced += int64(n)
	switch {
	case z.produced > freeRatio && z.produced > maxRatio*z.sent:
		z.err = errBomb
	case err == io.EOF:
		if _, more := z.in.ReadByte(); more != io.EOF {
			z.err = errTrailing
			break
		}
		return n, io.EOF
	case err != nil:
		z.err = err
	}
	return n, z.err
}

func (z *inflater) open() error {
	if z.coding == "deflate" {
		out, err := zlib.NewReader(z.in)
		z.out = out
		return err
	}
	out, err := gzip.NewReader(z.in)
	if err != nil {
		return err
	}
	out.Multistream(false) // one body, one member: what follows is trailing data
	z.out = out
	return nil
}

// maxMeasured is how many bytes of a body that is too large are unpacked to find
// out how large it is, mostTimes how many times the size that the operation allows.
const (
	maxMeasured = 64 << 20
	mostTimes   = 16
)

// measure reads on to the end of a body that is too large, and tells how large
// it is: unpacked, or as it was sent when that is larger.
func (z *inflater) measure() (int64, error) {
	z.limit = max(z.limit, min(mostTimes*z.limit, maxMeasured))
	_, err := io.CopyN(io.Discard, z, z.limit)
	switch {
	case err == io.EOF:
		return max(z.produced, z.sent), nil
	case err == nil:
		return 0, errTooMuch
	}
	return 0, err
}

// Close closes the body itself.
func (z *inflater) Close() error { return z.body.Close() }

// explain says why a body could not be read, when the reason is its coding.
func (z *inflater) explain(refusal *problem.Error) *problem.Error {
	switch {
	case z == nil || refusal == nil || z.err == nil || errors.Is(z.err, os.ErrDeadlineExceeded):
		return refusal
	case errors.Is(z.err, errBomb), errors.Is(z.err, errTooMuch):
		return bodyTooLarge("The body is larger than this operation allows, or grows too much when it is decompressed").Because(z.err)
	}
	return problem.Malformed("The body is not well-formed " + z.coding).Because(z.err)
}
