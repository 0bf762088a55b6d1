package server

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/config"
)

func load(t *testing.T, flags ...config.Flag) *config.Config {
	t.Helper()
	flags = append([]config.Flag{{Path: "environment", Value: "test"}, {Path: "data", Value: filepath.Join(t.TempDir(), "data")}}, flags...)
	cfg, report := config.Load(config.Input{Flags: flags})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestPlainListenerSendsThisMachineToTLSToo(t *testing.T) {
	for _, c := range []struct {
		host, method, accept string
		port, status         int
		to                   string
	}{
		{"gate.example.org:80", "GET", "text/html,*/*", 443, 308, "https://gate.example.org/a?b=1"},
		{"gate.example.org", "HEAD", "text/html", 8443, 308, "https://gate.example.org:8443/a?b=1"},
		{"[::1]:80", "GET", "text/html", 8443, 308, "https://[::1]:8443/a?b=1"},
		{"gate.example.org", "GET", "application/json", 443, 404, ""},
		{"gate.example.org", "POST", "text/html", 443, 404, ""},
	} {
		r := httptest.NewRequest(c.method, "http://"+c.host+"/a?b=1", nil)
		r.Header.Set("Accept", c.accept)
		w := httptest.NewRecorder()
		toTLS(c.port).ServeHTTP(w, call.Ensure(w, r))
		if w.Code != c.status || w.Header().Get("Location") != c.to {
			t.Errorf("%s %s: %d to %q, want %d to %q", c.method, c.host, w.Code, w.Header().Get("Location"), c.status, c.to)
		}
	}
}

const sealing = "q8Zr3vLx0TnB5mWc7YdKp2HsGf9JaEuR"

func TestSealingKeyIsMadeOnceForItsOwnerAlone(t *testing.T) {
	cfg := load(t)
	if err := MakeData(cfg); err != nil {
		t.Fatal(err)
	}
	first, err := sealingKey(cfg)
	if err != nil || len(first) < 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	again, err := sealingKey(cfg)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second start has another key: %v", err)
	}
	info, err := os.Stat(cfg.SealingKeyPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	given := load(t, config.Flag{Path: "identity.sealing_key", Value: sealing})
	if key, err := sealingKey(given); err != nil || string(key) != sealing {
		t.Errorf("a key of the settings is not taken: %v", err)
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
