package gatetest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
)

// answer is what came back, and for what.
type answer struct {
	sent   string // the request as people read it
	status int
	header http.Header
	body   string
}

// send calls the handler. A panic that leaves it is an error.
func (s *suite) send(h http.Handler, r *http.Request) (a answer, err error) {
	asked(r)
	a.sent = dump(r)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v\n%s", p, a.sent)
		}
	}()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a.status, a.header, a.body = w.Code, w.Result().Header, w.Body.String()
	return a, nil
}

// asked puts the query into the request line, as a server would have read it.
func asked(r *http.Request) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if r.RequestURI = path; r.URL.RawQuery != "" {
		r.RequestURI += "?" + r.URL.RawQuery
	}
}

// dump writes a request as it would travel, so that it can be sent again by hand.
func dump(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sent     %s %s, Host %q, from %s", r.Method, brief(r.RequestURI), r.Host, r.RemoteAddr)
	if r.TLS != nil {
		b.WriteString(", encrypted")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			b.WriteString("\n         " + name + ": " + brief(value))
		}
	}
	if r.Body == nil || r.Body == http.NoBody {
		return b.String()
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return b.String()
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return b.String() + "\n         " + brief(string(data))
}

// brief is a text as a line of a report.
func brief(text string) string {
	const most = 300
	rest := ""
	if len(text) > most {
		text, rest = text[:most], fmt.Sprintf("... (%d bytes)", len(text))
	}
	quoted := fmt.Sprintf("%q", text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`) + rest
}

// wrong is the error of a row.
func (a answer) wrong(format string, args ...any) error {
	got := fmt.Sprintf("answered %d", a.status)
	for _, name := range []string{"Content-Type", "Location"} {
		if v := a.header.Get(name); v != "" {
			got += ", " + name + " " + brief(v)
		}
	}
	if a.body != "" {
		got += "\n         " + brief(a.body)
	}
	return fmt.Errorf("%s\n%s\n%s", fmt.Sprintf(format, args...), a.sent, got)
}

// refused wants one of the statuses, and an answer that tells nothing of what is
// inside.
func (s *suite) refused(h http.Handler, r *http.Request, statuses ...int) error {
	a, err := s.send(h, r)
	if err != nil {
		return err
	}
	return a.refused(statuses...)
}

func (a answer) refused(statuses ...int) error {
	if !slices.Contains(statuses, a.status) {
		return a.wrong("want %s", oneOf(statuses))
	}
	return a.silent()
}

func oneOf(statuses []int) string {
	var texts []string
	for _, status := range statuses {
		texts = append(texts, fmt.Sprint(status))
	}
	return strings.Join(texts, " or ")
}

// refusedSilently wants a refusal that does not repeat what was sent.
func (s *suite) refusedSilently(h http.Handler, r *http.Request, statuses ...int) error {
	a, err := s.send(h, r)
	if err != nil {
		return err
	}
	if err := a.refused(statuses...); err != nil {
		return err
	}
	return a.repeatsNot()
}

// repeatsNot wants the canary in no part of an answer.
func (a answer) repeatsNot() error {
	if strings.Contains(a.body, canary) {
		return a.wrong("the answer repeats what was sent")
	}
	for name, values := range a.header {
		if strings.Contains(strings.Join(values, ","), canary) {
			return a.wrong("the field %s of the answer repeats what was sent", name)
		}
	}
	return nil
}

// silent wants nothing of the program in a body.
func (a answer) silent() error {
	for _, word := range []string{
		"goroutine ", "runtime error", "runtime.", ".go:", "panic:", "SQLSTATE", "sql: ", "SELECT ", "INSERT ", "/usr/", "/etc/", "nil pointer",
		"strictjson", "jsontext", "json: ", "net/http", "Traceback", "Exception", "at Object.", "node_modules", "org.springframework",
	} {
		if strings.Contains(a.body, word) {
			return a.wrong("the answer tells of the inside: it holds %q", word)
		}
	}
	return nil
}
