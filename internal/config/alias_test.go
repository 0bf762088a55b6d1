package config_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/config"
)

// TestSeedNames reads the variables of the programs that Gatehouse replaces.
func TestSeedNames(t *testing.T) {
	const secret = "Vw1mZ0kq8sXb3TjR5yLc7NhPfD2aEgUo"
	for _, row := range []struct {
		name    string
		environ []string
		path    string
		want    string
		origin  string
	}{
		{"environment", []string{"NODE_ENV=test"}, "environment", "test", "environment NODE_ENV"},
		{"environment, ours is stronger", []string{"NODE_ENV=production", "GATEHOUSE_ENV=test"}, "environment", "test", "environment GATEHOUSE_ENV"},
		{"port", []string{"PORT=3001"}, "listen", "localhost:3001", "environment PORT"},
		{"CORS", []string{"CORS_ORIGIN=https://a.example", "FRONTEND_URL=https://b.example/", "FRONTEND_URLS=https://a.example,https://c.example"},
			"cors.origins", "https://a.example, https://b.example, https://c.example", "environment CORS_ORIGIN, FRONTEND_URL, FRONTEND_URLS"},
		{"token life", []string{"JWT_EXPIRES_IN=1h"}, "identity.token.access_ttl", "1h", "environment JWT_EXPIRES_IN"},
		{"error mode", []string{"TEST_ERROR=1", "NODE_ENV=test"}, "scheduler.error_mode", "true", "environment TEST_ERROR"},
		{"empty is not set", []string{"PORT=", "GATEHOUSE_LISTEN="}, "listen", "localhost:8001", "default"},
		{"scheduler's database", []string{"NODE_ENV=test", "PGHOST=localhost", "PGUSER=development", "PGDATABASE=scheduler_development", "PGPORT=5432"},
			"database.engine", "postgres", "default"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, r := config.Load(config.Input{Environ: row.environ})
			wants(t, r)
			if v := valueOf(t, c, row.path); v.Value != row.want || v.Origin != row.origin {
				t.Errorf("%+v, not %s from %s", v, row.want, row.origin)
			}
		})
	}
	c, _ := config.Load(config.Input{Environ: []string{"JWT_SECRET=" + secret, "GATEHOUSE_IDENTITY__TOKEN__ALGORITHM=HS256"}})
	if c.Identity.Token.Secret.Reveal() != secret {
		t.Error("JWT_SECRET is not identity.token.secret")
	}
}

// TestFaultsOfTheEnvironmentNameTheVariable states what cannot be used, under
// names of ours and of the older programs, and in a file of a secret.
func TestFaultsOfTheEnvironmentNameTheVariable(t *testing.T) {
	for _, row := range []struct{ variable, code, place string }{
		{"PORT=x", "GH-CFG-012", "environment PORT  "},
		{"GATEHOUSE_LOG__LEVEL=loud", "GH-CFG-012", "environment GATEHOUSE_LOG__LEVEL  "},
		{"GATEHOUSE_LOG__LEVLE=info", "GH-CFG-015", "environment GATEHOUSE_LOG__LEVLE  "},
		{"GATEHOUSE_IDENTITY__SEALING_KEY=qX7f2", "GH-CFG-034", "environment GATEHOUSE_IDENTITY__SEALING_KEY  "},
		{"GATEHOUSE_IDENTITY__SEALING_KEY_FILE=nowhere", "GH-CFG-001", "environment GATEHOUSE_IDENTITY__SEALING_KEY_FILE  "},
		{"GATEHOUSE_IDENTITY__SEALING_KEY_FILE=key", "GH-CFG-034", "environment GATEHOUSE_IDENTITY__SEALING_KEY_FILE  "},
	} {
		_, r := config.Load(config.Input{Dir: folder(t, map[string]string{"key": "qX7f2"}), Environ: []string{row.variable}})
		if said := r.String(); !strings.HasPrefix(said, row.place+row.code) {
			t.Errorf("%s: it says\n%s", row.variable, said)
		}
	}
}

func TestSeedDatabases(t *testing.T) {
	for _, row := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"one address", []string{"DATABASE_URL=postgres://u:p@h:1/d", "PGHOST=x", "DB_HOST=y"}, "postgres://u:p@h:1/d"},
		{"seed 0", []string{"PGHOST=localhost", "PGUSER=development", "PGDATABASE=scheduler_development", "PGPASSWORD=development", "PGPORT=5433"},
			"postgres://development:development@localhost:5433/scheduler_development"},
		{"seed 4", []string{"DB_NAME=org_management", "DB_USER=postgres", "DB_PASSWORD=a b/c@d"}, "postgres://postgres:a%20b%2Fc%40d@localhost:5432/org_management"},
		{"a socket", []string{"PGHOST=/run/postgresql", "PGDATABASE=d"}, "postgres:///d?host=%2Frun%2Fpostgresql&port=5432"},
		{"IPv6", []string{"PGHOST=::1"}, "postgres://[::1]:5432/"},
		{"a password alone chooses nothing", []string{"PGPASSWORD=x", "PGUSER=y", "DB_PASSWORD=z"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _ := config.Load(config.Input{Environ: append(row.environ, "NODE_ENV=test")})
			if got := c.Database.URL.Reveal(); got != row.want {
				t.Errorf("%s, not %s", got, row.want)
			}
		})
	}
}

// TestPartsFromTwoSources joins a host in .env with a password in the
// environment, as deployments commonly have them.
func TestPartsFromTwoSources(t *testing.T) {
	c, _ := config.Load(config.Input{
		Dir:     folder(t, map[string]string{".env": "PGHOST=db.example\nPGUSER=app\nPGDATABASE=d\n", "pw": "s3cret-enough-pw\n"}),
		Environ: []string{"PGPASSWORD_FILE=pw", "NODE_ENV=test"},
	})
	if got := c.Database.URL.Reveal(); got != "postgres://app:s3cret-enough-pw@db.example:5432/d" {
		t.Error(got)
	}
	if v := valueOf(t, c, "database.url"); v.Origin != ".env PGHOST, PGUSER, PGDATABASE" || v.Value != "********" {
		t.Errorf("%+v", v)
	}
}

func TestNamesWithoutEffect(t *testing.T) {
	_, r := config.Load(config.Input{Environ: []string{"CLERK_SECRET_KEY=x", "GOOGLE_CLIENT_ID=y", "PORT=1", "GATEHOUSE_LISTEN=localhost:2"}})
	wants(t, r, "GH-CFG-018", "GH-CFG-018", "GH-CFG-017")
}
