package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/apps"
	"github.com/gatehouse-api/gatehouse/internal/apps/members"
	"github.com/gatehouse-api/gatehouse/internal/apps/scheduler"
	"github.com/gatehouse-api/gatehouse/internal/apps/system"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/metrics"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/observe"
)

// Options of a server.
type Options struct {
	Config    *config.Config   // checked already
	Listeners *Listeners       // what Serve serves on; nil for a server that is asked through Handler alone
	Log       slog.Handler     // records of requests, and what the server has to say
	Version   string           // of the program
	Commit    string           // it was built from
	BaseURL   string           // how clients reach it; from Config when empty
	Now       func() time.Time // the clock; time.Now when nil
}

// Server is everything that runs.
type Server struct {
	cfg      *config.Config
	log      *slog.Logger
	store    *store.Store
	identity *identity.Service
	hub      *live.Hub
	apis     []*contract.API
	table    *contract.Table
	gate     gatehouse.Config
	handler  http.Handler
	seeds    *scheduler.App
	servers  servers
	ports    []port // the main one first; none for a server without listeners
	version  string
	now      func() time.Time
	watch    watch
	files    *logFiles // nil when there are none
	stopping atomic.Bool
}

// Open builds a server: it waits for the database, brings its schema up, compiles
// the contracts and opens the certificates. Nothing is served yet. The error says
// what to do; the listeners are then the caller's to close. Settings that Check
// refuses are refused before anything is opened or written.
func Open(ctx context.Context, o Options) (*Server, error) {
	o = o.withDefaults()
	if _, err := examine(o); err != nil {
		return nil, err
	}
	s := newServer(o)
	if o.Config.Log.Files.Folder != "" {
		var err error
		if s.files, err = openLogFiles(o.Config.Log, o.Now); err != nil {
			return nil, err
		}
		o.Log = observe.Tee(o.Log, s.files.handler)
	}
	s.log = slog.New(watched{o.Log, s.watch.lostLines})
	if err := s.open(ctx, o); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BaseURL == "" {
		o.BaseURL = o.Config.BaseURL().String()
	}
	return o
}

func newServer(o Options) *Server {
	log := slog.New(o.Log)
	return &Server{cfg: o.Config, log: log, version: o.Version, now: o.Now, watch: watch{failures: system.NewFailures(), now: o.Now, log: log}}
}

func (s *Server) open(ctx context.Context, o Options) error {
	var err error
	if s.store, err = OpenStore(ctx, o.Config, s.log, true); err != nil {
		return err
	}
	key, err := sealingKey(ctx, o.Config, s.store)
	if err != nil {
		return err
	}
	if err := s.assemble(o, key); err != nil {
		return err
	}
	if err := s.identity.Prepare(ctx); err != nil {
		return fmt.Errorf("preparing the signing keys: %w", anotherKey(o.Config, err))
	}
	if err := s.seeds.Fill(ctx); err != nil {
		return fmt.Errorf("seeding the scheduler: %w", err)
	}
	for _, x := range o.Config.LayerModes().Relaxed() {
		s.log.Warn("layer does not enforce", "api", x.API, "layer", x.Layer, "mode", x.Mode.String(), "risk", string(config.RiskOf(x.Layer)))
	}
	if o.Listeners == nil {
		return nil
	}
	return s.take(o.Listeners)
}

// assemble builds everything that the settings describe, on a store that need
// not be open: it reads files, and neither writes nor listens. What it cannot
// build is an error of the settings.
func (s *Server) assemble(o Options, key []byte) error {
	var err error
	if s.hub, err = live.New(live.Config{
		Origins: o.Config.CORS.Origins,
		Alive:   func(ctx context.Context, p *principal) bool { return s.identity.Alive(ctx, p) },
	}); err != nil {
		return fmt.Errorf("cors.origins: %w", err)
	}
	if s.identity, err = newIdentity(o.Config, s.store, key, IdentityOptions{Log: s.log, Issuer: o.BaseURL, OnRevoke: s.revoke}); err != nil {
		return err
	}
	if err := s.build(o); err != nil {
		return err
	}
	s.servers, err = s.newServers()
	return err
}

// build compiles the contracts, matches them with the handlers, and puts the
// gate in front.
func (s *Server) build(o Options) error {
	var err error
	if s.apis, err = compile(o.Config); err != nil {
		return err
	}
	document, err := apps.Document(o.Version, s.apis)
	if err != nil {
		return err
	}
	handlers, err := s.handlers(o, document)
	if err != nil {
		return err
	}
	dispatch, err := apps.Dispatch(s.apis, handlers)
	if err != nil {
		return err
	}
	if o.Config.Metrics.Listen != "" {
		s.watch.metrics = metrics.New(metrics.Config{
			Version: o.Version, Commit: o.Commit, Sockets: s.hub.Len, Certificates: o.Config.TLS.CertFile != "",
		})
	}
	s.gate = gateConfig(o, s.apis, s.identity, &s.watch)
	gate, err := gatehouse.New(s.gate)
	if err != nil {
		return err
	}
	s.table = gate.Table()
	s.handler = gate.Wrap(dispatch)
	return nil
}

func (s *Server) handlers(o Options, document []byte) (apps.Handlers, error) {
	cfg := o.Config.Scheduler
	sched, err := scheduler.New(scheduler.Config{
		Store: s.store, Hub: s.hub, Log: s.log,
		Open: cfg.Open, Pace: cfg.Pace, ErrorMode: cfg.ErrorMode, EnforceAvailability: cfg.EnforceAvailability,
		Seed: scheduler.Seed(cfg.Seed),
	})
	if err != nil {
		return nil, err
	}
	s.seeds = sched
	origins, err := authn.NewOrigins(o.Config.CORS.Origins)
	if err != nil {
		return nil, fmt.Errorf("cors.origins: %w", err)
	}
	people := members.New(s.identity, members.Config{CheckOrigin: origins.Check})
	own := system.New(system.Config{
		Version: o.Version, Commit: o.Commit, Started: o.Now(), Now: o.Now, Ready: s.ready,
		Document: func() []byte { return document },
		Failures: s.watch.failures,
	})
	return apps.Handlers{"system": own.Handlers(), "members": people.Handlers(), "scheduler": sched.Handlers()}, nil
}

// revoke closes the sockets of sessions that have ended. Where one session of a
// member goes on, the hub's own look at each principal finds the others.
func (s *Server) revoke(r identity.Revocation) {
	switch {
	case r.Session != "":
		s.hub.RevokeSession(r.Session)
	case r.Keep == "":
		s.hub.RevokeMember(r.MemberID)
	}
}

var errStopping = errors.New("the server is stopping")

// ready tells why requests cannot be served just now.
func (s *Server) ready(ctx context.Context) error {
	if s.stopping.Load() {
		return errStopping
	}
	return s.store.Read(ctx, store.System(), func(tx *store.Tx) error {
		var one int
		return tx.QueryRow(ctx, `SELECT 1`).Scan(&one)
	})
}

// Identity is the identity service, for the command that adds the demo's people.
func (s *Server) Identity() *identity.Service { return s.identity }

// APIs are the compiled contracts.
func (s *Server) APIs() []*contract.API { return s.apis }

// Handler is the whole of it, gate first.
func (s *Server) Handler() http.Handler { return s.handler }

// Close closes the database and the log files. Serve does it at its end.
func (s *Server) Close() error {
	if s.store == nil {
		return s.files.Close()
	}
	return errors.Join(s.store.Close(), s.files.Close())
}
