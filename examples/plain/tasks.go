package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"
)

func health(w http.ResponseWriter, _ *http.Request, _ user) { w.WriteHeader(http.StatusNoContent) }

func (a *api) list(w http.ResponseWriter, _ *http.Request, u user) {
	a.mu.Lock()
	defer a.mu.Unlock()
	own := []task{}
	for _, t := range a.tasks {
		if t.owner == u.name || u.role == "admin" {
			own = append(own, t)
		}
	}
	answer(w, http.StatusOK, map[string]any{"tasks": own})
}

func (a *api) add(w http.ResponseWriter, r *http.Request, u user) {
	t := task{owner: u.name}
	if status := readTitle(w, r, &t.Title); status != 0 {
		refuse(w, status)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	t.ID = a.last
	a.tasks = append(a.tasks, t)
	answer(w, http.StatusCreated, t)
}

// remove tells nobody whether a task of somebody else is there.
func (a *api) remove(w http.ResponseWriter, r *http.Request, u user) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusNotFound)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.tasks, func(t task) bool { return t.ID == id && (t.owner == u.name || u.role == "admin") })
	if i < 0 {
		refuse(w, http.StatusNotFound)
		return
	}
	a.tasks = slices.Delete(a.tasks, i, i+1)
	w.WriteHeader(http.StatusNoContent)
}

// readTitle reads the body of addTask. The status is that of a refusal, 0 for
// none.
func readTitle(w http.ResponseWriter, r *http.Request, title *string) int {
	types := r.Header.Values("Content-Type")
	if len(types) != 1 || r.Header.Get("Content-Encoding") != "" {
		return http.StatusUnsupportedMediaType
	}
	mediaType, params, err := mime.ParseMediaType(types[0])
	if charset := params["charset"]; err != nil || mediaType != "application/json" || charset != "" && charset != "utf-8" {
		return http.StatusUnsupportedMediaType
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4000))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge
	}
	var body struct {
		Title string `json:"title"`
	}
	if err != nil || !utf8.Valid(data) || !json.Valid(data) {
		return http.StatusBadRequest
	}
	from := json.NewDecoder(bytes.NewReader(data))
	from.DisallowUnknownFields()
	if from.Decode(&body) != nil {
		return http.StatusBadRequest
	}
	if n := utf8.RuneCountInString(body.Title); n < 1 || n > 200 {
		return http.StatusBadRequest
	}
	*title = body.Title
	return 0
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here is a client that has gone
}

// refuse answers in the one shape of this API, and with nothing that was sent.
func refuse(w http.ResponseWriter, status int) {
	answer(w, status, map[string]string{"error": http.StatusText(status)})
}
