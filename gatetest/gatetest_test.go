package gatetest_test

import (
	"context"
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
// parameter, a body of many keywords.
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
      responses: { "200": { description: All } }
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
components:
  schemas:
    Named: { type: object, required: [name], properties: { name: { type: string, minLength: 2, maxLength: 20 } } }
    Book:
      allOf:
        - $ref: "#/components/schemas/Named"
        - type: object
          required: [isbn, pages, price, kind, tags, printed, cover]
          properties:
            isbn: { type: string, pattern: "^97[89]-[0-9]{10}$" }
            pages: { type: integer, exclusiveMinimum: 7 }
            price: { type: number, minimum: 0.5, multipleOf: 0.25 }
            kind: { enum: [novel, essay] }
            tags: { type: array, minItems: 2, items: { type: string } }
            printed: { type: string, format: date }
            cover: { oneOf: [{ type: "null" }, { type: string, format: uri }] }
`

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

func load(t testing.TB, document string) *contract.API {
	t.Helper()
	api, err := contract.Load(contract.File{Name: "books.yaml", Data: []byte(document)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func newGate(t testing.TB, change func(*gatehouse.Config)) *gatehouse.Gate {
	t.Helper()
	key, err := authn.NewKey("HS256", secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := authn.NewJWT(authn.JWTConfig{
		Keys: authn.FixedKeys(map[string]authn.Key{"k": key}), Issuer: "https://books.example", Audience: "books",
		Principal: func(_ context.Context, c authn.Claims) (*call.Principal, error) {
			var own struct {
				Role string `json:"role"`
			}
			err := c.Decode(&own)
			return &call.Principal{ID: c.Subject, Role: own.Role, Expires: c.Expires}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := gatehouse.Config{
		Contracts: []*contract.API{load(t, books)}, Authn: authn.Config{Bearer: verifier},
		Observe: observe.Config{Log: slog.NewJSONHandler(io.Discard, nil)},
	}
	c.Headers.CORS.Origins = []string{"https://app.example"}
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
	return gatetest.Target{
		Table: gate.Table(), Origins: []string{"https://app.example"},
		Tokens: map[string]func() string{"editor": token("editor"), "admin": token("admin"), "reader": token("reader")},
	}
}

func answers(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func TestTheGateHolds(t *testing.T) {
	gate := newGate(t, nil)
	gatetest.Attacks(t, gate.Wrap(answers(http.StatusOK)), target(gate))
	gatetest.Access(t, gate.Wrap(answers(http.StatusOK)), target(gate))
}

// careless does everything that a row is about: it answers all, repeats what it
// was sent, lets every page read, and tells who it is.
func careless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "careless/1.0")
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}
	w.Header().Set("X-Careless-Id", r.Header.Get("X-Request-Id"))
	fmt.Fprintln(w, r.URL.Path, r.Header.Get("X-Request-Id"), "panic: at main.go:1")
	_, _ = io.Copy(w, r.Body)
}

func TestEveryRowFailsWithoutAGate(t *testing.T) {
	rows, err := target(newGate(t, nil)).Attacks()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 150 {
		t.Errorf("%d rows: too few to be all", len(rows))
	}
	for _, row := range rows {
		if row.Try(http.HandlerFunc(careless)) == nil {
			t.Errorf("%s/%s: a handler without any safeguard passes", row.Name, row.Operation)
		}
	}
}

// TestARowForEachSafeguard takes away or weakens one safeguard at a time and wants
// the rows about it to fail.
func TestARowForEachSafeguard(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*gatehouse.Config)
		wrap   func(http.Handler) http.Handler
		want   string
	}{
		"any host":       {change: func(c *gatehouse.Config) { c.TLS.InsecureAnyHost = true }, want: "host that is not ours"},
		"plain HTTP":     {change: func(c *gatehouse.Config) { c.TLS.InsecurePlain = true }, want: "plain HTTP from elsewhere"},
		"any origin":     {change: anyOrigin, want: "CORS: foreign origin"},
		"no limit":       {change: func(c *gatehouse.Config) { c.Limit.InsecureUnlimited = true }, want: "scanning unknown paths without end"},
		"unknown fields": {change: relaxed("unknown: allow"), want: ""},
		"no CSP":         {wrap: without("Content-Security-Policy"), want: "refusal without Content-Security-Policy"},
		"no nosniff":     {wrap: without("X-Content-Type-Options"), want: "answer without X-Content-Type-Options"},
		"cached":         {wrap: without("Cache-Control"), want: "refusal that a cache may keep"},
		"no challenge":   {wrap: without("Www-Authenticate"), want: "no credentials"},
		"no Allow":       {wrap: without("Allow"), want: "method that nobody knows"},
		"no Retry-After": {wrap: without("Retry-After"), want: "scanning unknown paths without end"},
	} {
		t.Run(name, func(t *testing.T) {
			gate := newGate(t, tt.change)
			rows, err := target(gate).Attacks()
			if err != nil {
				t.Fatal(err)
			}
			h := gate.Wrap(answers(http.StatusOK))
			if tt.wrap != nil {
				h = tt.wrap(h)
			}
			failed := map[string]bool{}
			for _, row := range rows {
				if row.Try(h) != nil {
					failed[row.Name] = true
				}
			}
			if tt.want != "" && !failed[tt.want] || tt.want == "" && len(failed) > 0 {
				t.Errorf("rows that fail: %v, want %q", failed, tt.want)
			}
		})
	}
}

func anyOrigin(c *gatehouse.Config) {
	c.Headers.CORS.Origins = nil
	c.Headers.CORS.InsecureAnyOrigin = true
}

// relaxed states more in the contract: what a contract allows is no attack.
func relaxed(statement string) func(*gatehouse.Config) {
	return func(c *gatehouse.Config) {
		api, err := contract.Load(contract.File{Name: "books.yaml", Data: []byte(strings.Replace(books, "name: books,", "name: books, "+statement+",", 1))}, contract.Options{})
		if err == nil {
			c.Contracts = []*contract.API{api}
		}
	}
}

// without takes a field off every answer.
func without(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(dropping{w, name}, r)
		})
	}
}

type dropping struct {
	http.ResponseWriter
	name string
}

func (d dropping) WriteHeader(status int) {
	d.Header().Del(d.name)
	d.ResponseWriter.WriteHeader(status)
}

func (d dropping) Write(p []byte) (int, error) {
	d.Header().Del(d.name)
	return d.ResponseWriter.Write(p)
}

func TestAccessNoticesBothWays(t *testing.T) {
	gate := newGate(t, nil)
	rows, err := target(gate).Access()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 16 {
		t.Errorf("%d rows for 4 operations and 4 roles", len(rows))
	}
	open, shut := 0, 0
	for _, row := range rows {
		may := strings.Contains(row.Name, "(yes)") || strings.Contains(row.Name, "(public)")
		if strings.Contains(row.Name, "(no)") && row.Try(answers(http.StatusOK)) != nil {
			open++
		}
		if may && row.Try(answers(http.StatusForbidden)) != nil && row.Try(answers(http.StatusUnauthorized)) != nil {
			shut++
		}
		if row.Try(answers(http.StatusTooManyRequests)) == nil {
			t.Errorf("%s/%s: a call that was not counted passes", row.Name, row.Operation)
		}
		if strings.Contains(row.Name, "(own)") && (row.Try(answers(http.StatusUnauthorized)) == nil || row.Try(gate.Wrap(answers(http.StatusOK))) != nil) {
			t.Errorf("%s/%s: wrong about ownership", row.Name, row.Operation)
		}
	}
	if open != 7 || shut != 7 {
		t.Errorf("%d rows notice an open door and %d a shut one, want 7 and 7", open, shut)
	}
}

func TestAHandlerThatPanicsFails(t *testing.T) {
	rows, err := target(newGate(t, nil)).Attacks()
	if err != nil {
		t.Fatal(err)
	}
	err = rows[0].Try(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") }))
	if err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Error(err)
	}
}

func TestTargetsThatAreWrong(t *testing.T) {
	gate := newGate(t, nil)
	stubborn := strings.Replace(books, "minItems: 2,", "minItems: 2, uniqueItems: true,", 1)
	for name, tt := range map[string]struct {
		change func(*gatetest.Target)
		says   string
	}{
		"no table":                 {func(g *gatetest.Target) { g.Table = nil }, "Table is missing"},
		"a row that is not":        {func(g *gatetest.Target) { g.Leave = map[string]string{"token with alg nine": "typo"} }, "alg nine"},
		"a body that does not fit": {func(g *gatetest.Target) { g.Bodies = map[string]string{"addBook": `{}`} }, "addBook"},
		"a parameter that does not": {func(g *gatetest.Target) {
			g.Params = map[string]map[string]string{"listBooks": {"query.limit": "51"}}
		}, "limit"},
		"a schema without example": {func(g *gatetest.Target) { g.Table = tableOf(t, stubborn) }, "Target.Bodies"},
	} {
		g := target(gate)
		tt.change(&g)
		if _, err := g.Attacks(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, tt.says)
		}
	}
}

func tableOf(t *testing.T, document string) *contract.Table {
	t.Helper()
	table, err := contract.NewTable(load(t, document))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLeaveTakesRowsOut(t *testing.T) {
	g := target(newGate(t, nil))
	all, err := g.Attacks()
	if err != nil {
		t.Fatal(err)
	}
	g.Leave = map[string]string{"no credentials": "a", "removeBook": "b", "body: none/addBook": "c"}
	some, err := g.Attacks()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range some {
		if row.Name == "no credentials" || row.Operation == "removeBook" || row.Name == "body: none" {
			t.Errorf("%s/%s is still there", row.Name, row.Operation)
		}
	}
	if len(some) >= len(all) || len(some) < len(all)/2 {
		t.Errorf("%d of %d rows are left", len(some), len(all))
	}
}
