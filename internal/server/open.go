package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/internal/apps"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/limit"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
	"github.com/gatehouse-api/gatehouse/validate"
)

type principal = call.Principal

// StoreConfig is the database that the settings name.
func StoreConfig(cfg *config.Config, log *slog.Logger) store.Config {
	d := cfg.Database
	c := store.Config{
		Engine: d.Engine, Path: d.Path, URL: d.URL.Reveal(), OwnerURL: d.OwnerURL.Reveal(),
		Pool: d.Pool, Wait: d.Wait, Log: log,
	}
	if d.Wait == 0 {
		c.Wait = -1 // the settings' 0 tries once
	}
	return c
}

// OpenStore opens the database with its schema up to date. exclusive is for the
// process that serves: on SQLite a second one is refused. On PostgreSQL the
// schema is moved only when the owner's URL is given; else a pending migration
// is an error that says how to run it.
func OpenStore(ctx context.Context, cfg *config.Config, log *slog.Logger, exclusive bool) (*store.Store, error) {
	c := StoreConfig(cfg, log)
	c.Exclusive = exclusive
	if err := MakeData(cfg); err != nil {
		return nil, err
	}
	if err := migrateUp(ctx, cfg, c, log); err != nil {
		return nil, err
	}
	return openChecked(ctx, cfg, c, log)
}

// openChecked opens the database as a role that may serve.
func openChecked(ctx context.Context, cfg *config.Config, c store.Config, log *slog.Logger) (*store.Store, error) {
	db, err := store.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := checkRoles(ctx, cfg, db, log); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrateUp runs what is pending. On PostgreSQL the migrations give the rights
// on the tables to the role of database.url, so one that is to be refused must
// be refused before.
func migrateUp(ctx context.Context, cfg *config.Config, c store.Config, log *slog.Logger) error {
	m, err := store.OpenMigrator(ctx, c, apps.Schemas()...)
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	pending, err := m.Plan(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	if c.Engine == store.Postgres && c.OwnerURL == "" {
		return fmt.Errorf("%d migrations are pending and the role of database.url must not own the tables\n"+
			"Set database.owner_url, or run: gatehouse migrate up", len(pending))
	}
	if c.Engine == store.Postgres {
		db, err := openChecked(ctx, cfg, c, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		if err := db.Close(); err != nil {
			return err
		}
	}
	steps, err := m.Up(ctx)
	if err != nil {
		return err
	}
	log.Info("migrated the database", "steps", len(steps))
	return nil
}

// checkRoles refuses a database role without rights and, in production, one that
// row-level security does not bind.
func checkRoles(ctx context.Context, cfg *config.Config, db *store.Store, log *slog.Logger) error {
	roles, err := db.CheckRoles(ctx)
	if err != nil {
		return fmt.Errorf("asking what the database role may do: %w", err)
	}
	if roles.GrantedTo != "" {
		return fmt.Errorf("the role %q of database.url has no rights on the tables: the migrations gave them to %q\n"+
			"Use that role, or as a superuser: GRANT %q TO %q", roles.App, roles.GrantedTo, roles.GrantedTo, roles.App)
	}
	var unbound []string
	for what, is := range map[string]bool{"owns tables": roles.Owns, "is a superuser": roles.Superuser, "bypasses row-level security": roles.BypassRLS} {
		if is {
			unbound = append(unbound, what)
		}
	}
	if len(unbound) == 0 {
		return nil
	}
	what := fmt.Sprintf("the role %q of database.url %s, so row-level security does not bind it", roles.App, strings.Join(unbound, " and "))
	if cfg.Environment == config.Production {
		return fmt.Errorf("%s\nGive database.url a role of its own and the owner's to database.owner_url: docs/how-to/move-to-postgres.md", what)
	}
	log.Warn(what)
	return nil
}

// IdentityOptions are what the settings do not say of identity.
type IdentityOptions struct {
	Log      *slog.Logger
	Issuer   string // when the settings state none
	OnRevoke func(identity.Revocation)
}

// OpenIdentity builds the identity service on an open store.
func OpenIdentity(ctx context.Context, cfg *config.Config, db *store.Store, o IdentityOptions) (*identity.Service, error) {
	key, err := sealingKey(ctx, cfg, db)
	if err != nil {
		return nil, err
	}
	return newIdentity(cfg, db, key, o)
}

func newIdentity(cfg *config.Config, db *store.Store, key []byte, o IdentityOptions) (*identity.Service, error) {
	id := cfg.Identity
	if id.Issuer == "" {
		id.Issuer = o.Issuer
	}
	refused, err := refusedPasswords(id.RefusedPasswords)
	if err != nil {
		return nil, err
	}
	if id.Token.Algorithm == config.HS256 {
		if _, err := authn.NewKey(string(config.HS256), []byte(id.Token.Secret.Reveal())); err != nil {
			return nil, cfg.Refused("identity.token.secret", err)
		}
	}
	if err := identity.CheckSetupToken(id.SetupToken.Reveal()); err != nil {
		return nil, cfg.Refused("identity.setup_token", err)
	}
	return identity.New(identity.Config{
		Store: db, Key: key, Issuer: id.Issuer, Audience: id.Audience,
		Algorithm: string(id.Token.Algorithm), SharedSecret: []byte(id.Token.Secret.Reveal()),
		SignUp: identity.SignUpMode(id.SignUp), AccessTTL: id.Token.AccessTTL, RefreshTTL: id.Token.RefreshTTL,
		IdleTTL: id.Session.Idle, SessionTTL: id.Session.Absolute,
		PasswordWords: id.PasswordWords, RefusedPasswords: refused,
		OnRevoke: o.OnRevoke, Log: o.Log,
	})
}

// refusedPasswords reads the list of the settings; nil without one.
func refusedPasswords(path string) (map[string]bool, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading identity.refused_passwords: %w", err)
	}
	listed, err := identity.ReadPasswords(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading identity.refused_passwords, %s: %w", path, err)
	}
	return listed, nil
}

// gateConfig is the gate that the settings describe.
func gateConfig(o Options, apis []*contract.API, people *identity.Service, w *watch) gatehouse.Config {
	cfg := o.Config
	return gatehouse.Config{
		Contracts: apis,
		Proxies:   cfg.TrustedProxies,
		Modes:     cfg.LayerModes(),
		Call:      call.Config{OnUndeclared: undeclared(slog.New(o.Log))},
		Observe:   observe.Config{Log: o.Log, Slow: cfg.Log.Slow, Requests: cfg.Log.Requests, OnRecord: w.record, OnError: w.lostLines},
		TLS:       tlsedge.Config{Hosts: cfg.HostNames(), InsecurePlain: plainAllowed(cfg)},
		Headers:   headersConfig(cfg),
		Limit: limit.Config{Budgets: cfg.Limits, Unmatched: cfg.Limits[limit.UnmatchedName], XRateLimit: cfg.XRateLimit,
			Concurrency: limit.Concurrency{Total: cfg.Concurrency.Total, PerPrincipal: cfg.Concurrency.PerPrincipal}},
		Authn:    authn.Config{Bearer: people.Bearer(), Cookie: people.Cookie(), TrustedOrigins: cfg.CORS.Origins},
		Validate: validate.Config{Responses: responseMode(cfg)},
	}
}

func headersConfig(cfg *config.Config) headers.Config {
	c := cfg.CORS
	return headers.Config{
		CORS: headers.CORS{
			Origins: c.Origins, AllowHeaders: c.AllowHeaders, ExposeHeaders: c.ExposeHeaders,
			MaxAge: c.MaxAge, PrivateNetwork: c.PrivateNetwork,
		},
		HSTS: headers.HSTS{Preload: cfg.HSTS.Preload},
	}
}

// responseMode checks our own answers everywhere but in production, where they
// have been checked by every test.
func responseMode(cfg *config.Config) validate.Mode {
	if cfg.Environment == config.Production {
		return validate.Off
	}
	return validate.Enforce
}

func plainAllowed(cfg *config.Config) bool {
	return cfg.Environment != config.Production || cfg.Accepts(config.RiskPlainHTTP)
}

// MakeData makes the folder for the embedded database and for keys.
func MakeData(cfg *config.Config) error {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	return nil
}

// Operations counts the operations of contracts; one that is mounted at several
// paths is one.
func Operations(apis []*contract.API) int {
	n := 0
	for _, api := range apis {
		ids := map[string]bool{}
		for _, op := range api.Operations {
			ids[op.ID] = true
		}
		n += len(ids)
	}
	return n
}

// compile compiles the contracts that the settings serve. A budget of the
// settings that no contract names, and a mode of an API that is not there, are
// errors: they would do nothing.
func compile(cfg *config.Config) ([]*contract.API, error) {
	apis, err := apps.Contracts(apps.Options{Environment: string(cfg.Environment), OpenScheduler: cfg.Scheduler.Open})
	if err != nil {
		return nil, err
	}
	known, names := []string{limit.UnmatchedName}, []string{}
	for _, api := range apis {
		names = append(names, api.Name)
		known = slices.AppendSeq(known, maps.Keys(api.Budgets))
	}
	slices.Sort(known)
	if issues := append(cfg.CheckLimits(known), cfg.CheckModes(names)...); len(issues) > 0 {
		return nil, issues
	}
	return apis, tryLimits(cfg, apis)
}
