package system

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// The bounds of the statistics. The counted names are ours; a name beyond the
// bound counts as "(other)".
const (
	maxRecent = 100
	maxNames  = 256
	topCount  = 5
	other     = "(other)"
)

// Failure is one refused or failed call.
type Failure struct {
	Status    int       // that was answered
	Code      string    // that the client was told
	Module    string    // who refused: a layer, or the API whose handler did
	Message   string    // the internal cause; for admins alone
	RequestID string    // as in X-Request-Id
	Time      time.Time // when the call ended
}

// Failures counts refused and failed calls by type, code and module, and keeps
// the latest of them, in bounded memory. It is safe for use by many goroutines.
type Failures struct {
	mu       sync.Mutex
	total    int
	byType   map[string]int
	byCode   map[string]int
	byModule map[string]int
	recent   []Failure // a ring: next is the oldest once it is full
	next     int
}

// NewFailures returns statistics that have counted nothing yet.
func NewFailures() *Failures {
	return &Failures{byType: map[string]int{}, byCode: map[string]int{}, byModule: map[string]int{}}
}

// Add counts one.
func (f *Failures) Add(x Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total++
	count(f.byType, typeOf(x.Status))
	count(f.byCode, x.Code)
	count(f.byModule, x.Module)
	if len(f.recent) < maxRecent {
		f.recent = append(f.recent, x)
		return
	}
	f.recent[f.next] = x
	f.next = (f.next + 1) % maxRecent
}

func count(by map[string]int, name string) {
	if _, known := by[name]; !known && len(by) >= maxNames {
		name = other
	}
	by[name]++
}

// typeOf is the kind of an error by its status.
func typeOf(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "AUTH"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return "NOT_FOUND"
	case status == http.StatusTooManyRequests:
		return "RATE_LIMIT"
	case status >= http.StatusInternalServerError:
		return "INTERNAL"
	case status >= http.StatusBadRequest:
		return "VALIDATION"
	default:
		return "UNKNOWN"
	}
}

// errorStats is the answer of GET /api/errors/stats.
type errorStats struct {
	Total    int            `json:"total"`
	ByType   map[string]int `json:"byType"`
	ByCode   map[string]int `json:"byCode"`
	ByModule map[string]int `json:"byModule"`
	Recent   []recentError  `json:"recent"`
	Summary  errorSummary   `json:"summary"`
}

type recentError struct {
	Type      string `json:"type"`
	Level     string `json:"level"`
	Message   string `json:"message"`
	Module    string `json:"module"`
	Timestamp string `json:"timestamp"`
	Code      string `json:"code"`
	RequestID string `json:"requestId"`
}

type errorSummary struct {
	Total      int            `json:"total"`
	ByType     map[string]int `json:"byType"`
	ByCode     map[string]int `json:"byCode"`
	TopModules []moduleCount  `json:"topModules"`
}

type moduleCount struct {
	Module string `json:"module"`
	Count  int    `json:"count"`
}

// stats is what is known just now; the latest, oldest first, only when detailed.
func (f *Failures) stats(detailed bool) errorStats {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := errorStats{
		Total: f.total, ByType: maps.Clone(f.byType), ByCode: maps.Clone(f.byCode), ByModule: maps.Clone(f.byModule), Recent: []recentError{},
	}
	s.Summary = errorSummary{Total: s.Total, ByType: s.ByType, ByCode: s.ByCode, TopModules: top(s.ByModule)}
	if !detailed {
		return s
	}
	for i := range f.recent {
		x := f.recent[(f.next+i)%len(f.recent)]
		level := "warn"
		if x.Status >= http.StatusInternalServerError {
			level = "error"
		}
		s.Recent = append(s.Recent, recentError{typeOf(x.Status), level, x.Message, x.Module, stamp(x.Time), x.Code, x.RequestID})
	}
	return s
}

// top is the modules with the most errors, the most first.
func top(by map[string]int) []moduleCount {
	list := make([]moduleCount, 0, len(by))
	for name, n := range by {
		list = append(list, moduleCount{name, n})
	}
	slices.SortFunc(list, func(a, b moduleCount) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Module, b.Module))
	})
	return list[:min(len(list), topCount)]
}

func (a *App) errorStats(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return call.JSON(w, r, http.StatusOK, a.cfg.Failures.stats(c.Principal().Is("admin")))
}
