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

// TestReportReservesForBoth: what was sent and what it holds are two buffers.
func TestReportReservesForBoth(t *testing.T) {
	sent := zip(t, "gzip", `{"a":"b"}`)
	for room, want := range map[int64]string{300_000 + int64(len(sent)): "", 300_000 + int64(len(sent)) - 1: "SERVICE_UNAVAILABLE"} {
		begin, err := call.New(call.Config{Table: uploadTable(t), MaxBuffered: room, Modes: call.Modes{"uploads": {"validate": call.Report}}})
		if err != nil {
			t.Fatal(err)
		}
		pardon := "not served"
		next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { pardon = pardoned(call.From(r.Context())) })
		if rec := send(begin(layer(t, validate.Config{Table: uploadTable(t)}, next)), "POST /zipped", sent, "Content-Encoding: gzip"); pardon != want {
			t.Errorf("with %d bytes: %d, %s", room, rec.Code, pardon)
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
