package call_test

import (
	"net/http"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// TestLearnedChangesWhatWasSaidOfOneRefusal: of that layer, with that code.
func TestLearnedChangesWhatWasSaidOfOneRefusal(t *testing.T) {
	modes := call.Modes{call.AnyAPI: {"validate": call.Report, "limit": call.Report}}
	in(t, call.Config{Modes: modes}, get(), func(w http.ResponseWriter, r *http.Request, c *call.Call) {
		for _, refusal := range []*problem.Error{
			problem.TooLarge("large").From("validate", "a"), problem.Malformed("odd").From("validate", "b"), problem.TooLarge("large").From("limit", "c"),
		} {
			if call.Stopped(w, r, refusal, func(*call.Call, *problem.Error) string { return "before" }) {
				t.Fatalf("%s does not report", refusal.Layer)
			}
		}
		c.Learned("validate", problem.TooLarge("").Code, "after")
		for i, want := range []string{"after", "before", "before"} {
			if got := c.Pardons()[i]; got.Allow != want {
				t.Errorf("%s %s: %q, want %q", got.Layer, got.Code, got.Allow, want)
			}
		}
	})
}
