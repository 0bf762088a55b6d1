package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func failure(i int) Failure {
	return Failure{
		Status: 500, Code: "INTERNAL_ERROR", Module: "scheduler", Message: fmt.Sprint("row ", i, " is broken"), RequestID: fmt.Sprint("id-", i),
		Time: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second),
	}
}

func statsFor(t *testing.T, h http.Handler, token string) (errorStats, string) {
	t.Helper()
	w := ask(h, "GET", "/api/errors/stats", token, "*/*")
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	var s errorStats
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s, w.Body.String()
}

func TestErrorStats(t *testing.T) {
	f := NewFailures()
	h := behindTheGateWith(t, nil, f)
	if _, text := statsFor(t, h, ""); text != `{"total":0,"byType":{},"byCode":{},"byModule":{},"recent":[],"summary":{"total":0,"byType":{},"byCode":{},"topModules":[]}}` {
		t.Errorf("before the first: %s", text)
	}
	f.Add(failure(1))
	for i, status := range []int{401, 403, 404, 405, 429, 400, 422, 409, 503} {
		f.Add(Failure{Status: status, Code: "CODE", Module: fmt.Sprint("m", i/2), Message: "secret cause", RequestID: "x"})
	}
	guest, text := statsFor(t, h, "")
	if guest.Total != 10 || guest.ByCode["CODE"] != 9 || guest.ByCode["INTERNAL_ERROR"] != 1 || guest.ByModule["scheduler"] != 1 ||
		guest.ByType["AUTH"] != 2 || guest.ByType["NOT_FOUND"] != 2 || guest.ByType["RATE_LIMIT"] != 1 || guest.ByType["VALIDATION"] != 3 || guest.ByType["INTERNAL"] != 2 {
		t.Errorf("%+v", guest)
	}
	if got := guest.Summary.TopModules; len(got) != 5 || got[0] != (moduleCount{"m0", 2}) || got[4].Count != 1 {
		t.Errorf("top modules %v", got)
	}
	for _, who := range []string{"", "member"} {
		if s, text := statsFor(t, h, who); strings.Contains(text, "secret") || strings.Contains(text, "broken") || strings.Contains(text, "id-1") || len(s.Recent) != 0 {
			t.Errorf("%q reads messages: %s", who, text)
		}
	}
	admin, _ := statsFor(t, h, "admin")
	want := recentError{"INTERNAL", "error", "row 1 is broken", "scheduler", "2026-11-21T09:00:01.000Z", "INTERNAL_ERROR", "id-1"}
	if len(admin.Recent) != 10 || admin.Recent[0] != want || admin.Recent[1].Level != "warn" {
		t.Errorf("an admin reads %+v, want %+v first", admin.Recent, want)
	}
	if !strings.Contains(text, `"recent":[]`) {
		t.Errorf("recent is not an empty list for guests: %s", text)
	}
}

func TestErrorStatsAreBounded(t *testing.T) {
	f := NewFailures()
	for i := range 10_000 {
		x := failure(i)
		x.Code, x.Module = fmt.Sprint("CODE_", i), fmt.Sprint("module-", i)
		f.Add(x)
	}
	s := f.stats(true)
	if len(s.ByCode) != 257 || len(s.ByModule) != 257 || s.ByCode["(other)"] != 10_000-256 || s.Total != 10_000 {
		t.Errorf("%d codes, %d modules, %d beyond the bound", len(s.ByCode), len(s.ByModule), s.ByCode["(other)"])
	}
	if len(s.Recent) != 100 || s.Recent[0].RequestID != "id-9900" || s.Recent[99].RequestID != "id-9999" {
		t.Errorf("%d kept, from %s to %s", len(s.Recent), s.Recent[0].RequestID, s.Recent[len(s.Recent)-1].RequestID)
	}
}
