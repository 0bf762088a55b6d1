package gatetest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// suite is a target with a request for each of its operations.
type suite struct {
	Target
	operations []*operation
	cells      map[*contract.Operation]map[string]authz.Cell
	client     atomic.Uint32 // the last address that a request came from
}

// operation is an operation with a request that fits it.
type operation struct {
	op     *contract.Operation
	path   string // escaped, without the query
	query  string
	header map[string]string
	media  string // of body
	body   []byte
}

func newSuite(target Target) (*suite, error) {
	if target.Table == nil {
		return nil, errors.New("gatetest: Target.Table is missing")
	}
	if target.Host == "" {
		target.Host = "localhost"
	}
	s := &suite{Target: target, cells: map[*contract.Operation]map[string]authz.Cell{}}
	var wrong []error
	for _, api := range target.Table.APIs() {
		d, err := readDocument(api)
		if err != nil {
			return nil, err
		}
		for _, op := range api.Operations {
			o, err := d.sample(op, target)
			if err != nil {
				wrong = append(wrong, fmt.Errorf("gatetest: operation %s (%s %s): %w", op.ID, op.Method, op.Path, err))
			}
			s.operations = append(s.operations, o)
		}
	}
	if len(s.operations) == 0 {
		wrong = append(wrong, errors.New("gatetest: there is no operation"))
	}
	s.fillCells()
	return s, errors.Join(wrong...)
}

// fillCells asks authz what each role may, in the order of the operations.
func (s *suite) fillCells() {
	for i, row := range authz.Access(s.Table, s.roles()) {
		cells := map[string]authz.Cell{}
		for _, r := range row.Roles {
			cells[r.Role] = r.May
		}
		s.cells[s.operations[i].op] = cells
	}
}

// roles are the guest and those of Tokens, sorted.
func (s *suite) roles() []string {
	return append([]string{call.Guest}, slices.DeleteFunc(slices.Sorted(maps.Keys(s.Tokens)), func(r string) bool { return r == call.Guest })...)
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
func (s *suite) signed(o *operation) string {
	for _, role := range s.roles() {
		if cell := s.cells[o.op][role]; role != call.Guest && cell != authz.No {
			return role
		}
	}
	return ""
}

// request is the request of a role that fits o, from an address that no request
// came from before.
func (s *suite) request(o *operation, role string) *http.Request {
	target := "http://" + s.Host + o.path
	if o.query != "" {
		target += "?" + o.query
	}
	r := httptest.NewRequest(o.op.Method, target, bytes.NewReader(o.body))
	if len(o.body) == 0 {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for name, value := range o.header {
		r.Header.Set(name, value)
	}
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
	if token := s.Tokens[role]; token != nil {
		r.Header.Set("Authorization", "Bearer "+token())
	}
	return r
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

// body puts a JSON body into a request.
func body(r *http.Request, data []byte) *http.Request {
	fresh := httptest.NewRequest(r.Method, "http://localhost/", bytes.NewReader(data))
	r.Body, r.ContentLength = fresh.Body, fresh.ContentLength
	r.Header.Set("Content-Type", "application/json")
	return r
}

// answer is what came back.
type answer struct {
	request string // method and target, without values
	status  int
	header  http.Header
	body    string
}

// send calls the handler. A panic that leaves it is an error.
func (s *suite) send(h http.Handler, r *http.Request) (a answer, err error) {
	a.request = r.Method + " " + r.URL.Path
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: the handler panicked: %v", a.request, p)
		}
	}()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a.status, a.header, a.body = w.Code, w.Result().Header, w.Body.String()
	return a, nil
}

// wrong is the error of a row.
func (a answer) wrong(format string, args ...any) error {
	text := a.body
	if len(text) > 300 {
		text = text[:300] + "..."
	}
	return fmt.Errorf("%s\n%s was answered %d %q", fmt.Sprintf(format, args...), a.request, a.status, text)
}

// refused wants one of the statuses, and an answer that tells nothing of what is
// inside.
func (s *suite) refused(h http.Handler, r *http.Request, statuses ...int) error {
	a, err := s.send(h, r)
	if err != nil {
		return err
	}
	if !slices.Contains(statuses, a.status) {
		return a.wrong("want %v", statuses)
	}
	return a.silent()
}

// silent wants nothing of the program in a body.
func (a answer) silent() error {
	for _, word := range []string{
		"goroutine ", "runtime error", "runtime.", ".go:", "panic:", "SQLSTATE", "sql: ", "SELECT ", "INSERT ", "/usr/", "/etc/", "nil pointer",
		"strictjson", "jsontext", "json: ", "net/http", "Traceback", "Exception",
	} {
		if strings.Contains(a.body, word) {
			return a.wrong("the answer tells of the inside: it holds %q", word)
		}
	}
	return nil
}

// each makes a row for every operation that fits.
func (s *suite) each(name string, fits func(*operation) bool, try func(h http.Handler, o *operation) error) []Attack {
	var rows []Attack
	for _, o := range s.operations {
		if fits(o) {
			rows = append(rows, Attack{name, o.op.ID, func(h http.Handler) error { return try(h, o) }})
		}
	}
	return rows
}
