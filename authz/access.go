package authz

import (
	"fmt"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// Cell is what a role may do with an operation.
type Cell string

// The cells of the table of access.
const (
	Public Cell = "public" // everybody may, signed in or not
	Yes    Cell = "yes"    // every principal with the role may
	Own    Cell = "own"    // only for objects of their own
	No     Cell = "no"
)

// Row is one operation in the table of access, ready to be written as JSON.
type Row struct {
	API       string   `json:"api"`
	Operation string   `json:"operation"` // operationId
	Method    string   `json:"method"`
	Path      string   `json:"path"`
	Roles     []Role   `json:"roles"`            // in the order that was asked for
	Scopes    []string `json:"scopes,omitempty"` // what a limited credential must have beside the role
	Limits    []string `json:"limits"`           // names of the budgets that a call counts against
	MaxBody   int64    `json:"maxBody"`          // bytes
	WebSocket bool     `json:"websocket,omitzero"`
	Audit     string   `json:"audit,omitempty"`
	Rule      string   `json:"rule"` // as RuleText
	Why       string   `json:"why"`  // the rule in words, and where it stands
}

// Role is one cell with the role it is about.
type Role struct {
	Role string `json:"role"`
	May  Cell   `json:"may"`
}

// Access tells, for every operation of t, what each role may do. It asks Decide,
// so that the table and the gate cannot disagree.
func Access(t *contract.Table, roles []string) []Row {
	var rows []Row
	for _, api := range t.APIs() {
		for _, op := range api.Operations {
			rows = append(rows, row(api, op, roles))
		}
	}
	return rows
}

func row(api *contract.API, op *contract.Operation, roles []string) Row {
	r := Row{
		API: api.Name, Operation: op.ID, Method: op.Method, Path: op.Path,
		Scopes: op.Access.Scopes, Limits: op.Budgets, MaxBody: op.MaxBody,
		WebSocket: op.Socket != nil, Audit: op.Audit,
		Rule: RuleText(op.Access), Why: words(op) + place(op),
	}
	for _, role := range roles {
		r.Roles = append(r.Roles, Role{role, may(op, role)})
	}
	return r
}

// may tries the rule as somebody with the role who owns the object, and as one
// who does not.
func may(op *contract.Operation, role string) Cell {
	p := someone(role)
	owner := Decide(op, p, func(string) (string, bool) { return someoneID, true })
	stranger := Decide(op, p, nil)
	switch {
	case owner.Allowed && op.Access.Public:
		return Public
	case !owner.Allowed:
		return No
	case !stranger.Allowed || op.Access.Own == ownRow && !has(p, op.Access.OrRole):
		return Own
	default:
		return Yes
	}
}

const someoneID = "someone"

func someone(role string) *call.Principal {
	if role == call.Guest {
		return nil
	}
	return &call.Principal{ID: someoneID, Role: role}
}

// Why says in words whether a role may call op, by which rule, and where that
// rule is stated.
func Why(op *contract.Operation, role string) string {
	rule := RuleText(op.Access)
	var s string
	switch may(op, role) {
	case Public:
		s = "yes: everybody may, signed in or not"
	case Yes:
		s = "yes: " + rule
	case Own:
		s = "own objects only: " + words(op)
	default:
		s = "no: " + Decide(op, someone(role), nil).Why + " (" + rule + ")"
	}
	return fmt.Sprintf("%s %s as %s: %s%s", op.Method, op.Path, role, s, place(op))
}

func words(op *contract.Operation) string {
	a := op.Access
	rule := RuleText(a)
	switch {
	case a.Public:
		return "everybody may, signed in or not"
	case a.Own == ownRow:
		return rule + "; the handler's query decides who owns the row"
	case a.Own != "":
		return rule + "; " + a.Own + " must be the caller's id"
	default:
		return rule
	}
}

// place is where the rule is stated; for an operation that was loaded from
// nowhere it is nothing.
func place(op *contract.Operation) string {
	if op.RuleAt.File == "" {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", op.RuleAt.File, op.RuleAt.Line)
}
