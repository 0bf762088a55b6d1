package server

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/DeRuina/timberjack"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/observe"
)

// logFiles are combined.log, which has everything, and error.log, which has what
// has level ERROR. In Apache's format, which knows calls alone, the rest of
// everything is in events.log. At midnight, and when they grow too large, they
// are put away, compressed, and after the days of the settings deleted.
type logFiles struct {
	now     func() time.Time
	open    []*timberjack.Logger
	handler slog.Handler
}

// openLogFiles opens the files, so that a folder that cannot be written to is
// told at the start and not at the first record.
func openLogFiles(cfg config.Log, now func() time.Time) (*logFiles, error) {
	if err := os.MkdirAll(cfg.Files.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of log.files: %w", err)
	}
	f := &logFiles{now: now}
	all, err := f.everything(cfg)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	failed, err := f.rotated(cfg.Files, "error.log")
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.handler = observe.Tee(all, observe.NewJSON(failed, slog.LevelError))
	return f, nil
}

func (f *logFiles) everything(cfg config.Log) (slog.Handler, error) {
	combined, err := f.rotated(cfg.Files, "combined.log")
	if err != nil {
		return nil, err
	}
	if cfg.Files.Format != config.LogCombined {
		return observe.NewJSON(combined, level(cfg.Level)), nil
	}
	events, err := f.rotated(cfg.Files, "events.log")
	if err != nil {
		return nil, err
	}
	// Apache's format has calls from INFO up, and an audited call without its
	// AUDIT line would be half of it.
	least := min(level(cfg.Level), slog.LevelInfo)
	return observe.NewCombined(combined, observe.NewJSON(events, least)), nil
}

// rotated opens one file. One that was left before today, when nobody was there
// at midnight, is put away at once.
func (f *logFiles) rotated(cfg config.LogFiles, name string) (*timberjack.Logger, error) {
	file := &timberjack.Logger{
		Filename: filepath.Join(cfg.Folder, name), FileMode: 0o600,
		MaxSize: cfg.MaxSize, MaxAge: cfg.KeepDays, RotateAt: []string{"00:00"}, Compression: "gzip",
	}
	f.open = append(f.open, file)
	before, err := os.Stat(file.Filename)
	left := err == nil && before.ModTime().Before(f.now().UTC().Truncate(24*time.Hour))
	if _, err := file.Write(nil); err != nil {
		return nil, fmt.Errorf("opening a file of log.files: %w", err)
	}
	if left {
		if err := file.RotateWithReason("time"); err != nil {
			return nil, fmt.Errorf("putting a file of log.files away: %w", err)
		}
	}
	return file, nil
}

// Close closes the files.
func (f *logFiles) Close() error {
	if f == nil {
		return nil
	}
	var all []error
	for _, file := range f.open {
		all = append(all, file.Close())
	}
	return errors.Join(all...)
}
