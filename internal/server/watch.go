package server

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
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
	now      func() time.Time
	log      *slog.Logger // where it is said that the log, or a part of it, cannot be written: standard error alone

	lost, crowded, headers seldom
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

// lostLines tells that lines of the log could not be written.
func (w *watch) lostLines(err error) {
	if w.metrics != nil {
		w.metrics.LostLines()
	}
	w.lost.tell(w.now(), func(many int) {
		w.log.Error("lines of the log are lost", "error", err.Error(), "times", many)
	})
}

// caps are those of a listener, with somebody to tell of what is above them.
func (w *watch) caps(log *slog.Logger, caps tlsedge.Caps) tlsedge.Caps {
	caps.Refused = func(peer netip.Addr) { w.tooMany(log, "connections", peer) }
	return caps
}

func (w *watch) tooMany(log *slog.Logger, reason string, client netip.Addr) {
	w.closed(reason)
	w.crowded.tell(w.now(), func(many int) {
		log.Warn("connections were closed: there are as many as may be", "client", client.String(), "closed", many)
	})
}

func (w *watch) closed(reason string) {
	if w.metrics != nil {
		w.metrics.Closed(reason)
	}
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

// guarded puts the caps on a listener for clients, and has it read the PROXY
// protocol when the settings say so.
func (s *Server) guarded(l net.Listener) (net.Listener, error) {
	capped, err := tlsedge.Limit(l, s.watch.caps(s.log, tlsedge.Caps{Proxies: s.cfg.TrustedProxies}))
	if err != nil {
		return nil, err
	}
	return s.speaking(capped)
}

// counted puts the caps on the listener for metrics.
func (s *Server) counted(l net.Listener) (net.Listener, error) {
	return tlsedge.Limit(l, s.watch.caps(s.log, tlsedge.Caps{Total: 64, PerAddress: 16}))
}

// speaking makes l read the PROXY protocol when the settings say so.
func (s *Server) speaking(l net.Listener) (net.Listener, error) {
	if !s.cfg.ProxyProtocol {
		return l, nil
	}
	return tlsedge.ReadProxyHeaders(l, tlsedge.ProxyConfig{
		Proxies: s.cfg.TrustedProxies, HeaderTimeout: s.cfg.Server.Timeouts.Header, Now: s.now,
		Refused: func(peer netip.AddrPort, err error) {
			s.watch.closed("PROXY header")
			s.watch.headers.tell(s.now(), func(many int) {
				s.log.Warn("a connection of a proxy was closed", "peer", peer.Addr().String(), "error", err.Error(), "closed", many)
			})
		},
		Crowded: func(client netip.Addr) { s.watch.tooMany(s.log, "connections of one client", client) },
	})
}
