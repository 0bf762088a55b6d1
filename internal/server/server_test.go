package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func load(t *testing.T, flags ...config.Flag) *config.Config {
	t.Helper()
	flags = append([]config.Flag{{Path: "environment", Value: "test"}, {Path: "data", Value: filepath.Join(t.TempDir(), "data")}}, flags...)
	cfg, report := config.Load(config.Input{Flags: flags})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

const plainSpoken = `
openapi: 3.1.0
info: { title: Notes, version: "1" }
x-gatehouse: { name: notes, errors: error }
paths:
  /notes:
    post: { operationId: write, x-gatehouse: { access: public, texts: { TLS_REQUIRED: Say that over https } }, responses: { "200": { description: Written } } }
`

// TestPlainListenerLeadsToTLS asks from this machine, to which the layer would
// let everything through.
func TestPlainListenerLeadsToTLS(t *testing.T) {
	var log bytes.Buffer
	s, err := Open(t.Context(), Options{
		Config: load(t, config.Flag{Path: "public_url", Value: "https://gate.example.org:8443"}), Log: slog.NewJSONHandler(&log, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	notes, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(plainSpoken)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.table, err = contract.NewTable(notes); err != nil {
		t.Fatal(err)
	}
	handler, err := s.wayToTLS()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, target string
		status               int
		location, body       string
	}{
		{"a page", "GET", "http://gate.example.org/notes?a=%2F", 308, "https://gate.example.org:8443/notes?a=%2F", ""},
		{"HEAD", "HEAD", "http://gate.example.org:80/nothing", 308, "https://gate.example.org:8443/nothing", ""},
		{"a body with secrets, in the dialect of its API", "POST", "http://gate.example.org/notes", 403, "", `{"error":"Say that over https"}`},
		{"one that no API describes", "POST", "http://gate.example.org/nothing", 403, "", `"code":"TLS_REQUIRED"`},
		{"a foreign host", "GET", "http://evil.example/", 421, "", `"code":"MISDIRECTED_REQUEST"`},
	} {
		log.Reset()
		r := httptest.NewRequest(c.method, c.target, nil)
		r.RemoteAddr = "127.0.0.1:40000"
		r.Header.Set("Accept", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Location") != c.location || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: %d to %q: %s; want %d to %q: %s", c.name, w.Code, w.Header().Get("Location"), w.Body, c.status, c.location, c.body)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: headers %v", c.name, w.Header())
		}
		if !strings.Contains(log.String(), fmt.Sprintf(`"status":%d`, c.status)) {
			t.Errorf("%s: recorded %q", c.name, log.String())
		}
	}
}

func TestLogIsJSONUnlessPeopleRead(t *testing.T) {
	for _, tt := range []struct {
		format   config.LogFormat
		terminal bool
		json     bool
	}{{config.LogAuto, false, true}, {config.LogAuto, true, false}, {config.LogJSON, true, true}, {config.LogText, false, false}} {
		var b bytes.Buffer
		slog.New(NewLog(config.Log{Format: tt.format, Level: config.LogInfo}, &b, tt.terminal)).Info("hello")
		if got := strings.HasPrefix(b.String(), "{"); got != tt.json {
			t.Errorf("%s, terminal %v: %s", tt.format, tt.terminal, b.String())
		}
	}
	var b bytes.Buffer
	slog.New(NewLog(config.Log{Level: config.LogWarn}, &b, false)).Info("hello")
	if b.Len() != 0 {
		t.Errorf("level warn wrote %s", b.String())
	}
}

func TestCheckCountsOperations(t *testing.T) {
	n, err := Check(load(t))
	if err != nil || n < 30 {
		t.Errorf("%d operations, %v", n, err)
	}
	misspelt := load(t, config.Flag{Path: "limits.schedulr", Value: "1/1m"})
	if _, err := Check(misspelt); err == nil || !strings.Contains(err.Error(), `Did you mean "scheduler"`) {
		t.Errorf("a budget that no contract names: %v", err)
	}
}

func TestModesOfTheSettings(t *testing.T) {
	cfg := load(t, config.Flag{Path: "modes.schedular.validate", Value: "report"})
	if _, err := Check(cfg); err == nil || !strings.Contains(err.Error(), `Did you mean "scheduler"?`) {
		t.Errorf("an API that is not there: %v", err)
	}
	cfg = load(t, config.Flag{Path: "modes.scheduler.validate", Value: "report"})
	if _, err := Check(cfg); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	s, err := Open(t.Context(), Options{Config: cfg, Log: slog.NewJSONHandler(&said, nil)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	const line = `"level":"WARN","msg":"layer does not enforce","api":"scheduler","layer":"validate","mode":"report","risk":"relaxed-validate"`
	if strings.Count(said.String(), "does not enforce") != 1 || !strings.Contains(said.String(), line) {
		t.Errorf("the start says %s", said.String())
	}
}
