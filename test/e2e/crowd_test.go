package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// hold begins a call whose body does not come, and returns when the program waits
// for it. The returned function hangs up. A call that finds the place of the one
// before it still taken is made again.
func (p *program) hold(method, path, token string) func() {
	p.t.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 90\r\nExpect: 100-continue\r\n", method, path)
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	line := ""
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", u.Host, 5*time.Second)
		if err != nil {
			p.t.Fatal(err)
		}
		_ = conn.SetDeadline(deadline)
		if _, err := conn.Write([]byte(head + "\r\n")); err != nil {
			p.t.Fatal(err)
		}
		if line, _ = bufio.NewReader(conn).ReadString('\n'); strings.HasPrefix(line, "HTTP/1.1 100 ") {
			return func() { _ = conn.Close() }
		}
		_ = conn.Close()
	}
	p.t.Fatalf("%s %s is not held: %s", method, path, line)
	return nil
}

// until asks again until the answer has a status: the end of a connection is seen
// a little later.
func (p *program) until(q request, status int) answer {
	p.t.Helper()
	var a answer
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if a = p.do(q); a.status == status {
			return a
		}
	}
	p.t.Fatalf("%s: %d %.300s, want %d", q.path, a.status, a.body, status)
	return a
}

// TestCrowd fills the places of a guest and then all of them with calls whose
// body does not come.
func TestCrowd(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, "concurrency: { total: 4, per_principal: 2 }\n"))
	p.logins["member"] = []login{addMember(t, dir, "ada@example.org", "member", password)}
	member := p.token("member", 0)
	guests, days := request{path: "/openapi.json"}, request{path: "/api/days", token: member}
	p.until(guests, http.StatusOK)

	first, second := p.hold("POST", "/login", ""), p.hold("POST", "/login", "")
	a := p.do(guests)
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" || !strings.Contains(a.body, "TOO_MANY_AT_ONCE") {
		t.Errorf("a guest too many: %d %v %.300s", a.status, a.header, a.body)
	}
	if a := p.do(days); a.status != http.StatusOK {
		t.Errorf("a member beside guests: %d %s", a.status, a.body)
	}

	third, fourth := p.hold("PUT", "/api/appointments/1", member), p.hold("PUT", "/api/appointments/2", member)
	a = p.do(days)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") != "1" || !strings.Contains(a.body, "SERVICE_UNAVAILABLE") {
		t.Errorf("a call too many: %d %v %.300s", a.status, a.header, a.body)
	}
	if _, refused, _ := recordOf(t, p, "listDays", http.StatusServiceUnavailable); len(refused) != 0 {
		t.Errorf("what was refused is recorded as let through: %q", refused)
	}
	for _, path := range []string{"/livez", "/readyz", "/health"} {
		if a := p.do(request{path: path}); a.status != http.StatusOK {
			t.Errorf("%s under load: %d %s", path, a.status, a.body)
		}
	}
	for _, hangUp := range []func(){first, second, third, fourth} {
		hangUp()
	}
	p.until(days, http.StatusOK)
	p.until(guests, http.StatusOK)
}

// TestLongURLs: 414 for a path and query that we read, 431 where net/http has
// refused the whole header.
func TestLongURLs(t *testing.T) {
	p := demo(t)
	for _, row := range []struct {
		path   string
		status int
	}{
		{"/openapi.json?" + strings.Repeat("a", 8<<10-len("/openapi.json")), http.StatusBadRequest}, // an unknown parameter
		{"/openapi.json?" + strings.Repeat("a", 8<<10-len("/openapi.json")+1), http.StatusRequestURITooLong},
		{"/" + strings.Repeat("a", 8<<10), http.StatusRequestURITooLong},
		{"/" + strings.Repeat("a", 24<<10), http.StatusRequestHeaderFieldsTooLarge},
	} {
		a := p.do(request{path: row.path})
		if a.status != row.status || row.status == 414 && !strings.Contains(a.body, "URI_TOO_LONG") {
			t.Errorf("%d bytes: %d %.200s, want %d", len(row.path), a.status, a.body, row.status)
		}
	}
}
