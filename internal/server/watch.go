package server

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/apps/system"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/metrics"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// watch is what looks at every record beside the log: the metrics, when somebody
// may ask for them, and the statistics of errors.
type watch struct {
	metrics  *metrics.Metrics // nil when there is no listener for them
	failures *system.Failures
}

func (w *watch) record(rec observe.Record) {
	if w.metrics != nil {
		w.metrics.Observe(rec)
	}
	if rec.Code == "" {
		return
	}
	x := system.Failure{Status: rec.Status, Code: rec.Code, Module: moduleOf(rec), Message: rec.Cause, RequestID: rec.RequestID, Time: rec.Time}
	if x.Message == "" {
		x.Message = rec.Rule
	}
	w.failures.Add(x)
}

// connections has the metrics told of what never becomes a record.
func (w *watch) connections(c *tlsedge.ServerConfig) {
	if w.metrics != nil {
		c.Refused, c.Reloaded = w.metrics.Refused, w.metrics.Reloaded
	}
}

// moduleOf is the layer that refused, or the API whose handler did.
func moduleOf(rec observe.Record) string {
	if rec.Verdict == "handler" || rec.Verdict == "panic" {
		return rec.API
	}
	return rec.Verdict
}

func (s *Server) newMetrics() (*http.Server, error) {
	layer, err := tlsedge.New(tlsedge.Config{InsecurePlain: true, InsecureAnyHost: s.cfg.Accepts(config.RiskOpenMetrics)})
	if err != nil {
		return nil, err
	}
	return tlsedge.NewServer(tlsedge.ServerConfig{
		Addr: s.cfg.Metrics.Listen, Handler: layer(s.watch.metrics.Handler()), Log: s.log.Handler(), InsecurePlain: true,
	})
}

// undeclared tells of a peer that forwards and is no declared proxy.
func undeclared(log *slog.Logger) func(netip.Prefix) {
	return func(peer netip.Prefix) {
		log.Warn("forwarding headers came from a peer that is no declared proxy, and count for nothing; if it is yours, declare it",
			"peer", peer.Addr().String(), "add", fmt.Sprintf("trusted_proxies: [%q]", peer))
	}
}

// tellEvery is how often a proxy that speaks the PROXY protocol wrongly is told of.
const tellEvery = time.Minute

// speaking makes l read the PROXY protocol when the settings say so.
func (s *Server) speaking(l net.Listener) (net.Listener, error) {
	if !s.cfg.ProxyProtocol {
		return l, nil
	}
	var last atomic.Int64
	return tlsedge.ReadProxyHeaders(l, tlsedge.ProxyConfig{
		Proxies: s.cfg.TrustedProxies, HeaderTimeout: s.cfg.Server.Timeouts.Header, Now: s.now,
		Refused: func(peer netip.AddrPort, err error) {
			at, before := s.now().UnixNano(), last.Load()
			if at-before >= int64(tellEvery) && last.CompareAndSwap(before, at) {
				s.log.Warn("a connection of a proxy was closed", "peer", peer.Addr().String(), "error", err.Error())
			}
		},
	})
}
