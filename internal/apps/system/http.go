package system

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Config of the app.
type Config struct {
	Version  string                      // shown to everybody
	Commit   string                      // shown to admins
	Started  time.Time                   // when the process began
	Now      func() time.Time            // the clock; time.Now when nil
	Ready    func(context.Context) error // why the server cannot serve just now; nil is ready
	Document func() []byte               // the joined contracts as JSON
	Failures *Failures                   // the statistics of errors; of its own, and so empty, when nil
}

// App answers for the server.
type App struct{ cfg Config }

// New returns the app.
func New(cfg Config) *App {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Failures == nil {
		cfg.Failures = NewFailures()
	}
	return &App{cfg}
}

// Handlers are the operations by operationId.
func (a *App) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"root":       call.Handler(a.root),
		"stylesheet": call.Handler(a.stylesheet),
		"health":     call.Handler(a.health),
		"live":       call.Handler(a.live),
		"ready":      call.Handler(a.ready),
		"contracts":  call.Handler(a.contracts),
		"errorStats": call.Handler(a.errorStats),
	}
}

func (a *App) root(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	w.Header().Add("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		return call.Bytes(w, r, http.StatusOK, "text/html; charset=utf-8", rootPage)
	}
	return call.JSON(w, r, http.StatusOK, struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"ok", "Gatehouse is running; its contracts are at /openapi.json"})
}

func (a *App) stylesheet(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	return call.Bytes(w, r, http.StatusOK, "text/css; charset=utf-8", stylesheet)
}

func (a *App) health(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	now := a.cfg.Now()
	h := health{Status: "ok", Uptime: now.Sub(a.cfg.Started).Seconds(), Timestamp: stamp(now), Version: a.cfg.Version}
	if c.Principal().Is("admin") {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.Commit, h.Memory = a.cfg.Commit, &memory{m.HeapAlloc, m.Sys}
	}
	return call.JSON(w, r, http.StatusOK, h)
}

func (a *App) live(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	return call.JSON(w, r, http.StatusOK, map[string]bool{"alive": true})
}

func (a *App) ready(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	if a.cfg.Ready != nil {
		if err := a.cfg.Ready(r.Context()); err != nil {
			return problem.Unavailable(2*time.Second, err)
		}
	}
	return call.JSON(w, r, http.StatusOK, map[string]bool{"ready": true})
}

func (a *App) contracts(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	return call.Bytes(w, r, http.StatusOK, "application/json; charset=utf-8", a.cfg.Document())
}
