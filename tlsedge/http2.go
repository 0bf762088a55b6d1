package tlsedge

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// streams hands on the requests of HTTP/2, as many at one time as there may be
// connections: one connection has a hundred of them, and net/http lets a client
// with a window of nothing have each answer wait, with all that belongs to it,
// after its handler has returned.
type streams struct {
	next  http.Handler
	crowd crowd
}

// tooMany is the fault of a request above the caps.
const tooMany = "too many requests of HTTP/2 at one time"

func newStreams(next http.Handler, proxies []netip.Prefix) *streams {
	caps := Caps{Total: DefaultTotal, PerAddress: DefaultPerAddress, Proxies: proxies}
	return &streams{next: next, crowd: crowd{caps: caps, from: map[netip.Addr]int{}}}
}

// ServeHTTP counts a request until its answer is written but for the end of the
// stream. One above the caps is reset: an answer could wait as the others do.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 {
		s.next.ServeHTTP(w, r)
		return
	}
	conn, framed := r.Context().Value(connKey{}).(*frames)
	key := s.crowd.key(peer(r))
	if !s.crowd.enter(key) {
		if framed {
			conn.report(conn.RemoteAddr(), tooMany)
		}
		panic(http.ErrAbortHandler)
	}
	defer s.crowd.leave(key)
	if framed {
		r.TLS = &conn.state // net/http finds it on a *tls.Conn alone
	}
	s.next.ServeHTTP(w, r)
	_ = http.NewResponseController(w).Flush() // a client that has gone waits for nothing
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
