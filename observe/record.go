package observe

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// Unmatched stands in a record for the route of a call that no operation
// answers.
const Unmatched = "(unmatched)"

// The longest texts of a record, in bytes after escaping.
const (
	maxText  = 128
	maxAllow = 512
	maxCause = 1 << 10
	maxStack = 16 << 10
	maxNotes = 16
)

// Record is what is kept of one call. All its texts are safe to write into a
// line.
type Record struct {
	Time      time.Time     // when the call ended
	Type      string        // "RESPONSE", "AUDIT" or "REQUEST"
	Level     slog.Level    // ERROR for 5xx but for shed calls, WARN for slow, else INFO
	RequestID string        // as in X-Request-Id
	Method    string        // "GET", …; "(other)" for an unregistered one
	Route     string        // template with the base path; Unmatched without an operation
	Operation string        // operationId; "" without an operation
	API       string        // short name of the contract; "" without an operation
	Protocol  string        // "HTTP/1.1", "HTTP/2.0", …
	Status    int           // what was sent; 0 when nothing could be, or not yet
	Success   bool          // the status is below 400, and the answer is whole
	Duration  time.Duration // from the arrival at this layer
	Slow      bool          // it took longer than Config.Slow; never of a WebSocket
	Bytes     int64         // of the body that was sent
	Role      string        // of the principal; "guest" without one
	Principal string        // id of the principal; "" for a guest
	Client    netip.Addr    // the client's address, cut when TruncateClient is set
	Verdict   string        // "served", or who refused
	Rule      string        // what decided: a budget, an access rule, a schema pointer
	Code      string        // the code that the client was told
	Cause     string        // why, when a refusal has an internal cause
	Stack     string        // of a panic
	Notes     []string      // "layer.key=value"
	Action    string        // the operation's audit action; "" for none
	Resource  string        // the validated path parameters of an audited operation, "/" between them
	Outcome   string        // of an audited operation: "success", "denied" or "failure"

	WouldRefuse []string // what layers in the mode report let through: "layer: CODE rule"
	WouldAllow  []string // for each of WouldRefuse the line of an overlay, or of the settings, that would allow it
}

func (l *layer) record(o *outcome, kind string) Record {
	c, now := o.call, l.cfg.Now()
	status, size := c.Answer()
	aborted := o.verdict == "aborted"
	if status == 0 && !aborted && kind != "REQUEST" {
		status = http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	rec := Record{
		Time: now, Type: kind, RequestID: safe(c.ID(), maxText), Method: method(o.request.Method),
		Route: Unmatched, Protocol: protocol(o.request), Status: status, Success: status < 400 && o.panicked == nil,
		Duration: max(now.Sub(o.start), 0), Bytes: size, Client: l.client(c.Client()),
		Role: safe(c.Principal().RoleOf(), maxText), Principal: safe(c.Principal().IDOf(), maxText),
		Verdict: o.verdict, Stack: safe(o.stack, maxStack), Notes: notes(c.Notes()),
	}
	rec.WouldRefuse, rec.WouldAllow = pardons(c.Pardons())
	if e := c.Refusal(); e != nil {
		rec.Rule, rec.Code = safe(e.Rule, maxText), safe(e.Code, maxText)
		if e.Cause != nil {
			rec.Cause = safe(e.Cause.Error(), maxCause)
		}
		if rec.Verdict == "" {
			rec.Verdict = refuser(e.Layer)
		}
	}
	if rec.Verdict == "" {
		rec.Verdict = "served"
	}
	if op := c.Operation(); op != nil {
		rec.Route, rec.Operation, rec.API = op.Path, op.ID, op.API.Name
		if rec.Action = op.Audit; rec.Action != "" {
			rec.Resource, rec.Outcome = resource(op, c), auditOutcome(&rec)
		}
	}
	rec.Slow = l.slow(&rec, o)
	rec.Level = level(&rec)
	return rec
}

// pardons lists what would have been refused, and what would allow each.
func pardons(all []call.Pardon) (refused, allow []string) {
	for _, p := range all {
		refused = append(refused, safe(p.Layer+": "+p.Code+" "+p.Rule, maxText))
		allow = append(allow, safe(p.Allow, maxAllow))
	}
	return refused, allow
}

func refuser(layer string) string {
	if layer == "" {
		return "handler"
	}
	return safe(layer, maxText)
}

func (l *layer) slow(rec *Record, o *outcome) bool {
	op := o.call.Operation()
	socket := op != nil && op.Socket != nil && rec.Status == http.StatusSwitchingProtocols
	return l.cfg.Slow > 0 && rec.Duration > l.cfg.Slow && !socket
}

func level(rec *Record) slog.Level {
	switch {
	case rec.Status >= 500 && !shed(rec) || rec.Verdict == "panic":
		return slog.LevelError
	case rec.Slow:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

func (l *layer) client(a netip.Addr) netip.Addr {
	if !l.cfg.TruncateClient || !a.IsValid() {
		return a
	}
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil { // only for an address with a zone or too few bits, which call does not give
		return netip.Addr{}
	}
	return p.Addr()
}

// method keeps the registered methods; any other is a client's free text.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "(other)"
}

// protocol is the version of HTTP, for net/http serves no others.
func protocol(r *http.Request) string {
	switch {
	case r.ProtoMajor == 2:
		return "HTTP/2.0"
	case r.ProtoMinor == 0:
		return "HTTP/1.0"
	default:
		return "HTTP/1.1"
	}
}

// resource is what an audited call was about. Only parameters that the contract
// validated count: of a refused call the route alone is known.
func resource(op *contract.Operation, c *call.Call) string {
	var ids []string
	for _, p := range op.Params {
		if p.In != "path" {
			continue
		}
		if v, ok := c.Param("path." + p.Name); ok {
			ids = append(ids, fmt.Sprint(v))
		}
	}
	return safe(strings.Join(ids, "/"), maxText)
}

func auditOutcome(rec *Record) string {
	switch {
	case rec.Success:
		return "success"
	case rec.Status == http.StatusUnauthorized || rec.Status == http.StatusForbidden || rec.Status == http.StatusTooManyRequests:
		return "denied"
	default:
		return "failure"
	}
}

func notes(all []call.Note) []string {
	texts := make([]string, 0, min(len(all), maxNotes))
	for _, n := range all[:min(len(all), maxNotes)] {
		texts = append(texts, safe(n.Layer+"."+n.Key+"="+n.Value, maxText))
	}
	return texts
}
