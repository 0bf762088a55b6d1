package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// The roles of every throw-away server. Neither is a superuser; the owner may
// create databases, the app's role owns nothing.
const (
	OwnerRole = "gatehouse_owner"
	AppRole   = "gatehouse_app"
	superuser = "postgres"
)

// Server is a throw-away PostgreSQL server, with all statements in its log.
type Server struct {
	dir      string // everything of this server; removed at the end
	lock     *os.File
	data     string
	port     int
	password string // of every role: only this machine's tests know it
	identity *syscall.Credential
	process  *exec.Cmd
	exited   chan struct{}
	made     atomic.Int64
}

// startServer makes and starts a server. Errors say what to install.
func startServer() (_ *Server, err error) {
	bin, err := binaries(debian)
	if err != nil {
		return nil, err
	}
	s := &Server{password: rand.Text()}
	if s.dir, s.lock, err = ownFolder("gatehouse-pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove())
		}
	}()
	s.data = filepath.Join(s.dir, "data")
	if err := s.becomeUnprivileged(); err != nil {
		return nil, err
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o644); err != nil {
		return nil, fmt.Errorf("preparing PostgreSQL: %w", err)
	}
	initdb := s.command(filepath.Join(bin, "initdb"), "-D", s.data, "-U", superuser, "-A", "scram-sha-256",
		"--pwfile="+secret, "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	if err := s.start(bin); err != nil {
		return nil, err
	}
	return s, s.createRoles()
}

// debian is where Debian puts the programs of each version.
const debian = "/usr/lib/postgresql/*/bin/initdb"

// binaries finds the programs: on the PATH, else the newest that is installed.
func binaries(installed string) (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob(installed)
	if err != nil || len(found) == 0 {
		return "", errors.New("PostgreSQL is not installed, and storage is tested on it: apt-get install postgresql")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

func version(path string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // a name that is no number is the oldest
	return v
}

// becomeUnprivileged makes root start the server as the user postgres:
// PostgreSQL refuses to run as root.
func (s *Server) becomeUnprivileged() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("root cannot run PostgreSQL, and there is no other user for it: %w", err)
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return fmt.Errorf("reading the user postgres: %w", err)
	}
	s.identity = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(s.dir, uid, gid); err != nil {
		return fmt.Errorf("giving the folder to the user postgres: %w", err)
	}
	return nil
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes(s.identity)
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *Server) start(bin string) error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of PostgreSQL: %w", err)
	}
	defer log.Close()
	cmd := s.command(filepath.Join(bin, "postgres"), "-D", s.data, "-p", strconv.Itoa(s.port), "-k", s.dir)
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=32MB",
		"log_statement=all", "log_line_prefix=%m [%p] %u@%d ", "timezone=America/St_Johns",
	} {
		cmd.Args = append(cmd.Args, "-c", setting)
	}
	cmd.Stdout, cmd.Stderr = log, log
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // Pdeathsig is the death of the thread that started it
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	s.process, s.exited = cmd, exited
	return s.waitReady()
}

// waitReady asks until the server lets somebody in.
func (s *Server) waitReady() error {
	db, err := sql.Open("pgx", s.url(superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("PostgreSQL ended at once:\n%s", s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, s.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server and waits for it: at once its sessions, then itself.
func (s *Server) stop() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(syscall.SIGINT) // "fast shutdown"
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		err = errors.Join(err, errors.New("PostgreSQL did not stop in 20 s"), s.process.Process.Kill())
		<-s.exited
	}
	s.process = nil
	return err
}

func (s *Server) remove() error { return errors.Join(s.stop(), os.RemoveAll(s.dir), s.lock.Close()) }

func (s *Server) createRoles() error {
	return s.super(
		fmt.Sprintf("CREATE ROLE %s LOGIN CREATEDB PASSWORD '%s'", OwnerRole, s.password),
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", AppRole, s.password),
	)
}

// super runs statements as the superuser.
func (s *Server) super(statements ...string) error {
	db, err := sql.Open("pgx", s.url(superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer db.Close()
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			verb, _, _ := strings.Cut(q, " PASSWORD")
			return fmt.Errorf("%s: %w", verb, err)
		}
	}
	return nil
}

func (s *Server) url(role, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, s.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

func (s *Server) logTail() string {
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// Log returns what the server has logged since it was made: every statement,
// with its parameters apart.
func (s *Server) Log(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Stop ends the server, as an outage would: sessions are cut.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// Start starts the server again, on the same port and data.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	bin, err := binaries(debian)
	if err == nil {
		err = s.start(bin)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Address is host:port of the server, for a proxy before it.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Super runs statements as the superuser, in the database postgres.
func (s *Server) Super(t testing.TB, statements ...string) {
	t.Helper()
	if err := s.super(statements...); err != nil {
		t.Fatal(err)
	}
}
