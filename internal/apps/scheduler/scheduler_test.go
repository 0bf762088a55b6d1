package scheduler

import "testing"

func TestRules(t *testing.T) {
	for _, c := range []struct {
		who                        viewer
		bookedBy                   string
		sees, changes, hears, owns bool
	}{
		{guest, "", false, false, false, false}, // two guests are not one person
		{guest, "ann", false, false, false, false},
		{ann, "ann", true, true, true, true},
		{ann, "bob", false, false, true, false},
		{ann, "", false, false, true, false},
		{counselor, "ann", true, false, true, false},
		{counselor, "cleo", true, true, true, true},
		{manager, "ann", true, true, true, false},
		{admin, "", true, true, true, false},
		{stranger, "", true, true, true, false},
		{stranger, "ann", true, false, true, false},
		{viewer{id: "bob", role: "member", open: true}, "", true, true, true, false},
		{viewer{id: "bob", role: "member", open: true}, "ann", true, false, true, false},
		{viewer{id: "mia", role: "manager", open: true}, "ann", true, true, true, false},
	} {
		got := [4]bool{c.who.seesName(c.bookedBy), c.who.mayChange(c.bookedBy), c.who.hears(), c.who.owns(c.bookedBy)}
		if want := [4]bool{c.sees, c.changes, c.hears, c.owns}; got != want {
			t.Errorf("%+v and a booking by %q: sees, changes, hears, owns %v, want %v", c.who, c.bookedBy, got, want)
		}
	}
}
