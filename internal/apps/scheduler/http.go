package scheduler

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/live"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

const (
	jsonType = "application/json; charset=utf-8"
	htmlType = "text/html; charset=utf-8"
	topic    = "scheduler"
)

func (a *App) viewer(c *call.Call) viewer { return viewerOf(c.Principal(), a.cfg.Open) }

func (a *App) listDays(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	body, err := a.days.get(r.Context())
	if err != nil {
		return store.Problem(err)
	}
	return call.Bytes(w, r, http.StatusOK, jsonType, body)
}

// readDays reads as a guest, for days read the same for everybody: they tell how
// many slots are free and nobody's name.
func (a *App) readDays(ctx context.Context) ([]byte, error) {
	all, err := a.records.days(ctx, viewer{role: call.Guest})
	if err != nil {
		return nil, err
	}
	complete := make([]day, 0, len(all))
	for _, d := range all {
		if d.complete() {
			complete = append(complete, d)
		}
	}
	return strictjson.Marshal(complete)
}

func (a *App) listAppointments(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	all, err := a.records.appointments(r.Context(), a.viewer(c))
	if err != nil {
		return store.Problem(err)
	}
	return keyed(w, r, all, func(x appointment) int64 { return x.ID })
}

func (a *App) listInterviewers(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	body, err := a.interviewers.get(r.Context())
	if err != nil {
		return store.Problem(err)
	}
	return call.Bytes(w, r, http.StatusOK, jsonType, body)
}

func (a *App) readInterviewers(ctx context.Context) ([]byte, error) {
	all, err := a.records.interviewers(ctx, viewer{role: call.Guest})
	if err != nil {
		return nil, err
	}
	return byID(all, func(x interviewer) int64 { return x.ID })
}

func keyed[T any](w http.ResponseWriter, r *http.Request, items []T, id func(T) int64) error {
	body, err := byID(items, id)
	if err != nil {
		return err
	}
	return call.Bytes(w, r, http.StatusOK, jsonType, body)
}

func (a *App) getAppointment(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	got, err := a.records.appointment(r.Context(), a.viewer(c), id)
	if err != nil {
		return store.Problem(err)
	}
	body, err := strictjson.Marshal(got)
	if err != nil {
		return err
	}
	return show(w, r, got.tag(), body)
}

// show answers a single thing with its entity tag, or 304 when the client has it.
func show(w http.ResponseWriter, r *http.Request, tag string, body []byte) error {
	conditions, err := readPreconditions(r)
	if err != nil {
		return err
	}
	notModified, err := conditions.checkRead(tag)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", tag)
	if notModified {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return call.Bytes(w, r, http.StatusOK, jsonType, body)
}

// bookInput is the body of a booking; the contract has stripped the rest.
type bookInput struct {
	Interview interview `json:"interview"`
}

func (a *App) bookInterview(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	if a.cfg.ErrorMode {
		return a.failOnPurpose(w, r)
	}
	var in bookInput
	if err := c.Bind(&in); err != nil {
		return err
	}
	o, ch, err := a.order(r, c, in)
	if err != nil {
		return err
	}
	o.want = in.Interview
	ch.Details = map[string]any{"interviewer": in.Interview.Interviewer}
	out, err := a.records.book(r.Context(), ch, o)
	return a.acknowledge(w, r, ch, out, err)
}

func (a *App) cancelInterview(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	if a.cfg.ErrorMode {
		return a.failOnPurpose(w, r)
	}
	o, ch, err := a.order(r, c, nil)
	if err != nil {
		return err
	}
	out, err := a.records.cancel(r.Context(), ch, o)
	return a.acknowledge(w, r, ch, out, err)
}

func (a *App) order(r *http.Request, c *call.Call, in any) (order, *store.Change, error) {
	id, err := pathID(c)
	if err != nil {
		return order{}, nil, err
	}
	conditions, err := readPreconditions(r)
	if err != nil {
		return order{}, nil, err
	}
	ch, err := newChange(c, "appointments/"+strconv.FormatInt(id, 10), in)
	return order{viewer: a.viewer(c), slot: id, conditions: conditions}, ch, err
}

// acknowledge answers a booking or cancelling: after the pace, and before the
// socket is told.
func (a *App) acknowledge(w http.ResponseWriter, r *http.Request, ch *store.Change, out outcome, err error) error {
	if err != nil {
		return store.Problem(err)
	}
	a.wait(r.Context())
	if err := answer(w, r, ch); err != nil {
		return err
	}
	if !out.tell { // nothing changed, or a repetition that was not carried out
		return nil
	}
	_ = http.NewResponseController(w).Flush() // a writer that cannot flush sends a moment later
	a.publish(out)
	return nil
}

func (a *App) failOnPurpose(w http.ResponseWriter, r *http.Request) error {
	a.wait(r.Context())
	return call.Bytes(w, r, http.StatusInternalServerError, jsonType, []byte(`{}`))
}

// wait keeps the pace, as long as somebody waits for the answer.
func (a *App) wait(ctx context.Context) {
	if a.cfg.Pace == 0 {
		return
	}
	t := time.NewTimer(a.cfg.Pace)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// answer sends what a change has set, or had set when it was first made.
func answer(w http.ResponseWriter, r *http.Request, ch *store.Change) error {
	for name, value := range ch.Answer.Header {
		w.Header().Set(name, value)
	}
	if ch.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	if ch.Answer.Status == http.StatusNoContent {
		return call.NoContent(w, r)
	}
	return call.Bytes(w, r, ch.Answer.Status, jsonType, ch.Answer.Body)
}

// publish tells the socket what is booked in a slot now, each connection as it
// may see it.
func (a *App) publish(out outcome) {
	t := telling{app: a, outcome: out}
	a.cfg.Hub.Publish(live.Event{Topic: topic, Key: strconv.FormatInt(out.slot, 10), Version: out.version, View: t.view})
}

// telling is an outcome on its way to the connections. The hub asks for one
// connection after the other.
type telling struct {
	app *App
	outcome
	full, hidden []byte // encoded when the first connection may see it
}

func (t *telling) view(p *call.Principal) []byte {
	v := viewerOf(p, t.app.cfg.Open)
	switch {
	case !v.hears():
		return nil
	case t.interview == nil || v.seesName(t.bookedBy):
		return t.encoded(&t.full, t.interview)
	default:
		return t.encoded(&t.hidden, &interview{Reserved, t.interview.Interviewer})
	}
}

// encoded is the message, once it has been made.
func (t *telling) encoded(text *[]byte, i *interview) []byte {
	if *text == nil {
		var err error
		if *text, err = messageFor(t.slot, i); err != nil { // nobody is told rather than something wrong
			t.app.cfg.Log.Error("telling the socket of a booking", slog.String("reason", err.Error()))
		}
	}
	return *text
}

// resetDatabase is for the checks of the original's clients: it changes state by
// GET, so it answers this machine alone and no page of another site.
func (a *App) resetDatabase(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	if !c.Local() {
		return problem.Forbidden("The database is reset from this machine only").From("", "reset from this machine alone")
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return problem.Forbidden("A page of another site may not reset the database").From("", "reset by no other site")
	}
	const said = "Database Reset"
	if r.Method == http.MethodHead { // asks what a GET would answer, and must not do it
		return call.Bytes(w, r, http.StatusOK, htmlType, []byte(said))
	}
	which := a.resetSeed()
	ch := &store.Change{Action: c.Operation().Audit, Resource: topic, RequestID: c.ID(), Details: map[string]any{"seed": string(which)}}
	if err := a.seed(r.Context(), ch, which); err != nil {
		return store.Problem(err)
	}
	a.cfg.Log.LogAttrs(r.Context(), slog.LevelWarn, "scheduler reset", slog.String("seed", string(which)), slog.String("request_id", c.ID()))
	return call.Bytes(w, r, http.StatusOK, htmlType, []byte(said))
}

func (a *App) socket(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return a.cfg.Hub.Serve(w, r, c, live.Subscriber{Topic: topic, Receive: answerPing})
}

// pathID is the id in the path, which the contract has checked.
func pathID(c *call.Call) (int64, error) {
	v, _ := c.Param("path.id")
	n, ok := v.(json.Number)
	if !ok {
		return 0, problem.NotFound("There is nothing at this path")
	}
	return strconv.ParseInt(n.String(), 10, 64)
}
