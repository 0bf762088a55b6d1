// Package audit proves that make audit fails when it should.
package audit

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditFailsOnAReachedVulnerability gives make audit a database in which a
// function that identity calls, argon2.IDKey, is vulnerable in every version.
func TestAuditFailsOnAReachedVulnerability(t *testing.T) {
	db, err := filepath.Abs(filepath.Join("testdata", "vulndb"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := audit(t, "file://"+db)
	if err == nil || !strings.Contains(out, "argon2.IDKey") || !strings.Contains(out, "A known vulnerability is reached") {
		t.Errorf("ended with %v and said:\n%s", err, out)
	}
	if !strings.Contains(out, "dated 2026-11-01") {
		t.Errorf("does not say how old the database is:\n%s", out)
	}
}

// TestAuditFailsWithoutADatabase: what was not looked at is not passed.
func TestAuditFailsWithoutADatabase(t *testing.T) {
	out, err := audit(t, "file://"+t.TempDir())
	if err == nil || !strings.Contains(out, "Nothing was checked") {
		t.Errorf("ended with %v and said:\n%s", err, out)
	}
}

func audit(t *testing.T, db string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", "-C", filepath.Join("..", ".."), "--no-print-directory", "audit")
	cmd.Env = append(cmd.Environ(), "GATEHOUSE_VULNDB="+db, "GOFLAGS=", "MAKEFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
