package jwk_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/authn/jwk"
)

// FuzzParseSet: whatever is fetched, nothing panics; a set that is taken is one
// that encoding/json reads too, gives no secret away, and has each key that is
// used for signatures; and each of its keys is taken alone as well.
func FuzzParseSet(f *testing.F) {
	for _, name := range []string{"rfc7517/a1-public.json", "rfc7517/a2-private.json", "rfc7517/a3-symmetric.json"} {
		f.Add(file(f, name))
	}
	f.Add(set(edKey+`,"kid":"a","use":"sig"`, ecKey+`,"kid":"b","key_ops":["verify"]`, rsaKey(f)+`,"alg":"RS256"`))
	f.Add(set(edKey+`,"use":"sig","key_ops":["encrypt"]`, ecKey+`,"d":"AQ"`))
	f.Add([]byte(`{"keys":[{"kty":"OKP"},{"kty":"EC","crv":"P-256"},null,[],7]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := jwk.ParseSet(data, "EdDSA", "ES256", "RS256")
		if err != nil {
			if found.Keys != nil {
				t.Fatalf("refused with keys: %v", err)
			}
			return
		}
		var seen struct{ Keys []map[string]json.RawMessage }
		if err := json.Unmarshal(data, &seen); err != nil || len(found.Keys)+len(found.Unused) != len(seen.Keys) {
			t.Fatalf("%d used and %d unused of %d: %v", len(found.Keys), len(found.Unused), len(seen.Keys), err)
		}
		for i, members := range seen.Keys {
			if members["d"] != nil || members["k"] != nil || string(members["kty"]) == `"oct"` {
				t.Fatal("a set with a secret is taken")
			}
			unused := slices.ContainsFunc(found.Unused, func(why string) bool {
				return strings.HasPrefix(why, fmt.Sprintf("key %d:", i+1)) || strings.HasPrefix(why, fmt.Sprintf("key %d ", i+1))
			})
			if alone := taken(members); alone == unused {
				t.Fatalf("key %d is unused: %v, taken alone: %v", i+1, unused, alone)
			}
			if use := string(members["use"]); !unused && use != "" && use != `"sig"` && !strings.Contains(use, `\`) {
				t.Fatalf("key %d is used, and is for %s", i+1, use)
			}
		}
	})
}

// taken tells whether a key is taken alone for one of the algorithms.
func taken(members map[string]json.RawMessage) bool {
	data, err := json.Marshal(members)
	if err != nil {
		return false
	}
	for _, alg := range []string{"EdDSA", "ES256", "RS256"} {
		if _, _, err := jwk.Parse(data, alg); err == nil {
			return true
		}
	}
	return false
}
