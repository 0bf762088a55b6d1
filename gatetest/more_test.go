package gatetest_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/problem"
)

// TestPublicKeysAreNoSecrets: a verifier that lets the token choose takes the
// public key for a shared secret.
func TestPublicKeysAreNoSecrets(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := authn.NewKey("EdDSA", private.Public())
	if err != nil {
		t.Fatal(err)
	}
	gate := newGate(t, func(c *gatehouse.Config) {
		c.Authn.Bearer, err = authn.NewJWT(authn.JWTConfig{
			Keys: authn.FixedKeys(map[string]authn.Key{"k": key}), Issuer: "https://books.example", Audience: "books", Principal: principal,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	g := target(gate)
	g.Sign = func(input []byte) []byte { return ed25519.Sign(private, input) }
	g.PublicKey = private.Public()
	for role, of := range g.Tokens { // the same claims, signed with the key of this gate
		g.Tokens[role] = func() string {
			claims := strings.Split(of(), ".")[1]
			input := encode(`{"alg":"EdDSA","kid":"k","typ":"at+jwt"}`) + "." + claims
			return input + "." + encode(string(ed25519.Sign(private, []byte(input))))
		}
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	goods, rows := g.Tokens["editor"], rowsOf(t, g)
	for want, secret := range map[string]string{
		"": "no key of anybody's", "JWT: public key in DER as a secret": string(der), "JWT: public key in PEM as a secret": block,
		"JWT: public key in PEM without its last line end as a secret": strings.TrimSpace(block),
	} {
		h := before(func(r *http.Request) {
			if s := sentBy(r); s.says(s.header, "alg") == "HS256" && signedWith(s, secret) {
				r.Header.Set("Authorization", "Bearer "+goods())
			}
		})(careful(gate.Wrap(bookshop{})))
		if got := strings.Join(failing(h, rows, want), "; "); got != want {
			t.Errorf("fail: %q, want %q", got, want)
		}
	}
}

// TestOverTLS has the two rows that only a target with TLS has.
func TestOverTLS(t *testing.T) {
	gate := newGate(t, nil)
	g := target(gate)
	g.TLS = true
	for _, n := range []negligence{
		{name: "nothing"},
		{name: "pages in the clear", around: ofOurSite(func(_, origin string) bool { return origin == "http://localhost" }), rows: "CSRF: Origin of ours in the clear"},
		{name: "cookies in the clear", lax: "cookie in the clear", rows: "cookie that others can have"},
	} {
		if got := strings.Join(failing(n.handler(t, gate), rowsOf(t, g), n.rows), "; "); got != n.rows {
			t.Errorf("%s: fail %q, want %q", n.name, got, n.rows)
		}
	}
}

// TestDialects: a refusal in the dialect of another contract is noticed, for each
// pair of dialects.
func TestDialects(t *testing.T) {
	shapes := func(failed []string) bool {
		return slices.ContainsFunc(failed, func(row string) bool { return strings.HasSuffix(row, "401 in another shape") })
	}
	in := func(d problem.Dialect) *gatehouse.Gate {
		return newGate(t, func(c *gatehouse.Config) {
			api, err := contract.Load(contract.File{Name: "books.yaml", Data: []byte(strings.Replace(books, "name: books,", "name: books, errors: "+string(d)+",", 1))}, contract.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c.Contracts = []*contract.API{api}
		})
	}
	for _, stated := range problem.Dialects() {
		for _, spoken := range problem.Dialects() {
			g := target(in(stated))
			failed := failing(careful(in(spoken).Wrap(bookshop{})), rowsOf(t, g), "")
			// What says error and message says error too.
			alike := stated == spoken || stated == problem.Plain && spoken == problem.Message
			if shapes(failed) == alike {
				t.Errorf("the contract says %s, the handler speaks %s, fail: %q", stated, spoken, failed)
			}
			if alike && len(failed) > 0 {
				t.Errorf("%s: fail: %q", stated, failed)
			}
		}
	}
	g := target(in(problem.RFC9457))
	asked := 0
	g.Refusal = func(status int, header http.Header, body []byte) error {
		asked++
		if header.Get("Content-Type") != "text/plain" || len(body) == 0 {
			return errors.New("want a text")
		}
		return nil
	}
	if !shapes(failing(careful(in(problem.RFC9457).Wrap(bookshop{})), rowsOf(t, g), "")) {
		t.Error("what Target.Refusal says of a refusal is not heard")
	}
	text := after(func(_ *http.Request, status int, h http.Header) {
		if status >= 400 {
			h.Set("Content-Type", "text/plain")
		}
	})
	if shapes(failing(text(careful(in(problem.RFC9457).Wrap(bookshop{}))), rowsOf(t, g), "")) || asked == 0 {
		t.Error("a shape of its own is not taken")
	}
}

// TestFormsAndCookiesAreMade: requests are made for other bodies than JSON, and
// for each place of a parameter.
func TestFormsAndCookiesAreMade(t *testing.T) {
	table := gatetest.Compile(t, `
openapi: 3.1.0
info: { title: Forms, version: "1" }
paths:
  /form:
    post:
      operationId: form
      parameters: [{ name: theme, in: cookie, required: true, schema: { enum: [dark] } }]
      x-gatehouse: { access: public }
      requestBody:
        required: true
        content: { application/x-www-form-urlencoded: { schema: { type: object, required: [a, n], properties: { a: { type: string }, n: { type: integer } } } } }
      responses: { "200": { description: It } }
  /upload:
    post:
      operationId: upload
      x-gatehouse: { access: public }
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: { type: object, required: [name, file], properties: { name: { type: string }, file: { type: string, format: binary } } }
      responses: { "200": { description: It } }
`)
	rows, err := gatetest.Target{Table: table}.Answers()
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, row := range rows {
		if !strings.HasPrefix(row.Name, "request that fits") {
			continue
		}
		err := row.Try(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/form" {
				c, err := r.Cookie("theme")
				seen = append(seen, fmt.Sprint(r.FormValue("a"), " ", r.FormValue("n"), " ", c.Value, " ", err))
				return
			}
			f, header, err := r.FormFile("file")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(f)
			seen = append(seen, fmt.Sprint(r.FormValue("name"), " ", header.Filename, " ", string(text), " ", err))
		}))
		if err != nil {
			t.Error(err)
		}
	}
	if want := []string{"gatetest 1 dark <nil>", "gatetest gatetest.txt gatetest <nil>"}; !slices.Equal(seen, want) {
		t.Errorf("sent %q, want %q", seen, want)
	}
}

// TestWhatNobodyMayCallIsAGap: operations whose roles have no token are attacked
// as far as a guest comes, and the rest is told.
func TestWhatNobodyMayCallIsAGap(t *testing.T) {
	gate := newGate(t, nil)
	g := gatetest.Target{Table: gate.Table()}
	if failed := failing(careful(gate.Wrap(bookshop{})), rowsOf(t, g), ""); len(failed) > 0 {
		t.Errorf("fail: %q", failed)
	}
	guest := 0
	for _, row := range rowsOf(t, g) {
		if row.Operation == "removeBook" {
			guest++
		}
		if row.Operation == "addBook" && row.Group == "bodies" {
			t.Errorf("%s: what no credential reaches is refused for that", row.Name)
		}
	}
	gaps, err := g.Gaps()
	if err != nil || guest < 20 || len(gaps) != 7 {
		t.Errorf("%d rows as a guest, gaps %q, %v; want one for each of four operations and three more", guest, gaps, err)
	}
}
