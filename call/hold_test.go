package call_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// held runs handler with its answer kept back, calls look, and returns what the
// client got.
func held(t *testing.T, handler func(w http.ResponseWriter, c *call.Call), look func(w http.ResponseWriter, r *http.Request, c *call.Call)) *httptest.ResponseRecorder {
	t.Helper()
	wrap, err := call.New(call.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call.From(r.Context())
		c.Before(func(status int) { w.Header().Set("X-Status", http.StatusText(status)) })
		w.Header().Set("X-Outer", "kept")
		c.Hold(8)
		handler(w, c)
		look(w, r, c)
	})).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	return rec
}

func TestHeldAnswerGoesWhenSent(t *testing.T) {
	rec := held(t, func(w http.ResponseWriter, _ *call.Call) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("1234"))
		_, _ = w.Write([]byte("5678"))
	}, func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		status, body, ok := c.Held()
		if !ok || status != http.StatusCreated || string(body) != "12345678" {
			t.Errorf("held %d %q %v", status, body, ok)
		}
		c.Send()
		c.Send() // a second time does nothing
		if _, _, ok := c.Held(); ok {
			t.Error("still held")
		}
		if status, n := c.Answer(); status != http.StatusCreated || n != 8 {
			t.Errorf("answered %d, %d bytes", status, n)
		}
	})
	if rec.Code != http.StatusCreated || rec.Body.String() != "12345678" || rec.Header().Get("X-Status") != "Created" {
		t.Errorf("got %d %q %v", rec.Code, rec.Body, rec.Header())
	}
}

func TestDroppedAnswerLeavesNothing(t *testing.T) {
	rec := held(t, func(w http.ResponseWriter, _ *call.Call) {
		w.Header().Set("Set-Cookie", "secret=1")
		_, _ = w.Write([]byte("secret"))
	}, func(w http.ResponseWriter, r *http.Request, c *call.Call) {
		c.Drop()
		call.Refuse(w, r, problem.Internal(nil))
	})
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "secret") ||
		rec.Header().Get("Set-Cookie") != "" || rec.Header().Get("X-Outer") != "kept" || rec.Header().Get("X-Status") != "Internal Server Error" {
		t.Errorf("got %d %q %v", rec.Code, rec.Body, rec.Header())
	}
}

func TestHoldingEnds(t *testing.T) {
	for name, handler := range map[string]func(w http.ResponseWriter, c *call.Call){
		"more than the limit": func(w http.ResponseWriter, _ *call.Call) {
			_, _ = w.Write([]byte("12345"))
			_, _ = w.Write([]byte("6789"))
		},
		"a flush": func(w http.ResponseWriter, _ *call.Call) {
			_, _ = w.Write([]byte("12345"))
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write([]byte("6789"))
		},
	} {
		rec := held(t, handler, func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
			if _, _, ok := c.Held(); ok {
				t.Errorf("%s: still held", name)
			}
			c.Drop() // too late
		})
		if rec.Code != http.StatusOK || rec.Body.String() != "123456789" || rec.Header().Get("X-Status") != "OK" {
			t.Errorf("%s: got %d %q", name, rec.Code, rec.Body)
		}
	}
}

func TestNothingWrittenIsHeldAs200(t *testing.T) {
	rec := held(t, func(http.ResponseWriter, *call.Call) {}, func(_ http.ResponseWriter, _ *http.Request, c *call.Call) {
		if status, body, ok := c.Held(); !ok || status != http.StatusOK || len(body) != 0 {
			t.Errorf("held %d %q %v", status, body, ok)
		}
		c.Send()
	})
	if rec.Code != http.StatusOK {
		t.Errorf("got %d", rec.Code)
	}
}
