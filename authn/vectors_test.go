package authn

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// vector is an example of the JOSE cookbook (RFC 7520, RFC 8037) or RFC 7797.
type vector struct {
	Input struct {
		Key json.RawMessage
		Alg json.RawMessage
	}
	Output struct{ Compact string }
}

// TestCookbook runs every JWS of the cookbook: those in compact form with an
// algorithm that we accept verify, and not when one bit is changed; all others
// are refused, each for the reason that stands here.
func TestCookbook(t *testing.T) {
	refused := map[string]string{
		"4_2.rsa-pss_signature.json":                 "algorithm PS384",
		"4_3.ecdsa_signature.json":                   "algorithm ES512",
		"4_5.signature_with_detached_content.json":   "no payload",
		"4_6.protecting_specific_header_fields.json": "no compact form",
		"4_7.protecting_content_only.json":           "no compact form",
		"4_8.multiple_signatures.json":               "no compact form",
		"rfc7797_4_2.b64_false.json":                 "no compact form",
		"rfc7797_b64_false_compact.json":             "payload not base64url, crit",
	}
	files, err := filepath.Glob("testdata/jose-cookbook/*.json")
	if err != nil || len(files) != 11 {
		t.Fatalf("%d vectors, %v; want 11", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(data, &v); err != nil {
				t.Fatal(err)
			}
			err = v.verify(v.Output.Compact)
			if reason, ok := refused[name]; ok {
				if err == nil {
					t.Errorf("verifies; want a refusal: %s", reason)
				}
				return
			}
			if err != nil {
				t.Errorf("does not verify: %v", err)
			}
			for _, at := range []int{2, len(v.Output.Compact) / 2, len(v.Output.Compact) - 10} {
				changed := []byte(v.Output.Compact)
				changed[at] ^= 'A' ^ 'B'
				if err := v.verify(string(changed)); err == nil {
					t.Errorf("verifies although byte %d was changed", at)
				}
			}
		})
	}
}

// verify goes the way of JWT.Parse up to the signature; the payloads of the
// cookbook are poetry rather than claims.
func (v vector) verify(compact string) error {
	var alg string
	var jwk jose.JSONWebKey
	if json.Unmarshal(v.Input.Alg, &alg) != nil || jwk.UnmarshalJSON(v.Input.Key) != nil {
		return errors.New("more than one signature")
	}
	public := jwk.Key
	if !bytes.Contains(v.Input.Key, []byte(`"oct"`)) {
		public = jwk.Public().Key
	}
	k, err := NewKey(alg, public)
	if err != nil {
		return err
	}
	s, err := split(compact)
	if err != nil {
		return err
	}
	h, err := readHeader(s.header)
	if err != nil {
		return err
	}
	signature, err := unbase64(s.signature)
	if err != nil {
		return err
	}
	return k.check(h.alg, s.input, signature)
}

// TestRFC7515Examples are the compact examples of RFC 7515 appendix A.1 (HS256),
// A.3 (ES256) and the unsecured A.5.
func TestRFC7515Examples(t *testing.T) {
	const payload = ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
	const ec = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	const oct = `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	for _, row := range []struct {
		alg, key, compact string
		ok                bool
	}{
		{"HS256", oct, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + payload + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", true},
		{"ES256", ec, "eyJhbGciOiJFUzI1NiJ9" + payload + "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", true},
		{"ES256", ec, "eyJhbGciOiJub25lIn0" + payload, false},
	} {
		var v vector
		v.Input.Alg, v.Input.Key = json.RawMessage(`"`+row.alg+`"`), json.RawMessage(row.key)
		if err := v.verify(row.compact); (err == nil) != row.ok {
			t.Errorf("%s: %v", row.compact[:20], err)
		}
	}
}
