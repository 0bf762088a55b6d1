package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// maintainEvery is how often identity deletes what has expired and looks after
// its keys.
const maintainEvery = 5 * time.Minute

// Serve answers on the listeners of Options until ctx ends, then stops in order
// and closes the database. now ends the stop at once when it is closed.
func (s *Server) Serve(ctx context.Context, now <-chan struct{}) error {
	if len(s.ports) == 0 {
		return errors.Join(errors.New("a server without listeners cannot serve"), s.Close())
	}
	failed := make(chan error, len(s.ports))
	for _, p := range s.ports {
		go func() {
			if err := tlsedge.Serve(p.http, p.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	main, beside := s.ports[0], s.ports[1:]
	s.log.Info("serving", "version", s.version, "address", main.listener.Addr().String(), "environment", string(s.cfg.Environment))
	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	go s.maintain(background)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for _, p := range beside {
		_ = p.http.Close() // it holds nothing that could be lost
	}
	if err == nil {
		err = s.stop(main.http, now)
	} else {
		_ = main.http.Close() // without one of its ports the server is not what the settings say
	}
	s.log.Info("stopped", "finished", err == nil)
	return errors.Join(err, s.Close())
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
