package jwk_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/authn/jwk"
)

// sound are keys that are taken for their algorithm; every attack below differs
// from one of them in the thing that its name says.
func sound(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"EdDSA": edKey, "ES256": ecKey, "RS256": rsaKey(t), "PS256": rsaKey(t), "HS256": octKey}
}

func TestSoundKeysAreTaken(t *testing.T) {
	for alg, key := range sound(t) {
		for _, more := range []string{
			"", `,"use":"sig"`, `,"key_ops":["verify"]`, `,"key_ops":["sign","verify"]`, `,"use":"sig","key_ops":["verify"]`, `,"alg":"` + alg + `"`,
		} {
			if _, _, err := jwk.Parse([]byte("{"+key+more+"}"), alg); err != nil {
				t.Errorf("%s%s: %v", alg, more, err)
			}
		}
	}
}

// TestUseAttacks: a key is used for what its owner says it is for.
func TestUseAttacks(t *testing.T) {
	for _, row := range []struct{ name, more string }{
		{"an encryption key verifies", `,"use":"enc"`},
		{"a use that nobody registered", `,"use":"all"`},
		{"use in capitals", `,"use":"SIG"`},
		{"use that is a list", `,"use":["sig"]`},
		{"use that is empty", `,"use":""`},
		{"use that is null", `,"use":null`},
		{"key_ops without verify", `,"key_ops":["sign"]`},
		{"key_ops of key agreement", `,"key_ops":["deriveBits"]`},
		{"key_ops that are empty", `,"key_ops":[]`},
		{"key_ops that are a text", `,"key_ops":"verify"`},
		{"key_ops that are null", `,"key_ops":null`},
		{"key_ops with a number", `,"key_ops":["verify",1]`},
		{"key_ops twice the same", `,"key_ops":["verify","verify"]`},
		{"key_ops of two kinds", `,"key_ops":["verify","decrypt"]`},
		{"key_ops in capitals", `,"key_ops":["Verify"]`},
		{"use for signatures, key_ops for encryption", `,"use":"sig","key_ops":["encrypt"]`},
		{"use for signatures, key_ops for both", `,"use":"sig","key_ops":["verify","wrapKey"]`},
		{"use for encryption, key_ops for signatures", `,"use":"enc","key_ops":["verify"]`},
		{"use twice", `,"use":"enc","use":"sig"`},
		{"use under an escaped name, and again", `,"\u0075se":"enc","use":"sig"`},
	} {
		for alg, key := range sound(t) {
			if _, _, err := jwk.Parse([]byte("{"+key+row.more+"}"), alg); err == nil {
				t.Errorf("%s: %s is taken", row.name, alg)
			}
			if _, err := jwk.ParseSet(set(key+row.more), alg); err == nil {
				t.Errorf("%s: a set of it is taken for %s", row.name, alg)
			}
		}
	}
}

// TestAlgorithmAttacks: what the caller wants and what the key states must agree.
func TestAlgorithmAttacks(t *testing.T) {
	rs := rsaKey(t)
	for _, row := range []struct{ name, alg, key string }{
		{"none, stated", "EdDSA", edKey + `,"alg":"none"`},
		{"none, wanted", "none", edKey},
		{"nothing wanted", "", edKey},
		{"HS512 wanted", "HS512", octKey},
		{"alg of another key", "EdDSA", edKey + `,"alg":"ES256"`},
		{"alg that fits and is not wanted", "RS256", rs + `,"alg":"PS256"`},
		{"alg of encryption", "RS256", rs + `,"alg":"RSA-OAEP-256"`},
		{"alg of a larger hash", "RS256", rs + `,"alg":"RS512"`},
		{"alg in lower case", "EdDSA", edKey + `,"alg":"eddsa"`},
		{"alg that is empty", "EdDSA", edKey + `,"alg":""`},
		{"alg that is a list", "EdDSA", edKey + `,"alg":["EdDSA"]`},
		{"RSA key for HS256", "HS256", rs},
		{"public key as the secret of HS256", "HS256", `"kty":"oct","k":"` + base64.RawURLEncoding.EncodeToString([]byte("{"+rs+"}")) + `"`},
		{"secret for ES256", "ES256", octKey},
		{"secret that calls itself EC", "ES256", ecKey + `,"k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"`},
		{"P-256 key for EdDSA", "EdDSA", ecKey},
		{"Ed25519 key for ES256", "ES256", edKey},
	} {
		if _, _, err := jwk.Parse([]byte("{"+row.key+"}"), row.alg); err == nil {
			t.Errorf("%s: taken", row.name)
		}
		if _, err := jwk.ParseSet(set(row.key), row.alg); err == nil {
			t.Errorf("%s: a set of it is taken", row.name)
		}
	}
	for name, algs := range map[string][]string{
		"no algorithm": nil, "secrets among public keys": {"HS256", "RS256"}, "an algorithm that is none": {"EdDSA", "none"},
	} {
		if _, err := jwk.ParseSet(set(edKey), algs...); err == nil {
			t.Errorf("%s: a set is read", name)
		}
	}
	if _, err := jwk.ParseSet(set(rs), "RS256", "PS256"); err == nil || !strings.Contains(err.Error(), "RS256 and PS256") {
		t.Errorf("a key that would serve two algorithms: %v", err)
	}
}

// TestKeyAttacks: keys that are none, or weak ones.
func TestKeyAttacks(t *testing.T) {
	n1024 := strings.Repeat("_", 171) // 1026 bits: RFC 7518 §3.3 asks for 2048
	for _, row := range []struct{ name, alg, key string }{
		{"private Ed25519 key", "EdDSA", edKey + `,"d":"` + edSeed + `"`},
		{"private key whose d is null", "EdDSA", edKey + `,"d":null`},
		{"private key for HS256", "HS256", octKey + `,"d":"` + edSeed + `"`},
		{"RSA key with a prime", "RS256", rsaKey(t) + `,"p":"AQAB"`},
		{"RSA of 1024 bits", "RS256", `"kty":"RSA","e":"AQAB","n":"` + n1024 + `"`},
		{"RSA with exponent 1", "RS256", strings.Replace(rsaKey(t), "AQAB", "AQ", 1)},
		{"RSA with an even exponent", "RS256", strings.Replace(rsaKey(t), "AQAB", "BA", 1)},
		{"RSA with an exponent beyond 64 bits", "RS256", strings.Replace(rsaKey(t), "AQAB", "AQAAAAAAAAAAAAAB", 1)},
		{"RSA with an exponent that nothing verifies with", "RS256", strings.Replace(rsaKey(t), "AQAB", "AQAAAAE", 1)},
		{"RSA without a modulus", "RS256", `"kty":"RSA","e":"AQAB"`},
		{"RSA of a megabit", "RS256", `"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 60000) + `"`},
		{"secret of 31 bytes", "HS256", `"kty":"oct","k":"` + strings.Repeat("_", 42)[:41] + `w"`},
		{"secret that is empty", "HS256", `"kty":"oct","k":""`},
		{"secret that is missing", "HS256", `"kty":"oct"`},
		{"point off the curve", "ES256", strings.Replace(ecKey, `"y":"x_`, `"y":"y_`, 1)},
		{"point at infinity", "ES256", `"kty":"EC","crv":"P-256","x":"","y":""`},
		{"coordinate of 31 bytes", "ES256", strings.Replace(ecKey, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA", 1)},
		{"Ed25519 key of 31 bytes", "EdDSA", `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ"`},
		{"Ed25519 key under another curve", "EdDSA", strings.Replace(edKey, "Ed25519", "X25519", 1)},
		{"curve in capitals", "EdDSA", strings.Replace(edKey, "Ed25519", "ED25519", 1)},
		{"no kty", "EdDSA", strings.Replace(edKey, `"kty":"OKP",`, "", 1)},
		{"kty of another kind", "EdDSA", strings.Replace(edKey, "OKP", "RSA", 1)},
		{"kty twice", "EdDSA", `"kty":"oct",` + edKey},
		{"no base64", "EdDSA", `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"`},
		{"x that is a number", "EdDSA", `"kty":"OKP","crv":"Ed25519","x":11`},
		{"a kid that is a number", "EdDSA", edKey + `,"kid":1`},
		{"a kid that is empty", "EdDSA", edKey + `,"kid":""`},
	} {
		if _, _, err := jwk.Parse([]byte("{"+row.key+"}"), row.alg); err == nil {
			t.Errorf("%s: taken", row.name)
		}
		if _, err := jwk.ParseSet(set(row.key), row.alg); err == nil {
			t.Errorf("%s: a set of it is taken", row.name)
		}
	}
}

// TestSetAttacks: one key that should not be there is enough to refuse the set.
func TestSetAttacks(t *testing.T) {
	good := edKey + `,"kid":"good"`
	for name, data := range map[string][]byte{
		"a private key beside a good one":             set(good, ecKey+`,"kid":"b","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"`),
		"a private key of another use":                set(good, ecKey+`,"kid":"b","use":"enc","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"`),
		"a private key of a kind that we do not know": set(good, `"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA","priv":"AAAA","kid":"b"`),
		"a secret beside a good key":                  set(good, octKey+`,"kid":"b"`),
		"a secret of another use":                     set(good, octKey+`,"kid":"b","use":"enc","alg":"A256GCM"`),
		"a kid twice":                                 set(good, ecKey+`,"kid":"good"`),
		"a kid twice, the first for encryption":       set(ecKey+`,"kid":"good","use":"enc"`, good),
		"a kid twice, the second of an unknown kind":  set(good, `"kty":"XYZ","kid":"good"`),
		"two keys without a kid":                      set(edKey, ecKey),
		"a key that contradicts itself":               set(good, ecKey+`,"kid":"b","use":"sig","key_ops":["decrypt"]`),
		"a key whose alg contradicts its kind":        set(good, ecKey+`,"kid":"b","alg":"EdDSA"`),
		"a key that is no object":                     []byte(`{"keys":[{` + good + `},"x"]}`),
		"a key that is null":                          []byte(`{"keys":[{` + good + `},null]}`),
		"keys twice":                                  []byte(`{"keys":[],"keys":[{` + good + `}]}`),
		"keys that are an object":                     []byte(`{"keys":{"0":{` + good + `}}}`),
		"no keys":                                     []byte(`{"keys":[]}`),
		"no member keys":                              []byte(`{"Keys":[{` + good + `}]}`),
		"a key in place of a set":                     []byte(`{` + good + `}`),
		"a list in place of a set":                    []byte(`[{` + good + `}]`),
		"nothing":                                     nil,
		"bytes after the set":                         append(set(good), `{}`...),
		"a byte order mark":                           append([]byte("\xef\xbb\xbf"), set(good)...),
		"keys below keys":                             []byte(`{"keys":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`),
	} {
		if found, err := jwk.ParseSet(data, "EdDSA", "ES256"); err == nil || found.Keys != nil {
			t.Errorf("%s: %d keys, %v", name, len(found.Keys), err)
		}
	}
	if _, err := jwk.ParseSet(set(good), "EdDSA", "ES256"); err != nil {
		t.Errorf("the good key alone: %v", err)
	}
}

// TestWhatIsSaid: each refusal has its own words, by which one finds the key and
// what to change.
func TestWhatIsSaid(t *testing.T) {
	good := edKey + `,"kid":"good"`
	long := strings.Repeat("k", 257)
	for _, row := range []struct {
		data, want string
		algs       []string
	}{
		{`{"keys":[]}`, "jwk: no set: keys is not a list of 1 to 128", []string{"EdDSA"}},
		{`{"keys":{}}`, "jwk: no set: keys is not a list of 1 to 128", []string{"EdDSA"}},
		{`[]`, "jwk: not an object", []string{"EdDSA"}},
		{`{`, "jwk: not well-formed JSON", []string{"EdDSA"}},
		{strings.Repeat(" ", jwk.MaxSet+1), "jwk: longer than 524288 bytes", []string{"EdDSA"}},
		{string(set(good)), "jwk: no algorithm is wanted", nil},
		{string(set(good)), `jwk: algorithm "none" is not one of`, []string{"none"}},
		{string(set(good)), "jwk: HS256 beside other algorithms", []string{"EdDSA", "HS256"}},
		{string(set(good, ecKey+`,"kid":"b","d":"AQ"`)), `jwk: key 2 (kid "b"): it is a private key, with a member d`, []string{"EdDSA"}},
		{string(set(good, `"kty":"oct","kid":"b"`)), `jwk: key 2 (kid "b"): it is a symmetric key`, []string{"EdDSA"}},
		{string(set(good, `"kty":"XYZ","k":"AQ"`)), "jwk: key 2: it is a symmetric key", []string{"EdDSA"}},
		{string(set(good, good)), `jwk: key 2 (kid "good"): another has its kid`, []string{"EdDSA"}},
		{string(set(edKey, edKey)), "jwk: key 2: another has no kid either", []string{"EdDSA"}},
		{string(set(`"crv":"P-256"`)), "jwk: key 1: it has no kty", []string{"EdDSA"}},
		{string(set(edKey + `,"kid":7`)), "jwk: key 1: its kid is not a text", []string{"EdDSA"}},
		{string(set(edKey + `,"key_ops":{}`)), "jwk: key 1: its key_ops are not a list of names", []string{"EdDSA"}},
		{string(set(edKey + `,"key_ops":[7]`)), "jwk: key 1: its key_ops are not a list of names", []string{"EdDSA"}},
		{string(set(edKey + `,"key_ops":["sign","deriveKey"]`)), "jwk: key 1: its key_ops are of more than one kind", []string{"EdDSA"}},
		{string(set(edKey + `,"use":"enc","key_ops":["sign"]`)), "jwk: key 1: its use and its key_ops contradict each other", []string{"EdDSA"}},
		{string(set(edKey + `,"alg":"ES256"`)), "jwk: key 1: its alg is ES256, which does not fit its kty and crv", []string{"ES256"}},
		{string(set(edKey)), `jwk: no key of the set is for ES256, RS256: key 1: not used: kty "OKP", crv "Ed25519" fits no wanted algorithm`, []string{"ES256", "RS256"}},
		{string(set(edKey + `,"kid":"` + long + `"`)), "not used: its kid is longer than 256 bytes", []string{"EdDSA"}},
		{string(set(`"kty":"RSA","n":"AQ","e":"AQAB"`)), "not used: authn: key for RS256: the modulus has fewer than 2048 bits", []string{"RS256"}},
		{string(set(`"kty":"EC","crv":"P-256"`)), "not used: its members make no key", []string{"ES256"}},
	} {
		if _, err := jwk.ParseSet([]byte(row.data), row.algs...); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%.80s: %v\nwant %s", row.data, err, row.want)
		}
	}
}

// TestMembersThatMeanNothing do not stand in the way: RFC 7517 §4 has readers
// ignore what they do not know, and crv is nothing of RSA or of secrets.
func TestMembersThatMeanNothing(t *testing.T) {
	for alg, key := range map[string]string{"RS256": rsaKey(t) + `,"crv":"P-256"`, "HS256": octKey + `,"crv":"P-256"`, "EdDSA": edKey + `,"n":"AQ","more":[1]`} {
		if _, _, err := jwk.Parse([]byte("{"+key+"}"), alg); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
	if _, err := jwk.ParseSet(set(edKey), "EdDSA", "EdDSA"); err != nil {
		t.Errorf("an algorithm named twice: %v", err)
	}
	if _, err := jwk.ParseSet(set(octKey), "HS256"); err != nil {
		t.Errorf("a set of secrets, asked for: %v", err)
	}
}
