package scheduler

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	crand "crypto/rand"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

//go:embed openapi.yaml
var document []byte

//go:embed open.overlay.yaml
var openOverlay []byte

//go:embed schema
var schema embed.FS

// Contract is the OpenAPI document of the app.
func Contract() contract.File {
	return contract.File{Name: "scheduler/openapi.yaml", Data: slices.Clone(document)}
}

// OpenOverlay is laid over Contract when the risk open-scheduler is accepted;
// Config.Open goes with it.
func OpenOverlay() contract.File {
	return contract.File{Name: "scheduler/open.overlay.yaml", Data: slices.Clone(openOverlay)}
}

// Schema is the tables of the app.
func Schema() store.Schema { return store.Schema{Name: "scheduler", FS: schema, Dir: "schema"} }

// Config of the app. Store and Hub are needed; the zero value of the rest is the
// strictest.
type Config struct {
	Store *store.Store
	Hub   *live.Hub

	// Open is the named risk open-scheduler: guests read names, book, and change
	// the bookings of guests. It goes with OpenOverlay.
	Open bool
	// Pace delays the answer to a booking or cancelling after it is done, as the
	// original did for one second. None by default.
	Pace time.Duration
	// ErrorMode answers bookings and cancellings with 500 and an empty object,
	// and changes nothing.
	ErrorMode bool
	// EnforceAvailability refuses with 409 to book an interviewer on a day on
	// which they are not available.
	EnforceAvailability bool
	// Seed is what Fill and the reset route write. With none, which is the
	// default, Fill writes nothing and the reset route SeedDevelopment.
	Seed Seed
	// Rand makes the random parts of the seeds; a fresh source when nil. The app
	// guards it against concurrent use.
	Rand *rand.Rand
	// Log hears of resets; nil discards.
	Log *slog.Logger
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// App is the scheduler.
type App struct {
	cfg     Config
	records records

	days, interviewers memo

	mu   sync.Mutex // guards rand
	rand *rand.Rand
}

// New returns the app. The tables must be there.
func New(cfg Config) (*App, error) {
	switch {
	case cfg.Store == nil:
		return nil, errors.New("scheduler: no Store")
	case cfg.Hub == nil:
		return nil, errors.New("scheduler: no Hub")
	case cfg.Pace < 0:
		return nil, errors.New("scheduler: Pace is negative")
	}
	if cfg.Seed == "" {
		cfg.Seed = SeedNone
	}
	if !slices.Contains([]Seed{SeedNone, SeedTest, SeedDevelopment, SeedProduction}, cfg.Seed) {
		return nil, errUnknownSeed
	}
	if cfg.Rand == nil {
		var seed [32]byte
		if _, err := crand.Read(seed[:]); err != nil {
			return nil, fmt.Errorf("scheduler: making a random source: %w", err)
		}
		cfg.Rand = rand.New(rand.NewChaCha8(seed))
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	t := &tables{Store: cfg.Store}
	a := &App{cfg: cfg, records: records{t, cfg.EnforceAvailability}, rand: cfg.Rand}
	a.days = memo{tables: t, read: a.readDays, now: cfg.Now}
	a.interviewers = memo{tables: t, read: a.readInterviewers, now: cfg.Now}
	return a, nil
}

// Handlers are the handlers by operationId, one for each operation of Contract.
func (a *App) Handlers() map[string]http.Handler {
	handlers := map[string]http.Handler{}
	for id, f := range map[string]func(http.ResponseWriter, *http.Request, *call.Call) error{
		"listDays": a.listDays, "getDay": a.getDay, "createDay": a.createDay, "updateDay": a.updateDay, "deleteDay": a.deleteDay,
		"listAppointments": a.listAppointments, "getAppointment": a.getAppointment,
		"bookInterview": a.bookInterview, "cancelInterview": a.cancelInterview,
		"listInterviewers": a.listInterviewers, "getInterviewer": a.getInterviewer,
		"createInterviewer": a.createInterviewer, "updateInterviewer": a.updateInterviewer, "deleteInterviewer": a.deleteInterviewer,
		"listSlots": a.listSlots, "getSlot": a.getSlot, "createSlot": a.createSlot, "updateSlot": a.updateSlot, "deleteSlot": a.deleteSlot,
		"resetDatabase": a.resetDatabase, "socketAtRoot": a.socket, "socket": a.socket,
	} {
		handlers[id] = call.Handler(f)
	}
	return handlers
}

// Seed deletes everything and writes a data set, in one transaction.
func (a *App) Seed(ctx context.Context, which Seed) error { return a.seed(ctx, nil, which) }

func (a *App) seed(ctx context.Context, ch *store.Change, which Seed) error {
	data, err := a.seedData(which)
	if err != nil {
		return err
	}
	return a.records.store.Write(ctx, store.System(), ch, func(tx *store.Tx) error { return reset(ctx, tx, data) })
}

// Fill writes Config.Seed when there are neither days nor interviewers.
func (a *App) Fill(ctx context.Context) error {
	if a.cfg.Seed == SeedNone {
		return nil
	}
	data, err := a.seedData(a.cfg.Seed)
	if err != nil {
		return err
	}
	return a.records.store.Write(ctx, store.System(), nil, func(tx *store.Tx) error {
		var rows int64
		if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM days) + (SELECT count(*) FROM interviewers)`).Scan(&rows); err != nil {
			return err
		}
		if rows > 0 {
			return nil
		}
		return reset(ctx, tx, data)
	})
}

func (a *App) seedData(which Seed) (seedData, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return seedOf(which, a.rand)
}

func (a *App) resetSeed() Seed {
	if a.cfg.Seed == SeedNone {
		return SeedDevelopment
	}
	return a.cfg.Seed
}
