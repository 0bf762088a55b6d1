package tlsedge

import (
	"net/http"
	"strconv"
	"strings"
)

// overFrames gives requests the Request.TLS of their connection, which net/http
// finds on its own *tls.Conn alone.
func overFrames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*frames); ok {
			r.TLS = &c.state
		}
		next.ServeHTTP(w, r)
	})
}

// contradictory tells whether a request of HTTP/2 names another host or length
// in its fields than in its frames, or a host in its path. net/http lets that
// pass (RFC 9113 §8.1.1 and §8.3.1 call it malformed), and whoever writes the
// request on as HTTP/1.1 would make two of it.
func contradictory(r *http.Request) bool {
	if r.ProtoMajor < 2 {
		return false // refused on the connection
	}
	if r.URL.IsAbs() {
		return true
	}
	if hosts := r.Header["Host"]; len(hosts) > 1 || len(hosts) == 1 && !strings.EqualFold(hosts[0], r.Host) {
		return true
	}
	lengths := r.Header["Content-Length"]
	return len(lengths) > 1 || len(lengths) == 1 && lengths[0] != strconv.FormatInt(r.ContentLength, 10)
}
