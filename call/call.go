package call

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Call is the facts of one request. It is the request's context as well, so
// that From finds it. It belongs to the request's goroutine.
type Call struct {
	context.Context

	id        string
	start     time.Time
	client    netip.Addr
	local     bool
	secure    bool
	match     contract.Match
	modes     map[string]Mode // of the operation, by layer; nil enforces
	principal *Principal
	proved    bool
	refusal   *problem.Error
	notes     []Note
	pardons   []Pardon
	params    map[string]any
	body      []byte
	hasBody   bool
	buffer    *buffer
	writer    Writer
	now       func() time.Time
	maxURL    int // for Resolve
}

// Note is something a layer wants in the record beside its verdict.
type Note struct {
	Layer string // "limit", "validate", …
	Key   string // what: "slowed", "unknown_field", …
	Value string // a name or number of ours; never a submitted value
}

type key struct{}

// Value returns the Call itself for From, and otherwise what the request's own
// context holds.
func (c *Call) Value(k any) any {
	if _, ours := k.(key); ours {
		return c
	}
	return c.Context.Value(k)
}

// From returns the Call of a request's context, or nil.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(key{}).(*Call)
	return c
}

// ID is the request id, as in X-Request-Id.
func (c *Call) ID() string { return c.id }

// Start is when the request arrived.
func (c *Call) Start() time.Time { return c.start }

// Now is the gate's clock.
func (c *Call) Now() time.Time { return c.now() }

// Client is the address of the client: the peer, or what a declared proxy says.
func (c *Call) Client() netip.Addr { return c.client }

// Local tells whether the request was made on this machine: the peer is, and no
// field says that anybody passed the request on, declared or not. Client is no
// measure of it: it is the peer where proxies say nothing that can be believed.
func (c *Call) Local() bool { return c.local }

// Secure tells whether the request travelled encrypted up to us or up to a
// declared proxy.
func (c *Call) Secure() bool { return c.secure }

// SetSecure states that the request arrived encrypted. tlsedge calls it.
func (c *Call) SetSecure() { c.secure = true }

// Match is what the table of contracts knows of the request.
func (c *Call) Match() contract.Match { return c.match }

// Operation is the operation of the contract, nil when none matched.
func (c *Call) Operation() *contract.Operation { return c.match.Operation }

// Principal is who calls; nil is a guest.
func (c *Call) Principal() *Principal { return c.principal }

// SetPrincipal states who calls. authn calls it, once; a second call panics,
// for then two layers believe that they know.
func (c *Call) SetPrincipal(p *Principal) {
	if c.proved {
		panic("call: the principal is set twice")
	}
	c.principal, c.proved = p, true
}

// Refusal is the refusal that answered the request, nil when it was served.
func (c *Call) Refusal() *problem.Error { return c.refusal }

// Note adds to the record.
func (c *Call) Note(layer, key, value string) {
	c.notes = append(c.notes, Note{layer, key, value})
}

// Notes are what the layers noted, in order.
func (c *Call) Notes() []Note { return c.notes }

// SetInput states what the contract made of the request: the decoded
// parameters by "in.name" ("path.id", "query.limit"), and the body exactly as a
// handler may read it. validate calls it.
func (c *Call) SetInput(params map[string]any, body []byte, hasBody bool) {
	c.params, c.body, c.hasBody = params, body, hasBody
}

// Param returns a validated parameter by "in.name", and whether it was sent or
// has a default. Values are nil, bool, string, json.Number, []any or
// map[string]any.
func (c *Call) Param(name string) (any, bool) {
	v, ok := c.params[name]
	return v, ok
}

// Bind decodes the validated body into v. Without a body it fails with
// strictjson.ErrEmpty, which is a fault of the handler. A body that does not fit
// v, because the contract allows more than the handler can hold (an integer
// without bounds), is the caller's: a *problem.Error with status 400.
func (c *Call) Bind(v any) error {
	if !c.hasBody && c.Mode("validate") != Enforce {
		return problem.Malformed("This operation needs a body that it can read")
	}
	if !c.hasBody {
		return strictjson.ErrEmpty
	}
	if err := strictjson.Unmarshal(c.body, v); err != nil {
		return problem.Malformed("The body holds a value that this operation cannot read").Because(err)
	}
	return nil
}

// Answer is the status and size of what was sent so far.
func (c *Call) Answer() (status int, bytes int64) { return c.writer.status, c.writer.bytes }

// Refuse answers with e and puts it into the record. It is how a layer or a
// handler says no. When the answer has begun, nothing more is written.
func Refuse(w http.ResponseWriter, r *http.Request, e *problem.Error) {
	c := From(r.Context())
	if c == nil {
		problem.Write(w, r, e, problem.Context{Now: time.Now()})
		return
	}
	if c.refusal == nil {
		c.refusal = e
	}
	if c.writer.status != 0 {
		return
	}
	ctx := problem.Context{RequestID: c.id, Now: c.now()}
	if op := c.match.Operation; op != nil {
		ctx.Dialect, ctx.Texts = op.Errors, op.Texts
	}
	problem.Write(w, r, e, ctx)
}
