package validate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http/httptest"
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

// zeros is a body of n bytes that are made as they are read.
type zeros int64

func (z *zeros) Read(p []byte) (int, error) {
	n := min(int64(len(p)), int64(*z))
	if *z -= zeros(n); n == 0 {
		return 0, io.EOF
	}
	return int(n), nil
}

// TestMeasuredToTheByte: what is unpacked only to find out its size stays below
// 16 times the size that is allowed, and below 64 MiB where that is less; a size
// beyond it is still read to its end.
func TestMeasuredToTheByte(t *testing.T) {
	gone := errors.New("the client has gone")
	for _, c := range []struct {
		limit, holds, sent, want int64
		ends, err                error
	}{
		{limit: 10, holds: 159, want: 159},
		{limit: 10, holds: 160, err: errTooMuch},
		{limit: 10, holds: 20, sent: 30, want: 30},
		{limit: 5 << 20, holds: 64<<20 - 1, sent: 1 << 20, want: 64<<20 - 1},
		{limit: 5 << 20, holds: 64 << 20, sent: 1 << 20, err: errTooMuch},
		{limit: 70 << 20, holds: 70<<20 - 1, sent: 1 << 20, want: 70<<20 - 1},
		{limit: 10, holds: 20, ends: gone, err: gone},
	} {
		z, from := inflate(strings.NewReader(""), c.limit), zeros(c.holds)
		z.out, z.sent = &from, c.sent
		if c.ends != nil {
			z.out = io.MultiReader(&from, iotest.ErrReader(c.ends))
		}
		if size, err := z.measure(); size != c.want || !errors.Is(err, c.err) {
			t.Errorf("%d bytes where %d are allowed: %d, %v", c.holds, c.limit, size, err)
		}
	}
}

// numbered is a text of which no piece is like another.
var numbered = func() string {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "%06d", i)
	}
	return b.String()
}()

// pieces is a body that comes in pieces of these sizes, in turn.
type pieces struct {
	text  string
	sizes []int
	next  int
}

func (b *pieces) Read(p []byte) (int, error) {
	if b.text == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), b.sizes[b.next%len(b.sizes)])], b.text)
	b.text = b.text[n:]
	b.next++
	return n, nil
}

// TestSentIsKeptInMemoryToTheByte: 32 KiB of it, when the pool has room for them;
// the rest goes to the disk, and is one body with the beginning.
func TestSentIsKeptInMemoryToTheByte(t *testing.T) {
	const memory = 32 << 10
	for _, c := range []struct {
		size   int
		pieces []int
		room   int64
		asked  int64
		disk   bool
	}{
		{memory, []int{1 << 10}, memory, memory, false},
		{memory + 1, []int{1 << 10}, memory, memory, true},
		{3, []int{1}, memory - 1, memory, true},
		{3, []int{1}, memory + 1, memory, false},
		{36_000, []int{7_000, 7_000, 7_000, 7_000, 7_000, 1_000}, memory, memory, true}, // the last piece would fit behind the fourth
		{0, nil, memory, 0, false},
	} {
		text := numbered[:c.size]
		asked := int64(0)
		s := &sent{body: io.NopCloser(&pieces{text: text, sizes: c.pieces}), reserve: func(n int64) *problem.Error {
			if asked += n; asked > c.room {
				return problem.Unavailable(0, nil)
			}
			return nil
		}}
		if _, err := io.Copy(io.Discard, s); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/", nil)
		refusal := s.again(r)
		data, err := io.ReadAll(r.Body)
		if refusal != nil || err != nil || string(data) != text || (s.spool.file != nil) != c.disk || asked != c.asked {
			t.Errorf("%d bytes, room for %d: %v, %d bytes, %v, on the disk %v, asked for %d", c.size, c.room, refusal, len(data), err, s.spool.file != nil, asked)
		}
		s.close()
	}
	shut := &asked{from: strings.NewReader("")}
	if err := (&sent{body: shut}).Close(); err == nil || !shut.shut {
		t.Errorf("the body stays open: %v", err)
	}
}

// TestSentWithAHoleIsLost: also where the disk takes what comes later.
func TestSentWithAHoleIsLost(t *testing.T) {
	full := func(int64) *problem.Error { return problem.Unavailable(0, nil) }
	s := &sent{body: io.NopCloser(strings.NewReader("abc")), reserve: full}
	defer s.close()
	for _, dir := range []string{t.TempDir(), "/nowhere/at/all", t.TempDir()} {
		t.Setenv("TMPDIR", dir)
		if dir == "/nowhere/at/all" {
			s.spool.close()
		}
		if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if refusal := s.again(httptest.NewRequest("POST", "/", nil)); refusal == nil || refusal.Status != 503 || !errors.Is(refusal.Cause, errSpool) {
		t.Errorf("%v", refusal)
	}
}

// TestCausesOfBrokenForms: a body that broke off is told as what it is; what
// mime/multipart says quotes the line, where a password may be.
func TestCausesOfBrokenForms(t *testing.T) {
	for body, brokeOff := range map[string]bool{"--b\r\n": true, "--b\r\nsecret\r\n\r\n": false} {
		s := &reading{upload: newUpload()}
		refusal := s.all(multipart.NewReader(io.MultiReader(strings.NewReader(body), iotest.ErrReader(io.ErrUnexpectedEOF)), "b"))
		if refusal == nil || refusal.Cause == nil || errors.Is(refusal.Cause, io.ErrUnexpectedEOF) != brokeOff || strings.Contains(refusal.Cause.Error(), "secret") {
			t.Errorf("%q: %v", body, refusal)
		}
	}
}
