package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/config"
)

// TestSecretIsNeverPrinted prints a whole Config in every way there is.
func TestSecretIsNeverPrinted(t *testing.T) {
	c, r := config.Load(config.Input{Environ: []string{
		"GATEHOUSE_IDENTITY__SEALING_KEY=" + strong, "GATEHOUSE_SETUP_TOKEN=" + strong, "JWT_SECRET=" + strong,
		strings.ReplaceAll(pgApp, "c7NhPfD2aEgUo", strong), strings.ReplaceAll(pgOwn, "yLc7NhPfD2aEg", strong),
	}})
	if r.Err() != nil || c.Identity.SealingKey.Reveal() != strong {
		t.Fatal(r)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("start", "config", c, "identity", c.Identity, "key", c.Identity.SealingKey, "url", c.Database.URL)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{
		fmt.Sprint(c.Identity.SealingKey), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c.Identity, c.Database.URL),
		fmt.Sprintf("%v %+v %#v", *c, *c, *c), fmt.Sprintf("%x %d", c.Identity.SealingKey, c.Identity.SealingKey),
		log.String(), string(asJSON), c.Show(true), r.String(), fmt.Sprintf("%#v", r),
	} {
		if strings.Contains(said, strong) || strings.Contains(said, fmt.Sprintf("%x", strong)) {
			t.Errorf("prints the secret: %s", said)
		}
	}
	if !strings.Contains(string(asJSON), "********") || !strings.Contains(c.Show(false), "identity.sealing_key: ********") {
		t.Error("does not show that there is a secret")
	}
}

func TestSecretAlone(t *testing.T) {
	if v := slog.AnyValue(config.NewSecret(strong)).Resolve(); v.Kind() != slog.KindString || v.String() != "********" {
		t.Errorf("a record would hold %v", v)
	}
	if s := config.NewSecret(""); s.IsSet() || s.String() != "" {
		t.Error("the empty text is a secret")
	}
}
