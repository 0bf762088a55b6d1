// Plain is an API of somebody's own: net/http, no gate, no package of ours. Its
// test attacks it with gatetest, from its OpenAPI document and access.yaml.
//
//	go run ./examples/plain
//	curl -i localhost:8003/health                                 # 204
//	curl -i localhost:8003/tasks -H 'Authorization: Bearer TOKEN' # with a token that is printed
//	go test -v ./examples/plain
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	a := newAPI("localhost")
	fmt.Println("A token of a member:", a.signIn(user{"ada", "member"}))
	fmt.Println("Listening on http://localhost:8003")
	server := &http.Server{
		Addr: "localhost:8003", Handler: a.handler(), MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
	}
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type user struct{ name, role string }

type task struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	owner string
}

// api keeps its sessions and tasks in memory.
type api struct {
	host     string
	mu       sync.Mutex
	sessions map[string]user
	tasks    []task
	last     int // id of the newest task
}

func newAPI(host string) *api {
	return &api{host: host, sessions: map[string]user{}}
}

// signIn begins a session: its id is a bearer token, or the value of the cookie
// __Host-session.
func (a *api) signIn(u user) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := rand.Text()
	a.sessions[id] = u
	return id
}

// handler is the whole of it.
func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, methods := range map[string]map[string]func(http.ResponseWriter, *http.Request, user){
		"/health":     {http.MethodGet: health},
		"/tasks":      {http.MethodGet: a.member(a.list, "member", "admin"), http.MethodPost: a.member(a.add, "member")},
		"/tasks/{id}": {http.MethodDelete: a.member(a.remove, "member", "admin")},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.dispatch(w, r, methods) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound) })
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusForbidden) }))
	return a.guard(own.Handler(mux))
}

func (a *api) dispatch(w http.ResponseWriter, r *http.Request, methods map[string]func(http.ResponseWriter, *http.Request, user)) {
	u, ok := a.caller(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized)
		return
	}
	do := methods[r.Method]
	switch {
	case do == nil:
		var allow []string
		for m := range methods {
			allow = append(allow, m)
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		refuse(w, http.StatusMethodNotAllowed)
	case r.URL.RawQuery != "": // no operation takes a query
		refuse(w, http.StatusBadRequest)
	default:
		do(w, r, u)
	}
}

// guard is what every request passes and every answer gets.
func (a *api) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Request-Id", rand.Text())
		if name, _, _ := strings.Cut(r.Host, ":"); name != a.host {
			refuse(w, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// caller finds out who asks; nobody is a guest. It is false for a credential that
// does not hold.
func (a *api) caller(r *http.Request) (user, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fields := r.Header.Values("Authorization")
	if len(fields) > 0 {
		token, bearer := strings.CutPrefix(fields[0], "Bearer ")
		u, known := a.sessions[token]
		return u, known && bearer && len(fields) == 1
	}
	if c, err := r.Cookie("__Host-session"); err == nil {
		return a.sessions[c.Value], true
	}
	return user{}, true
}

// member lets roles through, and tells guests from others.
func (a *api) member(do func(http.ResponseWriter, *http.Request, user), roles ...string) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, r *http.Request, u user) {
		for _, role := range roles {
			if u.role == role {
				do(w, r, u)
				return
			}
		}
		if u.role == "" {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized)
			return
		}
		refuse(w, http.StatusForbidden)
	}
}
