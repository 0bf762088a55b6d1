package observe

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Config of the layer.
type Config struct {
	Log      slog.Handler     // where records go; JSON lines on standard error when nil
	Slow     time.Duration    // a call that takes longer has level WARN; 1 s when 0, never when negative
	Now      func() time.Time // the clock; time.Now when nil
	OnRecord func(Record)     // sees every RESPONSE record after it is written: metrics, statistics; may be nil
	OnError  func(error)      // told when Log could not write a record; may be nil
	Table    *contract.Table  // the operations, for use without call

	// Requests writes a REQUEST record when a call arrives, before its RESPONSE. It
	// doubles the log, and tells of calls that never end.
	Requests bool

	// TruncateClient cuts the client's address in records to its network: /24 of
	// IPv4, /48 of IPv6.
	TruncateClient bool
}

// New returns the layer.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	if cfg.Log == nil {
		cfg.Log = NewJSON(os.Stderr, slog.LevelInfo)
	}
	if cfg.Slow == 0 {
		cfg.Slow = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &layer{cfg: cfg}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, next) })
	}, nil
}

type layer struct {
	cfg      Config
	shedding shedding
}

func (l *layer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	alone := call.From(r.Context()) == nil
	r = call.Ensure(w, r)
	c := call.From(r.Context())
	if alone {
		w = c.ResponseWriter()
	}
	c.Resolve(l.cfg.Table, r)
	o := outcome{call: c, request: r, start: l.cfg.Now()}
	if op := c.Operation(); op == nil || op.Socket == nil {
		if l.cfg.Requests {
			l.arrived(&o)
		}
	} else {
		c.Before(func(status int) {
			if status == http.StatusSwitchingProtocols {
				l.arrived(&o)
			}
		})
	}
	defer func() {
		o.panicked = recover()
		abort := l.settle(w, &o)
		l.finish(&o)
		if abort {
			panic(http.ErrAbortHandler)
		}
	}()
	next.ServeHTTP(w, r)
}

// arrived writes the record of a call that is not answered yet.
func (l *layer) arrived(o *outcome) {
	rec := l.record(o, "REQUEST")
	l.write(&rec)
}

// outcome is what the record is made of.
type outcome struct {
	call     *call.Call
	request  *http.Request
	start    time.Time
	panicked any
	verdict  string // "" is to be found out
	stack    string
}

// settle answers a call that panicked, and tells whether its connection must be
// closed because no whole answer can be given any more.
func (l *layer) settle(w http.ResponseWriter, o *outcome) (abort bool) {
	if o.panicked == nil {
		return false
	}
	if err, ok := o.panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		o.verdict = "aborted"
		return true
	}
	o.verdict, o.stack = "panic", string(debug.Stack())
	begun, _ := o.call.Answer()
	call.Refuse(w, o.request, problem.Internal(fmt.Errorf("panic: %v", o.panicked)).From("handler", "panic"))
	return begun != 0
}

func (l *layer) finish(o *outcome) {
	rec := l.record(o, "RESPONSE")
	if rec.Action == "" {
		l.write(&rec)
	} else {
		audit := rec
		audit.Type = "AUDIT"
		l.write(&rec, &audit)
	}
	l.shedding.look(&rec, l.tell)
	if l.cfg.OnRecord != nil {
		l.cfg.OnRecord(rec)
	}
}

func (l *layer) write(list ...*Record) {
	l.failed(log(l.cfg.Log, list...), list[0].Type+" record")
}

func (l *layer) failed(err error, what string) {
	if err != nil && l.cfg.OnError != nil {
		l.cfg.OnError(fmt.Errorf("writing a %s: %w", what, err))
	}
}
