package validate_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/validate"
)

// noise is a JSON document of n bytes that hardly gets smaller by compression.
func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n-len(`{"a":""}`))
	for i := range b {
		b[i] = byte('a' + random.IntN(26))
	}
	return `{"a":"` + string(b) + `"}`
}

// TestReportValidatesCompressedBodies: a body that the contract describes is
// decompressed under report as under enforce, up to the same byte, and the
// handler has what was validated.
func TestReportValidatesCompressedBodies(t *testing.T) {
	for name, c := range map[string]struct {
		sent, text, pardon string
	}{
		"a small one":       {zip(t, "gzip", `{"a":"b"}`), `{"a":"b"}`, ""},
		"one at the limit":  {zip(t, "gzip", noise(300_000)), noise(300_000), ""},
		"one byte too many": {zip(t, "gzip", noise(300_001)), "", "BODY_TOO_LARGE"},
	} {
		for _, coding := range []string{"gzip", ""} {
			var data []byte
			var seen *call.Call
			var left string
			h := relaxed(t, call.Report, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				data, _ = io.ReadAll(r.Body)
				seen, left = call.From(r.Context()), r.Header.Get("Content-Encoding")
			}))
			body := c.sent
			if coding == "" {
				if body = c.text; body == "" {
					continue
				}
			}
			r := httptest.NewRequest("POST", "/zipped", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if coding != "" {
				r.Header.Set("Content-Encoding", coding)
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			want := c.text
			if c.pardon != "" {
				want = c.sent
			}
			if rec.Code != 200 || string(data) != want || pardoned(seen) != c.pardon || (left == "") != (c.pardon == "") {
				t.Errorf("%s, %q: %d, %d bytes, want %d, Content-Encoding %q, %v", name, coding, rec.Code, len(data), len(want), left, seen.Pardons())
			}
		}
	}
}

// pardoned are the codes of what a mode has let through.
func pardoned(c *call.Call) string {
	var codes []string
	for _, p := range c.Pardons() {
		codes = append(codes, p.Code)
	}
	return strings.Join(codes, " ")
}

// TestReportNeedsNoMoreMemory: what was sent waits beside the pool, in memory
// while there is some and on the disk otherwise. Where the pool has no room for
// what enforce needs, the handler gets the body as it was sent.
func TestReportNeedsNoMoreMemory(t *testing.T) {
	good, bad := zip(t, "gzip", `{"a":"b"}`), zip(t, "gzip", `{"b":1}`)
	large := zip(t, "gzip", noise(290_000))
	for _, c := range []struct {
		room         int64
		sent, pardon string
		got          string
	}{
		{300_000, good, "", `{"a":"b"}`},
		{300_000, bad, "VALIDATION_ERROR", bad},
		{300_000 + 32<<10, bad, "VALIDATION_ERROR", bad},
		{299_999, good, "SERVICE_UNAVAILABLE", good},
		{299_999, large, "SERVICE_UNAVAILABLE", large}, // which is not read, and so needs no disk
	} {
		if t.Setenv("TMPDIR", t.TempDir()); c.sent == large {
			t.Setenv("TMPDIR", "/nowhere/at/all")
		}
		begin, err := call.New(call.Config{Table: uploadTable(t), MaxBuffered: c.room, Modes: call.Modes{"uploads": {"validate": call.Report}}})
		if err != nil {
			t.Fatal(err)
		}
		pardon, got := "not served", ""
		const room = "none: there was no room for the body just then; the contract has nothing against it"
		next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(r.Body)
			pardon, got = pardoned(call.From(r.Context())), string(data)
			if err != nil || int64(len(data)) != r.ContentLength {
				t.Errorf("%d bytes of %d, %v", len(data), r.ContentLength, err)
			}
			if all := call.From(r.Context()).Pardons(); c.pardon == "SERVICE_UNAVAILABLE" && all[0].Allow != room {
				t.Errorf("%+v", all)
			}
		})
		rec := send(begin(layer(t, validate.Config{Table: uploadTable(t)}, next)), "POST /zipped", c.sent, "Content-Encoding: gzip")
		if pardon != c.pardon || got != c.got {
			t.Errorf("with %d bytes: %d, %s, %q", c.room, rec.Code, pardon, got)
		}
	}
}

// TestEnforceDoesNoMoreThanItMust: only report keeps what was sent, and reads on
// in a body that is too large.
func TestEnforceDoesNoMoreThanItMust(t *testing.T) {
	form, formType := formBody(t, field{name: "a", data: "b"})
	for _, c := range []struct {
		body, contentType, coding string
		needs                     int64
	}{
		{zip(t, "gzip", `{"a":"b"}`), "application/json", "gzip", 300_000},
		{form, formType, "identity", 160 << 10},
		{zip(t, "gzip", form), formType, "gzip", 160 << 10},
	} {
		for mode, want := range map[call.Mode]int{call.Enforce: 200, call.Report: 503} {
			begin, err := call.New(call.Config{Table: uploadTable(t), MaxBuffered: c.needs + 32<<10, Modes: call.Modes{"uploads": {"validate": mode}}})
			if err != nil {
				t.Fatal(err)
			}
			h := begin(layer(t, validate.Config{Table: uploadTable(t)}, call.Handler(func(_ http.ResponseWriter, _ *http.Request, c *call.Call) error {
				if refusal := c.Reserve(32 << 10); refusal != nil {
					return refusal
				}
				return nil
			})))
			if rec := send(h, "POST /zipped", c.body, "Content-Encoding: "+c.coding, "=Content-Type: "+c.contentType); rec.Code != want {
				t.Errorf("%v, %s, %s: %d %s", mode, c.contentType, c.coding, rec.Code, rec.Body)
			}
		}
	}
	whole := zip(t, "gzip", noise(1_000_000))
	for mode, most := range map[call.Mode]int{call.Enforce: 310_000, call.Report: len(whole)} {
		body := strings.NewReader(whole)
		r := httptest.NewRequest("POST", "/zipped", io.MultiReader(body))
		r.ContentLength = -1
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", "gzip")
		relaxed(t, mode, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(httptest.NewRecorder(), r)
		if taken := len(whole) - body.Len(); taken > most || taken < most/2 {
			t.Errorf("%v: %d bytes are read of %d", mode, taken, len(whole))
		}
	}
}

// TestReportLetsThroughWhatEnforceDoes: an upload that the pool of bodies could
// not hold, good or not, and a disk that takes nothing from a body that is good.
func TestReportLetsThroughWhatEnforceDoes(t *testing.T) {
	scan := field{"scans", "a", "text/plain", strings.Repeat("x", 900_000)}
	good, goodType := formBody(t, field{name: "title", data: "a"}, field{name: "stars", data: "1"}, scan)
	bad, badType := formBody(t, field{name: "isAdmin", data: "1"}, scan)
	zipped := zip(t, "gzip", noise(290_000))
	for name, c := range map[string]struct {
		path, body, contentType, coding, disk string
		enforce, report                       int
	}{
		"a good upload":                        {"/files", good, goodType, "", "", 200, 200},
		"a bad one":                            {"/files", bad, badType, "", "", 400, 200},
		"a good compressed body":               {"/zipped", zipped, "application/json", "gzip", "", 200, 200},
		"a good compressed body, without disk": {"/zipped", zipped, "application/json", "gzip", "/nowhere/at/all", 200, 200},
		"an upload without disk":               {"/files", good, goodType, "", "/nowhere/at/all", 503, 503},
	} {
		for mode, want := range map[call.Mode]int{call.Enforce: c.enforce, call.Report: c.report, call.Off: 200} {
			if t.Setenv("TMPDIR", t.TempDir()); c.disk != "" {
				t.Setenv("TMPDIR", c.disk)
			}
			begin, err := call.New(call.Config{Table: uploadTable(t), MaxBuffered: 400_000, Modes: call.Modes{"uploads": {"validate": mode}}})
			if err != nil {
				t.Fatal(err)
			}
			next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				data, err := io.ReadAll(r.Body)
				as := len(call.From(r.Context()).Pardons()) > 0 || mode == call.Off
				if err != nil || int64(len(data)) != r.ContentLength || as != (string(data) == c.body) {
					t.Errorf("%s, %v: %d bytes of %d, %v", name, mode, len(data), r.ContentLength, err)
				}
			})
			r := httptest.NewRequest("POST", c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			if c.coding != "" {
				r.Header.Set("Content-Encoding", c.coding)
			}
			rec := httptest.NewRecorder()
			if begin(layer(t, validate.Config{Table: uploadTable(t)}, next)).ServeHTTP(rec, r); rec.Code != want {
				t.Errorf("%s, %v: %d %s, want %d", name, mode, rec.Code, rec.Body, want)
			}
		}
	}
}

// TestCompressedBodiesReserveWhatTheyMayBecome: the limit of the operation, which
// is what a body of unknown length is held for.
func TestCompressedBodiesReserveWhatTheyMayBecome(t *testing.T) {
	for room, want := range map[int64]int{300_000: 200, 299_999: 503} {
		begin, err := call.New(call.Config{Table: uploadTable(t), MaxBuffered: room})
		if err != nil {
			t.Fatal(err)
		}
		h := begin(layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		if rec := send(h, "POST /zipped", zip(t, "gzip", `{"a":"b"}`), "Content-Encoding: gzip"); rec.Code != want {
			t.Errorf("with %d bytes: %d", room, rec.Code)
		}
	}
}

// TestCodingsThatAreNotStated: RFC 9110 15.5.16 asks for the codings there are.
func TestCodingsThatAreNotStated(t *testing.T) {
	h := layer(t, validate.Config{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") }))
	rec := send(h, "PUT /notes/7", "x", "Content-Encoding: gzip")
	if rec.Code != 415 || strings.Contains(rec.Body.String(), "one of") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	h = layer(t, validate.Config{Table: gatetest.Compile(t, coded)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") }))
	if rec := send(h, "POST /inflated", "x", "Content-Encoding: gzip"); rec.Code != 415 || !strings.Contains(rec.Body.String(), "with one of: deflate") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	seen := 0
	h = layer(t, validate.Config{Table: uploadTable(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen++ }))
	for length, want := range map[int64]int{300_000: 200, 300_001: 413} {
		r := httptest.NewRequest("POST", "/zipped", strings.NewReader(zip(t, "gzip", `{"a":"b"}`)))
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", "gzip")
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code != want {
			t.Errorf("%d bytes sent: %s", length, fmt.Sprint(rec.Code, rec.Body))
		}
	}
	if seen != 1 {
		t.Errorf("%d served", seen)
	}
}
