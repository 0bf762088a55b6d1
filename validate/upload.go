package validate

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
)

// upload is what a form holds: small files in memory, the rest in one spool.
type upload struct {
	held  int64
	files map[*contract.FormFile]content
	spool spool

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
	at := u.spool.size
	written, err := io.Copy(&u.spool, io.MultiReader(bytes.NewReader(data), from))
	u.files[f] = content{at: at, size: written}
	return written, err
}

// close gives the disk back.
func (u *upload) close() {
	if u != nil {
		u.spool.close()
	}
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
		case c.data != nil:
			cuts, between = append(cuts, frame.Len()), append(between, bytes.NewReader(c.data))
			u.size += c.size
		default:
			cuts, between = append(cuts, frame.Len()), append(between, io.NewSectionReader(u.spool.file, c.at, c.size))
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
	} else if v.Type != "" { // which tells some readers how to take it
		h.Set("Content-Type", v.Type)
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
