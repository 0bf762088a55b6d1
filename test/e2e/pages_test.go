package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// commandsOf are the lines of the shell blocks of a page, in their order.
func commandsOf(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(), page))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		for line := range strings.SplitSeq(strings.TrimSpace(m[1]), "\n") {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	return commands
}

// shell runs one command of a page in a folder, with the built program first in
// the path, and wants it to say each of these.
func shell(t *testing.T, dir, command string, env []string, says ...string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + dir, "PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	for _, want := range says {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s\ndid not say %q:\n%s", command, want, out)
		}
	}
	return string(out)
}

// TestTourOfTheDemo follows the tutorial, with the demo that it starts, and
// wants what the text says of each command.
func TestTourOfTheDemo(t *testing.T) {
	says := [][]string{
		nil, // the demo
		{" 200 ", `"Monday"`, `Ratelimit: "scheduler";r=1999;t=900`, "X-Request-Id: "},
		{" 401 ", `Www-Authenticate: Bearer realm="gatehouse"`},
		{`"token"`},
		nil, // TOKEN=...
		{"Reserved"},
		{" 204 ", "Etag: "},
		{" 403 "},
		{" 403 "},
		{"/interview/student", "/interview/interviewer"},
		{" 204 "},
		{" 401 ", "The token was revoked"},
		{"/api/appointments/{id}"},
		{"guest"},
	}
	commands := commandsOf(t, "docs/tutorials/01-demo-tour.md")
	if len(commands) != len(says) {
		t.Fatalf("the tour has %d commands, this test knows %d: %q", len(commands), len(says), commands)
	}
	const program = "go run ./cmd/gatehouse "
	args, ok := strings.CutPrefix(commands[0], program+"demo ")
	if !ok {
		t.Fatalf("the tour begins with %q", commands[0])
	}
	p := demo(t, strings.Fields(args)...)
	env := []string{"TOKEN=" + p.token("member", 0)}
	fill := strings.NewReplacer("http://localhost:8001", p.url, "PASSWORD", p.logins["member"][0].Password, program, "gatehouse ")
	dir := t.TempDir()
	for i, c := range commands {
		if says[i] == nil {
			continue
		}
		c = fill.Replace(c)
		said := shell(t, dir, c, env, says[i]...)
		if strings.Contains(c, "Authorization") && strings.Contains(said, "Archie") {
			t.Errorf("%s\nLydia is told who booked:\n%s", c, said)
		}
		if strings.Contains(c, "If-None-Match") {
			shell(t, dir, c, env, " 412 ")
		}
	}
}

// TestDemoTellsWhatHappens runs what the demo says to try next, and wants the
// status that it promises.
func TestDemoTellsWhatHappens(t *testing.T) {
	for _, args := range [][]string{{"demo"}, {"demo", "--closed"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			_, out := start(t, binary, nil, append(args, "--listen", "localhost:0")...)
			var command string
			tried := 0
			for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "Ctrl-C ends it."; {
				line := strings.TrimSpace(lines.Text())
				if status, _, ok := strings.Cut(line, ": "); ok && command != "" {
					shell(t, t.TempDir(), command, nil, "HTTP/1.1 "+status+" ")
					tried++
				}
				command = ""
				if strings.HasPrefix(line, "curl ") {
					command = line
				}
			}
			if tried != 3 {
				t.Errorf("%d commands with what becomes of them, want 3", tried)
			}
		})
	}
}

// TestAdoptStepByStep follows the page: with its settings it makes calls that a
// layer would refuse, and counts them with its command.
func TestAdoptStepByStep(t *testing.T) {
	const page = "docs/how-to/adopt-step-by-step.md"
	b, err := os.ReadFile(filepath.Join(root(), page))
	if err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile("(?s)```yaml\n *# gatehouse.yaml\n(.*?)```").FindSubmatch(b)
	commands := commandsOf(t, page)
	if sample == nil || len(commands) != 1 {
		t.Fatalf("the page has other settings or commands than this test knows: %q", commands)
	}
	dir := t.TempDir()
	p := serve(t, dir, strings.ReplaceAll("\n"+string(sample[1]), "\n   ", "\n")+"scheduler: { seed: test }\ndata: data\n")
	p.logins["member"] = []login{addMember(t, dir, "ada@example.org", "member", password)}
	token := p.token("member", 0)
	for range 2 {
		a := p.do(request{method: http.MethodPost, path: "/api/days", token: token, body: `{"name":"Sunday","color":"red"}`})
		if a.status != http.StatusCreated {
			t.Fatalf("a call that is only reported: %d %s", a.status, a.body)
		}
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said := shell(t, dir, commands[0], nil)
	for _, want := range []string{
		"2 POST /days: { access: { roles: [manager, admin, member] } }", "2 POST /days: { unknown: strip }",
	} {
		if !strings.Contains(said, " "+want+"\n") {
			t.Errorf("it did not count %q:\n%s", want, said)
		}
	}
}

// TestCommandsForOperators adds an admin as one page says, and gives them a new
// password as another does.
func TestCommandsForOperators(t *testing.T) {
	add := commandsOf(t, "docs/how-to/tls-and-proxies.md")
	reset := commandsOf(t, "docs/explanation/signing-in.md")
	if len(add) != 1 || len(reset) != 1 {
		t.Fatalf("this test knows one command of each page: %q, %q", add, reset)
	}
	dir := t.TempDir()
	serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	shell(t, dir, add[0], []string{"PASSWORD=" + password}, "Added ada@example.org as admin.")
	shell(t, dir, reset[0], nil, "all their sessions have ended")
}

// TestUsePostgres runs the commands of the page, with the variables that it
// names and databases of the test, and serves.
func TestUsePostgres(t *testing.T) {
	const page = "docs/how-to/move-to-postgres.md"
	says := []string{"", "CREATE TABLE", "scheduler", "00001"}
	commands := commandsOf(t, page)
	b, err := os.ReadFile(filepath.Join(root(), page))
	if err != nil || len(commands) != len(says) {
		t.Fatalf("the page has %d commands, this test knows %d: %q, %v", len(commands), len(says), commands, err)
	}
	dir := t.TempDir()
	here := strings.NewReplacer("/run/secrets", dir)
	var env []string
	for _, v := range regexp.MustCompile(`GATEHOUSE_\S+=\S+`).FindAllString(string(b), -1) {
		env = append(env, here.Replace(v))
	}
	db := storetest.Postgres(t)
	for name, url := range map[string]string{"gatehouse-app-url": db.URL, "gatehouse-owner-url": db.OwnerURL} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(url), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range commands {
		shell(t, dir, here.Replace(c), env, says[i])
	}
	p, out := start(t, binary, env, "--json", "serve", "--listen", "localhost:0")
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatalf("serve did not print JSON: %v\n%s", err, p.log.String())
	}
	p.url = said.URL
	if err := p.waitUp(30 * time.Second); err != nil {
		t.Error(err)
	}
}
