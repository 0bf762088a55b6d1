package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

func begin(t testing.TB, cfg call.Config, next http.HandlerFunc) http.Handler {
	t.Helper()
	wrap, err := call.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(next)
}

// in runs f inside a call and returns the answer.
func in(t testing.TB, cfg call.Config, req *http.Request, f func(w http.ResponseWriter, r *http.Request, c *call.Call)) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	begin(t, cfg, func(w http.ResponseWriter, r *http.Request) { f(w, r, call.From(r.Context())) }).ServeHTTP(rec, req)
	return rec
}

func get() *http.Request { return httptest.NewRequest("GET", "/things", nil) }

func TestEveryCallHasAnID(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		var inside string
		rec := in(t, call.Config{}, get(), func(_ http.ResponseWriter, _ *http.Request, c *call.Call) { inside = c.ID() })
		id := rec.Header().Get("X-Request-Id")
		if id != inside || seen[id] {
			t.Fatalf("answered %q, inside %q, seen before %v", id, inside, seen[id])
		}
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Fatalf("%q is no UUIDv7 (RFC 9562 §5.7)", id)
		}
		seen[id] = true
	}
}

func TestFromFindsTheCallBehindOtherContexts(t *testing.T) {
	type other struct{}
	req := get()
	req = req.WithContext(context.WithValue(req.Context(), other{}, "kept"))
	in(t, call.Config{}, req, func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if call.From(ctx) != c || ctx.Value(other{}) != "kept" {
			t.Error("the call or the request's own context is lost")
		}
	})
	if call.From(context.Background()) != nil {
		t.Error("a call out of nowhere")
	}
}

func TestEnsureMakesOneCallAndKeepsIt(t *testing.T) {
	rec, req := httptest.NewRecorder(), get()
	once := call.Ensure(rec, req)
	twice := call.Ensure(rec, once)
	if call.From(once.Context()) == nil || once != twice {
		t.Error("Ensure made no call, or a second one")
	}
}

func TestNegativeMemoryIsAnError(t *testing.T) {
	if _, err := call.New(call.Config{MaxBuffered: -1}); err == nil {
		t.Error("accepted")
	}
}

func TestThePrincipalIsSetOnce(t *testing.T) {
	in(t, call.Config{}, get(), func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		if c.Principal().RoleOf() != call.Guest || c.Principal().IDOf() != "" || !c.Principal().Is("guest") {
			t.Error("nobody is not a guest")
		}
		c.SetPrincipal(&call.Principal{ID: "m1", Role: "member"})
		if c.Principal().IDOf() != "m1" || !c.Principal().Is("admin", "member") || c.Principal().Is("admin") {
			t.Errorf("%+v", c.Principal())
		}
		defer func() {
			if recover() == nil {
				t.Error("a second layer could change who calls")
			}
		}()
		c.SetPrincipal(nil)
	})
}

func TestInput(t *testing.T) {
	in(t, call.Config{}, get(), func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		var v struct{ Name string }
		if err := c.Bind(&v); !errors.Is(err, strictjson.ErrEmpty) {
			t.Errorf("a body out of nowhere: %v", err)
		}
		c.SetInput(map[string]any{"path.id": json.Number("7")}, []byte(`{"Name":"a"}`), true)
		if id, ok := c.Param("path.id"); !ok || id != json.Number("7") {
			t.Errorf("%v %v", id, ok)
		}
		if _, ok := c.Param("query.id"); ok {
			t.Error("a parameter out of nowhere")
		}
		if err := c.Bind(&v); err != nil || v.Name != "a" {
			t.Errorf("%v %+v", err, v)
		}
		var small struct{ Name int8 }
		c.SetInput(nil, []byte(`{"Name":1000}`), true)
		refusal, ok := errors.AsType[*problem.Error](c.Bind(&small))
		if !ok || refusal.Status != 400 || strings.Contains(refusal.Detail, "1000") {
			t.Errorf("a number that the handler cannot hold: %v", refusal)
		}
	})
}

func TestRefuseAnswersAndRemembers(t *testing.T) {
	var c *call.Call
	rec := in(t, call.Config{}, get(), func(w http.ResponseWriter, r *http.Request, inner *call.Call) {
		c = inner
		call.Refuse(w, r, problem.Forbidden("no").From("authz", "roles"))
		call.Refuse(w, r, problem.NotFound("later"))
	})
	if rec.Code != 403 || c.Refusal().Layer != "authz" || !strings.Contains(rec.Body.String(), c.ID()) || strings.Contains(rec.Body.String(), "later") {
		t.Errorf("%d %s, %+v", rec.Code, rec.Body, c.Refusal())
	}
	if status, size := c.Answer(); status != 403 || size != int64(rec.Body.Len()) {
		t.Errorf("answer %d, %d bytes", status, size)
	}
}

func TestRefuseAfterTheAnswerBeganWritesNothing(t *testing.T) {
	var c *call.Call
	rec := in(t, call.Config{}, get(), func(w http.ResponseWriter, r *http.Request, inner *call.Call) {
		c = inner
		_, _ = w.Write([]byte("half"))
		call.Refuse(w, r, problem.Internal(nil))
	})
	if rec.Code != 200 || rec.Body.String() != "half" || c.Refusal() == nil {
		t.Errorf("%d %q %v", rec.Code, rec.Body, c.Refusal())
	}
}

func TestRefuseWithoutACall(t *testing.T) {
	rec := httptest.NewRecorder()
	call.Refuse(rec, get(), problem.NotFound("no"))
	if rec.Code != 404 || !json.Valid(rec.Body.Bytes()) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestBeforeHasTheOuterLayerLast(t *testing.T) {
	var order []string
	rec := in(t, call.Config{}, get(), func(w http.ResponseWriter, _ *http.Request, c *call.Call) {
		c.Before(func(status int) {
			order = append(order, fmt.Sprint("outer ", status))
			w.Header().Set("X-Who", "outer")
		})
		c.Before(func(status int) {
			order = append(order, fmt.Sprint("inner ", status))
			w.Header().Set("X-Who", "inner")
		})
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
	})
	if !slices.Equal(order, []string{"inner 418", "outer 418"}) {
		t.Errorf("%v", order)
	}
	if rec.Header().Get("X-Who") != "outer" {
		t.Errorf("%v", rec.Header())
	}
}

func TestTheWriterCounts(t *testing.T) {
	for name, row := range map[string]struct {
		write  func(http.ResponseWriter)
		status int
		bytes  int64
	}{
		"nothing": {func(http.ResponseWriter) {}, 0, 0},
		"bytes":   {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "abc"); _, _ = io.WriteString(w, "de") }, 200, 5},
		"status":  {func(w http.ResponseWriter) { w.WriteHeader(204) }, 204, 0},
		"twice":   {func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(200) }, 404, 0},
		"flush":   {func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }, 200, 0},
		"upgrade": {func(w http.ResponseWriter) { w.WriteHeader(101) }, 101, 0},
	} {
		in(t, call.Config{}, get(), func(w http.ResponseWriter, _ *http.Request, c *call.Call) {
			row.write(w)
			if status, size := c.Answer(); status != row.status || size != row.bytes {
				t.Errorf("%s: %d, %d bytes", name, status, size)
			}
			if c.ResponseWriter() != w {
				t.Errorf("%s: a second writer", name)
			}
		})
	}
}

func TestHandlerWritesWhatWentWrong(t *testing.T) {
	for _, row := range []struct {
		err    error
		status int
	}{
		{nil, 200},
		{problem.Conflict("TAKEN", "taken"), 409},
		{fmt.Errorf("booking: %w", problem.NotFound("no")), 404},
		{errors.New("dial tcp 10.0.0.7:5432: refused"), 500},
	} {
		var seen *call.Call
		rec := httptest.NewRecorder()
		call.Handler(func(_ http.ResponseWriter, _ *http.Request, c *call.Call) error {
			seen = c
			return row.err
		}).ServeHTTP(rec, get())
		if rec.Code != row.status || strings.Contains(rec.Body.String(), "10.0.0.7") {
			t.Errorf("%v: %d %s", row.err, rec.Code, rec.Body)
		}
		if refusal := seen.Refusal(); (refusal != nil) != (row.err != nil) || row.status == 500 && !errors.Is(refusal.Cause, row.err) {
			t.Errorf("%v: the record has %+v", row.err, refusal)
		}
	}
}

func TestAnswers(t *testing.T) {
	rec := httptest.NewRecorder()
	if err := call.JSON(rec, get(), 201, map[string]string{"b": "<&>", "a": "1"}); err != nil {
		t.Fatal(err)
	}
	if rec.Code != 201 || rec.Body.String() != `{"a":"1","b":"<&>"}` || rec.Header().Get("Content-Type") != "application/json; charset=utf-8" ||
		rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("Content-Length") != "19" {
		t.Errorf("%d %s %v", rec.Code, rec.Body, rec.Header())
	}
	head, req := httptest.NewRecorder(), get()
	req.Method = http.MethodHead
	_ = call.Bytes(head, req, 200, "text/plain", []byte("abc"))
	if head.Body.Len() != 0 || head.Header().Get("Content-Length") != "3" {
		t.Errorf("HEAD: %q %v", head.Body, head.Header())
	}
	none := httptest.NewRecorder()
	none.Header().Set("Cache-Control", "max-age=60")
	_ = call.NoContent(none, get())
	if none.Code != 204 || none.Body.Len() != 0 || none.Header().Get("Cache-Control") != "max-age=60" {
		t.Errorf("%d %v", none.Code, none.Header())
	}
	if err := call.JSON(httptest.NewRecorder(), get(), 200, make(chan int)); err == nil {
		t.Error("a channel as JSON")
	}
}

func post(body io.Reader, length int64) *http.Request {
	req := httptest.NewRequest("POST", "/things", body)
	req.ContentLength = length
	return req
}

func TestBodyIsReadOnce(t *testing.T) {
	in(t, call.Config{}, post(strings.NewReader("hello"), 5), func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
		for range 2 {
			b, e := c.Body(r, 5)
			if string(b) != "hello" || e != nil {
				t.Errorf("%q %v", b, e)
			}
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestBodiesThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name   string
		body   io.Reader
		length int64
		status int
	}{
		{"a stated length above the limit", strings.NewReader("hello!"), 6, 413},
		{"chunked past the limit, no Content-Length", strings.NewReader("hello!"), -1, 413},
		{"endless and chunked", zeros{}, -1, 413},
		{"broken off", io.MultiReader(strings.NewReader("he"), failing{io.ErrUnexpectedEOF}), 5, 400},
		{"too slow", io.MultiReader(strings.NewReader("he"), failing{os.ErrDeadlineExceeded}), 5, 408},
	} {
		t.Run(row.name, func(t *testing.T) {
			in(t, call.Config{}, post(row.body, row.length), func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
				b, e := c.Body(r, 5)
				if e == nil || e.Status != row.status || b != nil {
					t.Fatalf("%q %v", b, e)
				}
				if row.length < 0 || row.status != 413 {
					if again, e := c.Body(r, 1000); e == nil {
						t.Errorf("the rest %q was taken for a body", again)
					}
				}
			})
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestMemoryForBodiesIsSharedAndGivenBack(t *testing.T) {
	cfg := call.Config{MaxBuffered: 8}
	wrap, err := call.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	nested := 0
	var h http.Handler
	h = wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, e := call.From(r.Context()).Body(r, 100); e != nil {
			call.Refuse(w, r, e)
			return
		}
		if r.URL.Path != "/inner" {
			rec := httptest.NewRecorder()
			req := post(strings.NewReader("12345"), 5)
			req.URL.Path = "/inner"
			h.ServeHTTP(rec, req)
			nested = rec.Code
		}
	}))
	for range 3 {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, post(strings.NewReader("12345"), 5))
		if rec.Code != 200 || nested != 503 {
			t.Fatalf("first body %d, second while it is held %d", rec.Code, nested)
		}
	}
}

func TestTheClockIsTheGates(t *testing.T) {
	at := time.Date(2026, 2, 23, 0, 0, 0, 0, time.UTC)
	in(t, call.Config{Now: func() time.Time { return at }}, get(), func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		if !c.Start().Equal(at) || !c.Now().Equal(at) {
			t.Errorf("%v %v", c.Start(), c.Now())
		}
	})
}

func BenchmarkCall(b *testing.B) {
	h := begin(b, call.Config{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	rec, req := httptest.NewRecorder(), get()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(rec, req)
	}
}
