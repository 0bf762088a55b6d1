package validate_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/problem"
	"github.com/gatehouse-api/gatehouse/validate"
)

// notesIn is the layer with the notes in a mode of call.
func notesIn(t *testing.T, mode call.Mode, cfg validate.Config, next http.HandlerFunc) http.Handler {
	t.Helper()
	cfg.Table = table(t)
	begin, err := call.New(call.Config{Table: cfg.Table, Modes: call.Modes{call.AnyAPI: {"validate": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	return begin(layer(t, cfg, next))
}

// TestOffAndReportHandOnEverything: parameters, and a body of any size, whole.
func TestOffAndReportHandOnEverything(t *testing.T) {
	for _, mode := range []call.Mode{call.Off, call.Report} {
		for name, body := range map[string]string{"small": `{"title":"a","x":1}`, "one byte": "1", "large": strings.Repeat("b", 5000), "empty": ""} {
			var got string
			var bound error
			var id any
			h := notesIn(t, mode, validate.Config{}, func(_ http.ResponseWriter, r *http.Request) {
				data, err := io.ReadAll(r.Body)
				got = fmt.Sprint(string(data), err)
				id, _ = call.From(r.Context()).Param("path.id")
				var v any
				bound = call.From(r.Context()).Bind(&v)
			})
			r := httptest.NewRequest("PUT", "/notes/7", io.MultiReader(strings.NewReader(body))) // no length
			r.Header.Set("Content-Type", "application/json")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != 200 || got != body+"<nil>" || fmt.Sprint(id) != "7" || (bound == nil) != (name == "small" || name == "one byte") {
				t.Errorf("%v, %s: %d, id %v, %d bytes, Bind: %v", mode, name, rec.Code, id, len(got), bound)
			}
			if refusal := (*problem.Error)(nil); name == "empty" && (!errors.As(bound, &refusal) || !strings.Contains(refusal.Detail, "needs a body")) {
				t.Errorf("%v, %s: Bind: %v", mode, name, bound)
			}
		}
	}
}

// TestBodiesThatBreakOffPassInNoMode: no mode makes them whole.
func TestBodiesThatBreakOffPassInNoMode(t *testing.T) {
	for _, mode := range []call.Mode{call.Off, call.Report, call.Enforce} {
		for _, contentType := range []string{"application/json", "text/csv", "multipart/form-data; boundary=b"} {
			h := notesIn(t, mode, validate.Config{}, func(http.ResponseWriter, *http.Request) { t.Errorf("%v: served", mode) })
			r := httptest.NewRequest("POST", "/notes/7", io.MultiReader(strings.NewReader("{"), iotest.ErrReader(errors.New("gone"))))
			r.Header.Set("Content-Type", contentType)
			rec := httptest.NewRecorder()
			if h.ServeHTTP(rec, r); rec.Code != 400 && (mode != call.Enforce || rec.Code != 415) {
				t.Errorf("%v, %s: %d %s", mode, contentType, rec.Code, rec.Body)
			}
		}
	}
}

// TestFormsThatBreakOffPassInNoMode: nor do those that are read past the buffer
// of the call; too slow is 408 (RFC 9110 §15.5.9).
func TestFormsThatBreakOffPassInNoMode(t *testing.T) {
	for _, mode := range []call.Mode{call.Off, call.Report, call.Enforce} {
		for _, c := range []struct {
			path, contentType, coding, begun string
			err                              error
			status                           int
		}{
			{"/files", "multipart/form-data; boundary=b", "", "--b\r\n", errors.New("gone"), 400},
			{"/files", "multipart/form-data; boundary=b", "", "--b\r\n", os.ErrDeadlineExceeded, 408},
			{"/zipped", "application/json", "gzip", zip(t, "gzip", `{}`)[:10], errors.New("gone"), 400},
			{"/zipped", "application/json", "gzip", zip(t, "gzip", `{}`)[:10], os.ErrDeadlineExceeded, 408},
		} {
			h := relaxed(t, mode, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%v, %s: served", mode, c.path) }))
			r := httptest.NewRequest("POST", c.path, io.MultiReader(strings.NewReader(c.begun), iotest.ErrReader(c.err)))
			r.Header.Set("Content-Type", c.contentType)
			if c.coding != "" {
				r.Header.Set("Content-Encoding", c.coding)
			}
			rec := httptest.NewRecorder()
			if h.ServeHTTP(rec, r); rec.Code != c.status {
				t.Errorf("%v, %s, %v: %d %s", mode, c.path, c.err, rec.Code, rec.Body)
			}
		}
	}
}

// TestAllowedSizesAreRoundedUp: the statement lets the body through that was
// refused.
func TestAllowedSizesAreRoundedUp(t *testing.T) {
	table := gatetest.Compile(t, orders)
	layer, err := validate.New(validate.Config{Table: table})
	if err != nil {
		t.Fatal(err)
	}
	send := gatetest.Alone(t, layer, gatetest.Setting{Table: table, Layer: "validate", Mode: call.Report})
	for length, want := range map[int64]string{
		1001: "PUT /orders/{id}: { body: 2KB }", 2000: "PUT /orders/{id}: { body: 2KB }", 2001: "PUT /orders/{id}: { body: 3KB }",
		1_000_000: "PUT /orders/{id}: { body: 1000KB }", -1: "none: the handler did not read the body to its end, so that its size is not known",
	} {
		r := httptest.NewRequest("PUT", "/orders/7", strings.NewReader(strings.Repeat("x", 1500)))
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		if got := send(r).Allow(); got != want {
			t.Errorf("%d: %s", length, got)
		}
	}
}

// TestSizesThatTheHandlerFindsOut: of a body of unknown length, when it has read
// all of it. What is stated counts as it is.
func TestSizesThatTheHandlerFindsOut(t *testing.T) {
	const unknown = "none: the handler did not read the body to its end, so that its size is not known"
	for _, c := range []struct {
		room, length, read int64
		allow              string
	}{
		{1 << 20, -1, 0, unknown},
		{1 << 20, -1, 1999, unknown},
		{1 << 20, -1, 5000, "PUT /notes/{id}: { body: 2KB }"},
		{1 << 20, 2001, 5000, "PUT /notes/{id}: { body: 3KB }"},
		{2000, -1, 5000, "PUT /notes/{id}: { body: 2KB }"},
		{1999, -1, 5000, "none: a body that is no form is held as a whole, and 1999 bytes at most are"},
	} {
		table := table(t)
		begin, err := call.New(call.Config{Table: table, MaxBuffered: c.room, Modes: call.Modes{call.AnyAPI: {"validate": call.Report}}})
		if err != nil {
			t.Fatal(err)
		}
		var seen *call.Call
		h := begin(layer(t, validate.Config{Table: table}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen = call.From(r.Context())
			_, _ = io.CopyN(io.Discard, r.Body, c.read)
		})))
		r := httptest.NewRequest("PUT", "/notes/7", strings.NewReader(strings.Repeat("x", 2000)))
		r.ContentLength = c.length
		r.Header.Set("Content-Type", "application/json")
		if h.ServeHTTP(httptest.NewRecorder(), r); len(seen.Pardons()) != 1 || seen.Pardons()[0].Allow != c.allow {
			t.Errorf("%+v: %+v", c, seen.Pardons())
		}
	}
}

// TestWrongTypesAreRefusedUnread: what the header refuses costs no byte of body.
func TestWrongTypesAreRefusedUnread(t *testing.T) {
	h := layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") }))
	for _, c := range []struct {
		path, contentType, coding string
		length                    int64
	}{
		{"/files", "text/html", "", 1}, {"/files", "Multipart/Mixed; boundary=b", "", -1}, {"/zipped", "text/html", "gzip", 20}, {"/zipped", "text/html", "gzip", -1},
		{"/zipped", "text/html", "gzip", 300_001}, {"/zipped", "", "gzip", 20}, {"/files", "", "", 1},
	} {
		r := httptest.NewRequest("POST", c.path, iotest.ErrReader(errors.New("the body is read")))
		r.ContentLength = c.length
		r.Header.Set("Content-Type", c.contentType)
		if c.coding != "" {
			r.Header.Set("Content-Encoding", c.coding)
		}
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code != 415 {
			t.Errorf("%v: %d %s", c, rec.Code, rec.Body)
		}
	}
	if rec := send(h, "GET /typed?x=1", "a", "=Content-Type: text/html"); rec.Code < 400 {
		t.Errorf("a body where none is described: %d", rec.Code)
	}
}

// TestAnotherStatusOfTheBodyGoesFirst: with a wrong parameter beside it.
func TestAnotherStatusOfTheBodyGoesFirst(t *testing.T) {
	h := layer(t, validate.Config{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") }))
	for body, want := range map[string]int{`{"title":"a"}`: 400, `{`: 400, strings.Repeat("a", 2000): 413} {
		if rec := send(h, "PUT /notes/x", body); rec.Code != want {
			t.Errorf("%.20s: %d, want %d", body, rec.Code, want)
		}
	}
}

// TestAnswersByMode: the mode of the layer says how far Responses goes.
func TestAnswersByMode(t *testing.T) {
	large := func(n int) string { return `{"title":"` + strings.Repeat("a", n-12) + `"}` }
	for _, c := range []struct {
		name   string
		mode   call.Mode
		body   string
		status int
		notes  int
	}{
		{"off", call.Off, `{}`, 200, 0},
		{"report", call.Report, `{}`, 200, 1},
		{"enforce", call.Enforce, `{}`, 500, 1},
		{"a megabyte is checked", call.Enforce, large(1 << 20), 500, 1},
		{"more is not, and the record says so", call.Enforce, large(1<<20 + 1), 200, 1},
	} {
		var seen *call.Call
		h := notesIn(t, c.mode, validate.Config{Responses: validate.Enforce}, func(w http.ResponseWriter, r *http.Request) {
			seen = call.From(r.Context())
			answers(200, "application/json", c.body)(w, r)
		})
		rec := send(h, "GET /notes/7", "")
		if rec.Code != c.status || (rec.Body.String() == c.body) != (c.status == 200) || len(seen.Notes()) != c.notes {
			t.Errorf("%s: %d, %d bytes, %v", c.name, rec.Code, rec.Body.Len(), seen.Notes())
		}
		if refusal := seen.Refusal(); c.status == 500 && (refusal == nil || !strings.Contains(refusal.Cause.Error(), "/title")) {
			t.Errorf("%s: the record does not say what is wrong: %v", c.name, refusal)
		}
	}
}

// TestFilteredAnswersByMode: an answer that cannot be filtered leaves in no mode
// of Responses; one without content has nothing to filter (RFC 9110 15.4.5).
func TestFilteredAnswersByMode(t *testing.T) {
	for _, mode := range []validate.Mode{validate.Off, validate.Report, validate.Enforce} {
		for _, c := range []struct {
			name, body, coding string
			status, want       int
			notes              int // under report and enforce
		}{
			{"two documents", `[{"amount":9}][]`, "", 200, 500, 0},
			{"a wrong name", `[{"name":7}]`, "", 200, map[validate.Mode]int{validate.Enforce: 500}[mode], 1},
			{"not modified", "", "gzip", 304, 304, 0},
			{"one compressed byte", "1", "gzip", 200, 500, 0},
		} {
			var seen *call.Call
			h := layer(t, validate.Config{Table: uploadTable(t), Responses: mode}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = call.From(r.Context())
				if c.coding != "" {
					w.Header().Set("Content-Encoding", c.coding)
				}
				answers(c.status, "application/json", c.body)(w, r)
			}))
			rec := send(h, "GET /salaries", "")
			notes := c.notes
			if mode == validate.Off {
				notes = 0
			}
			if want := max(c.want, 200); rec.Code != want || len(seen.Notes()) != notes || strings.Contains(rec.Body.String(), "amount") {
				t.Errorf("%s, %s: %d %s %v, want %d", c.name, mode, rec.Code, rec.Body, seen.Notes(), want)
			}
		}
	}
}
