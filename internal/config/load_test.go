package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// folder writes files into a new folder and returns it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load reads a settings file with nothing beside it.
func load(t *testing.T, yaml string, environ ...string) (*config.Config, *config.Report) {
	t.Helper()
	return config.Load(config.Input{Dir: folder(t, map[string]string{"gatehouse.yaml": yaml}), Environ: environ})
}

// wants fails unless the report has exactly the codes, errors first.
func wants(t *testing.T, r *config.Report, codes ...string) {
	t.Helper()
	var got []string
	for _, i := range slices.Concat(r.Errors, r.Warnings) {
		got = append(got, i.Code)
	}
	if !slices.Equal(got, codes) {
		t.Errorf("codes %v, not %v:\n%s", got, codes, r)
	}
}

func valueOf(t *testing.T, c *config.Config, path string) config.Value {
	t.Helper()
	for _, v := range c.Values() {
		if v.Path == path {
			return v
		}
	}
	t.Fatalf("there is no setting %s", path)
	return config.Value{}
}

func TestDefaultsAreSafe(t *testing.T) {
	c, r := config.Load(config.Input{})
	wants(t, r)
	if c.Environment != config.Production || c.Listen != "localhost:8001" || !c.Loopback() || c.Scheduler.Open ||
		c.Identity.SignUp != config.SignUpInvite || c.Scheduler.Seed != config.SeedNone || c.Identity.Token.Algorithm != config.EdDSA ||
		c.Identity.Token.AccessTTL != 15*time.Minute || c.Database.Engine != store.SQLite || len(c.CORS.Origins)+len(c.TrustedProxies)+len(c.AcceptRisk) != 0 {
		t.Errorf("not the safe defaults:\n%s", c.Show(true))
	}
	// seed 4's pool
	if c.Database.Pool != (store.Pool{Max: 10, Min: 0, Acquire: 30 * time.Second, Idle: 10 * time.Second}) {
		t.Errorf("pool %+v", c.Database.Pool)
	}
	if c.Database.Path != filepath.Join("gatehouse-data", "gatehouse.db") || c.SealingKeyPath() != filepath.Join("gatehouse-data", "sealing.key") {
		t.Errorf("files %s, %s", c.Database.Path, c.SealingKeyPath())
	}
	if u := c.BaseURL().String(); u != "http://localhost:8001" {
		t.Errorf("address %s", u)
	}
}

// TestPrecedence takes the strongest source away, one after the other.
func TestPrecedence(t *testing.T) {
	in := config.Input{
		Flags:   []config.Flag{{Name: "--log-level", Path: "log.level", Value: "error"}},
		Environ: []string{"GATEHOUSE_LOG__LEVEL=warn", "GATEHOUSE_ENV=test"},
		Dir: folder(t, map[string]string{
			".env.test":      "GATEHOUSE_LOG__LEVEL=debug",
			".env":           "GATEHOUSE_LOG__LEVEL=error\nGATEHOUSE_LISTEN=localhost:9",
			"gatehouse.yaml": "log:\n  level: warn\n",
		}),
	}
	is := func(want config.LogLevel, origin string) {
		t.Helper()
		c, r := config.Load(in)
		wants(t, r)
		if got := valueOf(t, c, "log.level"); got.Value != string(want) || got.Origin != origin {
			t.Errorf("%+v, not %s from %s", got, want, origin)
		}
	}
	is(config.LogError, "flag --log-level")
	in.Flags = nil
	is(config.LogWarn, "environment GATEHOUSE_LOG__LEVEL")
	in.Environ = in.Environ[1:]
	is(config.LogDebug, ".env.test GATEHOUSE_LOG__LEVEL")
	in.Environ = nil
	is(config.LogError, ".env GATEHOUSE_LOG__LEVEL")
	remove(t, in.Dir, ".env")
	is(config.LogWarn, "gatehouse.yaml:2:3")
	remove(t, in.Dir, "gatehouse.yaml")
	is(config.LogInfo, "default")
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestTypedTree(t *testing.T) {
	c, r := load(t, `
version: 1
environment: development
listen: "[::1]:0"
public_url: https://Gate.Example.org/
data: /var/lib/gatehouse
hosts: [Gate.example.net, "2001:db8::7"]
trusted_proxies: [10.0.0.0/8, 192.0.2.7]
cors: {origins: "https://app.example.org, http://localhost:8000"}
identity:
  token: {access_ttl: 5m, refresh_ttl: 7d}
limits:
  login: 5/15m failures per account(email)+address
scheduler:
  pace: 1s
  open: true
`)
	wants(t, r)
	if c.Listen != "[::1]:0" || c.PublicURL.String() != "https://gate.example.org" || c.Identity.Token.RefreshTTL != 7*24*time.Hour {
		t.Errorf("not as stated:\n%s", c.Show(true))
	}
	if want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32")}; !slices.Equal(c.TrustedProxies, want) {
		t.Errorf("proxies %v", c.TrustedProxies)
	}
	if want := []string{"https://app.example.org", "http://localhost:8000"}; !slices.Equal(c.CORS.Origins, want) {
		t.Errorf("origins %v", c.CORS.Origins)
	}
	if want := []string{"127.0.0.1", "[2001:db8::7]", "[::1]", "gate.example.net", "gate.example.org", "localhost"}; !slices.Equal(c.HostNames(), want) {
		t.Errorf("host names %v", c.HostNames())
	}
	if b := c.Limits["login"]; b.Requests != 5 || b.Window != 15*time.Minute || !b.Failures || b.Key != contract.ByAccountAndAddress || b.Account != "email" {
		t.Errorf("budget %+v", b)
	}
	if c.BaseURL().String() != "https://gate.example.org" || c.Database.Path != "/var/lib/gatehouse/gatehouse.db" {
		t.Errorf("what follows: %s, %s", c.BaseURL(), c.Database.Path)
	}
}

func TestPathsAreRelativeToTheirFile(t *testing.T) {
	dir := folder(t, map[string]string{"other.yaml": "data: rows\n"})
	c, r := config.Load(config.Input{ConfigPath: filepath.Join(dir, "other.yaml")})
	wants(t, r)
	if c.Data != filepath.Join(dir, "rows") {
		t.Errorf("data %s", c.Data)
	}
	c, _ = config.Load(config.Input{Environ: []string{"GATEHOUSE_DATA=rows", "GATEHOUSE_CONFIG=" + filepath.Join(dir, "other.yaml")}})
	if c.Data != "rows" {
		t.Errorf("data %s", c.Data)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := folder(t, map[string]string{"key": "Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo\n"})
	in := config.Input{Dir: dir, Environ: []string{"GATEHOUSE_IDENTITY__SEALING_KEY_FILE=key"}}
	c, r := config.Load(in)
	wants(t, r)
	if got := c.Identity.SealingKey.Reveal(); got != "Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo" {
		t.Errorf("read %q", got)
	}
	if v := valueOf(t, c, "identity.sealing_key"); v.Origin != "environment GATEHOUSE_IDENTITY__SEALING_KEY_FILE" {
		t.Errorf("origin %q", v.Origin)
	}
	in.Environ = append(in.Environ, "GATEHOUSE_IDENTITY__SEALING_KEY=Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo")
	_, r = config.Load(in)
	wants(t, r, "GH-CFG-013")
	_, r = config.Load(config.Input{Environ: []string{"JWT_SECRET_FILE=/nowhere/at/all"}})
	wants(t, r, "GH-CFG-001")
	_, r = config.Load(config.Input{Dir: dir, Environ: []string{"JWT_SECRET_FILE="}}) // not set
	wants(t, r)
	// only secrets may be files
	_, r = config.Load(config.Input{Environ: []string{"GATEHOUSE_LISTEN_FILE=key"}})
	wants(t, r, "GH-CFG-015")
}

func TestUnknownNames(t *testing.T) {
	_, r := config.Load(config.Input{Environ: []string{
		"GATEHOUSE_LISTN=localhost:1", "GATEHOUSE_PORT=8001", "PATH=/bin", "GATEHOUSE_TLS_CERT_FILE=x",
		// as Kubernetes, make audit and the project's tests have them
		"GATEHOUSE_SERVICE_HOST=10.0.0.1", "GATEHOUSE_SERVICE_PORT_HTTP=80", "GATEHOUSE_PORT_8001_TCP_ADDR=10.0.0.1",
		"GATEHOUSE_VULNDB=file:///x", "GATEHOUSE_TEST_X=1",
	}})
	wants(t, r, "GH-CFG-015", "GH-CFG-015", "GH-CFG-015")
	for _, say := range []string{`unknown name "GATEHOUSE_LISTN"`, `Did you mean "GATEHOUSE_LISTEN"?`, `Did you mean "GATEHOUSE_TLS__CERT_FILE"?`} {
		if !strings.Contains(r.String(), say) {
			t.Errorf("does not say %s:\n%s", say, r)
		}
	}
	_, r = config.Load(config.Input{Environ: []string{"GATEHOUSE_PORT=tcp://10.0.0.1:8001"}})
	wants(t, r)
}

func TestEnvironmentChoosesTheFile(t *testing.T) {
	dir := folder(t, map[string]string{
		".env":             "NODE_ENV=development\n",
		".env.development": "GATEHOUSE_LOG__LEVEL=debug\n",
		".env.production":  "GATEHOUSE_LOG__LEVEL=error\n",
	})
	c, r := config.Load(config.Input{Dir: dir})
	wants(t, r)
	if c.Environment != config.Development || c.Log.Level != config.LogDebug {
		t.Errorf("%s, %s", c.Environment, c.Log.Level)
	}
	dir = folder(t, map[string]string{".env.production": "GATEHOUSE_ENV=development\n"})
	_, r = config.Load(config.Input{Dir: dir})
	wants(t, r, "GH-CFG-019")
}

func TestWrongValuesAreToldAllAtOnce(t *testing.T) {
	_, r := config.Load(config.Input{
		Environ: []string{"GATEHOUSE_LISTEN=8001", "GATEHOUSE_DATABASE__POOL__MAX=0", "GATEHOUSE_LOG__SLOW=5", "GATEHOUSE_SCHEDULER__OPEN=yes",
			"GATEHOUSE_CORS__ORIGINS=*", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1/8", "GATEHOUSE_PUBLIC_URL=ftp://x", "GATEHOUSE_HOSTS=a:80", "GATEHOUSE_LIMITS__LOGIN=many"},
		Flags: []config.Flag{{Name: "--seed", Path: "scheduler.seed", Value: "all"}},
	})
	wants(t, r, slices.Repeat([]string{"GH-CFG-012"}, 10)...)
	if !strings.Contains(r.String(), "--seed  GH-CFG-012  scheduler.seed \"all\" is none of none, test, development, production") {
		t.Errorf("%s", r)
	}
}

func TestLargeFileIsNotRead(t *testing.T) {
	dir := folder(t, map[string]string{"key": strings.Repeat("Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo", 1<<15+1)})
	_, r := config.Load(config.Input{Dir: dir, Environ: []string{"GATEHOUSE_SETUP_TOKEN_FILE=key"}})
	wants(t, r, "GH-CFG-001")
}

func TestMissingFileIsToldWhenItWasNamed(t *testing.T) {
	_, r := config.Load(config.Input{ConfigPath: "/nowhere/gatehouse.yaml"})
	wants(t, r, "GH-CFG-001")
	_, r = config.Load(config.Input{Dir: "/nowhere"})
	wants(t, r)
}
