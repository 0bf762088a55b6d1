package validate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// sent is a body as it was sent, kept while it is read: what the handler gets
// when the mode report lets through what was read. The beginning is held in
// memory when there is room, the rest on the disk, for it may be as large as the
// operation allows and the pool of all bodies is for those that are held.
type sent struct {
	body    io.ReadCloser
	reserve func(int64) *problem.Error
	length  int64 // stated

	asked bool  // for memory
	room  int64 // bytes of memory
	begun []byte
	spool spool
	err   error // why the body broke off
	lost  error // why it could not be kept
}

// keep puts in the place of the body one that is kept while it is read.
func (in *input) keep(c *call.Call, r *http.Request) {
	in.sent = &sent{body: c.Stream(r), reserve: c.Reserve, length: r.ContentLength}
	r.Body = in.sent
}

// Read reads on. What cannot be kept is read all the same: only a refusal asks
// for it.
func (s *sent) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if err != io.EOF {
		s.err = err
	}
	if n > 0 && s.lost == nil {
		s.lost = s.keep(p[:n])
	}
	return n, err
}

func (s *sent) keep(p []byte) error {
	if !s.asked { // after whoever reads has asked for his own
		if s.asked = true; s.reserve(maxMemory) == nil {
			s.room = maxMemory
		}
	}
	if s.spool.file == nil && int64(len(s.begun)+len(p)) <= s.room {
		s.begun = append(s.begun, p...)
		return nil
	}
	_, err := s.spool.Write(p)
	return err
}

// Close closes the body itself.
func (s *sent) Close() error { return s.body.Close() }

// again puts the whole body back into the request: what was read, and then what
// was not. It refuses a body that broke off, and one that was lost.
func (s *sent) again(r *http.Request) *problem.Error {
	switch {
	case errors.Is(s.err, os.ErrDeadlineExceeded):
		return tooSlow(s.err)
	case s.err != nil:
		return problem.Malformed("The body ended before its stated length").Because(s.err)
	case s.lost != nil:
		return problem.Unavailable(time.Second, s.lost)
	}
	whole := []io.Reader{bytes.NewReader(s.begun)}
	if s.spool.file != nil {
		whole = append(whole, io.NewSectionReader(s.spool.file, 0, s.spool.size))
	}
	r.Body, r.ContentLength = joined{io.MultiReader(append(whole, s.body)...), s.body}, s.length
	return nil
}

// counted is a body of unknown length that is too large, on its way to the
// handler, which alone finds out how large it is. A proxy may still read it when
// it has answered.
type counted struct {
	io.ReadCloser
	size  atomic.Int64
	whole atomic.Bool
}

// Read reads.
func (b *counted) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.size.Add(int64(n)); err == io.EOF {
		b.whole.Store(true)
	}
	return n, err
}

// unsized tells whether only the handler can find out how large the body is.
func (in input) unsized(r *http.Request) bool {
	coding, _ := codingOf(r.Header.Values("Content-Encoding"))
	return in.large && r.ContentLength < 0 && coding == ""
}

// joined is a body in pieces.
type joined struct {
	io.Reader
	io.Closer
}

// close gives the disk back.
func (s *sent) close() {
	if s != nil {
		s.spool.close()
	}
}
