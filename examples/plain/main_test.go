package main

import (
	"net/http/httptest"
	"os"
	"testing"

	"github.com/gatehouse-api/gatehouse/gatetest"
)

// TestSecurity is all that an importer writes.
func TestSecurity(t *testing.T) {
	a := newAPI("localhost")
	a.tasks, a.last = []task{{1, "Water the plants", "eve"}}, 1
	handler := a.handler()
	server := httptest.NewServer(handler)
	defer server.Close()

	member := func() string { return a.signIn(user{"ada", "member"}) }
	admin := func() string { return a.signIn(user{"root", "admin"}) }
	cookie := func(session func() string) func() string {
		return func() string { return "__Host-session=" + session() }
	}
	gatetest.Run(t, handler, gatetest.Target{
		Table:   gatetest.Compile(t, read(t, "openapi.yaml"), read(t, "access.yaml")),
		Tokens:  map[string]func() string{"member": member, "admin": admin},
		Cookies: map[string]func() string{"member": cookie(member), "admin": cookie(admin)},
		Others:  map[string]map[string]string{"removeTask": {"path.id": "1"}}, // eve's
		Address: server.Listener.Addr().String(),
		Leave: map[string]string{
			"transport":               "it listens on the loopback alone; the proxy in front speaks TLS",
			"scans":                   "the proxy in front counts calls",
			"framing":                 "net/http forgives a few of these rows; the proxy in front does not",
			"path without end":        "a handler is not asked: http.Server refuses it, see MaxHeaderBytes",
			"body: member sent twice": "bodies are read once, by encoding/json, which takes the last",
			"body: lone surrogate":    "encoding/json makes U+FFFD of it, which is a title as any other",
		},
	})
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
