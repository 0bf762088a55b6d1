package call_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

func TestHopsAtTheEdgesOfTheGrammar(t *testing.T) {
	const proxy = "10.0.0.1"
	for _, row := range []struct {
		field  string
		values []string
		want   string
	}{
		{"Forwarded", []string{`for=10.0.0.2`}, "10.0.0.2"},
		{"Forwarded", []string{`,for=10.0.0.2`}, "10.0.0.2"},
		{"Forwarded", []string{`for=203.0.113.9, for=192.0.2.60;ext="a\\\", b"`}, "192.0.2.60"},
		{"Forwarded", []string{`for=192.0.2.60;ext=""`}, "192.0.2.60"},
		{"Forwarded", []string{`for="::1"`}, proxy},
		{"Forwarded", []string{`for=192.0.2.60;ext="a`}, proxy},
		{"Forwarded", []string{`for=192.0.2.60;ext="a\b`}, proxy},
		{"Forwarded", []string{`for=192.0.2.60;ext="a\`}, proxy},
		{"Forwarded", []string{`for=192.0.2.60;ext="a"x`}, proxy},
		{"Forwarded", []string{`for="[2001:db8::7]x1"`}, proxy},
		{"X-Forwarded-For", []string{",10.0.0.2"}, "10.0.0.2"},
		{"X-Forwarded-For", []string{"203.0.113.9,192.0.2.60"}, "192.0.2.60"},
		{"X-Forwarded-For", []string{"192.0.2.60", "10.0.0.2"}, "192.0.2.60"},
		{"X-Forwarded-For", []string{"localhost:80"}, proxy},
	} {
		got, notes := clientFrom(t, call.Config{Proxies: proxies}, proxy+":443", http.Header{row.field: row.values})
		if got != row.want || len(notes) != 0 {
			t.Errorf("%s %q: %s, want %s; notes %v", row.field, row.values, got, row.want, notes)
		}
	}
}

func TestHintsKnowTheirNetworksAndTheirPause(t *testing.T) {
	start := time.Date(2026, 2, 23, 10, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name, first, second string
		after               time.Duration
		want                int
	}{
		{"the same /24", "192.0.2.5:1", "192.0.2.200:1", time.Hour, 1},
		{"the /24 beside it", "192.0.2.5:1", "192.0.3.5:1", time.Hour, 2},
		{"the same /64", "[2001:db8::7]:1", "[2001:db8::8000:0:0:7]:1", time.Hour, 1},
		{"the /64 beside it", "[2001:db8::7]:1", "[2001:db8:0:1::7]:1", time.Hour, 2},
		{"within a minute", "192.0.2.5:1", "198.51.100.5:1", time.Minute - 1, 1},
		{"after a minute", "192.0.2.5:1", "198.51.100.5:1", time.Minute, 2},
	} {
		at, told := start, 0
		h := begin(t, call.Config{Now: func() time.Time { return at }, OnUndeclared: func(netip.Prefix) { told++ }}, func(http.ResponseWriter, *http.Request) {})
		for _, peer := range []string{row.first, row.second} {
			req := get()
			req.RemoteAddr = peer
			req.Header.Set("Forwarded", "for=203.0.113.9")
			h.ServeHTTP(discardWriter{}, req)
			at = at.Add(row.after)
		}
		if told != row.want {
			t.Errorf("%s: told %d times, want %d", row.name, told, row.want)
		}
	}
}

func TestMemoryForBodiesToTheByte(t *testing.T) {
	for _, row := range []struct {
		name         string
		size         int64
		body         string
		length       int64
		limit        int64
		status, left int
	}{
		{"just enough", 5, "hello", 5, 100, 0, 0},
		{"a byte short", 4, "hello", 5, 100, 503, 5},
		{"nothing needs nothing", 1, "", 0, 100, 0, 0},
		{"a length that nobody states is the limit", 99, "hello", -1, 100, 503, 5},
		{"a length that nobody states, and room for the limit", 100, "hello", -1, 100, 0, 0},
		{"no more is read than shows that it is too large", 100, "12345678", -1, 5, 413, 2},
	} {
		rest := strings.NewReader(row.body)
		in(t, call.Config{MaxBuffered: row.size}, post(io.MultiReader(rest), row.length), func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
			status := 0
			if _, e := c.Body(r, row.limit); e != nil {
				status = e.Status
			}
			if status != row.status || rest.Len() != row.left {
				t.Errorf("%s: %d with %d bytes unread, want %d with %d", row.name, status, rest.Len(), row.status, row.left)
			}
		})
	}
}

func TestReservesToTheByte(t *testing.T) {
	for _, row := range []struct{ size, all int64 }{{100, 100}, {0, 64 << 20}} {
		in(t, call.Config{MaxBuffered: row.size}, get(), func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
			if e := c.Reserve(row.all + 1); e == nil || e.Status != 503 {
				t.Errorf("%d of %d bytes: %v", row.all+1, row.all, e)
			}
			if e := c.Reserve(row.all); e != nil {
				t.Errorf("all %d bytes, after a refusal: %v", row.all, e)
			}
		})
	}
}

func TestStreamOfOneByte(t *testing.T) {
	in(t, call.Config{}, post(strings.NewReader("1"), 1), func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
		_, _ = c.Body(r, 5)
		if all, err := io.ReadAll(c.Stream(r)); err != nil || string(all) != "1" {
			t.Errorf("%q %v", all, err)
		}
	})
}

func TestAPrincipalWithoutARoleIsAGuest(t *testing.T) {
	if got := (&call.Principal{ID: "m1"}).RoleOf(); got != call.Guest {
		t.Errorf("%q", got)
	}
}

func TestTheFirstTableThatKnowsTheRequestCounts(t *testing.T) {
	a, b := twoTables(t)
	for _, row := range []struct {
		name, target, api string
		first             *contract.Table
		missed            bool
	}{
		{"found by call", "/v1/a", "a", a, false},
		{"missed by call", "/v1/b", "", a, true},
		{"left to a layer", "/v1/b", "b", nil, false},
		{"left to a layer that misses it", "/v1/a", "", nil, true},
	} {
		in(t, call.Config{Table: row.first}, httptest.NewRequest("GET", row.target, nil), func(_ http.ResponseWriter, r *http.Request, c *call.Call) {
			c.Resolve(b, r)
			api := ""
			if op := c.Operation(); op != nil {
				api = op.API.Name
			}
			if api != row.api || (c.Match().Miss != nil) != row.missed {
				t.Errorf("%s: API %q, miss %v", row.name, api, c.Match().Miss)
			}
		})
	}
}

const stated = `
openapi: 3.1.0
info: {title: Stated, version: "1"}
x-gatehouse: {name: stated, errors: message}
paths:
  /cached: {get: {operationId: cached, x-gatehouse: {access: public, cache: "max-age=60", texts: {FORBIDDEN: "Ask the office."}}, responses: {"200": {description: ok}}}}
  /plain: {get: {operationId: plain, x-gatehouse: {access: public}, responses: {"200": {description: ok}}}}
`

func TestAnswersFollowTheContract(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "stated.yaml", Data: []byte(stated)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{"/cached": "max-age=60", "/plain": "no-store", "/missing": "no-store"} {
		for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request) error{
			"NoContent": call.NoContent,
			"Bytes":     func(w http.ResponseWriter, r *http.Request) error { return call.Bytes(w, r, 200, "text/plain", nil) },
		} {
			rec := in(t, call.Config{Table: table}, httptest.NewRequest("GET", target, nil), func(w http.ResponseWriter, r *http.Request, _ *call.Call) {
				if err := answer(w, r); err != nil {
					t.Error(err)
				}
			})
			if got := rec.Header().Get("Cache-Control"); got != want {
				t.Errorf("%s of %s: Cache-Control %q, want %q", name, target, got, want)
			}
		}
	}
	head := httptest.NewRequest("HEAD", "/plain", nil)
	if err := call.JSON(httptest.NewRecorder(), head, 200, 1); err != nil {
		t.Errorf("HEAD: %v", err)
	}
	rec := in(t, call.Config{Table: table}, httptest.NewRequest("GET", "/cached", nil), func(w http.ResponseWriter, r *http.Request, _ *call.Call) {
		call.Refuse(w, r, problem.Forbidden("no"))
	})
	if rec.Code != 403 || !strings.Contains(rec.Body.String(), "Ask the office.") || strings.Contains(rec.Header().Get("Content-Type"), "problem") {
		t.Errorf("%d %s %v", rec.Code, rec.Body, rec.Header())
	}
}

func TestBindReadsABodyThatWasNotValidated(t *testing.T) {
	in(t, call.Config{Modes: call.Modes{call.AnyAPI: {"validate": call.Off}}}, get(), func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		var v struct{ Name string }
		if refusal, ok := errors.AsType[*problem.Error](c.Bind(&v)); !ok || refusal.Status != 400 {
			t.Errorf("no body: %v", refusal)
		}
		c.SetInput(nil, []byte(`{"Name":"a"}`), true)
		if err := c.Bind(&v); err != nil || v.Name != "a" {
			t.Errorf("%v %+v", err, v)
		}
	})
}

// wire keeps what reaches the connection.
type wire struct {
	header   http.Header
	statuses []int
	writes   []string
	err      error
	flushes  int
}

func (w *wire) Header() http.Header { return w.header }
func (w *wire) WriteHeader(s int)   { w.statuses = append(w.statuses, s) }
func (w *wire) Flush()              { w.flushes++ }
func (w *wire) Write(p []byte) (int, error) {
	w.writes = append(w.writes, string(p))
	return len(p), w.err
}

func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// on runs f inside a call whose answer goes to a wire.
func on(t *testing.T, out *wire, f func(w http.ResponseWriter, c *call.Call)) {
	t.Helper()
	out.header = http.Header{}
	begin(t, call.Config{}, func(w http.ResponseWriter, r *http.Request) { f(w, call.From(r.Context())) }).ServeHTTP(out, get())
}

// Statuses 1xx are informational: a final one follows (RFC 9110 section 15.2).
func TestInformationalAnswersPass(t *testing.T) {
	var out wire
	on(t, &out, func(w http.ResponseWriter, c *call.Call) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(199)
		if status, _ := c.Answer(); status != 0 {
			t.Errorf("%d was taken for the answer", status)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if !slices.Equal(out.statuses, []int{103, 199, 204}) {
		t.Errorf("%v", out.statuses)
	}
}

func TestAWriteTellsThatTheClientHasGone(t *testing.T) {
	out := wire{err: io.ErrClosedPipe}
	on(t, &out, func(w http.ResponseWriter, c *call.Call) {
		c.Hold(4)
		if n, err := w.Write([]byte("abcd")); n != 4 || err != nil {
			t.Errorf("held: %d %v", n, err)
		}
		if _, err := w.Write([]byte("e")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("sent: %v", err)
		}
	})
}

func TestWhatEndsHoldingLetsTheAnswerGo(t *testing.T) {
	for name, end := range map[string]func(w http.ResponseWriter){
		"a flush":    func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"a deadline": func(w http.ResponseWriter) { _ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) },
	} {
		var out wire
		on(t, &out, func(w http.ResponseWriter, c *call.Call) {
			c.Hold(8)
			_, _ = w.Write([]byte("abc"))
			end(w)
			if _, _, held := c.Held(); held || !slices.Equal(out.writes, []string{"abc"}) {
				t.Errorf("%s: held %v, sent %q", name, held, out.writes)
			}
			c.Replace([]byte("x")) // too late
			end(w)
		})
		if want := map[string]int{"a flush": 2}[name]; out.flushes != want {
			t.Errorf("%s: %d flushes", name, out.flushes)
		}
	}
}

func TestHoldWholeKeepsNothingOfWhatIsTooLarge(t *testing.T) {
	var out wire
	on(t, &out, func(w http.ResponseWriter, c *call.Call) {
		c.HoldWhole(4)
		_, _ = w.Write([]byte("abcde"))
		_, _ = w.Write([]byte("f"))
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err == nil {
			t.Error("the connection was touched")
		}
		_ = http.NewResponseController(w).Flush()
		if status, body, held := c.Held(); status != 0 || body != nil || held {
			t.Errorf("%d %q %v", status, body, held)
		}
		c.Send()
	})
	if len(out.writes) != 0 {
		t.Errorf("%q got out", out.writes)
	}
}

func TestAnAnswerWithoutABodyIsNotGivenOne(t *testing.T) {
	var out wire
	on(t, &out, func(w http.ResponseWriter, c *call.Call) {
		c.Hold(4)
		w.WriteHeader(http.StatusNoContent)
		c.Send()
	})
	if !slices.Equal(out.statuses, []int{204}) || len(out.writes) != 0 {
		t.Errorf("%v %q", out.statuses, out.writes)
	}
}

func TestTheFirstFaultOfATargetIsTold(t *testing.T) {
	a, _ := twoTables(t)
	req := get()
	req.URL = &url.URL{Scheme: "mailto", Opaque: "x", RawQuery: "\xc3\xa9"}
	in(t, call.Config{Table: a}, req, func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		if miss := c.Match().Miss; miss == nil || miss.Status != 400 || strings.Contains(miss.Detail, "query") {
			t.Errorf("%+v", miss)
		}
	})
}
