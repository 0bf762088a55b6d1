package gatehouse

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/validate"
)

// TestSampleOfTheHowTo: the record that docs/how-to/adopt-step-by-step.md shows is
// what validation of the scheduler reports, and its line helps.
func TestSampleOfTheHowTo(t *testing.T) {
	page, err := os.ReadFile("docs/how-to/adopt-step-by-step.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sample, _ := strings.Cut(string(page), "```json\n")
	sample, _, _ = strings.Cut(sample, "```")
	var record struct {
		Operation, Verdict string
		Refuse             []string `json:"would_refuse"`
		Allow              []string `json:"would_allow"`
	}
	if err := json.Unmarshal([]byte(sample), &record); err != nil {
		t.Fatalf("%q: %v", sample, err)
	}
	document, err := os.ReadFile("internal/apps/scheduler/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(mode call.Mode, overlays ...contract.File) (status int, refuse, allow []string) {
		api, err := contract.Load(contract.File{Name: "scheduler.yaml", Data: document}, contract.Options{Environment: "test"}, overlays...)
		if err != nil {
			t.Fatal(err)
		}
		table, err := contract.NewTable(api)
		if err != nil {
			t.Fatal(err)
		}
		begin, err := call.New(call.Config{Table: table, Modes: call.Modes{"*": {"validate": mode}}})
		if err != nil {
			t.Fatal(err)
		}
		layer, err := validate.New(validate.Config{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/api/days", strings.NewReader(`{"name":"Monday","color":"red"}`))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		begin(layer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if id := call.From(r.Context()).Operation().ID; id != record.Operation {
				t.Errorf("the sample is about %s", id)
			}
			for _, p := range call.From(r.Context()).Pardons() {
				refuse, allow = append(refuse, p.Layer+": "+p.Code+" "+p.Rule), append(allow, p.Allow)
			}
		}))).ServeHTTP(rec, r)
		return rec.Code, refuse, allow
	}
	status, refuse, allow := ask(call.Report)
	if status != 200 || record.Verdict != "served" || !slices.Equal(refuse, record.Refuse) || !slices.Equal(allow, record.Allow) || len(allow) != 1 {
		t.Fatalf("%d %q %q, the sample says %q %q", status, refuse, allow, record.Refuse, record.Allow)
	}
	if status, _, _ := ask(call.Enforce, contract.File{Name: "overlay.yaml", Data: []byte(allow[0] + "\n")}); status != 200 {
		t.Errorf("with %s it is answered %d", allow[0], status)
	}
}
