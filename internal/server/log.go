package server

import (
	"io"
	"log/slog"

	"github.com/gatehouse-api/gatehouse/internal/config"
)

// NewLog writes records to w as the settings say: text for people on a
// terminal, one JSON object a line elsewhere.
func NewLog(cfg config.Log, w io.Writer, terminal bool) slog.Handler {
	o := &slog.HandlerOptions{Level: level(cfg.Level)}
	if cfg.Format == config.LogText || cfg.Format == config.LogAuto && terminal {
		return slog.NewTextHandler(w, o)
	}
	return slog.NewJSONHandler(w, o)
}

func level(l config.LogLevel) slog.Level {
	switch l {
	case config.LogDebug:
		return slog.LevelDebug
	case config.LogWarn:
		return slog.LevelWarn
	case config.LogError:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
