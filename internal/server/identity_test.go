package server

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/identity"
)

// TestSettingsReachIdentity states settings and wants what they promise of the
// service that is built from them.
func TestSettingsReachIdentity(t *testing.T) {
	list := filepath.Join(t.TempDir(), "passwords.txt")
	if err := os.WriteFile(list, []byte("Purple Lantern 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	service := openIdentity(t, config.Flag{Path: "identity.password_words", Value: "Rockets, Acme"}, config.Flag{Path: "identity.refused_passwords", Value: list},
		config.Flag{Path: "identity.token.access_ttl", Value: "5m"}, config.Flag{Path: "identity.session.absolute", Value: "2h"}, config.Flag{Path: "identity.session.idle", Value: "1h"})
	n := identity.NewMember{Username: "lydia", Email: "lydia@example.org"}
	for name, password := range map[string]string{"of the list": "purple lantern 7", "of the organisation": "AcmeRockets99", "of the host": "Gate-Elsewhere-1"} {
		n.Password = password
		if _, err := service.AddMember(t.Context(), identity.Operator(), n); !errors.As(err, &identity.Faults{}) {
			t.Errorf("a password %s: %v", name, err)
		}
	}
	n.Password = "correct horse battery"
	if _, err := service.AddMember(t.Context(), identity.Operator(), n); err != nil {
		t.Fatal(err)
	}
	c := identity.Credentials{Email: n.Email, Password: n.Password}
	tokens, err := service.Login(t.Context(), c, identity.Origin{})
	c.Cookie = true
	cookie, errCookie := service.Login(t.Context(), c, identity.Origin{})
	if left := time.Until(cookie.CookieExpires).Round(time.Minute); err != nil || errCookie != nil || tokens.ExpiresIn != 5*time.Minute || left != 2*time.Hour {
		t.Errorf("a token for %v, %v; a cookie for %v, %v", tokens.ExpiresIn, err, left, errCookie)
	}
}

func TestListOfPasswordsThatIsNone(t *testing.T) {
	list := filepath.Join(t.TempDir(), "passwords.txt")
	if err := os.WriteFile(list, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := load(t, config.Flag{Path: "identity.refused_passwords", Value: list}, config.Flag{Path: "identity.sealing_key", Value: sealing})
	if _, err := OpenIdentity(t.Context(), cfg, nil, IdentityOptions{}); err == nil || !strings.Contains(err.Error(), "identity.refused_passwords") {
		t.Errorf("an empty list, which refuses nothing: %v", err)
	}
}

func openIdentity(t *testing.T, flags ...config.Flag) *identity.Service {
	t.Helper()
	cfg := load(t, flags...)
	if err := MakeData(cfg); err != nil {
		t.Fatal(err)
	}
	db, err := OpenStore(t.Context(), cfg, slog.New(slog.DiscardHandler), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	service, err := OpenIdentity(t.Context(), cfg, db, IdentityOptions{Log: slog.New(slog.DiscardHandler), Issuer: "https://gate.elsewhere.example"})
	if err != nil {
		t.Fatal(err)
	}
	return service
}
