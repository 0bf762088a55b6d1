package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// naughty is the big list of naughty strings, and what it lacks.
func naughty(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(), "validate/testdata/blns/blns.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 500 {
		t.Fatalf("%d strings: the list is not whole", len(list))
	}
	return append(list, "with \x00 in it", "\x00", strings.Repeat("a", 255), strings.Repeat("a", 256),
		strings.Repeat("\U0001F600", 255), strings.Repeat("\U0001F600", 256), " \t\u00a0\u2003 ", "\u2028 inside \u2029")
}

// TestNaughtyStringsRoundTrip books an appointment for each naughty string and
// reads it back: it is unchanged but for the blanks around it, or refused with
// 400, and never the server's fault.
func TestNaughtyStringsRoundTrip(t *testing.T) {
	p := demo(t, "--seed", "test")
	stored, refused := 0, 0
	for _, s := range naughty(t) {
		body, err := json.Marshal(map[string]any{"interview": map[string]any{"student": s, "interviewer": 1}})
		if err != nil {
			t.Fatal(err)
		}
		want, length := strings.TrimSpace(s), utf8.RuneCountInString(strings.TrimSpace(s))
		a := p.do(request{method: http.MethodPut, path: "/api/appointments/2", body: string(body)})
		if strings.Contains(s, "\x00") || length == 0 || length > 255 {
			if refused++; a.status != http.StatusBadRequest || length > 3 && strings.Contains(a.body, want) {
				t.Errorf("%q: %d %s", s, a.status, a.body)
			}
			continue
		}
		if stored++; a.status != http.StatusNoContent {
			t.Errorf("%q: %d %s", s, a.status, a.body)
			continue
		}
		if got := studentOf(t, p, 2); got != want {
			t.Errorf("%q comes back as %q", s, got)
		}
	}
	if stored < 480 || refused < 4 {
		t.Errorf("%d stored, %d refused: the list is not what it was", stored, refused)
	}
}

// TestNaughtyStringsElsewhere sends them as paths, parameters and header fields,
// where each is refused or read, and never the server's fault.
func TestNaughtyStringsElsewhere(t *testing.T) {
	p := demo(t, "--seed", "test")
	list := naughty(t)
	for i, s := range slices.Compact(list) {
		if i%4 != 0 { // within the budget of one address
			continue
		}
		for _, path := range []string{"/api/appointments/" + escaped(s), "/api/days?x=" + escaped(s)} {
			if a := p.do(request{path: path}); a.status >= 500 {
				t.Errorf("GET %s: %d %s", path, a.status, a.body)
			}
		}
	}
}

// escaped percent-encodes every byte.
func escaped(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func studentOf(t *testing.T, p *program, id int) string {
	t.Helper()
	a := p.do(request{path: "/api/appointments"})
	var all map[int]struct {
		Interview *struct{ Student string }
	}
	if err := json.Unmarshal([]byte(a.body), &all); err != nil || all[id].Interview == nil {
		t.Fatalf("appointment %d: %v in %d %.200s", id, err, a.status, a.body)
	}
	return all[id].Interview.Student
}
