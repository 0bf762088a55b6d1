package validate

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// asked is a body that notes how much of it was asked for and taken.
type asked struct {
	from  io.Reader
	most  int
	taken int
	shut  bool
}

func (a *asked) Read(p []byte) (int, error) {
	a.most = max(a.most, len(p))
	n, err := a.from.Read(p)
	a.taken += n
	return n, err
}

func (a *asked) Close() error {
	a.shut = true
	return errors.New("shut")
}

func TestCappedAsksForOneByteMore(t *testing.T) {
	body := &asked{from: strings.NewReader(strings.Repeat("a", 100))}
	b := &capped{body: body, left: 10}
	for range 2 {
		if n, err := b.Read(make([]byte, 100)); n != 0 || !errors.Is(err, errBodySize) || body.taken != 11 {
			t.Errorf("%d bytes of %d, %v", n, body.taken, err)
		}
	}
	if body.most != 11 {
		t.Errorf("%d bytes were asked for, of 10 that are allowed", body.most)
	}
}

// TestFilesAreReadToTheirCap: of a file larger than its cap one byte more is
// read, which tells that it is larger, and a cap of 0 is one.
func TestFilesAreReadToTheirCap(t *testing.T) {
	for limit, want := range map[int64]int64{0: 1, 10: 11, -1: 100} {
		s := &reading{uploadOf: uploadOf{op: &contract.Operation{Unknown: contract.Allow}, media: &contract.Media{}}, upload: newUpload()}
		f := &contract.FormFile{Name: "a", Type: "text/plain"}
		refusal := s.file(strings.NewReader(strings.Repeat("a", 100)), contract.FormValue{Name: "f", File: f}, contract.Part{Max: limit})
		if refusal != nil || f.Size != want || s.upload.held != want {
			t.Errorf("a cap of %d: %d, %d held, %v", limit, f.Size, s.upload.held, refusal)
		}
	}
}

// TestUnknownFilesAreKeptWhereTheyPass: under allow and report they do.
func TestUnknownFilesAreKeptWhereTheyPass(t *testing.T) {
	for policy, want := range map[contract.Unknown]int{contract.Allow: 1, contract.Report: 1, contract.Strip: 0, contract.Reject: 0} {
		s := &reading{uploadOf: uploadOf{op: &contract.Operation{Unknown: policy}, media: &contract.Media{}}, upload: newUpload()}
		f := &contract.FormFile{Name: "a", Type: "text/plain"}
		if refusal := s.file(strings.NewReader("a"), contract.FormValue{Name: "f", File: f}, contract.Part{Max: -1}); refusal != nil || len(s.upload.files) != want || len(s.sent) != 1 {
			t.Errorf("%v: %d kept, %d sent, %v", policy, len(s.upload.files), len(s.sent), refusal)
		}
	}
}

// TestPartsThatBreakOff: a client that goes within a part is refused there.
func TestPartsThatBreakOff(t *testing.T) {
	gone := errors.New("the client has gone")
	s := &reading{uploadOf: uploadOf{op: &contract.Operation{Unknown: contract.Allow}, media: &contract.Media{}}, upload: newUpload()}
	text := s.text(iotest.ErrReader(gone), "title", "")
	file := s.file(iotest.ErrReader(gone), contract.FormValue{Name: "f", File: &contract.FormFile{Name: "a"}}, contract.Part{Max: -1})
	for _, refusal := range []*problem.Error{text, file} {
		if refusal == nil || refusal.Status != 400 || !errors.Is(refusal.Cause, gone) {
			t.Errorf("%v", refusal)
		}
	}
	if size, err := newUpload().keep(&contract.FormFile{}, iotest.ErrReader(gone)); size != 0 || !errors.Is(err, gone) {
		t.Errorf("%d %v", size, err)
	}
	t.Setenv("TMPDIR", "/nowhere/at/all")
	if size, err := newUpload().keep(&contract.FormFile{}, strings.NewReader(strings.Repeat("a", maxMemory+1))); size != 0 || !errors.Is(err, errSpool) {
		t.Errorf("%d %v", size, err)
	}
}

// bytesOut is a decompressor that gives what it has, whatever was sent.
func bytesOut(produced int, sent int64) *inflater {
	z := inflate(strings.NewReader(""), 1<<20)
	z.out, z.sent = strings.NewReader(strings.Repeat("a", produced)), sent
	return z
}

// TestBombsToTheByte: beyond 64 KiB a body may be 100 times what was sent.
func TestBombsToTheByte(t *testing.T) {
	for _, c := range []struct {
		produced int
		sent     int64
		bomb     bool
	}{
		{64 << 10, 1, false}, {64<<10 + 1, 1, true},
		{100 * 700, 700, false}, {100*700 + 1, 700, true}, {100*700 - 1, 700, false},
	} {
		n, err := bytesOut(c.produced, c.sent).Read(make([]byte, 1<<20))
		if errors.Is(err, errBomb) != c.bomb || n != c.produced {
			t.Errorf("%d of %d: %d, %v", c.produced, c.sent, n, err)
		}
	}
	z := bytesOut(64<<10+1, 1)
	_, _ = z.Read(make([]byte, 1<<20))
	if n, err := z.Read(make([]byte, 1)); n != 0 || !errors.Is(err, errBomb) {
		t.Errorf("reading on: %d, %v", n, err)
	}
}

// inflate is a gzip body that may have limit compressed bytes.
func inflate(from io.Reader, limit int64) *inflater {
	z := &inflater{body: &asked{from: from}, coding: "gzip", limit: limit}
	z.in = bufio.NewReader(countReader{z})
	return z
}

// TestCompressedBytesAreCounted: the byte after the limit tells that there is
// more; beyond it nothing is read.
func TestCompressedBytesAreCounted(t *testing.T) {
	z := inflate(strings.NewReader(strings.Repeat("a", 100)), 10)
	one := make([]byte, 1)
	for i := range 11 {
		if n, err := (countReader{z}).Read(one); n != 1 || err != nil {
			t.Fatalf("byte %d: %d, %v", i, n, err)
		}
	}
	if n, err := (countReader{z}).Read(one); n != 0 || !errors.Is(err, errTooMuch) {
		t.Errorf("a byte too many: %d, %v", n, err)
	}
}

func TestCompressedBodiesThatFail(t *testing.T) {
	z := inflate(strings.NewReader("not gzip at all"), 100)
	for range 2 {
		if n, err := z.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	refusal := problem.Malformed("The body cannot be read")
	if got := z.explain(refusal); got == refusal || got.Status != 400 {
		t.Errorf("%v", got)
	}
	if z.explain(nil) != nil {
		t.Error("a body that was not refused is")
	}
	slow := inflate(iotest.ErrReader(os.ErrDeadlineExceeded), 100)
	late := problem.New(408, "BODY_TOO_SLOW", "Request Timeout", "late")
	if _, err := slow.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || slow.explain(late) != late {
		t.Errorf("a slow body: %v, %v", err, slow.explain(late))
	}
	if err := z.Close(); err == nil || !z.body.(*asked).shut {
		t.Errorf("the body stays open: %v", err)
	}
}
