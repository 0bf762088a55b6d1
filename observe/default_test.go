package observe_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
