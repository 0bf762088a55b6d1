package validate_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
	"github.com/gatehouse-api/gatehouse/validate"
)

// answers is a handler for GET /notes/7 that writes an answer.
func answers(status int, mediaType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if mediaType != "" {
			w.Header().Set("Content-Type", mediaType)
		}
		w.Header().Set("X-Handler", "yes")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestWrongAnswers(t *testing.T) {
	const json = "application/json; charset=utf-8"
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		note    string // "" for an answer that fits
	}{
		"one that fits":        {answers(200, json, `{"id":1,"title":"hidden"}`), ""},
		"without a body":       {answers(204, "", ""), ""},
		"not modified":         {answers(304, "", ""), ""},
		"a field too many":     {answers(200, json, `{"id":1,"title":"hidden","password_hash":"x"}`), "unknown_field /password_hash"},
		"a write-only field":   {answers(200, json, `{"id":1,"title":"hidden","secret":"x"}`), "writeOnly /secret"},
		"a field too few":      {answers(200, json, `{"id":1}`), "required /title"},
		"an undeclared status": {answers(202, json, `{"title":"hidden"}`), "status"},
		"an undeclared type":   {answers(200, "text/html", `<p>`), "content_type"},
		"no body at all":       {func(http.ResponseWriter, *http.Request) {}, "required"},
		"two documents":        {answers(200, json, `{"title":"hidden"}{}`), "json"},
	} {
		for _, mode := range []validate.Mode{validate.Off, validate.Report, validate.Enforce} {
			var c2 *call.Call
			spy := func(w http.ResponseWriter, r *http.Request) {
				c2 = call.From(r.Context())
				c.handler(w, r)
			}
			rec := send(layer(t, validate.Config{Responses: mode}, http.HandlerFunc(spy)), "GET /notes/7", "")
			notes := fmt.Sprint(c2.Notes())
			want := "[]"
			if c.note != "" && mode != validate.Off {
				want = "[{validate answer " + c.note + "}]"
			}
			if notes != want {
				t.Errorf("%s, %s: notes %s, want %s", name, mode, notes, want)
			}
			refused := c.note != "" && mode == validate.Enforce
			if (rec.Code == http.StatusInternalServerError) != refused || (c2.Refusal() != nil) != refused {
				t.Errorf("%s, %s: %d %s", name, mode, rec.Code, rec.Body)
			}
			if refused && (rec.Header().Get("X-Handler") != "" || strings.Contains(rec.Body.String(), "password") || strings.Contains(rec.Body.String(), "hidden")) {
				t.Errorf("%s: the refusal shows %v %s", name, rec.Header(), rec.Body)
			}
		}
	}
}

func TestRefusalsAreNotTheOperationsAnswer(t *testing.T) {
	h := layer(t, validate.Config{Responses: validate.Enforce}, call.Handler(func(http.ResponseWriter, *http.Request, *call.Call) error {
		return problem.NotFound("There is no such note")
	}))
	if rec := send(h, "GET /notes/7", ""); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "no such note") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestStreamsAreNotKeptBack(t *testing.T) {
	seen := 0
	h := layer(t, validate.Config{Responses: validate.Enforce}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: 1\n\n"))
		_ = http.NewResponseController(w).Flush()
		status, n := call.From(r.Context()).Answer()
		seen = status + int(n)
		_, _ = w.Write([]byte("data: 2\n\n"))
	}))
	rec := send(h, "GET /notes/7", "")
	if !rec.Flushed || rec.Body.String() != "data: 1\n\ndata: 2\n\n" || seen != 209 {
		t.Errorf("flushed %v, %q, %d", rec.Flushed, rec.Body, seen)
	}
}

func TestLargeAnswersPass(t *testing.T) {
	large := `{"title":"` + strings.Repeat("a", 2<<20) + `"}`
	h := layer(t, validate.Config{Responses: validate.Enforce}, answers(200, "application/json", large))
	if rec := send(h, "GET /notes/7", ""); rec.Code != 200 || rec.Body.Len() != len(large) {
		t.Errorf("%d, %d bytes", rec.Code, rec.Body.Len())
	}
}

func TestPanicLeavesNoAnswer(t *testing.T) {
	h := layer(t, validate.Config{Responses: validate.Enforce}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answers(200, "application/json", `{"title":"half`)(w, nil)
		panic("a bug")
	}))
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = call.Ensure(w, r)
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
			call.Refuse(call.From(r.Context()).ResponseWriter(), r, problem.Internal(nil))
		}()
		h.ServeHTTP(w, r)
	})
	if rec := send(outer, "GET /notes/7", ""); rec.Code != 500 || strings.Contains(rec.Body.String(), "half") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestHeadIsNotChecked(t *testing.T) {
	h := layer(t, validate.Config{Responses: validate.Enforce}, answers(200, "application/json", ""))
	if rec := send(h, "HEAD /notes/7", ""); rec.Code != 200 {
		t.Errorf("%d", rec.Code)
	}
}
