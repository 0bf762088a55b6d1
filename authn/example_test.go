package authn_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
)

// The layer alone on a mux, without a contract: every request needs a token.
func ExampleNew() {
	secret := []byte("a secret of thirty-two bytes or more")
	key, err := authn.NewKey("HS256", secret)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := authn.NewJWT(authn.JWTConfig{
		Keys:     authn.FixedKeys(map[string]authn.Key{"k1": key}),
		Issuer:   "https://id.example.org",
		Audience: "notes",
		Principal: func(_ context.Context, c authn.Claims) (*call.Principal, error) {
			return &call.Principal{ID: c.Subject, Role: "member", Session: c.ID}, nil // ask here whether c.ID was revoked
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	layer, err := authn.New(authn.Config{Bearer: verifier})
	if err != nil {
		log.Fatal(err)
	}
	handler := layer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "notes of ", call.From(r.Context()).Principal().ID)
	}))

	for _, typ := range []string{"at+jwt", "rt+jwt"} {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"iss": "https://id.example.org", "aud": "notes", "sub": "ada", "exp": time.Now().Add(time.Minute).Unix(),
		})
		token.Header["typ"], token.Header["kid"] = typ, "k1"
		signed, err := token.SignedString(secret)
		if err != nil {
			log.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/notes", nil)
		r.Header.Set("Authorization", "Bearer "+signed)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(typ, w.Code, w.Body.Len() > 0, w.Header().Get("WWW-Authenticate") != "")
	}
	// Output:
	// at+jwt 200 true false
	// rt+jwt 401 true true
}

// A handler that signs people in sets the cookie like this.
func ExampleSessionCookie() {
	fmt.Println(authn.SessionCookie("", "opaque-and-random", 12*time.Hour))
	// Output: __Host-gatehouse=opaque-and-random; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax
}
