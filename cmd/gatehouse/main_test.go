package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/server"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// said is what a command printed.
type said struct {
	code     int
	out, err string
}

// command runs the program in a folder of its own, with the variables given.
func command(t *testing.T, in io.Reader, env []string, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	term := &terminal{ctx: t.Context(), in: in, out: &out, err: &errs, env: env}
	return said{run(term, args), out.String(), errs.String()}
}

func TestWhatCommandsSayAndHowTheyEnd(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("typo.yaml", []byte("limits: { lgoin: 5/15m }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args     string
		code     int
		out, err string // parts of what is said there
	}{
		{"", 0, "Exit codes: 0 done", ""},
		{"--help", 0, "member reinstate", ""},
		{"nope", 2, "", "unexpected argument nope"},
		{"demo --seed x", 2, "", "--seed must be one of"},
		{"demo --listen 0.0.0.0:0", 2, "", "GH-CFG-041"},
		{"version", 0, "gatehouse ", ""},
		{"routes --role boss", 2, "", "the roles are guest, member"},
		{"routes --env prod", 2, "", "they are production, development"},
		{"routes --env test", 0, "/api/debug/reset", ""},
		{"routes --why PUT_/nope", 2, "", "write it as in the table"},
		{"routes --why PUT_/api/appointments/{id}", 0, "  guest       no: a guest may", ""},
		{"routes --why PUT_/api/appointments/{id}", 0, "decides who owns the row (scheduler/openapi.yaml:", ""},
		{"routes --open --why PUT_/api/appointments/{id}", 0, "signed in or not (scheduler/open.overlay.yaml:", ""},
		{"routes --json --role guest --why PUT_/api/appointments/{id}", 0, `"role":"guest","why":"no: `, ""},
		{"config check", 0, "0 problems, 0 warnings.\n39 operations, each with an access rule.", ""},
		{"config check --config nope.yaml", 2, "GH-CFG-001", ""},
		{"config check --config typo.yaml", 2, "GH-CFG-044", ""},
		{"config check --json --config typo.yaml", 2, `"problems":["`, ""},
		{"config show --config nope.yaml", 2, "environment: production", "GH-CFG-001"},
		{"config show --json --config nope.yaml", 2, `"gatehouse.config/1"`, "GH-CFG-001"},
		{"health ftp://localhost:1", 2, "", "write it as http://localhost:8001"},
		{"health localhost:1", 3, "", "http://localhost:1 does not answer"},
		{"migrate down", 2, "", "add --yes"},
		{"migrate down --to x", 2, "", "write it as scheduler:1"},
		{"member add a@b.example --password-stdin", 2, "", "no password on standard input"},
		{"member add a@b.example --username ada", 2, "", "leave --username out"},
		{"serve --pace=-3s", 2, "", "is less than 0s"},
		{"demo --pace=-3s", 2, "", "is less than 0s"},
		{"member add a@b.example --role boss", 2, "", "--role must be one of"},
		{"member suspend nobody@b.example", 1, "", "there is no such member"},
		{"member password a@b.example", 2, "", "--password-stdin"},
		{"member password a@b.example --password-stdin", 2, "", "no password on standard input"},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			for i := range args {
				args[i] = strings.Replace(args[i], "_/", " /", 1)
			}
			got := command(t, strings.NewReader(""), nil, args...)
			if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.err, c.err) {
				t.Errorf("code %d, want %d with %q and %q\n%s\n%s", got.code, c.code, c.out, c.err, got.out, got.err)
			}
			if c.err == "" && got.err != "" {
				t.Errorf("it complained: %s", got.err)
			}
			if strings.Contains(c.args, "--json") && (strings.Count(got.out, "\n") != 1 || !json.Valid([]byte(got.out))) {
				t.Errorf("not one line of JSON: %q", got.out)
			}
		})
	}
}

// TestServeTellsWhatCheckTells takes a fault that only the contracts show.
func TestServeTellsWhatCheckTells(t *testing.T) {
	t.Chdir(t.TempDir())
	env := []string{"GATEHOUSE_LIMITS__LGOIN=5/15m"}
	check := command(t, nil, env, "config", "check")
	serve := command(t, nil, env, "serve", "--listen", "localhost:0")
	if check.code != exitUsage || serve.code != exitUsage || !strings.Contains(check.out, "GH-CFG-044") || !strings.Contains(serve.err, "GH-CFG-044") {
		t.Errorf("check: %+v\nserve: %+v", check, serve)
	}
}

// TestCommandsMakeNoKeyForAnother adds a member, loses the key, and wants no
// command to make another in silence.
func TestCommandsMakeNoKeyForAnother(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if got := command(t, nil, nil, "member", "list"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	cfg, _ := config.Load(config.Input{})
	srv, err := server.Open(t.Context(), server.Options{Config: cfg, Log: slog.DiscardHandler})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(srv.Close(), os.Remove(cfg.SealingKeyPath())); err != nil {
		t.Fatal(err)
	}
	got := command(t, nil, nil, "member", "list")
	if got.code != exitUsage || !strings.Contains(got.err, filepath.Join("gatehouse-data", "sealing.key")+" is missing") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(cfg.SealingKeyPath()); err == nil {
		t.Error("another key was made")
	}
}

func TestSetupLinkLeadsPastTheProxy(t *testing.T) {
	public := &url.URL{Scheme: "https", Host: "gate.example.org"}
	for _, c := range []struct {
		listen, cert string
		public       *url.URL
		balancer     bool
		want         string // PORT is that of the listener
	}{
		{"localhost:0", "", nil, false, "http://localhost:PORT"},
		{"localhost:0", "", public, false, "http://localhost:PORT"},
		{"127.0.0.1:0", "", public, false, "http://127.0.0.1:PORT"},
		{"localhost:0", "cert.pem", public, false, "https://localhost:PORT"},
		{"localhost:0", "cert.pem", public, true, ""},
		{"10.0.0.2:8001", "", public, false, ""},
		{":443", "cert.pem", public, false, ""},
		{"0.0.0.0:8001", "", nil, false, ""},
	} {
		cfg := &config.Config{Listen: c.listen, PublicURL: c.public, ProxyProtocol: c.balancer}
		var l *server.Listeners
		if cfg.Loopback() {
			var err error
			if l, err = server.Listen(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			_, port, _ := net.SplitHostPort(l.Addr().String())
			c.want = strings.Replace(c.want, "PORT", port, 1)
			defer func() { _ = l.Close() }()
		}
		cfg.TLS.CertFile = c.cert
		if got := setupAddress(cfg, l); got != c.want {
			t.Errorf("listen %s: %s, want %s", c.listen, got, c.want)
		}
	}
}

// TestSetupNamesNoPageThatIsNotThere asks what a first start says where no link
// leads to the page, and where the operator has a token.
func TestSetupNamesNoPageThatIsNotThere(t *testing.T) {
	s := storetest.Open(t, store.SQLite, []store.Schema{identity.Schema()})
	service, err := identity.New(identity.Config{Store: s, Key: make([]byte, 32), Issuer: "https://demo.example", Audience: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "a-token-of-the-operator-32-and-more"} {
		var out, errs bytes.Buffer
		term := &terminal{ctx: t.Context(), out: &out, err: &errs, global: &cli{}}
		cfg := &config.Config{Listen: ":8001"}
		cfg.Identity.SetupToken = config.NewSecret(token)
		if err := term.setup(service, cfg, nil); err != nil {
			t.Fatal(err)
		}
		said := out.String() + errs.String()
		if strings.Contains(said, "http") || strings.Contains(said, "#") || !strings.Contains(said, "gatehouse member add EMAIL --role admin --password-stdin") {
			t.Errorf("with %d characters of a token: %s", len(token), said)
		}
	}
}

// TestMembersAreNotInvitedAgain: joining would end with 409.
func TestMembersAreNotInvitedAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := command(t, strings.NewReader("a-passphrase-of-the-tests\n"), nil, "member", "add", "ada@example.org", "--password-stdin"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	if got := command(t, nil, nil, "member", "add", "Ada@example.org"); got.code != exitFound || got.out != "" || !strings.Contains(got.err, "taken") {
		t.Errorf("%+v", got)
	}
	if got := command(t, nil, nil, "member", "add", "grace@example.org"); got.code != exitOK || !strings.Contains(got.out, "Invitation for") {
		t.Errorf("%+v", got)
	}
}

// TestHelpNamesEveryRisk compares with what the settings know.
func TestHelpNamesEveryRisk(t *testing.T) {
	help := strings.Join(strings.Fields(command(t, nil, nil, "serve", "--help").out), " ")
	for _, risk := range config.Risks() {
		if !strings.Contains(help, " "+risk[0]) {
			t.Errorf("serve --help does not name %s", risk[0])
		}
	}
}

func TestHelpAndPageNameTheSameExitCodes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "exit-codes.md"))
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile("(?m)^\\| `(\\d+)` \\|").FindAllSubmatch(page, -1)
	if len(codes) < 7 {
		t.Fatalf("the page lists %d codes", len(codes))
	}
	for _, m := range codes {
		if !strings.Contains(about, fmt.Sprintf(" %s ", m[1])) {
			t.Errorf("--help does not name %s", m[1])
		}
	}
}

func TestErrorsHaveTheirCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{errors.New("the disk is full"), exitFound},
		{fmt.Errorf("reading: %w", store.ErrUnavailable), exitUnreachable},
		{exit(exitUsage, store.ErrUnavailable), exitUsage},
	} {
		term := &terminal{err: io.Discard}
		if got := term.fail(c.err); got != c.code {
			t.Errorf("%v ends with %d, want %d", c.err, got, c.code)
		}
	}
}

func TestDefectIsReportedToAFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var errs bytes.Buffer
	term := &terminal{err: &errs}
	if code := term.bug("index out of range", []byte("goroutine 1")); code != exitBug {
		t.Errorf("code %d", code)
	}
	_, name, found := strings.Cut(strings.TrimSpace(errs.String()), "with this file: ")
	report, err := os.ReadFile(name)
	if !found || err != nil || !strings.Contains(string(report), "goroutine 1") {
		t.Errorf("%s\n%v %s", errs.String(), err, report)
	}
	if strings.Contains(errs.String(), "goroutine") {
		t.Error("the terminal got the stack")
	}
}

// panics is read from, and fails in a way that nobody foresaw.
type panics struct{}

func (panics) Read([]byte) (int, error) { panic("nobody foresaw this") }

func TestPanicEndsAsADefect(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Chdir(t.TempDir())
	got := command(t, panics{}, nil, "member", "add", "ada@example.org", "--password-stdin")
	if got.code != exitBug || !strings.Contains(got.err, "nobody foresaw this") {
		t.Errorf("%+v", got)
	}
}

func TestNobodySitsAtDevNull(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	if isTerminal(null) || isTerminal(strings.NewReader("")) {
		t.Error("a prompt would wait for an answer that cannot come")
	}
}

// 128 bits are what nobody can guess (ASVS 5.0 11.5.1): 26 letters and digits of
// base32.
func TestDemoPasswordsCannotBeGuessed(t *testing.T) {
	s := storetest.Open(t, store.SQLite, []store.Schema{identity.Schema()})
	service, err := identity.New(identity.Config{Store: s, Key: make([]byte, 32), Issuer: "https://demo.example", Audience: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	people, err := addPeople(&terminal{ctx: t.Context()}, service)
	if err != nil || len(people) != 5 {
		t.Fatalf("%d people, %v", len(people), err)
	}
	seen := map[string]bool{}
	for _, p := range people {
		if seen[p.Password] || !regexp.MustCompile("^[a-z2-7]{26,}$").MatchString(p.Password) {
			t.Errorf("the password of the %s is one of another, or too short: %d characters", p.Role, len(p.Password))
		}
		seen[p.Password] = true
	}
}
