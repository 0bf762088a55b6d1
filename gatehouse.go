// Package gatehouse puts seven layers of security around an API, in one order,
// from one description of it: its OpenAPI contract.
//
// An API is a contract and a handler. The gate reads the contract; the handler
// is any http.Handler. Who may call an operation, how often, with how large a
// body and which fields is stated in the document under x-gatehouse, or in an
// overlay beside it. What the contract does not describe is not served, and an
// operation that does not say who may call it is refused when the gate is built.
//
//	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: document}, contract.Options{})
//	gate, err := gatehouse.New(gatehouse.Config{Contracts: []*contract.API{api}})
//	server, err := tlsedge.NewServer(tlsedge.ServerConfig{Addr: "localhost:8001", Handler: gate.Wrap(mux)})
//	listener, err := tlsedge.Listen(ctx, "localhost:8001", tlsedge.Caps{})
//	err = tlsedge.Serve(server, listener)
//
// Serve with tlsedge and not with http.ListenAndServe, which has no times, takes
// connections without end, and forgives what two programs read in two ways.
//
// The way of a request is one list in gate.go. Each layer is a package of its
// own and works alone on any http.Handler: call, observe, tlsedge, headers,
// limit, authn, authz, validate. They meet only in package call.
package gatehouse

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/headers"
	"github.com/gatehouse-api/gatehouse/limit"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
	"github.com/gatehouse-api/gatehouse/validate"
)

// Config is everything a gate is built from. Contracts is required; the zero
// value of all else is the strictest: no proxy is trusted, only loopback names
// are answered, no other origin may read, nobody can sign in.
//
// What the layers share is stated here once. New sets it in their Configs and
// does not read what stands there: Call.Table, Call.Proxies, Call.Now, Call.Modes,
// Observe.Now, TLS.Proxies, Limit.Table, Limit.Now, Limit.Stage, Authn.Table,
// Authz.Table and Validate.Table.
type Config struct {
	Contracts []*contract.API  // what is served; at least one
	Proxies   []netip.Prefix   // peers whose X-Forwarded-… count
	Now       func() time.Time // the clock of every layer; time.Now when nil
	Modes     call.Modes       // layers that report or are off, by API; nil enforces all

	Call     call.Config     // ids and the memory for bodies
	Observe  observe.Config  // where the record goes
	TLS      tlsedge.Config  // host names, and whether plain HTTP is refused
	Headers  headers.Config  // origins of browsers, page policy
	Limit    limit.Config    // budgets by name, over those of the contracts
	Authn    authn.Config    // who verifies tokens and cookies
	Authz    authz.Config    // nothing to set: the rules are in the contracts
	Validate validate.Config // whether answers are checked too

	table                          *contract.Table
	byAddress, byMember, byAccount limit.Config
}

// From returns the facts of the request that a handler behind the gate was
// given, or nil when it was not called through one.
func From(ctx context.Context) *call.Call { return call.From(ctx) }

// joined hands each layer what it shares with the others.
func (c Config) joined() (Config, error) {
	if len(c.Contracts) == 0 {
		return c, errors.New("a gate needs at least one contract")
	}
	table, err := contract.NewTable(c.Contracts...)
	if err != nil {
		return c, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.table = table
	c.Call.Table, c.Call.Proxies, c.Call.Now, c.Call.Modes = table, c.Proxies, c.Now, c.Modes
	c.Observe.Now = c.Now
	c.TLS.Proxies = c.Proxies
	c.Authn.Table = table
	c.Authz.Table = table
	c.Validate.Table = table
	c.Limit.Table, c.Limit.Now = table, c.Now
	c.byAddress, c.byMember, c.byAccount = c.Limit, c.Limit, c.Limit
	c.byAddress.Stage, c.byMember.Stage, c.byAccount.Stage = limit.AddressStage, limit.MemberStage, limit.AccountStage
	return c, nil
}
