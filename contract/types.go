package contract

import (
	"time"

	"github.com/gatehouse-api/gatehouse/problem"
)

// API is one compiled contract. It is immutable: nothing changes it after Load.
type API struct {
	Name       string            // short name, from x-gatehouse.name or the file's name: "scheduler"; letters, digits, - _ and .
	Title      string            // info.title
	Version    string            // info.version
	OpenAPI    string            // "3.0.3", "3.1.0", …
	Operations []*Operation      // in the order of the document, each mounted path apart
	Budgets    map[string]Budget // by name: those under x-gatehouse.budgets, and those written out under limit, as NAME.OPERATIONID or NAME.default
	Document   []byte            // the document as JSON: overlays applied, path items inlined, operationIds made, operations of other environments left out
}

// Operation is what the gate knows of one method on one path.
type Operation struct {
	API     *API
	ID      string // operationId, or one made of method and path; unique within the API, the same for every base path it is mounted under
	Method  string // "GET", …
	Path    string // template with the base path: "/api/appointments/{id}"
	Key     string // method and path as the document writes them, which is the key in an overlay: "GET /appointments/{id}"
	Summary string
	Tags    []string

	Access    Access            // who may call; never empty
	Budgets   []string          // names of the budgets that a call counts against; empty but not nil states that none does, nil states nothing
	Cost      int               // how much one call counts; 1 unless stated
	MaxBody   int64             // largest body, bytes
	Unknown   Unknown           // what happens to fields the schema does not know
	Sensitive []string          // field names that never reach a record
	Audit     string            // action written to the audit log: "UPDATE_INTERVIEW"; "" for none
	Errors    problem.Dialect   // the dialect of refusals
	Texts     map[string]string // titles of refusals by Code, in place of our own
	Cache     string            // Cache-Control of a success; "" is "no-store"
	Encodings []string          // content codings in which a body may be sent: "gzip", "deflate"; none by default
	Strip     bool              // members of an answer that the contract does not state are removed before it leaves
	Page      bool              // answers text/html for people: gets the page policy instead of the API policy

	Params    []*Param             // path-level ones merged; those in the path first, in the order of the template
	Body      *Body                // nil when the operation takes none
	Responses map[string]*Response // by status: "200", "4XX", "default"
	Socket    *Socket              // set when this GET is a WebSocket upgrade

	Source Position // where the document states it
	RuleAt Position // where Access is stated: in the document, or in an overlay

	segments []segment       // the compiled path
	named    map[string]bool // requestNames, found once
	private  bool            // some answer has a member for some roles only
	produces []string        // media types of the successes; nil when the contract lists none for one of them
}

// Unknown is what happens to a field of a body that its schema does not name.
type Unknown string

// The policies for unknown fields.
const (
	Reject Unknown = "reject" // 400, naming the field; the default
	Strip  Unknown = "strip"  // removed before validation
	Allow  Unknown = "allow"  // passed through
	Report Unknown = "report" // passed through and recorded
)

// Budget is how often something may happen.
type Budget struct {
	Name      string
	Requests  int           // how many calls in one Window
	Window    time.Duration // at least a second
	Key       BudgetKey     // what is counted apart
	Writes    bool          // count only POST, PUT, PATCH and DELETE
	Failures  bool          // count only calls that were answered 400, 401, 403, 404 or 422, or left without a success
	Account   string        // with ByAccount…: the member of the body that names the account
	Algorithm Algorithm     // how the window moves
}

// BudgetKey is what a budget is counted by.
type BudgetKey string

// The keys of budgets.
const (
	ByAddress           BudgetKey = "address"         // the client's address; IPv6 by /64
	ByMember            BudgetKey = "member"          // the principal; a guest by address
	ByAPIKey            BudgetKey = "api-key"         // the API key that the principal came with; without one as ByMember
	ByAccount           BudgetKey = "account"         // an account that the body names
	ByAccountAndAddress BudgetKey = "account+address" // both together
)

// Algorithm is how a budget's window moves.
type Algorithm string

// The algorithms of budgets.
const (
	Fixed   Algorithm = "fixed"   // the window begins with the first call and ends as a whole; the default
	Sliding Algorithm = "sliding" // two windows, weighted
	Bucket  Algorithm = "bucket"  // GCRA: an even rate with a burst
)

// Response is one answer an operation may give.
type Response struct {
	Status  string
	Content map[string]*Schema // by media type, that of JSON for a range, nil for one that is not read or has no schema; empty for an answer without a body

	unread map[string]*Schema // of types that are not read, by pointer
}

// Socket is what may travel on a WebSocket.
type Socket struct {
	MaxMessage int64              // largest message from a client, bytes
	MaxRate    Budget             // messages a client may send
	Receive    map[string]*Schema // client to server, by name
	Send       map[string]*Schema // server to client, by name
	Protocols  []string           // subprotocols, in order of preference
}
