package contract

import (
	"errors"
	"strings"
	"testing"
)

func TestTableConflicts(t *testing.T) {
	one := &API{Name: "one"}
	two := &API{Name: "two"}
	add := func(api *API, line int, method, path string, socket bool) {
		op := &Operation{API: api, Method: method, Path: path, Source: Position{File: api.Name + ".yaml", Line: line, Col: 5}}
		if socket {
			op.Socket = &Socket{}
		}
		api.Operations = append(api.Operations, op)
	}
	add(one, 1, "GET", "/", true)
	add(one, 2, "GET", "/days/{id}", false)
	add(one, 3, "PUT", "/days/{id}", false)
	add(one, 4, "GET", "/files/{name}.json", false)
	add(two, 1, "GET", "/", false)           // an ordinary GET beside a WebSocket
	add(two, 2, "GET", "/days/{day}", false) // the same shape
	add(two, 3, "DELETE", "/days/{day}", false)
	add(two, 4, "GET", "/files/{file}.json", false)
	add(two, 5, "GET", "/files/{name}", false)
	add(two, 6, "GET", "days", false)

	_, err := NewTable(one, two)
	issues, ok := errors.AsType[Issues](err)
	if !ok || len(issues) != 3 {
		t.Fatalf("got %v, want 3 issues", err)
	}
	for i, want := range []string{"two.yaml:2:5", "two.yaml:4:5", "two.yaml:6:5"} {
		if got := issues[i].Position.String(); got != want {
			t.Errorf("issue %d at %s, want %s", i, got, want)
		}
	}
	for _, want := range []string{"GET /days/{day} is answered already, as GET /days/{id} at one.yaml:2:5 (contracts two and one)", "does not begin with a slash"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in\n%v", want, err)
		}
	}
}

func TestTableKeepsItsContracts(t *testing.T) {
	one, two := &API{Name: "one"}, &API{Name: "two"}
	tab, err := NewTable(one, two)
	if err != nil {
		t.Fatal(err)
	}
	if apis := tab.APIs(); len(apis) != 2 || apis[0] != one || apis[1] != two {
		t.Errorf("got %v", apis)
	}
}
