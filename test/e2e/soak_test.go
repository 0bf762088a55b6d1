//go:build soak

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

const (
	soakRounds  = 20
	soakClients = 4
	soakWrites  = 1000 // acknowledged writes of a round, at least
)

// TestSoakKillUnderLoad kills the server with SIGKILL while client processes write,
// starts it again on the same data, and looks for everything that was answered
// 2xx: twenty rounds on each engine.
func TestSoakKillUnderLoad(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			s := newSoak(t, engine)
			total := 0
			for round := range soakRounds {
				n := s.round(round)
				total += n
				t.Logf("round %2d: %d acknowledged writes, all found after the restart", round+1, n)
			}
			t.Logf("%s: %d rounds, %d acknowledged writes, none lost", engine, soakRounds, total)
		})
	}
}

type soak struct {
	t        *testing.T
	dir      string
	server   *program
	token    string
	password string
}

const soakAdmin = "root@example.org"

func newSoak(t *testing.T, engine store.Engine) *soak {
	dir := t.TempDir()
	s := &soak{t: t, dir: dir, password: "a-long-password-of-the-soak"}
	settings := "version: 1\nenvironment: test\nlisten: localhost:0\ndata: " + filepath.Join(dir, "data") + "\n" +
		"scheduler: { seed: development }\n" +
		"limits:\n"
	for _, name := range []string{"scheduler", "scheduler-writes", "scheduler-member", "scheduler-member-writes", "own", "members"} {
		settings += fmt.Sprintf("  %s: 100000000/15m\n", name)
	}
	if engine == store.Postgres {
		db := storetest.Postgres(t)
		settings += fmt.Sprintf("database: { url: %q, owner_url: %q }\n", db.URL, db.OwnerURL)
	}
	if err := os.WriteFile(filepath.Join(dir, "gatehouse.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// round runs one server with its clients, kills it, and checks what it kept.
func (s *soak) round(n int) int {
	s.t.Helper()
	if s.server == nil {
		s.serve()
	}
	logs := s.write(n)
	s.serve()
	count := 0
	for _, log := range logs {
		count += s.check(log)
	}
	if count < soakWrites {
		s.t.Fatalf("round %d: %d acknowledged writes, want %d at least", n+1, count, soakWrites)
	}
	return count
}

// write lets the clients write until enough is acknowledged, kills the server
// in the middle of it, and returns the clients' logs.
func (s *soak) write(round int) []string {
	s.t.Helper()
	var logs []string
	var clients []*exec.Cmd
	for c := range soakClients {
		log := filepath.Join(s.dir, fmt.Sprintf("round%d-client%d.log", round, c))
		logs = append(logs, log)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), soakClient+"="+strings.Join([]string{
			s.server.url, log, fmt.Sprint(c), fmt.Sprintf("%02d", round), s.token, soakAdmin, s.password}, "\n"))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		clients = append(clients, cmd)
	}
	deadline := time.Now().Add(5 * time.Minute)
	for lines(logs) < soakWrites+round*7 { // another moment of the load each round
		if time.Now().After(deadline) {
			s.t.Fatalf("only %d writes in five minutes\n%s", lines(logs), s.server.log.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
	_ = s.server.cmd.Process.Signal(syscall.SIGKILL)
	<-s.server.done
	for _, c := range clients {
		if err := c.Wait(); err != nil {
			s.t.Errorf("a client ended with %v", err)
		}
	}
	return logs
}

// serve starts the server on the soak's data and signs in.
func (s *soak) serve() {
	s.t.Helper()
	if s.server == nil {
		addMember(s.t, s.dir, soakAdmin, "admin", s.password)
	}
	p := serve(s.t, s.dir, "")
	p.logins["admin"] = []login{{"admin", soakAdmin, s.password}}
	s.server, s.token = p, p.token("admin", 0)
}

// check looks for each acknowledged write of a log in the restarted server.
func (s *soak) check(log string) int {
	s.t.Helper()
	written := readLog(s.t, log)
	last := map[int]string{}
	var people map[string]struct{ Name string }
	s.get("/api/interviewers", &people)
	for _, w := range written {
		switch w.Kind {
		case "booked":
			last[w.ID] = w.Value
		case "made":
			if got := people[fmt.Sprint(w.ID)].Name; got != w.Value {
				s.t.Errorf("interviewer %d is %q, acknowledged as %q", w.ID, got, w.Value)
			}
		case "left":
			if a := s.server.do(request{path: "/profile", token: w.Value}); a.status != http.StatusUnauthorized {
				s.t.Errorf("a token that was logged out is answered %d", a.status)
			}
		}
	}
	var slots map[string]struct{ Interview struct{ Student string } }
	s.get("/api/appointments", &slots)
	for id, student := range last {
		// A write that was on its way when the server died may have been kept too.
		if got := slots[fmt.Sprint(id)].Interview.Student; got < student {
			s.t.Errorf("appointment %d holds %q, acknowledged was %q", id, got, student)
		}
	}
	return len(written)
}

func (s *soak) get(path string, v any) {
	s.t.Helper()
	a := s.server.do(request{path: path, token: s.token})
	if err := json.Unmarshal([]byte(a.body), v); err != nil || a.status != http.StatusOK {
		s.t.Fatalf("GET %s: %d %v", path, a.status, err)
	}
}

func readLog(t *testing.T, path string) []acknowledged {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []acknowledged
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var a acknowledged
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, a)
	}
	return all
}

func lines(paths []string) int {
	n := 0
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err == nil {
			n += strings.Count(string(b), "\n")
		}
	}
	return n
}
