package gatehouse

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
)

// send sends one request.
func (w *modeWorld) send(r *http.Request) *httptest.ResponseRecorder {
	w.t.Helper()
	w.seen = nil
	w.records.Reset()
	rec := httptest.NewRecorder()
	w.gate.ServeHTTP(rec, r)
	return rec
}

func TestPlainHTTPByMode(t *testing.T) {
	for _, tt := range []struct {
		name, host, accept string
		redirect           bool
		mode               call.Mode
		status             int
		records            string
	}{
		{"a program, enforce", "localhost", "", false, call.Enforce, 403, ""},
		{"a program, report", "localhost", "", false, call.Report, 200, "tls: TLS_REQUIRED encrypted"},
		{"a program, off", "localhost", "", false, call.Off, 200, ""},
		{"a page, enforce", "localhost", "text/html", true, call.Enforce, 308, ""},
		{"a page, report", "localhost", "text/html", true, call.Report, 200, "tls: TLS_REQUIRED encrypted"},
		{"a page of a strange host is redirected nowhere", "evil.example", "text/html", true, call.Report, 200, "tls: MISDIRECTED_REQUEST host is ours"},
		{"a page of a strange host, off", "evil.example", "text/html", true, call.Off, 200, ""},
	} {
		w := newModeWorldOf(t, "", func(c *Config) {
			c.TLS.Redirect = tt.redirect
			c.Modes = call.Modes{"a": {"tls": tt.mode}}
		})
		r := httptest.NewRequest(http.MethodGet, "http://"+tt.host+"/a/orders/1", nil)
		r.RemoteAddr = "192.0.2.1:40000"
		r.Header.Set("Authorization", "Bearer admin")
		r.Header.Set("Accept", tt.accept)
		rec := w.send(r)
		if rec.Code != tt.status || tt.status == 200 && rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q, want %d", tt.name, rec.Code, rec.Header().Get("Location"), tt.status)
		}
		if said := w.records.String(); !strings.Contains(said, tt.records) || tt.records == "" && strings.Contains(said, "would_refuse") {
			t.Errorf("%s: recorded %s", tt.name, said)
		}
	}
}

// TestHeadersByMode grants no origin in any mode.
func TestHeadersByMode(t *testing.T) {
	for _, mode := range []call.Mode{call.Enforce, call.Report, call.Off} {
		for origin, foreign := range map[string]bool{"https://evil.example": true, "null": true, "http://localhost": false, "": false} {
			w := newModeWorld(t, call.Modes{"a": {"headers": mode}}, "")
			r := request(http.MethodGet, "http://localhost/a/orders/1", nil)
			r.Header.Set("Authorization", "Bearer admin")
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			rec := w.send(r)
			if got := rec.Header().Get("Access-Control-Allow-Origin"); rec.Code != 200 || got != "" {
				t.Errorf("%v, a page of %q: %d, granted to %q", mode, origin, rec.Code, got)
			}
			if set := rec.Header().Get("Content-Security-Policy") != ""; set != (mode != call.Off) {
				t.Errorf("%v: Content-Security-Policy is set: %v", mode, set)
			}
			if noted := strings.Contains(w.records.String(), "headers: CORS_ORIGIN"); noted != (mode == call.Report && foreign) {
				t.Errorf("%v, a page of %q: %s", mode, origin, w.records.String())
			}
			if strings.Contains(w.records.String(), "evil") {
				t.Errorf("the record repeats the origin: %s", w.records.String())
			}
		}
	}
}

// TestACrossSiteRequestIsAGuest lets it through in report without what the
// cookie would give it.
func TestACrossSiteRequestIsAGuest(t *testing.T) {
	w := newModeWorldOf(t, "", func(c *Config) {
		c.Authn.Cookie = whoever{}
		c.Modes = call.Modes{"a": {"authn": call.Report, "authz": call.Report}}
	})
	r := request(http.MethodDelete, "http://localhost/a/orders/1", nil)
	r.AddCookie(&http.Cookie{Name: authn.DefaultCookie, Value: "admin"})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if rec := w.send(r); rec.Code != http.StatusOK || w.seen.Principal() != nil {
		t.Errorf("%d as %v", rec.Code, w.seen.Principal())
	}
	if !strings.Contains(w.records.String(), "authn: CROSS_SITE") {
		t.Errorf("recorded %s", w.records.String())
	}
}

// TestAReportedCallGivesNothingBack fails once, goes on in report, and must find
// the budget of failures still used up.
func TestAReportedCallGivesNothingBack(t *testing.T) {
	w := newModeWorldOf(t, `"*": { limit: 1/15m failures per address }`, func(c *Config) {
		c.Modes = call.Modes{"a": {"limit": call.Report}}
	})
	if status, _ := w.do("GET", "http://localhost/a/orders/1", "member", ""); status != http.StatusForbidden {
		t.Fatalf("the failure: %d", status)
	}
	for i := range 3 {
		status, _ := w.do("GET", "http://localhost/a/orders/1", "admin", "")
		if status != http.StatusOK || !strings.Contains(w.records.String(), "limit: RATE_LIMITED") {
			t.Errorf("call %d: %d %s", i, status, w.records.String())
		}
	}
}

func TestTheUnmatchedBudgetReports(t *testing.T) {
	w := newModeWorldOf(t, "", func(c *Config) {
		c.Limit.Unmatched = contract.Budget{Requests: 1, Window: 15 * 60e9, Key: contract.ByAddress}
		c.Modes = call.Modes{call.AnyAPI: {"limit": call.Report}}
	})
	w.do("GET", "http://localhost/nothing", "", "")
	if status, _ := w.do("GET", "http://localhost/nothing", "", ""); status != http.StatusNotFound {
		t.Errorf("%d, want 404", status)
	}
	if !strings.Contains(w.records.String(), "gatehouse.yaml: limits: { unmatched: 2/15m per address }") {
		t.Errorf("recorded %s", w.records.String())
	}
}

// broken is a body that ends before its stated length.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestNoModeMakesABodyWhole refuses in every mode what cannot be read.
func TestNoModeMakesABodyWhole(t *testing.T) {
	for _, mode := range []call.Mode{call.Enforce, call.Report, call.Off} {
		w := newModeWorld(t, call.Modes{"a": {"validate": mode}}, "")
		r := request(http.MethodPut, "http://localhost/a/orders/1", broken{})
		r.ContentLength = 10
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer member")
		if rec := w.send(r); rec.Code != http.StatusBadRequest || w.seen != nil {
			t.Errorf("%v: %d", mode, rec.Code)
		}
	}
}

// TestAStreamPastTheLimitArrivesWhole sends a body without a length that is
// larger than the contract allows.
func TestAStreamPastTheLimitArrivesWhole(t *testing.T) {
	text := `{"title":"` + strings.Repeat("x", 3000) + `"}`
	for _, mode := range []call.Mode{call.Report, call.Off} {
		w := newModeWorld(t, call.Modes{"a": {"validate": mode}}, "")
		r := request(http.MethodPut, "http://localhost/a/orders/1", io.MultiReader(strings.NewReader(text)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer member")
		if rec := w.send(r); rec.Code != http.StatusOK || w.body != text {
			t.Errorf("%v: %d, %d bytes of %d", mode, rec.Code, len(w.body), len(text))
		}
		var v any
		if err := w.seen.Bind(&v); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%v: bound a body that was never held: %v", mode, err)
		}
	}
}

// TestReportedAnswers lets an answer out that breaks the contract, in report and
// off, though answers are enforced.
func TestReportedAnswers(t *testing.T) {
	for mode, want := range map[call.Mode]int{call.Enforce: 500, call.Report: 418, call.Off: 418} {
		w := newModeWorldOf(t, "", func(c *Config) {
			c.Validate.Responses = "enforce"
			c.Modes = call.Modes{"a": {"validate": mode}}
		})
		w.status = http.StatusTeapot
		if status, _ := w.do("GET", "http://localhost/a/orders/1", "admin", ""); status != want {
			t.Errorf("%v: %d, want %d", mode, status, want)
		}
	}
}

// TestRecordsOfReports looks at what a Record holds.
func TestRecordsOfReports(t *testing.T) {
	var got observe.Record
	w := newModeWorldOf(t, "", func(c *Config) {
		c.Modes = call.Modes{"a": {"authz": call.Report}}
		c.Observe.OnRecord = func(r observe.Record) { got = r }
	})
	w.do("GET", "http://localhost/a/orders/1", "member", "")
	if got.Verdict != "served" || got.Rule != "" || got.Code != "" || len(got.WouldRefuse) != 1 || len(got.WouldAllow) != 1 ||
		got.WouldRefuse[0] != "authz: FORBIDDEN roles [admin]" {
		t.Errorf("%+v", got)
	}
	w.do("GET", "http://localhost/a/orders/1", "admin", "")
	if len(got.WouldRefuse)+len(got.WouldAllow) != 0 {
		t.Errorf("a call that nothing objects to: %+v", got)
	}
}
