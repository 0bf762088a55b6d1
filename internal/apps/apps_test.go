package apps

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/apps/members"
	"github.com/gatehouse-api/gatehouse/internal/apps/scheduler"
	"github.com/gatehouse-api/gatehouse/internal/apps/system"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func compiled(t *testing.T, o Options) []*contract.API {
	t.Helper()
	apis, err := Contracts(o)
	if err != nil {
		t.Fatal(err)
	}
	return apis
}

func TestOpenSchedulerOpensSixRoutesAndTheSocketAlone(t *testing.T) {
	public := func(open bool) map[string]bool {
		ids := map[string]bool{}
		for _, api := range compiled(t, Options{Environment: "demo", OpenScheduler: open}) {
			for _, op := range api.Operations {
				if op.Access.Public {
					ids[op.Method+" "+op.Path] = true
				}
			}
		}
		return ids
	}
	closed, opened := public(false), public(true)
	var more []string
	for id := range opened {
		if !closed[id] && !strings.Contains(id, "/api/v1/") {
			more = append(more, id)
		}
	}
	want := map[string]bool{"GET /api/appointments": true, "PUT /api/appointments/{id}": true, "DELETE /api/appointments/{id}": true, "GET /ws": true}
	for _, id := range more {
		if !want[id] {
			t.Errorf("open: %s answers guests", id)
		}
	}
	if len(more) != len(want) { // GET / is the page's already
		t.Errorf("open adds %q, want %v", more, want)
	}
}

func TestResetIsNotThereInProduction(t *testing.T) {
	for environment, want := range map[string]bool{"production": false, "development": true, "test": true, "demo": true} {
		there := false
		for _, api := range compiled(t, Options{Environment: environment, OpenScheduler: true}) {
			for _, op := range api.Operations {
				there = there || strings.HasSuffix(op.Path, "/debug/reset")
			}
		}
		if there != want {
			t.Errorf("%s: the reset route is there: %v, want %v", environment, there, want)
		}
	}
}

func TestDispatchWantsOneHandlerForEachOperation(t *testing.T) {
	apis := compiled(t, Options{Environment: "production"})
	all := func() Handlers {
		sched := map[string]http.Handler{}
		for _, api := range compiled(t, Options{Environment: "development"}) {
			for _, op := range api.Operations {
				if api.Name == "scheduler" {
					sched[op.ID] = http.NotFoundHandler()
				}
			}
		}
		return Handlers{"system": system.New(system.Config{}).Handlers(), "members": members.New(nil, members.Config{}).Handlers(), "scheduler": sched}
	}
	if _, err := Dispatch(apis, all()); err != nil {
		t.Errorf("all handlers: %v", err)
	}
	missing, extra := all(), all()
	delete(missing["scheduler"], "listDays")
	extra["system"]["shutdown"] = http.NotFoundHandler()
	for says, h := range map[string]Handlers{"operation listDays of scheduler has no handler": missing, "handler shutdown of system has no operation": extra} {
		if _, err := Dispatch(apis, h); err == nil || err.Error() != says {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// TestDocumentIsAContract reads the joined document back: every reference leads
// somewhere, and every operation is there with its access rule.
func TestDocumentIsAContract(t *testing.T) {
	apis := compiled(t, Options{Environment: "demo"})
	b, err := Document("1.2.3", apis)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := contract.Load(contract.File{Name: "openapi.json", Data: b}, contract.Options{Environment: "demo", Roles: Roles()})
	if err != nil {
		t.Fatalf("the joined document is no contract: %v", err)
	}
	have := map[string]*contract.Operation{}
	for _, op := range joined.Operations {
		have[op.Method+" "+op.Path] = op
	}
	for _, api := range apis {
		for _, op := range api.Operations {
			got := have[op.Method+" "+op.Path]
			if got == nil {
				t.Errorf("%s %s is not in the joined document", op.Method, op.Path)
				continue
			}
			if op.Socket == nil && (got.Access.Public != op.Access.Public || len(got.Access.Roles) != len(op.Access.Roles) || len(got.Params) != len(op.Params)) {
				t.Errorf("%s %s: %+v in the joined document, %+v in its own", op.Method, op.Path, got.Access, op.Access)
			}
		}
	}
	if len(apis) != 3 {
		t.Errorf("%d contracts, want 3", len(apis))
	}
}

func TestSchemasRollBack(t *testing.T) {
	storetest.Rollback(t, Schemas())
	if scheduler.Schema().Name != Schemas()[len(Schemas())-1].Name {
		t.Error("the scheduler's tables are not the last")
	}
}
