package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// says fails for each text that a page does not have, whatever its line ends.
func says(t *testing.T, page string, texts ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(strings.Fields(string(data)), " ")
	for _, want := range texts {
		if !strings.Contains(all, want) {
			t.Errorf("%s does not say: %s", page, want)
		}
	}
}

// TestKeysPage compares the lives of keys on the page with the program.
func TestKeysPage(t *testing.T) {
	cfg := Config{}.withDefaults()
	says(t, "reference/keys-and-data.md",
		fmt.Sprintf("| sealing key, %d bytes at least |", MinKey),
		fmt.Sprintf("signs %.0f days, verifies until its last token has expired", cfg.RotateEvery.Hours()/24),
		fmt.Sprintf("addresses %.0f days", deviceTTL.Hours()/24),
	)
}

// TestSigningInPage compares what the page says with the program.
func TestSigningInPage(t *testing.T) {
	cfg := Config{}.withDefaults()
	h := testHasher(t, PasswordConfig{Parallel: 1})
	says(t, "explanation/signing-in.md",
		"<!-- words --> `"+strings.Join(ContextWords(), "` `")+"` <!-- end -->",
		fmt.Sprintf("%d to %d characters", MinPassword, MaxPassword),
		fmt.Sprintf("Argon2id with %d MiB and %d passes", h.cfg.Memory>>10, h.cfg.Time),
		fmt.Sprintf("bcrypt hash, of cost %d to %d, is compared as where it came from, by %d bytes, until", bcrypt.MinCost, maxBcryptCost, bcryptLimit),
		fmt.Sprintf("from %d failures of %d addresses in %.0f minutes on", attackFailures, attackAddresses, attackWindow.Minutes()),
		fmt.Sprintf("waits %d ms, twice as long after every 5 more, %.0f s at most", firstDelay.Milliseconds(), longestDelay.Seconds()),
		fmt.Sprintf("%d waiting for each", h.cfg.Queue),
		fmt.Sprintf("in the last %.0f days", deviceTTL.Hours()/24),
		fmt.Sprintf("an invitation works once, within %.0f hours", cfg.InviteTTL.Hours()),
		fmt.Sprintf("once, within %.0f minutes, from this machine", setupTTL.Minutes()),
		fmt.Sprintf("a refresh token, %d random bits", tokenSize*8),
		fmt.Sprintf("| a session of tokens, whatever it does | %.0f days", cfg.FamilyTTL.Hours()/24),
	)
}

// A member may have any number of sessions (ASVS 5.0 7.1.2).
func TestSessionsMakeNoRoom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.member(t, "lydia", Ordinary)
		first := w.login(t, "lydia", true)
		for range 10 {
			w.clock.move(time.Second)
			w.login(t, "lydia", true)
		}
		if _, err := w.Cookie().Verify(t.Context(), first.Cookie); err != nil {
			t.Errorf("the first of eleven sessions: %v", err)
		}
	})
}
