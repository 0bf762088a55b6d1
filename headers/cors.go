package headers

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

// CORS says which other origins may read answers, and with which requests.
type CORS struct {
	Origins        []string      // exact: "https://app.example.com", "http://localhost:3000"; never "*" or "null"
	AllowHeaders   []string      // request fields beside those that are always allowed
	ExposeHeaders  []string      // answer fields beside those that are always exposed
	MaxAge         time.Duration // how long a preflight holds; 10 minutes when 0, 2 hours at most as in Chromium
	PrivateNetwork bool          // pages of the public internet may call this server on a private network

	// InsecurePlainOrigins lets Origins hold http:// origins that are not
	// loopback: whoever is on their way reads with the rights of their users.
	InsecurePlainOrigins bool

	// InsecureAnyOrigin lets every page in the world read every answer that
	// needs no cookie. Origins must be empty.
	InsecureAnyOrigin bool
}

// The request fields that an allowed origin may always send, and the answer
// fields it may always read: those of the gate and of the built-in apps.
var (
	allowHeaders = []string{
		"Content-Type", "Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id",
		"X-Device-Id", "X-Csrf-Token", "X-Timestamp", "X-Client-Version",
	}
	exposeHeaders = []string{
		"ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit",
		"X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id", "Idempotent-Replayed", "WWW-Authenticate",
		"Deprecation", "Sunset", "Link", "X-Device-Id", "X-Csrf-Token", "X-Timestamp",
	}
)

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowMethods     = "Access-Control-Allow-Methods"
	allowFields      = "Access-Control-Allow-Headers"
	allowPrivate     = "Access-Control-Allow-Private-Network"
	exposeFields     = "Access-Control-Expose-Headers"
	maxAgeField      = "Access-Control-Max-Age"
)

// cors is CORS compiled: values that are assigned as they are.
type cors struct {
	origins map[string][]string // by origin, the value of Access-Control-Allow-Origin
	any     []string            // set with InsecureAnyOrigin
	allow   []string
	expose  []string
	maxAge  []string
	private bool
}

var (
	yes           = []string{"true"}
	varyOrigin    = []string{"Origin"}[:1:1]
	varyPreflight = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}[:1:1]
)

func newCORS(cfg CORS) (cors, error) {
	var faults []error
	if cfg.MaxAge == 0 {
		cfg.MaxAge = 10 * time.Minute
	}
	if cfg.MaxAge < 0 || cfg.MaxAge > 2*time.Hour {
		faults = append(faults, fmt.Errorf("headers: CORS.MaxAge is %v; 0 to 2 hours", cfg.MaxAge))
	}
	for _, name := range append(append([]string(nil), cfg.AllowHeaders...), cfg.ExposeHeaders...) {
		if !token(name) {
			faults = append(faults, fmt.Errorf("headers: %q is no name of a header field, and with credentials there is no wildcard", name))
		}
	}
	k := cors{
		origins: map[string][]string{}, private: cfg.PrivateNetwork,
		allow:  []string{strings.Join(append(allowHeaders[:len(allowHeaders):len(allowHeaders)], cfg.AllowHeaders...), ", ")},
		expose: []string{strings.Join(append(exposeHeaders[:len(exposeHeaders):len(exposeHeaders)], cfg.ExposeHeaders...), ", ")},
		maxAge: []string{strconv.Itoa(int(cfg.MaxAge / time.Second))},
	}
	for _, o := range cfg.Origins {
		if err := exactOrigin(o, cfg.InsecurePlainOrigins); err != nil {
			faults = append(faults, fmt.Errorf("headers: origin %q: %w", o, err))
		}
		k.origins[o] = []string{o}
	}
	if cfg.InsecureAnyOrigin {
		k.any = []string{"*"}
		if len(cfg.Origins) > 0 {
			faults = append(faults, errors.New("headers: InsecureAnyOrigin and Origins are both set; the list is for credentials, and with credentials there is no wildcard"))
		}
	}
	return k, errors.Join(faults...)
}

// exactOrigin tells whether o is written as a browser writes an origin (RFC 6454
// §6.2), and is one that may be trusted.
func exactOrigin(o string, plain bool) error {
	switch {
	case o == "null":
		return errors.New("it is the origin of every sandboxed page and file; it is never allowed")
	case strings.Contains(o, "*"):
		return errors.New("a wildcard is not an origin; anyone may register a name that it fits. List each origin")
	}
	u, err := url.Parse(o)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("write it as https://host or https://host:port")
	}
	if o != u.Scheme+"://"+u.Host || strings.ToLower(o) != o || !ascii(o) {
		return errors.New("it is compared to the letter: scheme, host and port in lower case, no path, no slash at the end")
	}
	if u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" || strings.HasSuffix(u.Host, ":") {
		return errors.New("browsers leave the default port out; leave it out too")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.String() != u.Hostname() {
		return fmt.Errorf("browsers write this address as %s", a)
	}
	if u.Scheme == "http" && !plain && !loopback(u.Host) {
		return errors.New("over http anyone on the way can act for it; use https, or set InsecurePlainOrigins")
	}
	return nil
}

func ascii(s string) bool {
	for _, b := range []byte(s) {
		if b <= 0x20 || b > 0x7e {
			return false
		}
	}
	return true
}

// token tells whether s is a token (RFC 9110 §5.6.2) and not the wildcard.
func token(s string) bool {
	for _, b := range []byte(s) {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && !strings.ContainsRune("!#$%&'+-.^_`|~", rune(b)) {
			return false
		}
	}
	return s != ""
}

// allowed is the value of Access-Control-Allow-Origin for a request, or nil.
func (k *cors) allowed(r *http.Request) []string {
	if k.any != nil {
		return k.any
	}
	origin := r.Header["Origin"]
	if len(origin) != 1 {
		return nil
	}
	return k.origins[origin[0]]
}

// preflight answers a CORS preflight of an allowed origin for a known path and
// tells that it has.
func (k *cors) preflight(w http.ResponseWriter, r *http.Request, c *call.Call, origin []string) bool {
	if r.Method != http.MethodOptions || origin == nil || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	m := c.Match()
	methods := strings.Join(m.Allow, ", ")
	if m.Operation == nil && m.Miss == nil { // no contract is at work
		methods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	}
	if methods == "" {
		return false
	}
	h := w.Header()
	h[allowMethods] = []string{methods}
	h[allowFields] = k.allow
	h[maxAgeField] = k.maxAge
	h["Vary"] = varyPreflight
	if k.private && r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h[allowPrivate] = yes
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// write states what an origin may do. What a handler or an upstream said of CORS
// is taken away: it does not know the list.
func (k *cors) write(h http.Header, origin []string) {
	if k.any == nil {
		varyByOrigin(h)
	}
	delete(h, allowOrigin)
	delete(h, allowCredentials)
	delete(h, exposeFields)
	if origin == nil {
		delete(h, allowMethods)
		delete(h, allowFields)
		delete(h, allowPrivate)
		delete(h, maxAgeField)
		return
	}
	h[allowOrigin] = origin
	h[exposeFields] = k.expose
	if k.any == nil {
		h[allowCredentials] = yes
	}
}

// varyByOrigin adds Origin to Vary, so that no cache gives one origin's answer
// to another.
func varyByOrigin(h http.Header) {
	lines := h["Vary"]
	if lines == nil {
		h["Vary"] = varyOrigin
		return
	}
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.TrimSpace(name)
			if name == "*" || strings.EqualFold(name, "Origin") {
				return
			}
		}
	}
	h["Vary"] = append(lines[:len(lines):len(lines)], "Origin")
}
