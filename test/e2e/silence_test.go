package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var destination = regexp.MustCompile(`sa_family=AF_INET6?.*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")`)

// TestNoTelemetry runs the demo under a tracer that sees every address it
// speaks to, uses it, and wants none but loopback ones.
func TestNoTelemetry(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	p := demoOf(t, traced(t, trace), "--seed", "development")
	token := p.token("member", 0)
	for _, path := range []string{"/", "/health", "/api/days", "/profile", "/openapi.json", "/nothing"} {
		p.do(request{path: path, token: token})
	}
	c := dialSocket(t, p, "/", "")
	send(t, c, "ping")
	receive(t, c)
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	for _, to := range spokenTo(t, trace) {
		if !strings.HasPrefix(to, "127.") && to != "::1" {
			t.Errorf("the demo spoke to %s", to)
		}
	}
}

// TestTheTracerSees keeps the test above honest: a connection that is made is
// one that the trace shows.
func TestTheTracerSees(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	p, _ := start(t, traced(t, trace), nil, "health", "http://127.0.0.1:9")
	<-p.done
	if to := spokenTo(t, trace); len(to) == 0 || to[0] != "127.0.0.1" {
		t.Errorf("the trace shows %v, want a connection to 127.0.0.1", to)
	}
}

// traced wraps the program in a tracer that stays in the background.
func traced(t *testing.T, trace string) string {
	t.Helper()
	tracer, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("no strace: apt-get install strace")
	}
	wrapper := filepath.Join(t.TempDir(), "traced")
	script := "#!/bin/sh\nexec " + tracer + " -D -f -e trace=execve,connect,sendto,sendmsg,sendmmsg -o " + trace + " " + binary + " \"$@\"\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return wrapper
}

// spokenTo reads the addresses from a trace, once the tracer has written it.
func spokenTo(t *testing.T, trace string) []string {
	t.Helper()
	var b []byte
	for range 600 {
		var err error
		if b, err = os.ReadFile(trace); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "exited with") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !strings.Contains(string(b), "execve") {
		t.Fatalf("nothing was traced: %q", b)
	}
	var to []string
	for _, m := range destination.FindAllStringSubmatch(string(b), -1) {
		to = append(to, m[1]+m[2])
	}
	return to
}
