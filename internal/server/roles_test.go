package server

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// TestRefusedRoleGetsNoRights starts with a role that row-level security does
// not bind. The migrations would give it the rights that its successor needs.
func TestRefusedRoleGetsNoRights(t *testing.T) {
	server := storetest.NewServer(t)
	d := server.Fresh(t, nil)
	start := func(address string) error {
		cfg := load(t, config.Flag{Path: "environment", Value: "production"}, config.Flag{Path: "identity.sealing_key", Value: sealing},
			config.Flag{Path: "database.url", Value: address}, config.Flag{Path: "database.owner_url", Value: d.OwnerURL})
		db, err := OpenStore(t.Context(), cfg, slog.New(slog.DiscardHandler), true)
		if err != nil {
			return err
		}
		return db.Close()
	}
	wantError := func(err error, words ...string) {
		t.Helper()
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Fatalf("error %v, want one with %q", err, w)
			}
		}
	}
	server.Super(t, "ALTER ROLE gatehouse_app SUPERUSER")
	wantError(start(d.URL), "is a superuser")
	server.Super(t, "ALTER ROLE gatehouse_app NOSUPERUSER")
	db, err := store.Open(t.Context(), d.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var none bool
	err = db.Read(t.Context(), store.System(), func(tx *store.Tx) error {
		return tx.QueryRow(t.Context(), "SELECT to_regclass('counters') IS NULL").Scan(&none)
	})
	if err != nil || !none {
		t.Errorf("the database was migrated for a role that is refused (%v)", err)
	}
	if err := start(d.URL); err != nil {
		t.Errorf("the right role afterwards: %v", err)
	}

	u, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("newcomer", "kV7-of-the-newcomer-9Qz")
	server.Super(t, "CREATE ROLE newcomer LOGIN PASSWORD 'kV7-of-the-newcomer-9Qz'")
	wantError(start(u.String()), `gave them to "gatehouse_app"`, `GRANT "gatehouse_app" TO "newcomer"`)
	server.Super(t, "GRANT gatehouse_app TO newcomer")
	if err := start(u.String()); err != nil {
		t.Errorf("in the role that has the rights: %v", err)
	}
}
