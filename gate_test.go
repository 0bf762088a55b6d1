package gatehouse

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/observe"
)

// TestConfigSaysWhatNewSets compares the comment of Config with joined.
func TestConfigSaysWhatNewSets(t *testing.T) {
	source, err := os.ReadFile("gatehouse.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, code, found := strings.Cut(string(source), "func (c Config) joined")
	set := regexp.MustCompile(`\bc\.([A-Z]\w*\.[A-Z]\w*)\b`).FindAllStringSubmatch(code, -1)
	if !found || len(set) < 10 {
		t.Fatalf("joined sets %d fields", len(set))
	}
	for _, m := range append(set, []string{"", "Limit.Stage"}) {
		if !strings.Contains(comment, m[1]) {
			t.Errorf("the comment of Config does not say that New sets %s", m[1])
		}
	}
}

const notes = `
openapi: 3.1.0
info: { title: Notes, version: "1" }
x-gatehouse:
  name: notes
  limit: [reading, writing]
  budgets: { reading: 1000000000/15m per address, writing: 1000000000/15m writes per member }
paths:
  /notes/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer, minimum: 1 } }]
    get:
      operationId: readNote
      x-gatehouse: { access: { roles: [member] } }
      responses: { "200": { description: The note } }
  /notes:
    post:
      operationId: addNote
      x-gatehouse: { access: { roles: [member] } }
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [title, kind, link, due, tags, text]
              properties:
                title: { type: string, minLength: 1, maxLength: 200, x-gatehouse: { trim: true } }
                kind: { enum: [internship, hackathon] }
                link: { type: string, format: uri, maxLength: 500 }
                due: { type: string, format: date }
                tags: { type: array, maxItems: 10, items: { type: string, maxLength: 20 } }
                text: { type: string, maxLength: 5000 }
      responses: { "200": { description: The note } }
`

type note struct {
	ID    int      `json:"id"`
	Title string   `json:"title"`
	Kind  string   `json:"kind"`
	Tags  []string `json:"tags"`
	Text  string   `json:"text"`
}

// answer is what the handler of tests and benchmarks returns: 300 bytes of
// JSON, encoded from a type for each call.
var answer = note{7, "Backend internship", "internship", []string{"go", "postgres", "remote"}, strings.Repeat("All the words of a note. ", 7) + "And so it has an ending."}

func handler() http.Handler {
	return call.Handler(func(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
		return call.JSON(w, r, http.StatusOK, answer)
	})
}

// postBody is a body of 300 bytes for addNote.
var postBody = []byte(`{"title":"Backend internship","kind":"internship","link":"https://jobs.example.org/openings/4711","due":"2026-12-01",` +
	`"tags":["go","postgres","remote"],"text":"` + strings.Repeat("x", 139) + `"}`)

// newTestGate builds a gate with every layer on and the record in a real file,
// and returns the header of a member.
func newTestGate(tb testing.TB, log *os.File) (*Gate, string) {
	tb.Helper()
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(notes)}, contract.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := authn.NewKey("EdDSA", public)
	if err != nil {
		tb.Fatal(err)
	}
	verifier, err := authn.NewJWT(authn.JWTConfig{
		Keys: authn.FixedKeys(map[string]authn.Key{"k": key}), Issuer: "https://issuer.example", Audience: "notes",
		Principal: func(_ context.Context, c authn.Claims) (*call.Principal, error) {
			return &call.Principal{ID: c.Subject, Role: "member", Expires: c.Expires}, nil
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	gate, err := New(Config{
		Contracts: []*contract.API{api},
		Authn:     authn.Config{Bearer: verifier},
		Observe:   observe.Config{Log: observe.NewJSON(log, slog.LevelInfo)},
	})
	if err != nil {
		tb.Fatal(err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"sub": "0190b0c8-0000-7000-8000-000000000001", "iss": "https://issuer.example", "aud": "notes", "jti": "1", "sid": "2", "role": "member",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	token.Header["kid"], token.Header["typ"] = "k", "at+jwt"
	signed, err := token.SignedString(private)
	if err != nil {
		tb.Fatal(err)
	}
	return gate, "Bearer " + signed
}

// request is a request from this machine, for one from elsewhere in the clear
// would be refused.
func request(method, target string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr = "127.0.0.1:40000"
	return r
}

func recordFile(tb testing.TB) *os.File {
	tb.Helper()
	f, err := os.Create(filepath.Join(tb.TempDir(), "record.log"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.Close() })
	return f
}

func TestNewTellsWhatIsWrong(t *testing.T) {
	api, err := contract.Load(contract.File{Name: "notes.yaml", Data: []byte(notes)}, contract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		cfg  Config
		says string
	}{
		"no contract":              {Config{}, "contract"},
		"one contract twice":       {Config{Contracts: []*contract.API{api, api}}, "/notes"},
		"a wildcard for an origin": {withOrigin(api, "*"), "headers"},
	} {
		if _, err := New(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, tt.says)
		}
	}
}

func withOrigin(api *contract.API, origin string) Config {
	c := Config{Contracts: []*contract.API{api}}
	c.Headers.CORS.Origins = []string{origin}
	return c
}

func TestTheHandlerGetsWhatWasProved(t *testing.T) {
	gate, member := newTestGate(t, recordFile(t))
	var who, operation string
	h := gate.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c := From(r.Context())
		who, operation = c.Principal().RoleOf(), c.Operation().ID
	}))
	r := request(http.MethodGet, "http://localhost/notes/7", nil)
	r.Header.Set("Authorization", member)
	h.ServeHTTP(httptest.NewRecorder(), r)
	if who != "member" || operation != "readNote" {
		t.Errorf("the handler sees %q and %q", who, operation)
	}
}

func TestTheHandlerIsNotCalledForARefusal(t *testing.T) {
	gate, member := newTestGate(t, recordFile(t))
	h := gate.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }))
	for _, tt := range []struct {
		name, method, target, auth string
		want                       int
	}{
		{"a strange host", "GET", "http://evil.example/notes/7", member, 421},
		{"an unknown path", "GET", "http://localhost/nothing", member, 404},
		{"a path that climbs", "GET", "http://localhost/notes/%2e%2e/7", member, 400},
		{"another method", "DELETE", "http://localhost/notes/7", member, 405},
		{"no credentials", "GET", "http://localhost/notes/7", "", 401},
		{"a parameter that does not fit", "GET", "http://localhost/notes/x", member, 400},
	} {
		r := request(tt.method, tt.target, nil)
		if tt.auth != "" {
			r.Header.Set("Authorization", tt.auth)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s: %d, want %d: %s", tt.name, w.Code, tt.want, w.Body)
		}
	}
}

func TestOptionsTellsTheMethods(t *testing.T) {
	gate, _ := newTestGate(t, recordFile(t))
	w := httptest.NewRecorder()
	gate.Wrap(handler()).ServeHTTP(w, request(http.MethodOptions, "http://localhost/notes/7", nil))
	if w.Code != http.StatusNoContent || !strings.Contains(w.Header().Get("Allow"), "GET") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestLayersAreNamedInOrder(t *testing.T) {
	gate, _ := newTestGate(t, recordFile(t))
	want := "call observe headers tls limit address route authn limit member authz validate limit account"
	if got := strings.Join(gate.Layers(), " "); got != want {
		t.Errorf("layers %q, want %q", got, want)
	}
	if len(gate.Table().APIs()) != 1 {
		t.Error("the table has not one contract")
	}
}

// The benchmarks share one handler and one kind of request. Bare is net/http's
// part and the handler; Chain is the same behind every layer, the record in a
// real file, the budgets counted and never used up.

func BenchmarkBareGET(b *testing.B) { benchmarkGET(b, handler(), "") }

func BenchmarkChainGET(b *testing.B) {
	gate, member := newTestGate(b, recordFile(b))
	benchmarkGET(b, gate.Wrap(handler()), member)
}

func BenchmarkBarePOST(b *testing.B) { benchmarkPOST(b, handler(), "") }

func BenchmarkChainPOST(b *testing.B) {
	gate, member := newTestGate(b, recordFile(b))
	benchmarkPOST(b, gate.Wrap(handler()), member)
}

func benchmarkGET(b *testing.B, h http.Handler, auth string) {
	r := request(http.MethodGet, "http://localhost/notes/7", nil)
	benchmark(b, h, r, auth, nil)
}

func benchmarkPOST(b *testing.B, h http.Handler, auth string) {
	if len(postBody) != 300 {
		b.Fatalf("the body has %d bytes, want 300", len(postBody))
	}
	r := request(http.MethodPost, "http://localhost/notes", nil)
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = int64(len(postBody))
	benchmark(b, h, r, auth, postBody)
}

func benchmark(b *testing.B, h http.Handler, r *http.Request, auth string, body []byte) {
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	reader := bytes.NewReader(body)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		w.status, w.size = 0, 0
		reader.Reset(body)
		if body != nil {
			r.Body = nopCloser{reader}
		}
		h.ServeHTTP(w, r)
		if w.status != http.StatusOK || w.size != 300 {
			b.Fatalf("answered %d with %d bytes", w.status, w.size)
		}
	}
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// discard is a ResponseWriter that counts and keeps nothing.
type discard struct {
	header       http.Header
	status, size int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(s int)   { d.status = s }
func (d *discard) Write(p []byte) (int, error) {
	d.size += len(p)
	return len(p), nil
}
