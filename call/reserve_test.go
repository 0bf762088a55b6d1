package call_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
)

func TestReserveCountsAgainstAllBodies(t *testing.T) {
	begin, err := call.New(call.Config{MaxBuffered: 100})
	if err != nil {
		t.Fatal(err)
	}
	reserve := func(n int64) (status int) {
		begin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if e := call.From(r.Context()).Reserve(n); e != nil {
				status = e.Status
			}
		})).ServeHTTP(httptest.NewRecorder(), get())
		return status
	}
	if first, second, much := reserve(80), reserve(80), reserve(101); first != 0 || second != 0 || much != 503 {
		t.Errorf("%d, %d after it was given back, %d", first, second, much)
	}
}

func TestHoldWholeLetsNothingOut(t *testing.T) {
	rec := in(t, call.Config{}, get(), func(w http.ResponseWriter, _ *http.Request, c *call.Call) {
		c.HoldWhole(4)
		control := http.NewResponseController(w)
		_, _ = w.Write([]byte("abcd"))
		_ = control.Flush()
		if _, _, err := control.Hijack(); err == nil {
			t.Error("the connection was taken over")
		}
		if _, body, held := c.Held(); !held || string(body) != "abcd" {
			t.Errorf("held %v %q", held, body)
		}
		_, _ = w.Write([]byte("e"))
		if _, _, held := c.Held(); held {
			t.Error("a part of a larger answer is held")
		}
		c.Drop()
		c.HoldWhole(4)
		w.Header().Set("Content-Length", "2")
		_, _ = w.Write([]byte("ab"))
		c.Replace([]byte("a"))
		c.Send()
		if _, n := c.Answer(); n != 1 {
			t.Errorf("%d bytes in the record", n)
		}
	})
	if rec.Body.String() != "a" || rec.Header().Get("Content-Length") != "1" {
		t.Errorf("%q, Content-Length %s", rec.Body, rec.Header().Get("Content-Length"))
	}
}
