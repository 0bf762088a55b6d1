// Library puts the gate around a plain http.ServeMux.
//
// The mux below knows nothing of security. What may reach it stands in
// notes.yaml: who may call, how often, with which body. Run it and try:
//
//	go run ./examples/library
//	curl -i localhost:8002/notes                                  # 200, public
//	curl -i -X POST localhost:8002/notes -d '{"text":"hello"}'    # 401, needs a token
//	curl -i -X POST localhost:8002/notes -d '{"text":"hello"}' -H 'Content-Type: application/json' \
//	     -H 'Authorization: Bearer TOKEN'                         # 201, with the token that is printed
//	curl -i localhost:8002/nothing                                # 404, in the same dialect
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

//go:embed notes.yaml
var document []byte

const (
	issuer   = "https://notes.example"
	audience = "notes"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	handler, err := newHandler(secret, observe.NewJSON(os.Stderr, slog.LevelInfo))
	if err != nil {
		return err
	}
	const address = "localhost:8002"
	server, err := tlsedge.NewServer(tlsedge.ServerConfig{Addr: address, Handler: handler})
	if err != nil {
		return err
	}
	listener, err := tlsedge.Listen(context.Background(), address, tlsedge.Caps{})
	if err != nil {
		return err
	}
	fmt.Println("A token for POST /notes:", token(secret, "ada", time.Now()))
	fmt.Println("Listening on http://" + address + "/notes")
	return tlsedge.Serve(server, listener)
}

// newHandler is the whole of it: a contract, a verifier, a gate, and the mux.
func newHandler(secret []byte, log slog.Handler) (http.Handler, error) {
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: document}, contract.Options{})
	if err != nil {
		return nil, err
	}
	verifier, err := newVerifier(secret)
	if err != nil {
		return nil, err
	}
	gate, err := gatehouse.New(gatehouse.Config{
		Contracts: []*contract.API{api},
		Authn:     authn.Config{Bearer: verifier},
		Observe:   observe.Config{Log: log},
	})
	if err != nil {
		return nil, err
	}
	return gate.Wrap(newMux()), nil
}

// newVerifier accepts the tokens of one issuer, signed with one key and the one
// algorithm that this key is for.
func newVerifier(secret []byte) (*authn.JWT, error) {
	key, err := authn.NewKey("HS256", secret)
	if err != nil {
		return nil, err
	}
	return authn.NewJWT(authn.JWTConfig{
		Keys:     authn.FixedKeys(map[string]authn.Key{"demo": key}),
		Issuer:   issuer,
		Audience: audience,
		Principal: func(_ context.Context, c authn.Claims) (*call.Principal, error) {
			var own struct {
				Role string `json:"role"`
			}
			err := c.Decode(&own)
			return &call.Principal{ID: c.Subject, Role: own.Role, Expires: c.Expires}, err
		},
	})
}

type note struct {
	Author string `json:"author"`
	Text   string `json:"text"`
}

// newMux is somebody's API: no check of its own.
func newMux() http.Handler {
	var mu sync.Mutex
	notes := []note{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(notes)
	})
	mux.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		n := note{Author: gatehouse.From(r.Context()).Principal().IDOf()}
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		notes = append(notes, n)
		w.WriteHeader(http.StatusCreated)
	})
	return mux
}

// token signs an access token as an issuer would.
func token(secret []byte, subject string, now time.Time) string {
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": subject, "iss": issuer, "aud": audience, "role": "member",
		"iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(),
	})
	t.Header["kid"], t.Header["typ"] = "demo", "at+jwt"
	signed, err := t.SignedString(secret)
	if err != nil {
		return err.Error()
	}
	return signed
}
