package tlsedge_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gatehouse-api/gatehouse/tlsedge"
)

// The layer alone on a mux: requests for another host never reach it.
func ExampleNew() {
	edge, err := tlsedge.New(tlsedge.Config{Hosts: []string{"api.example.org"}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "notes") })
	handler := edge(mux)

	for _, target := range []string{
		"https://api.example.org/notes",
		"https://rebind.example.net/notes",
		"http://api.example.org/notes",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, target)
	}
	// Output:
	// 200 https://api.example.org/notes
	// 421 https://rebind.example.net/notes
	// 403 http://api.example.org/notes
}

// A server with its limits on a listener with caps.
func ExampleServe() {
	server, err := tlsedge.NewServer(tlsedge.ServerConfig{
		Addr:         ":8443",
		Handler:      http.NewServeMux(),
		Certificates: []tlsedge.KeyPair{{CertFile: "/etc/gatehouse/cert.pem", KeyFile: "/etc/gatehouse/key.pem"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := tlsedge.Listen(context.Background(), server.Addr, tlsedge.Caps{})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(tlsedge.Serve(server, listener))
	// Output: tlsedge: opening certificate file: stat /etc/gatehouse/cert.pem: no such file or directory
}
