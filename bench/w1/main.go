// W1 serves the scheduler for the first workload of the benchmarks: GET
// /api/days and PUT /api/appointments/{id} on PostgreSQL, every layer on, with
// the data and the tokens that the other servers of that workload are given.
//
// It is the gate and the app of the product. What differs from gatehouse serve
// is where tokens come from (an HS256 issuer of the harness instead of our own
// members), that days need a token, and that budgets are too large to be used up.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/apps/scheduler"
	"github.com/gatehouse-api/gatehouse/internal/apps/system"
	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/server"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/limit"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

type options struct {
	listen, url, ownerURL, path, record, secret string
	pool, slots                                 int
	token                                       bool
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:27120", "address of the listener")
	flag.StringVar(&o.url, "url", "", "PostgreSQL as the app's role; without it SQLite at -path")
	flag.StringVar(&o.ownerURL, "owner-url", "", "PostgreSQL as the owner of the tables")
	flag.StringVar(&o.path, "path", "w1.db", "file of SQLite")
	flag.StringVar(&o.record, "record", "w1.log", "file of the record")
	flag.StringVar(&o.secret, "secret", os.Getenv("JWT_SECRET"), "secret of the issuer")
	flag.IntVar(&o.pool, "pool", 20, "database connections")
	flag.IntVar(&o.slots, "slots", 1000, "appointments; the first 25 belong to the five days")
	flag.BoolVar(&o.token, "token", false, "print an admin's token of that issuer, good for an hour, and end")
	flag.Parse()
	if o.token {
		fmt.Println(mint(o.secret, time.Now()))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "w1:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, o options) error {
	server.TuneCollector()
	db, err := o.open(ctx)
	if err != nil {
		return err
	}
	record, err := os.Create(o.record)
	if err != nil {
		return err
	}
	handler, err := o.handler(db, observe.NewJSON(record, slog.LevelInfo))
	if err != nil {
		return err
	}
	edge, err := tlsedge.NewServer(tlsedge.ServerConfig{Addr: o.listen, Handler: handler})
	if err != nil {
		return err
	}
	listener, err := tlsedge.Listen(ctx, o.listen, tlsedge.Caps{PerAddress: 4096})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() {
		stopping, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = edge.Shutdown(stopping)
	})
	if err := tlsedge.Serve(edge, listener); err != http.ErrServerClosed {
		return err
	}
	return db.Close()
}

// open migrates, loads the data and opens the store.
func (o options) open(ctx context.Context) (*store.Store, error) {
	cfg := store.Config{Engine: store.SQLite, Path: o.path, Exclusive: true, Pool: store.Pool{Max: o.pool, Min: o.pool, Idle: time.Hour}}
	if o.url != "" {
		cfg.Engine, cfg.URL, cfg.OwnerURL = store.Postgres, o.url, o.ownerURL
	}
	m, err := store.OpenMigrator(ctx, cfg, scheduler.Schema())
	if err != nil {
		return nil, err
	}
	if _, err := m.DownTo(ctx, "", 0); err != nil {
		return nil, err
	}
	if _, err := m.Up(ctx); err != nil {
		return nil, err
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := db.Write(ctx, store.System(), nil, func(tx *store.Tx) error { return load(ctx, tx, o.slots) }); err != nil {
		return nil, err
	}
	return db, nil
}

// load writes five days with five slots each, slots of a day that is not shown,
// ten interviewers, and bookings as in the workload.
func load(ctx context.Context, tx *store.Tx, slots int) error {
	var failed error
	check := func(_ int64, err error) {
		if failed == nil {
			failed = err
		}
	}
	for i, name := range []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Someday"} {
		check(tx.Exec(ctx, `INSERT INTO days (id, name) VALUES ($1, $2)`, i+1, name))
	}
	for i := 1; i <= 10; i++ {
		check(tx.Exec(ctx, `INSERT INTO interviewers (id, name, avatar) VALUES ($1, $2, $3)`,
			i, fmt.Sprintf("Interviewer %d", i), fmt.Sprintf("https://i.imgur.com/%d.png", i)))
	}
	for i := range 25 {
		day := 1 + i/5
		check(tx.Exec(ctx, `INSERT INTO available_interviewers (day_id, interviewer_id) VALUES ($1, $2)`, day, 1+(day*3+i%5)%10))
	}
	for i := 1; i <= slots && failed == nil; i++ {
		day := min(1+(i-1)/5, 6)
		check(tx.Exec(ctx, `INSERT INTO appointments (id, time, day_id, version) VALUES ($1, $2, $3, 1)`, i, fmt.Sprintf("%dpm", 12+i%5), day))
		if i > 15 && i <= 25 {
			continue
		}
		check(tx.Exec(ctx, `INSERT INTO interviews (appointment_id, interviewer_id, booked_by) VALUES ($1, $2, 'bench')`, i, 1+i%10))
		check(tx.Exec(ctx, `INSERT INTO interview_names (appointment_id, booked_by, student) VALUES ($1, 'bench', $2)`, i, fmt.Sprintf("Student %d", i)))
	}
	return failed
}

const overlay = `
GET /days: { access: { roles: [member, admin] } }
`

// handler is the gate with every layer before the scheduler.
func (o options) handler(db *store.Store, record slog.Handler) (http.Handler, error) {
	roles := contract.Options{Environment: "production", Roles: []string{"member", "counsellor", "manager", "admin"}}
	own, err := contract.Load(system.Contract(), roles)
	if err != nil {
		return nil, err
	}
	sched, err := contract.Load(scheduler.Contract(), roles, contract.File{Name: "overlay.yaml", Data: []byte(overlay)})
	if err != nil {
		return nil, err
	}
	hub, err := live.New(live.Config{})
	if err != nil {
		return nil, err
	}
	app, err := scheduler.New(scheduler.Config{Store: db, Hub: hub})
	if err != nil {
		return nil, err
	}
	verifier, err := o.verifier()
	if err != nil {
		return nil, err
	}
	gate, err := gatehouse.New(gatehouse.Config{
		Contracts: []*contract.API{own, sched},
		Proxies:   []netip.Prefix{},
		Authn:     authn.Config{Bearer: verifier},
		Observe:   observe.Config{Log: record},
		Limit:     limit.Config{Budgets: raised(own, sched), Concurrency: limit.Concurrency{Total: 1 << 20, PerPrincipal: 1 << 20}},
	})
	if err != nil {
		return nil, err
	}
	handlers := system.New(system.Config{Version: "w1", Started: time.Now()}).Handlers()
	for id, h := range app.Handlers() {
		handlers[id] = h
	}
	return gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[call.From(r.Context()).Operation().ID].ServeHTTP(w, r)
	})), nil
}

// raised are the budgets of the contracts, counted as ever and never used up.
func raised(apis ...*contract.API) map[string]contract.Budget {
	all := map[string]contract.Budget{}
	for _, api := range apis {
		for name, b := range api.Budgets {
			b.Requests = 1_000_000_000
			all[name] = b
		}
	}
	return all
}

// issuer of the tokens.
const issuer = "https://bench.local"

// mint makes a token as the issuer does.
func mint(secret string, now time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(fmt.Appendf(nil,
		`{"iss":%q,"aud":"bench","sub":"bench","role":"admin","iat":%d,"exp":%d}`, issuer, now.Unix(), now.Add(time.Hour).Unix()))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

func (o options) verifier() (*authn.JWT, error) {
	key, err := authn.NewKey("HS256", []byte(o.secret))
	if err != nil {
		return nil, err
	}
	return authn.NewJWT(authn.JWTConfig{
		Keys: func(string) (authn.Key, error) { return key, nil }, Issuer: issuer, Audience: "bench", Type: "JWT",
		Private: func(c authn.Claims) (any, error) {
			var own struct {
				Role string `json:"role"`
			}
			err := c.Decode(&own)
			if own.Role == "user" {
				own.Role = "member"
			}
			return own.Role, err
		},
		Principal: func(_ context.Context, c authn.Claims) (*call.Principal, error) {
			role, _ := c.Private.(string)
			return &call.Principal{ID: c.Subject, Role: role, Expires: c.Expires}, nil
		},
	})
}
