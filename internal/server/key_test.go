package server

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

const sealing = "q8Zr3vLx0TnB5mWc7YdKp2HsGf9JaEuR"

func TestSealingKeyIsMadeOnceForItsOwnerAlone(t *testing.T) {
	cfg := load(t)
	if err := MakeData(cfg); err != nil {
		t.Fatal(err)
	}
	db, err := OpenStore(t.Context(), cfg, slog.New(slog.DiscardHandler), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	first, err := sealingKey(t.Context(), cfg, db)
	if err != nil || len(first) < 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	again, err := sealingKey(t.Context(), cfg, db)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second start has another key: %v", err)
	}
	info, err := os.Stat(cfg.SealingKeyPath())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	given := load(t, config.Flag{Path: "identity.sealing_key", Value: sealing})
	if key, err := sealingKey(t.Context(), given, nil); err != nil || string(key) != sealing {
		t.Errorf("a key of the settings is not taken: %v", err)
	}
}

// TestLostSealingKeyIsMissed takes the key of a used database away, spoils it
// and replaces it, and wants to be told which file is meant and what to do.
func TestLostSealingKeyIsMissed(t *testing.T) {
	for _, engine := range store.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			var flags []config.Flag
			if engine == store.Postgres {
				db := storetest.Postgres(t)
				flags = []config.Flag{{Path: "database.url", Value: db.URL}, {Path: "database.owner_url", Value: db.OwnerURL}}
			}
			cfg := load(t, flags...)
			path := cfg.SealingKeyPath()
			start := func() error {
				s, err := Open(t.Context(), Options{Config: cfg, Log: slog.DiscardHandler})
				if err != nil {
					return err
				}
				return s.Close()
			}
			if err := start(); err != nil {
				t.Fatal(err)
			}
			key, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for name, spoilt := range map[string][]byte{"is missing": nil, "has 31 bytes": key[:31], "sealed with another key": bytes.Repeat(key[:16], 4)} {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				if spoilt != nil {
					if err := os.WriteFile(path, spoilt, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				err := start()
				if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "Bring back the key") {
					t.Errorf("%s: %v", name, err)
				}
				if left, _ := os.ReadFile(path); !bytes.Equal(left, spoilt) {
					t.Errorf("%s: the file was written to", name)
				}
				if err := os.WriteFile(path, key, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := start(); err != nil {
				t.Errorf("with the key brought back: %v", err)
			}
			replaced(t, cfg)
			if err := start(); err != nil {
				t.Errorf("replaced as the page says: %v", err)
			}
		})
	}
}

// replaced does what the text says of a lost key.
func replaced(t *testing.T, cfg *config.Config) {
	t.Helper()
	if err := os.Remove(cfg.SealingKeyPath()); err != nil {
		t.Fatal(err)
	}
	db, err := OpenStore(t.Context(), cfg, slog.New(slog.DiscardHandler), true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Write(t.Context(), store.System(), nil, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM identity_keys`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
