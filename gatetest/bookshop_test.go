package gatetest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/observe"
)

// books states one of each: public and closed, roles and ownership, each kind of
// parameter, a body of many keywords, an answer with a schema, a cookie, a socket.
const books = `
openapi: 3.1.0
info: { title: Books, version: "1" }
x-gatehouse: { name: books, limit: ["1000/1m per address"] }
paths:
  /books:
    get:
      operationId: listBooks
      parameters:
        - { name: limit, in: query, required: true, schema: { type: integer, minimum: 1, maximum: 50 } }
        - { name: X-Client, in: header, required: true, schema: { type: string, pattern: "^[a-z]{3}-[0-9]+$" } }
      x-gatehouse: { access: public }
      responses:
        "200":
          description: All
          content: { application/json: { schema: { type: object, properties: { books: { type: array, items: { $ref: "#/components/schemas/Sold" } } } } } }
    post:
      operationId: addBook
      x-gatehouse: { access: { roles: [editor] }, body: 2KiB }
      requestBody:
        required: true
        content:
          application/json:
            schema: { $ref: "#/components/schemas/Book" }
      responses: { "201": { description: Kept } }
  /books/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string, format: uuid } }]
    delete:
      operationId: removeBook
      x-gatehouse: { access: { roles: [admin] } }
      responses: { "204": { description: Gone } }
  /readers/{reader}/shelf:
    get:
      operationId: shelf
      parameters: [{ name: reader, in: path, required: true, schema: { type: string, minLength: 3 } }]
      x-gatehouse: { access: { own: path.reader, or_roles: [admin] } }
      responses: { "200": { description: Theirs } }
  /session:
    post:
      operationId: signIn
      x-gatehouse: { access: public }
      responses: { "204": { description: Signed in } }
  /live:
    get:
      operationId: live
      x-gatehouse: { access: { roles: [reader, editor] } }
      x-gatehouse-websocket:
        max_message: 1KiB
        rate: 20/1m
        receive: { ping: { const: ping } }
        send: { pong: { const: pong } }
      responses: { "101": { description: Open } }
components:
  schemas:
    Named: { type: object, required: [name], properties: { name: { type: string, minLength: 2, maxLength: 20 } } }
    Sold:
      allOf:
        - $ref: "#/components/schemas/Named"
        - { type: object, properties: { cost: { type: integer, x-gatehouse: { read_roles: [admin] } } } }
    Book:
      allOf:
        - $ref: "#/components/schemas/Named"
        - type: object
          required: [isbn, pages, price, kind, tags, printed, cover]
          properties:
            stock: { type: integer, readOnly: true }
            margin: { type: integer, x-gatehouse: { write_roles: [admin] } }
            place: { type: object, properties: { shelf: { type: string, x-gatehouse: { write_roles: [editor] } } } }
            isbn: { type: string, pattern: "^97[89]-[0-9]{10}$" }
            pages: { type: integer, exclusiveMinimum: 7 }
            price: { type: number, minimum: 0.5, multipleOf: 0.25 }
            kind: { enum: [novel, essay] }
            tags: { type: array, minItems: 2, items: { type: string } }
            printed: { type: string, format: date }
            cover: { oneOf: [{ type: "null" }, { type: string, format: uri }] }
`

// aBook fits the schema of the body of addBook.
const aBook = `{"name":"Momo","isbn":"978-0140317534","pages":240,"price":7.5,"kind":"novel","tags":["time","men"],"printed":"1973-09-01","cover":null}`

var secret = []byte("a key for tests, 32 bytes or more")

func token(role string) func() string {
	var n atomic.Int64
	return func() string {
		t := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"sub": fmt.Sprint(role, n.Add(1)), "iss": "https://books.example", "aud": "books", "role": role,
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		})
		t.Header["kid"], t.Header["typ"] = "k", "at+jwt"
		signed, err := t.SignedString(secret)
		if err != nil {
			return err.Error()
		}
		return signed
	}
}

func sign(input []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(input)
	return mac.Sum(nil)
}

// sessions takes the name of a role for a session of it.
type sessions struct{}

func (sessions) Verify(_ context.Context, role string) (*call.Principal, error) {
	if !strings.Contains("editor admin reader", role) {
		return nil, authn.ErrInvalid
	}
	return &call.Principal{ID: "holder of a cookie", Role: role}, nil
}

func principal(_ context.Context, c authn.Claims) (*call.Principal, error) {
	var own struct {
		Role string `json:"role"`
	}
	err := c.Decode(&own)
	return &call.Principal{ID: c.Subject, Role: own.Role, Expires: c.Expires}, err
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func newGate(t testing.TB, change func(*gatehouse.Config)) *gatehouse.Gate {
	t.Helper()
	key, err := authn.NewKey("HS256", secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := authn.NewJWT(authn.JWTConfig{
		Keys: authn.FixedKeys(map[string]authn.Key{"k": key}), Issuer: "https://books.example", Audience: "books",
		Principal: principal,
	})
	if err != nil {
		t.Fatal(err)
	}
	api, err := contract.Load(contract.File{Name: "books.yaml", Data: []byte(books)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := gatehouse.Config{
		Contracts: []*contract.API{api}, Authn: authn.Config{Bearer: verifier, Cookie: sessions{}},
		Observe: observe.Config{Log: slog.DiscardHandler},
	}
	c.Headers.CORS.Origins = []string{"https://app.example"}
	c.Limit.Unmatched = contract.Budget{Requests: 20, Window: time.Minute, Key: contract.ByAddress} // a scan ends sooner
	if change != nil {
		change(&c)
	}
	gate, err := gatehouse.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return gate
}

func target(gate *gatehouse.Gate) gatetest.Target {
	tokens, cookies := map[string]func() string{}, map[string]func() string{}
	for _, role := range []string{"editor", "admin", "reader"} {
		tokens[role] = token(role)
		cookies[role] = func() string { return authn.DefaultCookie + "=" + role }
	}
	return gatetest.Target{
		Table: gate.Table(), Origins: []string{"https://app.example"}, Tokens: tokens, Cookies: cookies, Sign: sign, Patience: 20 * time.Second,
	}
}

// bookshop is the handler behind the gate. lax names the one thing that it does
// not care for; "" is none.
type bookshop struct{ lax string }

func (b bookshop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch gatehouse.From(r.Context()).Operation().ID {
	case "listBooks":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, b.list())
	case "addBook":
		if b.lax == "refuses all" {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		w.WriteHeader(http.StatusCreated)
	case "removeBook":
		if b.lax == "lets caches keep" {
			w.Header().Set("Cache-Control", "max-age=60")
		}
		if b.lax == "breaks" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "signIn":
		c := &http.Cookie{Name: "__Host-session", Value: "x", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
		switch b.lax {
		case "cookie for scripts":
			c.HttpOnly = false
		case "cookie in the clear":
			c.Name, c.Secure = "session", false
		case "cookie for other sites":
			c.SameSite = http.SameSiteNoneMode
		}
		http.SetCookie(w, c)
		w.WriteHeader(http.StatusNoContent)
	case "live":
		b.live(w, r)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

func (b bookshop) list() string {
	switch b.lax {
	case "shows more":
		return `{"books":[{"name":"Momo","supplier":"Hora"}]}`
	case "tells of the inside":
		return `{"books":[{"name":"main.go:17"}]}`
	default:
		return `{"books":[{"name":"Momo"}]}`
	}
}
