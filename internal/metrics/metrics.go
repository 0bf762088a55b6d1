package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse-api/gatehouse/observe"
)

// Config of the metrics.
type Config struct {
	Version string     // of the program, for gatehouse_build_info
	Commit  string     // it was built from
	Sockets func() int // WebSockets that are open; nil is none
}

// Metrics counts. It is safe for use by many goroutines.
type Metrics struct {
	registry    *prometheus.Registry
	duration    *prometheus.HistogramVec
	decisions   *prometheus.CounterVec
	rateLimited *prometheus.CounterVec
	authFailed  *prometheus.CounterVec
	slow        *prometheus.CounterVec
	names       names
}

// buckets are those that OpenTelemetry advises for http.server.request.duration,
// and two below, for most of our answers take less than 5 ms.
func buckets() []float64 {
	return []float64{0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
}

// New returns metrics that have counted nothing yet.
func New(cfg Config) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_server_request_duration_seconds", Help: "Time from the arrival of a call to the end of its answer.", Buckets: buckets(),
		}, []string{"api", "operation", "http_request_method", "http_response_status_code"}),
		decisions:   counter("gatehouse_gate_decisions_total", "Calls by who decided about them.", "api", "operation", "layer", "verdict", "reason"),
		rateLimited: counter("gatehouse_ratelimit_rejected_total", "Calls refused by a budget.", "policy"),
		authFailed:  counter("gatehouse_auth_failures_total", "Calls answered 401, by what was presented.", "method", "reason"),
		slow:        counter("gatehouse_slow_calls_total", "Calls that took longer than log.slow.", "api", "operation"),
		names:       names{known: map[string]bool{}},
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gatehouse_build_info", Help: "1, with what is running in the labels.",
		ConstLabels: prometheus.Labels{"version": cfg.Version, "commit": cfg.Commit},
	})
	build.Set(1)
	sockets := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_ws_connections", Help: "WebSockets that are open."}, func() float64 {
		if cfg.Sockets == nil {
			return 0
		}
		return float64(cfg.Sockets())
	})
	m.registry.MustRegister(m.duration, m.decisions, m.rateLimited, m.authFailed, m.slow, build, sockets,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe counts one call. It is what observe.Config.OnRecord wants.
func (m *Metrics) Observe(rec observe.Record) {
	operation, api := rec.Operation, rec.API
	if operation == "" {
		operation = observe.Unmatched
	}
	if rec.Status != http.StatusSwitchingProtocols { // the life of a socket is not the time of an answer
		m.duration.WithLabelValues(api, operation, rec.Method, strconv.Itoa(rec.Status)).Observe(rec.Duration.Seconds())
	}
	layer, verdict := rec.Verdict, "refused"
	switch layer {
	case "served":
		layer, verdict = "handler", "served"
	case "panic", "aborted":
		layer, verdict = "handler", rec.Verdict
	}
	m.decisions.WithLabelValues(api, operation, m.names.bound(layer), verdict, m.names.bound(rec.Code)).Inc()
	switch {
	case rec.Status == http.StatusTooManyRequests && rec.Verdict == "limit":
		m.rateLimited.WithLabelValues(m.names.bound(rec.Rule)).Inc()
	case rec.Status == http.StatusUnauthorized:
		m.authFailed.WithLabelValues(presented(&rec), m.names.bound(rec.Code)).Inc()
	}
	if rec.Slow {
		m.slow.WithLabelValues(api, operation).Inc()
	}
}

// presented is what a call that was answered 401 presented to be let in.
func presented(rec *observe.Record) string {
	switch {
	case rec.Verdict == "handler":
		return "password" // a handler that answers 401 is one that people sign in with
	case strings.Contains(rec.Rule, "bearer"):
		return "bearer"
	case strings.Contains(rec.Rule, "cookie"):
		return "cookie"
	default:
		return "none"
	}
}

// Handler answers GET /metrics, in the format that the scraper asks for.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}

// maxNames bounds the layers, codes and budgets that are told apart.
const maxNames = 512

// Other stands for every name beyond the bound.
const Other = "(other)"

type names struct {
	mu    sync.RWMutex
	known map[string]bool
}

// bound returns name, or Other when there are too many already. The names are
// ours; the bound holds should a handler ever make a code of what it was sent.
func (n *names) bound(name string) string {
	n.mu.RLock()
	known := n.known[name]
	n.mu.RUnlock()
	if known {
		return name
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) >= maxNames && !n.known[name] {
		return Other
	}
	n.known[name] = true
	return name
}
