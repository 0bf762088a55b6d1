package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

func TestTheGateGuardsAPlainMux(t *testing.T) {
	secret := bytes.Repeat([]byte("k"), 32)
	var record bytes.Buffer
	h, err := newHandler(secret, slog.NewJSONHandler(&record, nil))
	if err != nil {
		t.Fatal(err)
	}
	good := "Bearer " + token(secret, "ada", time.Now())
	old := "Bearer " + token(secret, "ada", time.Now().Add(-time.Hour))
	for _, tt := range []struct {
		name, method, path, auth, body string
		want                           int
	}{
		{"a guest reads", "GET", "/notes", "", "", 200},
		{"a guest writes", "POST", "/notes", "", `{"text":"x"}`, 401},
		{"a member writes", "POST", "/notes", good, `{"text":"x"}`, 201},
		{"an expired token", "POST", "/notes", old, `{"text":"x"}`, 401},
		{"a blank note", "POST", "/notes", good, `{"text":"  "}`, 400},
		{"an author of one's choice", "POST", "/notes", good, `{"text":"x","author":"eve"}`, 400},
		{"a path that no contract describes", "GET", "/debug", "", "", 404},
		{"a method that the path does not answer", "DELETE", "/notes", "", "", 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://localhost"+tt.path, strings.NewReader(tt.body))
			r.RemoteAddr = "127.0.0.1:40000" // from this machine: the rest of the world must come over TLS
			if tt.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("X-Request-Id") == "" {
				t.Errorf("headers are missing: %v", w.Header())
			}
		})
	}
	if n := strings.Count(record.String(), "\n"); n != 8 {
		t.Errorf("%d records for 8 requests", n)
	}
}

// TestSecurity attacks the handler, and the server that it runs in.
func TestSecurity(t *testing.T) {
	secret := bytes.Repeat([]byte("k"), 32)
	h, err := newHandler(secret, slog.DiscardHandler)
	if err != nil {
		t.Fatal(err)
	}
	people := 0
	gatetest.Run(t, h, gatetest.Target{
		Table: gatetest.Compile(t, string(document)),
		Tokens: map[string]func() string{"member": func() string { // another one each time: a member may write ten notes a minute
			people++
			return token(secret, fmt.Sprint("member ", people), time.Now())
		}},
		Sign: func(input []byte) []byte {
			mac := hmac.New(sha256.New, secret)
			mac.Write(input)
			return mac.Sum(nil)
		},
		Address: serve(t, h),
	})
}

// serve runs the server of main on a port of its own.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server, err := tlsedge.NewServer(tlsedge.ServerConfig{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tlsedge.Listen(t.Context(), "localhost:0", tlsedge.Caps{})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = tlsedge.Serve(server, listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}
