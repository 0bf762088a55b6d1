package scheduler

import (
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

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

// TestWhatASocketIsTold: a guest, whom the gate lets through in the mode report,
// hears nothing where guests see no appointments.
func TestWhatASocketIsTold(t *testing.T) {
	const named, hidden = `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Ann","interviewer":1}}`, `{"type":"SET_INTERVIEW","id":2,"interview":{"student":"Reserved","interviewer":1}}`
	for _, open := range []bool{false, true} {
		out := outcome{slot: 2, bookedBy: "ann", interview: &interview{"Ann", 1}}
		tell := telling{app: &App{cfg: Config{Open: open}}, outcome: out}
		for _, c := range []struct {
			to   *call.Principal
			want string
		}{
			{nil, map[bool]string{true: named}[open]},
			{&call.Principal{ID: "ann", Role: "member"}, named},
			{&call.Principal{ID: "bob", Role: "member"}, map[bool]string{true: named, false: hidden}[open]},
			{&call.Principal{ID: "cleo", Role: "counsellor"}, named},
		} {
			if got := string(tell.view(c.to)); got != c.want {
				t.Errorf("open %v, %v is told %s, want %s", open, c.to, got, c.want)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	st := storetest.Open(t, store.SQLite, schemas())
	hub, err := live.New(live.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]Config{
		"no store":      {Hub: hub},
		"no hub":        {Store: st},
		"negative pace": {Store: st, Hub: hub, Pace: -time.Second},
		"unknown seed":  {Store: st, Hub: hub, Seed: "prod"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	app, err := New(Config{Store: st, Hub: hub})
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Fill(t.Context()); err != nil {
		t.Errorf("Fill without a seed: %v", err)
	}
	if n := count(t, st, `SELECT count(*) FROM days`); n != 0 {
		t.Errorf("Fill without a seed wrote %d days", n)
	}
	if err := app.Seed(t.Context(), "prod"); err == nil {
		t.Error("an unknown seed was written")
	}
}
