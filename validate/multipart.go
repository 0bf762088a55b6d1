package validate

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Limits of multipart/form-data beside the size of the body. Texts are held in
// memory, files only while they are small; the rest goes to a file that has no
// name.
const (
	maxParts  = 100
	maxText   = 64 << 10  // bytes of one text
	maxTexts  = 128 << 10 // bytes of all texts
	maxMemory = 32 << 10  // bytes of files held in memory
)

// uploadOf is what the contract and the caller say of a body that is read.
type uploadOf struct {
	op          *contract.Operation
	media       *contract.Media
	role        string
	contentType string
}

// reading is the state of reading one body.
type reading struct {
	uploadOf
	upload *upload
	sent   []contract.FormValue
	faults []problem.Field
	texts  int64
}

// readUpload reads multipart/form-data part by part and validates it.
func (l *layer) readUpload(c *call.Call, r *http.Request, of uploadOf, in *input) *problem.Error {
	if r.ContentLength > of.op.MaxBody {
		return bodyTooLarge("The body is larger than this operation allows")
	}
	_, params, err := mime.ParseMediaType(of.contentType)
	if err != nil || params["boundary"] == "" {
		return problem.Malformed("Content-Type states no boundary")
	}
	if refusal := c.Reserve(min(of.op.MaxBody, maxTexts+maxMemory)); refusal != nil {
		return refusal
	}
	u := newUpload()
	state := &reading{uploadOf: of, upload: u}
	body := &capped{body: r.Body, left: of.op.MaxBody}
	if refusal := state.all(multipart.NewReader(body, params["boundary"])); refusal != nil {
		u.close()
		return body.explain(refusal)
	}
	in.decode = func(op *contract.Operation) *problem.Error {
		_, refusal := op.DecodeForm(of.role, of.media, state.sent, state.faults)
		return refusal
	}
	form, refusal := of.op.DecodeForm(of.role, of.media, state.sent, state.faults)
	in.read = form.Read
	if refusal != nil {
		u.close()
		return refusal
	}
	noteUnknown(c, form.Unknown)
	u.write(form.Values)
	in.value, in.upload = form.Value, u
	return nil
}

var errTexts = errors.New("the texts of the form are larger than any form may hold")

var errBodySize = errors.New("the body is larger than the operation allows")

// capped reads as many bytes of a body as the operation allows.
type capped struct {
	body io.Reader
	left int64
	err  error
}

// Read reads.
func (b *capped) Read(p []byte) (int, error) {
	if b.left < 0 {
		b.err = errBodySize
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		n, err = 0, errBodySize
	}
	b.err = err
	return n, err
}

// explain says why the body could not be read, when the reason is not its form.
func (b *capped) explain(refusal *problem.Error) *problem.Error {
	switch {
	case errors.Is(b.err, errBodySize):
		return bodyTooLarge("The body is larger than this operation allows").Because(b.err)
	case errors.Is(b.err, os.ErrDeadlineExceeded):
		return tooSlow(b.err)
	}
	return refusal
}

// unquoted is err, or words for one of mime/multipart, which quotes lines of the
// body, where passwords are.
func unquoted(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return errors.New("the parts of the body cannot be told apart")
}

func tooSlow(cause error) *problem.Error {
	return problem.New(http.StatusRequestTimeout, "BODY_TOO_SLOW", "Request Timeout", "The body did not arrive in time").With("Connection", "close").Because(cause)
}

// all reads the parts.
func (s *reading) all(parts *multipart.Reader) *problem.Error {
	for n := 0; ; n++ {
		part, err := parts.NextRawPart() // raw: what is quoted-printable stays so, and is refused
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return problem.Malformed("The body is not well-formed multipart/form-data").Because(unquoted(err))
		case n == maxParts:
			return problem.Invalid(problem.Field{Code: "limit", Message: "the form must have at most 100 parts"})
		}
		if refusal := s.part(part); refusal != nil {
			return refusal
		}
	}
}

func (s *reading) part(part *multipart.Part) *problem.Error {
	name, filename, isFile, bad := disposition(part)
	if bad != "" {
		return problem.Malformed(bad)
	}
	mediaType, stated := "", ""
	if types := part.Header.Values("Content-Type"); len(types) > 0 {
		kind, params, err := mime.ParseMediaType(types[0])
		charset, named := params["charset"]
		if err != nil || len(types) > 1 || named && !strings.EqualFold(charset, "utf-8") {
			return problem.Malformed("A part of the form has a Content-Type that cannot be read, or another charset than utf-8")
		}
		if mediaType, stated = kind, kind; named {
			stated += "; charset=utf-8"
		}
	}
	about := s.media.Part(name)
	if about.File || isFile && !(s.media.Names(name) && contract.Textual(mediaType)) {
		if mediaType == "" {
			mediaType = "application/octet-stream"
		}
		return s.file(part, contract.FormValue{Name: name, File: &contract.FormFile{Name: safeFilename(filename), Type: mediaType}}, about)
	}
	if !about.Takes(mediaType) {
		s.faults = append(s.faults, problem.Field{Field: s.nameOf(name), Pointer: s.pointerOf(name), Code: "content_type", Message: "must be sent as text"})
	}
	return s.text(part, name, stated)
}

// nameOf is the name of a field when the contract knows it.
func (s *reading) nameOf(name string) string {
	if s.media.Names(name) {
		return name
	}
	return ""
}

func (s *reading) pointerOf(name string) string {
	if name = s.nameOf(name); name == "" {
		return ""
	}
	return "/" + strictjson.EscapeToken(name)
}

// disposition reads who a part is. Two readers must not read two names.
func disposition(part *multipart.Part) (name, filename string, isFile bool, bad string) {
	lines := part.Header.Values("Content-Disposition")
	if len(lines) != 1 {
		return "", "", false, "A part of the form has no Content-Disposition, or two"
	}
	kind, params, err := mime.ParseMediaType(lines[0])
	name = params["name"]
	switch {
	case err != nil || kind != "form-data" || name == "":
		return "", "", false, "A part of the form has a Content-Disposition that is not form-data with a name"
	case !utf8.ValidString(name) || len(name) > 256 || strings.ContainsFunc(name, unicode.IsControl):
		return "", "", false, "A part of the form has a name that is too long or has control characters"
	}
	if encoding := strings.ToLower(part.Header.Get("Content-Transfer-Encoding")); encoding != "" && encoding != "7bit" && encoding != "8bit" && encoding != "binary" {
		return "", "", false, "A part of the form has a Content-Transfer-Encoding (RFC 7578 section 4.7)"
	}
	filename, isFile = params["filename"]
	return name, filename, isFile, ""
}

func (s *reading) text(part io.Reader, name, mediaType string) *problem.Error {
	data, err := io.ReadAll(io.LimitReader(part, maxText+1))
	if err != nil {
		return problem.Malformed("The body is not well-formed multipart/form-data").Because(err)
	}
	s.texts += int64(len(data))
	switch {
	case len(data) > maxText || s.texts > maxTexts:
		return bodyTooLarge("A text of the form, or all of them, is larger than a form may hold").Because(errTexts)
	case !utf8.Valid(data):
		s.faults = append(s.faults, problem.Field{Field: s.nameOf(name), Pointer: s.pointerOf(name), Code: "encoding", Message: "must be UTF-8"})
		return nil
	}
	s.sent = append(s.sent, contract.FormValue{Name: name, Text: string(data), Type: mediaType})
	return nil
}

// file keeps a file as far as it may be kept: one that the contract does not
// know is not, unless unknown fields pass.
func (s *reading) file(part io.Reader, v contract.FormValue, about contract.Part) *problem.Error {
	if v.File.Name == "" {
		begun := bufio.NewReader(part)
		if _, err := begun.Peek(1); err == io.EOF {
			return nil // a browser's way to say that no file was chosen
		}
		part = begun
	}
	s.sent = append(s.sent, v)
	known := about.File || s.op.Unknown == contract.Allow || s.op.Unknown == contract.Report
	if !known || !about.Accepts(v.File.Type) {
		return nil
	}
	if about.Max >= 0 {
		part = io.LimitReader(part, about.Max+1)
	}
	size, err := s.upload.keep(v.File, part)
	v.File.Size = size
	switch {
	case errors.Is(err, errSpool):
		return problem.Unavailable(time.Second, err)
	case err != nil:
		return problem.Malformed("The body is not well-formed multipart/form-data").Because(err)
	}
	return nil
}
