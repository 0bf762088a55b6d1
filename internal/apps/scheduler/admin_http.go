package scheduler

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

func (a *App) getDay(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return showOne(w, r, c, a.viewer(c), a.records.day)
}

func (a *App) getInterviewer(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return showOne(w, r, c, a.viewer(c), a.records.interviewer)
}

func (a *App) getSlot(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return showOne(w, r, c, a.viewer(c), a.records.slot)
}

func (a *App) listSlots(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	all, err := a.records.slots(r.Context(), a.viewer(c))
	if err != nil {
		return store.Problem(err)
	}
	return call.JSON(w, r, http.StatusOK, all)
}

func showOne[T any](w http.ResponseWriter, r *http.Request, c *call.Call, v viewer, read func(context.Context, viewer, int64) (T, error)) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	item, err := read(r.Context(), v, id)
	if err != nil {
		return store.Problem(err)
	}
	body, err := strictjson.Marshal(item)
	if err != nil {
		return err
	}
	return show(w, r, contentTag(body), body)
}

func (a *App) createDay(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return create(a, w, r, c, func(ctx context.Context, tx *store.Tx, in dayInput) (day, int64, error) {
		d, err := createDay(ctx, tx, in)
		return d, d.ID, err
	})
}

func (a *App) createInterviewer(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return create(a, w, r, c, func(ctx context.Context, tx *store.Tx, in interviewerInput) (interviewer, int64, error) {
		i, err := createInterviewer(ctx, tx, in)
		return i, i.ID, err
	})
}

func (a *App) createSlot(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return create(a, w, r, c, func(ctx context.Context, tx *store.Tx, in slotInput) (slot, int64, error) {
		s, err := createSlot(ctx, tx, in)
		return s, s.ID, err
	})
}

// create answers 201 with the new thing and where it is.
func create[In, Out any](a *App, w http.ResponseWriter, r *http.Request, c *call.Call,
	insert func(context.Context, *store.Tx, In) (Out, int64, error)) error {
	var in In
	if err := c.Bind(&in); err != nil {
		return err
	}
	ch, err := newChange(c, kind(c), in)
	if err != nil {
		return err
	}
	err = a.records.store.Write(r.Context(), actorOf(a.viewer(c)), ch, func(tx *store.Tx) error {
		item, id, err := insert(r.Context(), tx, in)
		if err != nil {
			return err
		}
		at := strconv.FormatInt(id, 10)
		ch.Resource = kind(c) + "/" + at
		return setAnswer(ch, http.StatusCreated, item, r.URL.Path+"/"+at)
	})
	if err != nil {
		return store.Problem(err)
	}
	return answer(w, r, ch)
}

func (a *App) updateDay(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return update(a, w, r, c, updateDay)
}

func (a *App) updateInterviewer(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return update(a, w, r, c, updateInterviewer)
}

func (a *App) updateSlot(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return update(a, w, r, c, updateSlot)
}

// update answers 200 with the thing as it is now.
func update[In, Out any](a *App, w http.ResponseWriter, r *http.Request, c *call.Call,
	change func(context.Context, *store.Tx, int64, In, preconditions) (Out, error)) error {
	var in In
	if err := c.Bind(&in); err != nil {
		return err
	}
	id, conditions, ch, err := target(r, c, in)
	if err != nil {
		return err
	}
	err = a.records.store.Write(r.Context(), actorOf(a.viewer(c)), ch, func(tx *store.Tx) error {
		item, err := change(r.Context(), tx, id, in, conditions)
		if err != nil {
			return err
		}
		return setAnswer(ch, http.StatusOK, item, "")
	})
	if err != nil {
		return store.Problem(err)
	}
	return answer(w, r, ch)
}

func (a *App) deleteDay(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return a.remove(w, r, c, func(tx *store.Tx, id int64, p preconditions) ([]outcome, error) {
		return nil, deleteDay(r.Context(), tx, id, p)
	})
}

func (a *App) deleteSlot(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return a.remove(w, r, c, func(tx *store.Tx, id int64, p preconditions) ([]outcome, error) {
		return nil, deleteSlot(r.Context(), tx, id, forced(c), p)
	})
}

func (a *App) deleteInterviewer(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	return a.remove(w, r, c, func(tx *store.Tx, id int64, p preconditions) ([]outcome, error) {
		return deleteInterviewer(r.Context(), tx, id, forced(c), p)
	})
}

// remove answers 204, then tells the socket of the slots that were emptied.
func (a *App) remove(w http.ResponseWriter, r *http.Request, c *call.Call,
	drop func(*store.Tx, int64, preconditions) ([]outcome, error)) error {
	id, conditions, ch, err := target(r, c, forced(c))
	if err != nil {
		return err
	}
	var emptied []outcome
	err = a.records.store.Write(r.Context(), actorOf(a.viewer(c)), ch, func(tx *store.Tx) (err error) {
		emptied, err = drop(tx, id, conditions)
		ch.Details = map[string]any{"cancelled": len(emptied)}
		ch.Answer = store.Answer{Status: http.StatusNoContent}
		return err
	})
	if err != nil {
		return store.Problem(err)
	}
	if err := answer(w, r, ch); err != nil {
		return err
	}
	for _, out := range emptied {
		a.publish(out)
	}
	return nil
}

// target is what a change of one thing needs to know.
func target(r *http.Request, c *call.Call, in any) (int64, preconditions, *store.Change, error) {
	id, err := pathID(c)
	if err != nil {
		return 0, preconditions{}, nil, err
	}
	conditions, err := readPreconditions(r)
	if err != nil {
		return 0, preconditions{}, nil, err
	}
	ch, err := newChange(c, kind(c)+"/"+strconv.FormatInt(id, 10), in)
	return id, conditions, ch, err
}

func setAnswer(ch *store.Change, status int, item any, location string) error {
	body, err := strictjson.Marshal(item)
	if err != nil {
		return err
	}
	ch.Answer = store.Answer{Status: status, Body: body, Header: map[string]string{"ETag": contentTag(body)}}
	if location != "" {
		ch.Answer.Header["Location"] = location
	}
	return nil
}

func forced(c *call.Call) bool {
	v, _ := c.Param("query.force")
	force, _ := v.(bool)
	return force
}

// kind is what the operation administers, as its path names it.
func kind(c *call.Call) string {
	switch c.Operation().ID {
	case "createDay", "updateDay", "deleteDay":
		return "days"
	case "createSlot", "updateSlot", "deleteSlot":
		return "slots"
	default:
		return "interviewers"
	}
}
