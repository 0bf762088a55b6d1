package gatetest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/gatehouse-api/gatehouse/authn"
)

// wrap goes around a whole handler and makes it careless about one thing.
type wrap func(http.Handler) http.Handler

// before changes what the handler gets.
func before(change func(r *http.Request)) wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			change(r)
			next.ServeHTTP(w, r)
		})
	}
}

// after changes the header of what the handler answers.
func after(change func(r *http.Request, status int, h http.Header)) wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&changing{ResponseWriter: w, change: func(status int) { change(r, status, w.Header()) }}, r)
		})
	}
}

type changing struct {
	http.ResponseWriter
	change func(status int)
	begun  bool
}

func (c *changing) WriteHeader(status int) {
	if !c.begun {
		c.begun = true
		c.change(status)
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *changing) Write(p []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(p)
}

func (c *changing) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// without takes a field off every answer.
func without(name string) wrap {
	return after(func(_ *http.Request, _ int, h http.Header) { h.Del(name) })
}

// rewritten puts another text in the place of one that the handler answers.
func rewritten(text, other string) wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&rewriting{w, text, other}, r)
		})
	}
}

type rewriting struct {
	http.ResponseWriter
	text, other string
}

func (w *rewriting) Write(p []byte) (int, error) {
	if string(p) == w.text {
		_, err := io.WriteString(w.ResponseWriter, w.other)
		return len(p), err
	}
	return w.ResponseWriter.Write(p)
}

func (w *rewriting) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// instead answers some requests in the handler's place.
func instead(which func(*http.Request) bool, status int, text string) wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !which(r) {
				next.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		})
	}
}

// repeats appends to every answer what a part of the request holds.
func repeats(part func(*http.Request) string) wrap {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			said := part(r)
			next.ServeHTTP(w, r)
			if said != "" && r.Header.Get("Upgrade") == "" {
				_, _ = io.WriteString(w, said)
			}
		})
	}
}

// respelled reads paths in another way than they were sent.
func respelled(spell func(path string) string) wrap {
	return before(func(r *http.Request) {
		path, query, _ := strings.Cut(r.RequestURI, "?")
		if read := spell(path); read != path {
			r.URL.Path, r.URL.RawPath, r.RequestURI = read, "", read
			if query != "" {
				r.RequestURI += "?" + query
			}
		}
	})
}

func cutAt(mark string) wrap {
	return respelled(func(path string) string {
		path, _, _ = strings.Cut(path, mark)
		return path
	})
}

// sent is a bearer token, and what it says where it is a JWT.
type sent struct {
	token          string
	header, claims map[string]any
	text           string // header and claims, decoded
}

func sentBy(r *http.Request) sent {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s := sent{token: token}
	for i, part := range strings.Split(token, ".") {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || i > 1 {
			break
		}
		_ = json.NewDecoder(bytes.NewReader(text)).Decode(map[int]any{0: &s.header, 1: &s.claims}[i])
		s.text += string(text)
	}
	return s
}

func (s sent) says(part map[string]any, name string) string {
	text, _ := part[name].(string)
	return text
}

// trusts takes some requests for those of somebody who may.
func trusts(which func(r *http.Request, s sent) bool) wrap {
	return before(func(r *http.Request) {
		if which(r, sentBy(r)) {
			r.Header.Set("Authorization", "Bearer "+tokenFor(r))
			r.Header.Del("Cookie")
			if i := strings.Index(r.URL.RawQuery, "access_token="); i >= 0 {
				r.URL.RawQuery = strings.TrimSuffix(r.URL.RawQuery[:i], "&")
			}
		}
	})
}

// believes trusts a JWT for what it says.
func believes(which func(s sent) bool) wrap {
	return trusts(func(_ *http.Request, s sent) bool { return s.header != nil && which(s) })
}

func tokenFor(r *http.Request) string {
	if r.Method == http.MethodPost || r.URL.Path == "/live" {
		return token("editor")()
	}
	return token("admin")()
}

// decodes reads bodies that are spoilt as somebody without care would.
func decodes(read func(body []byte) []byte) wrap {
	return before(func(r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if r.URL.Path == "/books" && r.Method == http.MethodPost {
			body = read(body)
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	})
}

// takes takes some bodies for a good one.
func takes(which func(body string) bool) wrap {
	return decodes(func(body []byte) []byte {
		if which(string(body)) {
			return []byte(aBook)
		}
		return body
	})
}

// ofOurSite takes some requests with a cookie for those of our own pages.
func ofOurSite(which func(site, origin string) bool) wrap {
	return before(func(r *http.Request) {
		_, err := r.Cookie(authn.DefaultCookie)
		if err == nil && which(r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")) {
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Del("Origin")
		}
	})
}

// grants lets pages of some origins read.
func grants(which func(origin string) bool) wrap {
	return after(func(r *http.Request, _ int, h http.Header) {
		if origin := r.Header.Get("Origin"); origin != "" && which(origin) {
			h.Set("Access-Control-Allow-Origin", origin)
		}
	})
}
