package limit

import (
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// TestAPIKeyTakesNoMemory: finding the counter of a call costs no allocation,
// however the call is counted.
func TestAPIKeyTakesNoMemory(t *testing.T) {
	h := newHasher()
	p := &call.Principal{ID: "ada", APIKey: "k1"}
	if n := testing.AllocsPerRun(1000, func() { _ = h.apiKey(p.APIKey) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if stageOf(contract.ByAPIKey) != MemberStage {
		t.Error("a budget per API key is counted where no key is known yet")
	}
}
