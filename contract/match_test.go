package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// table makes a table of operations written as "METHOD /path", "WS /path" for a
// WebSocket.
func table(t testing.TB, operations ...string) *Table {
	t.Helper()
	api := &API{Name: "test"}
	for _, o := range operations {
		method, path, _ := strings.Cut(o, " ")
		op := &Operation{API: api, ID: o, Method: method, Path: path}
		if method == "WS" {
			op.Method, op.Socket = "GET", &Socket{}
		}
		api.Operations = append(api.Operations, op)
	}
	tab, err := NewTable(api)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestMatch(t *testing.T) {
	tab := table(t,
		"GET /", "GET /days", "POST /days", "GET /days/{id}", "PUT /days/{id}", "GET /days/today", "DELETE /days/{id}/slots/{slot}",
		"GET /days/today/slots/first", "GET /docs/", "GET /files/{name}.json", "GET /files/{name}.tar.gz", "GET /files/{name}",
		"GET /geo/{lat},{lng}", "GET /geo/v{major}.{minor}-rc", "WS /", "WS /feed", "GET /café/{menu}", "HEAD /head", "GET /head", "GET /a%20b",
		"GET /x/{a}/y/{b}/z", "GET /x/{a}/{c}/q/w")
	for _, row := range []struct {
		request string
		want    string // id of the operation, or the status
		values  []string
	}{
		{"GET /", "GET /", nil},
		{"GET ", "GET /", nil},
		{"WS /", "WS /", nil},
		{"WS /days", "GET /days", nil},
		{"GET /feed", "WS /feed", nil},
		{"HEAD /days", "GET /days", nil},
		{"HEAD /head", "HEAD /head", nil},
		{"POST /days", "POST /days", nil},
		{"PUT /days/7", "PUT /days/{id}", []string{"7"}},
		{"GET /days/today", "GET /days/today", nil},
		{"GET /days/tod%61y", "GET /days/today", nil},
		{"PUT /days/today", "405", nil}, // the path decides before the method
		{"DELETE /days/today/slots/2", "DELETE /days/{id}/slots/{slot}", []string{"today", "2"}},
		{"GET /days/today/slots/first", "GET /days/today/slots/first", nil},
		{"GET /days/", "404", nil}, // a trailing slash is another path
		{"GET /docs/", "GET /docs/", nil},
		{"GET /docs", "404", nil},
		{"GET /Days", "404", nil},
		{"PATCH /days", "405", nil},
		{"get /days", "405", nil}, // methods are case-sensitive, RFC 9110 section 9.1
		{"GET /days/1/2", "404", nil},
		{"GET /files/a.json", "GET /files/{name}.json", []string{"a"}},
		{"GET /files/a.b.json", "GET /files/{name}.json", []string{"a.b"}},
		{"GET /files/.json", "GET /files/{name}", []string{".json"}},
		{"GET /files/a.tar.gz", "GET /files/{name}.tar.gz", []string{"a"}},
		{"GET /files/a.xml", "GET /files/{name}", []string{"a.xml"}},
		{"GET /geo/1.5,-2", "GET /geo/{lat},{lng}", []string{"1.5", "-2"}},
		{"GET /geo/1,2,3", "GET /geo/{lat},{lng}", []string{"1", "2,3"}},
		{"GET /geo/v1.2-rc", "GET /geo/v{major}.{minor}-rc", []string{"1", "2"}},
		{"GET /geo/v1.-rc", "404", nil},
		{"GET /geo/v.2-rc", "404", nil},
		{"GET /geo/,", "404", nil},
		{"GET /geo/1", "404", nil},
		{"GET /caf%C3%A9/caf%C3%A9", "GET /café/{menu}", []string{"café"}},
		{"GET /a%20b", "GET /a%20b", nil},
		{"GET /a+b", "404", nil}, // a plus is a plus in a path
		{"GET /x/y/y/q/w", "GET /x/{a}/{c}/q/w", []string{"y", "y"}},
		{"GET /x/1/y/2/z", "GET /x/{a}/y/{b}/z", []string{"1", "2"}},
		{"GET /days/a%2525", "GET /days/{id}", []string{"a%25"}},
		{"GET /days/{id}", "400", nil},
		{"GET /days/[1]@2:3=4!$&'()*+,", "GET /days/{id}", []string{"[1]@2:3=4!$&'()*+,"}},
		{"GET /days/a%3Bb", "GET /days/{id}", []string{"a;b"}},
		{"GET /days/...", "GET /days/{id}", []string{"..."}},
		{"GET /days/.hidden", "GET /days/{id}", []string{".hidden"}},
	} {
		t.Run(row.request, func(t *testing.T) {
			method, path, _ := strings.Cut(row.request, " ")
			upgrade := method == "WS"
			if upgrade {
				method = "GET"
			}
			m := tab.Match(method, path, upgrade)
			if got := outcome(m); got != row.want {
				t.Fatalf("got %s, want %s", got, row.want)
			}
			if !slices.Equal(m.Values, row.values) {
				t.Errorf("values %q, want %q", m.Values, row.values)
			}
		})
	}
}

func outcome(m Match) string {
	switch {
	case m.Operation != nil && m.Miss != nil:
		return "both an operation and a miss"
	case m.Operation != nil:
		return m.Operation.ID
	case m.Miss == nil:
		return "neither an operation nor a miss"
	}
	return map[int]string{400: "400", 404: "404", 405: "405"}[m.Miss.Status]
}

// TestPathAttacks holds the path normal form against what scanners send to
// reach a path past the one that was checked.
func TestPathAttacks(t *testing.T) {
	tab := table(t, "GET /", "GET /{a}", "GET /{a}/{b}", "GET /{a}/{b}/{c}", "GET /{a}/{b}/{c}/{d}", "GET /{a}/")
	for _, row := range []struct{ attack, path string }{
		{"dot-dot segment", "/api/../admin"},
		{"dot-dot segment at the end", "/api/.."},
		{"dot segment", "/api/./admin"},
		{"dot-dot, escaped", "/api/%2e%2e/admin"},
		{"dot-dot, escaped in capitals", "/api/%2E%2E/admin"},
		{"dot-dot, half escaped", "/api/.%2e/admin"},
		{"dot, escaped", "/api/%2e"},
		{"overlong UTF-8 slash", "/api/..%c0%afadmin"},
		{"overlong UTF-8 dot", "/api/%c0%ae%c0%ae/admin"},
		{"overlong UTF-8 slash of three bytes", "/api/%e0%80%afadmin"},
		{"invalid UTF-8", "/api/%ff"},
		{"surrogate in UTF-8", "/api/%ed%a0%80"},
		{"escaped slash", "/api%2fadmin"},
		{"escaped slash in capitals", "/api%2Fadmin"},
		{"escaped backslash", "/api/..%5cadmin"},
		{"raw backslash", `/api\admin`},
		{"empty segment", "/api//admin"},
		{"empty segment first", "//admin"},
		{"two slashes at the end", "/api//"},
		{"matrix parameter ;jsessionid", "/api;jsessionid=1/admin"},
		{"matrix parameter on dot-dot", "/api/..;/admin"},
		{"NUL byte cuts the path", "/api/a%00.json"},
		{"line feed forges a log line", "/api/a%0aGET"},
		{"carriage return splits the header", "/api/a%0d%0aSet-Cookie:x"},
		{"delete character", "/api/%7f"},
		{"C1 control character", "/api/%c2%85"},
		{"raw control character", "/api/a\x01"},
		{"raw NUL", "/api/a\x00"},
		{"raw blank", "/api/a b"},
		{"raw non-ASCII", "/api/café"},
		{"raw invalid UTF-8", "/api/\xff"},
		{"raw quote", `/api/"`},
		{"raw fragment sign", "/api/#x"},
		{"raw query sign", "/api/?x"},
		{"IIS %u escape", "/api/%u002e"},
		{"escape cut short", "/api/%2"},
		{"lone percent sign", "/api/%"},
		{"escape that is none", "/api/%zz"},
		{"sign within an escape", "/api/%+1"},
		{"relative path", "api/admin"},
		{"absolute URL", "http://api/admin"},
		{"asterisk form", "*"},
	} {
		t.Run(row.attack, func(t *testing.T) {
			m := tab.Match("GET", row.path, false)
			if m.Operation != nil || m.Miss == nil || m.Miss.Status != http.StatusBadRequest {
				t.Fatalf("%q: got %s with %q, want 400", row.path, outcome(m), m.Values)
			}
			if strings.Contains(m.Miss.Detail, "admin") {
				t.Errorf("the refusal quotes the path: %s", m.Miss.Detail)
			}
		})
	}
	t.Run("double encoding stays data", func(t *testing.T) {
		m := tab.Match("GET", "/%252e%252e%252fadmin", false)
		if m.Operation == nil || m.Values[0] != "%2e%2e%2fadmin" {
			t.Fatalf("got %s with %q", outcome(m), m.Values)
		}
	})
}

func TestAllow(t *testing.T) {
	tab := table(t, "GET /a", "POST /a", "DELETE /b", "WS /c", "OPTIONS /d")
	for path, want := range map[string]string{
		"/a": "GET, HEAD, OPTIONS, POST", "/b": "DELETE, OPTIONS", "/c": "GET, HEAD, OPTIONS", "/d": "OPTIONS", "/e": "",
	} {
		m := tab.Match("PATCH", path, false)
		if got := strings.Join(m.Allow, ", "); got != want {
			t.Errorf("%s: Allow %q, want %q", path, got, want)
		}
		if got := m.Miss.Header.Get("Allow"); got != want {
			t.Errorf("%s: the refusal says Allow %q, want %q", path, got, want)
		}
	}
	if m := tab.Match("GET", "/a", false); len(m.Allow) != 4 {
		t.Errorf("a match says Allow %q too, for preflights", m.Allow)
	}
}

func TestZeroTable(t *testing.T) {
	if got := outcome((&Table{}).Match("GET", "/", false)); got != "404" {
		t.Errorf("the zero table answers %s", got)
	}
}

func TestMatchAllocations(t *testing.T) {
	tab := table(t, "GET /api/days", "GET /api/days/{id}/slots/{slot}")
	for path, most := range map[string]float64{"/api/days": 0, "/api/days/1/slots/2": 1} {
		got := testing.AllocsPerRun(100, func() { tab.Match("GET", path, false) })
		if got > most {
			t.Errorf("%s: %v allocations, %v at most", path, got, most)
		}
	}
}

// FuzzMatch holds every match against the path written anew from its template
// and its values: one path, one meaning.
func FuzzMatch(f *testing.F) {
	for _, path := range []string{"/", "/days", "/days/1", "/days/%2e%2e", "/files/a.json", "/a%2fb", "/geo/1,2", "/geo/1,.", "/days/%c3%a9", "//", "/x/y/y/q/z", "/%zz"} {
		f.Add("GET", path)
	}
	tab := table(f, "GET /", "GET /days", "GET /days/{id}", "GET /days/today", "GET /files/{name}.json", "GET /files/{name}",
		"GET /geo/{lat},{lng}", "GET /x/{a}/y/{b}/z", "GET /x/{a}/{c}/q/z", "GET /é/")
	f.Fuzz(func(t *testing.T, method, path string) {
		m := tab.Match(method, path, false)
		if (m.Operation == nil) == (m.Miss == nil) {
			t.Fatalf("%q: an operation or a miss, not %v and %v", path, m.Operation, m.Miss)
		}
		if m.Operation == nil {
			return
		}
		again := rewritten(t, m)
		n := tab.Match(method, again, false)
		if n.Operation != m.Operation || !slices.Equal(n.Values, m.Values) {
			t.Fatalf("%q means %s %q, and written anew as %q %s %q", path, m.Operation.ID, m.Values, again, outcome(n), n.Values)
		}
		for _, v := range m.Values {
			if strings.ContainsAny(v, "/\\\x00\r\n") || v == "" || v == "." || v == ".." {
				t.Fatalf("%q gives the value %q", path, v)
			}
		}
	})
}

func rewritten(t *testing.T, m Match) string {
	t.Helper()
	segments, err := parseTemplate(m.Operation.Path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	values := m.Values
	for _, s := range segments {
		text := s.literals[0]
		for i := range s.names {
			text += values[0] + s.literals[i+1]
			values = values[1:]
		}
		b.WriteString("/" + strings.ReplaceAll(url.PathEscape(text), ";", "%3B"))
	}
	return b.String()
}

func BenchmarkMatch(b *testing.B) {
	tab := table(b, "GET /api/days", "GET /api/days/{id}", "PUT /api/appointments/{id}", "GET /api/appointments",
		"GET /api/v1/days", "GET /api/v1/days/{id}", "GET /files/{name}.json", "GET /api/interviewers", "GET /")
	for _, row := range []struct{ name, method, path string }{
		{"static", "GET", "/api/days"},
		{"parameter", "PUT", "/api/appointments/42"},
		{"escaped", "PUT", "/api/appointments/%34%32"},
		{"partial", "GET", "/files/report.json"},
		{"unknown", "GET", "/wp-login.php"},
		{"attack", "GET", "/api/%2e%2e/days"},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tab.Match(row.method, row.path, false)
			}
		})
	}
}
