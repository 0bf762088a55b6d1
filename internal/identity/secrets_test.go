package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/netip"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

func testSecrets(t *testing.T, key string) *secrets {
	t.Helper()
	s, err := newSecrets([]byte(key), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const testKey = "a key for tests, 32 bytes or more"

func TestShortKeyIsRefused(t *testing.T) {
	if _, err := newSecrets(make([]byte, 31), rand.Reader); err == nil {
		t.Error("31 bytes are taken")
	}
}

func TestKeysOfEachUseDiffer(t *testing.T) {
	s := testSecrets(t, testKey)
	seen := map[string]bool{}
	for _, k := range [][]byte{s.successor, s.address, s.account, s.tokenID} {
		if len(k) != 32 || seen[string(k)] || bytes.Equal(k, []byte(testKey)) {
			t.Error("a derived key is short, used twice, or the key itself")
		}
		seen[string(k)] = true
	}
}

func TestSealedIsBoundToKeyAndName(t *testing.T) {
	s := testSecrets(t, testKey)
	sealed, err := s.sealed("one", []byte("private"))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := s.opened("one", sealed); err != nil || string(data) != "private" {
		t.Errorf("opened %q, %v", data, err)
	}
	if _, err := s.opened("two", sealed); err == nil {
		t.Error("opened under another name")
	}
	if _, err := testSecrets(t, "another key of 32 bytes and a bit").opened("one", sealed); err == nil {
		t.Error("opened with another key")
	}
	for _, bad := range []string{"", "AAAA", "not base64", sealed[:len(sealed)-4]} {
		if _, err := s.opened("one", bad); err == nil {
			t.Errorf("opened %q", bad)
		}
	}
}

func TestSuccessorNeedsTheKey(t *testing.T) {
	a, b := testSecrets(t, testKey), testSecrets(t, "another key of 32 bytes and a bit")
	parent, err := a.newToken()
	if err != nil {
		t.Fatal(err)
	}
	first, again := a.successorOf(parent), a.successorOf(parent)
	if first != again || !wellFormed(first) {
		t.Error("a successor is not a token, or not always the same")
	}
	if a.successorOf(parent) == b.successorOf(parent) || a.successorOf(parent) == parent {
		t.Error("a successor does not depend on the key")
	}
}

// ASVS 5.0 7.2.3 wants 128 bits of a secure source in a token; that the source
// is crypto/rand is a matter of Config.Random.
func TestTokensAreAllChance(t *testing.T) {
	var given bytes.Buffer
	s := storetest.Open(t, store.SQLite, []store.Schema{Schema()})
	w := newWorld(t, s, func(cfg *Config) { cfg.Random = io.TeeReader(rand.Reader, &given) })
	setup, _, errSetup := w.CreateSetupToken(t.Context(), "")
	w.member(t, "lydia", Ordinary)
	invitation, _, errInvite := w.CreateInvite(t.Context(), Operator(), Invitation{})
	if errSetup != nil || errInvite != nil {
		t.Fatal(errSetup, errInvite)
	}
	for name, token := range map[string]string{
		"cookie": w.login(t, "lydia", true).Cookie, "refresh token": w.login(t, "lydia", false).RefreshToken,
		"setup link": setup, "invitation": invitation,
	} {
		if b, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(b) < 128/8 || !bytes.Contains(given.Bytes(), b) {
			t.Errorf("%s: %d bytes, or not what the source gave: %v", name, len(b), err)
		}
	}
}

func TestAddressesCountByHousehold(t *testing.T) {
	s := testSecrets(t, testKey)
	of := func(a string) string { return s.addressOf(netip.MustParseAddr(a)) }
	if of("2001:db8:1:2::1") != of("2001:db8:1:2:ffff::9") || of("2001:db8:1:2::1") == of("2001:db8:1:3::1") {
		t.Error("IPv6 does not count by /64")
	}
	if of("192.0.2.1") == of("192.0.2.2") || of("192.0.2.1") != of("::ffff:192.0.2.1") {
		t.Error("IPv4 does not count by address")
	}
	if of("192.0.2.1") == testSecrets(t, "another key of 32 bytes and a bit").addressOf(netip.MustParseAddr("192.0.2.1")) {
		t.Error("the stored form of an address can be made without the key")
	}
}

func FuzzWellFormed(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB") // bits beyond the last byte
	f.Add("AAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if !wellFormed(s) {
			return
		}
		for _, b := range []byte(s) {
			if b != '-' && b != '_' && (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') {
				t.Errorf("%q is taken", s)
			}
		}
	})
}
