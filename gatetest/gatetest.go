package gatetest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/gatehouse-api/gatehouse/authz"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// Target says what is attacked. Only Table is required.
type Target struct {
	Table *contract.Table // what the handler serves: gate.Table()

	// Tokens make a bearer token of each role. They are called once for each
	// request: a token that a logout ends, or a budget by member, then stops no
	// other row.
	Tokens map[string]func() string

	Host    string   // in every request; "localhost" when empty
	TLS     bool     // requests arrive encrypted; plain ones from this machine otherwise
	Origins []string // origins that the handler lets read, for rows about their lookalikes

	// Bodies are JSON bodies by operationId, in place of those that are made from
	// the contract: for a schema that no example can be made for.
	Bodies map[string]string

	// Params are texts of parameters by operationId and then "path.id",
	// "query.limit" or "header.X-Key", in place of those made from the contract.
	Params map[string]map[string]string

	// Leave are rows that do not apply, by name of the attack, of an operation, or
	// "attack/operation", each with the reason, which is told. A name that is no
	// row's is an error, and a row without a reason stays.
	Leave map[string]string
}

// Attack is one row: an attack on one operation, or on the whole.
type Attack struct {
	Name      string // what is tried: "token with alg none"
	Operation string // operationId; "" when the row is about no operation

	// Try attacks h. The error says what h did that it should not.
	Try func(h http.Handler) error
}

// Attacks runs every attack of target against h, each as a subtest that is named
// after it.
func Attacks(t *testing.T, h http.Handler, target Target) {
	t.Helper()
	rows, err := target.Attacks()
	if err != nil {
		t.Fatal(err)
	}
	run(t, h, target, rows)
}

// Access calls every operation as a guest and as each role of Tokens, and
// compares with what authz.Access says: who may must not be answered 401 or 403,
// who may not must be. Each call is a subtest.
func Access(t *testing.T, h http.Handler, target Target) {
	t.Helper()
	rows, err := target.Access()
	if err != nil {
		t.Fatal(err)
	}
	run(t, h, target, rows)
}

func run(t *testing.T, h http.Handler, target Target, rows []Attack) {
	t.Helper()
	for name, reason := range target.Leave {
		t.Logf("left out: %s: %s", name, reason)
	}
	for _, row := range rows {
		name := row.Name
		if row.Operation != "" {
			name += "/" + row.Operation
		}
		t.Run(name, func(t *testing.T) {
			if err := row.Try(h); err != nil {
				t.Error(err)
			}
		})
	}
}

// Attacks lists the rows that Attacks runs. The error tells what is wrong with
// target: operations for which no request can be made, names in Leave that are
// no row's.
func (target Target) Attacks() ([]Attack, error) {
	attacks, _, err := target.rows()
	return attacks, err
}

// Access lists the rows that Access runs. The error is as with Attacks.
func (target Target) Access() ([]Attack, error) {
	_, access, err := target.rows()
	return access, err
}

// rows makes both lists, because one Target with one Leave serves both.
func (target Target) rows() (attacks, access []Attack, err error) {
	s, err := newSuite(target)
	if err != nil {
		return nil, nil, err
	}
	for _, build := range []func(*suite) []Attack{
		hostAttacks, pathAttacks, methodAttacks, tokenAttacks, bodyAttacks, queryAttacks, originAttacks, answerAttacks, floodAttacks,
	} {
		attacks = append(attacks, build(s)...)
	}
	for _, o := range s.operations {
		for _, role := range s.roles() {
			access = append(access, s.accessRow(o, role))
		}
	}
	known := map[string]bool{}
	for _, a := range slices.Concat(attacks, access) {
		for _, n := range a.names() {
			known[n] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(target.Leave)) {
		if !known[name] {
			return nil, nil, fmt.Errorf("gatetest: Leave names %q, which is no row", name)
		}
	}
	left := func(a Attack) bool {
		return slices.ContainsFunc(a.names(), func(n string) bool { return target.Leave[n] != "" })
	}
	return slices.DeleteFunc(attacks, left), slices.DeleteFunc(access, left), nil
}

// names are what Leave may call the row.
func (a Attack) names() []string {
	if a.Operation == "" {
		return []string{a.Name}
	}
	return []string{a.Name, a.Operation, a.Name + "/" + a.Operation}
}

func (s *suite) accessRow(o *operation, role string) Attack {
	cell := s.cells[o.op][role]
	return Attack{Name: role + " (" + string(cell) + ")", Operation: o.op.ID, Try: func(h http.Handler) error {
		a, err := s.send(h, s.request(o, role))
		if err != nil {
			return err
		}
		refused := a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
		switch {
		case a.status == http.StatusTooManyRequests:
			return a.wrong("a budget stands in the way: raise the budgets of the handler under test, or make tokens of other members")
		case cell == authz.No && role == call.Guest && !refused, cell == authz.No && role != call.Guest && a.status != http.StatusForbidden:
			return a.wrong("%s may not call it", role)
		case cell == authz.Own && a.status == http.StatusUnauthorized:
			return a.wrong("%s is not recognised", role)
		case (cell == authz.Yes || cell == authz.Public) && refused:
			return a.wrong("%s may call it", role)
		}
		return nil
	}}
}
