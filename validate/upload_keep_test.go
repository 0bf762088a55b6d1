package validate

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gatehouse-api/gatehouse/contract"
)

// kept reads what is kept of a file.
func kept(t *testing.T, u *upload, f *contract.FormFile) string {
	t.Helper()
	c := u.files[f]
	if c.data != nil {
		return string(c.data)
	}
	data, err := io.ReadAll(io.NewSectionReader(u.spool.file, c.at, c.size))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestMemoryOfFilesIsCounted: all files of a form together have 32 KiB of memory,
// to the byte; what is beyond it goes to the disk, each file in its own place.
func TestMemoryOfFilesIsCounted(t *testing.T) {
	u := newUpload()
	defer u.close()
	var files []*contract.FormFile
	texts := []string{strings.Repeat("a", 20_000), strings.Repeat("b", maxMemory-20_000), "c", strings.Repeat("d", 40_000), "", strings.Repeat("e", 7)}
	for i, text := range texts {
		f := &contract.FormFile{Size: int64(i)}
		files = append(files, f)
		if size, err := u.keep(f, strings.NewReader(text)); err != nil || size != int64(len(text)) {
			t.Fatalf("file %d: %d %v", i, size, err)
		}
		if onDisk := u.files[f].data == nil; onDisk != (i == 2 || i == 3 || i == 5) {
			t.Errorf("file %d: on the disk %v", i, onDisk)
		}
	}
	for i, f := range files {
		if got := kept(t, u, f); got != texts[i] {
			t.Errorf("file %d: %d bytes, want %d", i, len(got), len(texts[i]))
		}
	}
	if u.held != maxMemory || u.spool.size != 40_008 {
		t.Errorf("%d held, %d on the disk", u.held, u.spool.size)
	}
	var values []contract.FormValue
	for _, f := range files {
		values = append(values, contract.FormValue{Name: "f", File: f})
	}
	u.write(values)
	whole, err := io.ReadAll(u.body)
	if err != nil || int64(len(whole)) != u.size {
		t.Fatalf("%d bytes, %d stated: %v", len(whole), u.size, err)
	}
	at := 0
	for i, text := range texts {
		next := bytes.Index(whole[at:], []byte("\r\n\r\n"+text+"\r\n--"))
		if next < 0 {
			t.Fatalf("file %d does not come in its turn", i)
		}
		at += next + 4 + len(text)
	}
}

func TestUploadIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	u := newUpload()
	if _, err := u.keep(&contract.FormFile{}, strings.NewReader(strings.Repeat("a", maxMemory+1))); err != nil {
		t.Fatal(err)
	}
	spool := u.spool.file
	u.close()
	if _, err := spool.WriteString("x"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is open still: %v", err)
	}
	if err := os.WriteFile(spool.Name(), nil, 0o600); err != nil { // somebody else, who happens on the same name
		t.Fatal(err)
	}
	u.close()
	if err := os.Remove(spool.Name()); err != nil {
		t.Errorf("given back twice: %v", err)
	}
	(*upload)(nil).close()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%d files left: %v", len(entries), err)
	}
}

func TestFilesThatCannotBeKept(t *testing.T) {
	broken := errors.New("the client has gone")
	for name, text := range map[string]string{"in memory": "a", "on the disk": strings.Repeat("a", maxMemory+1)} {
		u := newUpload()
		_, err := u.keep(&contract.FormFile{}, io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) || errors.Is(err, errSpool) {
			t.Errorf("%s: %v", name, err)
		}
		u.close()
	}
	u := newUpload()
	if _, err := u.keep(&contract.FormFile{}, strings.NewReader(strings.Repeat("a", maxMemory+1))); err != nil {
		t.Fatal(err)
	}
	_ = u.spool.file.Close() // as a disk that is full
	if _, err := u.keep(&contract.FormFile{}, strings.NewReader(strings.Repeat("b", maxMemory+1))); !errors.Is(err, errSpool) {
		t.Errorf("a disk that takes nothing: %v", err)
	}
}

func TestCappedReadsToTheByte(t *testing.T) {
	for _, n := range []int{0, 9, 10} {
		b := &capped{body: strings.NewReader(strings.Repeat("a", n)), left: 10}
		if data, err := io.ReadAll(b); err != nil || len(data) != n || b.explain(nil) != nil {
			t.Errorf("%d bytes: %d %v", n, len(data), err)
		}
	}
	b := &capped{body: strings.NewReader(strings.Repeat("a", 11)), left: 10}
	if _, err := io.ReadAll(b); !errors.Is(err, errBodySize) || b.explain(nil).Status != 413 {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, errBodySize) {
		t.Errorf("reading on: %v", err)
	}
	slow := &capped{body: iotest.ErrReader(os.ErrDeadlineExceeded), left: 10}
	if _, err := io.ReadAll(slow); err == nil || slow.explain(nil).Status != 408 {
		t.Errorf("a slow body: %v", err)
	}
}

func TestRatioAndSizeToTheByte(t *testing.T) {
	if maxRatio != 100 || freeRatio != 65536 || maxParts != 100 || maxText != 65536 || maxTexts != 131072 || maxMemory != 32768 || maxFilename != 255 || maxFiltered != 8<<20 {
		t.Error("a limit is not the one that docs/reference/validation.md states")
	}
	for _, c := range []struct {
		lines   []string
		coding  string
		several bool
	}{
		{nil, "", false}, {[]string{"identity"}, "", false}, {[]string{"", "identity, gzip"}, "gzip", false},
		{[]string{"gzip", "gzip"}, "gzip", true}, {[]string{"deflate, GZIP"}, "gzip", true},
	} {
		if coding, several := codingOf(c.lines); coding != c.coding || several != c.several {
			t.Errorf("%q: %q %v", c.lines, coding, several)
		}
	}
}
