package observe_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/observe"
)

// TestTheZeroConfigWritesToStderr: one JSON record for each call, those at INFO
// too.
func TestTheZeroConfigWritesToStderr(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = file
	wrap, err := observe.New(observe.Config{})
	os.Stderr = stderr
	if err != nil {
		t.Fatal(err)
	}
	wrap(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), request("GET", "/"))
	text, err := os.ReadFile(file.Name())
	if err != nil || file.Close() != nil {
		t.Fatal(err)
	}
	var record map[string]any
	if err := json.Unmarshal(text, &record); err != nil || record["level"] != "INFO" || record["status"] != 404.0 {
		t.Errorf("%s %v", text, err)
	}
}

// deep panics far down, in frames that take some room in a stack trace.
func deep(levels int, words [9]uint64) uint64 {
	if levels == 0 {
		panic("far down")
	}
	return deep(levels-1, words) + words[0]
}

// TestAStackIsBounded: 16 KiB of it, the beginning first.
func TestAStackIsBounded(t *testing.T) {
	const wide = 1<<64 - 1
	words := [9]uint64{wide, wide, wide, wide, wide, wide, wide, wide, wide}
	rec := one(t, newRig(t), request("GET", "/"), func(http.ResponseWriter, *http.Request) { deep(200, words) })
	if len(rec.Stack) != 16<<10 || !strings.HasPrefix(rec.Stack, "goroutine ") || !strings.HasSuffix(rec.Stack, "...") {
		t.Errorf("%d bytes: %.100s", len(rec.Stack), rec.Stack)
	}
}
