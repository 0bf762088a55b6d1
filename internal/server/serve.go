package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// maintainEvery is how often identity deletes what has expired and looks after
// its keys.
const maintainEvery = 5 * time.Minute

// Listen opens the listener that the settings name.
func Listen(ctx context.Context, cfg *config.Config) (net.Listener, error) {
	l, err := tlsedge.Listen(ctx, cfg.Listen, tlsedge.Caps{Proxies: cfg.TrustedProxies})
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%w\nAnother program has it; take a free port with: --listen localhost:0", err)
		}
		return nil, err
	}
	return l, nil
}

// Serve answers on l until ctx ends, then stops in order and closes the
// database. now ends the stop at once when it is closed.
func (s *Server) Serve(ctx context.Context, l net.Listener, now <-chan struct{}) error {
	srv := s.servers.main
	l, err := s.speaking(l)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	failed := make(chan error, 3)
	go func() { failed <- tlsedge.Serve(srv, l) }()
	if err := errors.Join(s.redirect(ctx, failed), s.countAloud(ctx, failed)); err != nil {
		return errors.Join(err, srv.Close(), s.Close())
	}
	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	go s.maintain(background)
	select {
	case <-ctx.Done():
	case err := <-failed:
		return errors.Join(err, s.Close())
	}
	for _, other := range []*http.Server{s.servers.redirect, s.servers.metrics} {
		if other != nil {
			_ = other.Close() // it holds nothing that could be lost
		}
	}
	return errors.Join(s.stop(srv, now), s.Close())
}

// stop ends the server in order: not ready, sockets, requests.
func (s *Server) stop(srv *http.Server, now <-chan struct{}) error {
	s.stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Server.Drain+s.cfg.Server.Shutdown)
	defer cancel()
	go func() {
		select {
		case <-now:
			cancel()
		case <-ctx.Done():
		}
	}()
	if s.cfg.Server.Drain > 0 {
		s.log.Info("stopping: not ready any more, still serving", "for", s.cfg.Server.Drain.String())
		select {
		case <-time.After(s.cfg.Server.Drain):
		case <-ctx.Done():
		}
	}
	if n := s.hub.Len(); n > 0 {
		s.log.Info("stopping: closing sockets", "sockets", n)
	}
	sockets := make(chan error, 1)
	go func() { sockets <- s.hub.Shutdown(ctx) }()
	requests := srv.Shutdown(ctx)
	if err := errors.Join(requests, <-sockets); err != nil {
		return errors.Join(fmt.Errorf("stopping before all was finished: %w", err), srv.Close())
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

// redirect starts the plain listener when there is one in the settings.
func (s *Server) redirect(ctx context.Context, failed chan<- error) error {
	srv := s.servers.redirect
	if srv == nil {
		return nil
	}
	l, err := tlsedge.Listen(ctx, s.cfg.TLS.Redirect, tlsedge.Caps{})
	if err != nil {
		return fmt.Errorf("tls.redirect: %w", err)
	}
	go func() {
		if err := tlsedge.Serve(srv, l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return nil
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
	begin, err := call.New(call.Config{Table: s.table, Now: s.gate.Now})
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

func (s *Server) maintain(ctx context.Context) {
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.identity.Maintain(ctx); err != nil {
				s.log.Warn("maintaining identity", "error", err.Error())
			}
		}
	}
}
