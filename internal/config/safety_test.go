package config_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-api/gatehouse/internal/config"
)

const (
	strong = "Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo"
	pgApp  = "GATEHOUSE_DATABASE__URL=postgres://app:c7NhPfD2aEgUo@localhost/d"
	pgOwn  = "GATEHOUSE_DATABASE__OWNER_URL=postgres://owner:yLc7NhPfD2aEg@localhost/d"
	seal   = "GATEHOUSE_IDENTITY__SEALING_KEY=" + strong
)

// TestProduction states what is unsafe, one thing at a time, and what makes it
// safe again.
func TestProduction(t *testing.T) {
	cert := folder(t, map[string]string{"c.pem": "", "k.pem": ""})
	for _, row := range []struct {
		name string
		env  []string
		want []string
	}{
		{"plain HTTP to other machines", []string{"GATEHOUSE_LISTEN=0.0.0.0:80", "GATEHOUSE_PUBLIC_URL=https://g.example"}, []string{"GH-CFG-030"}},
		{"plain HTTP on every interface", []string{"GATEHOUSE_LISTEN=:80", "GATEHOUSE_PUBLIC_URL=https://g.example"}, []string{"GH-CFG-030"}},
		{"plain HTTP on a name that only sounds local", []string{"GATEHOUSE_LISTEN=localhost.example:80", "GATEHOUSE_PUBLIC_URL=https://g.example"}, []string{"GH-CFG-030"}},
		{"plain HTTP, accepted", []string{"GATEHOUSE_LISTEN=:80", "GATEHOUSE_PUBLIC_URL=http://g.example", "GATEHOUSE_ACCEPT_RISK=plain-http"}, []string{"GH-CFG-047"}},
		{"plain HTTP, with certificate", []string{"GATEHOUSE_LISTEN=:443", "GATEHOUSE_PUBLIC_URL=https://g.example",
			"GATEHOUSE_TLS__CERT_FILE=" + cert + "/c.pem", "GATEHOUSE_TLS__KEY_FILE=" + cert + "/k.pem"}, nil},
		{"plain HTTP, behind a declared proxy", []string{"GATEHOUSE_LISTEN=:80", "GATEHOUSE_PUBLIC_URL=https://g.example", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1"}, nil},
		{"plain HTTP on IPv6 loopback", []string{"GATEHOUSE_LISTEN=[::1]:80"}, nil},
		{"plain public_url", []string{"GATEHOUSE_PUBLIC_URL=http://g.example"}, []string{"GH-CFG-030"}},
		{"no public_url", []string{"GATEHOUSE_LISTEN=:80", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1"}, []string{"GH-CFG-031"}},
		{"no public_url behind a proxy on this machine", []string{"GATEHOUSE_TRUSTED_PROXIES=127.0.0.1"}, []string{"GH-CFG-031"}},
		{"open scheduler", []string{"GATEHOUSE_SCHEDULER__OPEN=true"}, []string{"GH-CFG-032"}},
		{"open scheduler, accepted", []string{"GATEHOUSE_SCHEDULER__OPEN=true", "GATEHOUSE_ACCEPT_RISK=open-scheduler"}, []string{"GH-CFG-047"}},
		{"pace", []string{"GATEHOUSE_SCHEDULER__PACE=1s"}, []string{"GH-CFG-033"}},
		{"error mode", []string{"TEST_ERROR=1"}, []string{"GH-CFG-033"}},
		{"test data", []string{"GATEHOUSE_SCHEDULER__SEED=test"}, []string{"GH-CFG-033"}},
		{"production data", []string{"GATEHOUSE_SCHEDULER__SEED=production"}, nil},
		{"unknown risk", []string{"GATEHOUSE_ACCEPT_RISK=open-schedular"}, []string{"GH-CFG-016"}},
		{"everybody is a proxy", []string{"GATEHOUSE_TRUSTED_PROXIES=0.0.0.0/0", "GATEHOUSE_PUBLIC_URL=https://g.example"}, []string{"GH-CFG-042"}},
		{"the PROXY protocol of anybody", []string{"GATEHOUSE_PROXY_PROTOCOL=true"}, []string{"GH-CFG-042"}},
		{"the PROXY protocol of a proxy", []string{"GATEHOUSE_PROXY_PROTOCOL=true", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1", "GATEHOUSE_PUBLIC_URL=https://g.example",
			"GATEHOUSE_TLS__CERT_FILE=" + cert + "/c.pem", "GATEHOUSE_TLS__KEY_FILE=" + cert + "/k.pem"}, nil},
		{"the PROXY protocol, which serves nobody without a certificate", []string{"GATEHOUSE_PROXY_PROTOCOL=true", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1", "GATEHOUSE_PUBLIC_URL=https://g.example"}, []string{"GH-CFG-030"}},
		{"the same on every interface", []string{"GATEHOUSE_PROXY_PROTOCOL=true", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1", "GATEHOUSE_PUBLIC_URL=https://g.example", "GATEHOUSE_LISTEN=:80"}, []string{"GH-CFG-030"}},
		{"the same, accepted", []string{"GATEHOUSE_PROXY_PROTOCOL=true", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1", "GATEHOUSE_PUBLIC_URL=https://g.example", "GATEHOUSE_ACCEPT_RISK=plain-http"}, []string{"GH-CFG-047"}},
		{"the same in development, on every interface", []string{"GATEHOUSE_ENV=development", "GATEHOUSE_PROXY_PROTOCOL=true", "GATEHOUSE_TRUSTED_PROXIES=10.0.0.1", "GATEHOUSE_LISTEN=:80"}, []string{"GH-CFG-030"}},
		{"slow from nothing on", []string{"GATEHOUSE_LOG__SLOW=0s"}, []string{"GH-CFG-012"}},
		{"metrics for other machines", []string{"GATEHOUSE_METRICS__LISTEN=:9464"}, []string{"GH-CFG-048"}},
		{"metrics for other machines, accepted", []string{"GATEHOUSE_METRICS__LISTEN=:9464", "GATEHOUSE_ACCEPT_RISK=open-metrics"}, []string{"GH-CFG-047"}},
		{"metrics for this machine", []string{"GATEHOUSE_METRICS__LISTEN=localhost:9464"}, nil},
		{"metrics for other machines in development", []string{"GATEHOUSE_ENV=development", "GATEHOUSE_METRICS__LISTEN=0.0.0.0:9464"}, []string{"GH-CFG-048"}},
		{"certificate without key", []string{"GATEHOUSE_TLS__CERT_FILE=" + cert + "/c.pem"}, []string{"GH-CFG-040"}},
		{"certificate that is not there", []string{"GATEHOUSE_TLS__CERT_FILE=/nowhere/c", "GATEHOUSE_TLS__KEY_FILE=" + cert + "/k.pem"}, []string{"GH-CFG-040"}},
		{"list of passwords that is not there", []string{"GATEHOUSE_IDENTITY__REFUSED_PASSWORDS=/nowhere/p"}, []string{"GH-CFG-001"}},
		{"redirect to nothing", []string{"GATEHOUSE_TLS__REDIRECT=:80"}, []string{"GH-CFG-040"}},
		{"origin in the clear", []string{"GATEHOUSE_CORS__ORIGINS=http://app.example"}, []string{"GH-CFG-043"}},
		{"origin in the clear in development", []string{"GATEHOUSE_ENV=development", "GATEHOUSE_CORS__ORIGINS=http://app.example,http://app.localhost:3000"}, []string{"GH-CFG-043"}},
		{"origin that no browser sends", []string{"GATEHOUSE_CORS__ORIGINS=https://app.example:443,http://app.example:80"}, []string{"GH-CFG-051", "GH-CFG-051"}},
		{"field that is no name", []string{"GATEHOUSE_CORS__ALLOW_HEADERS=*, X Y", "GATEHOUSE_CORS__EXPOSE_HEADERS=X:"}, []string{"GH-CFG-051", "GH-CFG-051"}},
		{"preflights that hold longer than browsers let them", []string{"GATEHOUSE_CORS__MAX_AGE=3h"}, []string{"GH-CFG-051"}},
		{"the private network", []string{"GATEHOUSE_CORS__PRIVATE_NETWORK=true"}, []string{"GH-CFG-052"}},
		{"the private network, accepted", []string{"GATEHOUSE_CORS__PRIVATE_NETWORK=true", "GATEHOUSE_ACCEPT_RISK=private-network"}, []string{"GH-CFG-047"}},
		{"the private network in development", []string{"GATEHOUSE_ENV=development", "GATEHOUSE_CORS__PRIVATE_NETWORK=true"}, []string{"GH-CFG-052"}},
		{"host that is no name", []string{"GATEHOUSE_HOSTS=a..b"}, []string{"GH-CFG-051"}},
		{"two listeners at one address", []string{"GATEHOUSE_LISTEN=127.0.0.1:9464", "GATEHOUSE_METRICS__LISTEN=localhost:9464"}, []string{"GH-CFG-051"}},
		{"a listener within one on every interface", []string{"GATEHOUSE_LISTEN=127.0.0.1:9464", "GATEHOUSE_METRICS__LISTEN=0.0.0.0:9464", "GATEHOUSE_ACCEPT_RISK=open-metrics"}, []string{"GH-CFG-051", "GH-CFG-047"}},
		{"listeners of both families", []string{"GATEHOUSE_LISTEN=[::1]:9464", "GATEHOUSE_METRICS__LISTEN=127.0.0.1:9464"}, nil},
		{"listeners at any free port", []string{"GATEHOUSE_LISTEN=localhost:0", "GATEHOUSE_METRICS__LISTEN=localhost:0"}, nil},
		{"token outlives its refresh", []string{"GATEHOUSE_IDENTITY__TOKEN__ACCESS_TTL=31d"}, []string{"GH-CFG-046"}},
		{"token of two days", []string{"GATEHOUSE_IDENTITY__TOKEN__ACCESS_TTL=2d"}, []string{"GH-CFG-046"}},
		{"refresh outlasts its session", []string{"GATEHOUSE_IDENTITY__TOKEN__REFRESH_TTL=31d"}, []string{"GH-CFG-046"}},
		{"session idles for seconds", []string{"GATEHOUSE_IDENTITY__SESSION__IDLE=59s"}, []string{"GH-CFG-046"}},
		{"session idles longer than it lasts", []string{"GATEHOUSE_IDENTITY__SESSION__IDLE=8d"}, []string{"GH-CFG-046"}},
		{"HS256 without a secret", []string{"GATEHOUSE_IDENTITY__TOKEN__ALGORITHM=HS256"}, []string{"GH-CFG-036"}},
		{"secret that nothing uses", []string{"JWT_SECRET=" + strong}, []string{"GH-CFG-045"}},
		{"the demo beyond this machine", []string{"GATEHOUSE_ENV=demo", "GATEHOUSE_LISTEN=:8001"}, []string{"GH-CFG-041", "GH-CFG-030"}},
		{"development beyond this machine", []string{"GATEHOUSE_ENV=development", "GATEHOUSE_LISTEN=:8001", "GATEHOUSE_SCHEDULER__OPEN=true"}, []string{"GH-CFG-030"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, r := config.Load(config.Input{Environ: row.env})
			wants(t, r, row.want...)
		})
	}
}

func TestDatabaseInProduction(t *testing.T) {
	for _, row := range []struct {
		name string
		env  []string
		want []string
	}{
		{"two roles", []string{pgApp, pgOwn, seal}, nil},
		{"the weaker role alone", []string{pgApp, seal}, nil},
		{"the same role twice", []string{pgApp, strings.ReplaceAll(pgOwn, "owner:", "app:"), seal}, []string{"GH-CFG-037"}},
		{"one role in development", []string{pgApp, "GATEHOUSE_ENV=development"}, nil},
		{"nodes without one sealing key", []string{pgApp, pgOwn}, []string{"GH-CFG-036"}},
		{"not verified", []string{"DATABASE_URL=postgres://app:c7NhPfD2aEgUo@db.example/d?sslmode=require", pgOwn, seal}, []string{"GH-CFG-038"}},
		{"owner not verified", []string{pgApp, "GATEHOUSE_DATABASE__OWNER_URL=postgres://owner:yLc7NhPfD2aEg@db.example/d?sslmode=disable", seal}, []string{"GH-CFG-038"}},
		{"not verified, accepted", []string{"DATABASE_URL=postgres://app:c7NhPfD2aEgUo@db.example/d?sslmode=require", pgOwn, seal, "GATEHOUSE_ACCEPT_RISK=plain-database"}, []string{"GH-CFG-047"}},
		{"verified", []string{"DATABASE_URL=postgres://app:c7NhPfD2aEgUo@db.example/d", pgOwn, seal}, nil},
		{"arguments in the statement", []string{pgApp + "?default_query_exec_mode=simple_protocol", pgOwn, seal}, []string{"GH-CFG-039"}},
		{"no address", []string{"DATABASE_URL=mysql://x", pgOwn, seal}, []string{"GH-CFG-039"}},
		{"PostgreSQL without an address", []string{"GATEHOUSE_DATABASE__ENGINE=postgres", seal}, []string{"GH-CFG-039"}},
		{"SQLite with an address", []string{"GATEHOUSE_DATABASE__ENGINE=sqlite", pgApp, seal}, []string{"GH-CFG-039"}},
		{"owner alone", []string{pgOwn}, []string{"GH-CFG-039"}},
		{"pool", []string{"GATEHOUSE_DATABASE__POOL__MIN=11"}, []string{"GH-CFG-039"}},
		{"weak password far away", []string{"DATABASE_URL=postgres://app:postgres@db.example/d", pgOwn, seal}, []string{"GH-CFG-035"}},
		{"short password far away", []string{"DATABASE_URL=postgres://app:x7!qLr@db.example/d", pgOwn, seal}, []string{"GH-CFG-034"}},
		{"seed 0's password on this machine", []string{"PGHOST=localhost", "PGUSER=development", "PGPASSWORD=development", "PGDATABASE=d", "NODE_ENV=development"}, []string{"GH-CFG-035"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, r := config.Load(config.Input{Environ: row.env})
			wants(t, r, row.want...)
		})
	}
	_, r := config.Load(config.Input{Environ: []string{"PGHOST=localhost", "PGUSER=development", "PGPASSWORD=development", "PGDATABASE=d", "NODE_ENV=development"}})
	if r.Err() != nil {
		t.Errorf("a weak password on this machine refuses development: %s", r)
	}
}

// TestWeakSecrets tries the secrets of the guides first.
func TestWeakSecrets(t *testing.T) {
	for _, row := range []struct{ secret, want string }{
		{"myTopSecretKey123", "GH-CFG-035"},
		{"mySuperSecretKey123", "GH-CFG-035"},
		{"super_secret_key_for_dev", "GH-CFG-035"},
		{"your_clerk_secret_key_here", "GH-CFG-035"},
		{"secret", "GH-CFG-035"},
		{"changeme", "GH-CFG-035"},
		{"changeme-changeme-changeme-changeme", "GH-CFG-035"},
		{"this-is-my-super-secret-jwt-key-1234567890", "GH-CFG-035"},
		{"Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgU", "GH-CFG-034"}, // 31 bytes
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "GH-CFG-035"},
		{"abcd1234abcd1234abcd1234abcd1234abc", "GH-CFG-035"},
		{"x", "GH-CFG-034"},
		// The sample of jwt.io, today's and the one before it, twice to be long enough.
		{"a-string-secret-at-least-256-bits-long", "GH-CFG-035"},
		{"your-256-bit-secret-your-256-bit-secret", "GH-CFG-035"},
		{"your-secret-key-min-32-characters-long", "GH-CFG-035"},
		{"super-secret-jwt-token-with-at-least-32-characters-long", "GH-CFG-035"}, // Supabase
		{"THIS IS USED TO SIGN AND VERIFY JWT TOKENS, REPLACE IT WITH YOUR OWN SECRET, IT CAN BE ANY STRING", "GH-CFG-035"},
		{"CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET", "GH-CFG-035"}, // Superset, CVE-2023-27524
		{"please-change-me-to-something-random-0123456789", "GH-CFG-035"},
		{"abcdefghijklmnopqrstuvwxyz0123456789", "GH-CFG-035"},
		{"c3VwZXItc2VjcmV0LWp3dC10b2tlbi13aXRoLWF0LWxlYXN0LTMyLWNoYXJhY3RlcnMtbG9uZw==", "GH-CFG-035"},           // the same in base64
		{"796f75722d7365637265742d6b65792d6d696e2d33322d636861726163746572732d6c6f6e67", "GH-CFG-035"},           // and in hex
		{"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "GH-CFG-035"},                       // FastAPI
		{"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", "GH-CFG-035"},                       // Flask
		{"404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970", "GH-CFG-035"},                       // Spring Security
		{"3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R", "GH-CFG-035"},                    // Hasura
		{"255d861b-5ea1-5996-9aa3-922530ec40b1", "GH-CFG-035"},                                                   // Directus
		{"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow", "GH-CFG-035"}, // RFC 7515 A.1
		{"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg", "GH-CFG-035"},                                            // RFC 7520 section 3.5
		{strong, ""},
		{"3f9c1ad07be25846c0d1f2a39b8e7c65", ""},
		{"-----BEGIN X-----\nMC4CAQAwBQYDK2VwBCIEIKxq", ""},
	} {
		for _, name := range []string{"GATEHOUSE_IDENTITY__SEALING_KEY", "GATEHOUSE_SETUP_TOKEN", "JWT_SECRET"} {
			_, r := config.Load(config.Input{Environ: []string{name + "=" + row.secret, "GATEHOUSE_IDENTITY__TOKEN__ALGORITHM=HS256", "JWT_SECRET=" + keep(name, row.secret)}})
			if row.want == "" {
				wants(t, r)
			} else {
				wants(t, r, row.want)
			}
			c, r := config.Load(config.Input{Environ: []string{name + "=" + row.secret, "GATEHOUSE_ENV=demo", "JWT_SECRET=" + keep(name, row.secret), "GATEHOUSE_IDENTITY__TOKEN__ALGORITHM=HS256"}})
			if r.Err() != nil || c.Environment != config.Demo {
				t.Errorf("the demo is refused: %s", r)
			}
		}
	}
}

// TestRandomSecretsAreStrong: what openssl rand writes is never taken for words.
func TestRandomSecretsAreStrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := make([]byte, rapid.IntRange(24, 64).Draw(t, "bytes"))
		_, _ = rand.NewChaCha8(chacha(rapid.Uint64().Draw(t, "seed"))).Read(b)
		for _, secret := range []string{
			hex.EncodeToString(b[:16]), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
			base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b), base32.StdEncoding.EncodeToString(b),
		} {
			if _, r := config.Load(config.Input{Environ: []string{"GATEHOUSE_IDENTITY__SEALING_KEY=" + secret}}); r.Err() != nil {
				t.Fatalf("%s: %s", secret, r)
			}
		}
	})
}

func chacha(n uint64) (seed [32]byte) {
	binary.LittleEndian.PutUint64(seed[:], n)
	return seed
}

// keep is the token secret that stands beside the one that is tried.
func keep(name, secret string) string {
	if name == "JWT_SECRET" {
		return secret
	}
	return strong
}

func TestCheckLimits(t *testing.T) {
	c, r := load(t, "limits:\n  login: 5/15m\n  schedular: 10/1m\n")
	wants(t, r)
	found := c.CheckLimits([]string{"login", "scheduler"})
	if len(found) != 1 || found[0].Code != "GH-CFG-044" || found[0].Line != 3 || !strings.Contains(found[0].Fix, `"scheduler"`) {
		t.Errorf("%v", found)
	}
}

// TestAcceptedRisksAreTold: every risk there is can be accepted, and is told.
func TestAcceptedRisksAreTold(t *testing.T) {
	var names []string
	for _, risk := range config.Risks() {
		names = append(names, risk[0])
	}
	c, r := config.Load(config.Input{Environ: []string{"GATEHOUSE_ACCEPT_RISK=" + strings.Join(names, ",")}})
	if r.Err() != nil || len(r.Warnings) != len(names) || !slices.Equal(c.AcceptRisk, names) {
		t.Errorf("%s", r)
	}
	for _, name := range names {
		if !c.Accepts(config.Risk(name)) {
			t.Errorf("%s is not accepted", name)
		}
	}
}
