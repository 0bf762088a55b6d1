package server

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/DeRuina/timberjack"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/observe"
)

// logFiles are combined.log, which has everything, and error.log, which has what
// has level ERROR. At midnight, and when they grow too large, they are put away,
// compressed, and after the days of the settings deleted.
type logFiles struct {
	combined, errors *timberjack.Logger
	handler          slog.Handler
}

// openLogFiles opens both files, so that a folder that cannot be written to is
// told at the start and not at the first record.
func openLogFiles(cfg config.Log) (*logFiles, error) {
	if err := os.MkdirAll(cfg.Files.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of log.files: %w", err)
	}
	f := &logFiles{combined: rotated(cfg.Files, "combined.log"), errors: rotated(cfg.Files, "error.log")}
	for _, file := range []*timberjack.Logger{f.combined, f.errors} {
		if _, err := file.Write(nil); err != nil {
			return nil, errors.Join(fmt.Errorf("opening a file of log.files: %w", err), f.Close())
		}
	}
	o := &slog.HandlerOptions{Level: level(cfg.Level)}
	var all slog.Handler = slog.NewJSONHandler(f.combined, o)
	if cfg.Files.Format == config.LogCombined {
		all = observe.NewCombined(f.combined, nil)
	}
	f.handler = observe.Tee(all, slog.NewJSONHandler(f.errors, &slog.HandlerOptions{Level: slog.LevelError}))
	return f, nil
}

func rotated(cfg config.LogFiles, name string) *timberjack.Logger {
	return &timberjack.Logger{
		Filename: filepath.Join(cfg.Folder, name), FileMode: 0o600,
		MaxSize: cfg.MaxSize, MaxAge: cfg.KeepDays, RotateAt: []string{"00:00"}, Compression: "gzip",
	}
}

// Close closes both files.
func (f *logFiles) Close() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.combined.Close(), f.errors.Close())
}
