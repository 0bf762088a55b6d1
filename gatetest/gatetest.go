package gatetest

import (
	"crypto"
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

// Target says what is attacked. Only Table is required. What else is given adds
// rows, or makes the requests fit.
type Target struct {
	Table *contract.Table // what the handler serves: gate.Table(), or Compile's

	// Tokens make a bearer token of each role. They are called once for each
	// request: a token that a logout ends, or a budget by member, then stops no
	// other row.
	Tokens map[string]func() string

	// Cookies make the Cookie field of a new session of each role,
	// "__Host-session=abc", for the rows about requests that another site makes.
	Cookies map[string]func() string

	// Sign signs the input of a JWS (RFC 7515 section 5.1: header and payload in
	// base64url with a dot between) as the issuer of Tokens does, for the rows about
	// tokens that are signed rightly and must not hold. Tokens must be JWTs then.
	Sign func(input []byte) []byte

	// PublicKey verifies what Sign signs, for the rows that take it for a secret.
	PublicKey crypto.PublicKey

	Host    string   // in every request; "localhost" when empty
	TLS     bool     // requests arrive encrypted; plain ones from this machine otherwise
	Origins []string // origins that the handler lets read, for rows about their lookalikes

	// Address is where the handler is served as in production, "localhost:8001", for
	// the rows about bytes on a connection (Wire); DialTLS when it speaks TLS.
	Address string
	DialTLS *tls.Config

	// Bodies are bodies by operationId, in place of those that are made from the
	// contract: for a schema that no example can be made for. Their media type is
	// the first of the contract that is JSON or a form.
	Bodies map[string]string

	// Params are texts of parameters by operationId and then "path.id",
	// "query.limit", "header.X-Key" or "cookie.theme", in place of those made from the
	// contract, each in the style that the contract states; of the style deepObject as
	// it is sent, "filter[a]=1&filter[b]=2". "query" is the whole query as it is sent.
	Params map[string]map[string]string

	// Others are as Params, and name what belongs to none of the roles of Tokens:
	// for the rows about objects of somebody else. Needed where the rule is
	// "own: row", or where Params or Bodies name an object of the caller's own.
	Others map[string]map[string]string

	// NeedOrigin adds rows about requests with a cookie and neither Origin nor
	// Sec-Fetch-Site. No browser of today sends them for another site; programs do.
	NeedOrigin bool

	// Refusal tells what is wrong with a refusal, in place of the dialect that the
	// contract names: for a handler that has a shape of its own.
	Refusal func(status int, header http.Header, body []byte) error

	// Scan is after how many calls for unknown paths from one address the handler
	// must have answered 429; 10,000 when 0.
	Scan int

	Patience time.Duration // how long a connection may take to answer or to end; 5 s when 0

	// Leave are rows that do not apply, by name of the attack, of its group, of an
	// operation, or "attack/operation" or "group/operation", each with the reason,
	// which is told. A name that is no row's is an error, and a row without a reason
	// stays.
	Leave map[string]string
}

// Attack is one row: an attack on one operation, or on the whole.
type Attack struct {
	Group     string // of what kind: "tokens"
	Name      string // what is tried: "token with alg none"
	Operation string // operationId; "" when the row is about no operation
	Why       string // what a handler that fails lets happen, and where that is written

	// Try attacks h. The error says what h did that it should not, and what it was
	// sent. Rows of Wire take no handler.
	Try func(h http.Handler) error
}

// Run runs all there is: Attacks, Answers, Access, and Wire when target has an
// Address. It also tells what could not be attacked for want of something in
// target.
func Run(t *testing.T, h http.Handler, target Target) {
	t.Helper()
	l, err := target.lists()
	if err != nil {
		t.Fatal(err)
	}
	for _, gap := range l.gaps {
		t.Log("not attacked: " + gap)
	}
	tellLeft(t, target)
	t.Run("attacks", func(t *testing.T) { try(t, h, l.attacks) })
	t.Run("answers", func(t *testing.T) { try(t, h, l.answers) })
	t.Run("access", func(t *testing.T) { try(t, h, l.access) })
	if len(l.wire) > 0 {
		t.Run("wire", func(t *testing.T) { try(t, nil, l.wire) })
	}
}

// Attacks runs every attack of target against h, each as a subtest that is named
// after it.
func Attacks(t *testing.T, h http.Handler, target Target) {
	t.Helper()
	run(t, h, target, Target.Attacks)
}

// Access calls every operation as a guest and as each role of Tokens and Cookies,
// and compares with what authz.Access says: who may must not be answered 401 or
// 403, who may not must be. It sets the members that the contract leaves to some
// roles (write_roles) as each role that may call. Each call is a subtest.
func Access(t *testing.T, h http.Handler, target Target) {
	t.Helper()
	run(t, h, target, Target.Access)
}

// Answers carries out every operation as each role that may, and looks at what
// comes back: nothing that the contract does not state, nothing of the inside,
// header fields, cookies. Each look is a subtest.
func Answers(t *testing.T, h http.Handler, target Target) {
	t.Helper()
	run(t, h, target, Target.Answers)
}

// Wire writes requests that two programs could read in two ways (request
// smuggling) to connections to target.Address, each as a subtest.
func Wire(t *testing.T, target Target) {
	t.Helper()
	run(t, nil, target, Target.Wire)
}

func run(t *testing.T, h http.Handler, target Target, list func(Target) ([]Attack, error)) {
	t.Helper()
	rows, err := list(target)
	if err != nil {
		t.Fatal(err)
	}
	tellLeft(t, target)
	try(t, h, rows)
}

func tellLeft(t *testing.T, target Target) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(target.Leave)) {
		t.Logf("left out: %s: %s", name, target.Leave[name])
	}
}

func try(t *testing.T, h http.Handler, rows []Attack) {
	t.Helper()
	for _, row := range rows {
		name := row.Name
		if row.Operation != "" {
			name += "/" + row.Operation
		}
		t.Run(name, func(t *testing.T) {
			if err := row.Try(h); err != nil {
				t.Errorf("%v\nwhy: %s", err, row.Why)
			}
		})
	}
}

// Attacks lists the rows that Attacks runs. The error tells what is wrong with
// target: operations for which no request can be made, names in Leave that are
// no row's.
func (target Target) Attacks() ([]Attack, error) {
	l, err := target.lists()
	return l.attacks, err
}

// Access lists the rows that Access runs. The error is as with Attacks.
func (target Target) Access() ([]Attack, error) {
	l, err := target.lists()
	return l.access, err
}

// Answers lists the rows that Answers runs. The error is as with Attacks.
func (target Target) Answers() ([]Attack, error) {
	l, err := target.lists()
	return l.answers, err
}

// Wire lists the rows that Wire runs. The error is as with Attacks, and one when
// target has no Address.
func (target Target) Wire() ([]Attack, error) {
	l, err := target.lists()
	if err == nil && target.Address == "" {
		return nil, fmt.Errorf("gatetest: Target.Address is missing")
	}
	return l.wire, err
}

// Gaps tell what cannot be attacked for want of something in target. Run logs
// them.
func (target Target) Gaps() ([]string, error) {
	l, err := target.lists()
	return l.gaps, err
}

// lists are all rows of a target.
type lists struct {
	attacks, access, answers, wire []Attack
	gaps                           []string // what could not be attacked, and what is missing for it
}

// lists makes all rows, because one Target with one Leave serves them all.
func (target Target) lists() (lists, error) {
	s, err := newSuite(target)
	if err != nil {
		return lists{}, err
	}
	l := lists{attacks: s.build(attackGroups()), access: s.build(accessGroups()), answers: s.build(answerGroups())}
	if target.Address != "" {
		l.wire = s.build(wireGroups())
	}
	l.gaps = s.gaps()
	known := map[string]bool{}
	for _, a := range slices.Concat(l.attacks, l.access, l.answers, l.wire) {
		for _, n := range a.names() {
			known[n] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(target.Leave)) {
		if !known[name] {
			return lists{}, fmt.Errorf("gatetest: Leave names %q, which is no row", name)
		}
	}
	for _, list := range []*[]Attack{&l.attacks, &l.access, &l.answers, &l.wire} {
		*list = slices.DeleteFunc(*list, func(a Attack) bool {
			return slices.ContainsFunc(a.names(), func(n string) bool { return target.Leave[n] != "" })
		})
	}
	return l, nil
}

// names are what Leave may call the row.
func (a Attack) names() []string {
	names := []string{a.Group, a.Name}
	if a.Operation != "" {
		names = append(names, a.Operation, a.Name+"/"+a.Operation, a.Group+"/"+a.Operation)
	}
	return names
}
