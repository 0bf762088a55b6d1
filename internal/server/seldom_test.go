package server

import (
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/config"
)

// TestLostLinesAreTold: the folder of the log files goes while the program runs.
// Standard error says so, once a minute, and the metrics count.
func TestLostLinesAreTold(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "logs")
	now, base := time.Now(), &text{}
	s, err := Open(t.Context(), Options{
		Config: load(t, config.Flag{Path: "log.files.folder", Value: folder}, config.Flag{Path: "log.files.max_size", Value: "1"}, config.Flag{Path: "metrics.listen", Value: "127.0.0.1:0"}),
		Log:    slog.NewJSONHandler(base, nil), Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil { // in its place, so that no file can be opened when this one is full
		t.Fatal(err)
	}
	const line = `"msg":"lines of the log are lost"`
	for range 1100 {
		s.log.Info(strings.Repeat("x", 1<<10))
	}
	if n := strings.Count(base.String(), line); n != 1 {
		t.Errorf("told %d times of lost messages; want once", n)
	}
	now = now.Add(time.Minute)
	for range 10 {
		r := httptest.NewRequest("GET", "http://localhost/livez", nil)
		r.RemoteAddr = "127.0.0.1:1"
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	if n := strings.Count(base.String(), line); n != 2 {
		t.Errorf("told %d times of lost records; want once more, after a minute", n)
	}
	rec := httptest.NewRecorder()
	s.watch.metrics.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if got := rec.Body.String(); !strings.Contains(got, "\ngatehouse_log_write_errors_total ") || strings.Contains(got, "\ngatehouse_log_write_errors_total 0\n") {
		t.Error("the metric counts none")
	}
}

// TestConnectionsAboveTheCapAreTold: a flood of one address is one line, and the
// metrics count each.
func TestConnectionsAboveTheCapAreTold(t *testing.T) {
	address, log := running(t, config.Flag{Path: "metrics.listen", Value: "127.0.0.1:0"})
	eventually(t, "no listener for metrics", func() bool { return metricsAt.MatchString(log.String()) })
	own := metricsAt.FindStringSubmatch(log.String())[1]
	for range 256 + 5 { // docs/reference/limits.md
		if conn, err := net.DialTimeout("tcp", address, 5*time.Second); err == nil { // one that is closed at once may not get so far
			defer func() { _ = conn.Close() }()
		}
	}
	want := `gatehouse_connections_closed_total{reason="connections"} 5`
	eventually(t, "no "+want, func() bool { return strings.Contains(answers(t, own, get("/metrics", "")), want) })
	if n := strings.Count(log.String(), "connections were closed: there are as many as may be"); n != 1 {
		t.Errorf("told %d times; want once", n)
	}
}

// TestTheMetricsHaveCapsOfTheirOwn: who holds connections to them takes nothing
// from the program, and no more than 16 from one address.
func TestTheMetricsHaveCapsOfTheirOwn(t *testing.T) {
	_, log := running(t, config.Flag{Path: "metrics.listen", Value: "127.0.0.1:0"})
	eventually(t, "no listener for metrics", func() bool { return metricsAt.MatchString(log.String()) })
	own := metricsAt.FindStringSubmatch(log.String())[1]
	dial := func() net.Conn {
		conn, err := net.DialTimeout("tcp", own, 5*time.Second)
		if err != nil {
			return nil // closed as soon as it was there
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	// begins tells what comes of a request, of one that is closed unanswered nothing.
	begins := func(conn net.Conn) string {
		if conn == nil {
			return ""
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = conn.Write([]byte(get("/metrics", "")))
		answer := make([]byte, 12)
		n, err := conn.Read(answer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("neither answered nor closed")
		}
		return string(answer[:n])
	}
	held := make([]net.Conn, 16)
	for i := range held {
		held[i] = dial()
	}
	if got := begins(dial()); got != "" {
		t.Errorf("one connection more: %q", got)
	}
	if got := begins(held[0]); got != "HTTP/1.1 200" { // and is closed then
		t.Errorf("the first connection: %q", got)
	}
	eventually(t, "no place is free again", func() bool { return begins(dial()) == "HTTP/1.1 200" })
}

// TestTheMetricsAreReadStrictly: what two programs could read in two ways is
// refused there as well.
func TestTheMetricsAreReadStrictly(t *testing.T) {
	_, log := running(t, config.Flag{Path: "metrics.listen", Value: "127.0.0.1:0"})
	eventually(t, "no listener for metrics", func() bool { return metricsAt.MatchString(log.String()) })
	own := metricsAt.FindStringSubmatch(log.String())[1]
	for name, raw := range map[string]string{
		"bare LF":                    "GET /metrics HTTP/1.1\nHost: localhost\n\n",
		"a folded line":              get("/metrics", " folded: yes\r\n"),
		"two lengths":                get("/metrics", "Content-Length: 0\r\nContent-Length: 0\r\n"),
		"a coding beside the length": get("/metrics", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n",
	} {
		if got := answers(t, own, raw); !strings.HasPrefix(got, "HTTP/1.1 400") {
			t.Errorf("%s: %.60q", name, got)
		}
	}
}
