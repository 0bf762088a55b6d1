package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/problem"
)

func tooMany(cause error) *problem.Error {
	return problem.Unavailable(time.Second, cause).From("limit", "concurrency")
}

func TestAShedCallIsNoFailure(t *testing.T) {
	for _, row := range []struct {
		name  string
		e     *problem.Error
		level string
	}{
		{"shed", tooMany(nil), "INFO"},
		{"the limit itself failed", tooMany(errors.New("the counters cannot be reached")), "ERROR"},
		{"another layer cannot answer", problem.Unavailable(time.Second, nil).From("authn", "the verifier answers"), "ERROR"},
		{"the limit breaks", problem.Internal(nil).From("limit", "concurrency"), "ERROR"},
	} {
		_, records := newRig(t).do(request("GET", "/"), func(w http.ResponseWriter, r *http.Request) { call.Refuse(w, r, row.e) })
		if records[0]["level"] != row.level {
			t.Errorf("%s: level %v, want %s", row.name, records[0]["level"], row.level)
		}
	}
}

// overload is the layer with a log from some level up and a clock that the test sets.
type overload struct {
	handler http.Handler
	log     bytes.Buffer
	at      time.Time
}

func newOverload(t *testing.T, least slog.Level) *overload {
	t.Helper()
	o := &overload{at: time.Date(2026, 2, 23, 10, 0, 0, 0, time.UTC)}
	wrap, err := observe.New(observe.Config{
		Log: slog.NewJSONHandler(&o.log, &slog.HandlerOptions{Level: least}), Now: func() time.Time { return o.at },
	})
	if err != nil {
		t.Fatal(err)
	}
	o.handler = wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Test-Shed") != "" {
			call.Refuse(w, r, tooMany(nil))
		}
	}))
	return o
}

// call comes after a time.
func (o *overload) call(after time.Duration, shed string) {
	o.at = o.at.Add(after)
	r := request("GET", "/")
	r.Header.Set("Test-Shed", shed)
	o.handler.ServeHTTP(httptest.NewRecorder(), r)
}

// said is what was written since, without times: "message shed lasted".
func (o *overload) said(t *testing.T) (all []string) {
	t.Helper()
	for line := range strings.Lines(o.log.String()) {
		var m struct {
			Level, Msg, Rule, Lasted string
			Shed                     int
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Level != "WARN" {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, strings.TrimSpace(fmt.Sprint(m.Msg, " ", m.Shed, " ", m.Lasted, " ", m.Rule)))
	}
	o.log.Reset()
	return all
}

const (
	sheddingBegins = "shedding calls: more come at one time than may run 0  concurrency"
	sheddingEnds   = "shedding calls has ended "
)

func TestAnOverloadIsToldWhenItBeginsAndEnds(t *testing.T) {
	o := newOverload(t, slog.LevelWarn)
	o.call(0, "")
	for range 1000 {
		o.call(2*time.Millisecond, "yes")
		o.call(time.Millisecond, "")
	}
	o.call(10*time.Second-2*time.Millisecond, "") // 10 s less 1 ms since the last that was shed
	if got := o.said(t); !slices.Equal(got, []string{sheddingBegins}) {
		t.Errorf("during the overload: %q", got)
	}
	o.call(time.Millisecond, "")
	o.call(time.Hour, "")
	if got := o.said(t); !slices.Equal(got, []string{sheddingEnds + "1000 2.997s"}) {
		t.Errorf("after it: %q", got)
	}
	o.call(0, "yes")
	o.call(time.Hour, "yes") // nobody called in between
	o.call(10*time.Second, "")
	if got := o.said(t); !slices.Equal(got, []string{sheddingBegins, sheddingEnds + "1 0s", sheddingBegins, sheddingEnds + "1 0s"}) {
		t.Errorf("two overloads: %q", got)
	}
}

func TestAnOverloadOfCallsAtOneTimeIsCounted(t *testing.T) {
	o := newOverload(t, slog.LevelWarn)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			r := request("GET", "/")
			r.Header.Set("Test-Shed", "yes")
			o.handler.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	all.Wait()
	o.call(10*time.Second, "")
	if got := o.said(t); !slices.Equal(got, []string{sheddingBegins, sheddingEnds + "200 0s"}) {
		t.Errorf("%q", got)
	}
	quiet := newOverload(t, slog.LevelWarn+1)
	quiet.call(0, "yes")
	if quiet.log.Len() > 0 {
		t.Errorf("a log that wants no warnings has %s", quiet.log.String())
	}
}
