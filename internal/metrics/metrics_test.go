package metrics

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/observe"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func served() observe.Record {
	return observe.Record{
		Method: "GET", API: "scheduler", Operation: "listDays", Route: "/api/days", Status: 200, Verdict: "served", Duration: 3 * time.Millisecond,
	}
}

// The names are those of the page docs/reference/metrics.md and of the OpenTelemetry
// conventions for HTTP.
func TestACallIsCounted(t *testing.T) {
	m := New(Config{Version: "1.2.3", Commit: "c0ffee", Sockets: func() int { return 7 }})
	slow := served()
	slow.Slow = true
	limited := observe.Record{Method: "POST", API: "members", Operation: "login", Status: 429, Verdict: "limit", Rule: "login", Code: "RATE_LIMITED"}
	unknown := observe.Record{Method: "GET", Route: observe.Unmatched, Status: 404, Verdict: "route", Rule: "NOT_FOUND", Code: "NOT_FOUND"}
	panicked := observe.Record{Method: "GET", API: "posts", Operation: "list", Status: 500, Verdict: "panic", Code: "INTERNAL_ERROR"}
	socket := observe.Record{Method: "GET", API: "scheduler", Operation: "socket", Status: 101, Verdict: "served", Duration: time.Hour}
	for _, rec := range []observe.Record{
		served(), slow, limited, unknown, panicked, socket,
		{Method: "GET", API: "a", Operation: "o", Status: 401, Verdict: "authn", Rule: "the bearer token holds", Code: "INVALID_TOKEN"},
		{Method: "GET", API: "a", Operation: "o", Status: 401, Verdict: "authn", Rule: "one session cookie", Code: "X"},
		{Method: "GET", API: "a", Operation: "o", Status: 401, Verdict: "authn", Code: "NO_TOKEN"},
		{Method: "POST", API: "a", Operation: "login", Status: 401, Verdict: "handler", Code: "INVALID_CREDENTIALS"},
	} {
		m.Observe(rec)
	}
	got := scrape(t, m)
	for _, want := range []string{
		`http_server_request_duration_seconds_bucket{api="scheduler",http_request_method="GET",http_response_status_code="200",operation="listDays",le="0.005"} 2`,
		`http_server_request_duration_seconds_bucket{api="scheduler",http_request_method="GET",http_response_status_code="200",operation="listDays",le="0.001"} 0`,
		`gatehouse_gate_decisions_total{api="scheduler",layer="handler",operation="listDays",reason="",verdict="served"} 2`,
		`gatehouse_gate_decisions_total{api="members",layer="limit",operation="login",reason="RATE_LIMITED",verdict="refused"} 1`,
		`gatehouse_gate_decisions_total{api="",layer="route",operation="(unmatched)",reason="NOT_FOUND",verdict="refused"} 1`,
		`gatehouse_gate_decisions_total{api="posts",layer="handler",operation="list",reason="INTERNAL_ERROR",verdict="panic"} 1`,
		`gatehouse_ratelimit_rejected_total{policy="login"} 1`,
		`gatehouse_auth_failures_total{method="bearer",reason="INVALID_TOKEN"} 1`,
		`gatehouse_auth_failures_total{method="cookie",reason="X"} 1`,
		`gatehouse_auth_failures_total{method="none",reason="NO_TOKEN"} 1`,
		`gatehouse_auth_failures_total{method="password",reason="INVALID_CREDENTIALS"} 1`,
		`gatehouse_slow_calls_total{api="scheduler",operation="listDays"} 1`,
		`gatehouse_ws_connections 7`,
		`gatehouse_build_info{commit="c0ffee",version="1.2.3"} 1`,
		"\ngo_goroutines ", "\nprocess_cpu_seconds_total ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, `http_server_request_duration_seconds_count{api="scheduler",http_request_method="GET",http_response_status_code="101"`) {
		t.Error("the life of a socket was taken for the time of an answer")
	}
}

func TestRefusalsOnTheConnectionAreCounted(t *testing.T) {
	m := New(Config{})
	for range 2 {
		m.Refused(netip.MustParseAddr("192.0.2.7"), "a folded line")
	}
	m.Refused(netip.MustParseAddr("192.0.2.8"), "no method")
	got := scrape(t, m)
	for _, want := range []string{`gatehouse_framing_rejected_total{fault="a folded line"} 2`, `gatehouse_framing_rejected_total{fault="no method"} 1`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, "192.0.2.") {
		t.Error("an address is a label")
	}
}

// TestReloadIsToldWhereThereIsOne: without certificate files nothing is reloaded,
// and a constant would only look like a measurement.
func TestReloadIsToldWhereThereIsOne(t *testing.T) {
	if strings.Contains(scrape(t, New(Config{})), "reload") {
		t.Error("a reload of nothing")
	}
	m := New(Config{Certificates: true})
	for _, row := range []struct {
		name   string
		become func()
		want   string
	}{
		{"at the start", func() {}, "1"},
		{"half a renewal", func() { m.Reloaded(errors.New("the key does not match")) }, "0"},
		{"the whole of it", func() { m.Reloaded(nil) }, "1"},
	} {
		row.become()
		if !strings.Contains(scrape(t, m), "\ngatehouse_certificate_last_reload_success "+row.want+"\n") {
			t.Errorf("%s: not %s", row.name, row.want)
		}
	}
}

// TestLabelsAreBounded counts calls of which every text is new.
func TestLabelsAreBounded(t *testing.T) {
	m := New(Config{})
	for i := range 5000 {
		text := fmt.Sprint("made-up-", i)
		m.Observe(observe.Record{
			Method: "GET", Route: observe.Unmatched, Status: 429, Verdict: "limit", Rule: text, Code: text,
			Client: served().Client, Principal: text, RequestID: text, Cause: text, Resource: text,
		})
		m.Refused(netip.Addr{}, text)
	}
	got := scrape(t, m)
	if n := strings.Count(got, "made-up-"); n > 3*maxNames { // of reasons, budgets and faults
		t.Errorf("%d series of made-up names", n)
	}
	if !strings.Contains(got, `gatehouse_ratelimit_rejected_total{policy="(other)"}`) {
		t.Error("what is beyond the bound is not counted")
	}
}

func TestOnlyMetricsAreThere(t *testing.T) {
	h := New(Config{}).Handler()
	for target, want := range map[string]int{"GET /": 404, "GET /debug/pprof/": 404, "POST /metrics": 405, "GET /metrics": 200, "GET /api/days": 404} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	m := New(Config{})
	rec := served()
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(rec)
	}
}
