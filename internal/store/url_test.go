package store

import (
	"strings"
	"testing"
)

func TestTLSUnlessLocal(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	for _, row := range []struct {
		url, tls, target string
		local            bool
	}{
		{"postgres://u:p@db.example.com/gate", "verify-full", "db.example.com:5432/gate", false},
		{"postgresql://u:p@10.0.0.7:6432/gate?sslmode=require", "require", "10.0.0.7:6432/gate", false},
		{"postgres://u:p@db.example.com/gate?sslmode=disable", "disable", "db.example.com:5432/gate", false},
		{"postgres://u:p@localhost/gate", "prefer", "localhost:5432/gate", true},
		{"postgres://u:p@127.0.0.1/gate", "prefer", "127.0.0.1:5432/gate", true},
		{"postgres://u:p@127.9.9.9/gate", "prefer", "127.9.9.9:5432/gate", true},
		{"postgres://u:p@[::1]/gate", "prefer", "[::1]:5432/gate", true},
		{"postgres://u:p@/gate?host=/run/postgresql", "prefer", "/run/postgresql/gate", true},
		{"postgres://u:p@127.0.0.1:5432,db.example.com:5432/gate", "verify-full", "127.0.0.1:5432/gate", false},
		{"postgres://u:p@127.0.0.1.example.com/gate", "verify-full", "127.0.0.1.example.com:5432/gate", false},
		{"postgres://u:p@localhost.example.com/gate", "verify-full", "localhost.example.com:5432/gate", false},
		{"postgres://u:p@0.0.0.0/gate", "verify-full", "0.0.0.0:5432/gate", false},
	} {
		target, pc, err := parseURL(row.url)
		if err != nil {
			t.Errorf("%s: %v", row.url, err)
			continue
		}
		if target.TLS != row.tls || target.Local != row.local || target.String() != row.target || target.User != "u" {
			t.Errorf("%s: %+v %s", row.url, target, target)
		}
		if row.tls != "verify-full" {
			continue
		}
		for _, f := range pc.ConnConfig.Fallbacks {
			if f.TLSConfig == nil || f.TLSConfig.InsecureSkipVerify {
				t.Errorf("%s: falls back to %s without verifying", row.url, f.Host)
			}
		}
		if c := pc.ConnConfig.TLSConfig; c == nil || c.InsecureSkipVerify || c.ServerName == "" {
			t.Errorf("%s: does not verify the server: %+v", row.url, c)
		}
	}
}

func TestURLErrorsDoNotHoldThePassword(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, raw := range []string{
		"postgres://u:" + secret + "@db.example.com/gate?default_query_exec_mode=simple_protocol",
		"postgres://u:" + secret + "@db.example.com/gate?default_query_exec_mode=" + secret,
		"postgres://u:" + secret + "@db.example.com/gate?sslmode=" + secret,
		"postgres://u:" + secret + "@db.example.com/gate?sslrootcert=/" + secret,
		"postgres://u:" + secret + "@db.example.com:port/gate",
		"postgres://u:" + secret + "%zz@db.example.com/gate",
		"postgres://u:" + secret + "@db.example.com/gate?connect_timeout=soon",
		"postgres://u:" + secret + "@db.example.com/gate?pool_max_conns=many",
		"mysql://u:" + secret + "@db.example.com/gate",
		"host=db.example.com user=u password=" + secret,
		"postgres:u:" + secret,
		" postgres://u:" + secret + "@h/d\x00",
	} {
		_, err := ParseURL(raw)
		if err == nil {
			t.Errorf("%s was accepted", raw)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the password is in: %v", err)
		}
	}
	if _, err := ParseURL("postgres://u:p@h/d?default_query_exec_mode=exec"); err != nil {
		t.Errorf("exec binds on the server, yet: %v", err)
	}
}

func TestEveryConnectionIsBounded(t *testing.T) {
	cfg := Config{}.withDefaults()
	_, pc, err := cfg.connConfig("postgres://u:p@db.example.com/gate?statement_timeout=77")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"statement_timeout": "77", "lock_timeout": "5000", "idle_in_transaction_session_timeout": "30000", "application_name": "gatehouse",
	} {
		if got := pc.ConnConfig.RuntimeParams[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	// Seed 4: max 10, min 0, acquire 30 s, idle 10 s.
	if p := cfg.Pool; p.Max != 10 || p.Min != 0 || p.Acquire.Seconds() != 30 || p.Idle.Seconds() != 10 {
		t.Errorf("pool %+v", p)
	}
}
