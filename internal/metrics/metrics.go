package metrics

import (
	"net/http"
	"net/netip"
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

	Certificates bool // they come from files, which are read again when they change
}

// Metrics counts. It is safe for use by many goroutines.
type Metrics struct {
	registry    *prometheus.Registry
	duration    *prometheus.HistogramVec
	decisions   *prometheus.CounterVec
	rateLimited *prometheus.CounterVec
	authFailed  *prometheus.CounterVec
	slow        *prometheus.CounterVec
	framing     *prometheus.CounterVec
	closed      *prometheus.CounterVec
	lost        prometheus.Counter
	reloaded    prometheus.Gauge
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
		framing:     counter("gatehouse_framing_rejected_total", "Requests refused on the connection, by what is wrong with them.", "fault"),
		closed:      counter("gatehouse_connections_closed_total", "Connections closed unanswered, by why.", "reason"),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_log_write_errors_total", Help: "Times that the log, or one of its files, could not be written.",
		}),
		reloaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_certificate_last_reload_success", Help: "1 when the certificate files could be read the last time; 0 when the ones before stay in use.",
		}),
		names: names{known: map[string]bool{}},
	}
	if cfg.Certificates {
		m.reloaded.Set(1)
		m.registry.MustRegister(m.reloaded)
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
	m.registry.MustRegister(m.duration, m.decisions, m.rateLimited, m.authFailed, m.slow, m.framing, m.closed, m.lost, build, sockets,
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

// Refused counts a request that was refused on the connection. It is what
// tlsedge.ServerConfig.Refused wants.
func (m *Metrics) Refused(_ netip.Addr, fault string) {
	m.framing.WithLabelValues(m.names.bound(fault)).Inc()
}

// Closed counts a connection that was closed before it could ask for anything.
func (m *Metrics) Closed(reason string) { m.closed.WithLabelValues(m.names.bound(reason)).Inc() }

// LostLines counts one time that the log could not be written.
func (m *Metrics) LostLines() { m.lost.Inc() }

// Reloaded keeps whether changed certificate files could be read. It is what
// tlsedge.ServerConfig.Reloaded wants.
func (m *Metrics) Reloaded(err error) {
	if err != nil {
		m.reloaded.Set(0)
		return
	}
	m.reloaded.Set(1)
}

// Handler answers GET /metrics, in the format that the scraper asks for.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}

// maxNames bounds the layers, codes, budgets and faults that are told apart.
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
