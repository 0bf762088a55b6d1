package gatetest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// suite is a target with a request for each of its operations.
type suite struct {
	Target
	operations []*operation
	documents  map[*contract.API]*document
	cells      map[*contract.Operation]map[string]authz.Cell
	client     atomic.Uint32 // the last address that a request came from
	unmade     []string      // operations for which no request could be made, and why
}

// operation is an operation with a request that fits it.
type operation struct {
	op        *contract.Operation
	path      string // escaped, without the query
	query     string
	header    map[string]string
	cookies   []string
	segments  map[string]string // of the path, by parameter
	readOnly  string            // a member that only answers have, as JSON
	media     string            // of body, with its parameters
	bare      string            // without them
	body      []byte
	value     any       // the body decoded; nil when that is not known
	guarded   []guarded // members of the body for some roles
	unguarded []string  // where the contract has more of them, below the content of the body
}

func newSuite(target Target) (*suite, error) {
	if target.Table == nil {
		return nil, errors.New("gatetest: Target.Table is missing")
	}
	if target.PublicKey != nil {
		if _, err := x509.MarshalPKIXPublicKey(target.PublicKey); err != nil {
			return nil, fmt.Errorf("gatetest: Target.PublicKey: %w", err)
		}
	}
	if target.Host == "" {
		target.Host = "localhost"
	}
	if target.Scan == 0 {
		target.Scan = 10_000
	}
	if target.Patience == 0 {
		target.Patience = 5 * time.Second
	}
	s := &suite{Target: target, cells: map[*contract.Operation]map[string]authz.Cell{}, documents: map[*contract.API]*document{}}
	var wrong []error
	for _, api := range target.Table.APIs() {
		d, err := readDocument(api)
		if err != nil {
			return nil, err
		}
		s.documents[api] = d
		for _, op := range api.Operations {
			o, err := d.sample(op, target)
			switch given := target.Bodies[op.ID] != "" || target.Params[op.ID] != nil; {
			case err == nil:
				s.operations = append(s.operations, o)
			case given:
				wrong = append(wrong, fmt.Errorf("gatetest: operation %s (%s %s): %w", op.ID, op.Method, op.Path, err))
			default: // the rest can be attacked all the same
				s.unmade = append(s.unmade, op.ID+": no request can be made: "+err.Error())
			}
		}
	}
	if len(s.operations) == 0 && wrong == nil {
		wrong = append(wrong, fmt.Errorf("gatetest: there is no operation that can be called; %s", strings.Join(s.unmade, "; ")))
	}
	s.fillCells()
	return s, errors.Join(wrong...)
}

// fillCells asks authz what each role may, in the order of the contracts.
func (s *suite) fillCells() {
	var ops []*contract.Operation
	for _, api := range s.Table.APIs() {
		ops = append(ops, api.Operations...)
	}
	for i, row := range authz.Access(s.Table, s.roles()) {
		cells := map[string]authz.Cell{}
		for _, r := range row.Roles {
			cells[r.Role] = r.May
		}
		s.cells[ops[i]] = cells
	}
}

// roles are the guest and those of Tokens and Cookies, sorted.
func (s *suite) roles() []string {
	named := map[string]bool{}
	for role := range s.Tokens {
		named[role] = true
	}
	for role := range s.Cookies {
		named[role] = true
	}
	delete(named, call.Guest)
	return append([]string{call.Guest}, slices.Sorted(maps.Keys(named))...)
}

// entitled is a role whose calls reach the validation of o; "" when none does.
func (s *suite) entitled(o *operation) string {
	for _, want := range []authz.Cell{authz.Public, authz.Yes, authz.Own} {
		for _, role := range s.roles() {
			if s.cells[o.op][role] == want {
				return role
			}
		}
	}
	return ""
}

// signed is a role with a token that may call o; "" when there is none.
func (s *suite) signed(o *operation) string { return s.among(o, s.Tokens) }

// cookied is a role with a cookie that may call o; "" when there is none.
func (s *suite) cookied(o *operation) string { return s.among(o, s.Cookies) }

func (s *suite) among(o *operation, credentials map[string]func() string) string {
	for _, role := range slices.Sorted(maps.Keys(credentials)) {
		if cell := s.cells[o.op][role]; role != call.Guest && cell != authz.No {
			return role
		}
	}
	return ""
}

// gaps are what cannot be attacked, and what is missing for it.
func (s *suite) gaps() []string {
	gaps := slices.Clone(s.unmade)
	_, members := s.memberTries()
	gaps = append(gaps, members...)
	for _, o := range s.operations {
		if s.entitled(o) == "" {
			gaps = append(gaps, o.op.ID+": no role of Target.Tokens or Cookies may call it ("+o.op.Access.String()+")")
		}
		if own := o.op.Access.Own; own != "" && len(s.Others[o.op.ID]) == 0 && s.foreign(o) == nil {
			gaps = append(gaps, o.op.ID+": objects of somebody else (own: "+own+"); name one in Target.Others")
		}
	}
	if s.Cookies == nil {
		gaps = append(gaps, "requests that another site makes a browser send; give Target.Cookies when there are session cookies")
	}
	if s.Sign == nil {
		gaps = append(gaps, "tokens that are signed rightly and must not hold; give Target.Sign when tokens are JWTs")
	}
	if s.Address == "" {
		gaps = append(gaps, "bytes on a connection; give Target.Address")
	}
	return gaps
}

// request is the request of a role that fits o, from an address that no request
// came from before.
func (s *suite) request(o *operation, role string) *http.Request {
	target := "http://" + s.Host + o.path
	if o.query != "" {
		target += "?" + o.query
	}
	r := httptest.NewRequest(o.op.Method, target, bytes.NewReader(o.body))
	r.RequestURI = o.path
	if len(o.body) == 0 {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	o.setHeader(r)
	if o.media != "" {
		r.Header.Set("Content-Type", o.media)
	}
	if o.op.Socket != nil {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") // RFC 6455 §1.3
	}
	s.arrive(r)
	switch token, cookie := s.Tokens[role], s.Cookies[role]; {
	case token != nil:
		r.Header.Set("Authorization", "Bearer "+token())
	case cookie != nil:
		s.withCookie(r, cookie())
	}
	return r
}

// withCookie is how a page of the same site asks.
func (s *suite) withCookie(r *http.Request, cookie string) {
	if c := r.Header.Get("Cookie"); c != "" { // parameters of the contract
		cookie = c + "; " + cookie
	}
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", s.origin())
}

// origin is that of the pages of the handler itself.
func (s *suite) origin() string {
	if s.TLS {
		return "https://" + s.Host
	}
	return "http://" + s.Host
}

// arrive says where a request comes from: another loopback address each time.
func (s *suite) arrive(r *http.Request) {
	n := s.client.Add(1)
	r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(n >> 16), byte(n >> 8), byte(n)}), 40000).String()
	if s.TLS {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
	}
}

// plain is a request that is about no operation.
func (s *suite) plain(method, path string) *http.Request {
	r := httptest.NewRequest(method, "http://"+s.Host+"/", http.NoBody)
	r.URL.Path, r.URL.RawPath = path, ""
	r.RequestURI = path
	s.arrive(r)
	return r
}

// body puts another body into a request.
func body(r *http.Request, data []byte) *http.Request {
	fresh := httptest.NewRequest(r.Method, "http://localhost/", bytes.NewReader(data))
	r.Body, r.ContentLength = fresh.Body, fresh.ContentLength
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// eachReached makes a row for every operation that fits and that some role of the
// target may call: for rows about what lies behind the question who asks.
func (s *suite) eachReached(name string, fits func(*operation) bool, try func(h http.Handler, o *operation) error) []Attack {
	return s.each(name, func(o *operation) bool { return fits(o) && s.entitled(o) != "" }, try)
}

// some is an operation for rows that are about none.
func (s *suite) some() *operation {
	i := slices.IndexFunc(s.operations, func(o *operation) bool { return s.entitled(o) != "" })
	return s.operations[max(i, 0)]
}

// each makes a row for every operation that fits.
func (s *suite) each(name string, fits func(*operation) bool, try func(h http.Handler, o *operation) error) []Attack {
	var rows []Attack
	for _, o := range s.operations {
		if fits(o) {
			rows = append(rows, Attack{Name: name, Operation: o.op.ID, Try: func(h http.Handler) error { return try(h, o) }})
		}
	}
	return rows
}
