package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/observe"
)

// text is a log that a test can read while the server writes it.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *text) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server that serves, on an address of its own.
func running(t *testing.T, flags ...config.Flag) (address string, log *text) {
	t.Helper()
	l, log := serving(t, load(t, append([]config.Flag{{Path: "listen", Value: "127.0.0.1:0"}}, flags...)...))
	return l.Addr().String(), log
}

// serving runs a server of the settings until the test ends.
func serving(t *testing.T, cfg *config.Config) (*Listeners, *text) {
	t.Helper()
	log := &text{}
	l, err := Listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Config: cfg, Log: slog.NewJSONHandler(log, nil), Version: "1.2.3", Listeners: l})
	if err != nil {
		t.Fatal(errors.Join(err, l.Close()))
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l, log
}

// answers sends raw bytes and returns what comes back.
func answers(t *testing.T, address, raw string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	all, _ := io.ReadAll(conn) // closed unanswered is an answer too
	return string(all)
}

func get(path, fields string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + "\r\n"
}

// eventually waits for what another goroutine does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

var metricsAt = regexp.MustCompile(`"msg":"metrics are served","at":"http://([^/]+)/metrics"`)

func TestMetricsHaveAListenerOfTheirOwn(t *testing.T) {
	address, log := running(t, config.Flag{Path: "metrics.listen", Value: "127.0.0.1:0"})
	eventually(t, "no listener for metrics", func() bool { return metricsAt.MatchString(log.String()) })
	own := metricsAt.FindStringSubmatch(log.String())[1]
	if got := answers(t, address, get("/api/days", "")); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Fatal(got)
	}
	want := `gatehouse_gate_decisions_total{api="scheduler",layer="handler",operation="listDays",reason="",verdict="served"} 1`
	eventually(t, "the call is not counted", func() bool { return strings.Contains(answers(t, own, get("/metrics", "")), want) })
	answers(t, address, get("/api/days", " folded: yes\r\n"))
	want = `gatehouse_framing_rejected_total{fault="a folded line"} 1`
	if got := answers(t, own, get("/metrics", "")); !strings.Contains(got, want) || strings.Contains(got, "reload") {
		t.Errorf("no %s, or a reload of certificates that are not there", want)
	}
	if got := answers(t, address, get("/metrics", "")); !strings.HasPrefix(got, "HTTP/1.1 404") {
		t.Errorf("the gate serves metrics: %.60s", got)
	}
	rebound := strings.Replace(get("/metrics", ""), "Host: localhost", "Host: evil.example", 1)
	if got := answers(t, own, rebound); !strings.HasPrefix(got, "HTTP/1.1 421") {
		t.Errorf("a page of another site reads metrics by DNS rebinding: %.60s", got)
	}
}

func TestMetricsAreOffUnlessAskedFor(t *testing.T) {
	_, log := running(t)
	if strings.Contains(log.String(), "metrics are served") {
		t.Error("a listener that nobody asked for")
	}
}

func TestErrorStatsOfTheRunningServer(t *testing.T) {
	address, _ := running(t)
	for range 3 {
		answers(t, address, get("/nothing", ""))
	}
	eventually(t, "three errors are not counted", func() bool {
		_, body, _ := strings.Cut(answers(t, address, get("/api/errors/stats", "")), "\r\n\r\n")
		var s struct {
			Total    int            `json:"total"`
			ByCode   map[string]int `json:"byCode"`
			ByModule map[string]int `json:"byModule"`
			Recent   []any          `json:"recent"`
		}
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err, body)
		}
		return s.Total == 3 && s.ByCode["NOT_FOUND"] == 3 && s.ByModule["route"] == 3 && len(s.Recent) == 0
	})
}

func TestAHandlersErrorsAreItsAPIs(t *testing.T) {
	for verdict, want := range map[string]string{"handler": "posts", "panic": "posts", "limit": "limit"} {
		if got := moduleOf(observe.Record{Verdict: verdict, API: "posts"}); got != want {
			t.Errorf("%s: %s, want %s", verdict, got, want)
		}
	}
}

func TestAnUndeclaredProxyIsTold(t *testing.T) {
	address, log := running(t)
	answers(t, address, get("/health", "X-Forwarded-For: 192.0.2.60\r\nX-Forwarded-Proto: https\r\n"))
	answers(t, address, get("/health", "Forwarded: for=192.0.2.60\r\n"))
	if n := strings.Count(log.String(), `"add":"trusted_proxies: [\"127.0.0.1/32\"]"`); n != 1 {
		t.Errorf("told %d times: %s", n, log)
	}
}

// proxyHeader is one of the PROXY protocol, version 2, for 198.51.100.7:4711.
const proxyHeader = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x33\x64\x07\xcb\x00\x71\x01\x12\x67\x01\xbb"

func TestTheProxyProtocolIsSpokenOnRequest(t *testing.T) {
	address, log := running(t, config.Flag{Path: "proxy_protocol", Value: "true"}, config.Flag{Path: "trusted_proxies", Value: "127.0.0.1"})
	answers(t, address, proxyHeader+get("/health", "X-Forwarded-For: 203.0.113.9\r\n"))
	eventually(t, "no record", func() bool { return strings.Contains(log.String(), `"operation":"health"`) })
	if !strings.Contains(log.String(), `"client":"198.51.100.7"`) {
		t.Errorf("the client is not that of the header: %s", log)
	}
	for range 3 {
		if got := answers(t, address, get("/health", "")); got != "" {
			t.Errorf("answered without a header: %.60s", got)
		}
	}
	if n := strings.Count(log.String(), "a connection of a proxy was closed"); n != 1 {
		t.Errorf("told %d times", n)
	}
	plain, _ := running(t)
	if got := answers(t, plain, proxyHeader+get("/health", "")); !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("read without being asked to: %.60s", got)
	}
}

// TestTheWayToTLSKnowsItsProxies: the plain listener reads what the other one
// reads, and its record has the client.
func TestTheWayToTLSKnowsItsProxies(t *testing.T) {
	for _, row := range []struct {
		name, setting, raw string
		answered           bool
	}{
		{"the PROXY protocol", "true", proxyHeader + get("/x", "X-Forwarded-For: 203.0.113.9\r\n"), true},
		{"the PROXY protocol, no header", "true", get("/x", ""), false},
		{"X-Forwarded-For", "false", get("/x", "X-Forwarded-For: 198.51.100.7\r\n"), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := load(t, config.Flag{Path: "proxy_protocol", Value: row.setting}, config.Flag{Path: "trusted_proxies", Value: "127.0.0.1"},
				config.Flag{Path: "listen", Value: "127.0.0.1:0"})
			cfg.TLS.Redirect = "127.0.0.1:0" // the settings want certificates beside it
			l, log := serving(t, cfg)
			if got := answers(t, l.redirect.Addr().String(), row.raw); strings.HasPrefix(got, "HTTP/1.1 308") != row.answered {
				t.Errorf("%.60q", got)
			}
			if row.answered {
				eventually(t, "the record does not name the client", func() bool { return strings.Contains(log.String(), `"client":"198.51.100.7"`) })
			}
		})
	}
}

func TestUndeclaredSaysWhatToAdd(t *testing.T) {
	var b bytes.Buffer
	undeclared(slog.New(slog.NewTextHandler(&b, nil)))(netip.MustParsePrefix("2001:db8::7/128"))
	if !strings.Contains(b.String(), fmt.Sprintf("%q", `trusted_proxies: ["2001:db8::7/128"]`)) {
		t.Errorf("%s", b.String())
	}
}
