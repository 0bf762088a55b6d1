package validate_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/validate"
)

// onePart is a form with the text title and one more part with these header lines.
func onePart(header, data string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\na\r\n--b\r\n" + strings.ReplaceAll(header, "\n", "\r\n") + "\r\n\r\n" + data + "\r\n--b--\r\n"
}

// TestFormsAtTheirLimits: what docs/reference/validation.md allows passes to the
// last byte, and the next one does not.
func TestFormsAtTheirLimits(t *testing.T) {
	title := field{name: "title", data: "a"}
	of := func(fields ...field) [2]string {
		body, contentType := formBody(t, fields...)
		return [2]string{body, contentType}
	}
	parts := []field{title}
	for range 99 {
		parts = append(parts, field{"scans", "a", "text/plain", ""})
	}
	empty := len(of(title, field{"scans", "a", "text/plain", ""})[0])
	half := strings.Repeat("a", 64<<10)
	for name, c := range map[string]struct {
		form   [2]string
		status int
		tells  string
	}{
		"a hundred parts":        {of(parts...), 200, ""},
		"a body of a megabyte":   {of(title, field{"scans", "a", "text/plain", strings.Repeat("x", 1_000_000-empty)}), 200, ""},
		"and a byte":             {of(title, field{"scans", "a", "text/plain", strings.Repeat("x", 1_000_001-empty)}), 413, "larger"},
		"a text of 64 KiB":       {of(field{name: "title", data: half}), 400, "at most 20"},
		"a text, and a byte":     {of(field{name: "title", data: half + "a"}), 413, "text of the form"},
		"texts of 128 KiB":       {of(field{name: "title", data: half}, field{name: "a", data: half}), 400, "/a"},
		"texts, and a byte":      {of(field{name: "title", data: half}, field{name: "a", data: half}, field{name: "b", data: "b"}), 413, "text of the form"},
		"a name of 256 bytes":    {of(title, field{name: strings.Repeat("n", 256), data: "1"}), 400, "unknown"},
		"a name of 257 bytes":    {of(title, field{name: strings.Repeat("n", 257), data: "1"}), 400, "too long"},
		"a photo at its largest": {of(title, field{"photo", "a.png", "image/png", strings.Repeat("x", 200_000)}), 200, ""},
	} {
		h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if rec := send(h, "POST /files", c.form[0], "=Content-Type: "+c.form[1]); rec.Code != c.status || !strings.Contains(rec.Body.String(), c.tells) {
			t.Errorf("%s: %d %.300s", name, rec.Code, rec.Body)
		}
	}
}

// TestPartsOfForms: the header of a part by RFC 7578 and RFC 2045.
func TestPartsOfForms(t *testing.T) {
	const stars = "Content-Disposition: form-data; name=\"stars\"\n"
	for name, c := range map[string]struct {
		header, data string
		status       int
		tells        string
	}{
		"7bit":                       {stars + "Content-Transfer-Encoding: 7bit", "2", 200, "stars:2"},
		"8BIT":                       {stars + "Content-Transfer-Encoding: 8BIT", "2", 200, "stars:2"},
		"binary":                     {stars + "Content-Transfer-Encoding: binary", "2", 200, "stars:2"},
		"base64":                     {stars + "Content-Transfer-Encoding: base64", "Mg==", 400, "section 4.7"},
		"plain text":                 {stars + "Content-Type: text/plain", "2", 200, "stars:2"},
		"its charset":                {stars + "Content-Type: text/plain; charset=UTF-8", "2", 200, "stars:2"},
		"JSON":                       {stars + "Content-Type: application/json", "2", 200, "stars:2"},
		"two types":                  {stars + "Content-Type: text/plain\nContent-Type: text/plain", "2", 400, "cannot be read"},
		"a type that breaks off":     {stars + "Content-Type: text/plain; charset", "2", 400, "cannot be read"},
		"not form-data":              {"Content-Disposition: attachment; name=\"stars\"", "2", 400, "not form-data with a name"},
		"a control character":        {"Content-Disposition: form-data; name*=utf-8''st%01ars", "2", 400, "control characters"},
		"a name that is no UTF-8":    {"Content-Disposition: form-data; name*=utf-8''st%ffars", "2", 400, "control characters"},
		"a header that is none":      {"Content-Disposition", "2", 400, "not well-formed"},
		"a file without a file name": {"Content-Disposition: form-data; name=\"scans\"", "x", 200, "name=\"scans\"; filename=\"file\"|application/octet-stream|x"},
		"a photo that states no type": {"Content-Disposition: form-data; name=\"photo\"; filename=\"a.png\"", "x", 400,
			"image/png or image/jpeg"},
	} {
		seen := ""
		h := layer(t, validate.Config{Table: uploadTable(t)}, readForm(&seen))
		rec := send(h, "POST /files", onePart(c.header, c.data), "=Content-Type: multipart/form-data; boundary=b")
		if rec.Code != c.status || !strings.Contains(seen+rec.Body.String(), c.tells) || (seen == "") != (c.status != 200) {
			t.Errorf("%s: %d %s\nhandler saw %s", name, rec.Code, rec.Body, seen)
		}
	}
}

// TestFaultsOfTextsNameOnlyKnownFields: RFC 6901 points to a field that the
// contract names; what a client made up is not sent back.
func TestFaultsOfTextsNameOnlyKnownFields(t *testing.T) {
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, name := range []string{"stars", "isAdmin"} {
		for _, line := range []string{"\n", "\nContent-Type: text/html\n"} {
			body := onePart(strings.TrimSuffix(fmt.Sprintf("Content-Disposition: form-data; name=%q%s", name, line), "\n"), "\xff")
			rec := send(h, "POST /files", body, "=Content-Type: multipart/form-data; boundary=b")
			if rec.Code != 400 || strings.Contains(rec.Body.String(), "UTF-8") == false || strings.Contains(rec.Body.String(), `/`+name+`"`) != (name == "stars") {
				t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			}
		}
	}
}

// TestUnwantedFilesDoNotReachTheDisk: with a disk that takes nothing, what is
// refused or left out is so all the same.
func TestUnwantedFilesDoNotReachTheDisk(t *testing.T) {
	large := strings.Repeat("x", 100_000)
	for name, c := range map[string]struct {
		line   string
		file   field
		status int
	}{
		"left out":        {"PUT /files", field{"shell", "a.php", "image/png", large}, 200},
		"nobody asked":    {"POST /files", field{"shell", "a.php", "image/png", large}, 400},
		"the wrong type":  {"POST /files", field{"photo", "a.png", "text/html", large}, 400},
		"one that is not": {"POST /files", field{"photo", "a.png", "image/png", large}, 503},
	} {
		t.Setenv("TMPDIR", "/nowhere/at/all")
		h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		body, contentType := formBody(t, field{name: "title", data: "a"}, c.file)
		if rec := send(h, c.line, body, "=Content-Type: "+contentType); rec.Code != c.status {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// TestMemoryOfFormsIsReserved: 128 KiB of texts and 32 KiB of files.
func TestMemoryOfFormsIsReserved(t *testing.T) {
	body, contentType := formBody(t, field{name: "title", data: "a"})
	for room, want := range map[int64]int{160 << 10: 200, 160<<10 - 1: 503} {
		begin, err := call.New(call.Config{Table: uploadTable(t), MaxBuffered: room})
		if err != nil {
			t.Fatal(err)
		}
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		if rec := send(begin(layer(t, validate.Config{Table: uploadTable(t)}, next)), "POST /files", body, "=Content-Type: "+contentType); rec.Code != want {
			t.Errorf("with %d bytes: %d", room, rec.Code)
		}
	}
}

// TestFilesAreClosed: a file on the disk has no name, so that what shows it is
// the table of open files.
func TestFilesAreClosed(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	dir := t.TempDir()
	open := func() (n int) {
		links, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, dir) {
				n++
			}
		}
		return n
	}
	scan, within := field{"scans", "a", "text/plain", strings.Repeat("x", 100_000)}, 0
	t.Setenv("TMPDIR", dir)
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { within = open() }))
	whole, contentType := formBody(t, field{name: "title", data: "a"}, scan)
	invalid, invalidType := formBody(t, scan)
	for name, sent := range map[string][2]string{"served": {whole, contentType}, "broken off": {whole[:len(whole)-20], contentType}, "without a title": {invalid, invalidType}} {
		rec := send(h, "POST /files", sent[0], "=Content-Type: "+sent[1])
		if (rec.Code == 200) != (name == "served") || open() != 0 {
			t.Errorf("%s: %d, %d files open", name, rec.Code, open())
		}
	}
	if within != 1 {
		t.Errorf("%d files open while the handler runs", within)
	}
	h = relaxed(t, call.Report, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { within = open() }))
	for name, c := range map[string]struct {
		line, body, contentType string
		within                  int
	}{
		"served under report":           {"POST /files", whole, contentType, 1},
		"reported":                      {"POST /files", invalid, invalidType, 1},
		"reported for its query":        {"POST /files?x=1", whole, contentType, 1},
		"reported for its query, small": {"POST /files?x=1", "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\na\r\n--b--", "multipart/form-data; boundary=b", 0},
	} {
		rec := send(h, c.line, c.body, "=Content-Type: "+c.contentType)
		if rec.Code != 200 || within != c.within || open() != 0 {
			t.Errorf("%s: %d, %d files open while the handler runs, %d after it", name, rec.Code, within, open())
		}
	}
}
