package jwk_test

import (
	"fmt"
	"log"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/authn/jwk"
)

// The keys of an issuer, as it publishes them, for a verifier of its tokens.
func ExampleParseSet() {
	published := []byte(`{"keys":[
		{"kty":"OKP","crv":"Ed25519","kid":"2026-11","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
		{"kty":"OKP","crv":"Ed25519","kid":"2026-12","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
	]}`)
	set, err := jwk.ParseSet(published, "EdDSA")
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := authn.NewJWT(authn.JWTConfig{
		Keys: authn.FixedKeys(set.Keys), Issuer: "https://id.example.org", Audience: "notes",
	})
	fmt.Println(verifier != nil, err, set.Unused)
	// Output: true <nil> [key 2 (kid "2026-12"): not used: its use is "enc"]
}
