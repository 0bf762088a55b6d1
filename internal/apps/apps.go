// Package apps is the literal list of the applications behind the gate: their
// contracts, their schemas, and one handler for each of their operations.
package apps

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/apps/members"
	"github.com/gatehouse-api/gatehouse/internal/apps/scheduler"
	"github.com/gatehouse-api/gatehouse/internal/apps/system"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Options of the contracts.
type Options struct {
	Environment   string // operations that are stated for others are left out
	OpenScheduler bool   // the six seed routes and the socket without signing in
}

// documents is the list: one line an app.
func documents(o Options) [][]contract.File {
	list := [][]contract.File{
		{system.Contract()},
		{members.Contract()},
		{scheduler.Contract()},
	}
	if o.OpenScheduler {
		list[2] = append(list[2], scheduler.OpenOverlay())
	}
	return list
}

// Schemas are the tables of the apps and of identity, in the order in which
// they are made.
func Schemas() []store.Schema {
	return []store.Schema{identity.Schema(), scheduler.Schema()}
}

// Roles are the roles of decisions about who may call, guests first.
func Roles() []string {
	return []string{call.Guest, "member", "counsellor", "manager", "admin"}
}

// Contracts compiles the contracts of all apps. The error tells every problem
// of every document.
func Contracts(o Options) ([]*contract.API, error) {
	var apis []*contract.API
	var problems []error
	for _, files := range documents(o) {
		api, err := contract.Load(files[0], contract.Options{Environment: o.Environment, Roles: Roles()}, files[1:]...)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		apis = append(apis, api)
	}
	return apis, errors.Join(problems...)
}

// Handlers are the handlers of each app, by the name of its contract and then
// by operationId.
type Handlers map[string]map[string]http.Handler

// Dispatch returns the handler that stands behind the gate. Every operation of
// the contracts must have its handler and every handler its operation in at
// least one environment, or the program must not run.
func Dispatch(apis []*contract.API, handlers Handlers) (http.Handler, error) {
	if err := match(apis, handlers); err != nil {
		return nil, err
	}
	byOperation := map[*contract.Operation]http.Handler{}
	for _, api := range apis {
		for _, op := range api.Operations {
			byOperation[op] = handlers[api.Name][op.ID]
		}
	}
	return call.Handler(func(w http.ResponseWriter, r *http.Request, c *call.Call) error {
		h := byOperation[c.Operation()]
		if h == nil {
			return problem.NotFound("There is nothing at this path")
		}
		h.ServeHTTP(w, r)
		return nil
	}), nil
}

func match(apis []*contract.API, handlers Handlers) error {
	everywhere, err := Contracts(Options{Environment: "development"})
	if err != nil {
		return err
	}
	stated := map[string]bool{}
	for _, api := range everywhere {
		for _, op := range api.Operations {
			stated[api.Name+" "+op.ID] = true
		}
	}
	var wrong []string
	for _, api := range apis {
		for _, op := range api.Operations {
			if handlers[api.Name][op.ID] == nil {
				wrong = append(wrong, fmt.Sprintf("operation %s of %s has no handler", op.ID, api.Name))
			}
		}
	}
	for name, list := range handlers {
		for id := range list {
			if !stated[name+" "+id] {
				wrong = append(wrong, fmt.Sprintf("handler %s of %s has no operation", id, name))
			}
		}
	}
	slices.Sort(wrong)
	var problems []error
	for _, w := range slices.Compact(wrong) { // an operation may be mounted twice
		problems = append(problems, errors.New(w))
	}
	return errors.Join(problems...)
}
