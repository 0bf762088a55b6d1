package server

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/observe"
)

func openFiles(t *testing.T, cfg config.Log) *logFiles {
	t.Helper()
	if cfg.Files.Format == "" {
		cfg.Files.Format = config.LogJSON
	}
	cfg.Files.MaxSize = 1
	f, err := openLogFiles(cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func closeFiles(t *testing.T, f *logFiles) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// read is the content of a file, unpacked.
func read(t *testing.T, path ...string) string {
	t.Helper()
	file, err := os.Open(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var from io.Reader = file
	if strings.HasSuffix(file.Name(), ".gz") {
		if from, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// putAway lists the files of a name that were put away.
func putAway(t *testing.T, folder, name string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, name+"-*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}

func TestLogFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "logs")
	address, log := running(t, config.Flag{Path: "log.files.folder", Value: folder})
	answers(t, address, get("/health", ""))
	eventually(t, "no record in combined.log", func() bool { return strings.Contains(read(t, folder, "combined.log"), `"operation":"health"`) })
	if read(t, folder, "error.log") != "" || !strings.Contains(log.String(), `"operation":"health"`) {
		t.Errorf("error.log %q, standard error %q", read(t, folder, "error.log"), log)
	}
	for _, name := range []string{"", "combined.log", "error.log"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q: others may look: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "events.log")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("events.log beside JSON, which has everything in combined.log: %v", err)
	}
}

const audited = `
openapi: 3.1.0
info: { title: Notes, version: "1" }
x-gatehouse: { name: notes }
paths:
  /notes:
    post: { operationId: write, x-gatehouse: { access: public, audit: WRITE_NOTE }, responses: { "200": { description: Written } } }
`

// TestWhichFileHasWhat writes a call that is audited, one that panics and a
// message, and says how many lines of each are where.
func TestWhichFileHasWhat(t *testing.T) {
	notes, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(audited)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := contract.NewTable(notes)
	if err != nil {
		t.Fatal(err)
	}
	const call, apache, audit, panicked, message = `"type":"RESPONSE"`, `"POST /notes HTTP/1.1" 200 `, `"action":"WRITE_NOTE"`, `"cause":"panic: a bug"`, `"msg":"a warning"`
	type lines map[string]map[string]int // how many by file and text
	for _, row := range []struct {
		name   string
		format config.LogFormat
		level  config.LogLevel
		want   lines
	}{
		{"JSON", config.LogJSON, config.LogInfo, lines{
			"combined.log": {call: 2, audit: 1, panicked: 1, message: 1, "\n": 4}, "error.log": {panicked: 1, "\n": 1}}},
		{"Apache's format has calls, and the rest is beside it", config.LogCombined, config.LogInfo, lines{
			"combined.log": {apache: 1, "\n": 2}, "events.log": {audit: 1, message: 1, "\n": 2}, "error.log": {panicked: 1, "\n": 1}}},
		{"no level parts a call from its AUDIT line", config.LogCombined, config.LogError, lines{
			"combined.log": {apache: 1, "\n": 2}, "events.log": {audit: 1, message: 1, "\n": 2}, "error.log": {panicked: 1, "\n": 1}}},
	} {
		folder := t.TempDir()
		f := openFiles(t, config.Log{Level: row.level, Files: config.LogFiles{Folder: folder, Format: row.format, KeepDays: 1}})
		wrap, err := observe.New(observe.Config{Log: f.handler, Table: table})
		if err != nil {
			t.Fatal(err)
		}
		handler := wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				panic("a bug")
			}
		}))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/notes", nil))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		slog.New(f.handler).Warn("a warning")
		closeFiles(t, f)
		for file, texts := range row.want {
			got := read(t, folder, file)
			for text, n := range texts {
				if strings.Count(got, text) != n {
					t.Errorf("%s: %s has %d of %d %q:\n%s", row.name, file, strings.Count(got, text), n, text, got)
				}
			}
		}
	}
}

// TestFilesArePutAwayAtMidnight lives through a week that begins on Saturday,
// 1 January 2000, at midnight (UTC), with files that are kept for two days.
func TestFilesArePutAwayAtMidnight(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f := openFiles(t, config.Log{Files: config.LogFiles{Folder: folder, Format: config.LogCombined, KeepDays: 2}})
		log := slog.New(f.handler)
		const noon = 12 * time.Hour
		for day := range 5 {
			<-time.After(noon)
			log.Error("of day", "number", day+1)
			<-time.After(noon - time.Nanosecond)
			synctest.Wait()
			if n := len(putAway(t, folder, "error")); n != min(day, 3) {
				t.Errorf("before the midnight after day %d: %d files put away", day+1, n)
			}
			<-time.After(time.Nanosecond)
			synctest.Wait()
		}
		for _, name := range []string{"combined", "events", "error"} {
			want := []string{name + "-2000-01-04T00-00-00.000-time.log.gz", name + "-2000-01-05T00-00-00.000-time.log.gz", name + "-2000-01-06T00-00-00.000-time.log.gz"}
			if got := putAway(t, folder, name); !slices.Equal(got, want) {
				t.Errorf("after five days: %q; want %q", got, want)
			}
		}
		for packed, day := range map[string]string{"2000-01-04": "3", "2000-01-05": "4", "2000-01-06": "5"} {
			if got := read(t, folder, "error-"+packed+"T00-00-00.000-time.log.gz"); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"number":`+day) {
				t.Errorf("put away at the midnight of %s: %q; want day %s alone", packed, got, day)
			}
		}
		if got := read(t, folder, "error.log"); got != "" {
			t.Errorf("the new day begins with %q", got)
		}
		closeFiles(t, f)
	})
}

// TestAFileOfYesterdayIsPutAwayAtTheStart: nobody was there at midnight. One of
// today goes on.
func TestAFileOfYesterdayIsPutAwayAtTheStart(t *testing.T) {
	for left, want := range map[time.Duration]int{-time.Nanosecond: 1, 0: 0} {
		folder := t.TempDir()
		file := filepath.Join(folder, "combined.log")
		if err := os.WriteFile(file, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			midnight := time.Now()
			if err := os.Chtimes(file, midnight.Add(left), midnight.Add(left)); err != nil {
				t.Fatal(err)
			}
			<-time.After(23 * time.Hour)
			f := openFiles(t, config.Log{Files: config.LogFiles{Folder: folder, KeepDays: 2}})
			slog.New(f.handler).Info("after")
			synctest.Wait()
			closeFiles(t, f)
			away, now := putAway(t, folder, "combined"), read(t, folder, "combined.log")
			if len(away) != want || strings.Contains(now, "before") != (want == 0) || !strings.Contains(now, "after") {
				t.Errorf("left %s after midnight: put away %q, combined.log %q", left, away, now)
			}
			for _, name := range away {
				if got := read(t, folder, name); got != "before\n" {
					t.Errorf("put away: %q", got)
				}
			}
		})
	}
}

func TestAFileThatGrewTooLargeIsPutAway(t *testing.T) {
	folder := t.TempDir()
	f := openFiles(t, config.Log{Files: config.LogFiles{Folder: folder, KeepDays: 30}})
	log := slog.New(f.handler)
	for range 4000 { // more than a megabyte
		log.Info(strings.Repeat("x", 300))
	}
	closeFiles(t, f)
	away := putAway(t, folder, "combined")
	if len(away) != 1 || !strings.HasSuffix(away[0], "-size.log.gz") || !strings.HasPrefix(read(t, folder, away[0]), `{"time":"`) {
		t.Errorf("put away %q", away)
	}
}

func TestAFolderThatCannotBeIsToldAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := load(t, config.Flag{Path: "log.files.folder", Value: filepath.Join(file, "logs")})
	if s, err := Open(t.Context(), Options{Config: cfg, Log: slog.DiscardHandler}); err == nil {
		t.Error("opened", s.Close())
	}
}
