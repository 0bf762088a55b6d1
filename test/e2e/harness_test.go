// Package e2e drives the built program: it starts it, talks to it over real
// connections, ends it, and reads what it says.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	if spec := os.Getenv(soakClient); spec != "" {
		if err := runSoakClient(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dir, err := os.MkdirTemp("", "gatehouse-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "gatehouse")
	if err := buildProgram(binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := storetest.Run(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// buildProgram builds the program as it is released, without cgo.
func buildProgram(out string, flags ...string) error {
	args := append(append([]string{"build", "-o", out}, flags...), "./cmd/gatehouse")
	cmd := exec.Command("go", args...)
	cmd.Dir = root()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, b)
	}
	return nil
}

// root is the folder of the module.
func root() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}

// program is a running gatehouse.
type program struct {
	t       testing.TB
	cmd     *exec.Cmd
	url     string
	logins  map[string][]login // by role
	log     *lockedBuffer
	done    chan struct{}
	exit    error
	started time.Duration
}

type login struct{ Role, Email, Password string }

// demo starts `gatehouse demo` on a free port.
func demo(t testing.TB, args ...string) *program {
	t.Helper()
	return demoOf(t, binary, args...)
}

func demoOf(t testing.TB, bin string, args ...string) *program {
	t.Helper()
	p, err := startDemo(t, bin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// startDemo starts a demo and waits until it is ready; an error tells what it
// said instead.
func startDemo(t testing.TB, bin string, args ...string) (*program, error) {
	t.Helper()
	args = append([]string{"demo", "--json", "--listen", "localhost:0"}, args...)
	begin := time.Now()
	p, out := start(t, bin, nil, args...)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the demo said nothing: %w\n%s", err, p.log.String())
	}
	var said struct {
		Schema string
		URL    string
		Logins []login
	}
	if err := json.Unmarshal(line, &said); err != nil || said.Schema != "gatehouse.demo/1" {
		return nil, fmt.Errorf("the demo did not print its JSON: %w: %s", err, line)
	}
	p.url = said.URL
	for _, l := range said.Logins {
		p.logins[l.Role] = append(p.logins[l.Role], l)
	}
	if err := p.waitUp(60 * time.Second); err != nil {
		return nil, err
	}
	p.started = time.Since(begin)
	return p, nil
}

// serve starts `gatehouse serve` in a folder with these settings, "" for none,
// and waits until it is ready.
func serve(t testing.TB, dir, settings string, args ...string) *program {
	t.Helper()
	if settings != "" {
		if err := os.WriteFile(filepath.Join(dir, "gatehouse.yaml"), []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append([]string{"--config", filepath.Join(dir, "gatehouse.yaml"), "--json", "serve", "--listen", "localhost:0"}, args...)
	p, out := start(t, binary, nil, args...)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("serve said nothing: %v\n%s", err, p.log.String())
	}
	var said struct{ URL string }
	if err := json.Unmarshal(line, &said); err != nil {
		t.Fatalf("serve did not print JSON: %v: %s", err, line)
	}
	p.url = said.URL
	if err := p.waitUp(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	return p
}

// addMember adds a member with the command line, beside whatever runs.
func addMember(t testing.TB, dir, email, role, password string) login {
	t.Helper()
	cmd := exec.Command(binary, "--config", filepath.Join(dir, "gatehouse.yaml"), "member", "add", email, "--role", role, "--password-stdin")
	cmd.Dir, cmd.Stdin, cmd.Env = dir, strings.NewReader(password), []string{}
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("adding %s: %v\n%s", email, err, b)
	}
	return login{role, email, password}
}

// start runs the program with an environment of its own and ends it with the
// test. It returns the program and its standard output.
func start(t testing.TB, bin string, env []string, args ...string) (*program, io.Reader) {
	t.Helper()
	return startIn(t, t.TempDir(), bin, env, args...)
}

// startIn starts it in a folder.
func startIn(t testing.TB, dir, bin string, env []string, args ...string) (*program, io.Reader) {
	t.Helper()
	p := &program{t: t, log: &lockedBuffer{}, done: make(chan struct{}), logins: map[string][]login{}}
	p.cmd = exec.Command(bin, args...)
	p.cmd.Dir = dir
	p.cmd.Env = append(env, "HOME="+p.cmd.Dir, "PATH="+os.Getenv("PATH"), "TMPDIR="+t.TempDir())
	p.cmd.Stderr = p.log
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout = w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	go func() { p.exit = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		_ = r.Close()
	})
	return p, r
}

// waitUp asks /livez until it answers.
func (p *program) waitUp(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		res, err := http.Get(p.url + "/livez")
		if err == nil {
			_ = res.Body.Close()
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("the program ended: %v\n%s", p.exit, p.log.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the program did not answer in %v: %w\n%s", limit, err, p.log.String())
		}
	}
}

// stop asks the program to end and waits for it.
func (p *program) stop(sig syscall.Signal) error {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
		return p.exit
	case <-time.After(30 * time.Second):
		return fmt.Errorf("the program did not end after %v\n%s", sig, p.log.String())
	}
}

// run executes one command of the program to its end.
func run(t testing.TB, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(env, "HOME="+cmd.Dir, "PATH="+os.Getenv("PATH"))
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run() // the code tells
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// request is one HTTP request of a test.
type request struct {
	method, path, token, body string
	header                    map[string]string
	host                      string
	client                    *http.Client
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (p *program) do(q request) answer {
	p.t.Helper()
	a, err := p.try(q)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

func (p *program) try(q request) (answer, error) {
	if q.method == "" {
		q.method = http.MethodGet
	}
	r, err := http.NewRequest(q.method, p.url+q.path, strings.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	r.Host = q.host
	client := q.client
	if client == nil {
		client = plainClient
	}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(b)}, err
}

// plainClient follows no redirect and keeps no cookie.
var plainClient = &http.Client{
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// token signs in with the n-th login of a role.
func (p *program) token(role string, n int) string {
	p.t.Helper()
	pair, err := p.signIn(role, n)
	if err != nil {
		p.t.Fatal(err)
	}
	return pair.Token
}

type tokens struct {
	Token, RefreshToken string
	ExpiresIn           int
}

func (p *program) signIn(role string, n int) (tokens, error) {
	if len(p.logins[role]) <= n {
		return tokens{}, fmt.Errorf("no login %d of role %s", n, role)
	}
	l := p.logins[role][n]
	body, _ := json.Marshal(map[string]string{"email": l.Email, "password": l.Password})
	a, err := p.try(request{method: "POST", path: "/login", body: string(body)})
	if err != nil {
		return tokens{}, err
	}
	var pair tokens
	if err := json.Unmarshal([]byte(a.body), &pair); err != nil || a.status != 200 {
		return tokens{}, fmt.Errorf("signing in as %s: %d %s", role, a.status, a.body)
	}
	return pair, nil
}

// lockedBuffer collects what a program says while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
