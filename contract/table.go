package contract

import (
	"github.com/gatehouse-api/gatehouse/problem"
)

// Table finds the operation for a request among all contracts of a gate. It is
// immutable.
type Table struct {
	apis []*API
}

// NewTable joins contracts. Two operations that would answer the same method on
// the same path are an error, and all such pairs are told at once.
// Problems are told all at once.
func NewTable(apis ...*API) (*Table, error) { return &Table{apis: apis}, nil }

// APIs returns the contracts, in the order in which they were given.
func (t *Table) APIs() []*API { return t.apis }

// Match is what the table knows of one request.
type Match struct {
	Operation *Operation     // nil when there is none; then Miss says why
	Values    []string       // decoded values of the path parameters, in the order of the template
	Allow     []string       // methods that the path answers, sorted; empty for an unknown path
	Miss      *problem.Error // 400 for a path in no normal form, 404, or 405 with Allow
}

// Match resolves a method and an escaped path (URL.EscapedPath). upgrade tells
// whether the request asks for a WebSocket.
func (t *Table) Match(method, escapedPath string, upgrade bool) Match {
	return Match{Miss: problem.NotFound("There is nothing at this path")}
}

type segment struct{}
