package observe

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// TestAStackIsBounded: 16 KiB of it, the beginning first.
func TestAStackIsBounded(t *testing.T) {
	r := call.Ensure(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	l := &layer{cfg: Config{Now: time.Now}}
	for length, want := range map[int]string{16 << 10: strings.Repeat("x", 16<<10), 16<<10 + 1: strings.Repeat("x", 16<<10-3) + "..."} {
		rec := l.record(&outcome{call: call.From(r.Context()), request: r, stack: strings.Repeat("x", length)}, "RESPONSE")
		if rec.Stack != want {
			t.Errorf("of %d bytes %d are left, and at the end %q", length, len(rec.Stack), rec.Stack[len(rec.Stack)-5:])
		}
	}
}
