package contract

import (
	"errors"
	"slices"
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

// TestTableConflictOfOne: one pair is an error too, and who made the operations
// by hand need not say whose they are.
func TestTableConflictOfOne(t *testing.T) {
	mine, nobodys := &API{Name: "mine"}, &API{}
	for _, owners := range [][2]*API{{mine, nil}, {nil, mine}, {mine, mine}, {nil, nil}} {
		nobodys.Operations = []*Operation{{API: owners[0], Method: "GET", Path: "/a"}, {API: owners[1], Method: "GET", Path: "/a", Source: Position{File: "f"}}}
		_, err := NewTable(nobodys)
		if issues, _ := err.(Issues); len(issues) != 1 || issues[0].What != "GET /a is answered already, as GET /a at " {
			t.Errorf("%v: %v", owners, err)
		}
	}
}

// TestTableChooses holds which operation a path with several candidates comes to:
// the more literal one, whatever the order in which they were stated, and for HEAD
// the one that is stated, then the ordinary GET.
func TestTableChooses(t *testing.T) {
	ops := []*Operation{
		{ID: "loose", Method: "GET", Path: "/f/{a}.{b}"}, {ID: "tight", Method: "GET", Path: "/f/{a}.json"}, {ID: "tightest", Method: "GET", Path: "/f/x{a}.json"},
		{ID: "front", Method: "GET", Path: "/t/a-{x}"}, {ID: "back", Method: "GET", Path: "/t/{x}-b"},
		{ID: "deep", Method: "PUT", Path: "/f/{a}.json/{b}/c"},
		{ID: "socket", Method: "GET", Path: "/s", Socket: &Socket{}}, {ID: "plain", Method: "GET", Path: "/s"},
		{ID: "head", Method: "HEAD", Path: "/h"}, {ID: "get", Method: "GET", Path: "/h"},
	}
	backwards := slices.Clone(ops)
	slices.Reverse(backwards)
	for _, order := range [][]*Operation{ops, backwards} {
		tab, err := NewTable(&API{Operations: order})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			method, path string
			upgrade      bool
			want         string
		}{
			{"GET", "/f/a.json", false, "tight"},
			{"GET", "/f/xa.json", false, "tightest"},
			{"GET", "/f/a.xml", false, "loose"},
			{"GET", "/t/a-b", false, "back"},
			{"GET", "/s", true, "socket"},
			{"GET", "/s", false, "plain"},
			{"HEAD", "/s", false, "plain"},
			{"HEAD", "/h", false, "head"},
			{"HEAD", "/h", true, "head"},
			{"DELETE", "/f/a.json", false, "GET, HEAD, OPTIONS"},
			{"DELETE", "/f/a.json/b/c", false, "OPTIONS, PUT"},
		} {
			m := tab.Match(row.method, row.path, row.upgrade)
			got := strings.Join(m.Allow, ", ")
			if m.Operation != nil {
				got = m.Operation.ID
			}
			if got != row.want {
				t.Errorf("%s %s, upgrade %v: %s, want %s", row.method, row.path, row.upgrade, got, row.want)
			}
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
