package validate_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
	"github.com/gatehouse-api/gatehouse/validate"
)

const document = `
openapi: 3.1.0
info: { title: Notes, version: "1" }
x-gatehouse: { name: notes }
paths:
  /notes/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer, format: int64 } }
    get:
      operationId: getNote
      x-gatehouse: { access: public }
      parameters:
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 100, default: 20 } }
      responses:
        "200": { description: note, content: { application/json: { schema: { $ref: "#/components/schemas/Note" } } } }
        "204": { description: nothing }
    put:
      operationId: putNote
      x-gatehouse: { access: public, body: 1KB }
      requestBody: &note
        required: true
        content:
          application/json: { schema: { $ref: "#/components/schemas/Note" } }
          text/csv: {}
      responses: &done { "204": { description: done } }
    patch:
      operationId: stripNote
      x-gatehouse: { access: public, unknown: strip }
      requestBody: *note
      responses: *done
    post:
      operationId: reportNote
      x-gatehouse: { access: public, unknown: report }
      requestBody: *note
      responses: *done
    delete:
      operationId: deleteNote
      x-gatehouse: { access: public, body: 1KB }
      responses: *done
  /free:
    post:
      operationId: postFree
      x-gatehouse: { access: public, errors: message, body: 64KB }
      requestBody:
        content:
          application/json:
            schema: { type: object, required: [text], properties: { text: { type: string } } }
      responses: *done
  /socket:
    get:
      operationId: openSocket
      x-gatehouse: { access: public }
      parameters:
        - { name: room, in: query, required: true, schema: { type: string, maxLength: 8 } }
      x-gatehouse-websocket: { receive: { ping: { const: ping } }, send: { pong: { const: pong } } }
      responses: { "101": { description: upgraded } }
components:
  schemas:
    Note:
      type: object
      required: [title]
      properties:
        id: { type: integer, readOnly: true }
        title: { type: string, minLength: 1, maxLength: 20, x-gatehouse: { trim: true } }
        stars: { type: integer, default: 3, maximum: 5 }
        secret: { type: string, writeOnly: true }
`

func table(tb testing.TB) *contract.Table {
	tb.Helper()
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(document)}, contract.Options{Environment: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	t, err := contract.NewTable(api)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// layer is the layer alone, as on someone's mux.
func layer(tb testing.TB, cfg validate.Config, next http.Handler) http.Handler {
	tb.Helper()
	if cfg.Table == nil {
		cfg.Table = table(tb)
	}
	wrap, err := validate.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return wrap(next)
}

// echo answers what a handler sees of the request.
func echo(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	id, _ := call.From(r.Context()).Param("path.id")
	limit, _ := call.From(r.Context()).Param("query.limit")
	_, _ = fmt.Fprintf(w, "id=%v limit=%v query=%s length=%d/%s type=%s encoding=%v body=%s", id, limit, r.URL.RawQuery,
		r.ContentLength, r.Header.Get("Content-Length"), r.Header.Get("Content-Type"), r.TransferEncoding, data)
}

// send sends a request of the form "METHOD target", a JSON body and more header
// lines, and returns the answer.
func send(h http.Handler, line, body string, lines ...string) *httptest.ResponseRecorder {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, target, nil)
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, l := range lines {
		name, v, _ := strings.Cut(l, ": ")
		if name, replace := strings.CutPrefix(name, "="); replace {
			r.Header.Set(name, v)
		} else {
			r.Header.Add(name, v)
		}
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestHandlerReceivesWhatWasValidated(t *testing.T) {
	h := layer(t, validate.Config{}, http.HandlerFunc(echo))
	for name, c := range map[string]struct{ line, body, want string }{
		"parameters and a default": {"GET /notes/7", "", "id=7 limit=20 query= length=0/ type= encoding=[] body="},
		"a query":                  {"GET /notes/7?limit=5", "", "id=7 limit=5 query=limit=5 length=0/ type= encoding=[] body="},
		"the same bytes":           {"PUT /notes/7", ` {"title":"a","stars":1} `, `id=7 limit=<nil> query= length=25/25 type=application/json encoding=[] body= {"title":"a","stars":1} `},
		"prepared bytes":           {"PUT /notes/7", `{"title":" a "}`, `id=7 limit=<nil> query= length=23/23 type=application/json encoding=[] body={"stars":3,"title":"a"}`},
		"stripped bytes and query": {"PATCH /notes/7?x=1", `{"id":9,"title":"a","stars":1,"isAdmin":true}`, `id=7 limit=<nil> query= length=23/23 type=application/json encoding=[] body={"stars":1,"title":"a"}`},
		"reported ones pass":       {"POST /notes/7?x=1", `{"title":"a","stars":1,"x":1}`, `id=7 limit=<nil> query=x=1 length=29/29 type=application/json encoding=[] body={"title":"a","stars":1,"x":1}`},
		"no body where none is":    {"DELETE /notes/7", `{"any":"thing"}`, `id=7 limit=<nil> query= length=0/ type= encoding=[] body=`},
		"broken, and nobody cares": {"DELETE /notes/7", `{"any`, `id=7 limit=<nil> query= length=0/ type= encoding=[] body=`},
	} {
		if rec := send(h, c.line, c.body); rec.Code != http.StatusOK || rec.Body.String() != c.want {
			t.Errorf("%s:\ngot  %d %s\nwant %s", name, rec.Code, rec.Body, c.want)
		}
	}
}

func TestBindReadsTheValidatedBytes(t *testing.T) {
	var note struct {
		Title string `json:"title"`
		Stars int    `json:"stars"`
	}
	h := layer(t, validate.Config{}, call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		return errors.Join(c.Bind(&note), call.NoContent(w, r))
	}))
	if rec := send(h, "PATCH /notes/7", `{"title":" a ","stars":2.0,"Title":"b","STARS":5}`); rec.Code != http.StatusNoContent || note.Title != "a" || note.Stars != 2 {
		t.Errorf("%d %+v", rec.Code, note)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	h := layer(t, validate.Config{}, nil)
	rec := send(h, "PUT /notes/abc?x=1", `{"id":1,"stars":9}`)
	var got struct {
		Status  int             `json:"status"`
		Code    string          `json:"code"`
		Details []problem.Field `json:"details"`
	}
	if err := strictjson.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	var lines []string
	for _, d := range got.Details {
		lines = append(lines, d.Field+" "+d.Pointer+" "+d.Code+" "+d.Message)
	}
	want := []string{
		"id #/path/id type must be an integer",
		"x #/query/x unknown_field is not a known parameter",
		"id /id readOnly is set by the server and must not be sent",
		"stars /stars maximum must be at most 5",
		"title /title required is required",
	}
	if got.Status != 400 || got.Code != "VALIDATION_ERROR" || strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d %s\n%s", got.Status, got.Code, strings.Join(lines, "\n"))
	}
	rec = send(h, "PUT /notes/abc", `{"title":`)
	if body := rec.Body.String(); rec.Code != 400 || !strings.Contains(body, "#/path/id") || !strings.Contains(body, "not well-formed JSON at byte 9") {
		t.Errorf("a bad parameter beside a broken body: %s", body)
	}
}

func TestDialectOfTheContract(t *testing.T) {
	rec := send(layer(t, validate.Config{}, nil), "POST /free", `{"x":1}`)
	want := `{"error":"Validation Error","message":"The request data is invalid","details":[{"field":"text","message":"is required"},{"field":"x","message":"is not a known field"}]}`
	if rec.Code != 400 || rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestReportedFieldsAreNoted(t *testing.T) {
	var notes []call.Note
	h := layer(t, validate.Config{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { notes = call.From(r.Context()).Notes() }))
	send(h, "POST /notes/7?page=1&a%20b=2", `{"title":"a","isAdmin":true,"my secret":1}`)
	got := fmt.Sprint(notes)
	if want := "[{validate unknown_field /} {validate unknown_field /} {validate unknown_field #/query} {validate unknown_field #/query}]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWebSocketPassesWithItsParameters(t *testing.T) {
	var room any
	h := layer(t, validate.Config{Responses: validate.Enforce}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		room, _ = call.From(r.Context()).Param("query.room")
		w.WriteHeader(http.StatusSwitchingProtocols)
	}))
	if rec := send(h, "GET /socket?room=a", "", "Upgrade: websocket", "Connection: Upgrade"); rec.Code != http.StatusSwitchingProtocols || room != "a" {
		t.Errorf("%d %v", rec.Code, room)
	}
	if rec := send(h, "GET /socket", "", "Upgrade: websocket", "Connection: Upgrade"); rec.Code != http.StatusBadRequest {
		t.Errorf("without its parameter: %d", rec.Code)
	}
	if rec := send(h, "GET /socket?room=a", "\x81\x04ping", "Upgrade: websocket", "Connection: Upgrade"); rec.Code != http.StatusBadRequest {
		t.Errorf("with frames in the body of the request: %d", rec.Code)
	}
}

func TestZeroConfigLetsNothingThrough(t *testing.T) {
	wrap, err := validate.New(validate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	called := false
	h := wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	if rec := send(h, "GET /notes/7", ""); rec.Code != http.StatusNotFound || called {
		t.Errorf("%d, called %v", rec.Code, called)
	}
	h = layer(t, validate.Config{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	for line, want := range map[string]int{"GET /nowhere": 404, "TRACE /notes/7": 405, "GET /notes/7%2f8": 400} {
		if rec := send(h, line, ""); rec.Code != want || called {
			t.Errorf("%s: %d, called %v", line, rec.Code, called)
		}
	}
}

func TestNewRefusesAnUnknownMode(t *testing.T) {
	if _, err := validate.New(validate.Config{Responses: "on"}); err == nil || !strings.Contains(err.Error(), "enforce") {
		t.Error(err)
	}
}

func BenchmarkLayer(b *testing.B) {
	wrap, err := validate.New(validate.Config{Table: table(b)})
	if err != nil {
		b.Fatal(err)
	}
	begin, err := call.New(call.Config{Table: table(b)})
	if err != nil {
		b.Fatal(err)
	}
	h := begin(wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })))
	body := strings.NewReader(`{"title":"Ask about housing","stars":4}`)
	r := httptest.NewRequest("PUT", "/notes/7", body)
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = body.Seek(0, io.SeekStart)
		h.ServeHTTP(rec, r)
	}
	if rec.Code != http.StatusNoContent {
		b.Fatal(rec.Code, rec.Body)
	}
}
