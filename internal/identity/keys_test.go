package identity

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/authn/jwk"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func eachStore(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	storetest.Each(t, []store.Schema{Schema()}, f)
}

func jwks(t *testing.T, w *world) jose.JSONWebKeySet {
	t.Helper()
	data, err := w.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), `"d"`) || strings.Contains(string(data), `"k"`) {
		t.Fatal("a private key is published")
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if read, err := jwk.ParseSet(data, edDSA, es256); len(set.Keys) > 0 && (err != nil || len(read.Keys) != len(set.Keys)) {
		t.Errorf("a gate before another API could not use the set: %v", err)
	}
	return set
}

// Another library verifies our tokens with nothing but the published keys.
func TestTokensVerifyWithThePublishedKeys(t *testing.T) {
	for _, algorithm := range []string{edDSA, es256} {
		t.Run(algorithm, func(t *testing.T) {
			eachStore(t, func(t *testing.T, s *store.Store) {
				w := newWorld(t, s, func(cfg *Config) { cfg.Algorithm = algorithm })
				m := w.member(t, "lydia", Counsellor)
				g := w.login(t, "lydia", false)
				token, err := jwt.ParseSigned(g.AccessToken, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
				if err != nil {
					t.Fatal(err)
				}
				set := jwks(t, w)
				if len(set.Keys) != 1 || !set.Keys[0].IsPublic() || set.Keys[0].Use != "sig" || set.Keys[0].Algorithm != algorithm {
					t.Fatalf("the keys are %+v", set.Keys)
				}
				if h := token.Headers[0]; h.KeyID != set.Keys[0].KeyID || h.ExtraHeaders["typ"] != "at+jwt" {
					t.Errorf("the header is %+v", h)
				}
				var registered jwt.Claims
				var own map[string]any
				if err := token.Claims(set.Keys[0].Key, &registered, &own); err != nil {
					t.Fatal(err)
				}
				err = registered.Validate(jwt.Expected{Issuer: "https://gate.example", Subject: m.ID, AnyAudience: jwt.Audience{"gatehouse"}, Time: w.clock.now()})
				if err != nil || registered.ID == "" || own["sid"] != g.Session || own["role"] != "counsellor" || own["client_id"] == nil {
					t.Errorf("the claims are %v, %v", own, err)
				}
				if life := registered.Expiry.Time().Sub(registered.IssuedAt.Time()); life != 15*time.Minute {
					t.Errorf("the token lives %v", life)
				}
				for _, personal := range []string{"email", "username", "name"} {
					if _, ok := own[personal]; ok {
						t.Errorf("the token tells the %s", personal)
					}
				}
			})
		})
	}
}

func TestSharedSecretIsNotPublished(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, func(cfg *Config) {
			cfg.Algorithm, cfg.SharedSecret = hs256, []byte("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
		})
		w.member(t, "lydia", Ordinary)
		if _, err := w.Bearer().Verify(t.Context(), w.login(t, "lydia", false).AccessToken); err != nil {
			t.Error(err)
		}
		if set := jwks(t, w); len(set.Keys) != 0 {
			t.Errorf("the keys are %+v", set.Keys)
		}
	})
}

func TestKeysRotate(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, nil)
		w.member(t, "lydia", Ordinary)
		w.clock.move(30*24*time.Hour - time.Second)
		old := w.login(t, "lydia", false)
		w.clock.move(2 * time.Second)
		fresh := w.login(t, "lydia", false)
		if kid(t, old.AccessToken) == kid(t, fresh.AccessToken) {
			t.Fatal("a key signs for longer than thirty days")
		}
		for name, g := range map[string]Grant{"old": old, "new": fresh} {
			if _, err := w.Bearer().Verify(t.Context(), g.AccessToken); err != nil {
				t.Errorf("a token of the %s key: %v", name, err)
			}
		}
		if set := jwks(t, w); len(set.Keys) != 2 {
			t.Errorf("%d keys are published", len(set.Keys))
		}
		w.clock.move(17 * time.Minute)
		if err := w.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if set := jwks(t, w); len(set.Keys) != 1 || set.Keys[0].KeyID != kid(t, fresh.AccessToken) {
			t.Errorf("after the last token of the old key: %+v", set.Keys)
		}
		if n := read[int64](t, s, store.System(), `SELECT count(*) FROM identity_keys`); n != 1 {
			t.Errorf("%d keys are kept", n)
		}
	})
}

func kid(t *testing.T, token string) string {
	t.Helper()
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var h struct{ Kid string }
	if err := json.Unmarshal(header, &h); err != nil {
		t.Fatal(err)
	}
	return h.Kid
}

func TestKeyEndsWithItsLastToken(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, nil)
		w.member(t, "lydia", Ordinary)
		id := kid(t, w.login(t, "lydia", false).AccessToken)
		w.clock.move(30*24*time.Hour + 15*time.Minute)
		if _, err := w.keys.find(id); err != nil {
			t.Errorf("while its last token lives: %v", err)
		}
		w.clock.move(2 * time.Minute)
		if _, err := w.keys.find(id); !errors.Is(err, authn.ErrInvalid) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestTokenHoldsWhenTheKeysAreReadAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, nil)
		w.member(t, "lydia", Ordinary)
		token := w.login(t, "lydia", false).AccessToken
		for range 2 {
			if _, err := w.Bearer().Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
			if _, err := w.keys.refresh(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestProcessesShareTheirKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		a, b := newWorld(t, s, nil), newWorld(t, s, nil)
		a.member(t, "lydia", Ordinary)
		token := a.login(t, "lydia", false).AccessToken
		if kid(t, token) != kid(t, b.login(t, "lydia", false).AccessToken) {
			t.Error("each process makes its own key")
		}
		a.clock.move(31 * 24 * time.Hour)
		b.clock.move(31 * 24 * time.Hour)
		token = a.login(t, "lydia", false).AccessToken
		if _, err := b.Bearer().Verify(t.Context(), token); err != nil {
			t.Errorf("the new key of another process: %v", err)
		}
	})
}

func TestOneKeyIsMadeByManyAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		worlds := []*world{newWorld(t, s, nil), newWorld(t, s, nil), newWorld(t, s, nil)}
		var wg sync.WaitGroup
		for _, w := range worlds {
			w.clock.move(31 * 24 * time.Hour)
			wg.Go(func() {
				if _, err := w.keys.signer(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := read[int64](t, s, store.System(), `SELECT count(*) FROM identity_keys`); n != 2 {
			t.Errorf("%d keys, not the old and one new", n)
		}
	})
}

func TestMadeUpKeyIDsDoNotReadEachTime(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, nil)
		w.clock.move(time.Minute)
		if _, err := w.keys.find("made up"); !errors.Is(err, authn.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		first := w.keys.ring.Load()
		for range 100 {
			_, _ = w.keys.find("made up")
		}
		if w.keys.ring.Load() != first {
			t.Error("each made-up key id reads the table")
		}
	})
}

func TestMadeUpKeyIDsDoNotQueueForAStoreThatIsDown(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, nil)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		w.clock.move(time.Minute)
		for range 2 {
			if _, err := w.keys.find("made up"); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			w.clock.move(time.Second)
		}
		if tries := w.clock.now().Sub(w.keys.failed.at); tries != 2*time.Second {
			t.Errorf("the store was asked %v ago", tries)
		}
	})
}

func TestAnotherSealingKeyIsNoticedAtTheStart(t *testing.T) {
	eachStore(t, func(t *testing.T, s *store.Store) {
		newWorld(t, s, nil)
		other, err := New(Config{Store: s, Key: []byte("another key of 32 bytes and a bit"), Issuer: "i", Audience: "a"})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Prepare(t.Context()); !errors.Is(err, ErrSealed) {
			t.Errorf("Prepare gives %v", err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	s := storetest.Open(t, store.SQLite, []store.Schema{Schema()})
	good := Config{Store: s, Key: []byte(testKey), Issuer: "i", Audience: "a"}
	for name, change := range map[string]func(*Config){
		"no store":                  func(c *Config) { c.Store = nil },
		"no key":                    func(c *Config) { c.Key = nil },
		"no issuer":                 func(c *Config) { c.Issuer = "" },
		"no audience":               func(c *Config) { c.Audience = "" },
		"RS256":                     func(c *Config) { c.Algorithm = "RS256" },
		"none":                      func(c *Config) { c.Algorithm = "none" },
		"HS256 without a secret":    func(c *Config) { c.Algorithm = hs256 },
		"HS256 with a short secret": func(c *Config) { c.Algorithm, c.SharedSecret = hs256, []byte("myTopSecretKey123") },
		"a secret for EdDSA":        func(c *Config) { c.SharedSecret = []byte(testKey) },
		"sign-up for some":          func(c *Config) { c.SignUp = "some" },
		"tokens of a week":          func(c *Config) { c.AccessTTL = 7 * 24 * time.Hour },
		"refresh before access":     func(c *Config) { c.RefreshTTL = time.Minute },
		"family before refresh":     func(c *Config) { c.FamilyTTL = time.Hour },
		"idle longer than session":  func(c *Config) { c.IdleTTL = 48 * time.Hour },
		"negative grace":            func(c *Config) { c.Grace = -1 },
		"hash memory of nothing":    func(c *Config) { c.Passwords.Memory = 1 },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}
