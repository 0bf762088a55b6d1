package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
)

// errSpool is a disk that does not take what does not fit into memory.
var errSpool = errors.New("keeping an uploaded file")

// upload is what a form holds: small files in memory, the rest in one file of
// os.TempDir that lost its name at once, so that nothing stays behind when the
// program ends.
type upload struct {
	held    int64
	files   map[*contract.FormFile]content
	spool   *os.File
	spooled int64

	body        io.Reader // the form written anew
	size        int64
	contentType string
}

// content is where the bytes of one file are.
type content struct {
	data     []byte
	at, size int64 // in the spool, when data is nil
}

func newUpload() *upload {
	return &upload{files: map[*contract.FormFile]content{}}
}

// keep reads a file to its end.
func (u *upload) keep(f *contract.FormFile, from io.Reader) (size int64, err error) {
	room := maxMemory - u.held
	data, err := io.ReadAll(io.LimitReader(from, room+1))
	if err != nil {
		return 0, err
	}
	if int64(len(data)) <= room {
		u.held += int64(len(data))
		u.files[f] = content{data: data, size: int64(len(data))}
		return int64(len(data)), nil
	}
	if u.spool == nil {
		if u.spool, err = os.CreateTemp("", "gatehouse-upload-*"); err != nil {
			return 0, fmt.Errorf("%w: %w", errSpool, err)
		}
		_ = os.Remove(u.spool.Name()) // where an open file cannot be removed, close does it
	}
	source := io.MultiReader(bytes.NewReader(data), from)
	written, err := io.Copy(spoolWriter{u.spool}, source)
	u.files[f] = content{at: u.spooled, size: written}
	u.spooled += written
	return written, err
}

// spoolWriter tells errors of the disk from those of the client.
type spoolWriter struct{ file *os.File }

// Write writes.
func (w spoolWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errSpool, err)
	}
	return n, err
}

// close gives the disk back.
func (u *upload) close() {
	if u == nil || u.spool == nil {
		return
	}
	_ = u.spool.Close()
	_ = os.Remove(u.spool.Name())
}

// write writes the form anew from what was validated: its own boundary, its own
// header lines, no preamble, no epilogue.
func (u *upload) write(values []contract.FormValue) {
	var frame bytes.Buffer
	w := multipart.NewWriter(&frame)
	var cuts []int // where in the frame a file comes
	var between []io.Reader
	for _, v := range values {
		// A bytes.Buffer takes everything: there is no error to look at.
		part, _ := w.CreatePart(partHeader(v))
		switch c := u.files[v.File]; {
		case v.File == nil:
			_, _ = io.WriteString(part, v.Text)
		case c.data != nil || u.spool == nil:
			cuts, between = append(cuts, frame.Len()), append(between, bytes.NewReader(c.data))
			u.size += c.size
		default:
			cuts, between = append(cuts, frame.Len()), append(between, io.NewSectionReader(u.spool, c.at, c.size))
			u.size += c.size
		}
	}
	_ = w.Close()
	var pieces []io.Reader
	from := 0
	for i, cut := range cuts {
		pieces = append(pieces, bytes.NewReader(frame.Bytes()[from:cut]), between[i])
		from = cut
	}
	pieces = append(pieces, bytes.NewReader(frame.Bytes()[from:]))
	u.size += int64(frame.Len())
	u.body, u.contentType = io.MultiReader(pieces...), w.FormDataContentType()
}

var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func partHeader(v contract.FormValue) textproto.MIMEHeader {
	line := `form-data; name="` + quoted.Replace(v.Name) + `"`
	h := textproto.MIMEHeader{}
	if v.File != nil {
		name := v.File.Name
		if name == "" {
			name = "file" // without one, readers take it for a text
		}
		line += `; filename="` + quoted.Replace(name) + `"`
		h.Set("Content-Type", v.File.Type)
	}
	h.Set("Content-Disposition", line)
	return h
}

// settle puts the form in the place of the body.
func (u *upload) settle(r *http.Request) {
	r.Body, r.ContentLength = io.NopCloser(u.body), u.size
	r.Header.Set("Content-Type", u.contentType)
	r.Header.Set("Content-Length", strconv.FormatInt(u.size, 10))
}
