package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bites says, for each line of the request path in gate.go, what a caller of
// the built program sees when the line is there. TestEveryLineBites removes the
// lines one by one and wants the line's own scenario to fail.
var bites = map[string]func(*program) error{
	"call":          everyAnswerHasAnID,
	"observe":       everyRequestIsRecorded,
	"tls":           strangeHostIsRefused,
	"headers":       refusalsCarryHeaders,
	"limit address": scannerIsStopped,
	"route":         unknownPathsAreNotServed,
	"authn":         badTokenIsRefused,
	"limit member":  memberIsOneMember,
	"authz":         memberIsNoManager,
	"validate":      bodyFitsTheContract,
	"limit account": guessingIsStopped,
}

func TestTheRequestPath(t *testing.T) {
	p := demo(t, "--seed", "test")
	for _, name := range linesOfRequestPath(t) {
		t.Run(name, func(t *testing.T) {
			if bites[name] == nil {
				t.Fatal("this line of gate.go has no scenario")
			}
			if err := bites[name](p); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEveryLineBites(t *testing.T) {
	lines := linesOfRequestPath(t)
	if len(lines) != 11 {
		t.Fatalf("gate.go has %d lines in its request path, want 11", len(lines))
	}
	for _, name := range lines {
		t.Run(name, func(t *testing.T) {
			bin := filepath.Join(t.TempDir(), "gatehouse")
			if err := buildProgram(bin, "-overlay", withoutLine(t, name)); err != nil {
				t.Fatal(err)
			}
			p, err := startDemo(t, bin, "--seed", "test")
			if err != nil {
				t.Fatal(err) // it must run to show that the line is missed by a caller, not by the builder
			}
			if err := bites[name](p); err == nil {
				t.Errorf("the scenario of %q passes without the line", name)
			}
		})
	}
}

var lineOfPath = regexp.MustCompile(`(?m)^\t\tlayer\("([^"]+)", (\w+)\.?.*\n`)

// linesOfRequestPath reads the names of the layers from gate.go.
func linesOfRequestPath(t *testing.T) []string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root(), "gate.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range lineOfPath.FindAllSubmatch(src, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// withoutLine writes a build overlay in which one line of gate.go is missing;
// the import that only this line used stays as a blank one.
func withoutLine(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(root(), "gate.go")
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mutant := string(src)
	for _, m := range lineOfPath.FindAllStringSubmatch(mutant, -1) {
		if m[1] != name {
			continue
		}
		mutant = strings.Replace(mutant, m[0], "", 1)
		if pkg := m[2]; !strings.Contains(mutant, pkg+".") {
			mutant = strings.Replace(mutant, `"github.com/gatehouse-api/gatehouse/`+pkg+`"`, `_ "github.com/gatehouse-api/gatehouse/`+pkg+`"`, 1)
		}
	}
	if mutant == string(src) {
		t.Fatalf("no line %q to remove", name)
	}
	dir := t.TempDir()
	replaced, overlay := filepath.Join(dir, "gate.go"), filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{file: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{replaced: []byte(mutant), overlay: b} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return overlay
}

func everyAnswerHasAnID(p *program) error {
	for _, path := range []string{"/health", "/nothing", "/api/days"} {
		a, err := p.try(request{path: path})
		if err != nil {
			return err
		}
		if id := a.header.Get("X-Request-Id"); len(id) != 36 {
			return fmt.Errorf("%s: X-Request-Id is %q", path, id)
		}
	}
	return nil
}

func everyRequestIsRecorded(p *program) error {
	a, err := p.try(request{path: "/api/days"})
	if err != nil {
		return err
	}
	id := a.header.Get("X-Request-Id")
	for range 2000 {
		if n := strings.Count(p.log.String(), id); n > 0 && id != "" {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("no record of request %s", id)
}

func strangeHostIsRefused(p *program) error {
	a, err := p.try(request{path: "/api/days", host: "rebind.example"})
	return want(a, err, http.StatusMisdirectedRequest)
}

func refusalsCarryHeaders(p *program) error {
	for _, host := range []string{"", "rebind.example"} {
		a, err := p.try(request{path: "/nothing", host: host, header: map[string]string{"Origin": "http://localhost:8000"}})
		if err != nil {
			return err
		}
		if err := carriesHeaders(a); err != nil {
			return err
		}
	}
	return nil
}

func carriesHeaders(a answer) error {
	for name, value := range map[string]string{
		"X-Content-Type-Options":      "nosniff",
		"X-Frame-Options":             "DENY",
		"Content-Security-Policy":     "default-src 'none'; frame-ancestors 'none'",
		"Access-Control-Allow-Origin": "http://localhost:8000",
	} {
		if got := a.header.Get(name); got != value {
			return fmt.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	return nil
}

func scannerIsStopped(p *program) error {
	from := clientFrom("127.0.0.9")
	for range 600 {
		a, err := p.try(request{path: "/nothing", client: from})
		if err := want(a, err, http.StatusNotFound); err != nil {
			return err
		}
	}
	a, err := p.try(request{path: "/nothing", client: from})
	if err == nil && a.header.Get("Retry-After") == "" {
		return fmt.Errorf("%d without Retry-After", a.status)
	}
	return want(a, err, http.StatusTooManyRequests)
}

func unknownPathsAreNotServed(p *program) error {
	a, err := p.try(request{path: "/nothing"})
	if err := want(a, err, http.StatusNotFound); err != nil {
		return err
	}
	a, err = p.try(request{method: http.MethodDelete, path: "/health"})
	if err == nil && a.header.Get("Allow") == "" {
		return fmt.Errorf("%d without Allow", a.status)
	}
	return want(a, err, http.StatusMethodNotAllowed)
}

func badTokenIsRefused(p *program) error {
	a, err := p.try(request{path: "/api/days", token: "not.a.token"})
	return want(a, err, http.StatusUnauthorized)
}

func memberIsOneMember(p *program) error {
	pair, err := p.signIn("member", 0)
	if err != nil {
		return err
	}
	for i := range 2001 {
		from := clientFrom([]string{"127.0.0.10", "127.0.0.11"}[i%2])
		a, err := p.try(request{path: "/api/v1/interviewers", token: pair.Token, client: from})
		if err != nil {
			return err
		}
		if a.status == http.StatusTooManyRequests {
			return nil
		}
	}
	return fmt.Errorf("2001 requests of one member from two addresses were all served")
}

func memberIsNoManager(p *program) error {
	pair, err := p.signIn("member", 1)
	if err != nil {
		return err
	}
	a, err := p.try(request{method: http.MethodPost, path: "/api/days", token: pair.Token, body: `{"name":"Sunday","interviewers":[1]}`})
	return want(a, err, http.StatusForbidden)
}

func bodyFitsTheContract(p *program) error {
	a, err := p.try(request{method: http.MethodPut, path: "/api/appointments/2", body: `{"interview":{"student":7}}`})
	if err := want(a, err, http.StatusBadRequest); err != nil {
		return err
	}
	if !strings.Contains(a.body, "interview.student") || !strings.Contains(a.body, "interview.interviewer") {
		return fmt.Errorf("not all faults are told at once: %s", a.body)
	}
	return nil
}

func guessingIsStopped(p *program) error {
	from := clientFrom("127.0.0.12")
	for i := range 6 {
		a, err := p.try(request{method: http.MethodPost, path: "/login", client: from,
			body: `{"email":"nobody@example.org","password":"wrong-password"}`})
		status := http.StatusUnauthorized
		if i == 5 {
			status = http.StatusTooManyRequests
		}
		if err := want(a, err, status); err != nil {
			return fmt.Errorf("guess %d: %w", i+1, err)
		}
	}
	return nil
}

func want(a answer, err error, status int) error {
	if err != nil {
		return err
	}
	if a.status != status {
		return fmt.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	return nil
}

var clients = map[string]*http.Client{}

// clientFrom is a client that calls from another address of the loopback range.
func clientFrom(address string) *http.Client {
	if c := clients[address]; c != nil {
		return c
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 5 * time.Second}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c := &http.Client{Transport: transport, Timeout: 15 * time.Second, CheckRedirect: plainClient.CheckRedirect}
	clients[address] = c
	return c
}
