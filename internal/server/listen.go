package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// Listeners are the ports that the settings name, open and not served yet: a
// port that cannot be had is told before anything else is. Serve puts the caps on
// them.
type Listeners struct {
	main     net.Listener
	redirect net.Listener // nil without tls.redirect
	metrics  net.Listener // nil without metrics.listen
}

// Listen opens them all, or none.
func Listen(ctx context.Context, cfg *config.Config) (*Listeners, error) {
	l := &Listeners{}
	for _, p := range []struct {
		setting, address string
		to               *net.Listener
		fix              string
	}{
		{"listen", cfg.Listen, &l.main, "take a free port with: --listen localhost:0"},
		{"tls.redirect", cfg.TLS.Redirect, &l.redirect, "name a free port in tls.redirect, or leave it out"},
		{"metrics.listen", cfg.Metrics.Listen, &l.metrics, "name a free port in metrics.listen, or leave it out"},
	} {
		if p.address == "" {
			continue
		}
		var lc net.ListenConfig
		opened, err := lc.Listen(ctx, "tcp", p.address)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w\nAnother program has it; %s", err, p.fix)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: listening on %s: %w", p.setting, p.address, err), l.Close())
		}
		*p.to = opened
	}
	return l, nil
}

// Addr is the address of the main listener.
func (l *Listeners) Addr() net.Addr { return l.main.Addr() }

// Close closes those that are open.
func (l *Listeners) Close() error {
	var all []error
	for _, one := range []net.Listener{l.main, l.redirect, l.metrics} {
		if one != nil {
			all = append(all, one.Close())
		}
	}
	return errors.Join(all...)
}

// port is a listener with what answers there.
type port struct {
	listener net.Listener
	http     *http.Server
}

// take has the servers answer on the listeners, the main one first.
func (s *Server) take(l *Listeners) error {
	for _, p := range []struct {
		listener net.Listener
		guard    func(net.Listener) (net.Listener, error)
		http     *http.Server
	}{
		{l.main, s.guarded, s.servers.main},
		{l.redirect, s.guarded, s.servers.redirect},
		{l.metrics, s.counted, s.servers.metrics},
	} {
		if p.listener == nil {
			continue
		}
		guarded, err := p.guard(p.listener)
		if err != nil {
			return err
		}
		s.ports = append(s.ports, port{guarded, p.http})
	}
	if l.metrics != nil {
		s.log.Info("metrics are served", "at", "http://"+l.metrics.Addr().String()+"/metrics")
	}
	return nil
}

// servers are what answers on the listeners.
type servers struct {
	main     *http.Server
	redirect *http.Server // nil when the settings have no listener for it
	metrics  *http.Server // nil likewise
}

func (s *Server) newServers() (servers, error) {
	var all servers
	var err error
	if all.main, err = s.newMain(); err != nil {
		return all, err
	}
	if s.cfg.TLS.Redirect != "" {
		if all.redirect, err = s.newRedirect(); err != nil {
			return all, s.cfg.Refused("tls.redirect", err)
		}
	}
	if s.watch.metrics != nil {
		if all.metrics, err = s.newMetrics(); err != nil {
			return all, s.cfg.Refused("metrics.listen", err)
		}
	}
	return all, nil
}

func (s *Server) newMain() (*http.Server, error) {
	t := s.cfg.Server.Timeouts
	c := tlsedge.ServerConfig{
		Addr: s.cfg.Listen, Handler: s.handler, Log: s.log.Handler(), Proxies: s.cfg.TrustedProxies,
		InsecurePlain:     plainAllowed(s.cfg),
		ReadHeaderTimeout: t.Header, ReadTimeout: t.Read, WriteTimeout: t.Write, IdleTimeout: t.Idle,
	}
	path := "listen"
	if s.cfg.TLS.CertFile != "" {
		path, c.Certificates = "tls.cert_file", []tlsedge.KeyPair{{CertFile: s.cfg.TLS.CertFile, KeyFile: s.cfg.TLS.KeyFile}}
	}
	s.watch.connections(&c)
	srv, err := tlsedge.NewServer(c)
	if err != nil {
		return nil, s.cfg.Refused(path, err)
	}
	return srv, nil
}

// newRedirect answers on the plain listener that sends clients to https.
func (s *Server) newRedirect() (*http.Server, error) {
	handler, err := s.wayToTLS()
	if err != nil {
		return nil, err
	}
	t := s.cfg.Server.Timeouts
	c := tlsedge.ServerConfig{
		Handler: handler, Log: s.log.Handler(), InsecurePlain: true, // it serves nothing but the way to https
		ReadHeaderTimeout: t.Header, ReadTimeout: t.Read, WriteTimeout: t.Write, IdleTimeout: t.Idle,
	}
	s.watch.connections(&c)
	return tlsedge.NewServer(c)
}

// wayToTLS is the redirect behind the layers that every answer passes, so that a
// refusal has its record, its headers and the dialect of its API.
func (s *Server) wayToTLS() (http.Handler, error) {
	next, err := tlsedge.NewRedirect(tlsedge.Config{Hosts: s.cfg.HostNames(), RedirectPort: portOf(s.cfg)})
	if err != nil {
		return nil, err
	}
	protect, err := headers.New(s.gate.Headers)
	if err != nil {
		return nil, err
	}
	record, err := observe.New(s.gate.Observe)
	if err != nil {
		return nil, err
	}
	begin, err := call.New(call.Config{Table: s.table, Now: s.gate.Now, Proxies: s.cfg.TrustedProxies})
	if err != nil {
		return nil, err
	}
	return begin(record(protect(next))), nil
}

func portOf(cfg *config.Config) int {
	u := cfg.BaseURL()
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	return 443
}
