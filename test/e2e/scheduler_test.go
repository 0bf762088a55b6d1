package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

func TestSeedRoutesByteForByte(t *testing.T) {
	p := demo(t, "--seed", "test")
	want := map[string]string{
		"/days": `[{"id":1,"name":"Monday","appointments":[1,2],"interviewers":[1,2],"spots":1},` +
			`{"id":2,"name":"Tuesday","appointments":[3,4],"interviewers":[1,2],"spots":2}]`,
		"/appointments": `{"1":{"id":1,"time":"12pm","interview":{"student":"Archie Cohen","interviewer":1}},` +
			`"2":{"id":2,"time":"1pm","interview":null},"3":{"id":3,"time":"12pm","interview":null},"4":{"id":4,"time":"1pm","interview":null}}`,
		"/interviewers": `{"1":{"id":1,"name":"Sylvia Palmer","avatar":"https://i.imgur.com/LpaY82x.png"},` +
			`"2":{"id":2,"name":"Tori Malcolm","avatar":"https://i.imgur.com/Nmx0Qxo.png"}}`,
	}
	check := func(when string) {
		t.Helper()
		for _, base := range []string{"/api", "/api/v1"} {
			for path, body := range want {
				a := p.do(request{path: base + path})
				if a.status != http.StatusOK || a.body != body {
					t.Errorf("%s: GET %s%s: %d\n got %s\nwant %s", when, base, path, a.status, a.body, body)
				}
			}
		}
	}
	check("at first")
	if a := p.do(request{method: http.MethodPut, path: "/api/appointments/3", body: booking}); a.status != http.StatusNoContent {
		t.Errorf("PUT: %d %s", a.status, a.body)
	}
	whole := `{"id":1,"time":"12pm","interview":{"student":"Archie Cohen","interviewer":2}}`
	if a := p.do(request{method: http.MethodPut, path: "/api/appointments/1", body: whole}); a.status != http.StatusNoContent {
		t.Errorf("PUT with the whole appointment: %d %s", a.status, a.body)
	}
	a := p.do(request{path: "/api/debug/reset"})
	if a.status != http.StatusOK || a.body != "Database Reset" || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("reset: %d %q %s", a.status, a.body, a.header.Get("Content-Type"))
	}
	check("after the reset")
}

func TestDefectsOfTheOriginalAreMended(t *testing.T) {
	p := demo(t, "--seed", "test")
	for _, tt := range []struct {
		name, method, path, body, mediaType string
		want                                int
	}{
		{"an empty object", "PUT", "/api/appointments/2", `{}`, "", 400},
		{"no interview", "PUT", "/api/appointments/2", `{"interview":null}`, "", 400},
		{"no body", "PUT", "/api/appointments/2", ``, "", 400},
		{"a body that is not JSON", "PUT", "/api/appointments/2", `{"interview":`, "", 400},
		{"a form", "PUT", "/api/appointments/2", `a=b`, "application/x-www-form-urlencoded", 415},
		{"100 kB and more", "PUT", "/api/appointments/2", `{"interview":{"student":"` + string(make([]byte, 101_000)) + `"}}`, "", 413},
		{"an unknown appointment", "PUT", "/api/appointments/999", booking, "", 404},
		{"an unknown interviewer", "PUT", "/api/appointments/2", `{"interview":{"student":"A","interviewer":99}}`, "", 422},
		{"a blank student", "PUT", "/api/appointments/2", `{"interview":{"student":"   ","interviewer":1}}`, "", 400},
		{"no student", "PUT", "/api/appointments/2", `{"interview":{"interviewer":1}}`, "", 400},
		{"a student of 256 characters", "PUT", "/api/appointments/2", `{"interview":{"student":"` + fmt.Sprintf("%0256d", 1) + `","interviewer":1}}`, "", 400},
		{"no interviewer", "PUT", "/api/appointments/2", `{"interview":{"student":"A","interviewer":null}}`, "", 400},
		{"an id that is no number", "PUT", "/api/appointments/abc", booking, "", 400},
		{"an id that is no number, deleted", "DELETE", "/api/appointments/abc", "", "", 400},
		{"an unknown appointment, deleted", "DELETE", "/api/appointments/999", "", "", 204},
		{"PATCH", "PATCH", "/api/appointments/2", booking, "", 405},
		{"POST on the reset", "POST", "/api/debug/reset", "", "", 405},
		{"an unknown route", "GET", "/api/nothing", "", "", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := request{method: tt.method, path: tt.path, body: tt.body}
			if tt.mediaType != "" {
				q.header = map[string]string{"Content-Type": tt.mediaType}
			}
			a := p.do(q)
			if a.status != tt.want {
				t.Errorf("%d, want %d: %s", a.status, tt.want, a.body)
			}
			if a.status >= 400 && !json.Valid([]byte(a.body)) {
				t.Errorf("the refusal is no JSON: %q", a.body)
			}
		})
	}
	if a := p.do(request{path: "/api/days"}); a.status != http.StatusOK {
		t.Errorf("and then: %d", a.status)
	}
}

func TestErrorMode(t *testing.T) {
	p := demo(t, "--seed", "test", "--error-mode")
	before := p.do(request{path: "/api/appointments"}).body
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		a := p.do(request{method: method, path: "/api/appointments/1", body: booking})
		if a.status != http.StatusInternalServerError || a.body != "{}" {
			t.Errorf("%s: %d %q", method, a.status, a.body)
		}
	}
	if after := p.do(request{path: "/api/appointments"}).body; after != before {
		t.Errorf("the data changed: %s", after)
	}
}

func TestConcurrentWritersOfOneSlot(t *testing.T) {
	p := demo(t, "--seed", "test")
	const writers = 40
	var mu sync.Mutex
	counts := map[int]int{}
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			a, err := p.try(request{method: http.MethodPut, path: "/api/appointments/4",
				body:   fmt.Sprintf(`{"interview":{"student":"Student %d","interviewer":1}}`, i),
				header: map[string]string{"If-None-Match": "*"}})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			counts[a.status]++
		})
	}
	wg.Wait()
	if counts[http.StatusNoContent] != 1 || counts[http.StatusPreconditionFailed] != writers-1 {
		t.Errorf("answers %v, want one 204 and %d 412", counts, writers-1)
	}
}

func TestConditionalAndRepeatedWrites(t *testing.T) {
	p := demo(t, "--seed", "test")
	path := "/api/appointments/2"
	member := p.token("member", 0)
	etag := p.do(request{path: path, token: member}).header.Get("ETag")
	put := func(h map[string]string, student string) answer {
		return p.do(request{method: http.MethodPut, path: path, header: h,
			body: `{"interview":{"student":"` + student + `","interviewer":1}}`})
	}
	first := put(map[string]string{"If-Match": etag}, "Ada")
	if first.status != http.StatusNoContent || first.header.Get("ETag") == "" || first.header.Get("ETag") == etag {
		t.Fatalf("the first write: %d %v", first.status, first.header)
	}
	if a := put(map[string]string{"If-Match": etag}, "Eve"); a.status != http.StatusPreconditionFailed {
		t.Errorf("a write on a state that is gone: %d", a.status)
	}
	key := map[string]string{"Idempotency-Key": "c0ffee-1"}
	if a := put(key, "Bob"); a.status != http.StatusNoContent {
		t.Errorf("with a key: %d %s", a.status, a.body)
	}
	if a := put(nil, "Carol"); a.status != http.StatusNoContent {
		t.Errorf("another write: %d", a.status)
	}
	if a := put(key, "Bob"); a.status != http.StatusNoContent {
		t.Errorf("the repeat: %d", a.status)
	}
	if a := put(key, "Mallory"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("the key for another body: %d", a.status)
	}
	var got struct{ Interview struct{ Student string } }
	if err := json.Unmarshal([]byte(p.do(request{path: path, token: member}).body), &got); err != nil || got.Interview.Student != "Carol" {
		t.Errorf("the repeat was executed again: %+v %v", got, err)
	}
}
