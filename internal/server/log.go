package server

import (
	"io"
	"log/slog"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/observe"
)

// NewLog writes records to w as the settings say: lines for people on a
// terminal, one JSON object a line elsewhere, or calls in Apache's combined format
// and lines for people of the rest.
func NewLog(cfg config.Log, w io.Writer, terminal bool) slog.Handler {
	least := level(cfg.Level)
	switch {
	case cfg.Format == config.LogCombined:
		return observe.NewCombined(w, observe.NewText(w, least))
	case cfg.Format == config.LogText || cfg.Format == config.LogAuto && terminal:
		return observe.NewText(w, least)
	default:
		return observe.NewJSON(w, least)
	}
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
