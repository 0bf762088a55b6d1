package call

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Handler makes an http.Handler of a function that returns what went wrong. A
// *problem.Error is written as it is; any other error is a 500 whose cause goes
// to the record.
func Handler(f func(w http.ResponseWriter, r *http.Request, c *Call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = Ensure(w, r)
		c := From(r.Context())
		err := f(&c.writer, r, c)
		if err == nil {
			return
		}
		e, ok := errors.AsType[*problem.Error](err)
		if !ok {
			e = problem.Internal(err)
		}
		Refuse(&c.writer, r, e)
	})
}

// JSON answers with a status and v as JSON, no HTML escaping, with the
// Cache-Control that the contract states (no-store unless it says otherwise).
func JSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := strictjson.Marshal(v)
	if err != nil {
		return err
	}
	return Bytes(w, r, status, "application/json; charset=utf-8", body)
}

// Bytes answers with a status and a body that is encoded already.
func Bytes(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	setCache(h, r)
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(body) // an error here is a client that has gone
	return nil
}

// NoContent answers 204.
func NoContent(w http.ResponseWriter, r *http.Request) error {
	setCache(w.Header(), r)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func setCache(h http.Header, r *http.Request) {
	if h.Get("Cache-Control") != "" {
		return
	}
	cache := "no-store"
	if c := From(r.Context()); c != nil && c.Operation() != nil && c.Operation().Cache != "" {
		cache = c.Operation().Cache
	}
	h.Set("Cache-Control", cache)
}
